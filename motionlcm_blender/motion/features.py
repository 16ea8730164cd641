"""HumanML3D's 263 motion features, both ways (Guo et al., CVPR 2022; 20 fps, metres, Y up).

Features of a clip in its canonical frame: first root at the XZ origin, facing +Z, floor at y = 0.
The facing frame of a moment is the world turned about +Y by the facing quaternion q so that the figure faces +Z.

| slice   | name          | what                                                                            |
| ------- | ------------- | ------------------------------------------------------------------------------- |
| 0       | yaw_velocity  | half the turn of q per frame, radians: arcsin of the y part of q[t+1] inv(q[t]) |
| 1:3     | root_velocity | x and z of the root's step from t to t+1, in the facing frame of t+1            |
| 3       | root_height   | y of the root                                                                   |
| 4:67    | positions     | joints 1..21, root XZ removed, in the facing frame                              |
| 67:193  | rotations     | joints 1..21, 6D, from inverse kinematics along the chains                      |
| 193:259 | velocities    | steps of all 22 joints from t to t+1, in the facing frame of t                  |
| 259:263 | contacts      | l_ankle, l_foot, r_ankle, r_foot: 1 where the squared step is below 0.002 m^2   |
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ..array_types import FloatArray
from . import rotations as rot
from .floor_support import supported_ends
from .shrunken_bones import steady_short_bones
from .skeleton import CHAINS, FOOT_JOINTS, HUMANML, JOINT_COUNT, JOINTS, Skeleton

FEATURES = 263
SLICES: dict[str, slice] = {
    "yaw_velocity": slice(0, 1),
    "root_velocity": slice(1, 3),
    "root_height": slice(3, 4),
    "positions": slice(4, 67),
    "rotations": slice(67, 193),
    "velocities": slice(193, 259),
    "contacts": slice(259, 263),
}
"""Also the groups inside which the standard deviation is averaged for normalisation."""

CONTACT_SQUARED_STEP = 0.002
"""Square metres per frame: HumanML3D's threshold between a foot in contact and a moving one."""

SMOOTHING_SIGMA = 20.0
"""Frames: standard deviation of the Gaussian that smooths the forward direction."""

_L_HIP, _R_HIP, _L_SHOULDER, _R_SHOULDER = (JOINTS.index(n) for n in ("l_hip", "r_hip", "l_shoulder", "r_shoulder"))
_UP = np.array([0.0, 1.0, 0.0])
_AHEAD = np.array([0.0, 0.0, 1.0])


def _raw_directions() -> FloatArray:
    """(22, 3) direction of each bone in its parent's frame when all 6D rotations are the identity.

    HumanML3D's own convention: axis aligned, arms hanging down, feet and head forward.
    """
    left, down, up, ahead = (1, 0, 0), (0, -1, 0), (0, 1, 0), (0, 0, 1)
    by_part = {
        "hip": left, "collar": left, "spine1": up, "spine2": up, "spine3": up, "neck": up, "head": ahead,
        "foot": ahead, "knee": down, "ankle": down, "shoulder": down, "elbow": down, "wrist": down,
    }  # fmt: skip
    directions = np.zeros((JOINT_COUNT, 3))
    for joint, name in enumerate(JOINTS[1:], start=1):
        directions[joint] = by_part[name.split("_")[-1]]
        if name.startswith("r_"):
            directions[joint, 0] *= -1
    return directions


_RAW = _raw_directions()
_BONES = [(chain[i], chain[i + 1], i == 0) for chain in CHAINS for i in range(len(chain) - 1)]
_CHAIN_PARENT = np.array([parent for _, parent in sorted((child, parent) for parent, child, _ in _BONES)])
_STARTS_CHAIN = np.array([first for _, first in sorted((child, first) for _, child, first in _BONES)])


