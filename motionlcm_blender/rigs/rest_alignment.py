"""Alignment of any rest pose with the T-pose: how each joint's bone turns from one to the other.

The T-pose is that of `SMPL`, standing and facing +Z. Limbs are aligned by their directions. The turn of a limb about
itself comes from a second axis: the plane of a bent elbow or knee, the palm, and otherwise the shortest way. A rest
pose whose limbs lie along their own axes (the zero pose of a BVH file) shows the trunk's axes alone; there the knees'
axis is the trunk's, and the palm gives the twist of the whole arm.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..array_types import FloatArray
from ..errors import InvalidRequest
from ..motion import rotations as rot
from ..motion.skeleton import SMPL
from ..motion.smoothing import smoothstep
from .description import RigDescription, RigMapping
from .hand_frames import hand_frame
from .mapped_joints import (
    ANKLES,
    COLLARS,
    ELBOWS,
    HEAD,
    HIPS,
    KNEES,
    NECK,
    SHOULDERS,
    TOES,
    TRUNK,
    WRISTS,
    MappedJoints,
)

HANDS = (22, 23)
_PELVIS_ABOVE_HIPS = 0.08
"""Metres from the middle of the hips up to the pelvis, as in `SMPL`, whatever bone carries the body."""
_BENT = np.radians([6.0, 15.0])
"""Bend of a limb at rest from which its plane begins to count, and from which it decides the limb's twist."""
_MOST_TWIST = np.radians(60.0)
"""A plane further from the shortest way than this is no elbow's or knee's."""
_HAND, _TOE = 0.085, 0.136
"""Metres from wrist to hand and from ankle to toe joint where no bone shows them, as in `SMPL`."""
_FOOT_AHEAD = (0.05, 0.3)
"""Metres by which the tail of a foot's bone may lie ahead of the ankle, and at most below it, to be the toes."""
_ANKLE = 0.055
"""Metres of an ankle above the floor where nothing shows it, as in `SMPL`."""
_SOLE = 0.02
"""Metres from a toe joint to the floor where the rest pose does not stand on one."""
_STEEPEST = np.radians(60.0)
"""Steepest slope of a foot that stands."""
_FLOOR = (-0.02, 0.13)
"""Metres of the lowest joint of the feet above the armature's origin, if the figure stands on that."""
_SNAP = 0.25
"""Largest difference from the axes of the armature of a body that is taken to stand along them."""


@dataclass(frozen=True, eq=False)
class RestAlignment:
    """A rest pose beside the T-pose.

    Attributes:
        turns: (24, 4) unit quaternions (w, x, y, z): turn of each joint's bone from armature space at rest to engine
            axes in the T-pose.
        points: (24, 3) rest positions of the joints, armature space. The pelvis lies above the middle of the hips.
        size: Armature units in a metre of this body, whose legs are as long as those of `SMPL`.
        heights: (2, 2) metres above the floor of ankle and toe joint (columns) of left and right foot, standing.
        floor: Height of the floor under the rest pose along `up`, armature units.
        axes: (3, 3) the body's left, up and front in armature space, as columns.
    """

    turns: FloatArray
    points: FloatArray
    size: float
    heights: FloatArray
    floor: float
    axes: FloatArray


def align_rest_pose(description: RigDescription, mapping: RigMapping, joints: MappedJoints) -> RestAlignment:
    """Align the rest pose of an armature with the T-pose.

    Args:
        description: The armature.
        mapping: Its mapping.
        joints: The bones of the mapping.

    Returns:
        The alignment.

    Raises:
        InvalidRequest: The joints lie at one point or on one line.
    """
    axes = _body_axes(description, mapping, joints.points)
    legs = joints.points[[*KNEES, *ANKLES]] - joints.points[[*HIPS, *KNEES]]
    own = SMPL.bone_lengths[[*KNEES, *ANKLES]].sum()
    size = float(np.linalg.norm(legs, axis=-1).sum() / own)
    if not size > 1e-12:
        raise InvalidRequest(f'The armature "{description.name}" has legs without length.')
    zero = mapping.rest_pose == "zero"
    upright = rot.from_matrix(axes.T)
    points = np.concatenate([joints.points, joints.points[list(WRISTS)]])
    points[0] = joints.points[list(HIPS)].mean(0) + _PELVIS_ABOVE_HIPS * size * axes[:, 1]
    turns = np.broadcast_to(upright, (len(SMPL), 4)).copy()
    if mapping.rest_pose == "other":
        _align_trunk(turns, points)
    for side in (0, 1):
        if zero:
            _align_collar(turns, points, COLLARS[side], SHOULDERS[side])
        _align_limb(turns, points, (HIPS[side], KNEES[side], ANKLES[side]), zero)
        _align_arm(turns, points, description, joints, side, zero)
    heights, floor = _align_feet(turns, points, description, joints, axes, size, zero)
    return RestAlignment(turns, points, size, heights, floor, axes)


