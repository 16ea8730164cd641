"""The section `paths`: does a figure on a drawn path walk along it, and do its feet stand on the floor?

Each path is requested with prompts that travel forward, backward and sideways. `network` is what the network alone
makes, `final` what `MotionLCM.generate` hands over. The free takes, from captions of test motion and without a path,
and the captured motion itself are measured for the feet alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...array_types import FloatArray
from ...generation.request import Hints, Request
from ...motion.ground_path import GroundPath, named_path, natural_length, rounded_corners, timed
from ...motion.metrics import path_error
from ...motion.skeleton import FPS
from ...motion.world_transform import canonicalise
from . import motion_measures as see
from .held_out_motions import TestMotion
from .measured_model import Measured
from .motion_measures import joints_of

SECONDS = 6.0
SMALL_RADIUS, HAIRPIN_RADIUS = 0.6, 0.3
"""Metres."""
SEEDS, FREE_TAKES = 2, 32
"""Takes of each path and prompt, and takes without a path, in one repeat."""


@dataclass(frozen=True)
class Direction:
    """prompts; wanted: degrees from facing to travel; pace: share of the length that someone walks forward."""

    name: str
    prompts: tuple[str, ...]
    wanted: float
    pace: float


DIRECTIONS = (
    Direction("forward", ("a person walks forward", "someone is walking"), 0.0, 1.0),
    Direction("backward", ("a person walks backward", "someone walks backwards slowly"), 180.0, 0.6),
    Direction("left", ("a person sidesteps to the left", "someone steps sideways to the left"), 90.0, 0.45),
    Direction("right", ("a person sidesteps to the right", "someone steps sideways to the right"), -90.0, 0.45),
)


def drawn_paths(pace: float = 1.0) -> dict[str, GroundPath]:
    """By name: line, quarter, s, circle, eight, small_circle (of 0.6 m radius, gone round more than once), hairpin.

    pace: lengths, as shares of what is walked at ease in six seconds; the radii of the last two stay.
    """
    paths = {
        name: named_path(name, pace * natural_length(name, SECONDS))
        for name in ("line", "quarter", "s", "circle", "eight")
    }
    length = pace * natural_length("circle", SECONDS)
    return paths | {"small_circle": _arc(length), "hairpin": _hairpin(length)}


def _arc(length: float) -> GroundPath:
    angle = np.linspace(0.0, length / SMALL_RADIUS, 129)
    return GroundPath(SMALL_RADIUS * np.stack([1.0 - np.cos(angle), np.sin(angle)], axis=-1))


def _hairpin(length: float) -> GroundPath:
    """There, half a circle to the left, and back."""
    arm, angle = 0.5 * (length - np.pi * HAIRPIN_RADIUS), np.linspace(0.0, np.pi, 17)
    bend = np.stack([HAIRPIN_RADIUS * (1.0 - np.cos(angle)), arm + HAIRPIN_RADIUS * np.sin(angle)], axis=-1)
    return GroundPath(np.concatenate([[[0.0, 0.0]], bend, [[2.0 * HAIRPIN_RADIUS, 0.0]]]))


def feet_figures(takes: Sequence[FloatArray]) -> dict[str, float]:
    """Of joints (T, 22, 3) each: shares of takes that a person would object to, and the worst."""
    below = np.array([see.below_floor_cm(joints) for joints in takes])
    slides = [see.drags(joints) for joints in takes]
    ends, inside = np.array([d.ends for d in slides]), np.array([d.inside for d in slides])
    return {
        "below_floor_share": float((below > see.DEEP_CM).mean()),
        "below_floor_worst_cm": float(below.max()),
        "drag_ends_share": float((ends > see.DRAG_CM).mean()),
        "drag_inside_share": float((inside > see.DRAG_CM).mean()),
    }


class PathSection:
    """Measures the paths (if the model has a ControlNet) and the feet of free takes."""

    def __init__(self, model: Measured, motions: Sequence[TestMotion], controlled: bool = True) -> None:
        """motions: captured segments; those on props are left out, since their floor is not where the feet are."""
        self.model, self.controlled = model, controlled
        self.motions = [m for m in motions if not m.flags.prop]

    @property
    def about(self) -> dict[str, Any]:
        """Facts about the measurement, for the card."""
        return {"seeds": SEEDS, "free_takes": min(FREE_TAKES, len(self.motions)), "captured": len(self.motions)}

    def measure(self, repeat: int) -> dict[str, float]:
        """Measure once.

        Keys DIRECTION/PATH/KIND_facing_deg, .._facing_max_deg, KIND_path_cm with KIND network or final; means over
        the paths as DIRECTION/all/..; feet/paths/.., feet/free/.., feet/captured/.. as `feet_figures` names them.
        """
        found: dict[str, float] = {}
        if self.controlled:
            takes: list[FloatArray] = []
            for direction in DIRECTIONS:
                found |= self._direction(direction, repeat, takes)
            found |= {f"feet/paths/{name}": value for name, value in feet_figures(takes).items()}
        found |= {f"feet/free/{name}": value for name, value in feet_figures(self._free(repeat)).items()}
        captured = feet_figures([m.joints for m in self.motions])
        return found | {f"feet/captured/{name}": value for name, value in captured.items()}

    def _direction(self, direction: Direction, repeat: int, takes: list[FloatArray]) -> dict[str, float]:
        found: dict[str, float] = {}
        rows = []
        frames = round(SECONDS * FPS)
        for name, path in drawn_paths(direction.pace).items():
            target, _ = canonicalise(rounded_corners(timed(path, frames)))
            each = []
            for k in range(SEEDS):
                prompt = direction.prompts[k % len(direction.prompts)]
                request = Request(prompt, frames, seed=SEEDS * repeat + k, hints=Hints.ground_path(target))
                figures, joints = _take(self.model, request, target, direction.wanted)
                each.append(figures)
                takes.append(joints)
            row = _mean(each)
            rows.append(row)
            found |= {f"{direction.name}/{name}/{key}": value for key, value in row.items()}
        return found | {f"{direction.name}/all/{key}": value for key, value in _mean(rows).items()}

    def _free(self, repeat: int) -> list[FloatArray]:
        generator = np.random.default_rng((101, repeat))
        made = []
        for k in generator.permutation(len(self.motions))[:FREE_TAKES]:
            motion = self.motions[k]
            caption = motion.captions[int(generator.integers(len(motion.captions)))]
            request = Request(caption, motion.frames, seed=int(generator.integers(2**31)))
            made.append(self.model.generate(request)[0].joints)
        return made


def _take(model: Measured, request: Request, target: FloatArray, wanted: float) -> tuple[dict[str, float], FloatArray]:
    """The figures of one take on a path, and its joints as handed over."""
    alone = joints_of(model.features(request)[0])
    motion = model.generate(request)[0]
    figures: dict[str, float] = {}
    for kind, joints in (("network", alone), ("final", motion.joints)):
        mean, most = see.facing_error(joints, wanted)
        figures |= {f"{kind}_facing_deg": mean, f"{kind}_facing_max_deg": most}
    # A model may show its network another path than the drawn one; the report then contains the error of the network.
    network = motion.report.get("network_path_mean_cm")
    figures["network_path_cm"] = 100.0 * path_error(alone, target).mean if network is None else network
    figures["final_path_cm"] = 100.0 * path_error(motion.joints, target).mean
    return figures, motion.joints


def _mean(rows: Sequence[dict[str, float]]) -> dict[str, float]:
    """Mean by key, figures that are not numbers (a figure that never travels faces nowhere) left out."""
    found = {}
    for key in rows[0]:
        values = np.array([row[key] for row in rows])
        found[key] = float(values[np.isfinite(values)].mean()) if np.isfinite(values).any() else float("nan")
    return found
