"""The parameters of a moving SMPL body, as files hold them, and the same motion as a clip.

A file holds the rotation of each joint relative to the rest pose of the body model, as a rotation vector, and a
translation. The pelvis is where the model has it at rest, plus the translation: the rotation of the root turns the body
about its pelvis (Loper et al. 2015; Mahmood et al., "AMASS", ICCV 2019). The place of the pelvis at rest is a number of
the licensed model, so it is known from a model file only. Without one it counts as the model's origin; the body then
stands some decimetres beside its place, by the same vector on each frame.

The rest pose of the model counts as the engine's T-pose: both have the same axes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from ..array_types import FloatArray
from ..motion import rotations as rot
from ..motion.foot_contacts import floor_height, foot_contacts, stance_mask
from ..motion.motion import Clip
from ..motion.resampling import resample
from ..motion.retarget import forward_kinematics
from ..motion.skeleton import FOOT_JOINTS, JOINT_COUNT, SMPL, Skeleton
from .body_model import KINDS, BodyKind, BodyModel, joint_positions, shaped_vertices

LAYOUTS: dict[str, BodyKind] = {"smpl": KINDS[24], "smplh": KINDS[52], "smplx": KINDS[55]}
"""Layouts by their names in options: 72, 156 and 165 numbers a frame."""
BETAS: dict[str, int] = {"SMPL": 10, "SMPL-H": 16, "SMPL-X": 16}
"""Numbers of shape parameters that are written, as in published files."""
UPWARD = ("Z", "Y", "-Y")
"""Axes that may point up: Z as in AMASS, Y as in most research code, -Y in the coordinates of a camera."""
_HALF = np.sqrt(0.5)
_TO_ENGINE = {
    "Z": np.array([_HALF, -_HALF, 0.0, 0.0]), "Y": rot.IDENTITY, "-Y": np.array([0.0, 1.0, 0.0, 0.0]),
}  # fmt: skip
"""Rotation from the axes of a file to the engine's, by the axis that points up."""
_HANDS = (20, 21)
_LARGEST_SCALE = 1.5
"""Largest ratio of a person's size to the engine's skeleton that its steps may show; and its inverse."""
_LEAST_STEPS = 20.0
"""Metres squared per second squared, summed over frames: travel over a standing foot from which the size is clear."""


@dataclass(frozen=True, eq=False)
class BodyParameters:
    """A motion as parameters of a body of the SMPL family.

    Attributes:
        kind: The joints.
        rotations: (T, J, 4) unit quaternions (w, x, y, z), local to the parent joint, relative to the rest pose of the
            model; the root's in the axes of the file.
        translation: (T, 3) metres, in the axes of the file.
        fps: Frames per second.
        up: The axis of the file that points up, one of `UPWARD`.
        betas: Shape parameters, any number.
        gender: "neutral", "male" or "female".
        rest: (24, 3) metres, the joints of `SMPL` without a pose, in the axes and from the origin of the body model;
            None if they are not known.
        prompt: The prompt of a generated motion, or empty.
        warnings: Sentences about what was not as usual in the file.
    """

    kind: BodyKind
    rotations: FloatArray
    translation: FloatArray
    fps: float
    up: str = "Z"
    betas: FloatArray = field(default_factory=lambda: np.zeros(10))
    gender: str = "neutral"
    rest: FloatArray | None = None
    prompt: str = ""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class BodyMotion:
    """A clip of the 24 joints of `SMPL`, and the rotations of joints beyond the body.

    Attributes:
        clip: The clip, engine axes, metres.
        extra: Name of a joint (fingers, jaw, eyes) -> (T, 4) unit quaternions, local to the parent joint.
    """

    clip: Clip
    extra: Mapping[str, FloatArray] = field(default_factory=dict)


def guess_up(root: FloatArray) -> str:
    """The axis towards which a body stands most of the time.

    Args:
        root: (T, 4) rotations of the root, in the axes of a file.

    Returns:
        One of `UPWARD`.
    """
    towards = rot.rotate(root, np.array([0.0, 1.0, 0.0])).mean(0)
    return max(UPWARD, key=lambda axis: float({"Z": towards[2], "Y": towards[1], "-Y": -towards[1]}[axis]))


