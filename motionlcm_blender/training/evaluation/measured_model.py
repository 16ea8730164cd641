"""What the measures need of a model; `MotionLCM` has it."""

from __future__ import annotations

from typing import Protocol

from ...array_types import FloatArray
from ...generation.generated_motion import GeneratedMotion
from ...generation.request import Request


class Generates(Protocol):
    """Makes finished motions of a request."""

    def generate(self, request: Request) -> list[GeneratedMotion]:
        """One motion for each take, with the engine's post-processing."""
        ...


class Measured(Generates, Protocol):
    """Shows the network's own result as well."""

    def features(self, request: Request) -> FloatArray:
        """(takes, T, 263) float32, not normalised, of the same seeds as `generate`."""
        ...
