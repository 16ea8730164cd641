"""Which device and number format to train with, found by trying."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, nullcontext

import torch


def choose_device(name: str = "auto") -> torch.device:
    """The device of a name; "auto" is CUDA where there is one, else the CPU."""
    if name != "auto":
        return torch.device(name)
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def bfloat16_pays(device: torch.device) -> bool:
    """Whether bfloat16 matrix products are at least 1.5 times as fast as float32 here.

    Processors without bfloat16 instructions emulate them hundreds of times slower, so this is measured (a few
    milliseconds), not assumed.
    """
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())

    def seconds(dtype: torch.dtype) -> float:
        a = torch.ones(384, 384, dtype=dtype)
        a @ a
        start = time.perf_counter()
        for _ in range(3):
            a @ a
        return time.perf_counter() - start

    return seconds(torch.float32) > 1.5 * seconds(torch.bfloat16)


class Precision:
    """Autocast to bfloat16 where that pays, plain float32 elsewhere."""

    def __init__(self, device: torch.device, choice: str = "auto") -> None:
        """choice: "auto", "float32" or "bfloat16"."""
        self.device = device
        self.bfloat16 = choice == "bfloat16" or (choice == "auto" and bfloat16_pays(device))

    def autocast(self) -> AbstractContextManager[object]:
        """A context in which the forward pass runs in the chosen precision."""
        if self.bfloat16:
            return torch.autocast(self.device.type, torch.bfloat16)
        return nullcontext()

    @property
    def name(self) -> str:
        """Name of the precision, for the log."""
        return "bfloat16" if self.bfloat16 else "float32"