def rest_joints(model: BodyModel, betas: FloatArray | None = None) -> FloatArray:
    """(24, 3) metres: the joints of `SMPL` in a body model of a shape, from the model's origin.

    Models with fingers have no hand joints; theirs lie as far from the wrists as in `SMPL`.
    """
    shape = np.zeros(0) if betas is None else np.asarray(betas)[: model.shape_directions.shape[2]]
    joints = joint_positions(model, shaped_vertices(model, shape))
    if len(joints) == len(SMPL):
        return joints
    hands = joints[list(_HANDS)] + SMPL.offsets[JOINT_COUNT:]
    return np.concatenate([joints[:JOINT_COUNT], hands])


def skeleton_of(rest: FloatArray) -> Skeleton:
    """The skeleton with joints at these places (24, 3), metres; its root is at the origin."""
    offsets = np.array(rest, dtype=np.float64)
    for joint, parent in enumerate(SMPL.parents):
        offsets[joint] = rest[joint] - rest[parent] if parent >= 0 else 0.0
    return SMPL if np.abs(offsets - SMPL.offsets).max() < 1e-9 else Skeleton(SMPL.names, SMPL.parents, offsets)


def leg_length(skeleton: Skeleton) -> float:
    """Metres from hip to ankle, mean of both legs."""
    knees_and_ankles = [skeleton.names.index(side + name) for side in ("l_", "r_") for name in ("knee", "ankle")]
    return float(skeleton.bone_lengths[knees_and_ankles].sum()) / 2.0


def body_motion(parameters: BodyParameters, on_floor: bool = True) -> BodyMotion:
    """The motion as a clip, in the engine's axes and the metres of the file.

    Args:
        parameters: The motion.
        on_floor: Whether a body of unknown proportions gets the size and the floor of the engine's skeleton
            (`on_own_floor`). A body whose rest joints are known is exact.

    Returns:
        The clip and the rotations of further joints.
    """
    turn = _TO_ENGINE[parameters.up]
    rest = parameters.rest
    pelvis = np.zeros(3) if rest is None else rest[0]
    turns = np.tile(rot.IDENTITY, (len(parameters.rotations), len(SMPL), 1))
    shared = len(SMPL) if parameters.kind is KINDS[24] else JOINT_COUNT
    turns[:, :shared] = parameters.rotations[:, :shared]
    turns[:, 0] = rot.multiply(turn, turns[:, 0])
    skeleton = SMPL if rest is None else skeleton_of(rest)
    clip = Clip(parameters.fps, rot.rotate(turn, parameters.translation + pelvis), rot.continuous(turns), skeleton)
    beyond = range(shared, len(parameters.kind.names))
    extra = {parameters.kind.names[joint]: rot.continuous(parameters.rotations[:, joint]) for joint in beyond}
    return BodyMotion(on_own_floor(clip) if rest is None and on_floor else clip, extra)


def resampled(motion: BodyMotion, fps: float) -> BodyMotion:
    """The motion at another frame rate; see `resample`."""
    if fps == motion.clip.fps:
        return motion
    names, clip = tuple(motion.extra), motion.clip
    together = np.concatenate([clip.rotations, *(motion.extra[name][:, None] for name in names)], axis=1)
    result = resample(replace(clip, rotations=together), fps)
    body = replace(result, rotations=result.rotations[:, : len(clip.skeleton)])
    extra = {name: result.rotations[:, len(clip.skeleton) + number] for number, name in enumerate(names)}
    return BodyMotion(body, extra)


def parameters_of(
    motion: BodyMotion,
    kind: BodyKind,
    pelvis: FloatArray | None = None,
    up: str = "Z",
    betas: FloatArray | None = None,
    gender: str = "neutral",
    prompt: str = "",
) -> BodyParameters:
    """The parameters of a motion: the inverse of `body_motion`.

    Args:
        motion: The motion.
        kind: The layout. Joints that the motion does not have are in their rest pose.
        pelvis: (3,) metres, place of the pelvis at rest in the body model that performs the motion; None: the origin.
        up: The axis of the file that points up.
        betas: The shape of the body, any number.
        gender: "neutral", "male" or "female".
        prompt: The prompt, or empty.

    Returns:
        The parameters.
    """
    clip, back = motion.clip, rot.inverse(_TO_ENGINE[up])
    place = np.zeros(3) if pelvis is None else np.asarray(pelvis, dtype=np.float64)
    turns = np.tile(rot.IDENTITY, (clip.frames, len(kind.names), 1))
    shared = len(SMPL) if kind is KINDS[24] else JOINT_COUNT
    turns[:, :shared] = clip.rotations[:, :shared]
    turns[:, 0] = rot.multiply(back, turns[:, 0])
    for joint in range(shared, len(kind.names)):
        if kind.names[joint] in motion.extra:
            turns[:, joint] = motion.extra[kind.names[joint]]
    shape = np.zeros(BETAS[kind.name])
    given = np.zeros(0) if betas is None else np.asarray(betas, dtype=np.float64)[: len(shape)]
    shape[: len(given)] = given
    translation = rot.rotate(back, clip.translation) - place
    rest = clip.skeleton.rest + place
    return BodyParameters(kind, turns, translation, clip.fps, up, shape, gender, rest, prompt)


