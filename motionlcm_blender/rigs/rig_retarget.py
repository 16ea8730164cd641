"""Retargeting to the body of any humanoid armature.

The turns of the SMPL result are kept: every limb points where SMPL's does. The legs then close what the body's own
proportions leave open: standing feet are flat, planted and on the floor, and pins are met. The path over the ground is
that of the motion, in metres of this body. Metres, Y up.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..array_types import BoolArray, FloatArray
from ..motion import rotations as rot
from ..motion.motion import Clip, Motion
from ..motion.retarget import retarget
from ..motion.skeleton import JOINT_COUNT, SMPL, Skeleton
from ..motion.smoothing import smooth, smoothstep
from ..postprocess.pin_ik import hold_pins
from .mapped_joints import ANKLES, ELBOWS, HEAD, HIPS, TOES, TRUNK, WRISTS
from .rest_alignment import HANDS
from .rig_body import RigBody
from .rig_feet import (
    STRAIGHT,
    Stances,
    find_stances,
    flatten_feet,
    foot_clearance,
    pitch_long_feet,
    plant_feet,
    turn_legs,
)

_LEAN = 0.5
"""Part of the turn from pelvis to spine that a pelvis in one piece with its spine makes."""
_LOW = (0.05, 0.25)
"""Metres of a sole above the floor up to which a foot counts as standing for the body's height, and from which not."""
_BROAD = (4.0, 8.0)
"""Width of the hips beside that of the motion's body from which a broad pelvis lists less, and from which least."""
_LESS_LIST = 0.2
"""Part of the list of the broadest pelvis that is left out while its feet are low. More of it would put the hips
further from where the pelvis of the motion has them than it brings the legs nearer to their directions."""
_UPRIGHT = np.radians([30.0, 60.0])
"""Tilt of a pelvis up to which it lists less, and from which not: it sits or lies."""
_SEATED = (0.2, 0.35)
"""Metres of a hip above the floor up to which the floor carries it, and from which its leg does."""
_STANCE_SIGMA = 2.0
"""Frames over which a body's height changes from one standing leg to the other."""


def retarget_to_body(
    motion: Motion,
    body: RigBody,
    *,
    on_path: bool = False,
    level: bool = True,
    lock: bool = True,
    pins: tuple[FloatArray, BoolArray] | None = None,
    source: Clip | None = None,
    straight: float = STRAIGHT,
) -> Clip:
    """Compute the turns of a body's joints with which it performs a motion.

    Args:
        motion: Joint positions (T, 22, 3), metres, Y up, with contacts, and head and hand rotations where known.
        body: The body of a mapped armature.
        on_path: Whether the pelvis stays exactly above its path, whatever the trunk's shape.
        level: Whether the floor is level at y = 0.
        lock: Whether standing feet are held in place and put onto the floor.
        pins: Positions and mask, (T, 22, 3) each, as in `Hints`, in the frame of the motion; or None.
        source: A clip with the same joints, where the rotations are known; None: they are computed for `SMPL`.
        straight: Part of its length to which a standing leg stretches at most.

    Returns:
        A clip on `body.skeleton` at the motion's frame rate. Its translation is the pelvis's position, above the
        middle of the hips.
    """
    source = retarget(motion, SMPL) if source is None else source
    if on_path:
        translation = np.array(source.translation)
        translation[:, [0, 2]] = motion.joints[:, 0][:, [0, 2]]
        source = replace(source, translation=translation)
    world = world_rotations(source)
    performed = positions(source.translation, world, source.skeleton)[:, :JOINT_COUNT]
    stances = find_stances(motion, performed)
    rise = float(body.alignment.heights[:, 0].mean()) - stances.rise
    clearance = foot_clearance(performed, stances, level)
    _level_broad_pelvis(world, np.asarray(body.skeleton.offsets), np.asarray(source.skeleton.offsets), clearance)
    root = source.translation + _stiffen_trunk(world, body, on_path)
    flatten_feet(world, stances)
    if level:
        feet, source_feet = (np.asarray(each.offsets)[list(TOES)] for each in (body.skeleton, source.skeleton))
        pitch_long_feet(world, feet, source_feet, clearance)
    joints = positions(root, world, body.skeleton)[:, :JOINT_COUNT]
    heights = body.alignment.heights
    move = _standing_hips(performed, joints, stances, clearance, heights - [rise, rise]) + [0.0, rise, 0.0]
    joints += (move * ([0.0, 1.0, 0.0] if on_path else 1.0))[:, None]
    if lock:
        joints = _with_planted_feet(world, joints, clearance, body, stances, straight)
    if pins is not None:
        joints = _with_held_pins(world, joints, motion, body, pins, on_path)
    return clip_of(world, joints[:, 0], motion.fps, body.skeleton)


