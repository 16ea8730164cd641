"""Few editable keys for a dense clip, every joint within a tolerance in millimetres.

Each property (a bone's rotation, the root's location) gets its own key times; between keys all of its channels are
cubic polynomials in time, smooth at the keys (`BezierKeys`). For given times the values and slopes at the keys are a
weighted least-squares problem, linear and solved for all properties at once. The times are found by trial:

- where a joint is too far from the dense clip, the bone above it that is most to blame gets a key;
- where a key can go, with the keys beside it fitted again, and all joints the bone carries stay within the tolerance,
  it goes, the least needed first;
- frames where the error is large count more in the next fit, which levels the error and lets more keys go (Lawson's
  algorithm for the smallest maximum).

No tolerance is shared out among bones in advance: what one bone leaves unused another may use, frame by frame. How a
turned bone moves the joints it carries is taken to first order while searching; what is accepted in the end is measured
by forward kinematics of the evaluated curves. A key on every frame reproduces the clip, so an answer always exists.

Metres, Y up. In this module bones are in depth-first order, so that what a bone carries is one slice; track 0 is the
root's location and track 1 + b the rotation of bone b. "Samples" are the frames of all tracks, one after the other.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..errors import InvalidRequest
from . import rotations as rot
from .clips import Clip
from .contacts import foot_contacts
from .keys import ROTATION_MODES, BezierKeys, SparseKeys
from .resampling import resample
from .skeleton import FOOT_JOINTS, JOINT_COUNT, JOINTS, Skeleton

FLESH = 0.1
"""Metres: half the width of a body part. A bone may not turn, seen from its parent, so far from the clip that a point
this far from it moves by more than the tolerance; joint positions alone would leave a straight arm's twist free."""
_FIRST_SPACING = 0.35
"""Seconds between keys at the start of the search."""
_ROUNDS = 4
"""Each further round removes some more keys: seven leave an eighth fewer and take twice as long."""
_AIM = 0.995
"""Part of the tolerance that a removed key may use up; the rest is for what the first order leaves out."""
_STEADY = 0.02
"""Weight with which slopes at keys are drawn to those of the clip, beside 1 for a sample: they are free where the
frames say enough, and sensible where keys stand on neighbouring frames."""
_HELD = 1e6
"""The same, and for the value too, at the ends of a loop, which are kept as they are."""
_BLAMED = 0.7
"""Part of the largest share in a joint's error from which a bone's own share gets that bone a key too."""
_FIRM = 4.0
"""What the error of a foot joint counts while it rests: feet that stand must not be seen to slide."""
_RESTING = 0.08
"""m/s below which a foot joint rests."""
_KEEP = 0.15
"""Parts of the tolerance by which a key on a contact or an extreme of the motion seems dearer to lose."""


def fit_keys(
    clip: Clip,
    tolerance_mm: float = 10.0,
    first_frame: float = 1.0,
    scene_fps: float | None = None,
    rotation_mode: str | Sequence[str] = "QUATERNION",
    axes: tuple[np.ndarray, np.ndarray] | None = None,
    loops: bool = False,
) -> SparseKeys:
    """Few keys, with free Bezier handles, whose motion keeps every joint within a tolerance of the clip.

    tolerance_mm: the largest distance, millimetres, of any joint from where `dense_keys` with the same arguments has
        it, on any scene frame; a quarter of it for joints of a foot that rests. No bone turns further from its
        parent's view of the clip than moves a point 10 cm from it by as much.
    first_frame: the scene frame of the clip's first frame; keys stand on whole frames from there. The first and the
        last frame are always keyed.
    scene_fps: the scene's frame rate, by default the clip's own; the clip is resampled to it by time.
    rotation_mode: of all bones, or of each: "QUATERNION" or "XYZ" (Blender's order: first about X), angles unwrapped,
        error measured with Euler interpolation.
    axes: outer and inner, each (J, 4) unit quaternions: bone b's channels are those of outer[b] * rotation * inner[b],
        the rotation as its own pose bone sees it. By default the engine's axes.
    loops: whether the clip ends as it begins but for its way (`loops.looped`). Then the first and the last key are
        exactly the clip's, and their slopes the same: however often it is repeated, with the location's own offset, it
        neither drifts nor jerks.
    Raises InvalidRequest when the tolerance, the frame rate or the first frame is impossible, the rotation mode is
    unknown, or the clip is empty or holds a number that is not finite.
    """
    if not (math.isfinite(tolerance_mm) and tolerance_mm > 0):
        raise InvalidRequest("The tolerance of the keys must be a positive number of millimetres.")
    if not math.isfinite(first_frame):
        raise InvalidRequest("The first frame must be a finite number.")
    modes = (rotation_mode,) * len(clip.skeleton.names) if isinstance(rotation_mode, str) else tuple(rotation_mode)
    if len(modes) != len(clip.skeleton.names) or not set(modes) <= set(ROTATION_MODES):
        raise InvalidRequest(f"Keys can be fitted in the rotation modes {' and '.join(ROTATION_MODES)} only.")
    if clip.frames < 1:
        raise InvalidRequest("The clip has no frames to set keys on.")
    if not (np.isfinite(clip.translation).all() and np.isfinite(clip.rotations).all()):
        raise InvalidRequest("The clip holds a number that is not finite.")
    if scene_fps is not None and scene_fps != clip.fps:
        clip = resample(clip, scene_fps)
    target = _Target.of(clip, tolerance_mm / 1000.0, modes, axes, loops and clip.frames > 2)
    fit = _search(target)
    knots, nodes = fit.segments.knots, fit.nodes
    tracks = []
    for track in range(target.tracks):
        mine = fit.segments.track == track
        channels = 3 if track == 0 or target.euler[track - 1] else 4
        times = first_frame + (knots[mine] % target.frames).astype(np.float64)
        tracks.append(BezierKeys.from_slopes(times, nodes[mine, 0, :channels], nodes[mine, 1, :channels]))
    rotations = [tracks[1 + int(place)] for place in np.argsort(target.rig.order)]
    return SparseKeys(
        location=tracks[0],
        rotations=tuple(rotations),
        names=clip.skeleton.names,
        rotation_modes=modes,
        frames=target.frames,
        fps=clip.fps,
        max_error_mm=float(np.sqrt(_square(fit.away).max()) * 1000.0),
    )


