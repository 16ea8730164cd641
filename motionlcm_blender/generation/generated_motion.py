"""A motion with the request that it was generated for."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..motion.motion import Motion
from .request import Request


@dataclass(frozen=True, kw_only=True, eq=False)
class GeneratedMotion(Motion):
    """What `MotionLCM.generate` returns for one take.

    request: the request of this take alone.
    seed: the seed of this take.
    report: measurements by name (path error before and after correction, seconds); the unit is part of the name.
    warnings: one sentence for each part of the request that could not be met.
    """

    request: Request
    seed: int = 0
    report: dict[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
