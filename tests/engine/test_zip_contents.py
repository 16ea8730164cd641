"""What tools/zip_contents.py finds wrong with a zip. The built zip itself is held to it in tests/installed."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))

from zip_contents import LARGEST, WHEEL_TAGS, WheelName, problems  # noqa: E402

LINUX = "manylinux_2_17_x86_64.manylinux2014_x86_64"


def archive_of(
    folder: Path, wheels: tuple[str, ...], named: tuple[str, ...] | None = None, on: str = "linux-x64"
) -> Path:
    """A zip with only a manifest and empty wheels."""
    lines = [f"  './wheels/{name}'," for name in (wheels if named is None else named)]
    manifest = "\n".join(["wheels = [", *lines, "]", f'platforms = ["{on}"]', ""])
    path = folder / "extension.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("blender_manifest.toml", manifest)
        for name in wheels:
            archive.writestr(f"wheels/{name}", b"")
    return path


def wheels_for(tag: str, python: str = "cp310-abi3") -> tuple[str, ...]:
    return (f"safetensors-0.8.0-{python}-{tag}.whl", f"tokenizers-0.23.3-{python}-{tag}.whl")


@pytest.mark.parametrize(("platform", "tag"), WHEEL_TAGS.items())
def test_wheels_of_each_platform_pass(tmp_path: Path, platform: str, tag: str) -> None:
    assert problems(archive_of(tmp_path, wheels_for(tag), on=platform)) == []


def test_a_wheel_that_is_named_is_there_and_one_that_is_there_is_named(tmp_path: Path) -> None:
    wheels = wheels_for(LINUX)
    assert "not there" in problems(archive_of(tmp_path, wheels[:1], wheels))[0]
    assert "not named" in problems(archive_of(tmp_path, wheels, wheels[:1]))[0]


@pytest.mark.parametrize(
    ("wheels", "missing"),
    [
        (wheels_for("win_amd64"), "on linux-x64"),
        (wheels_for("manylinux_2_34_x86_64"), "on linux-x64"),
        (wheels_for("manylinux_2_17_aarch64"), "on linux-x64"),
        (wheels_for(LINUX, "cp311-cp311"), "Python 3.13"),
        (wheels_for(LINUX, "cp312-abi3"), "Python 3.11"),
        (wheels_for(LINUX)[:1], "tokenizers"),
    ],
)
def test_wheels_of_another_system_or_python_are_found_out(
    tmp_path: Path, wheels: tuple[str, ...], missing: str
) -> None:
    assert any(missing in problem for problem in problems(archive_of(tmp_path, wheels)))


def test_an_unknown_platform_and_a_zip_that_is_too_large_are_found_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "amiga" in problems(archive_of(tmp_path, wheels_for(LINUX), on="amiga-m68k"))[0]
    monkeypatch.setattr("zip_contents.LARGEST", 10)
    assert "more than" in problems(archive_of(tmp_path, wheels_for(LINUX)))[0] and LARGEST == 120_000_000


def test_names_of_wheels() -> None:
    wheel = WheelName.of("a-1.0-py3-none-any.whl")
    assert wheel.serves("3.11") and wheel.fits("windows-x64")
    assert WheelName.of("a-1.0-cp311-abi3-macosx_10_9_universal2.whl").fits("macos-arm64")
    with pytest.raises(ValueError, match="no wheel"):
        WheelName.of("a-1.0.tar.gz")
