"""Choose examples of similar length for a batch, so that little of it is padding."""

from __future__ import annotations

import numpy as np
import torch

from ...array_types import IntArray


def rows_of_similar_length(lengths: IntArray, frames: int, generator: torch.Generator) -> tuple[IntArray, int]:
    """Choose neighbours in the order of length, from a random one on.

    Args:
        lengths: (N,) frames of the candidates.
        frames: Frames of the batch with padding; at least one candidate is chosen.
        generator: Source of the random start.

    Returns:
        (K,) indices of the chosen candidates, and the length of the longest.
    """
    order = np.argsort(lengths, kind="stable")
    at = int(torch.randint(0, len(order), (1,), generator=generator))
    chosen: list[int] = []
    longest = 0
    for k in np.concatenate([order[at:], order[:at][::-1]]):
        longest = max(longest, int(lengths[k]))
        if chosen and longest * (len(chosen) + 1) > frames:
            break
        chosen.append(int(k))
    return np.array(chosen), longest