def t_pose_offsets(alignment: RestAlignment) -> FloatArray:
    """Positions of the joints relative to their parents in the T-pose, (24, 3), metres, engine axes."""
    parents = np.array(SMPL.parents)
    offsets = np.zeros((len(SMPL), 3))
    apart = alignment.points[1:] - alignment.points[parents[1:]]
    offsets[1:] = rot.rotate(alignment.turns[parents[1:]], apart) / alignment.size
    return offsets


def _body_axes(description: RigDescription, mapping: RigMapping, points: FloatArray) -> FloatArray:
    linear = description.world[:3, :3]
    turn = linear / np.abs(np.linalg.det(linear)) ** (1.0 / 3.0)
    up = rot.unit(turn.T @ np.asarray(mapping.up, np.float64), (0.0, 0.0, 1.0))
    across = points[HIPS[0]] - points[HIPS[1]]
    if mapping.facing is not None:
        across = np.cross(up, turn.T @ np.asarray(mapping.facing, np.float64))
    left = across - (across @ up) * up
    if np.linalg.norm(left) < 1e-9:
        raise InvalidRequest(f'The armature "{description.name}" has no body shape: its hips lie at one point.')
    left = left / np.linalg.norm(left)
    axes = np.stack([left, up, np.cross(left, up)], axis=1)
    snapped = np.round(axes)
    stands = np.abs(axes - snapped).max() < _SNAP and np.linalg.det(snapped) > 0.5
    result: FloatArray = snapped if stands else axes
    return result


def _align_trunk(turns: FloatArray, points: FloatArray) -> None:
    """Turn pelvis and chest of a figure in some frame of a motion so that hips and shoulders lie across the body."""
    across = np.array([1.0, 0.0, 0.0])
    pelvis, chest = (
        rot.multiply(rot.between(rot.rotate(turns[0], points[pair[0]] - points[pair[1]]), across), turns[0])
        for pair in (HIPS, SHOULDERS)
    )
    turns[0] = pelvis
    for number, joint in enumerate(TRUNK, start=1):
        turns[joint] = rot.slerp(pelvis, chest, number / len(TRUNK))
    turns[[NECK, HEAD, *COLLARS]] = chest


def _align_collar(turns: FloatArray, points: FloatArray, collar: int, shoulder: int) -> None:
    """Align a collar that lies along an axis of the trunk at rest."""
    now = rot.rotate(turns[collar], points[shoulder] - points[collar])
    turns[collar] = rot.multiply(rot.between(now, SMPL.offsets[shoulder]), turns[collar])


def _align_limb(turns: FloatArray, points: FloatArray, limb: tuple[int, int, int], zero: bool) -> None:
    """Align both bones of a leg or an arm with their directions in the T-pose."""
    root, middle, end = limb
    straight, straight_on = (rot.unit(SMPL.offsets[joint], (1.0, 0.0, 0.0)) for joint in (middle, end))
    before = turns[root].copy()
    upper = rot.rotate(before, points[middle] - points[root])
    turns[root] = rot.multiply(rot.between(upper, straight), before)
    if zero and root in HIPS:  # the knees' axis is the trunk's
        turns[root] = rot.multiply(_framed(upper, straight, np.array([1.0, 0.0, 0.0])), before)
    elif not zero:
        turns[root] = rot.multiply(_plane_twist(turns[root], points, limb, straight), turns[root])
    lower = rot.rotate(turns[root], points[end] - points[middle])
    turns[middle] = rot.multiply(rot.between(lower, straight_on), turns[root])