def _checked(joints: ArrayLike, least: int = 1) -> FloatArray:
    joints = np.asarray(joints, dtype=np.float64)
    if joints.ndim != 3 or joints.shape[1:] != (JOINT_COUNT, 3) or len(joints) < least:
        raise ValueError(f"joints must have shape (T, 22, 3) with T >= {least}, not {joints.shape}")
    return joints


def gaussian_smooth(values: FloatArray, sigma: float) -> FloatArray:
    """Smooth with a Gaussian along the first axis; the end values are repeated beyond the ends.

    Equal to scipy.ndimage.gaussian_filter1d(values, sigma, axis=0, mode="nearest", truncate=4).

    Args:
        values: (T, n) float64.
        sigma: Standard deviation, frames.

    Returns:
        (T, n) float64.
    """
    radius = int(4.0 * sigma + 0.5)
    offsets = np.arange(-radius, radius + 1)
    kernel = np.exp(-0.5 * (offsets / sigma) ** 2)
    kernel /= kernel.sum()
    padded = np.pad(values, ((radius, radius), (0, 0)), mode="edge")
    return np.stack([np.convolve(column, kernel, mode="valid") for column in padded.T], axis=-1)


def _forward(joints: FloatArray, smooth: bool) -> FloatArray:
    """(T, 3) unit vectors on the floor plane, the facing direction of the figure."""
    across = joints[:, _R_HIP] - joints[:, _L_HIP] + joints[:, _R_SHOULDER] - joints[:, _L_SHOULDER]
    forward = rot.cross(_UP, rot.unit(across, (-1.0, 0.0, 0.0)))
    if smooth:
        forward = gaussian_smooth(forward, SMOOTHING_SIGMA)
    length = np.linalg.norm(forward, axis=-1)
    if (length < 1e-8).any():  # the body lies on its side: keep the last valid direction
        known = np.flatnonzero(length >= 1e-8)
        if not len(known):
            return np.broadcast_to(_AHEAD, forward.shape)
        last_known = known[np.maximum(np.searchsorted(known, np.arange(len(forward)), side="right") - 1, 0)]
        forward, length = forward[last_known], length[last_known]
    result: FloatArray = forward / length[:, None]
    return result


def facing(joints: ArrayLike, smooth: bool = True) -> FloatArray:
    """Facing quaternion q of each frame: rotates the world about +Y so that the figure faces +Z.

    The forward direction is cross(+Y, right minus left of hips and shoulders). The heading is the inverse:
    rotate(inverse(q), +Z).

    Args:
        joints: (T, 22, 3) joint positions, metres, Y up.
        smooth: Smooth the forward direction over time.

    Returns:
        (T, 4) float64 unit quaternions (w, x, y, z) with continuous signs.

    Raises:
        ValueError: `joints` has another shape.
    """
    forward = _forward(_checked(joints), smooth)
    half = -0.5 * np.unwrap(np.arctan2(forward[:, 0], forward[:, 2]))
    zero = np.zeros_like(half)
    return np.stack([np.cos(half), zero, np.sin(half), zero], axis=-1)


def canonical(joints: ArrayLike) -> FloatArray:
    """Move a motion into its canonical frame.

    Args:
        joints: (T, 22, 3) joint positions, metres, Y up.

    Returns:
        (T, 22, 3) float64: the first root at the XZ origin, facing +Z in the first frame, lowest joint at y = 0.

    Raises:
        ValueError: `joints` has another shape.
    """
    joints = _checked(joints)
    q = facing(joints[:1], smooth=False)[0]
    origin = np.array([joints[0, 0, 0], joints[..., 1].min(), joints[0, 0, 2]])
    return rot.rotate(q, joints - origin)


