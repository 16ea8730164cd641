"""Which joint positions a ControlNet is shown while it trains.

The engine shows every drawn path as a straight line (`straight_examples`), so floor paths are shown of straightened
locomotion only. Pins, first frames and their mixtures are shown of everything. One ControlNet learns all of them,
because a shot that goes on from the one before also follows a path.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ...array_types import BoolArray, IntArray
from ...motion.skeleton import CONTROLLED_JOINTS, JOINT_COUNT, MAX_FRAMES

SPARSE_COUNTS = (1, 2, 5)
DENSITIES = (0.25, 1.0)
LONGEST = MAX_FRAMES


@dataclass(frozen=True)
class PatternShares:
    """How often each pattern is shown.

    Of straightened locomotion, whose pelvis path on the floor is always given:
    sparse_path: single frames of it only; path_start: first frames too; path_joints: pins too.
    Of everything else: start: first frames, at most `longest_start` of the motion, of all joints or the six; what is
    left of 1 is pins, one to three of the six joints, full positions, at 1, 2 or 5 frames, 25 % or all.
    """

    sparse_path: float = 0.1
    path_start: float = 0.3
    path_joints: float = 0.15
    start: float = 0.5
    longest_start: float = 0.6


def hint_mask(frames: Tensor, straight: BoolArray, shares: PatternShares, generator: torch.Generator) -> Tensor:
    """Choose what is given of each motion; every motion gets at least one hint.

    Args:
        frames: (B, T) bool, True where the motion is, on the CPU.
        straight: (B,) bool, which are straightened locomotion.
        shares: of the patterns.
        generator: decides.

    Returns:
        (B, T, 22, 3) bool, True where given.
    """
    batch, longest = frames.shape
    mask = torch.zeros(batch, longest, JOINT_COUNT, 3, dtype=torch.bool)
    chances = torch.rand(batch, 8, generator=generator)
    for row in range(batch):
        length = int(frames[row].sum())
        kind, *rest = chances[row].tolist()
        if straight[row]:
            _path(mask[row], length, shares.sparse_path, rest, generator)
            if kind < shares.path_start:
                _start(mask[row], length, shares.longest_start, rest)
            elif kind < shares.path_start + shares.path_joints:
                _joints(mask[row], length, rest, generator)
        elif kind < shares.start:
            _start(mask[row], length, shares.longest_start, rest)
        else:
            _joints(mask[row], length, rest, generator)
    return mask


def packed_hints(mask: Tensor) -> IntArray:
    """(B, T, 22, 3) bool of any length as (B, bytes) uint8, all of the longest motion."""
    whole = np.zeros((len(mask), LONGEST, JOINT_COUNT, 3), bool)
    whole[:, : mask.shape[1]] = mask.cpu().numpy()
    return np.packbits(whole.reshape(len(mask), -1), axis=-1)


def unpacked_hints(packed: IntArray, frames: int) -> Tensor:
    """What `packed_hints` made of masks, (B, frames, 22, 3) bool."""
    bits = np.unpackbits(packed.astype(np.uint8, copy=False), axis=-1, count=LONGEST * JOINT_COUNT * 3).astype(bool)
    return torch.from_numpy(bits.reshape(len(packed), LONGEST, JOINT_COUNT, 3)[:, :frames].copy())


def _joints(mask: Tensor, length: int, chances: list[float], generator: torch.Generator) -> None:
    count = 1 if chances[0] < 0.7 else 2 if chances[0] < 0.9 else 3
    chosen = torch.randperm(len(CONTROLLED_JOINTS), generator=generator)[:count].tolist()
    options = len(SPARSE_COUNTS) + len(DENSITIES)
    option = min(int(chances[1] * options), options - 1)
    if option < len(SPARSE_COUNTS):
        number = min(SPARSE_COUNTS[option], length)
    else:
        number = max(1, round(DENSITIES[option - len(SPARSE_COUNTS)] * length))
    times = torch.randperm(length, generator=generator)[:number]
    for joint in chosen:
        mask[times, CONTROLLED_JOINTS[joint]] = True


def _start(mask: Tensor, length: int, longest: float, chances: list[float]) -> None:
    # Short starts are what shots and long motion show most often.
    number = max(2, round(chances[2] ** 2 * longest * length))
    if chances[3] < 0.7:
        mask[:number] = True
    else:
        mask[:number, list(CONTROLLED_JOINTS)] = True


def _path(mask: Tensor, length: int, sparse: float, chances: list[float], generator: torch.Generator) -> None:
    times = torch.arange(length)
    if chances[4] < sparse:
        kept = torch.rand(length, generator=generator) < 0.02 + 0.3 * chances[5]
        kept[0] = kept[-1] = True
        times = times[kept]
    mask[times, 0, 0] = mask[times, 0, 2] = True
