"""Retargeting: joint positions to bone rotations of a skeleton with fixed bone lengths, and forward kinematics.

The model gives 22 points per frame; an armature needs rotations. Where a joint carries several bones (pelvis, chest)
the points determine the rotation (see `torso_fit`). Elsewhere they give the direction of a bone (its swing) but not
its twist:

- Elbows and knees are hinges, so the plane of a bent limb gives the twist of both of its bones.
- A straight limb has no plane. Its twist comes from the neighbouring frames and, with a low weight, from a prior: for
  arms a regression on motion capture (see `elbow_prior`), for legs the rest pose and the foot (see `_hinges`).
- Spine, collars and neck rotate the shortest way. Toes follow their parents, and so do hands if the model gives no
  rotation for them. The yaw of the head is not visible in these points: the model gives it (`Motion.head_hands`), or
  the head leads turns as captured heads do (`head_pose`). The roll of a foot is not visible.

The solution is in closed form: every bone is aimed at its point, so a motion with the skeleton's own bones is
reproduced exactly.

Metres, Y up. World rotations below are relative to the rest pose: the bone from joint p to its child c points along
rotate(world[p], offsets[c]).
"""

from __future__ import annotations

import numpy as np

from ..array_types import ComplexArray, FloatArray
from . import rotations as rot
from .elbow_prior import expected_hinges
from .head_pose import lead_with_head, turn_head_and_hands
from .motion import Clip, Motion
from .skeleton import JOINT_COUNT, JOINTS, SMPL, Skeleton
from .torso_fit import fitted_joints, trunk_pose

_J = {name: index for index, name in enumerate(JOINTS)}
_LIMBS = (("l_shoulder", "l_elbow", "l_wrist"), ("r_shoulder", "r_elbow", "r_wrist"),
          ("l_hip", "l_knee", "l_ankle"), ("r_hip", "r_knee", "r_ankle"))  # fmt: skip