def _level_broad_pelvis(
    world: FloatArray, offsets: FloatArray, source_offsets: FloatArray, clearance: FloatArray
) -> None:
    """Take a part of the list out of a broad pelvis that stands on low feet, in place.

    A pelvis that lists raises one hip and lowers the other by half its width times the sine. On hips as far apart as
    the legs are long, standing legs have to bend and stretch for that.

    Args:
        world: (T, 24, 4) world rotations; those of the pelvis change.
        offsets: (24, 3) of this body, metres.
        source_offsets: The same of the motion's body.
        clearance: (T, 2) metres of the soles above the floor (`foot_clearance`).
    """
    own, theirs = (float(np.linalg.norm(each[HIPS[0]] - each[HIPS[1]])) for each in (offsets, source_offsets))
    broad = float(smoothstep(np.array(own / max(theirs, 1e-9)), *_BROAD))
    if broad <= 0.0:
        return
    aside = rot.rotate(world[:, 0], np.array([1.0, 0.0, 0.0]))
    heading = rot.from_axis_angle((0.0, 1.0, 0.0), np.arctan2(-aside[:, 2], aside[:, 0]))
    tilt = rot.to_rotation_vector(rot.multiply(rot.inverse(heading), world[:, 0]))
    upright = 1.0 - smoothstep(np.linalg.norm(tilt, axis=-1), *_UPRIGHT)
    low = 1.0 - smoothstep(clearance.max(1), *_LOW)
    tilt[:, 2] *= 1.0 - _LESS_LIST * broad * upright * low
    world[:, 0] = rot.multiply(heading, rot.from_rotation_vector(tilt))


def _stiffen_trunk(world: FloatArray, body: RigBody, on_path: bool) -> FloatArray:
    """Turn the part of the trunk that carries the legs as one piece, in place; the (T, 3) move of the pelvis for that.

    That part leans between the pelvis and its topmost joint. The middle of the hips stays where it is, on a path the
    pelvis.
    """
    moved = np.zeros((len(world), 3))
    if not body.has_trunk:
        world[:, list(TRUNK)] = world[:, [0]]
    elif body.stiff:
        below = np.asarray(body.skeleton.offsets)[list(HIPS)].mean(0)
        lean = rot.slerp(world[:, 0], world[:, body.stiff[-1]], np.full(len(world), _LEAN))
        moved = rot.rotate(world[:, 0], below) - rot.rotate(lean, below)
        world[:, [0, *body.stiff]] = lean[:, None]
    return moved * (np.array([0.0, 1.0, 0.0]) if on_path else 1.0)


def _standing_hips(
    performed: FloatArray, joints: FloatArray, stances: Stances, clearance: FloatArray, heights: FloatArray
) -> FloatArray:
    """(T, 3) move of a body with which its standing feet reach the floor and the hips above them move as SMPL's.

    Over the ground, the hips of a broad figure swing further where its pelvis turns; the standing ones are as far from
    SMPL's as in the middle of each stance. In height, the legs keep their directions: thighs and shins of other
    lengths than SMPL's have their hips higher or lower where the knees are bent. Hips near the floor, and those above
    a raised foot, are as high as SMPL's.

    Args:
        performed: (T, 22, 3) joints of the SMPL result, metres.
        joints: (T, 22, 3) of this body with the same turns.
        stances: The stances.
        clearance: (T, 2) metres of the soles above the floor.
        heights: (2, 2) metres of ankle and toe joint (columns) above the floor of a standing foot.
    """
    off = performed[:, list(HIPS)] - joints[:, list(HIPS)]
    low: FloatArray = np.maximum((stances.labels >= 0).astype(np.float64), 1.0 - smoothstep(clearance, *_LOW))
    ankles, toes = (joints[:, list(part), 1] for part in (ANKLES, TOES))
    above = np.maximum(heights[:, 0], heights[:, 1] + ankles - toes)
    by_legs = low * smoothstep(performed[:, list(HIPS), 1], *_SEATED)
    off[..., 1] += by_legs * (clearance + above - ankles - off[..., 1])
    for side in (0, 1):
        for number in range(int(stances.labels[:, side].max()) + 1):
            mine = stances.labels[:, side] == number
            off[mine, side] -= off[mine, side].mean(0) * [1.0, 0.0, 1.0]
        off[stances.labels[:, side] < 0, side] *= [0.0, 1.0, 0.0]
    weight = low + 0.05
    move: FloatArray = (weight[..., None] * off).sum(1) / weight.sum(1)[:, None]
    return smooth(move, _STANCE_SIGMA) if len(move) > 8 else move


