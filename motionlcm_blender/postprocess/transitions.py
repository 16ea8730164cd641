"""Transitions: a motion starts or ends exactly with given frames, with the difference blended over half a second."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ..array_types import FloatArray
from ..motion import rotations as rot
from ..motion.features import facing, onto_skeleton
from ..motion.motion import Clip
from ..motion.skeleton import FOOT_JOINTS
from ..motion.world_transform import Placement, unplace_joints
from .leg_ik import ANKLES, TOES, place_feet

FADE_FRAMES = 10
"""Frames after the start over which the difference fades out."""
END_FADE_FRAMES = 16
"""Frames before a given end over which the difference fades in; longer, as the motion there is less predictable."""


def at_origin(joints: ArrayLike) -> FloatArray:
    """Move a motion so that its first root is at the XZ origin, facing +Z in the first frame; heights stay.

    Args:
        joints: (T, 22, 3) metres, Y up.

    Returns:
        (T, 22, 3) float64.
    """
    joints = np.asarray(joints, dtype=np.float64)
    return unplace_joints(joints, placement_of(joints))


def placement_of(joints: FloatArray) -> Placement:
    """Placement in the world of the frame of `at_origin`.

    Args:
        joints: (T, 22, 3) metres, engine axes, world.

    Returns:
        The placement that transforms from that frame to the world.
    """
    turn = facing(joints[:1], smooth=False)[0]  # rotates the figure to face +Z
    return Placement(joints[0, 0] * (1.0, 0.0, 1.0), -2.0 * float(np.arctan2(turn[2], turn[0])))


def match_start(joints: ArrayLike, start: ArrayLike, fade: int = FADE_FRAMES) -> FloatArray:
    """Replace the first frames of a motion by those of another, and fade out the difference after them.

    The difference in position and in velocity fades out smoothly; bones keep their lengths.

    Args:
        joints: (T, 22, 3) metres, Y up, a motion generated to start like `start`.
        start: (n, 22, 3) metres, 2 <= n < T, in any frame.
        fade: Frames of the fade.

    Returns:
        (T, 22, 3) float64; the first n frames are those of `start`, moved to the origin (`at_origin`).

    Raises:
        ValueError: `start` is not shorter than the motion or has fewer than 2 frames.
    """
    motion, given = np.asarray(joints, dtype=np.float64), at_origin(start)
    if not 2 <= len(given) < len(motion):
        raise ValueError("The start must have at least two frames and fewer than the motion.")
    return _led_from(given, motion, fade)


def match_end(joints: ArrayLike, end: ArrayLike, fade: int = END_FADE_FRAMES) -> FloatArray:
    """Replace the last frames of a motion by those of another, and fade in the difference before them.

    Args:
        joints: (T, 22, 3) metres, Y up, a motion that comes near the end.
        end: (n, 22, 3) metres, n < T, in the same frame.
        fade: Frames of the fade.

    Returns:
        (T, 22, 3) float64; the last n frames are those of `end`. Bones keep their lengths.

    Raises:
        ValueError: `end` is empty or not shorter than the motion.
    """
    motion, given = np.asarray(joints, dtype=np.float64), np.asarray(end, dtype=np.float64)
    if not 1 <= len(given) < len(motion):
        raise ValueError("The end must have at least one frame and fewer than the motion.")
    return _led_from(given[::-1], motion[::-1], min(fade, len(motion) - len(given)))[::-1]


def _led_from(given: FloatArray, motion: FloatArray, fade: int) -> FloatArray:
    """Replace the first frames of `motion` by `given`; the difference fades out over `fade` frames after them."""
    count = len(given)
    offset = given[-1] - motion[count - 1]
    drift = offset - (given[-2] - motion[count - 2]) if count > 1 else np.zeros_like(offset)
    after = np.arange(1, len(motion) - count + 1)
    part = np.clip(1.0 - after / (fade + 1.0), 0.0, 1.0)
    smooth = part * part * (3.0 - 2.0 * part)
    result = motion.copy()
    # The difference continues for a moment with its velocity, so that speeds do not jump, and fades out.
    carried = offset + drift * (after * part)[:, None, None]
    result[count:] += smooth[:, None, None] * carried
    wanted = _above(result[count:], motion[count:], given[-1])
    result[count:] = _with_usual_lengths(result[count:])
    mixed = slice(count, count + int((part > 0.0).sum()))
    feet = wanted[: mixed.stop - mixed.start]
    result[mixed] = place_feet(result[mixed], feet[:, ANKLES], feet[:, TOES])
    result[:count] = given
    return result


def _above(mixed: FloatArray, motion: FloatArray, pose: FloatArray) -> FloatArray:
    """Joints (T, 22, 3) of a fade, with no ankle or toe joint lower than in both of the motions that it mixes."""
    result = mixed.copy()
    feet = list(FOOT_JOINTS)
    lowest = np.minimum(motion[:, feet, 1], pose[feet, 1])
    result[:, feet, 1] = np.maximum(result[:, feet, 1], lowest)
    return result


def begin_in_pose(clip: Clip, translation: FloatArray, rotations: FloatArray, seconds: float = 0.5) -> Clip:
    """Make a clip start exactly in a pose near its own first one; the difference fades out smoothly.

    Joint positions do not determine the twist of limbs, so two clips with equal joints may still differ in it.

    Args:
        clip: The clip.
        translation: (3,) metres, root position of the pose, in the clip's frame.
        rotations: (J, 4) local unit quaternions of the pose, as in `Clip`.
        seconds: Duration of the fade.

    Returns:
        The clip that starts in the pose.
    """
    moved, turned = _faded_from(clip, translation, rotations, seconds)
    # Signs continue those of the pose, so that keys on both sides can be joined to one curve.
    return Clip(clip.fps, moved, rot.continuous(np.concatenate([rotations[None], turned]))[1:], clip.skeleton)


def end_in_pose(clip: Clip, translation: FloatArray, rotations: FloatArray, seconds: float = 0.5) -> Clip:
    """Make a clip end exactly in a pose near its own last one; the difference fades in smoothly.

    Args:
        clip: The clip.
        translation: (3,) metres, root position of the pose, in the clip's frame.
        rotations: (J, 4) local unit quaternions of the pose, as in `Clip`.
        seconds: Duration of the fade.

    Returns:
        The clip that ends in the pose.
    """
    backwards = Clip(clip.fps, clip.translation[::-1], clip.rotations[::-1], clip.skeleton)
    moved, turned = _faded_from(backwards, translation, rotations, seconds)
    return Clip(clip.fps, moved[::-1].copy(), rot.continuous(turned[::-1]), clip.skeleton)


def _faded_from(
    clip: Clip, translation: FloatArray, rotations: FloatArray, seconds: float
) -> tuple[FloatArray, FloatArray]:
    """Translation and rotations of the clip that starts in a pose; the difference fades out."""
    part = np.clip(1.0 - np.arange(clip.frames) / (seconds * clip.fps), 0.0, 1.0)
    smooth = part * part * (3.0 - 2.0 * part)
    moved = clip.translation + smooth[:, None] * (translation - clip.translation[0])
    difference = rot.multiply(rotations, rot.inverse(clip.rotations[0]))
    faded = rot.slerp(np.broadcast_to(rot.IDENTITY, difference.shape)[None], difference[None], smooth[:, None])
    return moved, rot.multiply(faded, clip.rotations)


def aligned(joints: ArrayLike, to: ArrayLike) -> FloatArray:
    """Move a motion over the floor and rotate it about +Y so that its first frames fit given ones best.

    Least squares in the plane (Kovar et al., Motion Graphs, SIGGRAPH 2002, section 3.2), with higher weights for later
    frames.

    Args:
        joints: (T, 22, 3) metres, Y up.
        to: (n, 22, 3) metres, n <= T, targets of the first n frames.

    Returns:
        (T, 22, 3) float64; heights are unchanged.
    """
    motion, wanted = np.asarray(joints, np.float64), np.asarray(to, np.float64)
    count = len(wanted)
    weight = np.linspace(0.2, 1.0, count)[:, None].repeat(motion.shape[1], 1)
    weight = weight / weight.sum()
    here, there = (part[..., 2] + 1j * part[..., 0] for part in (motion[:count], wanted))
    centre, aim = (weight * here).sum(), (weight * there).sum()
    turn = (weight * (there - aim) * (here - centre).conj()).sum()
    turn = turn / max(abs(turn), 1e-12)
    flat = aim + turn * (motion[..., 2] + 1j * motion[..., 0] - centre)
    return np.stack([flat.imag, motion[..., 1], flat.real], axis=-1)


def crossfaded(before: ArrayLike, after: ArrayLike) -> FloatArray:
    """Crossfade two motions over frames that both have.

    Args:
        before: (n, 22, 3) metres, the motion that fades out.
        after: (n, 22, 3) metres, the motion that fades in.

    Returns:
        (n, 22, 3) float64 with the bone lengths of `after`.
    """
    first, second = np.asarray(before, np.float64), np.asarray(after, np.float64)
    part = np.arange(1, len(first) + 1) / (len(first) + 1.0)
    smooth = (part * part * (3.0 - 2.0 * part))[:, None, None]
    return _with_usual_lengths((1.0 - smooth) * first + smooth * second)


def _with_usual_lengths(joints: FloatArray) -> FloatArray:
    """Bones of `joints` in their directions, with the lengths of the skeleton `HUMANML`; the root stays."""
    fixed: FloatArray = onto_skeleton(joints, ratio=1.0)
    fixed += joints[:, :1] - fixed[:, :1]
    return fixed
