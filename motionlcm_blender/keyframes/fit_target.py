"""Target of the key fitting: samples of the clip, weights of the joints' errors, and frames to key first."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..array_types import BoolArray, FloatArray, IntArray
from ..motion import rotations as rot
from ..motion.euler_angles import euler_angles, euler_quaternions
from ..motion.foot_contacts import foot_contacts
from ..motion.motion import Clip
from ..motion.skeleton import FOOT_JOINTS, JOINT_COUNT, JOINTS, Skeleton

SLOPE_REGULARIZATION = 0.02
"""Weight of the difference between slopes at keys and those of the clip, relative to 1 for a sample.

Small, so that the samples decide where there are enough of them, and positive, so that slopes are defined where keys
are on neighbouring frames.
"""
PINNED_WEIGHT = 1e6
"""The same weight for value and slope at the ends of a loop, which must not change."""
_RESTING_WEIGHT = 4.0
"""Weight of the error of a foot joint while the joint rests: standing feet must not slide visibly."""
_RESTING_SPEED = 0.08
"""m/s below which a foot joint rests."""


@dataclass(frozen=True, eq=False)
class BoneTree:
    """A skeleton in depth-first order.

    Attributes:
        order: (J,) joint at each place.
        parents: (J,) place of each parent, -1 for the root.
        offsets: (J, 3) metres, rest position relative to the parent.
        below: For each place, the slice of places below it.
        levels: Places of each depth of the tree, without the root.
        pairs: (2, P) each bone with each joint that it moves.
    """

    order: IntArray
    parents: IntArray
    offsets: FloatArray
    below: tuple[slice, ...]
    levels: tuple[IntArray, ...]
    pairs: IntArray

    @classmethod
    def of(cls, skeleton: Skeleton) -> BoneTree:
        """Build the tree of a skeleton."""
        children: list[list[int]] = [[] for _ in skeleton.parents]
        for joint, parent in enumerate(skeleton.parents):
            if parent >= 0:
                children[parent].append(joint)
        order: list[int] = []
        waiting = [joint for joint, parent in enumerate(skeleton.parents) if parent < 0]
        while waiting:
            order.append(waiting.pop())
            waiting.extend(reversed(children[order[-1]]))
        place = {joint: index for index, joint in enumerate(order)}
        parents = [place.get(skeleton.parents[joint], -1) for joint in order]
        depth, size = [0] * len(order), [1] * len(order)
        for index, parent in enumerate(parents):
            depth[index] = depth[parent] + 1 if parent >= 0 else 0
        for index in range(len(order) - 1, 0, -1):
            size[parents[index]] += size[index]
        below = tuple(slice(index + 1, index + size[index]) for index in range(len(order)))
        return cls(
            order=np.array(order),
            parents=np.array(parents),
            offsets=np.asarray(skeleton.offsets, dtype=np.float64)[order],
            below=below,
            levels=tuple(np.flatnonzero(np.array(depth) == level) for level in range(1, max(depth) + 1)),
            pairs=np.array([(a, j) for a, part in enumerate(below) for j in range(part.start, part.stop)], int)
            .reshape(-1, 2)
            .T,
        )

    @cached_property
    def movers(self) -> IntArray:
        """Places of the bones that move joints, in the order of `pairs`."""
        result: IntArray = np.unique(self.pairs[0])
        return result

    @cached_property
    def pair_starts(self) -> IntArray:
        """Index of the first pair of each mover."""
        return np.searchsorted(self.pairs[0], self.movers)

    @cached_property
    def pairs_of(self) -> tuple[slice, ...]:
        """For each place, the slice of its `pairs`."""
        sizes = np.array([part.stop - part.start for part in self.below])
        ends = np.cumsum(sizes)
        return tuple(slice(int(start), int(end)) for start, end in zip(ends - sizes, ends, strict=True))

    def most_of_pairs(self, values: FloatArray) -> FloatArray:
        """For each bone the largest of values (pairs, N) over the joints that it moves; (J, N), 0 without any."""
        result = np.zeros((len(self.order), values.shape[1]), values.dtype)
        if len(self.movers):
            result[self.movers] = np.maximum.reduceat(values, self.pair_starts, axis=0)
        return result

    def pose(self, location: FloatArray, local: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Positions (J, N, 3) and world rotations (J, N, 4) from location (N, 3) and local rotations (J, N, 4)."""
        world = local.copy()
        position = np.empty((*local.shape[:2], 3))
        position[0] = location
        for level in self.levels:
            above = self.parents[level]
            position[level] = position[above] + rot.rotate(world[above], self.offsets[level][:, None])
            world[level] = rot.multiply(world[above], world[level])
        return position, world


