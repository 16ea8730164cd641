"""Loops, and separation of a clip into its travel over the floor and the motion of the figure.

A loop ends as it starts: the frames after its end are blended into its start, so that speed matches as well as pose,
and the heading difference between two rounds is distributed evenly. The travel remains: repeated with an offset
(Blender's Cycles modifier, "with offset"), each round starts where the last one ended. Metres, Y up.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

import numpy as np

from ..array_types import BoolArray, FloatArray
from ..errors import InvalidRequest
from . import rotations as rot
from .foot_contacts import foot_contacts, stance_mask
from .loop_search import best_section, stays
from .motion import Clip
from .retarget import forward_kinematics
from .skeleton import JOINT_COUNT, L_FOOT, R_FOOT
from .smoothing import smooth, smoothstep

SHORTEST_SECONDS = 0.6
"""Seconds of the shortest loop."""
FADE_SECONDS = 0.4
"""Seconds over which the end is blended into the start."""
_HEADING_SIGMA = 0.25
"""Seconds of smoothing that separate hip sway from a change of heading."""


class Travel(Enum):
    """Where the travel over the floor is stored.

    HIPS: in the root joint, as captured.
    ROOT: in the object or bone that carries the armature; the hips keep only their sway.
    BONE: the same, in a bone above the hips.
    IN_PLACE: nowhere.
    """

    HIPS = "hips"
    ROOT = "root"
    BONE = "bone"
    IN_PLACE = "in_place"


@dataclass(frozen=True, eq=False)
class SplitClip:
    """A clip separated into travel and figure.

    Attributes:
        clip: The figure in its ground frame.
        ground: (T, 3) metres, y = 0, position of the ground frame.
        heading: (T,) radians about +Y, heading of the ground frame.
    """

    clip: Clip
    ground: FloatArray
    heading: FloatArray


def headings(clip: Clip) -> FloatArray:
    """Heading of the root joint.

    Args:
        clip: The clip.

    Returns:
        (T,) radians about +Y, unwrapped; 0 along +Z, rising towards +X.
    """
    ahead = rot.rotate(clip.rotations[:, 0], np.array([0.0, 0.0, 1.0]))
    return np.unwrap(np.arctan2(ahead[:, 0], ahead[:, 2]))


def split_travel(clip: Clip, loops: bool = False) -> SplitClip:
    """Separate a clip into smoothed travel over the floor and the motion of the figure within that frame.

    `joined_travel` restores the clip exactly. The ground starts at the origin of the clip's own frame: its first point
    lies below the smoothed trajectory of the root.

    Args:
        clip: The clip.
        loops: The clip ends as it starts except for its travel, as returned by `looped`. Smoothing then wraps around
            the ends, and so do the parts: the figure ends exactly as it starts, the heading up to whole turns, and the
            whole travel is in the ground.

    Returns:
        The separated clip.
    """
    frames = clip.frames
    sigma = max(_HEADING_SIGMA * clip.fps, 1e-3)
    ground = clip.translation * np.array([1.0, 0.0, 1.0])
    heading = headings(clip)
    if frames > 4:
        level = smooth if not loops else _smooth_rounds
        ground, heading = level(ground, sigma), level(heading, sigma)
    turn = _about_y(heading)
    back = rot.inverse(turn)
    rotations = np.array(clip.rotations, dtype=np.float64)
    rotations[:, 0] = rot.multiply(back, rotations[:, 0])
    translation = rot.rotate(back, clip.translation - ground)
    rotations = rot.continuous(rotations)
    if loops:  # removes rounding errors between the ends
        translation[-1], rotations[-1] = translation[0], _same_way(rotations[0], rotations[-1])
    return SplitClip(Clip(clip.fps, translation, rotations, clip.skeleton), ground, heading)


def joined_travel(split: SplitClip) -> Clip:
    """Combine travel and figure: the inverse of `split_travel`."""
    turn = _about_y(split.heading)
    rotations = np.array(split.clip.rotations, dtype=np.float64)
    rotations[:, 0] = rot.multiply(turn, rotations[:, 0])
    translation = rot.rotate(turn, split.clip.translation) + split.ground
    return Clip(split.clip.fps, translation, rot.continuous(rotations), split.clip.skeleton)


def find_loop(clip: Clip, fade: float = FADE_SECONDS) -> tuple[int, int]:
    """Find the section that repeats best (`loop_search`).

    The section is at least 0.6 s long, with `fade` seconds left after its end.

    Args:
        clip: The clip.
        fade: Seconds of the blend after the end of the loop.

    Returns:
        First and last frame of the section.

    Raises:
        InvalidRequest: The clip is too short.
    """
    spare, least = _fade_frames(clip, fade), max(4, round(SHORTEST_SECONDS * clip.fps))
    if clip.frames < least + spare + 2:
        raise InvalidRequest(
            f"A motion of {clip.frames / clip.fps:.1f} s is too short to loop: it takes at least "
            f"{(least + spare + 2) / clip.fps:.1f} s."
        )
    split = split_travel(clip)
    pose = forward_kinematics(split.clip)
    return best_section(pose, split.ground, split.heading, _stands(clip), clip.fps, least, spare)


def looped(clip: Clip, first: int | None = None, last: int | None = None, fade: float = FADE_SECONDS) -> Clip:
    """Make a clip whose last frame equals its first except for the distance travelled.

    The root's height, all rotations and the heading are equal at both ends. Repeated with its own offset, neither pose
    nor speed jumps.

    Args:
        clip: The clip.
        first: First frame of the section; None: found by `find_loop`.
        last: Last frame of the section; None: found by `find_loop`.
        fade: Seconds at the start into which the frames after the end are blended.

    Returns:
        Frames first..last of the clip, closed to a loop.

    Raises:
        InvalidRequest: The section is outside the clip or too short.
    """
    if first is None or last is None:
        first, last = find_loop(clip, fade)
    spare = _fade_frames(clip, fade)
    if not (0 <= first < last < clip.frames) or last - first < 4:
        raise InvalidRequest(f"Frames {first} to {last} are no stretch to loop of a motion of {clip.frames} frames.")
    spare = min(spare, clip.frames - 1 - last, (last - first) // 2)
    split = split_travel(clip)
    heading, ground = split.heading, split.ground
    # Distribute the heading difference between two rounds evenly, but keep whole turns.
    extra = heading[last] - heading[first]
    extra -= 2.0 * np.pi * np.round(extra / (2.0 * np.pi))
    drift = extra * (np.arange(clip.frames) - first) / (last - first)
    steps = np.diff(ground, axis=0, prepend=ground[:1])
    ground = ground[first] + np.cumsum(rot.rotate(_about_y(-drift), steps), axis=0)
    ground -= ground[first] - split.ground[first]
    section = slice(first, last + 1)
    if stays(_stands(clip)[section], forward_kinematics(clip)[section][:, [L_FOOT, R_FOOT]], clip.fps):
        # A foot that never leaves the floor is where it was: the figure does not drift from round to round.
        gone = ground[last] - ground[first]
        ground = ground - gone * ((np.arange(clip.frames) - first) / (last - first))[:, None]
    heading = heading - drift
    heading_after = heading - (heading[last] - heading[first])

    weight = smoothstep(np.arange(spare + 1), 0.0, max(spare, 1))[:, None]
    head, tail = slice(first, first + spare + 1), slice(last, last + spare + 1)
    take = slice(first, last + 1)
    rotations = split.clip.rotations[take].copy()
    rotations[: spare + 1] = rot.slerp(split.clip.rotations[tail], split.clip.rotations[head], weight)
    inner = split.clip.translation[take].copy()
    inner[: spare + 1] = (1 - weight) * split.clip.translation[tail] + weight * split.clip.translation[head]
    turned = heading[take].copy()
    turned[: spare + 1] = (1 - weight[:, 0]) * heading_after[tail] + weight[:, 0] * heading[head]
    way = ground[take].copy()
    start = ground[last] - ground[first]
    way[: spare + 1] = (1 - weight) * (ground[tail] - start) + weight * ground[head]
    rejoined = joined_travel(SplitClip(Clip(clip.fps, inner, rotations, clip.skeleton), way, turned))
    closed = np.array(rejoined.rotations)
    closed[-1] = _same_way(rejoined.rotations[0], rejoined.rotations[-1])
    translation = rejoined.translation.copy()
    translation[-1, 1] = translation[0, 1]
    return Clip(clip.fps, translation, rot.continuous(closed), clip.skeleton)


def _stands(clip: Clip) -> BoolArray:
    """(T, 4) bool, the foot joints that stand."""
    joints = forward_kinematics(clip)[:, :JOINT_COUNT]
    return stance_mask(joints, foot_contacts(joints, clip.fps).astype(np.float64), clip.fps)


def _same_way(rotations: FloatArray, near: FloatArray) -> FloatArray:
    """Quaternions (J, 4) with the signs nearest to `near` (J, 4)."""
    result: FloatArray = rotations * np.where((rotations * near).sum(-1, keepdims=True) < 0.0, -1.0, 1.0)
    return result


def _smooth_rounds(values: FloatArray, sigma: float) -> FloatArray:
    """`smooth` of values (T, ...) that continue periodically, each round from the end of the one before."""
    count = len(values) - 1
    around = math.ceil(9.0 * sigma / count)
    offset = values[-1] - values[0]
    rounds = np.concatenate([values[:-1] + k * offset for k in range(-around, around + 1)])
    result = smooth(rounds, sigma)[around * count : (around + 1) * count + 1]
    result[-1] = result[0] + offset
    return result


def _fade_frames(clip: Clip, seconds: float) -> int:
    return max(2, round(seconds * clip.fps))


def _about_y(angle: FloatArray) -> FloatArray:
    return rot.from_axis_angle(np.broadcast_to([0.0, 1.0, 0.0], (len(angle), 3)), angle)