def onto_skeleton(joints: ArrayLike, skeleton: Skeleton = HUMANML, ratio: float | None = None) -> FloatArray:
    """Set the bone lengths to those of `skeleton`; every bone keeps its direction.

    HumanML3D's retargeting: the root's travel is scaled about the XZ position of the first frame. The lowest joint of
    the clip keeps its height, so a floor stays the floor.

    Args:
        joints: (T, 22, 3) joint positions, metres, Y up.
        skeleton: Source of the bone lengths.
        ratio: Scale of the root's travel. None: the ratio of leg lengths.

    Returns:
        (T, 22, 3) float64 joint positions, metres.

    Raises:
        ValueError: `joints` has another shape.
    """
    joints = _checked(joints)
    parents = np.array(skeleton.parents[:JOINT_COUNT])
    offsets = np.asarray(skeleton.offsets[:JOINT_COUNT], dtype=np.float64)
    bones = joints[:, 1:] - joints[:, parents[1:]]
    lengths = np.linalg.norm(offsets[1:], axis=-1)
    directions = rot.unit(bones, offsets[1:] / lengths[:, None])
    root = joints[:, 0] * (leg_ratio(joints, skeleton) if ratio is None else ratio)
    root[:, [0, 2]] += joints[0, 0, [0, 2]] - root[0, [0, 2]]
    result = np.empty_like(joints)
    result[:, 0] = root
    for joint in range(1, JOINT_COUNT):
        result[:, joint] = result[:, parents[joint]] + directions[:, joint - 1] * lengths[joint - 1]
    result[..., 1] += joints[..., 1].min() - result[..., 1].min()
    return result


def leg_ratio(joints: ArrayLike, skeleton: Skeleton) -> float:
    """Ratio of leg lengths (thigh and shin, both sides).

    Args:
        joints: (T, 22, 3) joint positions, metres.
        skeleton: Skeleton whose legs are compared with the motion's.

    Returns:
        Leg length of `skeleton` divided by the median leg length of the motion.

    Raises:
        ValueError: `joints` has another shape.
    """
    joints = _checked(joints)
    bones = [(joint, skeleton.parents[joint]) for joint in (4, 5, 7, 8)]
    own = sum(float(np.median(np.linalg.norm(joints[:, a] - joints[:, b], axis=-1))) for a, b in bones)
    return float(sum(skeleton.bone_lengths[a] for a, _ in bones)) / own if own > 1e-6 else 1.0


def features_from_joints(joints: ArrayLike) -> FloatArray:
    """Compute HumanML3D features of a clip in its canonical frame.

    The facing quaternion of the first frame is the identity by definition. Its signs are kept continuous, so that a
    figure that turns past its back keeps the sign of its yaw velocity.

    Args:
        joints: (T, 22, 3) joint positions, metres, T >= 2, as returned by `canonical`: first root at the XZ origin,
            facing +Z.

    Returns:
        (T - 1, 263) float32, not normalised.

    Raises:
        ValueError: `joints` has another shape.
    """
    joints = _checked(joints, least=2)
    q = facing(joints)
    q[0] = rot.IDENTITY
    q = rot.continuous(q)

    bones = joints[:, 1:] - joints[:, _CHAIN_PARENT]
    world = rot.between(_RAW[1:], bones)
    before = np.where(_STARTS_CHAIN[:, None], q[:, None], world[:, np.maximum(_CHAIN_PARENT - 1, 0)])
    local = rot.multiply(rot.inverse(before), world)

    steps = joints[1:] - joints[:-1]
    positions = joints[:-1, 1:] - joints[:-1, :1] * np.array([1.0, 0.0, 1.0])
    turn = rot.multiply(q[1:], rot.inverse(q[:-1]))
    root_velocity = rot.rotate(q[1:], steps[:, 0])
    feet = steps[:, list(FOOT_JOINTS)]

    frames = len(steps)
    features = np.empty((frames, FEATURES), dtype=np.float32)
    features[:, SLICES["yaw_velocity"]] = np.arcsin(np.clip(turn[:, 2:3], -1.0, 1.0))
    features[:, SLICES["root_velocity"]] = root_velocity[:, [0, 2]]
    features[:, SLICES["root_height"]] = joints[:-1, 0, 1:2]
    features[:, SLICES["positions"]] = rot.rotate(q[:-1, None], positions).reshape(frames, -1)
    features[:, SLICES["rotations"]] = rot.to_six_d(local[:-1]).reshape(frames, -1)
    features[:, SLICES["velocities"]] = rot.rotate(q[:-1, None], steps).reshape(frames, -1)
    features[:, SLICES["contacts"]] = (feet * feet).sum(axis=-1) < CONTACT_SQUARED_STEP
    return features


