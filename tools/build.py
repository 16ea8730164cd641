"""Builds dist/motionlcm_blender-VERSION-PLATFORM.zip, ready to install in Blender from disk.

    python tools/build.py [--model FOLDER] [--output FILE.zip]

The zip is the repository's extension (training left out) with the bundled model, the text encoder in eight bits,
and the `tokenizers` and `safetensors` wheels for the machine it is built on, for every Python that Blender 4.2 to 5.2
has. Blender's own builder makes and validates it. Run it with the Python of one of tools/blender_environments.py's
environments, which has Blender's builder and the text encoder's package.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from motionlcm_blender.text_encoder_files import NAME as TEXT_ENCODER
from motionlcm_blender.text_encoder_files import write_eight_bits

ROOMS = ("__init__.py", "blender_manifest.toml", "LICENSE", "motionlcm_blender", "operators", "ui")
LEFT_OUT = ("__pycache__", "*.pyc", "training", ".*")
PYTHONS = ("3.11", "3.13")
WHEELS = ("safetensors", "tokenizers")


class BuildProblem(RuntimeError):
    """The zip cannot be built; the message says why."""


def this_platform() -> str:
    """Blender's name of this machine: linux-x64, macos-arm64, ..."""
    system = {"Linux": "linux", "Darwin": "macos", "Windows": "windows"}[platform.system()]
    machine = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}[platform.machine().lower()]
    return f"{system}-{machine}"


def fetch_wheels(target: Path) -> list[str]:
    """Put the wheels for all Pythons into `target`; returns their names. One abi3 wheel serves several Pythons."""
    lines = (ROOT / "requirements" / "runtime.txt").read_text().splitlines()
    wanted = [line.strip() for line in lines if line.startswith(WHEELS)]
    target.mkdir(parents=True)
    for version in PYTHONS:
        command = [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check", "download", "--no-deps"]
        command += ["--only-binary=:all:", "--python-version", version, "--dest", str(target), *wanted]
        if subprocess.run(command, check=False).returncode:
            raise BuildProblem(f"pip could not fetch the wheels for Python {version}.")
    return sorted(path.name for path in target.glob("*.whl"))


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


def stage(source: Path, model: Path) -> str:
    """Lay out what goes into the zip in the folder `source`; returns the platform's name."""
    source.mkdir()
    for name in ROOMS:
        origin = ROOT / name
        if origin.is_dir():
            shutil.copytree(origin, source / name, ignore=shutil.ignore_patterns(*LEFT_OUT))
        elif origin.is_file():
            shutil.copy2(origin, source / name)
        else:
            raise BuildProblem(f"{name} is missing from the repository.")
    if not (model / "config.json").is_file():
        raise BuildProblem(f"{model} is no model folder: it holds no config.json.")
    shutil.copytree(model, source / "bundled_models" / "default")
    write_eight_bits(source / "bundled_models" / TEXT_ENCODER)
    manifest = source / "blender_manifest.toml"
    manifest.write_text(fill_manifest(manifest.read_text(), fetch_wheels(source / "wheels"), this_platform()))
    return this_platform()


def build(model: Path, output: Path | None = None) -> Path:
    """Build, validate, move into place; returns the zip's path. Raises BuildProblem."""
    builder = [sys.executable, str(blender_builder())]
    (ROOT / "build").mkdir(exist_ok=True)
    version = tomllib.loads((ROOT / "blender_manifest.toml").read_text())["version"]
    with tempfile.TemporaryDirectory(dir=ROOT / "build", prefix="zip-") as temporary:
        source, fresh = Path(temporary) / "source", Path(temporary) / "fresh.zip"
        platform_name = stage(source, model)
        output = output or ROOT / "dist" / f"motionlcm_blender-{version}-{platform_name}.zip"
        arguments = ["build", "--source-dir", str(source), "--output-filepath", str(fresh)]
        for command in ([*builder, *arguments], [*builder, "validate", str(fresh)]):
            answer = subprocess.run(command, capture_output=True, text=True, check=False)
            if answer.returncode:
                raise BuildProblem(f"Blender's builder refused: {answer.stdout.strip()} {answer.stderr.strip()}")
        output.parent.mkdir(parents=True, exist_ok=True)
        os.replace(fresh, output)
    return output


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=ROOT / "bundled_models" / "default", help="what to bundle")
    parser.add_argument("--output", type=Path, default=None, help="the zip's path; default: in dist/")
    arguments = parser.parse_args()
    try:
        made = build(arguments.model.resolve(), arguments.output and arguments.output.resolve())
    except BuildProblem as problem:
        print(f"Not built: {problem}", file=sys.stderr)
        return 1
    print(f"{made}: {made.stat().st_size / 2**20:.1f} MiB, valid")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