@dataclass(frozen=True, eq=False)
class FitTarget:
    """The clip to reproduce, with N frames, J bones and B = 1 + J tracks.

    Attributes:
        channels: (B * N, 4) samples of all tracks; unused channels are 0.
        slopes: (B * N, 4) derivatives of the samples per frame.
        rotations: (J, N, 4) unit quaternions of the rotation channels, in the axes of the pose bones.
        outer: (J, 1, 4) unit quaternions with rotations = outer * local rotation * inner; None for the engine's axes.
        inner: (J, 1, 4) unit quaternions, see `outer`; None for the engine's axes.
        position: (J, N, 3) metres.
        bone_to_world: (3, 3, J, N) matrices from rotation vectors in the axes of a bone's channels to the world.
        pinned_samples: (B * N,) bool, samples where keys have the value and slope of the clip.
        tolerance: Metres.
        key_priority: (B, N) bool, frames that an animator would key.
        joint_weight: (J, N) weights of the joints' errors.
        euler: (J,) bool, bones with XYZ Euler channels.
    """

    rig: BoneTree
    channels: FloatArray
    slopes: FloatArray
    rotations: FloatArray
    outer: FloatArray | None
    inner: FloatArray | None
    position: FloatArray
    bone_to_world: FloatArray
    pinned_samples: BoolArray
    tolerance: float
    key_priority: BoolArray
    joint_weight: FloatArray
    fps: float
    euler: BoolArray

    @property
    def frames(self) -> int:
        """Number of frames N."""
        return int(self.rotations.shape[1])

    @property
    def tracks(self) -> int:
        """Number of tracks B."""
        return 1 + int(self.rotations.shape[0])

    @classmethod
    def of(
        cls,
        clip: Clip,
        tolerance: float,
        modes: tuple[str, ...],
        axes: tuple[FloatArray, FloatArray] | None,
        loops: bool,
    ) -> FitTarget:
        """Sample a clip and derive weights and priorities; arguments as in `fit_keys`, `tolerance` in metres."""
        rig = BoneTree.of(clip.skeleton)
        local = np.ascontiguousarray(rot.continuous(rot.normalise(clip.rotations)).swapaxes(0, 1)[rig.order])
        bones, frames = local.shape[:2]
        same = np.broadcast_to(rot.IDENTITY, (bones, 4))
        outer, inner = (rot.normalise(way)[rig.order][:, None] for way in (axes if axes is not None else (same, same)))
        rotations = rot.multiply(rot.multiply(outer, local), inner)
        channels = np.zeros((1 + bones, frames, 4))
        channels[0, :, :3] = clip.translation
        euler = np.array([mode == "XYZ" for mode in modes])[rig.order]
        channels[1:] = rotations
        if euler.any():
            channels[1:][euler] = 0.0
            channels[1:, :, :3][euler] = euler_angles(rotations[euler].swapaxes(0, 1)).swapaxes(0, 1)
        position, world = rig.pose(channels[0, :, :3], local)
        above = np.concatenate([np.broadcast_to(rot.IDENTITY, (1, frames, 4)), world[rig.parents[1:]]])
        bone_to_world = rot.to_matrix(rot.multiply(above, rot.inverse(outer)))
        slopes = np.gradient(channels, axis=1) if frames > 1 else np.zeros_like(channels)
        pinned_samples = np.zeros((1 + bones, frames), bool)
        if loops:
            pinned_samples[:, [0, -1]] = True
            _join_slopes(slopes, channels, euler)
        return cls(
            rig=rig,
            channels=channels.reshape(-1, 4),
            slopes=slopes.reshape(-1, 4),
            rotations=rotations,
            outer=None if axes is None else outer,
            inner=None if axes is None else inner,
            position=position,
            bone_to_world=np.ascontiguousarray(np.moveaxis(bone_to_world, (2, 3), (0, 1))),
            pinned_samples=pinned_samples.ravel(),
            tolerance=tolerance,
            key_priority=_priority_frames(clip, rig, position, slopes),
            joint_weight=_joint_weights(clip, rig, position),
            fps=clip.fps,
            euler=euler,
        )

    def slope_weight(self, samples: IntArray) -> FloatArray:
        """(n, 1) weights of the slope differences at keys on samples (n,)."""
        return np.where(self.pinned_samples[samples], PINNED_WEIGHT, SLOPE_REGULARIZATION)[:, None]

    def rotations_of(self, channels: FloatArray) -> FloatArray:
        """(..., 4) unit quaternions of rotation channels (..., 4), as Blender evaluates them."""
        if not self.euler.any():
            return rot.normalise(channels)
        rotations = np.empty_like(channels)
        rotations[~self.euler] = rot.normalise(channels[~self.euler])
        rotations[self.euler] = euler_quaternions(channels[self.euler][..., :3])
        return rotations

    def local_of(self, rotations: FloatArray) -> FloatArray:
        """(J, N, 4) local rotations in engine axes, from rotations in the axes of the pose bones."""
        if self.outer is None or self.inner is None:
            return rotations
        return rot.multiply(rot.multiply(rot.inverse(self.outer), rotations), rot.inverse(self.inner))

    def rotation_rates(self, channels: FloatArray, rotations: FloatArray) -> FloatArray:
        """(3, 4, J, N) derivative of the bone's world rotation vector, radians, by each channel."""
        columns = np.zeros((3, 4, *rotations.shape[:2]))
        # The vector part of change * inverse(rotations), doubled; a longer quaternion reduces the effect of a change.
        w, x, y, z = np.moveaxis(rotations, -1, 0) * (2.0 / np.sqrt(np.maximum(squared_length(channels), 1e-12)))
        columns[0] = -x, w, -z, y
        columns[1] = -y, z, w, -x
        columns[2] = -z, -y, x, w
        if self.euler.any():
            angles = channels[self.euler][..., :3]
            (_, cy, cz), (_, sy, sz) = (np.moveaxis(part(angles), -1, 0) for part in (np.cos, np.sin))
            none = np.zeros_like(cy)
            columns[:, :, self.euler] = np.array(
                [[cy * cz, -sz, none, none], [cy * sz, cz, none, none], [-sy, none, none + 1.0, none]]
            )
        return transformed(self.bone_to_world[:, :, None], columns)

    @cached_property
    def inverse_rotations(self) -> FloatArray:
        """(J, N, 4) inverses of `rotations`."""
        return rot.inverse(self.rotations)


