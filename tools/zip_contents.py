"""What a built zip must hold: the wheels its manifest names, for its platform and every Python, and all licences.

`problems(zip)` lists the errors; tools/build.py writes no zip with an error.
"""

from __future__ import annotations

import re
import tomllib
import zipfile
from dataclasses import dataclass
from pathlib import Path

from licences import FILE as THIRD_PARTY
from licences import unlisted

PYTHONS = ("3.11", "3.13")
"""Of Blender 4.2 to 5.2."""
WHEELS = ("filelock", "packaging", "safetensors", "scipy-openblas32", "tokenizers")
LARGEST = 120_000_000
WHEEL_TAGS = {
    "linux-x64": "manylinux_2_28_x86_64",
    "macos-arm64": "macosx_11_0_arm64",
    "macos-x64": "macosx_10_12_x86_64",
    "windows-x64": "win_amd64",
}
"""For each of Blender's platforms, the oldest system that wheels may require: at most that of Blender 4.2."""


@dataclass(frozen=True)
class WheelName:
    """The fields of a wheel's file name (PEP 427)."""

    name: str
    version: str
    python: str
    abi: str
    platforms: tuple[str, ...]

    @classmethod
    def of(cls, file: str) -> WheelName:
        """Raises ValueError if it is no wheel's name."""
        parts = file.removesuffix(".whl").split("-")
        if not file.endswith(".whl") or len(parts) != 5:
            raise ValueError(f"{file} is no wheel's name")
        name, version, python, abi, platforms = parts
        return cls(name, version, python, abi, tuple(platforms.split(".")))

    def serves(self, python: str) -> bool:
        """Whether that Python ("3.11") can load it. A stable interface (abi3) serves later Pythons too."""
        required = tuple(int(part) for part in python.split("."))
        found = re.fullmatch(r"cp(\d)(\d+)", self.python)
        if found is None:
            return self.python == "py3" and self.abi == "none"
        built = tuple(int(part) for part in found.groups())
        return required >= built if self.abi == "abi3" else required == built and self.abi == self.python

    def fits(self, platform: str) -> bool:
        """Whether it runs on the oldest systems of one of Blender's platforms."""
        return any(each == "any" or _runs(each, WHEEL_TAGS[platform]) for each in self.platforms)


def _runs(tag: str, oldest: str) -> bool:
    """Whether a wheel's platform tag is not newer than `oldest`."""
    tag = tag.replace("manylinux2014_", "manylinux_2_17_")
    pattern = r"(manylinux|macosx)_(\d+)_(\d+)_(\w+)"
    required, available = re.fullmatch(pattern, tag), re.fullmatch(pattern, oldest)
    if required is None or available is None:
        return tag == oldest
    same = required[1] == available[1] and (
        required[4] == available[4] or (required[1] == "macosx" and required[4] == "universal2")
    )
    return same and (int(required[2]), int(required[3])) <= (int(available[2]), int(available[3]))


def problems(archive: Path) -> list[str]:
    """One sentence for everything that is wrong with a built zip; none if it is as it should be."""
    found = []
    size = archive.stat().st_size
    if size > LARGEST:
        found.append(f"The zip has {size / 1e6:.0f} MB, more than {LARGEST / 1e6:.0f}.")
    with zipfile.ZipFile(archive) as opened:
        names = [name for name in opened.namelist() if not name.endswith("/")]
        manifest = tomllib.loads(opened.read("blender_manifest.toml").decode())
        licences = opened.read(THIRD_PARTY).decode() if THIRD_PARTY in names else ""
    found += [f"{name} and {THIRD_PARTY} do not agree." for name in unlisted(names, licences)]
    named = [path.removeprefix("./") for path in manifest.get("wheels", [])]
    found += [f"{path} is named by the manifest and not there." for path in named if path not in names]
    carried = [name for name in names if name.endswith(".whl")]
    found += [f"{name} is there and not named by the manifest." for name in carried if name not in named]
    platforms = manifest.get("platforms", [])
    if not platforms or any(platform not in WHEEL_TAGS for platform in platforms):
        found.append(f"The manifest is for the platforms {platforms}: choose of {', '.join(WHEEL_TAGS)}.")
        return found
    wheels = []
    for path in named:
        try:
            wheels.append(WheelName.of(path.rpartition("/")[2]))
        except ValueError as error:
            found.append(f"{error}.")
    for name in WHEELS:
        for platform in platforms:
            fitting = [wheel for wheel in wheels if wheel.name == name.replace("-", "_") and wheel.fits(platform)]
            found += [
                f"No wheel of {name} is for Python {python} on {platform}."
                for python in PYTHONS
                if not any(wheel.serves(python) for wheel in fitting)
            ]
    return found
