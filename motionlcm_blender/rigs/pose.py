"""What the rest pose of a recognised figure is: which way it faces, how long its legs are, T, A or no pose at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..array_types import FloatArray
from .figure import Figure

SNAP = 0.9
"""Directions whose cosine to an axis of the armature is above this are taken for that axis."""
ZERO_POSE = -0.5
"""Legs that do not point down the trunk's way, by the cosine, are in no pose of a body."""
UNLIKE_LIMBS, UNLIKE_BENDS = (6.0, 12.0), (8.0, 12.0)
"""Degrees by which legs and arms, knees and elbows of a symmetrical pose differ at most."""
FOOT, BENT = 0.06, 0.02
"""Of the leg's length: feet that reach less far ahead of the ankle may be heels; knees and elbows bent less show no
direction."""
STRAIGHT = 3.0
"""Degrees of bend of limbs that lie along their bones' own axes."""


@dataclass(frozen=True, eq=False)
class RestPose:
    """The figure at rest, world.

    Attributes:
        facing: (3,) unit vector, None if the pose does not show it.
        up: (3,) unit vector.
        leg_length: Hip to ankle along the leg.
        kind: "T", "A", "arms down", "zero" or "other".
        leg_along_trunk: Cosine between legs and the way up the trunk; -1 for a body that stands.
        straight: Whether knees and elbows are not bent at all.
        backwards: Whether the feet point against `facing`: left and right may be exchanged.
    """

    facing: FloatArray | None
    up: FloatArray
    leg_length: float
    kind: str
    leg_along_trunk: float
    straight: bool
    backwards: bool


def rest_pose(figure: Figure, joints: Mapping[str, tuple[int, ...]]) -> RestPose:
    """Measures the rest pose.

    Args:
        figure: The bones.
        joints: SMPL's joint name -> bones; hips, knees, ankles, shoulders and wrists have one at least.
    """
    at = {name: figure.heads[bones[0]] for name, bones in joints.items() if bones}
    pair = {part: (at[f"l_{part}"], at[f"r_{part}"]) for part in ("hip", "knee", "ankle", "shoulder", "elbow", "wrist")}
    low, high = _middle(pair["hip"]), _middle(pair["shoulder"])
    trunk = _unit(high - low)
    legs = [_unit(ankle - hip) for hip, ankle in zip(pair["hip"], pair["ankle"], strict=True)]
    along = float(np.mean([leg @ trunk for leg in legs]))
    length = np.mean([
        np.linalg.norm(knee - hip) + np.linalg.norm(ankle - knee)
        for hip, knee, ankle in zip(pair["hip"], pair["knee"], pair["ankle"], strict=True)
    ])  # fmt: skip
    head = at.get("head", at.get("neck", high))
    up = _unit(head - low) if np.linalg.norm(head - low) > np.linalg.norm(high - low) else trunk
    up = _snapped(up, figure.axes)
    left = sum((_unit(one - other) for one, other in (pair["hip"], pair["shoulder"])), np.zeros(3))
    facing = np.cross(left - (left @ up) * up, up)
    bends = _bends(pair)
    straight = max(max(each) for each in bends) < STRAIGHT
    kind = _kind(pair, legs, up, along, bends)
    known = kind != "zero" and np.linalg.norm(facing) > 0.2
    feet = [at[f"{side}_foot"] - at[f"{side}_ankle"] for side in "lr" if f"{side}_foot" in at]
    ahead = float(np.mean([foot @ _unit(facing) for foot in feet])) if feet and known else 0.0
    facing_there = _snapped(_unit(facing), figure.axes) if known else None
    return RestPose(facing_there, up, float(length), kind, along, straight, ahead < -0.05 * length)