def _join_slopes(slopes: FloatArray, channels: FloatArray, euler: BoolArray) -> None:
    """Make the slopes (B, N, 4) at both ends of a loop equal to those across its seam.

    channels: (B, N, 4); euler: (J,) bool. The same rotation may come as the quaternion of the other sign, or as the
    other triple of Euler angles, whose middle angle runs backwards.
    """
    first, last = channels[:, 0], channels[:, -1]
    way = np.ones(first.shape)
    way[1:][~euler] = np.where((first * last)[1:][~euler].sum(-1, keepdims=True) < 0.0, -1.0, 1.0)
    way[1:, 1][euler] = np.where((np.cos(first) * np.cos(last))[1:, 1][euler] < 0.0, -1.0, 1.0)
    slopes[:, 0] = 0.5 * (channels[:, 1] - first + way * (last - channels[:, -2]))
    slopes[:, -1] = way * slopes[:, 0]


def _priority_frames(clip: Clip, rig: BoneTree, position: FloatArray, slopes: FloatArray) -> BoolArray:
    """(B, N) bool: frames where an animator would set keys.

    These are frames where the motion of a channel pauses or reverses and, for all bones that move a foot, where the
    foot lands or lifts.
    """
    speed = np.linalg.norm(slopes, axis=-1)
    key_priority = np.zeros(speed.shape, bool)
    if clip.frames < 3:
        return key_priority
    pauses = (speed[:, 1:-1] <= speed[:, :-2]) & (speed[:, 1:-1] < speed[:, 2:])
    key_priority[:, 1:-1] = pauses & (speed[:, 1:-1] < 0.5 * speed.mean(axis=1, keepdims=True))
    if clip.skeleton.names[:JOINT_COUNT] == JOINTS:
        place = np.argsort(rig.order)
        standing = foot_contacts(position[place].swapaxes(0, 1), clip.fps)
        changes = standing[1:] != standing[:-1]
        for column, joint in enumerate(FOOT_JOINTS):
            at = np.flatnonzero(changes[:, column]) + standing[1:, column][changes[:, column]]
            key_priority[0, at] = True
            above = rig.parents[place[joint]]
            while above >= 0:
                key_priority[1 + above, at] = True
                above = rig.parents[above]
    return key_priority


def _joint_weights(clip: Clip, rig: BoneTree, position: FloatArray) -> FloatArray:
    """(J, N) weights: 1, and more for the joints of a foot while they rest."""
    joint_weight = np.ones(position.shape[:2])
    if clip.frames < 2 or clip.skeleton.names[:JOINT_COUNT] != JOINTS:
        return joint_weight
    place = np.argsort(rig.order)
    for joint in FOOT_JOINTS:
        step = np.linalg.norm(np.diff(position[place[joint]], axis=0), axis=-1) * clip.fps
        rests = np.concatenate([step[:1], np.maximum(step[1:], step[:-1]), step[-1:]]) < _RESTING_SPEED
        joint_weight[place[joint], rests] = _RESTING_WEIGHT
    return joint_weight


def squared_length(v: FloatArray) -> FloatArray:
    """Squared lengths (...) of vectors (..., 3)."""
    result: FloatArray = np.einsum("...i,...i->...", v, v)
    return result


def transformed(matrix: FloatArray, v: FloatArray) -> FloatArray:
    """Multiply matrices (a, b, ...) and vectors (b, ...), components first; the result is (a, ...)."""
    result: FloatArray = matrix[:, 0] * v[0]
    for k in range(1, len(v)):
        result += matrix[:, k] * v[k]
    return result