def euler_angles(q: np.ndarray) -> np.ndarray:
    """(T, ..., 3) radians about X, then Y, then Z (Blender's "XYZ") of unit quaternions (T, ..., 4), unwrapped.

    Of all triples that make a rotation the one nearest to the frame before (axis 0) is taken, so that angles run on
    past half a turn; the first frame's middle angle is within a quarter turn.
    """
    w, x, y, z = np.moveaxis(np.asarray(q, dtype=np.float64), -1, 0)
    about_x = np.arctan2(2.0 * (w * x + y * z), 1.0 - 2.0 * (x * x + y * y))
    about_y = np.arcsin(np.clip(2.0 * (w * y - x * z), -1.0, 1.0))
    about_z = np.arctan2(2.0 * (w * z + x * y), 1.0 - 2.0 * (y * y + z * z))
    one = np.stack([about_x, about_y, about_z], axis=-1)
    other = np.stack([about_x + np.pi, np.pi - about_y, about_z + np.pi], axis=-1)
    angles = one.copy()
    turn = 2.0 * np.pi
    for t in range(1, len(angles)):
        before = angles[t - 1]
        first, second = (way[t] + turn * np.round((before - way[t]) / turn) for way in (one, other))
        nearer = np.abs(first - before).sum(-1) <= np.abs(second - before).sum(-1)
        angles[t] = np.where(nearer[..., None], first, second)
    return angles


def euler_quaternions(angles: np.ndarray) -> np.ndarray:
    """(..., 4) unit quaternions of XYZ Euler angles (..., 3) in radians: about X first, then Y, then Z."""
    half = 0.5 * np.asarray(angles, dtype=np.float64)
    (cx, cy, cz), (sx, sy, sz) = (np.moveaxis(part, -1, 0) for part in (np.cos(half), np.sin(half)))
    return np.stack(
        [
            cx * cy * cz + sx * sy * sz,
            sx * cy * cz - cx * sy * sz,
            cx * sy * cz + sx * cy * sz,
            cx * cy * sz - sx * sy * cz,
        ],
        axis=-1,
    )