def joints_from_features(features: ArrayLike) -> FloatArray:
    """Compute joint positions from features.

    Uses yaw velocity, root velocity, root height and positions. Features after the first 263 (`head_hands`) are
    ignored.

    Args:
        features: (..., T, 263 or more), not normalised.

    Returns:
        (..., T, 22, 3) float32, metres, Y up; the first root at the XZ origin, facing +Z.

    Raises:
        ValueError: The last axis is shorter than 263.
    """
    features = np.asarray(features, dtype=np.float64)
    if features.ndim < 2 or features.shape[-1] < FEATURES:
        raise ValueError(f"features must have shape (..., T, 263 or more), not {features.shape}")
    yaw = np.zeros(features.shape[:-1])
    yaw[..., 1:] = np.cumsum(features[..., :-1, 0], axis=-1)
    # inv(q) rotates by -2 yaw about +Y.
    cos, sin = np.cos(2.0 * yaw), np.sin(2.0 * yaw)

    steps = np.zeros((*features.shape[:-1], 2))
    steps[..., 1:, :] = features[..., :-1, SLICES["root_velocity"]]
    x, z = steps[..., 0], steps[..., 1]
    root_x, root_z = np.cumsum(cos * x - sin * z, axis=-1), np.cumsum(sin * x + cos * z, axis=-1)

    local = features[..., SLICES["positions"]].reshape(*features.shape[:-1], JOINT_COUNT - 1, 3)
    joints = np.empty((*features.shape[:-1], JOINT_COUNT, 3), dtype=np.float32)
    joints[..., 0, 0], joints[..., 0, 1], joints[..., 0, 2] = root_x, features[..., 3], root_z
    cos, sin = cos[..., None], sin[..., None]
    joints[..., 1:, 0] = cos * local[..., 0] - sin * local[..., 2] + root_x[..., None]
    joints[..., 1:, 1] = local[..., 1]
    joints[..., 1:, 2] = sin * local[..., 0] + cos * local[..., 2] + root_z[..., None]
    return joints


def contacts_from_features(features: FloatArray) -> FloatArray:
    """Read the foot contacts of features.

    Args:
        features: (..., T, 263 or more), not normalised.

    Returns:
        (..., T, 4) float32 in 0..1: l_ankle, l_foot, r_ankle, r_foot.
    """
    contacts: FloatArray = np.clip(features[..., SLICES["contacts"]], 0.0, 1.0).astype(np.float32)
    return contacts


def standing_joints(features: FloatArray) -> FloatArray:
    """Compute joint positions with fixed bone lengths and the floor at y = 0.

    Shrunken bones take their direction from the frames around (`shrunken_bones`), so that nothing pops.
    Bone lengths are set before post-processing: set later, by the armature, they would move feet that are already
    locked. The floor is the 10th percentile of each frame's lowest joint, so that one bad frame has no effect. A
    motion does not begin or end in the air for longer than a flight lasts (`floor_support`).

    Args:
        features: (T, 263 or more), not normalised.

    Returns:
        (T, 22, 3) joint positions, metres, Y up; the first root at the XZ origin, facing +Z.
    """
    joints = onto_skeleton(steady_short_bones(joints_from_features(features)))
    joints[..., 1] -= np.percentile(joints[..., 1].min(-1), 10)
    return supported_ends(joints)
