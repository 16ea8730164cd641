"""A motion that begins or ends exactly with given frames: what the network leaves open is closed over half a second."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ..motion import rotations as rot
from ..motion.features import facing, onto_skeleton
from ..motion.motion import Clip
from ..motion.world_transform import Placement, unplace_joints

FADE_FRAMES = 10
"""Frames after the given ones over which the difference fades out."""
END_FADE_FRAMES = 16
"""Frames before a given ending over which the motion comes into it; what it does there is less foreseen."""


def at_origin(joints: ArrayLike) -> np.ndarray:
    """The same motion with its first root at the XZ origin and facing +Z in the first frame; heights stay.

    joints: (T, 22, 3) metres. Returns float64 of the same shape.
    """
    joints = np.asarray(joints, dtype=np.float64)
    return unplace_joints(joints, placement_of(joints))


def placement_of(joints: np.ndarray) -> Placement:
    """Where in the world the frame of `at_origin` lies for these joints (T, 22, 3), metres."""
    turn = facing(joints[:1], smooth=False)[0]  # brings the figure to face +Z
    return Placement(joints[0, 0] * (1.0, 0.0, 1.0), -2.0 * float(np.arctan2(turn[2], turn[0])))


def match_start(joints: ArrayLike, start: ArrayLike, fade: int = FADE_FRAMES) -> np.ndarray:
    """Let a motion begin with the frames of another.

    joints: (T, 22, 3) metres, a motion made to begin like `start`; start: (n, 22, 3), n < T, from anywhere.
    The first n frames of the result are those of `start`, put with the first root at the XZ origin and facing +Z; after
    them the difference in position and in velocity at the seam fades out smoothly, bone lengths kept.
    Returns (T, 22, 3) float64. Raises ValueError if `start` is not shorter than the motion or has fewer than 2 frames.
    """
    made, given = np.asarray(joints, dtype=np.float64), at_origin(start)
    if not 2 <= len(given) < len(made):
        raise ValueError("The start must have at least two frames and fewer than the motion.")
    return _led_from(given, made, fade)


def match_end(joints: ArrayLike, end: ArrayLike, fade: int = END_FADE_FRAMES) -> np.ndarray:
    """Let a motion end with the frames of another, where they are.

    joints: (T, 22, 3) metres, a motion that comes near the end; end: (n, 22, 3), n < T, in the same frame. The last n
    frames of the result are those of `end`; before them the difference comes in smoothly, bone lengths kept.
    Returns (T, 22, 3) float64. Raises ValueError if `end` is empty or not shorter than the motion.
    """
    made, given = np.asarray(joints, dtype=np.float64), np.asarray(end, dtype=np.float64)
    if not 1 <= len(given) < len(made):
        raise ValueError("The end must have at least one frame and fewer than the motion.")
    return _led_from(given[::-1], made[::-1], min(fade, len(made) - len(given)))[::-1]


def _led_from(given: np.ndarray, made: np.ndarray, fade: int) -> np.ndarray:
    """`made` with `given` as its first frames, the difference fading out over `fade` frames after them."""
    count = len(given)
    away = given[-1] - made[count - 1]
    drift = away - (given[-2] - made[count - 2]) if count > 1 else np.zeros_like(away)
    after = np.arange(1, len(made) - count + 1)
    part = np.clip(1.0 - after / (fade + 1.0), 0.0, 1.0)
    smooth = part * part * (3.0 - 2.0 * part)
    result = made.copy()
    # The difference goes on for a moment as it was going, so that speeds do not jump, and dies away.
    carried = away + drift * (after * part)[:, None, None]
    result[count:] += smooth[:, None, None] * carried
    result[count:] = _with_lengths_of(result[count:], made[count:])
    result[:count] = given
    return result


def begin_in_pose(clip: Clip, translation: np.ndarray, turns: np.ndarray, seconds: float = 0.5) -> Clip:
    """Let a clip begin exactly in a pose near its own first one; the difference fades out smoothly.

    translation: (3,) metres, turns: (J, 4) local quaternions, both as a clip has them. Joints alone leave open how
    limbs are twisted, so two clips that meet in them may still differ by that.
    """
    moved, turned = _faded_from(clip, translation, turns, seconds)
    # With the signs of the pose, so that keys on both sides may be joined into one curve.
    return Clip(clip.fps, moved, rot.continuous(np.concatenate([turns[None], turned]))[1:], clip.skeleton)


def end_in_pose(clip: Clip, translation: np.ndarray, turns: np.ndarray, seconds: float = 0.5) -> Clip:
    """Let a clip end exactly in a pose near its own last one, as `begin_in_pose` lets it begin."""
    backwards = Clip(clip.fps, clip.translation[::-1], clip.rotations[::-1], clip.skeleton)
    moved, turned = _faded_from(backwards, translation, turns, seconds)
    return Clip(clip.fps, moved[::-1].copy(), rot.continuous(turned[::-1]), clip.skeleton)


def _faded_from(
    clip: Clip, translation: np.ndarray, turns: np.ndarray, seconds: float
) -> tuple[np.ndarray, np.ndarray]:
    """Translation and rotations of a clip that begins in a pose; the difference fades out."""
    part = np.clip(1.0 - np.arange(clip.frames) / (seconds * clip.fps), 0.0, 1.0)
    smooth = part * part * (3.0 - 2.0 * part)
    moved = clip.translation + smooth[:, None] * (translation - clip.translation[0])
    away = rot.multiply(turns, rot.inverse(clip.rotations[0]))
    faded = rot.slerp(np.broadcast_to(rot.IDENTITY, away.shape)[None], away[None], smooth[:, None])
    return moved, rot.multiply(faded, clip.rotations)


def aligned(joints: ArrayLike, to: ArrayLike) -> np.ndarray:
    """Move a motion over the floor and turn it so that its first frames lie on given ones as well as they can.

    joints: (T, 22, 3) metres; to: (n, 22, 3), n <= T, what the first n frames should be. Heights stay. Least squares in
    the plane (Kovar et al., Motion Graphs, SIGGRAPH 2002, section 3.2), later frames counting more.
    Returns (T, 22, 3) float64.
    """
    made, wanted = np.asarray(joints, np.float64), np.asarray(to, np.float64)
    count = len(wanted)
    weight = np.linspace(0.2, 1.0, count)[:, None].repeat(made.shape[1], 1)
    weight = weight / weight.sum()
    here, there = (part[..., 2] + 1j * part[..., 0] for part in (made[:count], wanted))
    centre, aim = (weight * here).sum(), (weight * there).sum()
    turn = (weight * (there - aim) * (here - centre).conj()).sum()
    turn = turn / max(abs(turn), 1e-12)
    flat = aim + turn * (made[..., 2] + 1j * made[..., 0] - centre)
    return np.stack([flat.imag, made[..., 1], flat.real], axis=-1)


def crossfaded(before: ArrayLike, after: ArrayLike) -> np.ndarray:
    """From one motion to another over frames that both have, (n, 22, 3) each; bones as long as those of `after`."""
    first, second = np.asarray(before, np.float64), np.asarray(after, np.float64)
    part = np.arange(1, len(first) + 1) / (len(first) + 1.0)
    smooth = (part * part * (3.0 - 2.0 * part))[:, None, None]
    return _with_lengths_of((1.0 - smooth) * first + smooth * second, second)


def _with_lengths_of(joints: np.ndarray, source: np.ndarray) -> np.ndarray:
    """Bones of `joints` in their directions, as long as those of the standard skeleton; the root stays."""
    fixed: np.ndarray = onto_skeleton(joints, ratio=1.0)
    fixed += joints[:, :1] - fixed[:, :1]
    return fixed
