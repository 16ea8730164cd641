"""Description of a graphics card and its driver, as needed for choosing a PyTorch build."""

from __future__ import annotations

from dataclasses import dataclass

NVIDIA, AMD, INTEL = "0x10de", "0x1002", "0x8086"
KINDS = {"cuda": "NVIDIA", "rocm": "AMD", "xpu": "Intel", "mps": "Apple", "none": ""}


@dataclass(frozen=True)
class Hardware:
    """A graphics card.

    Attributes:
        kind: "cuda", "rocm", "xpu", "mps" or "none".
        name: Name of the card.
        driver: Version of the driver.
        memory_mib: Memory, 0 if unknown.
        note: A sentence if there is a card that cannot be used.
        architecture: Kernels that a build must have: NVIDIA's compute capability ("8.9") or AMD's name ("gfx1100"); ""
            if unknown.
    """

    kind: str
    name: str = ""
    driver: str = ""
    memory_mib: int = 0
    note: str = ""
    architecture: str = ""