@dataclass(frozen=True)
class _Rig:
    """A skeleton in depth-first order. order: (J,) its joint at each place. parents: (J,) places, -1 for the root.
    below: for each place, the slice of places it carries. pairs: (2, pairs) each bone and each joint it carries."""

    order: np.ndarray
    parents: np.ndarray
    offsets: np.ndarray
    below: tuple[slice, ...]
    levels: tuple[np.ndarray, ...]
    pairs: np.ndarray

    @classmethod
    def of(cls, skeleton: Skeleton) -> _Rig:
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
    def movers(self) -> np.ndarray:
        """Places of the bones that carry joints, in the order of `pairs`."""
        return np.unique(self.pairs[0])

    @cached_property
    def pair_starts(self) -> np.ndarray:
        """Where each mover's pairs begin."""
        return np.searchsorted(self.pairs[0], self.movers)

    @cached_property
    def pairs_of(self) -> tuple[slice, ...]:
        """For each place, the slice of `pairs` that is its own."""
        sizes = np.array([part.stop - part.start for part in self.below])
        ends = np.cumsum(sizes)
        return tuple(slice(int(start), int(end)) for start, end in zip(ends - sizes, ends, strict=True))

    def most_of_pairs(self, values: np.ndarray) -> np.ndarray:
        """(J, N): for each bone the largest of values (pairs, N) over what it carries; 0 if it carries nothing."""
        result = np.zeros((len(self.order), values.shape[1]), values.dtype)
        if len(self.movers):
            result[self.movers] = np.maximum.reduceat(values, self.pair_starts, axis=0)
        return result

    def pose(self, location: np.ndarray, local: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Positions (J, N, 3) and world rotations (J, N, 4) from location (N, 3) and local rotations (J, N, 4)."""
        world = local.copy()
        position = np.empty((*local.shape[:2], 3))
        position[0] = location
        for level in self.levels:
            above = self.parents[level]
            position[level] = position[above] + rot.rotate(world[above], self.offsets[level][:, None])
            world[level] = rot.multiply(world[above], world[level])
        return position, world


@dataclass(frozen=True)
class _Target:
    """What is to be reproduced. N frames, J bones, B = 1 + J tracks.

    channels: (B * N, 4) the samples, unused channels 0. slopes: the same per frame, their change.
    turns: (J, N, 4) unit quaternions of the rotation channels (as the pose bone sees them).
    outer, inner: (J, 1, 4): turns = outer * local rotation * inner; None where they are the same.
    position: (J, N, 3). carrier: (3, 3, J, N): brings a turn of a bone's channels into the world.
    held: (B * N,) bool, samples where keys keep the clip's value and slope.
    tolerance: metres. dear: (B, N) bool, frames that an animator would key. firm: (J, N) what errors of joints count.
    """

    rig: _Rig
    channels: np.ndarray
    slopes: np.ndarray
    turns: np.ndarray
    outer: np.ndarray | None
    inner: np.ndarray | None
    position: np.ndarray
    carrier: np.ndarray
    held: np.ndarray
    tolerance: float
    dear: np.ndarray
    firm: np.ndarray
    fps: float
    euler: np.ndarray

    @property
    def frames(self) -> int:
        return int(self.turns.shape[1])

    @property
    def tracks(self) -> int:
        return 1 + int(self.turns.shape[0])

    @classmethod
    def of(
        cls, clip: Clip, tolerance: float, modes: tuple[str, ...], axes: tuple[np.ndarray, np.ndarray] | None,
        loops: bool,
    ) -> _Target:  # fmt: skip
        rig = _Rig.of(clip.skeleton)
        local = np.ascontiguousarray(rot.continuous(rot.normalise(clip.rotations)).swapaxes(0, 1)[rig.order])
        bones, frames = local.shape[:2]
        same = np.broadcast_to(rot.IDENTITY, (bones, 4))
        outer, inner = (rot.normalise(way)[rig.order][:, None] for way in (axes if axes is not None else (same, same)))
        turns = rot.multiply(rot.multiply(outer, local), inner)
        channels = np.zeros((1 + bones, frames, 4))
        channels[0, :, :3] = clip.translation
        euler = np.array([mode == "XYZ" for mode in modes])[rig.order]
        channels[1:] = turns
        if euler.any():
            channels[1:][euler] = 0.0
            channels[1:, :, :3][euler] = euler_angles(turns[euler].swapaxes(0, 1)).swapaxes(0, 1)
        position, world = rig.pose(channels[0, :, :3], local)
        above = np.concatenate([np.broadcast_to(rot.IDENTITY, (1, frames, 4)), world[rig.parents[1:]]])
        carrier = rot.to_matrix(rot.multiply(above, rot.inverse(outer)))
        slopes = np.gradient(channels, axis=1) if frames > 1 else np.zeros_like(channels)
        held = np.zeros((1 + bones, frames), bool)
        if loops:
            held[:, [0, -1]] = True
            _join_slopes(slopes, channels, euler)
        return cls(
            rig=rig,
            channels=channels.reshape(-1, 4),
            slopes=slopes.reshape(-1, 4),
            turns=turns,
            outer=None if axes is None else outer,
            inner=None if axes is None else inner,
            position=position,
            carrier=np.ascontiguousarray(np.moveaxis(carrier, (2, 3), (0, 1))),
            held=held.ravel(),
            tolerance=tolerance,
            dear=_dear_frames(clip, rig, position, slopes),
            firm=_firm_frames(clip, rig, position),
            fps=clip.fps,
            euler=euler,
        )

    def steady(self, samples: np.ndarray) -> np.ndarray:
        """(n, 1) how firmly slopes at keys on some samples (n,) are drawn to those of the clip."""
        return np.where(self.held[samples], _HELD, _STEADY)[:, None]

    def turns_of(self, channels: np.ndarray) -> np.ndarray:
        """(..., 4) unit quaternions of rotation channels (..., 4), as Blender reads them."""
        if not self.euler.any():
            return rot.normalise(channels)
        turns = np.empty_like(channels)
        turns[~self.euler] = rot.normalise(channels[~self.euler])
        turns[self.euler] = euler_quaternions(channels[self.euler][..., :3])
        return turns

    def local_of(self, turns: np.ndarray) -> np.ndarray:
        """(J, N, 4) local rotations of the turns that pose bones see."""
        if self.outer is None or self.inner is None:
            return turns
        return rot.multiply(rot.multiply(rot.inverse(self.outer), turns), rot.inverse(self.inner))

    def turn_rates(self, channels: np.ndarray, turns: np.ndarray) -> np.ndarray:
        """(3, 4, J, N): how a small change of each rotation channel (J, N, 4) turns the bone in the world, radians."""
        columns = np.zeros((3, 4, *turns.shape[:2]))
        # The vector part of change * inverse(turns), doubled; the change counts for less the longer the quaternion.
        w, x, y, z = np.moveaxis(turns, -1, 0) * (2.0 / np.sqrt(np.maximum(_square(channels), 1e-12)))
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
        return _transformed(self.carrier[:, :, None], columns)

    @cached_property
    def turns_back(self) -> np.ndarray:
        return rot.inverse(self.turns)


def _join_slopes(slopes: np.ndarray, channels: np.ndarray, euler: np.ndarray) -> None:
    """Make the slopes (B, N, 4) at both ends of a loop those across its seam. channels: (B, N, 4); euler: (J,) bool.

    The same rotation may come as the other quaternion, or as the other triple of angles, whose middle one runs back.
    """
    first, last = channels[:, 0], channels[:, -1]
    way = np.ones(first.shape)
    way[1:][~euler] = np.where((first * last)[1:][~euler].sum(-1, keepdims=True) < 0.0, -1.0, 1.0)
    way[1:, 1][euler] = np.where((np.cos(first) * np.cos(last))[1:, 1][euler] < 0.0, -1.0, 1.0)
    slopes[:, 0] = 0.5 * (channels[:, 1] - first + way * (last - channels[:, -2]))
    slopes[:, -1] = way * slopes[:, 0]


def _dear_frames(clip: Clip, rig: _Rig, position: np.ndarray, slopes: np.ndarray) -> np.ndarray:
    """(B, N) bool: where an animator would set keys: where a channel's motion pauses or turns back, and, for all that
    carries a foot, where one comes down or lifts."""
    speed = np.linalg.norm(slopes, axis=-1)
    dear = np.zeros(speed.shape, bool)
    if clip.frames < 3:
        return dear
    pauses = (speed[:, 1:-1] <= speed[:, :-2]) & (speed[:, 1:-1] < speed[:, 2:])
    dear[:, 1:-1] = pauses & (speed[:, 1:-1] < 0.5 * speed.mean(axis=1, keepdims=True))
    if clip.skeleton.names[:JOINT_COUNT] == JOINTS:
        place = np.argsort(rig.order)
        standing = foot_contacts(position[place].swapaxes(0, 1), clip.fps)
        changes = standing[1:] != standing[:-1]
        for column, joint in enumerate(FOOT_JOINTS):
            at = np.flatnonzero(changes[:, column]) + standing[1:, column][changes[:, column]]
            dear[0, at] = True
            above = rig.parents[place[joint]]
            while above >= 0:
                dear[1 + above, at] = True
                above = rig.parents[above]
    return dear


def _firm_frames(clip: Clip, rig: _Rig, position: np.ndarray) -> np.ndarray:
    """(J, N): 1, and more for the joints of a foot while they rest."""
    firm = np.ones(position.shape[:2])
    if clip.frames < 2 or clip.skeleton.names[:JOINT_COUNT] != JOINTS:
        return firm
    place = np.argsort(rig.order)
    for joint in FOOT_JOINTS:
        step = np.linalg.norm(np.diff(position[place[joint]], axis=0), axis=-1) * clip.fps
        rests = np.concatenate([step[:1], np.maximum(step[1:], step[:-1]), step[-1:]]) < _RESTING
        firm[place[joint], rests] = _FIRM
    return firm


@dataclass(frozen=True)
class _Segments:
    """Key times of all tracks and how samples hang on them. n keys; each begins a segment, that of a track's last key
    being its own sample alone.

    keyed: (B, N) bool. knots: (n,) samples with a key. of: (B * N,) each sample's segment. basis: (B * N, 4) weights of
    value and slope at the segment's begin and end (cubic Hermite). track: (n,). first, last: (n,) bool, in its track.
    """

    keyed: np.ndarray
    knots: np.ndarray
    of: np.ndarray
    basis: np.ndarray
    track: np.ndarray
    first: np.ndarray
    last: np.ndarray

    @classmethod
    def at(cls, keyed: np.ndarray) -> _Segments:
        frames = keyed.shape[1]
        knots = np.flatnonzero(keyed)
        of = np.cumsum(keyed.ravel()) - 1
        track, frame = np.divmod(knots, frames)
        last = frame == frames - 1
        length = np.ones(len(knots))
        length[:-1] = np.diff(knots)
        length[last] = 1.0
        long = length[of]
        u = (np.arange(keyed.size) - knots[of]) / long
        v = 1.0 - u
        vv, uu = v * v, u * u
        basis = np.stack([(1.0 + 2.0 * u) * vv, u * vv * long, uu * (3.0 - 2.0 * u), -v * uu * long], axis=-1)
        return cls(keyed, knots, of, basis, track, frame == 0, last)

    def normal_equations(self, weights: np.ndarray, channels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Per segment (n, 4, 4) and (n, 4, channels): sums of basis * basis and basis * channels over its samples."""
        weighted = self.basis * weights[:, None]
        both = np.concatenate([self.basis, channels], axis=1)
        products = (weighted[:, :, None] * both[:, None, :]).reshape(len(both), -1)
        sums = np.add.reduceat(products, self.knots, axis=0).reshape(len(self.knots), 4, -1)
        return sums[:, :, :4], sums[:, :, 4:]

    def values(self, begins: np.ndarray, ends: np.ndarray) -> np.ndarray:
        """(B * N, channels): the curves, from value and slope (n, 2, channels) at each segment's begin and end."""
        return np.einsum("sk,skc->sc", self.basis, np.concatenate([begins, ends], axis=1)[self.of])


@dataclass(frozen=True)
class _Fit:
    """Fitted curves and how far they are off.

    normal: the segments' normal equations. nodes: (n, 2, 4) value and slope at each key.
    position: (J, N, 3) where the joints come to be; away: the same less where they should be.
    turns: (J, N, 4); turned: (3, J, N) rotation vectors, in the world, from the clip's, each bone's parent held.
    squared: (J, N) squared distance of joints, metres, as much as it counts; squared_turn: that of FLESH.
    """

    segments: _Segments
    weights: np.ndarray
    normal: tuple[np.ndarray, np.ndarray]
    nodes: np.ndarray
    values: np.ndarray
    position: np.ndarray
    away: np.ndarray
    turns: np.ndarray
    turned: np.ndarray
    squared: np.ndarray
    squared_turn: np.ndarray
    within: bool

    @classmethod
    def of(cls, target: _Target, keyed: np.ndarray, weights: np.ndarray) -> _Fit:
        segments = _Segments.at(keyed)
        gram, moment = segments.normal_equations(np.where(target.held, _HELD, weights), target.channels)
        diagonal, right = gram[:, :2, :2].copy(), moment[:, :2].copy()
        diagonal[1:] += gram[:-1, 2:, 2:]
        right[1:] += moment[:-1, 2:]
        steady = target.steady(segments.knots)
        diagonal[:, 1, 1] += steady[:, 0]
        right[:, 1] += steady * target.slopes[segments.knots]
        nodes = _solve_chain(diagonal, gram[:, :2, 2:], right)
        held = target.held[segments.knots]
        nodes[held, 0], nodes[held, 1] = (v[segments.knots[held]] for v in (target.channels, target.slopes))
        values = segments.values(nodes, _next(nodes)).reshape(target.tracks, target.frames, 4)
        turns = target.turns_of(values[1:])
        position, _ = target.rig.pose(values[0, :, :3], target.local_of(turns))
        away = position - target.position
        turned = _transformed(target.carrier, np.moveaxis(_small_turn(turns, target.turns_back), -1, 0))
        squared, squared_turn = _square(away) * target.firm**2, _sum_of_squares(turned) * FLESH**2
        within = bool(max(squared.max(), squared_turn.max()) <= target.tolerance**2)
        return cls(segments, weights, (gram, moment), nodes, values, position, away, turns, turned, squared,
                   squared_turn, within)  # fmt: skip

    @property
    def count(self) -> int:
        return len(self.segments.knots)


def _next(nodes: np.ndarray) -> np.ndarray:
    return np.concatenate([nodes[1:], nodes[-1:]])


def _square(v: np.ndarray) -> np.ndarray:
    return np.einsum("...i,...i->...", v, v)


def _small_turn(to: np.ndarray, back: np.ndarray) -> np.ndarray:
    """(..., 3): the rotation vector, to first order, of the quaternions to * back; sines of half the angle, doubled."""
    product = rot.multiply(to, back)
    return np.where(product[..., :1] < 0.0, -2.0, 2.0) * product[..., 1:]


def _solve_chain(diagonal: np.ndarray, beside: np.ndarray, right: np.ndarray) -> np.ndarray:
    """(n, 2, c): solves a symmetric block tridiagonal system by cyclic reduction, all rows at once.

    diagonal, beside (to the next row): (n, 2, 2); right: (n, 2, c). Each pass halves the coupling's reach; in a spline
    it fades by more than half from key to key, so four passes leave nothing that matters to a fit that is measured.
    """
    # Rows last: each step then runs along memory. What a row holds: right-hand sides, then the block on the diagonal.
    columns = right.shape[2]
    held = np.ascontiguousarray(np.concatenate([right, diagonal], axis=2).transpose(1, 2, 0))
    after = np.ascontiguousarray(beside.transpose(1, 2, 0))
    after[..., -1] = 0.0
    before = np.zeros_like(after)
    before[..., 1:] = after[..., :-1].transpose(1, 0, 2)
    for step in (1, 2, 4, 8):
        if step >= held.shape[2]:
            break
        solved = _inverse_2x2(held[:, columns:])
        up, down = _product(before[..., step:], solved[..., :-step]), _product(after[..., :-step], solved[..., step:])
        new, further = held.copy(), np.zeros((2, *after.shape))
        new[:, :columns, step:] -= _product(up, held[:, :columns, :-step])
        new[:, :columns, :-step] -= _product(down, held[:, :columns, step:])
        new[:, columns:, step:] -= _product(up, after[..., :-step])
        new[:, columns:, :-step] -= _product(down, before[..., step:])
        further[0][..., step:] = -_product(up, before[..., :-step])
        further[1][..., :-step] = -_product(down, after[..., step:])
        held, (before, after) = new, further
    return np.ascontiguousarray(_product(_inverse_2x2(held[:, columns:]), held[:, :columns]).transpose(2, 0, 1))


def _product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(2, c, n): n matrix products of a (2, 2, n) and b (2, c, n)."""
    return a[:, :1] * b[0] + a[:, 1:] * b[1]


def _inverse_2x2(m: np.ndarray) -> np.ndarray:
    """(2, 2, n): of n matrices (2, 2, n)."""
    return np.stack([m[1, 1], -m[0, 1], -m[1, 0], m[0, 0]]).reshape(m.shape) / (m[0, 0] * m[1, 1] - m[0, 1] * m[1, 0])


def _search(target: _Target) -> _Fit:
    """The fit with the fewest keys found that is within the tolerance."""
    fit = _Fit.of(target, _first_keys(target), np.ones(target.channels.shape[0]))
    best: _Fit | None = None
    for _ in range(_ROUNDS):
        if fit.within and (best is None or fit.count < best.count):
            best = fit
        keyed = fit.segments.keyed & ~_removable(target, fit)
        if not fit.within:
            keyed |= _missing(target, fit)
        fit = _Fit.of(target, keyed, _levelled(target, fit))
    while not fit.within:
        missing = _missing(target, fit)
        if not (missing & ~fit.segments.keyed).any():
            break  # keys on every frame that matters: off by rounding alone
        fit = _Fit.of(target, fit.segments.keyed | missing, _levelled(target, fit))
    return fit if best is None or (fit.within and fit.count < best.count) else best


def _first_keys(target: _Target) -> np.ndarray:
    """(B, N) bool: keys at even distances, each moved to a dear frame near it; two where nothing moves."""
    frames = target.frames
    keyed = np.zeros((target.tracks, frames), bool)
    spacing = max(2, round(_FIRST_SPACING * target.fps))
    channels = target.channels.reshape(target.tracks, frames, 4)
    moves = np.ptp(channels, axis=1).max(axis=-1) > 1e-3 * target.tolerance
    keyed[moves, ::spacing] = True
    shift = max(1, spacing // 3)
    for by in [s for distance in range(1, shift + 1) for s in (-distance, distance)]:
        here = keyed & ~target.dear
        there = np.roll(target.dear, -by, axis=1)
        go = here & there & ~np.roll(keyed, -by, axis=1)
        keyed ^= go
        keyed |= np.roll(go, by, axis=1)
    keyed[:, [0, -1]] = True
    return keyed


def _missing(target: _Target, fit: _Fit) -> np.ndarray:
    """(B, N) bool: frames to key, at most one in each segment, where the tolerance is exceeded.

    Of what carries a joint that is too far off, those get a key that push it off most. Nothing left to do so means that
    all of them are keyed there: then they are keyed on the frames beside as well, which makes them exact.
    """
    rig, limit = target.rig, target.tolerance**2
    bones, joints = rig.pairs
    far = fit.squared > limit
    blame = np.zeros((target.tracks, target.frames))
    at = np.flatnonzero(far.any(axis=0))
    if len(at):
        away, here = np.moveaxis(fit.away[:, at], -1, 0), far[:, at]
        position = np.moveaxis(target.position[:, at], -1, 0)
        direction = away / np.sqrt(np.maximum(_sum_of_squares(away), 1e-30))
        swing = _cross(fit.turned[:, :, at][:, bones], position[:, joints] - position[:, bones])
        share = (swing * direction[:, joints]).sum(axis=0)
        moved = (away[:, :1] * direction).sum(axis=0)
        most = moved.copy()
        np.maximum.at(most, joints, share)
        blame[0, at] = (here & (moved >= _BLAMED * most)).any(axis=0)
        blame[1:, at] = rig.most_of_pairs((here[joints] & (share >= _BLAMED * most[joints])).astype(float))
    blame[1:] = np.maximum(blame[1:], fit.squared_turn > limit)
    size = np.concatenate([np.sqrt(fit.squared[:1]), np.sqrt(fit.squared_turn)]) + 1e-30
    score = np.where(fit.segments.keyed, 0.0, blame * size * np.where(target.dear, 1.5, 1.0)).ravel()
    highest = np.flatnonzero((score > 0.0) & (score == np.maximum.reduceat(score, fit.segments.knots)[fit.segments.of]))
    highest = highest[np.unique(fit.segments.of[highest], return_index=True)[1]]
    missing = np.zeros(blame.size, bool)
    missing[highest] = True
    missing = missing.reshape(blame.shape)
    if not len(highest):
        missing[0] = far.any(axis=0)
        missing[1:] = rig.most_of_pairs(far[joints].astype(float)) > 0.0
        missing[1:] |= fit.squared_turn > limit
        missing[:, 1:] |= missing[:, :-1].copy()
        missing[:, :-1] |= missing[:, 1:].copy()
    return missing


def _levelled(target: _Target, fit: _Fit) -> np.ndarray:
    """(B * N,) weights for the next fit: more where a joint that the track moves is further off."""
    most = np.empty((target.tracks, target.frames))
    most[0] = fit.squared.max(axis=0)
    most[1:] = np.maximum(target.rig.most_of_pairs(fit.squared[target.rig.pairs[1]]), fit.squared_turn)
    most = np.sqrt(most) / target.tolerance
    most[:, 1:-1] = np.maximum(most[:, 1:-1], 0.7 * np.maximum(most[:, :-2], most[:, 2:]))
    weights = fit.weights.reshape(most.shape) * (0.1 + most)
    weights /= weights.mean(axis=1, keepdims=True)
    return np.clip(weights, 0.02, 50.0).ravel()


def _removable(target: _Target, fit: _Fit) -> np.ndarray:
    """(B, N) bool: keys that can go together.

    For each key by itself: the curve without it, value and slope fitted anew at the keys beside it, all else as it is.
    That changes four segments, two to either side. Then one after the other, cheapest first, while what all those gone
    before have done leaves room.
    """
    segments = fit.segments
    inner = np.flatnonzero(~segments.first & ~segments.last)
    gone = np.zeros(segments.keyed.size, bool)
    if not len(inner):
        return gone.reshape(segments.keyed.shape)
    room = _Room(target, fit, _without(target, fit, inner))
    worst = np.zeros(fit.count)
    for role in (1, 2):
        of_key = np.maximum.reduceat(room.cost(role).ravel(), segments.knots)
        worst[inner] = np.maximum(worst[inner], of_key[inner - 2 + role])

    frame = (segments.knots % target.frames).tolist()
    track, first, last = segments.track.tolist(), segments.first.tolist(), segments.last.tolist()
    dear = target.dear.ravel()[segments.knots]
    possible = inner[worst[inner] <= _AIM**2]
    ranked = possible[np.argsort(np.sqrt(worst[possible]) + _KEEP * dear[possible], kind="stable")]
    blocked = [False] * (fit.count + 4)
    for key in ranked.tolist():
        if blocked[key]:
            continue
        low = key - 1 if first[key - 1] else key - 2
        high = key + 1 if last[key + 1] else key + 2
        stops = (frame[low], frame[key - 1], frame[key], frame[key + 1], frame[high] + last[high])
        if room.take(track[key], stops):
            gone[segments.knots[key]] = True
            # Both neighbours have been changed: a key that would change one of them again must wait.
            blocked[max(key - 2, 0) : key + 3] = [True] * (key + 3 - max(key - 2, 0))
    return gone.reshape(segments.keyed.shape)


def _without(target: _Target, fit: _Fit, inner: np.ndarray) -> np.ndarray:
    """(3, n, 2, 4): how value and slope change at the key before, at its own frame, and at the key after, when a key
    goes and its neighbours are fitted anew; 0 for all but the keys `inner`.

    A cubic over the gap is, on either side of the lost key, the cubic with its own value and slope there: so the normal
    equations of the gap follow from those of its two segments.
    """
    segments, nodes, (gram, moment) = fit.segments, fit.nodes, fit.normal
    left, right = inner - 1, inner + 1
    before, after = np.maximum(left - 1, 0), np.minimum(right + 1, fit.count - 1)
    gap = (segments.knots[right] - segments.knots[left]).astype(np.float64)
    u = (segments.knots[inner] - segments.knots[left]) / gap
    v = 1.0 - u
    across = np.empty((len(inner), 2, 4))
    across[:, 0] = np.stack([(1.0 + 2.0 * u) * v * v, u * v * v * gap, u * u * (3.0 - 2.0 * u), -v * u * u * gap], -1)
    across[:, 1] = np.stack([-6.0 * u * v / gap, v * (v - 2.0 * u), 6.0 * u * v / gap, u * (u - 2.0 * v)], -1)
    same = np.broadcast_to(np.eye(4), (len(inner), 4, 4))
    first, second = np.concatenate([same[:, :2], across], axis=1), np.concatenate([across, same[:, 2:]], axis=1)
    system = np.zeros((len(inner), 4, 4))
    wanted = np.zeros((len(inner), 4, nodes.shape[2]))
    for part, segment in ((first, left), (second, inner)):
        turned = part.transpose(0, 2, 1)
        system += turned @ gram[segment] @ part
        wanted += turned @ moment[segment]
    inside = (~segments.first[left])[:, None, None]
    system[:, :2, :2] += gram[before][:, 2:, 2:] * inside
    wanted[:, :2] += (moment[before][:, 2:] - gram[before][:, 2:, :2] @ nodes[before]) * inside
    inside = (~segments.last[right])[:, None, None]
    system[:, 2:, 2:] += gram[right][:, :2, :2]
    wanted[:, 2:] += moment[right][:, :2] - (gram[right][:, :2, 2:] @ nodes[after]) * inside
    for unknown, key in ((1, left), (3, right)):
        steady = target.steady(segments.knots[key])
        system[:, unknown, unknown] += steady[:, 0]
        wanted[:, unknown] += steady * target.slopes[segments.knots[key]]
    ends = np.linalg.solve(system, wanted)
    change = np.zeros((3, *nodes.shape))
    change[0, inner] = ends[:, :2] - nodes[left]
    change[1, inner] = across @ ends - nodes[inner]
    change[2, inner] = ends[:, 2:] - nodes[right]
    return change


class _Room:
    """How far joints may still go, to first order, while keys are removed one after the other.

    Every segment has four roles: it lies two before a key that may go, just before it, just after it, or one further.
    Components come first: away (3, J, N).
    """

    def __init__(self, target: _Target, fit: _Fit, change: np.ndarray) -> None:
        """change: that of `_without`."""
        self.target = target
        self.fit = fit
        self.limit = (_AIM * target.tolerance) ** 2
        self.firm = target.firm.astype(np.float32)
        self.away = np.ascontiguousarray(np.moveaxis(fit.away, -1, 0) * self.firm, np.float32)
        bones, joints = target.rig.pairs
        position = np.moveaxis(fit.position, -1, 0)
        levers = (position[:, joints] - position[:, bones]).astype(np.float32)
        rates = target.turn_rates(fit.values[1:], fit.turns)
        before, own, after = change
        nothing = np.zeros_like(own)
        # What happens at the begin and the end of segment s in each role: to key s + 2, s + 1, s, s - 1.
        roles = ((nothing, _earlier(before, 2)), (_earlier(before, 1), _earlier(own, 1)), (own, after),
                 (_earlier(after, -1), nothing))  # fmt: skip
        self.moved, self.turned, self.swung = [], [], []
        for begins, ends in roles:
            values = np.ascontiguousarray(fit.segments.values(begins, ends).T)
            values = values.reshape(4, target.tracks, target.frames)
            turned = _transformed(rates, values[:, 1:]).astype(np.float32)
            self.moved.append(values[:3, 0].astype(np.float32))
            self.turned.append(turned)
            self.swung.append(_cross(turned[:, bones], levers) * self.firm[joints])

    def cost(self, role: int) -> np.ndarray:
        """(B, N): the largest squared error, in squared tolerances, were one track alone to change."""
        target = self.target
        cost = np.empty((target.tracks, target.frames), np.float32)
        cost[0] = _sum_of_squares(self.away + self.moved[role][:, None] * self.firm).max(axis=0)
        cost[1:] = target.rig.most_of_pairs(_sum_of_squares(self.away[:, target.rig.pairs[1]] + self.swung[role]))
        turned = _sum_of_squares(self.fit.turned + self.turned[role]) * FLESH**2
        np.maximum(cost[1:], turned, out=cost[1:])
        return cost / target.tolerance**2

    def take(self, track: int, stops: tuple[int, int, int, int, int]) -> bool:
        """Make the change of one track that takes a key away, if all joints stay in reach.

        stops: the frames where the four segments that change begin, and where the last of them ends.
        """
        if track == 0:
            carried, pairs = slice(0, self.away.shape[1]), slice(0, 1)
            changes = [m[:, None] for m in self.moved]
        else:
            carried, pairs, changes = self.target.rig.below[track - 1], self.target.rig.pairs_of[track - 1], self.swung
            if carried.start == carried.stop:
                return True
        window = slice(stops[0], stops[4])
        now = np.concatenate([c[:, pairs, a:b] for c, a, b in zip(changes, stops, stops[1:], strict=False)], axis=2)
        if track == 0:
            now = now * self.firm[:, window]
        now = now + self.away[:, carried, window]
        if _sum_of_squares(now).max() > self.limit:
            return False
        self.away[:, carried, window] = now
        return True


def _earlier(values: np.ndarray, by: int) -> np.ndarray:
    """Row s holds what row s + by held, or 0."""
    result = np.zeros_like(values)
    if by > 0:
        result[:-by] = values[by:]
    else:
        result[-by:] = values[:by]
    return result


def _sum_of_squares(v: np.ndarray) -> np.ndarray:
    result: np.ndarray = v[0] * v[0] + v[1] * v[1] + v[2] * v[2]
    return result


def _transformed(matrix: np.ndarray, v: np.ndarray) -> np.ndarray:
    """(a, ...) of matrices (a, b, ...) and vectors (b, ...), components first."""
    result = matrix[:, 0] * v[0]
    for k in range(1, len(v)):
        result += matrix[:, k] * v[k]
    return result


def _cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(3, ...) of (3, ...) and (3, ...), components first."""
    return np.stack([a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]])
