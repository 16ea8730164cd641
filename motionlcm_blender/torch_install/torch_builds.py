"""Which of PyTorch's builds runs on a graphics card, and where PyTorch's own index has it.

PyPI has one build for each system: on Windows for the processor, on Linux for the newest CUDA. The others lie under
https://download.pytorch.org/whl/TAG. What is written down here goes with the version in `pins.REQUIREMENTS`.

Sources. Builds of 2.13 and the cards they have kernels for: RELEASE.md of pytorch/pytorch (CUDA 12.6 and 13.0 stable,
13.2 experimental and so left out; ROCm 7.2). Drivers: NVIDIA, "CUDA Compatibility", table 1 of "Minor Version
Compatibility" (CUDA 13.x from 580, 12.x from 525), with the last figures and Windows' numbers as in uv's
crates/uv-torch/src/backend.rs; uv 0.13.9 was seen to switch at just these. AMD: the architectures for which uv 0.13.9
goes to the index of ROCm 7.2.
"""

from __future__ import annotations

import platform
from dataclasses import dataclass

from packaging.version import InvalidVersion, Version

from .hardware import Hardware

INDEX = "https://download.pytorch.org/whl"


@dataclass(frozen=True)
class CudaBuild:
    """One CUDA. drivers: the oldest that run it, by system.

    first, end: the compute capabilities it has kernels for, from the first on and below the end; None: no end.
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
    """The tag of the build to install: "cu130", "rocm7.2", "xpu", "cpu"; None for the one on PyPI.

    system: as `platform.system()` calls it, for tests.
    """
    system = system or platform.system()
    if system == "Darwin":
        return None  # the one build there is uses Apple's cards and the processor
    if hardware.kind == "cuda":
        return cuda_build(hardware.driver, hardware.architecture, system) or "cpu"
    if hardware.kind == "rocm":
        return ROCM if system == "Linux" else "cpu"
    return "xpu" if hardware.kind == "xpu" else "cpu"


def index_of(build: str | None) -> str | None:
    """The address of the index that has a build of `build_for`; None: PyPI has it."""
    return None if build is None else f"{INDEX}/{build}"


def sources(build: str | None) -> str:
    """Where the files come from, to be shown."""
    return ", ".join(["pypi.org", *([] if build is None else [f"{INDEX}/{build}".removeprefix("https://")])])


def cuda_build(driver: str, architecture: str, system: str) -> str | None:
    """The newest CUDA that a driver runs on a card; None if it is too old for all, or the card is.

    driver: "580.65.06". architecture: the card's compute capability, "8.9". Either may be "", not known: then any
    architecture will do, and the oldest CUDA, which most drivers run.
    """
    builds = _with_kernels(architecture)
    found = _version(driver)
    if found is None:
        return builds[-1].tag if builds else None
    return next((b.tag for b in builds if found >= Version(_oldest_driver(b, system))), None)


def cuda_problem(driver: str, architecture: str, system: str) -> str:
    """A sentence on why no CUDA build runs, and what to do about it; "" if one does."""
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
