"""Target of the key fitting: samples of the clip, weights of the joints' errors, and frames to key first."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ..array_types import BoolArray, FloatArray, IntArray
from ..motion import rotations as rot
from ..motion.euler_angles import euler_angles, euler_quaternions
from ..motion.foot_contacts import foot_contacts
from ..motion.motion import Clip
from ..motion.skeleton import FOOT_JOINTS, JOINT_COUNT, JOINTS, Skeleton
from . import components

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

    @cached_property
    def by_joint(self) -> tuple[IntArray, IntArray, IntArray]:
        """Order of the `pairs` by joint, the first place in it of each moved joint, and the moved joints."""
        order = np.argsort(self.pairs[1], kind="stable")
        moved, starts = np.unique(self.pairs[1][order], return_index=True)
        return order, starts, moved

    @cached_property
    def _steps(self) -> tuple[tuple[IntArray, IntArray, FloatArray, IntArray, IntArray], ...]:
        """Of each level: places, parents, offsets (3, k, 1); then the places that move others, and their parents."""
        steps = []
        for level in self.levels:
            inner = level[np.isin(level, self.movers)]
            steps.append((level, self.parents[level], self.offsets[level].T[..., None], inner, self.parents[inner]))
        return tuple(steps)

    def pose(self, location: FloatArray, local: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Pose the skeleton.

        Args:
            location: (3, N) metres, position of the root.
            local: (4, J, N) unit quaternions, local rotations.

        Returns:
            Positions (3, J, N), and world rotations of the bones that move joints, as matrices (3, 3, J, N); those of
            the others are local.
        """
        world = components.rotation_matrices(local)
        position = np.empty((3, *local.shape[1:]))
        position[:, 0] = location
        for places, above, offsets, inner, above_inner in self._steps:
            position[:, places] = position[:, above] + components.transformed(world[:, :, above], offsets)
            if len(inner):
                world[:, :, inner] = components.product(world[:, :, above_inner], world[:, :, inner])
        return position, world


@dataclass(frozen=True, eq=False)
class Sampling:
    """How a clip is sampled: the arguments of `fit_keys`, with the tolerance in metres."""

    tolerance: float
    modes: tuple[str, ...]
    axes: tuple[FloatArray, FloatArray] | None
    loops: bool

    def target(self, clip: Clip) -> FitTarget:
        """Sample a clip."""
        return FitTarget.of(clip, self)


