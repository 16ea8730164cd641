"""Which joint positions a ControlNet is shown while it trains: paths, single joints, first frames, and both at once.

One ControlNet learns all of them, because a shot that goes on from the one before also follows a path.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..motion.skeleton import CONTROLLED_JOINTS, JOINT_COUNT

SPARSE_COUNTS = (1, 2, 5)
DENSITIES = (0.25, 1.0)


@dataclass(frozen=True)
class PatternShares:
    """How often each pattern is shown; what is left of 1 is the pelvis path on the floor.

    joints: one to three of the six joints, full positions, at 1, 2 or 5 frames, 25 % or all.
    start: the first frames, at most `longest_start` of the motion, of all joints or the six.
    start_and_path: the first frames, and the floor path for the whole length.
    full_path: of the paths, how many give the height too; sparse_path: how many give single frames only.
    """

    joints: float = 0.25
    start: float = 0.1
    start_and_path: float = 0.15
    longest_start: float = 0.3
    full_path: float = 0.2
    sparse_path: float = 0.15


def hint_mask(frames: Tensor, shares: PatternShares, generator: torch.Generator) -> Tensor:
    """frames: (B, T) bool, True where the motion is, on the CPU. Returns (B, T, 22, 3) bool, True where given.

    Every motion gets at least one hint.
    """
    batch, longest = frames.shape
    mask = torch.zeros(batch, longest, JOINT_COUNT, 3, dtype=torch.bool)
    chances = torch.rand(batch, 8, generator=generator)
    for row in range(batch):
        length = int(frames[row].sum())
        kind, *rest = chances[row].tolist()
        if kind < shares.joints:
            _joints(mask[row], length, rest, generator)
            continue
        kind -= shares.joints
        if kind < shares.start + shares.start_and_path:
            _start(mask[row], length, shares.longest_start, rest)
            if kind < shares.start:
                continue
        _path(mask[row], length, shares, rest, generator)
    return mask


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
    number = max(2, round(chances[2] * longest * length))
    if chances[3] < 0.7:
        mask[:number] = True
    else:
        mask[:number, list(CONTROLLED_JOINTS)] = True


def _path(
    mask: Tensor, length: int, shares: PatternShares, chances: list[float], generator: torch.Generator
) -> None:
    times = torch.arange(length)
    if chances[4] < shares.sparse_path:
        kept = torch.rand(length, generator=generator) < 0.02 + 0.3 * chances[5]
        kept[0] = kept[-1] = True
        times = times[kept]
    mask[times, 0, 0] = mask[times, 0, 2] = True
    if chances[6] < shares.full_path:
        mask[times, 0, 1] = True
