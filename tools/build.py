"""Builds dist/motionlcm_blender-VERSION-PLATFORM.zip, ready to install in Blender from disk, for each platform.

    python tools/build.py [--platform NAME|all] [--model FOLDER] [--output FILE.zip | --folder FOLDER]

A zip is the repository's extension (training left out) with the bundled model, the text encoder in eight bits, and the
published wheels it needs for one platform, which serve every Python that Blender 4.2 to 5.2 has.
Nothing in it is compiled here, so each platform's zip is built on any machine; one zip for all platforms would be 77 MB
instead of 44. Blender's own builder makes and validates it. Run it with the Python of one of
tools/blender_environments.py's environments, which has Blender's builder and the text encoder's package.
"""

from __future__ import annotations

import argparse
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from licences import FILE as THIRD_PARTY
from licences import LicenceProblem, third_party
from motionlcm_blender.text.minilm_files import NAME as TEXT_ENCODER
from motionlcm_blender.text.minilm_files import write_eight_bits
from zip_contents import PYTHONS, WHEEL_TAGS, WHEELS, problems

ROOMS = ("__init__.py", "blender_manifest.toml", "LICENSE", "motionlcm_blender", "operators", "ui")
LEFT_OUT = ("__pycache__", "*.pyc", "training", ".*")
GUIDE = ("guide.html", "images")
"""Of docs/guide, as the folder guide of the zip."""


class BuildProblem(RuntimeError):
    """The zip cannot be built; the message contains the reason."""


def this_platform() -> str:
    """Blender's name of this machine: linux-x64, macos-arm64, ..."""
    system = {"Linux": "linux", "Darwin": "macos", "Windows": "windows"}[platform.system()]
    machine = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}[platform.machine().lower()]
    return f"{system}-{machine}"