def forward_of(
    figure: Figure,
    up: FloatArray,
    leg_ways: tuple[tuple[int, ...], ...],
    legs: tuple[tuple[int, int, int], ...],
    arms: tuple[tuple[int, int, int], ...],
) -> tuple[FloatArray, bool]:
    """Where feet point, knees bend to, and elbows bend away from.

    Args:
        figure: The bones.
        up: (3,) unit vector from hips to shoulders.
        leg_ways: Of both sides, the longest way down from the hip.
        legs: Of both sides hip, knee and ankle.
        arms: Of both sides shoulder, elbow and wrist.

    Returns:
        (3,) direction, not of unit length, nearly zero if the bones do not show it; and whether it is sure.
    """
    feet, bends, length = np.zeros(3), np.zeros(3), 0.0
    for way, (hip, knee, ankle), (shoulder, elbow, wrist) in zip(leg_ways, legs, arms, strict=True):
        at = way.index(ankle)
        feet = feet + figure.heads[way[min(at + 1, len(way) - 1)]] - figure.heads[ankle]
        bends = bends + figure.heads[knee] - 0.5 * (figure.heads[hip] + figure.heads[ankle])
        bends = bends - figure.heads[elbow] + 0.5 * (figure.heads[shoulder] + figure.heads[wrist])
        length += figure.distance(hip, knee) + figure.distance(knee, ankle)
    feet, bends = feet - (feet @ up) * up, bends - (bends @ up) * up
    if np.linalg.norm(feet) > FOOT * length:
        return np.asarray(2.0 * feet + 0.5 * bends), True
    return np.asarray(bends), bool(np.linalg.norm(bends) > BENT * length)


def _bends(pair: Mapping[str, tuple[FloatArray, FloatArray]]) -> list[list[float]]:
    """Degrees by which knees, then elbows, are bent, of both sides."""
    return [
        [_degrees(_unit(b - a), _unit(c - b)) for a, b, c in zip(pair[one], pair[middle], pair[other], strict=True)]
        for one, middle, other in (("hip", "knee", "ankle"), ("shoulder", "elbow", "wrist"))
    ]


def _kind(
    pair: Mapping[str, tuple[FloatArray, FloatArray]],
    legs: list[FloatArray],
    up: FloatArray,
    along: float,
    bends: list[list[float]],
) -> str:
    if along > ZERO_POSE:
        return "zero"
    arms = [_unit(wrist - shoulder) for shoulder, wrist in zip(pair["shoulder"], pair["wrist"], strict=True)]
    below = [float(np.degrees(np.arcsin(np.clip(-arm @ up, -1.0, 1.0)))) for arm in arms]
    aside = _unit(pair["shoulder"][0] - pair["shoulder"][1])
    mirrored = arms[1] - 2.0 * (arms[1] @ aside) * aside
    mirrored_leg = legs[1] - 2.0 * (legs[1] @ aside) * aside
    mean = sum(below) / 2
    if mean < -60.0:
        return "zero"
    unlike = [_degrees(legs[0], mirrored_leg), _degrees(arms[0], mirrored)]
    unlike_bends = [abs(one - other) for one, other in bends]
    if mean < -20.0 or any(
        each > limit for each, limit in zip([*unlike, *unlike_bends], [*UNLIKE_LIMBS, *UNLIKE_BENDS], strict=True)
    ):
        return "other"
    return "T" if mean < 20.0 else "A" if mean < 65.0 else "arms down"


def _degrees(one: FloatArray, other: FloatArray) -> float:
    return float(np.degrees(np.arccos(np.clip(one @ other, -1.0, 1.0))))


def _middle(both: tuple[FloatArray, FloatArray]) -> FloatArray:
    return np.asarray((both[0] + both[1]) / 2.0)


def _unit(vector: FloatArray) -> FloatArray:
    length = float(np.linalg.norm(vector))
    return np.asarray(vector / length) if length > 0.0 else np.zeros(3)


def _snapped(direction: FloatArray, axes: FloatArray) -> FloatArray:
    along = direction @ axes
    axis = int(np.argmax(np.abs(along)))
    if abs(along[axis]) < SNAP:
        return direction
    return np.asarray(np.round(axes[:, axis] * np.sign(along[axis]), 6) + 0.0)
