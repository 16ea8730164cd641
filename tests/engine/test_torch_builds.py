"""Which of PyTorch's builds goes with which hardware, and that both installers get it."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motionlcm_blender.torch_install import install, torch_builds
from motionlcm_blender.torch_install.errors import RuntimeProblem
from motionlcm_blender.torch_install.hardware import Hardware
from motionlcm_blender.torch_install.hardware_detection import find_hardware
from motionlcm_blender.torch_install.install import Setup
from motionlcm_blender.torch_install.paths import InstallPaths
from motionlcm_blender.torch_install.torch_builds import build_for, cuda_build, cuda_problem, index_of, sources
from tests.fake_wheels import write_fake_wheels, write_wheel

SYSTEMS = ("Linux", "Windows", "Darwin")
ARCHITECTURES = ("", "3.5", "5.0", "6.1", "7.0", "7.5", "8.6", "8.9", "9.0", "10.0", "12.0", "[N/A]")
drivers = st.tuples(st.integers(300, 700), st.integers(0, 200), st.integers(0, 200))
INSTALLERS = ["pip", "uv"]


def text(driver: tuple[int, ...]) -> str:
    return f"{driver[0]}.{driver[1]:02d}.{driver[2]:02d}"


def cuda(build: str | None) -> int:
    return 0 if build is None else int(build.removeprefix("cu"))


@given(drivers, drivers, st.sampled_from(ARCHITECTURES), st.sampled_from(SYSTEMS))
def test_a_newer_driver_never_gets_an_older_cuda(
    one: tuple[int, ...], other: tuple[int, ...], architecture: str, system: str
) -> None:
    older, newer = sorted((one, other))
    assert cuda(cuda_build(text(older), architecture, system)) <= cuda(cuda_build(text(newer), architecture, system))


@given(drivers, st.sampled_from(ARCHITECTURES), st.sampled_from(SYSTEMS))
def test_there_is_a_build_or_one_sentence_with_the_reason(
    driver: tuple[int, ...], architecture: str, system: str
) -> None:
    problem = cuda_problem(text(driver), architecture, system)
    assert (problem == "") is (cuda_build(text(driver), architecture, system) is not None)
    assert not problem or (problem.endswith(".") and "\n" not in problem and "processor" in problem)


@given(st.sampled_from(["cuda", "rocm", "xpu", "mps", "none"]), st.text(), st.text(), st.sampled_from(SYSTEMS))
def test_any_output_of_the_tools_is_read(kind: str, driver: str, architecture: str, system: str) -> None:
    index = index_of(build_for(Hardware(kind, "card", driver, architecture=architecture), system))
    assert index is None or index.startswith("https://download.pytorch.org/whl/")
    assert (index is None) is (system == "Darwin")


@pytest.mark.parametrize(
    ("driver", "architecture", "system", "build"),
    [
        ("580.65.06", "8.9", "Linux", "cu130"),
        ("581.15", "12.0", "Windows", "cu130"),
        ("580", "", "Linux", "cu130"),
        ("579.99", "8.9", "Linux", "cu126"),
        ("525.60.13", "8.9", "Linux", "cu126"),
        ("525.60.11", "8.9", "Linux", None),
        ("528.33", "7.5", "Windows", "cu126"),
        ("528.24", "7.5", "Windows", None),
        # CUDA 13 has nothing for Pascal, CUDA 12.6 nothing for Blackwell, none for Kepler.
        ("595.45.04", "6.1", "Linux", "cu126"),
        ("575.51.03", "12.0", "Linux", None),
        ("470.42.01", "3.5", "Linux", None),
        ("", "", "Windows", "cu126"),
        ("", "12.0", "Windows", "cu130"),
        ("unknown", "3.5", "Linux", None),
    ],
)
def test_nvidia_by_driver_and_card(driver: str, architecture: str, system: str, build: str | None) -> None:
    assert cuda_build(driver, architecture, system) == build


def test_the_other_makers() -> None:
    assert build_for(Hardware("rocm", architecture="gfx1100"), "Linux") == "rocm7.2"
    assert build_for(Hardware("xpu"), "Windows") == build_for(Hardware("xpu"), "Linux") == "xpu"
    assert build_for(Hardware("none"), "Linux") == build_for(Hardware("none"), "Windows") == "cpu"
    assert build_for(Hardware("mps"), "Darwin") is build_for(Hardware("none"), "Darwin") is None
    assert build_for(Hardware("cuda", driver="470.42"), "Linux") == "cpu"
    assert index_of(build_for(Hardware("xpu"), "Linux")) == "https://download.pytorch.org/whl/xpu"


def test_sources_are_named() -> None:
    assert sources(None) == "pypi.org" and sources("cu126") == "pypi.org, download.pytorch.org/whl/cu126"


def nvidia_smi(newer_tool: bool, line: str):
    """Stands in for nvidia-smi with this line of output; older versions fail on a field that they lack."""

    def answer(command: list[str]) -> str:
        if not command[0].startswith("nvidia-smi") or ("compute_cap" in command[1] and not newer_tool):
            return ""
        return line + "\n"

    return answer


def test_a_card_is_found_with_what_a_build_must_have_kernels_for(tmp_path: Path) -> None:
    line = "NVIDIA GeForce GTX 1080, 581.15, 8192"
    found = find_hardware(tmp_path, "Windows", "AMD64", nvidia_smi(True, line + ", 6.1"))
    assert (found.kind, found.architecture, build_for(found, "Windows")) == ("cuda", "6.1", "cu126")
    found = find_hardware(tmp_path, "Windows", "AMD64", nvidia_smi(False, line))
    assert (found.kind, found.memory_mib, found.architecture) == ("cuda", 8192, "")


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("NVIDIA RTX A4000, 470.42.01, 16376, 8.6", "driver 470.42.01 is too old .* install 525.60.13 or a newer"),
        ("NVIDIA GeForce RTX 5090, 575.51.03, 32607, 12.0", "driver 575.51.03 is too old .* install 580 or a newer"),
        ("Tesla K80, 470.42.01, 11441, 3.7", "too old for PyTorch .compute capability 3.7, it needs 5.0."),
    ],
)
def test_hardware_that_is_too_old_is_reported_and_the_processor_offered(
    tmp_path: Path, line: str, sentence: str
) -> None:
    found = find_hardware(tmp_path, "Linux", "x86_64", nvidia_smi(True, line))
    assert found.kind == "none" and found.name == "" and build_for(found, "Linux") == "cpu"
    assert re.search(sentence, found.note), found.note
    assert found.driver and found.driver in line  # for the report


def test_an_old_driver_known_from_its_files_alone(tmp_path: Path) -> None:
    (tmp_path / "sys/module/nvidia").mkdir(parents=True)
    (tmp_path / "sys/module/nvidia/version").write_text("390.157\n")
    found = find_hardware(tmp_path, "Linux", "x86_64", lambda command: "")
    assert found.kind == "none" and "driver 390.157 is too old" in found.note


def node(root: Path, number: int, version: int) -> None:
    folder = root / f"sys/class/kfd/kfd/topology/nodes/{number}"
    folder.mkdir(parents=True)
    (folder / "properties").write_text(f"simd_count 64\ngfx_target_version {version}\n")


def test_amd_cards_by_the_names_builds_have_for_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HSA_OVERRIDE_GFX_VERSION", raising=False)

    def found(root: Path) -> Hardware:
        return find_hardware(root, "Linux", "x86_64", lambda command: "")

    node(tmp_path / "one", 0, 0)  # the processor
    node(tmp_path / "one", 1, 100306)  # what is built into it
    node(tmp_path / "one", 2, 90010)
    assert (found(tmp_path / "one").kind, found(tmp_path / "one").architecture) == ("rocm", "gfx90a")
    node(tmp_path / "two", 1, 100301)
    assert found(tmp_path / "two").kind == "none" and "gfx1031" in found(tmp_path / "two").note
    monkeypatch.setenv("HSA_OVERRIDE_GFX_VERSION", "10.3.0")
    assert (found(tmp_path / "two").kind, found(tmp_path / "two").architecture) == ("rocm", "gfx1030")


# Command lines of the installers


def setup(tmp_path: Path, **changes: object) -> tuple[Setup, InstallPaths]:
    made = replace(Setup(str(tmp_path / "home"), "cuda", "1.26.4", build="cu126"), **changes)
    Path(made.home).mkdir(exist_ok=True)
    return made, InstallPaths(Path(made.home))


def command(installer: str, made: Setup, places: InstallPaths) -> list[str]:
    if installer == "pip":
        return install._with_pip(made, places, places.fresh("x"))
    return install._with_uv(made, places, places.fresh("x"), Path("uv"))


def after(line: list[str], option: str) -> str | None:
    return line[line.index(option) + 1] if option in line else None


def test_the_command_lines_have_the_build(tmp_path: Path) -> None:
    made, places = setup(tmp_path)
    line = command("pip", made, places)
    assert after(line, "--extra-index-url") == "https://download.pytorch.org/whl/cu126"
    assert line[-2:] == ["torch==2.13.0+cu126", "transformers==5.23.0"]
    line = command("uv", made, places)
    assert after(line, "--torch-backend") == "cu126" and line[-2:] == ["torch==2.13.0", "transformers==5.23.0"]


@pytest.mark.parametrize("installer", INSTALLERS)
def test_where_pypi_has_the_build_no_index_is_passed(tmp_path: Path, installer: str) -> None:
    line = command(installer, *setup(tmp_path, build=None))
    assert "--extra-index-url" not in line and "--torch-backend" not in line
    assert line[-2:] == ["torch==2.13.0", "transformers==5.23.0"]


@pytest.mark.parametrize("installer", INSTALLERS)
def test_a_folder_of_wheels_needs_no_network(tmp_path: Path, installer: str) -> None:
    line = command(installer, *setup(tmp_path, wheels="/wheels"))
    assert after(line, "--find-links") == "/wheels" and "--no-index" in line
    assert not any("pytorch.org" in part or "cu126" in part or part == "--torch-backend" for part in line)
    assert line[-2:] == ["torch==2.13.0", "transformers==5.23.0"]


def test_a_setup_goes_to_the_process_and_back(tmp_path: Path) -> None:
    made, _ = setup(tmp_path)
    assert Setup.from_json(made.to_json()) == made


def publish(wheels: Path, index: Path) -> str:
    """Make an index of the wheels in a folder, as pip reads one; returns its address."""
    for wheel in sorted(wheels.glob("*.whl")):
        page = index / wheel.name.partition("-")[0] / "index.html"
        page.parent.mkdir(parents=True, exist_ok=True)
        with page.open("a") as file:
            file.write(f'<!DOCTYPE html><a href="{wheel.as_uri()}">{wheel.name}</a>\n')
    return index.as_uri()


def test_pip_takes_the_build_from_pytorchs_index_and_the_rest_from_pypi(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.upper().startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", publish(write_fake_wheels(tmp_path / "wheels"), tmp_path / "pypi"))
    monkeypatch.setattr(torch_builds, "INDEX", (tmp_path / "pytorch").as_uri())
    write_wheel(tmp_path / "others", "torch", "2.13.0+cu126", {"torch/__init__.py": ""}, ("filelock",))
    publish(tmp_path / "others", tmp_path / "pytorch/cu126")

    def run(build: str) -> dict[str, str]:
        made, places = setup(tmp_path, build=build)
        fresh, log = places.fresh(build), places.open_log()
        try:
            install._run_installer(made, places, fresh, None, log, lambda share, what: None, lambda: False)
        finally:
            os.close(log)
        return install._versions(fresh)

    found = run("cu126")
    assert found["torch"] == "2.13.0+cu126" and found["transformers"] == "5.23.0" and found["filelock"] == "4.3.1"
    with pytest.raises(RuntimeProblem, match="no PyTorch of the right version"):
        run("cu130")  # rather than what PyPI has