@dataclass(frozen=True, eq=False)
class FitTarget:
    """The clip to reproduce, with N frames, J bones and B = 1 + J tracks. Components come first (`components`).

    Attributes:
        channels: (4, B * N) samples of all tracks; unused channels are 0.
        rotations: (4, J, N) unit quaternions of the rotation channels, in the axes of the pose bones.
        outer: (4, J, 1) unit quaternions with rotations = outer * local rotation * inner; None for the engine's axes.
        inner: (4, J, 1) unit quaternions, see `outer`; None for the engine's axes.
        position: (3, J, N) metres.
        world: (3, 3, J, N) world rotations of the bones that move joints.
        loops: Whether keys at both ends have the value and slope of the clip.
        tolerance: Metres.
        joint_weight: (J, N) weights of the joints' errors.
        euler: (J,) bool, bones with XYZ Euler channels.
        feet: Places of the foot joints in their order; none if the skeleton lacks one of them.
    """

    rig: BoneTree
    channels: FloatArray
    rotations: FloatArray
    outer: FloatArray | None
    inner: FloatArray | None
    position: FloatArray
    world: FloatArray
    loops: bool
    tolerance: float
    joint_weight: FloatArray
    fps: float
    euler: BoolArray
    feet: tuple[int, ...]

    @property
    def frames(self) -> int:
        """Number of frames N."""
        return int(self.rotations.shape[2])

    @property
    def tracks(self) -> int:
        """Number of tracks B."""
        return 1 + int(self.rotations.shape[1])

    @classmethod
    def of(cls, clip: Clip, sampling: Sampling) -> FitTarget:
        """Sample a clip."""
        tolerance, modes, axes, loops = sampling.tolerance, sampling.modes, sampling.axes, sampling.loops
        rig = BoneTree.of(clip.skeleton)
        given = np.asarray(clip.rotations, np.float64).transpose(2, 1, 0)[:, rig.order]
        local = _continuous(components.unit(given))
        bones, frames = local.shape[1:]
        outer, inner, rotations = None, None, local
        if axes is not None:
            outer, inner = (rot.normalise(way)[rig.order].T[..., None] for way in axes)
            rotations = components.multiply(components.multiply(outer, local), inner)
        channels = np.zeros((4, 1 + bones, frames))
        channels[:3, 0] = np.asarray(clip.translation).T
        euler = np.array([mode == "XYZ" for mode in modes])[rig.order]
        channels[:, 1:] = rotations
        if euler.any():
            angles = euler_angles(rotations[:, euler].transpose(2, 1, 0))
            channels[:3, 1:][:, euler] = angles.transpose(2, 1, 0)
            channels[3, 1:][euler] = 0.0
        position, world = rig.pose(channels[:3, 0], local)
        feet = _foot_places(clip.skeleton, rig)
        return cls(
            rig=rig,
            channels=channels.reshape(4, -1),
            rotations=rotations,
            outer=outer,
            inner=inner,
            position=position,
            world=world,
            loops=loops,
            tolerance=tolerance,
            joint_weight=_joint_weights(clip.fps, position, feet),
            fps=clip.fps,
            euler=euler,
            feet=feet,
        )

    def on(self, frames: IntArray) -> FitTarget:
        """The same for some frames (n,) only, to measure curves on them."""
        channels = self.channels.reshape(4, self.tracks, self.frames)[..., frames].reshape(4, -1)
        return replace(
            self,
            channels=channels,
            rotations=self.rotations[..., frames],
            position=self.position[..., frames],
            world=self.world[..., frames],
            joint_weight=self.joint_weight[:, frames],
        )

    @cached_property
    def slopes(self) -> FloatArray:
        """(4, B * N) derivatives of the samples per frame."""
        channels = self.channels.reshape(4, self.tracks, self.frames)
        slopes = np.gradient(channels, axis=2) if self.frames > 1 else np.zeros_like(channels)
        if self.loops:
            _join_slopes(slopes, channels, self.euler)
        return slopes.reshape(4, -1)

    @cached_property
    def pinned_samples(self) -> BoolArray:
        """(B * N,) bool, samples where keys have the value and slope of the clip."""
        pinned = np.zeros((self.tracks, self.frames), bool)
        pinned[:, [0, -1]] = self.loops
        return pinned.ravel()

    @cached_property
    def bone_to_world(self) -> FloatArray:
        """(3, 3, J, N) matrices from rotation vectors in the axes of a bone's channels to the world."""
        above = np.empty_like(self.world)
        above[:, :, 0] = np.eye(3)[..., None]
        above[:, :, 1:] = self.world[:, :, self.rig.parents[1:]]
        if self.outer is None:
            return above
        return components.product(above, components.rotation_matrices(components.inverse(self.outer)))

    @cached_property
    def key_priority(self) -> BoolArray:
        """(B, N) bool, frames that an animator would key."""
        return _priority_frames(self)

    def slope_weight(self, samples: IntArray) -> FloatArray:
        """(n,) weights of the slope differences at keys on samples (n,)."""
        return np.where(self.pinned_samples[samples], PINNED_WEIGHT, SLOPE_REGULARIZATION)

    def rotations_of(self, channels: FloatArray) -> FloatArray:
        """(4, J, N) unit quaternions of rotation channels (4, J, N), as Blender evaluates them."""
        if not self.euler.any():
            return components.unit(channels)
        rotations = np.empty_like(channels)
        rotations[:, ~self.euler] = components.unit(channels[:, ~self.euler])
        angles = np.moveaxis(channels[:3, self.euler], 0, -1)
        rotations[:, self.euler] = np.moveaxis(euler_quaternions(angles), -1, 0)
        return rotations

    def local_of(self, rotations: FloatArray) -> FloatArray:
        """(4, J, N) local rotations in engine axes, from rotations in the axes of the pose bones."""
        if self.outer is None or self.inner is None:
            return rotations
        back = components.multiply(components.inverse(self.outer), rotations)
        return components.multiply(back, components.inverse(self.inner))

    def rotation_rates(self, channels: FloatArray, rotations: FloatArray) -> FloatArray:
        """(3, 4, J, N) float32 derivative of the bone's world rotation vector, radians, by each channel."""
        columns = np.zeros((3, 4, *rotations.shape[1:]), np.float32)
        # The vector part of change * inverse(rotations), doubled; a longer quaternion reduces the effect of a change.
        length = np.sqrt(np.maximum(components.sum_of_squares(channels), 1e-12))
        w, x, y, z = rotations * (2.0 / length)
        for row, parts in zip(columns, ((-x, w, -z, y), (-y, z, w, -x), (-z, -y, x, w)), strict=True):
            row[0], row[1], row[2], row[3] = parts
        if self.euler.any():
            angles = channels[:3, self.euler]
            (_, cy, cz), (_, sy, sz) = np.cos(angles), np.sin(angles)
            none = np.zeros_like(cy)
            columns[:, :, self.euler] = np.array(
                [[cy * cz, -sz, none, none], [cy * sz, cz, none, none], [-sy, none, none + 1.0, none]]
            )
        return components.product(self.bone_to_world.astype(np.float32), columns)

    @cached_property
    def inverse_rotations(self) -> FloatArray:
        """(4, J, N) inverses of `rotations`."""
        return components.inverse(self.rotations)