def _framed(direction: FloatArray, wanted: FloatArray, across: FloatArray) -> FloatArray:
    """(4,) rotation of a direction to another that keeps `across` as far as it is perpendicular to both."""

    def frame(y: FloatArray) -> FloatArray:
        y = rot.unit(y, (0.0, 1.0, 0.0))
        x = rot.unit(across - (across @ y) * y, np.cross(y, np.eye(3)[np.abs(y).argmin()]))
        return rot.from_axes(x, y, np.cross(x, y))

    return rot.multiply(frame(wanted), rot.inverse(frame(direction)))


def _plane_twist(turn: FloatArray, points: FloatArray, limb: tuple[int, int, int], straight: FloatArray) -> FloatArray:
    """(4,) turn about a straightened limb that puts the plane in which it is bent at rest where the T-pose bends."""
    root, middle, end = limb
    upper, lower = (rot.rotate(turn, points[b] - points[a]) for a, b in ((root, middle), (middle, end)))
    hinge = np.cross(rot.unit(upper, straight), rot.unit(lower, straight))
    bend = float(np.arctan2(np.linalg.norm(hinge), rot.unit(upper, straight) @ rot.unit(lower, straight)))
    natural = np.array([1.0, 0.0, 0.0]) if root in HIPS else np.array([0.0, -np.sign(straight[0]), 0.0])
    angle = float(np.arctan2(np.cross(hinge, natural) @ straight, hinge @ natural))
    if abs(angle) > _MOST_TWIST:
        return rot.IDENTITY
    return rot.from_axis_angle(straight, angle * float(smoothstep(np.array(bend), *_BENT)))


def _align_arm(
    turns: FloatArray,
    points: FloatArray,
    description: RigDescription,
    joints: MappedJoints,
    side: int,
    zero: bool,
) -> None:
    """Align an arm and its hand. The palm looks down in the T-pose, the thumb forward."""
    shoulder, elbow, wrist = SHOULDERS[side], ELBOWS[side], WRISTS[side]
    _align_limb(turns, points, (shoulder, elbow, wrist), zero)
    along, forward = rot.unit(SMPL.offsets[wrist], (1.0, 0.0, 0.0)), np.array([0.0, 0.0, 1.0])
    ahead, thumb = (None, None) if not joints.bones[wrist] else hand_frame(description, joints.bones[wrist][0])
    turns[wrist] = turns[elbow]
    if ahead is not None:
        turned = rot.rotate(turns[elbow], ahead)
        turns[wrist] = rot.multiply(rot.between(turned, along), turns[elbow])
    if thumb is not None:
        aside = rot.rotate(turns[wrist], thumb)
        angle = float(np.arctan2(np.cross(aside, forward) @ along, aside @ forward))
        turns[wrist] = rot.multiply(rot.from_axis_angle(along, angle), turns[wrist])
        for joint, share in ((shoulder, 1.0), (elbow, 1.0)) if zero else ((elbow, 0.5),):
            turns[joint] = rot.multiply(rot.from_axis_angle(along, share * angle), turns[joint])
    turns[HANDS[side]] = turns[wrist]
    reach = ahead if ahead is not None else rot.rotate(rot.inverse(turns[wrist]), along)
    scale = np.linalg.norm(points[wrist] - points[elbow]) / SMPL.bone_lengths[wrist]
    points[HANDS[side]] = points[wrist] + _HAND * scale * reach


