"""A graphics card and its driver, as far as PyTorch needs to know them."""

from __future__ import annotations

from dataclasses import dataclass

NVIDIA, AMD, INTEL = "0x10de", "0x1002", "0x8086"
KINDS = {"cuda": "NVIDIA", "rocm": "AMD", "xpu": "Intel", "mps": "Apple", "none": ""}


@dataclass(frozen=True)
class Hardware:
    """kind: "cuda", "rocm", "xpu", "mps" or "none". memory_mib: 0 where it is not known.

    note: a sentence if there is a card that cannot be used. architecture: what a build must have kernels for, NVIDIA's
    compute capability ("8.9") or AMD's name ("gfx1100"); "" where it is not known.
    """

    kind: str
    name: str = ""
    driver: str = ""
    memory_mib: int = 0
    note: str = ""
    architecture: str = ""
