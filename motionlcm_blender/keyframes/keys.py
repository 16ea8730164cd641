"""Keys as plain arrays, dense (one key per frame) or sparse, ready to be written in bulk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..array_types import FloatArray, IntArray
from ..motion import rotations as rot
from ..motion.motion import Clip
from ..motion.resampling import resample
from ..motion.world_transform import Placement, place_joints


@dataclass(frozen=True, eq=False)
class Keys:
    """Dense keys of an armature.

    Attributes:
        times: (K,) float64, scene frames, increasing, not necessarily whole.
        location: (K, 3) float64, metres, engine axes (Y up): position of the root joint, not relative to its rest
            position.
        rotations: (bones, K, 4) float64 unit quaternions (w, x, y, z), engine axes, local to the parent and relative
            to the rest pose, no sign flips along K.
        names: Names of the bones, in the order of `rotations`; the first is the root.
    """

    times: FloatArray
    location: FloatArray
    rotations: FloatArray
    names: tuple[str, ...]

    @property
    def count(self) -> int:
        """Number of key times."""
        return int(self.times.shape[0])


def dense_keys(clip: Clip, first_frame: float = 1.0, scene_fps: float | None = None) -> Keys:
    """Make one key on every scene frame.

    Args:
        clip: The clip.
        first_frame: Scene frame of the clip's first frame.
        scene_fps: Frame rate of the scene, to which the clip is resampled; None: the clip's own.

    Returns:
        The keys.

    Raises:
        InvalidRequest: `scene_fps` is not a positive, finite number.
    """
    if scene_fps is not None and scene_fps != clip.fps:
        clip = resample(clip, scene_fps)
    return Keys(
        times=first_frame + np.arange(clip.frames, dtype=np.float64),
        location=np.array(clip.translation, dtype=np.float64),
        rotations=np.ascontiguousarray(np.swapaxes(rot.continuous(clip.rotations), 0, 1)),
        names=clip.skeleton.names,
    )


ROTATION_MODES = ("QUATERNION", "XYZ")


@dataclass(frozen=True, eq=False)
class BezierKeys:
    """Keys of the channels of one property, which share their times: cubic Bezier F-curves with free handles.

    The handles lie a third of the way to the next key, so that the curve is a cubic polynomial in time. At each key
    both handles and the key lie on one line: the curves have no corners.

    Attributes:
        times: (K,) float64, scene frames, increasing.
        values: (K, channels) float64.
        left: (K, channels, 2) float64, the handle before each key: (frame, value).
        right: (K, channels, 2) float64, the handle after each key.
    """

    times: FloatArray
    values: FloatArray
    left: FloatArray
    right: FloatArray

    @property
    def count(self) -> int:
        """Number of keys."""
        return int(self.times.shape[0])

    @classmethod
    def of_tracks(
        cls, times: FloatArray, values: FloatArray, slopes: FloatArray, first: IntArray, channels: Sequence[int]
    ) -> list[BezierKeys]:
        """Make the keys of several tracks at once.

        Args:
            times: (n,) scene frames of all keys, increasing in each track.
            values: (n, channels).
            slopes: (n, channels), per frame.
            first: Index of the first key of each track.
            channels: Number of channels of each track; the arrays may have more.

        Returns:
            The keys of each track.
        """
        ends = np.append(first[1:], len(times))
        after = np.diff(times, append=0.0) / 3.0
        after[ends - 1] = np.where(ends - first > 1, after[ends - 2], 1.0 / 3.0)
        before = np.concatenate([after[:1], after[:-1]])
        before[first] = after[first]
        left, right = _handles(times, values, slopes, -before), _handles(times, values, slopes, after)
        return [
            cls(times[begin:end], values[begin:end, :n], left[begin:end, :n], right[begin:end, :n])
            for begin, end, n in zip(first.tolist(), ends.tolist(), channels, strict=True)
        ]

    def mapped(self, change: Callable[[FloatArray], FloatArray]) -> BezierKeys:
        """Apply an affine map (K, channels) to (K, channels) to the curves' channels.

        Exact, because Bezier curves are affinely invariant.
        """
        sides = [np.stack([side[..., 0], change(side[..., 1])], axis=-1) for side in (self.left, self.right)]
        return BezierKeys(self.times, change(self.values), sides[0], sides[1])

    @classmethod
    def mapped_together(
        cls, tracks: Sequence[BezierKeys], change: Callable[[FloatArray, IntArray], FloatArray]
    ) -> list[BezierKeys]:
        """Apply an affine map to each of several tracks with the same number of channels, in one call.

        Args:
            tracks: The tracks.
            change: Maps (n, channels), given the index (n,) of the track of each row, to (n, channels).

        Returns:
            The tracks with changed channels.
        """
        counts = [track.count for track in tracks]
        of = np.tile(np.repeat(np.arange(len(tracks)), counts), 3)
        parts = [track.values for track in tracks]
        parts += [track.left[..., 1] for track in tracks] + [track.right[..., 1] for track in tracks]
        changed = np.split(change(np.concatenate(parts), of), 3)
        bounds = np.cumsum(counts)[:-1]
        values, left, right = (np.split(part, bounds) for part in changed)
        return [
            cls(
                track.times,
                values[k],
                np.stack([track.left[..., 0], left[k]], axis=-1),
                np.stack([track.right[..., 0], right[k]], axis=-1),
            )
            for k, track in enumerate(tracks)
        ]

    def evaluate(self, frames: FloatArray) -> FloatArray:
        """Evaluate the curves at frames (F,); the result is (F, channels).

        Constant before the first key and after the last, as in Blender.
        Exact for handles at a third of the way, as they are here; quaternions are not normalised.
        """
        frames = np.clip(np.asarray(frames, dtype=np.float64), self.times[0], self.times[-1])
        if self.count == 1:
            return np.repeat(self.values, len(frames), axis=0)
        k = np.clip(np.searchsorted(self.times, frames, side="right") - 1, 0, self.count - 2)
        u = ((frames - self.times[k]) / (self.times[k + 1] - self.times[k]))[:, None]
        v = 1.0 - u
        result: FloatArray = (
            v**3 * self.values[k]
            + 3.0 * v * v * u * self.right[k, :, 1]
            + 3.0 * v * u * u * self.left[k + 1, :, 1]
            + u**3 * self.values[k + 1]
        )
        return result


@dataclass(frozen=True)
class SparseKeys:
    """Sparse keys of an armature, each bone with its own times.

    Attributes:
        location: 3 channels, metres, engine axes (Y up): position of the root joint, as in `Keys`.
        rotations: For each bone 4 channels (w, x, y, z), normalised after evaluation as Blender does, or 3 XYZ Euler
            angles in radians; local to the parent and relative to the rest pose, in engine axes unless `fit_keys` had
            other axes.
        names: Names of the bones, in the order of `rotations`; the first is the root.
        rotation_modes: "QUATERNION" or "XYZ" for each bone.
        frames: Number of scene frames of the clip.
        fps: Scene frames per second.
        max_error_mm: Largest distance of any joint, on any frame, from its position in the dense clip.
    """

    location: BezierKeys
    rotations: tuple[BezierKeys, ...]
    names: tuple[str, ...]
    rotation_modes: tuple[str, ...]
    frames: int
    fps: float
    max_error_mm: float

    @property
    def count(self) -> int:
        """Number of keys of all bones and the root's location; the channels of one property count once."""
        return self.location.count + sum(keys.count for keys in self.rotations)

    @property
    def dense_count(self) -> int:
        """The value of `count` with a key on every frame."""
        return self.frames * (1 + len(self.rotations))

    @property
    def keys_per_second(self) -> float:
        """Keys per second of motion, over all bones and the root's location."""
        return self.count / max((self.frames - 1) / self.fps, 1.0 / self.fps)


def place_keys(keys: SparseKeys, placement: Placement) -> SparseKeys:
    """Transform fitted quaternion keys from the motion's frame to the world, as `place_clip` transforms the clip."""
    location = keys.location.mapped(lambda v: place_joints(v, placement))
    root = keys.rotations[0].mapped(lambda q: rot.multiply(placement.rotation, q))
    return replace(keys, location=location, rotations=(root, *keys.rotations[1:]))


def _handles(times: FloatArray, values: FloatArray, slopes: FloatArray, offset: FloatArray) -> FloatArray:
    """(K, channels, 2): the points `offset` (K,) frames from the keys along their slopes."""
    frames = np.broadcast_to((times + offset)[:, None], values.shape)
    return np.stack([frames, values + offset[:, None] * slopes], axis=-1)