def fetch_wheels(target: Path, platform_name: str) -> list[str]:
    """Put a platform's wheels for all Pythons into `target`; returns their names.

    pip takes them from the package index as they were published there, also for systems other than this one. One abi3
    wheel serves several Pythons.
    """
    lines = (ROOT / "requirements" / "runtime.txt").read_text().splitlines()
    wanted = [line.strip() for line in lines if line.startswith(WHEELS)]
    target.mkdir(parents=True)
    for version in PYTHONS:
        command = [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check", "download", "--no-deps"]
        command += ["--only-binary=:all:", "--python-version", version]
        command += [word for tag in older_tags(WHEEL_TAGS[platform_name]) for word in ("--platform", tag)]
        if subprocess.run([*command, "--dest", str(target), *wanted], check=False).returncode:
            raise BuildProblem(f"pip could not fetch the wheels of {platform_name} for Python {version}.")
    return sorted(path.name for path in target.glob("*.whl"))


def older_tags(tag: str) -> list[str]:
    """A platform tag, and those of older Linux systems that pip does not derive from it."""
    older = [] if "manylinux" not in tag else [tag.replace("_2_28_", f"_2_{minor}_") for minor in range(27, 16, -1)]
    return [tag, *older]


def fill_manifest(text: str, wheels: list[str], platform_name: str) -> str:
    """The manifest with its empty `wheels` filled and `platforms` set to the machine the wheels are for."""
    filled = "wheels = [\n" + "".join(f'  "./wheels/{name}",\n' for name in wheels) + "]\n"
    filled += f'platforms = ["{platform_name}"]\n'
    text, count = re.subn(r"^wheels = \[\s*\]\n", filled, text, flags=re.MULTILINE)
    if count != 1:
        raise BuildProblem("blender_manifest.toml must hold one empty line: wheels = [].")
    tomllib.loads(text)
    return text


def blender_builder() -> Path:
    """Blender's own extension builder, a plain Python script inside the bpy wheel."""
    spec = find_spec("bpy")
    if spec is None or not spec.submodule_search_locations:
        raise BuildProblem("Build with a Python that has bpy: tools/blender_environments.py 4.5 makes one.")
    found = sorted(Path(spec.submodule_search_locations[0]).glob("*/scripts/addons_core/bl_pkg/cli/blender_ext.py"))
    if not found:
        raise BuildProblem("The installed bpy carries no extension builder.")
    return found[0]


def stage(source: Path, model: Path) -> None:
    """Lay out in the folder `source` what every platform's zip holds."""
    source.mkdir()
    for name in ROOMS:
        origin = ROOT / name
        if origin.is_dir():
            shutil.copytree(origin, source / name, ignore=shutil.ignore_patterns(*LEFT_OUT))
        elif origin.is_file():
            shutil.copy2(origin, source / name)
        else:
            raise BuildProblem(f"{name} is missing from the repository.")
    (source / "guide").mkdir()
    for name in GUIDE:
        origin = ROOT / "docs" / "guide" / name
        copy = shutil.copytree if origin.is_dir() else shutil.copy2
        copy(origin, source / "guide" / name)
    if not (model / "config.json").is_file():
        raise BuildProblem(f"{model} is no model folder: it holds no config.json.")
    shutil.copytree(model, source / "bundled_models" / "default")
    write_eight_bits(source / "bundled_models" / TEXT_ENCODER)


def add_platform(source: Path, platform_name: str) -> None:
    """Put one platform's wheels into the staged folder, in place of another's; name them and their licences."""
    shutil.rmtree(source / "wheels", ignore_errors=True)
    wheels = fetch_wheels(source / "wheels", platform_name)
    manifest = (ROOT / "blender_manifest.toml").read_text("utf-8")
    (source / "blender_manifest.toml").write_text(fill_manifest(manifest, wheels, platform_name), "utf-8")
    try:
        (source / THIRD_PARTY).write_text(third_party(source), encoding="utf-8")
    except LicenceProblem as problem:
        raise BuildProblem(str(problem)) from problem


def run_builder(*arguments: str) -> None:
    """Blender's own builder. Raises BuildProblem with its output."""
    command = [sys.executable, str(blender_builder()), *arguments]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode:
        raise BuildProblem(f"Blender's builder refused: {answer.stdout.strip()} {answer.stderr.strip()}")


def build(
    model: Path, platforms: Iterable[str], output: Path | None = None, folder: Path = ROOT / "dist"
) -> dict[str, Path]:
    """Build, check, move into place; returns each platform's zip. output: of the only platform. Raises BuildProblem."""
    (ROOT / "build").mkdir(exist_ok=True)
    version = tomllib.loads((ROOT / "blender_manifest.toml").read_text("utf-8"))["version"]
    made = {}
    with tempfile.TemporaryDirectory(dir=ROOT / "build", prefix="zip-") as temporary:
        source, fresh = Path(temporary) / "source", Path(temporary) / "fresh.zip"
        stage(source, model)
        for name in platforms:
            add_platform(source, name)
            run_builder("build", "--source-dir", str(source), "--output-filepath", str(fresh))
            run_builder("validate", str(fresh))
            if found := problems(fresh):
                raise BuildProblem(" ".join(found))
            made[name] = output or folder / f"motionlcm_blender-{version}-{name}.zip"
            made[name].parent.mkdir(parents=True, exist_ok=True)
            fresh.replace(made[name])
    return made


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    here = this_platform()
    parser.add_argument("--platform", choices=(*WHEEL_TAGS, "all"), default=here, help=f"here: {here}")
    parser.add_argument("--model", type=Path, default=ROOT / "bundled_models" / "default", help="what to bundle")
    parser.add_argument("--output", type=Path, default=None, help="the path of the one zip")
    parser.add_argument("--folder", type=Path, default=ROOT / "dist", help="where zips go that have no --output")
    arguments = parser.parse_args()
    platforms = tuple(WHEEL_TAGS) if arguments.platform == "all" else (arguments.platform,)
    if arguments.output and len(platforms) > 1:
        parser.error("--output names one zip: choose one platform, or a --folder")
    try:
        output = arguments.output and arguments.output.resolve()
        made = build(arguments.model.resolve(), platforms, output, arguments.folder.resolve())
    except BuildProblem as problem:
        print(f"Not built: {problem}", file=sys.stderr)
        return 1
    for path in made.values():
        print(f"{path}: {path.stat().st_size / 1e6:.1f} MB, valid")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
