"""Choice of the PyTorch build for a graphics card, and its place in PyTorch's own index.

PyPI has one build for each system: for the CPU on Windows, for the newest CUDA on Linux. The others are under
https://download.pytorch.org/whl/TAG. The values here belong to the version in `requirements.REQUIREMENTS`.

Sources. Builds of 2.13 and their kernels: RELEASE.md of pytorch/pytorch (CUDA 12.6 and 13.0 stable, 13.2 experimental
and therefore left out; ROCm 7.2). Drivers: NVIDIA, "CUDA Compatibility", table 1 of "Minor Version Compatibility"
(CUDA 13.x from 580, 12.x from 525), with the last digits and the numbers for Windows as in uv's
crates/uv-torch/src/backend.rs; uv 0.13.9 was observed to switch at exactly these. AMD: the architectures for which uv
0.13.9 uses the index of ROCm 7.2.
"""

from __future__ import annotations

import platform
from dataclasses import dataclass

from packaging.version import InvalidVersion, Version

from .hardware import Hardware

INDEX = "https://download.pytorch.org/whl"


@dataclass(frozen=True)
class CudaBuild:
    """One build for CUDA.

    Attributes:
        tag: Tag of the build.
        drivers: The oldest driver that runs it, by system.
        first: First compute capability with kernels.
        end: First compute capability without kernels after these; None: no end.
    """

    tag: str
    drivers: dict[str, str]
    first: str
    end: str | None = None


CUDA_BUILDS = (
    CudaBuild("cu130", {"Linux": "580", "Windows": "580"}, "7.5"),
    CudaBuild("cu126", {"Linux": "525.60.13", "Windows": "528.33"}, "5.0", "10.0"),
)
"""The newest first."""
ROCM = "rocm7.2"
ROCM_ARCHITECTURES = frozenset(
    "gfx900 gfx906 gfx908 gfx90a gfx942 gfx950 gfx1030 gfx1100 gfx1101 gfx1102 gfx1150 gfx1151 gfx1200 gfx1201".split()
)


def build_for(hardware: Hardware, system: str | None = None) -> str | None:
    """Tag of the build to install: "cu130", "rocm7.2", "xpu", "cpu"; None for the one on PyPI.

    Args:
        hardware: The card.
        system: Name as in `platform.system()`, for tests.

    Returns:
        The tag.
    """
    system = system or platform.system()
    if system == "Darwin":
        return None  # the only build supports Apple's GPUs and the CPU
    if hardware.kind == "cuda":
        return cuda_build(hardware.driver, hardware.architecture, system) or "cpu"
    if hardware.kind == "rocm":
        return ROCM if system == "Linux" else "cpu"
    return "xpu" if hardware.kind == "xpu" else "cpu"


def index_of(build: str | None) -> str | None:
    """Address of the index with a build of `build_for`; None: PyPI."""
    return None if build is None else f"{INDEX}/{build}"


def sources(build: str | None) -> str:
    """Source of the files, for display."""
    return ", ".join(["pypi.org", *([] if build is None else [f"{INDEX}/{build}".removeprefix("https://")])])


def cuda_build(driver: str, architecture: str, system: str) -> str | None:
    """The newest CUDA build for a driver and a card; None if driver or card is too old for all.

    If the architecture is unknown, any build fits; if the driver is unknown, the oldest CUDA is used, which most
    drivers run.

    Args:
        driver: Version such as "580.65.06", or "".
        architecture: Compute capability such as "8.9", or "".
        system: Name as in `platform.system()`.

    Returns:
        Tag of the build.
    """
    builds = _with_kernels(architecture)
    found = _version(driver)
    if found is None:
        return builds[-1].tag if builds else None
    return next((b.tag for b in builds if found >= Version(_oldest_driver(b, system))), None)


def cuda_problem(driver: str, architecture: str, system: str) -> str:
    """Make a sentence on why no CUDA build runs, and on the remedy; "" if one does."""
    if cuda_build(driver, architecture, system) is not None:
        return ""
    builds = _with_kernels(architecture)
    if not builds:
        return (
            f"This NVIDIA card is too old for PyTorch (compute capability {architecture}, it needs "
            f"{CUDA_BUILDS[-1].first}): another card is needed, else the processor is used."
        )
    return (
        f"NVIDIA's driver {driver} is too old for PyTorch on this card: install {_oldest_driver(builds[-1], system)} "
        "or a newer one, else the processor is used."
    )


def _with_kernels(architecture: str) -> list[CudaBuild]:
    found = _version(architecture)
    if found is None:
        return list(CUDA_BUILDS)
    return [b for b in CUDA_BUILDS if Version(b.first) <= found and (b.end is None or found < Version(b.end))]


def _oldest_driver(build: CudaBuild, system: str) -> str:
    return build.drivers.get(system, build.drivers["Linux"])


def _version(text: str) -> Version | None:
    """None of what is no version."""
    try:
        return Version(text)
    except InvalidVersion:
        return None