_ROOTS, _MIDDLES, _ENDS = (np.array([_J[limb[i]] for limb in _LIMBS]) for i in range(3))
_TOES = np.array([_J["l_foot"], _J["r_foot"]])
_REST_HINGES = np.array([[0.0, -1.0, 0.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [1.0, 0.0, 0.0]])
"""Axes about which the limbs of a T-pose facing +Z bend: forearms forward, shins backward."""

_FULL_BEND = 0.2
"""Sine of the bend at which a limb's plane weighs as much as the twist of the neighbouring frames."""
_SURE = 0.3
"""Weight of a limb's plane (1 at _FULL_BEND) above which its angle is unwrapped from frame to frame."""
_PRIOR = np.array([0.0015, 0.0015, 0.05, 0.05])
"""Weight of the prior twist of a straight limb, relative to the weight 1 of the neighbouring frames.

1 / n^2 lets the prior dominate after about n frames. The error of the prior for arms is nearly constant during a clip,
so the twist from when the arm was last bent is better for about a second; feet show the knees' direction at once.
"""


def retarget(motion: Motion, skeleton: Skeleton = SMPL) -> Clip:
    """Compute local bone rotations with which `skeleton` follows the joints of `motion`.

    The root's travel is scaled by the ratio of leg lengths about its start, unless the lengths agree within 3 %. The
    lowest joint keeps its height, so feet stay on the floor. Where the motion's trunk has another shape, the hips keep
    their trajectory and the root lies where the skeleton has it.

    Args:
        motion: Joint positions (T, 22, 3), metres, Y up, and head and hand rotations where known.
        skeleton: Its first 22 joints are those of `JOINTS`, in a T-pose facing +Z; joints after those (SMPL's hands)
            keep their rest rotation.

    Returns:
        A clip at the motion's frame rate; its translation is the root's position in the motion's frame.

    Raises:
        ValueError: The skeleton has other joints, or the motion's shape is not (T, 22, 3).
    """
    if skeleton.names[:JOINT_COUNT] != JOINTS:
        raise ValueError("the skeleton's first 22 joints must be those of the model")
    target, turned = fitted_joints(motion.joints, skeleton)
    offsets = np.asarray(skeleton.offsets, dtype=np.float64)
    parents = skeleton.parents

    world = np.broadcast_to(rot.IDENTITY, (len(target), len(skeleton), 4)).copy()
    world[:, :JOINT_COUNT], position = trunk_pose(target, skeleton, turned)

    # All four limbs at once. Their first bone starts at the position that the trunk gives.
    lengths = skeleton.bone_lengths
    start = position[:, _ROOTS]
    upper = rot.unit(target[:, _MIDDLES] - start, _down(offsets[_MIDDLES]))
    middle = start + upper * lengths[_MIDDLES][:, None]
    lower = rot.unit(target[:, _ENDS] - middle, upper)
    end = middle + lower * lengths[_ENDS][:, None]
    feet = rot.unit(target[:, _TOES] - end[:, 2:], _down(offsets[_TOES]))
    parent_world = world[:, [parents[joint] for joint in _ROOTS]]
    hinge = _hinges(parent_world, upper, lower, feet, offsets)
    world[:, _ROOTS] = _framed(offsets[_MIDDLES], _REST_HINGES, upper, hinge)
    world[:, _MIDDLES] = _framed(offsets[_ENDS], _REST_HINGES, lower, hinge)
    world[:, _ENDS[2:]] = _framed(offsets[_TOES], _REST_HINGES[2:], feet, hinge[:, 2:])

    local = np.empty_like(world)
    local[:, 0] = world[:, 0]
    for leaf in (*_TOES, *_ENDS[:2]):
        world[:, leaf] = world[:, parents[leaf]]
    if motion.head_hands is None:
        lead_with_head(world, motion.fps)
    else:
        turn_head_and_hands(world, motion.head_hands, offsets[_J["head"]])
    for leaf in range(JOINT_COUNT, len(skeleton)):
        world[:, leaf] = world[:, parents[leaf]]
    local[:, 1:] = rot.multiply(rot.inverse(world[:, list(parents[1:])]), world[:, 1:])
    return Clip(motion.fps, position[:, 0].copy(), rot.continuous(rot.normalise(local)), skeleton)


def forward_kinematics(clip: Clip) -> FloatArray:
    """Compute joint positions from bone rotations.

    Args:
        clip: The clip.

    Returns:
        (T, J, 3) float64 joint positions, metres, in the clip's frame.
    """
    offsets = np.asarray(clip.skeleton.offsets, dtype=np.float64)
    world = np.array(clip.rotations, dtype=np.float64)
    position = np.zeros((*world.shape[:2], 3))
    position[:, 0] = clip.translation
    for joint, parent in enumerate(clip.skeleton.parents):
        if parent >= 0:
            position[:, joint] = position[:, parent] + rot.rotate(world[:, parent], offsets[joint])
            world[:, joint] = rot.multiply(world[:, parent], world[:, joint])
    return position


def _down(offsets: FloatArray) -> FloatArray:
    return rot.unit(offsets, (0.0, -1.0, 0.0))


def _framed(rest: FloatArray, rest_hinge: FloatArray, now: FloatArray, hinge: FloatArray) -> FloatArray:
    """(..., 4) rotation of the direction `rest` to `now`, and of `rest_hinge` as close to `hinge` as possible."""
    return rot.multiply(_frame(now, hinge), rot.inverse(_frame(rest, rest_hinge)))


def _frame(direction: FloatArray, hinge: FloatArray) -> FloatArray:
    y = rot.unit(direction, (0.0, 1.0, 0.0))
    across = hinge - (hinge * y).sum(axis=-1, keepdims=True) * y
    x = rot.unit(across, rot.cross(y, np.eye(3)[np.abs(y).argmin(axis=-1)]))
    return rot.from_axes(x, y, rot.cross(x, y))


def _hinges(
    parent: FloatArray, upper: FloatArray, lower: FloatArray, feet: FloatArray, offsets: FloatArray
) -> FloatArray:
    """(T, 4, 3) unit vectors: the axis about which each limb bends, perpendicular to its upper bone.

    parent: (T, 4, 4) world rotations of the limbs' parents; upper, lower: (T, 4, 3) directions of the limbs' bones;
    feet: (T, 2, 3) directions of the feet.

    In a frame that follows the upper bone without any twist of its own (parallel transport, in the parent's frame),
    the hinge is one angle per frame. Weighted least squares over time keep the angle close to that of the limb's plane
    where the limb is bent, weakly close to the prior angle, and its change small. A limb that straightens and bends
    again in another plane therefore turns from one plane to the other at a constant, lowest speed.
    """
    to_parent = rot.inverse(parent)
    direction = rot.rotate(to_parent, upper)
    rest = _down(offsets[_MIDDLES])
    rest_hinge = rot.unit(_REST_HINGES - (_REST_HINGES * rest).sum(-1, keepdims=True) * rest, _REST_HINGES)

    swing = rot.between(rest, direction)
    carried = _running_product(np.concatenate([swing[:1], rot.between(direction[:-1], direction[1:])]))
    first = rot.rotate(carried, rest_hinge)
    second = rot.cross(direction, first)

    def on_bone(v: FloatArray) -> ComplexArray:
        """Project v, in the parent's frame, to the plane perpendicular to the upper bone, as a complex number."""
        result: ComplexArray = (v * first).sum(-1) + 1j * (v * second).sum(-1)
        return result

    # Prior for straight limbs. Arms: the regression. Legs: swing from the rest pose (undefined where they point the
    # opposite way), with the knee forward where the foot points forward.
    arms, legs = slice(0, 2), slice(2, 4)
    bent = rot.rotate(to_parent, lower)
    likely = np.clip(0.5 + 0.5 * (rest * direction).sum(-1), 0.0, 1.0)[..., None] * rot.rotate(swing, rest_hinge)
    likely[:, legs] += 2.0 * rot.cross(rot.rotate(to_parent[:, legs], feet), bent[:, legs])
    likely[:, arms] = expected_hinges(direction[:, arms], bent[:, arms])
    natural = on_bone(likely)
    plane = on_bone(rot.cross(direction, bent))
    bend = np.abs(plane)
    weight = (bend / _FULL_BEND) ** 4
    # A hip does not turn by 180 degrees: a plane opposite to the prior is a slightly overstretched knee.
    opposite = -(plane * natural.conj())[:, legs].real / np.maximum(np.abs(plane * natural)[:, legs], 1e-9)
    stretched = np.clip(opposite, 0.0, 1.0) * np.clip((0.55 - bend[:, legs]) / 0.2, 0.0, 1.0)
    weight[:, legs] *= (1.0 - stretched) ** 2

    angle = np.empty_like(weight)
    for limb in range(weight.shape[1]):
        angle[:, limb] = _followed(plane[:, limb], weight[:, limb], natural[:, limb])
    base = angle
    apart = np.angle(natural * np.exp(-1j * base))
    pull = _PRIOR * np.minimum(np.abs(natural), 1.0) * (0.5 + 0.5 * np.cos(apart))
    plane_angle = base + np.angle(plane * np.exp(-1j * base))
    angle = _smooth_chain(weight + pull, weight * plane_angle + pull * (base + apart))[..., None]
    return rot.rotate(parent, np.cos(angle) * first + np.sin(angle) * second)


def _followed(plane: ComplexArray, weight: FloatArray, natural: ComplexArray) -> FloatArray:
    """(T,) angles without jumps of a full turn: the plane's where its weight is high, interpolated linearly elsewhere.

    plane, natural: (T,) complex. A limb whose weight is never high gets its prior angle, from the frame where that is
    clearest.
    """
    sure = np.flatnonzero(weight > _SURE)
    if not len(sure):
        return np.full(len(plane), np.angle(natural[np.abs(natural).argmax()]))
    return np.interp(np.arange(len(plane)), sure, np.unwrap(np.angle(plane[sure])))


def _running_product(q: FloatArray) -> FloatArray:
    """(T, ..., 4): q[t] q[t-1] ... q[0] for every t, by doubling: log2(T) vectorised products instead of T."""
    q = q.copy()
    step = 1
    while step < len(q):
        q[step:] = rot.multiply(q[step:], q[:-step].copy())
        step *= 2
    return rot.normalise(q)


def _smooth_chain(weight: FloatArray, weighted: FloatArray) -> FloatArray:
    """(T, n) least-squares angles c, a tridiagonal system for each column, solved by cyclic reduction of all rows.

    Minimises sum_t weight[t] (c[t] - weighted[t] / weight[t])^2 + sum_t (c[t+1] - c[t])^2. The normal equations have
    the diagonal weight[t] + (number of neighbours of t), -1 beside it and `weighted` on the right-hand side. Each pass
    eliminates the nearest remaining neighbours of every row, so log2(T) passes leave the diagonal.
    """
    frames = len(weight)
    links = np.full((frames, 1), 2.0)
    links[[0, -1]] -= 1.0
    diagonal, right = weight + links + 1e-9, weighted.copy()
    before, after = -np.ones_like(diagonal), -np.ones_like(diagonal)
    before[0], after[-1] = 0.0, 0.0
    step = 1
    while step < frames:
        up, down = before[step:] / diagonal[:-step], after[:-step] / diagonal[step:]
        new_diagonal, new_right = diagonal.copy(), right.copy()
        new_diagonal[step:] -= up * after[:-step]
        new_diagonal[:-step] -= down * before[step:]
        new_right[step:] -= up * right[:-step]
        new_right[:-step] -= down * right[step:]
        further_before, further_after = np.zeros_like(before), np.zeros_like(after)
        further_before[step:] = -up * before[:-step]
        further_after[:-step] = -down * after[step:]
        diagonal, right, before, after = new_diagonal, new_right, further_before, further_after
        step *= 2
    result: FloatArray = right / diagonal
    return result
