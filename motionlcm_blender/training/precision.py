"""Which device and number format to train with, found by trying."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, nullcontext

import torch

TRIAL_ROWS, TRIAL_WIDTH = 4096, 128
"""About the tokens of a batch, and the width of the bundled model."""


def choose_device(name: str = "auto") -> torch.device:
    """The device of a name; "auto" is CUDA where there is one, else the CPU."""
    if name != "auto":
        return torch.device(name)
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def bfloat16_pays(device: torch.device) -> bool:
    """Whether a linear layer in bfloat16, forward and backward, is at least 1.2 times as fast as in float32 here.

    Processors without bfloat16 instructions emulate them hundreds of times slower, and with AVX512-BF16 but without AMX
    some are slower in the shapes of a training step though faster in large square products. So a layer of the
    training's size is measured (a third of a second), not assumed, in processor time, because other work may run.
    """
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())

    def seconds(dtype: torch.dtype) -> float:
        rows = torch.ones(TRIAL_ROWS, TRIAL_WIDTH, dtype=dtype, requires_grad=True)
        matrix = torch.ones(4 * TRIAL_WIDTH, TRIAL_WIDTH, dtype=dtype, requires_grad=True)
        times = []
        for _ in range(6):
            start = time.process_time()
            torch.nn.functional.linear(rows, matrix).sum().backward()
            times.append(time.process_time() - start)
        return min(times)

    return seconds(torch.float32) > 1.2 * seconds(torch.bfloat16)


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
