"""Spread of eight takes of one prompt, beside the spread of captured motions with the same caption.

For a caption of a test segment the captured ones are that segment and train segments with a caption of nearly the
same sentence vector and the same directions and counts. Distances are between joints with the pelvis and the heading
taken off (`motion_measures.distance_cm`); the share is the mean over captions of takes to that of captured motion.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...array_types import FloatArray
from ...generation.pipeline import MotionLCM
from . import motion_measures as see
from .evaluator_training import directions
from .generation import Prompt, Teacher, generate_features, samplers
from .held_out_motions import TestMotion
from .lookup import ROW as LOOKUP
from .lookup import Lookup
from .motion_measures import joints_of

TAKES, CAPTIONS = 8, 24
SAME, NEIGHBOURS = 0.85, 6
"""Smallest cosine of sentence vectors of captions with the same meaning; largest number of captured motions beside the
segment."""
KINDS = {
    "walk": r"\b(walk|stroll|pace|stride)s?\b",
    "run": r"\b(run|jog|sprint)s?\b",
    "strike": r"\b(punch|box|jab|kick|strike)",
    "jump": r"\b(jump|hop|leap)",
    "gesture": r"\b(wave|gesture|point|clap|bow|signal|lift|raise)",
    "dance": r"\bdanc|\bspin",
    "turn": r"\bturn",
    "sit_crouch": r"\b(sit|crouch|squat|bend|kneel|stand up|rise)",
}


@dataclass(frozen=True, eq=False)
class Family:
    """A caption, the requested frames, and captured motions (T, 22, 3) that the caption describes."""

    caption: str
    frames: int
    captured: tuple[FloatArray, ...]

    @property
    def kind(self) -> str:
        """The first of `KINDS` whose verb the caption has; "other" if none."""
        return next((name for name, verbs in KINDS.items() if re.search(verbs, self.caption)), "other")


def families(motions: Sequence[TestMotion], lookup: Lookup) -> list[Family]:
    """One for each test motion with a caption of nearly the same meaning as a train segment of another clip."""
    found = []
    for motion in motions:
        for caption in motion.captions:
            others = [lookup.segments[k] for k in _alike(caption, lookup) if lookup.segments[k].clip != motion.clip][
                :NEIGHBOURS
            ]
            if len(others) >= 2:
                captured = (motion.joints, *(lookup.joints(s) for s in others))
                found.append(Family(caption, motion.frames, captured))
                break
    return found


def _alike(caption: str, lookup: Lookup) -> list[int]:
    """Segments with a caption of the same meaning, nearest first."""
    close = lookup.vectors @ lookup.sentence(caption)
    same = [k for k in np.flatnonzero(close > SAME) if directions(lookup.captions[k]) == directions(caption)]
    ordered = sorted(same, key=lambda k: -close[k])
    return list(dict.fromkeys(int(lookup.owner[k]) for k in ordered))


class SpreadSection:
    """Measures teacher and student; the look-up's takes are the eight nearest captions' motions."""

    def __init__(
        self, model: MotionLCM, motions: Sequence[TestMotion], teacher: Teacher | None, lookup: Lookup
    ) -> None:
        self.model, self.lookup = model, lookup
        self.samplers = samplers(teacher)
        self.families = families([m for m in motions if not m.flags.unclear], lookup)

    @property
    def about(self) -> dict[str, Any]:
        """Facts about the measurement, for the card."""
        return {"spread_captions": len(self.families), "takes": TAKES}

    def measure(self, repeat: int) -> dict[str, float]:
        """Measure once.

        Keys spread/ROW/share and spread/ROW/cm, spread/captured/cm; spread/ROW/KIND where two captions or more are
        of a kind. Empty if no captured motions have the same caption.
        """
        generator = np.random.default_rng((107, repeat))
        chosen = [self.families[k] for k in generator.permutation(len(self.families))[:CAPTIONS]]
        if not chosen:
            return {}
        captured = np.array([see.spread_cm(f.captured) for f in chosen])
        found = {"spread/captured/cm": float(captured.mean())}
        shortest, longest = self.model.folder.frames if self.model.folder is not None else (1, 196)
        prompts = [Prompt(f.caption, int(np.clip(f.frames, shortest, longest))) for f in chosen for _ in range(TAKES)]
        rows: dict[str, list[list[FloatArray]]] = {}
        for row, sampler in self.samplers.items():
            joints = [joints_of(f) for f in generate_features(self.model, prompts, sampler, 109 * repeat + 5)]
            rows[row] = [joints[k : k + TAKES] for k in range(0, len(joints), TAKES)]
        rows[LOOKUP] = [
            [self.lookup.joints(s, f.frames) for s in self.lookup.nearest(f.caption, TAKES)] for f in chosen
        ]
        kinds = np.array([f.kind for f in chosen])
        for row, takes in rows.items():
            made = np.array([see.spread_cm(each) for each in takes])
            found[f"spread/{row}/cm"] = float(made.mean())
            found[f"spread/{row}/share"] = float(made.mean() / captured.mean())
            for kind in dict.fromkeys(kinds):
                of = kinds == kind
                if of.sum() >= 2:
                    found[f"spread/{row}/{kind}"] = float(made[of].mean() / captured[of].mean())
        return found
