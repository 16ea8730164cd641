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
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..errors import InvalidRequest
from . import rotations as rot
from .clips import Clip
from .keys import ROTATION_MODES, BezierKeys, SparseKeys
from .quality import foot_contacts
from .resampling import resample
from .skeleton import FOOT_JOINTS, JOINT_COUNT, JOINTS, Skeleton

FLESH = 0.1
"""Metres: half the width of a body part. A bone may not turn, seen from its parent, so far from the clip that a point
this far from it moves by more than the tolerance; joint positions alone would leave a straight arm's twist free."""
_FIRST_SPACING = 0.35
"""Seconds between keys at the start of the search."""
_ROUNDS = 2
"""Each further round removes some more keys: seven leave a sixth fewer and take two and a half times as long."""
_AIM = 0.995
"""Part of the tolerance that a removed key may use up; the rest is for what the first order leaves out."""
_STEADY = 0.02
"""Weight with which slopes at keys are drawn to those of the clip, beside 1 for a sample: they are free where the
frames say enough, and sensible where keys stand on neighbouring frames."""
_KEEP = 0.15
"""Parts of the tolerance by which a key on a contact or an extreme of the motion seems dearer to lose."""


def fit_keys(
    clip: Clip,
    tolerance_mm: float = 10.0,
    first_frame: float = 1.0,
    scene_fps: float | None = None,
    rotation_mode: str = "QUATERNION",
    axes: tuple[np.ndarray, np.ndarray] | None = None,
) -> SparseKeys:
    """Few keys, with free Bezier handles, whose motion keeps every joint within a tolerance of the clip.

    tolerance_mm: the largest distance, millimetres, of any joint from where `dense_keys` with the same arguments has
        it, on any scene frame. No bone turns further from its parent's view of the clip than moves a point 10 cm from
        it by as much.
    first_frame: the scene frame of the clip's first frame; keys stand on whole frames from there. The first and the
        last frame are always keyed.
    scene_fps: the scene's frame rate, by default the clip's own; the clip is resampled to it by time.
    rotation_mode: "QUATERNION" or "XYZ" (Blender's order: first about X), angles unwrapped, error measured with Euler
        interpolation.
    axes: outer and inner, each (J, 4) unit quaternions: bone b's channels are those of outer[b] * rotation * inner[b],
        the rotation as its own pose bone sees it. By default the engine's axes.
    Raises InvalidRequest when the tolerance, the frame rate or the first frame is impossible, the rotation mode is
    unknown, or the clip is empty or holds a number that is not finite.
    """
    if not (math.isfinite(tolerance_mm) and tolerance_mm > 0):
        raise InvalidRequest("The tolerance of the keys must be a positive number of millimetres.")
    if not math.isfinite(first_frame):
        raise InvalidRequest("The first frame must be a finite number.")
    if rotation_mode not in ROTATION_MODES:
        raise InvalidRequest(f"Keys can be fitted in the rotation modes {' and '.join(ROTATION_MODES)} only.")
    if clip.frames < 1:
        raise InvalidRequest("The clip has no frames to set keys on.")
    if not (np.isfinite(clip.translation).all() and np.isfinite(clip.rotations).all()):
        raise InvalidRequest("The clip holds a number that is not finite.")
    if scene_fps is not None and scene_fps != clip.fps:
        clip = resample(clip, scene_fps)
    target = _Target.of(clip, tolerance_mm / 1000.0, rotation_mode, axes)
    fit = _search(target)
    knots, nodes = fit.segments.knots, fit.nodes
    tracks = []
    for track in range(target.tracks):
        mine = fit.segments.track == track
        channels = 3 if track == 0 or rotation_mode == "XYZ" else 4
        times = first_frame + (knots[mine] % target.frames).astype(np.float64)
        tracks.append(BezierKeys.from_slopes(times, nodes[mine, 0, :channels], nodes[mine, 1, :channels]))
    rotations = [tracks[1 + int(place)] for place in np.argsort(target.rig.order)]
    return SparseKeys(
        location=tracks[0],
        rotations=tuple(rotations),
        names=clip.skeleton.names,
        rotation_mode=rotation_mode,
        frames=target.frames,
        fps=clip.fps,
        max_error_mm=float(np.sqrt(fit.squared.max()) * 1000.0),
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
    outer, inner: (J, 1, 4): turns = outer * local rotation * inner.
    position: (J, N, 3). carrier: (J, N, 4): brings a turn of a bone's channels into the world.
    tolerance: metres. dear: (B, N) bool, frames that an animator would key.
    """

    rig: _Rig
    channels: np.ndarray
    slopes: np.ndarray
    turns: np.ndarray
    outer: np.ndarray
    inner: np.ndarray
    position: np.ndarray
    carrier: np.ndarray
    tolerance: float
    dear: np.ndarray
    fps: float
    euler: bool

    @property
    def frames(self) -> int:
        return int(self.turns.shape[1])

    @property
    def tracks(self) -> int:
        return 1 + int(self.turns.shape[0])

    @classmethod
    def of(
        cls, clip: Clip, tolerance: float, rotation_mode: str, axes: tuple[np.ndarray, np.ndarray] | None
    ) -> _Target:
        rig = _Rig.of(clip.skeleton)
        local = np.ascontiguousarray(rot.continuous(rot.normalise(clip.rotations)).swapaxes(0, 1)[rig.order])
        bones, frames = local.shape[:2]
        same = np.broadcast_to(rot.IDENTITY, (bones, 4))
        outer, inner = (rot.normalise(way)[rig.order][:, None] for way in (axes if axes is not None else (same, same)))
        turns = rot.multiply(rot.multiply(outer, local), inner)
        channels = np.zeros((1 + bones, frames, 4))
        channels[0, :, :3] = clip.translation
        if rotation_mode == "XYZ":
            channels[1:, :, :3] = euler_angles(turns.swapaxes(0, 1)).swapaxes(0, 1)
        else:
            channels[1:] = turns
        position, world = rig.pose(channels[0, :, :3], local)
        above = np.concatenate([np.broadcast_to(rot.IDENTITY, (1, frames, 4)), world[rig.parents[1:]]])
        slopes = np.gradient(channels, axis=1) if frames > 1 else np.zeros_like(channels)
        return cls(
            rig=rig,
            channels=channels.reshape(-1, 4),
            slopes=slopes.reshape(-1, 4),
            turns=turns,
            outer=outer,
            inner=inner,
            position=position,
            carrier=rot.multiply(above, rot.inverse(outer)),
            tolerance=tolerance,
            dear=_dear_frames(clip, rig, position, slopes),
            fps=clip.fps,
            euler=rotation_mode == "XYZ",
        )

    def turns_of(self, channels: np.ndarray) -> np.ndarray:
        """(..., 4) unit quaternions of rotation channels (..., 4), as Blender reads them."""
        return euler_quaternions(channels[..., :3]) if self.euler else rot.normalise(channels)

    @cached_property
    def turns_back(self) -> np.ndarray:
        return rot.inverse(self.turns)


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
        return _curve(self.basis, np.concatenate([begins, ends], axis=1)[self.of])


def _curve(basis: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """(samples, channels) from the basis (samples, 4) and what it weighs, (samples, 4, channels)."""
    return np.einsum("sk,skc->sc", basis, ends)


@dataclass(frozen=True)
class _Fit:
    """Fitted curves and how far they are off.

    normal: the segments' normal equations. nodes: (n, 2, 4) value and slope at each key.
    position: (J, N, 3) where the joints come to be; away: the same less where they should be.
    turns: (J, N, 4); turned: (J, N, 3) rotation vectors, in the axes of the bones' channels, from the clip's.
    squared: (J, N) squared distance of joints, metres; squared_turn: that of FLESH.
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
        gram, moment = segments.normal_equations(weights, target.channels)
        diagonal, right = gram[:, :2, :2].copy(), moment[:, :2].copy()
        diagonal[1:] += gram[:-1, 2:, 2:]
        right[1:] += moment[:-1, 2:]
        diagonal[:, 1, 1] += _STEADY
        right[:, 1] += _STEADY * target.slopes[segments.knots]
        nodes = _solve_chain(diagonal, gram[:, :2, 2:], right)
        values = segments.values(nodes, _next(nodes)).reshape(target.tracks, target.frames, 4)
        turns = target.turns_of(values[1:])
        local = rot.multiply(rot.multiply(rot.inverse(target.outer), turns), rot.inverse(target.inner))
        position, _ = target.rig.pose(values[0, :, :3], local)
        away = position - target.position
        turned = _small_turn(turns, target.turns_back)
        squared, squared_turn = _square(away), _square(turned) * FLESH**2
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
    before = np.zeros_like(beside)
    before[1:] = beside[:-1].transpose(0, 2, 1)
    after = beside.copy()
    after[-1] = 0.0
    diagonal, right = diagonal.copy(), right.copy()
    for step in (1, 2, 4, 8):
        if step >= len(diagonal):
            break
        solved = _inverse_2x2(diagonal)
        up, down = _product(before[step:], solved[:-step]), _product(after[:-step], solved[step:])
        joined = np.concatenate([diagonal, right, before, after], axis=2)
        new = joined[:, :, :-4].copy()
        columns = right.shape[2]
        new[step:, :, 2:] -= _product(up, right[:-step])
        new[step:, :, :2] -= _product(up, after[:-step])
        new[:-step, :, 2:] -= _product(down, right[step:])
        new[:-step, :, :2] -= _product(down, before[step:])
        further_before, further_after = np.zeros_like(before), np.zeros_like(after)
        further_before[step:] = -_product(up, before[:-step])
        further_after[:-step] = -_product(down, after[step:])
        diagonal, right = new[:, :, :2], new[:, :, 2 : 2 + columns]
        before, after = further_before, further_after
    return _product(_inverse_2x2(diagonal), right)


def _product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(n, 2, c) of a (n, 2, 2) and b (n, 2, c); faster than matmul on so small matrices."""
    return a[:, :, :1] * b[:, :1] + a[:, :, 1:] * b[:, 1:]


def _inverse_2x2(m: np.ndarray) -> np.ndarray:
    inverse = np.empty_like(m)
    inverse[:, 0, 0], inverse[:, 1, 1] = m[:, 1, 1], m[:, 0, 0]
    inverse[:, 0, 1], inverse[:, 1, 0] = -m[:, 0, 1], -m[:, 1, 0]
    return inverse / (m[:, 0, 0] * m[:, 1, 1] - m[:, 0, 1] * m[:, 1, 0])[:, None, None]


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
    direction = fit.away / np.sqrt(np.maximum(fit.squared, 1e-30))[..., None]
    turned = rot.rotate(target.carrier, fit.turned)
    across = np.cross(target.position[joints] - target.position[bones], direction[joints])
    share = np.einsum("pnc,pnc->pn", turned[bones], across)
    moved = np.einsum("nc,jnc->jn", fit.away[0], direction)
    most = moved.copy()
    np.maximum.at(most, joints, share)
    blame = np.zeros((target.tracks, target.frames))
    blame[0] = (far & (moved >= 0.7 * most)).any(axis=0)
    blame[1:] = rig.most_of_pairs((far[joints] & (share >= 0.7 * most[joints])).astype(float))
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
    This changes three segments: the one over the gap and one to either side. Then one after the other, cheapest first,
    while what all those gone before have done leaves room.
    """
    segments, nodes, (gram, moment) = fit.segments, fit.nodes, fit.normal
    inner = np.flatnonzero(~segments.first & ~segments.last)
    gone = np.zeros(segments.keyed.size, bool)
    if not len(inner):
        return gone.reshape(segments.keyed.shape)
    count = fit.count
    rank = np.arange(count) - np.flatnonzero(segments.first)[segments.track]
    candidate = np.zeros(count, bool)
    candidate[inner] = True
    # Without every other key, the gaps tile the tracks: two sets of segments hold the gaps of all candidates.
    system, right = np.zeros((count, 4, 4)), np.zeros((count, 4, 4))
    gaps = []
    for parity in (0, 1):
        without = np.flatnonzero(candidate & (rank % 2 == parity))
        keyed = segments.keyed.ravel().copy()
        keyed[segments.knots[without]] = False
        gap = _Segments.at(keyed.reshape(segments.keyed.shape))
        place = gap.of[segments.knots[without]]
        gap_gram, gap_moment = gap.normal_equations(fit.weights, target.channels)
        system[without], right[without] = gap_gram[place], gap_moment[place]
        owner = np.full(len(gap.knots), -1)
        owner[place] = without
        gaps.append((owner[gap.of], gap.basis))
    left, beyond = inner - 1, inner + 1
    before, after = np.maximum(left - 1, 0), np.minimum(beyond + 1, count - 1)
    inside_left, inside_right = ~segments.first[left], ~segments.last[beyond]
    system[inner, :2, :2] += gram[before][:, 2:, 2:] * inside_left[:, None, None]
    right[inner, :2] += (moment[before][:, 2:] - gram[before][:, 2:, :2] @ nodes[before]) * inside_left[:, None, None]
    system[inner, 2:, 2:] += gram[beyond][:, :2, :2]
    coupled = (gram[beyond][:, :2, 2:] @ nodes[after]) * inside_right[:, None, None]
    right[inner, 2:] += moment[beyond][:, :2] - coupled
    for unknown, key in ((1, left), (3, beyond)):
        system[inner, unknown, unknown] += _STEADY
        right[inner, unknown] += _STEADY * target.slopes[segments.knots[key]]
    ends = np.zeros((count, 4, 4))
    ends[inner] = np.linalg.solve(system[inner], right[inner])

    room = _Room(target, fit)
    worst = np.zeros(count)
    for owner, basis in gaps:
        mine = owner >= 0
        moved, cost = room.change(np.where(mine[:, None], _curve(basis, ends[np.maximum(owner, 0)]), room.values))
        room.changes.append(moved)
        samples = np.flatnonzero(mine)
        if not len(samples):  # no key has another on both sides
            continue
        begins = np.flatnonzero(np.concatenate([[True], np.diff(owner[samples]) != 0]))
        worst[owner[samples[begins]]] = np.maximum.reduceat(cost.ravel()[samples], begins)
    # The segment that ends where a candidate's gap begins, and the one that begins where it ends.
    behind = np.minimum(np.arange(count) + 2, count - 1)
    ahead = np.maximum(np.arange(count) - 1, 0)
    for begin, end in ((nodes, ends[behind][:, :2]), (ends[ahead][:, 2:], _next(nodes))):
        room.changes.append(room.movement(segments.values(begin, end)))

    frame = (segments.knots % target.frames).tolist()
    track, first, last = segments.track.tolist(), segments.first.tolist(), segments.last.tolist()
    dear = target.dear.ravel()[segments.knots]
    possible = inner[worst[inner] <= _AIM**2]
    ranked = possible[np.argsort(np.sqrt(worst[possible]) + _KEEP * dear[possible], kind="stable")]
    blocked = [False] * (count + 4)
    for key in ranked.tolist():
        if blocked[key]:
            continue
        low = key - 1 if first[key - 1] else key - 2
        high = key + 1 if last[key + 1] else key + 2
        pieces = ((2, frame[low], frame[key - 1]), (int(rank[key] % 2), frame[key - 1], frame[key + 1]),
                  (3, frame[key + 1], frame[high] + last[high]))  # fmt: skip
        if room.take(track[key], pieces):
            gone[segments.knots[key]] = True
            # Both neighbours have been changed: a key that would change one of them again must wait.
            blocked[max(key - 2, 0) : key + 3] = [True] * (key + 3 - max(key - 2, 0))
    return gone.reshape(segments.keyed.shape)


class _Room:
    """How far joints may still go, to first order, while keys are removed one after the other.

    Components come first: away (3, J, N).
    """

    def __init__(self, target: _Target, fit: _Fit) -> None:
        self.target = target
        self.values = fit.values.reshape(-1, 4)
        self.location = fit.values[0, :, :3]
        self.turns_back = rot.inverse(fit.turns)
        self.away = np.ascontiguousarray(np.moveaxis(fit.away, -1, 0))
        self.position = np.ascontiguousarray(np.moveaxis(fit.position, -1, 0))
        bones, joints = target.rig.pairs
        self.levers = (self.position[:, joints] - self.position[:, bones]).astype(np.float32)
        self.pair_away = self.away[:, joints].astype(np.float32)
        self.limit = (_AIM * target.tolerance) ** 2
        self.changes: list[np.ndarray] = []

    def movement(self, values: np.ndarray) -> np.ndarray:
        """(3, B, N): what other samples (B * N, 4) would change: metres of the location, world turns of bones."""
        values = values.reshape(self.target.tracks, self.target.frames, 4)
        return self._movement(values, self.target.turns_of(values[1:]))

    def _movement(self, values: np.ndarray, turns: np.ndarray) -> np.ndarray:
        moved = np.empty((3, *values.shape[:2]))
        moved[:, 0] = (values[0, :, :3] - self.location).T
        world = rot.rotate(self.target.carrier, _small_turn(turns, self.turns_back))
        moved[:, 1:] = np.moveaxis(world, -1, 0)
        return moved

    def change(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """`movement`, and (B, N): the largest squared error, in squared tolerances, were one track alone to change."""
        target = self.target
        values = values.reshape(target.tracks, target.frames, 4)
        turns = target.turns_of(values[1:])
        moved = self._movement(values, turns)
        cost = np.empty(values.shape[:2])
        cost[0] = _sum_of_squares(self.away + moved[:, :1]).max(axis=0)
        by_pair = _swung(self.pair_away, moved[:, 1:].astype(np.float32)[:, target.rig.pairs[0]], self.levers)
        cost[1:] = target.rig.most_of_pairs(_sum_of_squares(by_pair))
        np.maximum(cost[1:], _square(_small_turn(turns, target.turns_back)) * FLESH**2, out=cost[1:])
        return moved, cost / target.tolerance**2

    def take(self, track: int, pieces: tuple[tuple[int, int, int], ...]) -> bool:
        """Make a change of one track, in pieces (which of `changes`, frames from, to), if all joints stay in reach."""
        change = np.concatenate([self.changes[k][:, track, start:stop] for k, start, stop in pieces], axis=1)
        window = slice(pieces[0][1], pieces[-1][2])
        if track == 0:
            carried = slice(0, self.away.shape[1])
            now = self.away[:, :, window] + change[:, None]
        else:
            carried = self.target.rig.below[track - 1]
            if carried.start == carried.stop:
                return True
            levers = self.position[:, carried, window] - self.position[:, track - 1, None, window]
            now = _swung(self.away[:, carried, window], change[:, None], levers)
        if _sum_of_squares(now).max() > self.limit:
            return False
        self.away[:, carried, window] = now
        return True


def _sum_of_squares(v: np.ndarray) -> np.ndarray:
    result: np.ndarray = v[0] * v[0] + v[1] * v[1] + v[2] * v[2]
    return result


def _swung(away: np.ndarray, turn: np.ndarray, lever: np.ndarray) -> np.ndarray:
    """(3, ...): away + turn x lever."""
    result = np.empty(away.shape, away.dtype)
    for a, b, c in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        np.multiply(turn[b], lever[c], out=result[a])
        result[a] -= turn[c] * lever[b]
        result[a] += away[a]
    return result
