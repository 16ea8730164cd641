"""What tools/zip_contents.py finds wrong with a zip. The built zip itself is held to it in tests/installed."""

from __future__ import annotations

import hashlib
import json
import re
import sys
import tomllib
import zipfile
from email import message_from_string
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))

from release import CHECKSUMS, LICENCES, write_reports

from build import BuildProblem
from licences import LicenceProblem, _component_lines, main, report, third_party, unlisted
from zip_contents import LARGEST, WHEEL_TAGS, WHEELS, WheelName, problems

LINUX = "manylinux_2_17_x86_64.manylinux2014_x86_64"


def archive_of(
    folder: Path, wheels: tuple[str, ...], named: tuple[str, ...] | None = None, on: str = "linux-x64"
) -> Path:
    """A zip with only a manifest and empty wheels."""
    lines = [f"  './wheels/{name}'," for name in (wheels if named is None else named)]
    manifest = "\n".join(["wheels = [", *lines, "]", f'platforms = ["{on}"]', ""])
    listed = ["blender_manifest.toml", "THIRD_PARTY.md", *(f"wheels/{name}" for name in wheels)]
    path = folder / "extension.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("blender_manifest.toml", manifest)
        archive.writestr("THIRD_PARTY.md", "".join(f"| `{name}` | what | whose |\n" for name in listed))
        for name in wheels:
            archive.writestr(f"wheels/{name}", b"")
    return path


def wheels_for(tag: str, python: str = "cp310-abi3") -> tuple[str, ...]:
    pure = ("filelock-4.3.1-py3-none-any.whl", "packaging-26.4-py3-none-any.whl")
    blas = f"scipy_openblas32-0.3.34-py3-none-{tag}.whl"
    return (f"safetensors-0.8.0-{python}-{tag}.whl", f"tokenizers-0.23.3-{python}-{tag}.whl", *pure, blas)


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
        (wheels_for(LINUX)[:3], "packaging"),
        (wheels_for(LINUX)[:4], "scipy-openblas32"),
        ((*wheels_for(LINUX)[:4], wheels_for("macosx_11_0_arm64")[4]), "scipy-openblas32"),
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


def staged(folder: Path, **metadata: str) -> Path:
    """A folder as tools/build.py lays it out, with one wheel."""
    texts = {
        "bundled_models/default/config.json": json.dumps(
            {"name": "small", "licence": "CC0-1.0", "attribution": "Thanks to all.", "training_data": "Walks"}
        ),
        "bundled_models/all-MiniLM-L6-v2/LICENSE.txt": "By some people.\n\nApache License",
    }
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    (folder / "wheels").mkdir()
    lines = {"Name": "quick", "Version": "1.0", "License-Expression": "Apache-2.0"} | metadata
    parts = {"components": [{"name": "part", "version": "2", "author": "A <a@b>", "licenses": [{"expression": "MIT"}]}]}
    with zipfile.ZipFile(folder / "wheels" / "quick-1.0-py3-none-any.whl", "w") as archive:
        info = "quick-1.0.dist-info"
        archive.writestr(f"{info}/METADATA", "".join(f"{k.replace('_', '-')}: {v}\n" for k, v in lines.items() if v))
        archive.writestr(f"{info}/sboms/quick.cyclonedx.json", json.dumps(parts))
    return folder


def test_licences_of_model_encoder_wheels_and_their_parts_are_named(tmp_path: Path) -> None:
    text = third_party(staged(tmp_path))
    assert "Thanks to all." in text and "Trained on: Walks." in text and "By some people." in text
    assert "| `wheels/quick-1.0-py3-none-any.whl` | quick 1.0 | Apache-2.0 |" in text
    assert "- part 2: MIT, by A\n" in text