def with_proportions(clip: Clip, skeleton: Skeleton) -> Clip:
    """The same rotations on a body of other proportions.

    The travel is scaled by the ratio of leg lengths about its start. The lowest joint of the feet is as high as before,
    scaled as well.

    Args:
        clip: A clip of the 24 joints of `SMPL`.
        skeleton: The other body, with the same joints.

    Returns:
        The clip on the other body. On the same body it is unchanged.
    """
    if np.abs(skeleton.offsets - clip.skeleton.offsets).max() < 1e-6:
        return replace(clip, skeleton=skeleton)
    ratio = leg_length(skeleton) / leg_length(clip.skeleton)
    start = clip.translation[0] * [1.0, 0.0, 1.0]
    moved = Clip(clip.fps, start + ratio * (clip.translation - start), clip.rotations, skeleton)
    feet = list(FOOT_JOINTS)
    before = ratio * forward_kinematics(clip)[:, feet, 1].min(1)
    after = forward_kinematics(moved)[:, feet, 1].min(1)
    return replace(moved, translation=moved.translation + (before - after)[:, None] * [0.0, 1.0, 0.0])


def in_own_metres(clip: Clip, about_start: bool = False) -> tuple[Clip, float]:
    """The clip in metres in which its legs are as long as those of `SMPL`, and the length before of such a metre.

    Args:
        clip: The clip.
        about_start: Whether the first frame keeps its place over the floor; otherwise the origin does.
    """
    ratio = leg_length(clip.skeleton) / leg_length(SMPL)
    if abs(ratio - 1.0) < 1e-9:
        return clip, 1.0
    own = Skeleton(clip.skeleton.names, clip.skeleton.parents, np.asarray(clip.skeleton.offsets) / ratio)
    start = clip.translation[0] * [1.0, 0.0, 1.0] * about_start
    return replace(clip, translation=start + (clip.translation - start) / ratio, skeleton=own), ratio


def in_true_metres(clip: Clip, ratio: float) -> Clip:
    """The inverse of `in_own_metres`."""
    if ratio == 1.0:
        return clip
    true = Skeleton(clip.skeleton.names, clip.skeleton.parents, np.asarray(clip.skeleton.offsets) * ratio)
    return replace(clip, translation=clip.translation * ratio, skeleton=true)


def on_own_floor(clip: Clip) -> Clip:
    """A clip of a body of unknown size, on the engine's skeleton: steps as long as its legs, feet on the floor.

    The size is that with which standing feet slide least (least squares); it stays 1 where the motion hardly travels.
    The floor is the 5th percentile of the lowest foot joint, as in `floor_height`.

    Args:
        clip: A clip whose rotations and travel are those of the unknown body.

    Returns:
        The clip, moved about its start.
    """
    start = clip.translation[0] * [1.0, 0.0, 1.0]
    scaled = replace(clip, translation=start + (clip.translation - start) / _size(clip))
    joints = forward_kinematics(scaled)[:, :JOINT_COUNT]
    return replace(scaled, translation=scaled.translation - [0.0, floor_height(joints), 0.0])


def _size(clip: Clip) -> float:
    """Ratio of the size of a body to that of the clip's skeleton, from the travel of its pelvis over standing feet."""
    if clip.frames < 3:
        return 1.0
    joints = forward_kinematics(clip)[:, :JOINT_COUNT]
    joints[..., 1] -= floor_height(joints)
    stands = stance_mask(joints, foot_contacts(joints, clip.fps).astype(np.float64), clip.fps)
    level = [0, 2]
    travel = np.diff(joints[:, 0][:, level], axis=0) * clip.fps
    against = np.diff(joints[:, list(FOOT_JOINTS)][..., level] - joints[:, :1, level], axis=0) * clip.fps
    both = stands[1:] & stands[:-1]
    moved = (both[..., None] * travel[:, None] ** 2).sum()
    if moved < _LEAST_STEPS * clip.fps / 20.0:
        return 1.0
    inverse = -float((both[..., None] * travel[:, None] * against).sum() / moved)
    return 1.0 / float(np.clip(inverse, 1.0 / _LARGEST_SCALE, _LARGEST_SCALE))
