"""Pose of the trunk (pelvis, spine, chest, collars, neck) of a skeleton with fixed bones, from joint positions.

Pelvis and chest carry three bones each, whose ends determine their rotation. The spine bones between them interpolate
the rotation, and each then rotates the shortest way to its target; so do collars and neck from the chest. Metres, Y
up. World rotations are relative to the rest pose.
"""

from __future__ import annotations

import numpy as np

from ..array_types import FloatArray
from . import rotations as rot
from .body_fit import onto_rig
from .features import leg_ratio, onto_skeleton
from .skeleton import JOINT_COUNT, JOINTS, Skeleton

SAME_LEGS = 0.03
"""Leg lengths that differ by less than this fraction count as equal: the root then keeps its own travel."""
SAME_TRUNK = 0.015
"""Metres by which hips, spine, collars and neck may differ from the skeleton's, as a mean over a clip."""

_J = {name: index for index, name in enumerate(JOINTS)}
_HIPS = [_J["l_hip"], _J["r_hip"]]
_PELVIS = [*_HIPS, _J["spine1"]]
_CHEST = [_J["neck"], _J["l_collar"], _J["r_collar"]]
Turned = tuple[FloatArray, FloatArray]
"""World rotations (T, 4) of pelvis and chest."""
_SPINE1, _SPINE2, _SPINE3 = _J["spine1"], _J["spine2"], _J["spine3"]


def fitted_joints(joints: FloatArray, skeleton: Skeleton) -> tuple[FloatArray, Turned]:
    """Compute target positions for the joints of `skeleton` from the motion of a figure of any size.

    Every bone gets the skeleton's length and keeps its direction. The root's travel is scaled by the ratio of leg
    lengths about its start, unless the lengths agree within 3 %; the lowest joint keeps its height. A trunk of another
    shape, whose pelvis or collars lie elsewhere in the body, is replaced (see `body_fit.onto_rig`): then the hips keep
    their trajectory rather than the pelvis.

    Args:
        joints: (T, 22, 3) joint positions, metres, Y up.
        skeleton: Its first 22 joints are those of `JOINTS`.

    Returns:
        (T, 22, 3) float64 target positions, metres, and the rotations of pelvis and chest that fit them.

    Raises:
        ValueError: `joints` has another shape.
    """
    ratio = leg_ratio(joints, skeleton)
    same_legs = abs(ratio - 1.0) <= SAME_LEGS
    target = onto_skeleton(joints, skeleton, 1.0 if same_legs else ratio)
    turned = _trunk_turned(target, skeleton)
    if _trunk_difference(target, skeleton, turned) <= SAME_TRUNK:
        return target, turned
    target = onto_rig(joints, skeleton)
    if same_legs:
        travel = np.asarray(joints, dtype=np.float64)[:, _HIPS].mean(1)
        target[..., [0, 2]] += (1.0 - ratio) * (travel - travel[0])[:, None, [0, 2]]
    return target, _trunk_turned(target, skeleton)


def trunk_pose(target: FloatArray, skeleton: Skeleton, turned: Turned | None = None) -> tuple[FloatArray, FloatArray]:
    """Compute world rotations and positions of the trunk's joints.

    Args:
        target: (T, 22, 3) target positions, metres, as returned by `fitted_joints`.
        skeleton: Its first 22 joints are those of `JOINTS`.
        turned: Rotations of pelvis and chest, from `fitted_joints`; None: computed.

    Returns:
        World rotations (T, 22, 4) of pelvis, spine, collars and neck, and positions (T, 22, 3), metres, of these,
        head, hips and shoulders. All other entries are the identity and zero.
    """
    offsets = np.asarray(skeleton.offsets, dtype=np.float64)
    world = np.broadcast_to(rot.IDENTITY, (len(target), JOINT_COUNT, 4)).copy()
    position = np.zeros((len(target), JOINT_COUNT, 3))
    position[:, 0] = target[:, 0]

    def place(joint: int) -> None:
        parent = skeleton.parents[joint]
        position[:, joint] = position[:, parent] + rot.rotate(world[:, parent], offsets[joint])

    def swing(joint: int, child: int, start: FloatArray) -> None:
        """Rotate `joint` from `start` the shortest way until its bone points at the target of `child`, and place it.

        Aiming at the target instead of the old direction keeps errors from accumulating along a chain.
        """
        now = rot.rotate(start, offsets[child])
        world[:, joint] = rot.multiply(rot.between(now, target[:, child] - position[:, joint]), start)
        place(child)

    world[:, 0], world[:, _SPINE3] = _trunk_turned(target, skeleton) if turned is None else turned
    world[:, [0, _SPINE3]] = rot.continuous(world[:, [0, _SPINE3]])
    for joint in _PELVIS:
        place(joint)
    swing(_SPINE1, _SPINE2, rot.slerp(world[:, 0], world[:, _SPINE3], 1.0 / 3.0))
    swing(_SPINE2, _SPINE3, rot.slerp(world[:, 0], world[:, _SPINE3], 2.0 / 3.0))
    for joint in _CHEST:
        place(joint)
    for name, child in (("neck", "head"), ("l_collar", "l_shoulder"), ("r_collar", "r_shoulder")):
        swing(_J[name], _J[child], world[:, _SPINE3])
    return world, position


def _trunk_turned(target: FloatArray, skeleton: Skeleton) -> Turned:
    """World rotations (T, 4) of pelvis and chest that fit the joints they carry."""
    offsets = np.asarray(skeleton.offsets, dtype=np.float64)
    pelvis, chest = (
        rot.best_fit(offsets[children], target[:, children] - target[:, [joint]])
        for joint, children in ((0, _PELVIS), (_SPINE3, _CHEST))
    )
    return pelvis, chest


def _trunk_difference(target: FloatArray, skeleton: Skeleton, turned: Turned) -> float:
    """Distance of the bone ends on pelvis and chest from the skeleton's, metres; the largest mean over a clip."""
    offsets = np.asarray(skeleton.offsets, dtype=np.float64)
    apart = []
    for (joint, children), rotation in zip(((0, _PELVIS), (_SPINE3, _CHEST)), turned, strict=True):
        bones = rot.rotate(rot.inverse(rotation)[:, None], target[:, children] - target[:, [joint]])
        apart.append(np.linalg.norm(bones.mean(0) - offsets[children], axis=-1).max())
    return float(max(apart))