def test_parts_in_the_free_text_of_a_licence_are_named(tmp_path: Path) -> None:
    inner, runtime = (
        "  Name: Inner\n  Files: x.so\n  License: BSD-3-Clause\n   Text\n",
        "  Name: Runtime\n  License: GPL-3.0",
    )
    metadata = message_from_string("")
    metadata["License"] = f"Clause one.\n\n{inner}\n{runtime}"
    assert _component_lines(metadata) == {"Inner: BSD-3-Clause", "Runtime: GPL-3.0"}
    assert _component_lines(message_from_string("License: MIT\n")) == set()


def test_a_package_without_a_licence_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LicenceProblem, match=r"quick 1\.0"):
        third_party(staged(tmp_path, **{"License-Expression": ""}))


def test_nothing_in_a_zip_goes_without_an_entry(tmp_path: Path) -> None:
    text = third_party(staged(tmp_path))
    names = [
        "__init__.py", "blender_manifest.toml", "LICENSE", "THIRD_PARTY.md", "motionlcm_blender/a/b.py",
        "operators/c.py", "motionlcm_blender/apache_2_0.txt", "ui/d.py", "bundled_models/default/config.json",
        "bundled_models/all-MiniLM-L6-v2/LICENSE.txt", "guide/guide.html", "wheels/quick-1.0-py3-none-any.whl",
    ]  # fmt: skip
    assert unlisted(names, text) == []
    assert unlisted([*names, "wheels/other-1.0-py3-none-any.whl", "extra.bin"], text) == [
        "wheels/other-1.0-py3-none-any.whl",
        "extra.bin",
    ]
    assert unlisted(names[:-1], text) == ["wheels/quick-1.0-py3-none-any.whl"]


def reported(folder: Path, rows: str) -> Path:
    path = folder / "extension.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("THIRD_PARTY.md", f"| `THIRD_PARTY.md` | ours | GPL-3.0-or-later, see it |\n{rows}")
    return path


def test_report_of_licences(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = reported(tmp_path, "- ring 1.0: ISC AND (MIT OR Apache-2.0), by Ann\n- OpenBLAS: BSD-3-Clause-Attribution\n")
    lines, wrong = report(good)
    assert len(lines) == 3 and not wrong and main([str(good)]) == 0
    assert "All compatible" in capsys.readouterr().out
    for licence in ("BSD-4-Clause", "CC-BY-NC-4.0", "MIT AND Proprietary", "BSD-3-Clause-Attribution"):
        _, wrong = report(reported(tmp_path, f"- ring 1.0: {licence}\n"))
        assert len(wrong) == 1 and licence in wrong[0], licence
    path = tmp_path / "empty.zip"
    zipfile.ZipFile(path, "w").close()
    assert "holds no THIRD_PARTY.md" in report(path)[1][0] and main([str(path)]) == 1


def test_the_manifest_names_the_copyright_holders_of_the_text_encoder_and_of_each_wheel() -> None:
    manifest = Path(__file__).resolve().parents[2] / "blender_manifest.toml"
    holders = tomllib.loads(manifest.read_text("utf-8"))["copyright"]
    assert all(re.match(r"\d{4}(-\d{4})? \w", line) for line in holders)
    parts = [re.search(r"\((?:.* in )?(.+)\)$", line) for line in holders[1:]]  # the first line is this project
    assert {part[1] for part in parts if part} == {*WHEELS, "all-MiniLM-L6-v2"}


def test_a_release_has_checksums_and_licences_and_is_refused_if_a_licence_does_not_fit(tmp_path: Path) -> None:
    good = reported(tmp_path, "- ring 1.0: MIT\n")
    write_reports(tmp_path)
    digest = hashlib.sha256(good.read_bytes()).hexdigest()
    assert (tmp_path / CHECKSUMS).read_text() == f"{digest}  {good.name}\n"
    assert good.name in (tmp_path / LICENCES).read_text() and "All compatible" in (tmp_path / LICENCES).read_text()
    reported(tmp_path, "- ring 1.0: Proprietary\n")
    with pytest.raises(BuildProblem, match="ring"):
        write_reports(tmp_path)