def _continuous(q: FloatArray) -> FloatArray:
    """Choose the signs of quaternions (4, J, N) so that each is nearest to the one before it."""
    q = np.ascontiguousarray(q)
    if q.shape[2] > 1:
        steps = np.where((q[..., 1:] * q[..., :-1]).sum(axis=0) < 0.0, -1.0, 1.0)
        q[..., 1:] *= np.cumprod(steps, axis=1)
    return q


def _join_slopes(slopes: FloatArray, channels: FloatArray, euler: BoolArray) -> None:
    """Make the slopes (4, B, N) at both ends of a loop equal to those across its seam.

    channels: (4, B, N); euler: (J,) bool. The same rotation may come as the quaternion of the other sign, or as the
    other triple of Euler angles, whose middle angle runs backwards.
    """
    first, last = channels[..., 0], channels[..., -1]
    way = np.ones(first.shape)
    way[:, 1:][:, ~euler] = np.where((first * last)[:, 1:][:, ~euler].sum(axis=0) < 0.0, -1.0, 1.0)
    way[1, 1:][euler] = np.where((np.cos(first) * np.cos(last))[1, 1:][euler] < 0.0, -1.0, 1.0)
    slopes[..., 0] = 0.5 * (channels[..., 1] - first + way * (last - channels[..., -2]))
    slopes[..., -1] = way * slopes[..., 0]


def _priority_frames(target: FitTarget) -> BoolArray:
    """(B, N) bool: frames where an animator would set keys.

    These are frames where the motion of a channel pauses or reverses and, for all bones that move a foot, where the
    foot lands or lifts.
    """
    speed = np.sqrt(components.sum_of_squares(target.slopes)).reshape(target.tracks, target.frames)
    key_priority = np.zeros(speed.shape, bool)
    if target.frames < 3:
        return key_priority
    pauses = (speed[:, 1:-1] <= speed[:, :-2]) & (speed[:, 1:-1] < speed[:, 2:])
    key_priority[:, 1:-1] = pauses & (speed[:, 1:-1] < 0.5 * speed.mean(axis=1, keepdims=True))
    if target.feet:
        joints = np.zeros((target.frames, JOINT_COUNT, 3))
        joints[:, FOOT_JOINTS] = target.position[:, list(target.feet)].transpose(2, 1, 0)
        standing = foot_contacts(joints, target.fps)
        changes = standing[1:] != standing[:-1]
        for column, place in enumerate(target.feet):
            at = np.flatnonzero(changes[:, column]) + standing[1:, column][changes[:, column]]
            key_priority[0, at] = True
            above = target.rig.parents[place]
            while above >= 0:
                key_priority[1 + above, at] = True
                above = target.rig.parents[above]
    return key_priority


def _foot_places(skeleton: Skeleton, rig: BoneTree) -> tuple[int, ...]:
    """Places of the foot joints, in their order; none if the skeleton lacks one of them."""
    place, names = np.argsort(rig.order), [JOINTS[joint] for joint in FOOT_JOINTS]
    if not set(names) <= set(skeleton.names):
        return ()
    return tuple(int(place[skeleton.names.index(name)]) for name in names)


def _joint_weights(fps: float, position: FloatArray, feet: tuple[int, ...]) -> FloatArray:
    """(J, N) weights: 1, and more for the joints of a foot while they rest."""
    joint_weight = np.ones(position.shape[1:])
    if position.shape[2] < 2:
        return joint_weight
    for place in feet:
        step = np.sqrt(components.sum_of_squares(np.diff(position[:, place]))) * fps
        rests = np.concatenate([step[:1], np.maximum(step[1:], step[:-1]), step[-1:]]) < _RESTING_SPEED
        joint_weight[place, rests] = _RESTING_WEIGHT
    return joint_weight
