"""The section `long`: is the last third of a long motion as lively as the first?

Measured on `MotionLCM.generate`, which makes long motion of pieces. 1 is right; a figure that comes to rest has 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...generation.request import Request
from ...motion.skeleton import FPS
from . import motion_measures as see
from .measured_model import Generates

SEEDS = 2
LEAST = 0.05
"""m/s: no ratio to less than this is taken."""


@dataclass(frozen=True)
class Long:
    """A prompt that goes on for so many seconds."""

    name: str
    prompt: str
    seconds: float


MOTIONS = (
    Long("walk_20", "a person walks forward", 20.0),
    Long("walk_60", "a person walks forward", 60.0),
    Long("run_20", "a person runs forward", 20.0),
)


def measure(model: Generates, repeat: int, seeds: int = SEEDS) -> dict[str, float]:
    """Speeds in the first and the last third of long motions.

    Keys NAME/travel_kept, NAME/body_kept (last third to first), NAME/travel_first_m_s, travel_last_m_s, and
    NAME/body_first_m_s, body_last_m_s; ratios are of the means over the seeds.
    """
    found: dict[str, float] = {}
    for motion in MOTIONS:
        frames = round(motion.seconds * FPS)
        rows = [
            see.thirds(model.generate(Request(motion.prompt, frames, seed=seeds * repeat + k))[0].joints)
            for k in range(seeds)
        ]
        for what in ("travel", "body"):
            first, last = (float(np.mean([getattr(r, f"{what}_{end}") for r in rows])) for end in ("first", "last"))
            found[f"{motion.name}/{what}_kept"] = last / max(first, LEAST)
            found |= {f"{motion.name}/{what}_first_m_s": first, f"{motion.name}/{what}_last_m_s": last}
    return found
