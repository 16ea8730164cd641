"""A motion with the request that it was generated for."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..motion.motion import Motion
from .request import Request


@dataclass(frozen=True, kw_only=True, eq=False)
class GeneratedMotion(Motion):
    """One take, as returned by `MotionLCM.generate`.

    Attributes:
        request: The request of this take alone.
        seed: The seed of this take.
        report: Measurements by name (path error before and after correction, seconds); the name ends with the unit.
        warnings: One sentence for each part of the request that could not be met.
    """

    request: Request
    seed: int = 0
    report: dict[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
