#!/bin/sh
# The Debian packages that Blender's PyPI wheel, virtual environments and software OpenGL need.
# Run as root it installs what is missing; else it says what to install. Nothing to do: silent.
set -eu
packages="python3-venv libx11-6 libxi6 libxkbcommon0 libxrender1 libxfixes3 libxxf86vm1 libsm6 libxt6 libgl1 libegl1 libgl1-mesa-dri libgomp1"
[ "$#" -eq 0 ] || packages="$packages $*"
command -v dpkg-query >/dev/null 2>&1 || exit 0     # not Debian: Blender says itself what is missing
missing=""
for package in $packages; do
    dpkg-query -W -f '${Status}\n' "$package" 2>/dev/null | grep -q "ok installed" || missing="$missing $package"
done
[ -n "$missing" ] || exit 0
if [ "$(id -u)" -ne 0 ]; then
    echo "Missing system packages; install them with: sudo apt-get install$missing" >&2
    exit 0                                          # a library may be there without its package: go on and see
fi
echo "Installing system packages:$missing"
export DEBIAN_FRONTEND=noninteractive
nice -n 10 apt-get update -qq
nice -n 10 apt-get install -y -qq --no-install-recommends $missing >/dev/null