def _with_planted_feet(
    world: FloatArray,
    joints: FloatArray,
    clearance: FloatArray,
    body: RigBody,
    stances: Stances,
    straight: float,
) -> FloatArray:
    """Joints (T, 22, 3) with feet on the floor; the legs' rotations in `world` follow in place."""
    offsets = np.asarray(body.skeleton.offsets)
    feet = joints[:, list(TOES)] - joints[:, list(ANKLES)]
    joints, feet = plant_feet(joints, feet, clearance, body.alignment.heights, stances, straight)
    turn_legs(world, offsets, joints, feet)
    return joints


def _with_held_pins(
    world: FloatArray,
    joints: FloatArray,
    motion: Motion,
    body: RigBody,
    pins: tuple[FloatArray, BoolArray],
    on_path: bool,
) -> FloatArray:
    """Joints (T, 22, 3) with pinned joints in their places; all rotations in `world` follow in place."""
    held = hold_pins(joints, motion.contacts, *pins, may_move=not on_path)
    if np.abs(held - joints).max() < 1e-6:
        return joints
    offsets, parents = np.asarray(body.skeleton.offsets), body.skeleton.parents
    shown = np.linalg.norm(offsets, axis=-1) > 1e-6
    for joint in range(JOINT_COUNT):
        ends = [c for c in range(JOINT_COUNT) if parents[c] == joint and shown[c]]
        if joint in (HEAD, *WRISTS, *TOES) or not ends:
            continue
        after = held[:, ends] - held[:, [joint]]
        before = rot.rotate(world[:, joint], offsets[ends[0]])
        fits = len(ends) > 1 and np.linalg.matrix_rank(offsets[ends], tol=1e-3) > 1
        if fits:
            turn = rot.multiply(rot.best_fit(offsets[ends], after), rot.inverse(world[:, joint]))
        else:
            turn = rot.between(before, after[:, 0])
        for hand, forearm, wrist in zip(HANDS, ELBOWS, WRISTS, strict=True):
            if joint == forearm:
                world[:, [wrist, hand]] = rot.multiply(turn[:, None], world[:, [wrist, hand]])
        world[:, joint] = rot.multiply(turn, world[:, joint])
    world[:, list(TOES)] = world[:, list(ANKLES)]
    return held


def world_rotations(clip: Clip) -> FloatArray:
    """(T, J, 4) world rotations of a clip's joints, relative to the T-pose."""
    world = np.array(clip.rotations, dtype=np.float64)
    for joint, parent in enumerate(clip.skeleton.parents):
        if parent >= 0:
            world[:, joint] = rot.multiply(world[:, parent], world[:, joint])
    return world


def positions(root: FloatArray, world: FloatArray, skeleton: Skeleton) -> FloatArray:
    """(T, J, 3) positions of joints from those of the root (T, 3) and world rotations (T, J, 4)."""
    place = np.zeros((*world.shape[:2], 3))
    place[:, 0] = root
    for joint, parent in enumerate(skeleton.parents):
        if parent >= 0:
            place[:, joint] = place[:, parent] + rot.rotate(world[:, parent], skeleton.offsets[joint])
    return place


def clip_of(world: FloatArray, root: FloatArray, fps: float, skeleton: Skeleton) -> Clip:
    """A clip from world rotations (T, J, 4) and positions of the root (T, 3)."""
    parents = list(skeleton.parents[1:])
    local = world.copy()
    local[:, 1:] = rot.multiply(rot.inverse(world[:, parents]), world[:, 1:])
    return Clip(fps, np.array(root), rot.continuous(rot.normalise(local)), skeleton)