def _align_feet(
    turns: FloatArray,
    points: FloatArray,
    description: RigDescription,
    joints: MappedJoints,
    axes: FloatArray,
    size: float,
    zero: bool,
) -> tuple[FloatArray, float]:
    """Align the feet, flat on the floor; the heights (2, 2) of ankles and toe joints in metres, and the floor's."""
    up = axes[:, 1]
    floor = _floor(description, joints, points, up, size)
    for side in (0, 1):
        if not joints.bones[TOES[side]]:
            points[TOES[side]] = points[ANKLES[side]] + _toe_offset(description, joints, side, axes, size, floor, zero)
    ankles, toes = points[list(ANKLES)], points[list(TOES)]
    length = np.linalg.norm(toes - ankles, axis=-1)
    if zero:
        slope = np.full(2, np.arcsin(-SMPL.offsets[TOES[0]][1] / SMPL.bone_lengths[TOES[0]]))
        heights = np.stack([_SOLE + np.sin(slope) * length / size, np.full(2, _SOLE)], axis=1)
        for side in (0, 1):
            _align_foot(turns, points, side, float(slope[side]), zero)
        return heights, 0.0
    slope = np.arcsin(np.clip((ankles - toes) @ up / np.maximum(length, 1e-12), -1.0, 1.0))
    stands = int((ankles @ up).argmin())
    if abs(slope[0] - slope[1]) > np.radians(8.0):  # a step: the lower foot is the one that stands
        slope[:] = slope[stands]
    slope = np.clip(slope, -_STEEPEST, _STEEPEST)
    ankle = float((ankles @ up)[stands] - floor) / size
    heights = np.stack([np.full(2, ankle), ankle - np.sin(slope) * length / size], axis=1)
    for side in (0, 1):
        _align_foot(turns, points, side, float(slope[side]), zero)
    return heights, floor


def _align_foot(turns: FloatArray, points: FloatArray, side: int, slope: float, zero: bool) -> None:
    """Turn a foot so that it points ahead, `slope` radians down."""
    ankle, toe = ANKLES[side], TOES[side]
    wanted = np.array([0.0, -np.sin(slope), np.cos(slope)])
    before = turns[KNEES[side]] if zero else turns[0]
    now = rot.rotate(before, points[toe] - points[ankle])
    turns[ankle] = rot.multiply(_framed(now, wanted, np.array([1.0, 0.0, 0.0])), before)
    if not zero:
        yaw = rot.from_axis_angle((0.0, 1.0, 0.0), -np.arctan2(now[0], now[2]))
        pitched = rot.rotate(yaw, now)
        turns[ankle] = rot.multiply(rot.multiply(rot.between(pitched, wanted), yaw), before)
    turns[toe] = turns[ankle]


def _toe_offset(
    description: RigDescription,
    joints: MappedJoints,
    side: int,
    axes: FloatArray,
    size: float,
    floor: float,
    zero: bool,
) -> FloatArray:
    """(3,) where a foot without a toe bone ends: at its bone's tail if that can be, else ahead on the floor."""
    bone = description.bones[joints.bones[ANKLES[side]][0]]
    along = bone.tail - bone.head
    if zero:
        return rot.unit(along, axes[:, 2]) * _TOE * size
    ahead, down, aside = (float(along @ axes[:, axis]) / size for axis in (2, 1, 0))
    if _FOOT_AHEAD[0] < ahead < _FOOT_AHEAD[1] and -_FOOT_AHEAD[1] < down < 0.0 and abs(aside) < ahead:
        return np.asarray(along)
    drop = max(float(bone.head @ axes[:, 1]) - floor - _SOLE * size, 0.0)
    return axes[:, 2] * _TOE * size - axes[:, 1] * drop


def _floor(description: RigDescription, joints: MappedJoints, points: FloatArray, up: FloatArray, size: float) -> float:
    """Height of the floor along `up`: through the armature's origin, or else through the lowest end of the feet."""
    feet = [joint for joint in (*ANKLES, *TOES) if joints.bones[joint]]
    lowest = float((points[feet] @ up).min())
    if _FLOOR[0] <= lowest / size <= _FLOOR[1]:
        return min(0.0, lowest)
    ends = [float(description.bones[joints.bones[joint][0]].tail @ up) for joint in feet]
    if len(feet) == len(ANKLES):
        ends.append(lowest - _ANKLE * size)
    return min([lowest, *(end for end in ends if end > lowest - _FLOOR[1] * size)])
