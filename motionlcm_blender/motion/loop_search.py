"""Search for the section of a motion that loops best.

A pair of frames is judged by what a person sees of the loop: how far pose, speed and heading are apart at the seam,
whether feet stand or swing alike there, whether both feet take the same number of steps, and whether the section moves
as much as the whole motion. Metres, Y up.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from ..array_types import BoolArray, FloatArray
from .skeleton import FPS, JOINT_COUNT, L_FOOT, R_FOOT

SPEED, TRAVEL, TURN = 0.1, 0.3, 0.3
"""Seconds by which velocities of joints and of the ground frame count beside positions, and metres x seconds for its
turn in radians per second."""
ODD_STEP, OTHER_FOOT = 0.12, 0.04
"""Metres: cost of a step that only one foot takes, and of a foot joint that stands at one end of the section alone."""
AROUND = 0.25
"""Seconds before and after the ends of a section in which feet are compared: a foot that swings alike on one frame only
swings for too long, or for too short a time, across the seam."""
SHORTEST_STEP = 0.15
"""Seconds: a foot that stands or swings for less time takes no step."""
STANDING = 0.3
"""Share of the distance between the places of a standing foot, seen from the figure, by which the ends cost more."""
HEADING = 0.06
"""Metres for a radian by which the heading differs between the ends, which a loop undoes while feet stand."""
DULL, ENOUGH = 2.0, 1.0
"""Metres: cost of a section without movement; share of the whole motion's mean speed from which it costs nothing."""
PLANTED, CREEP = 0.95, 0.15
"""Share of a section from which a foot counts as standing throughout; m/s up to which its slide is an error."""
TRIED = 400
"""Number of the nearest sections among which one with whole strides is searched."""
SHORT, LONG_SECONDS = 0.08, 4.0
"""Metres: cost of a section of no length, and seconds from which it costs nothing: a longer loop repeats less."""


def best_section(
    pose: FloatArray,
    ground: FloatArray,
    heading: FloatArray,
    stands: BoolArray,
    fps: float,
    least: int,
    spare: int,
) -> tuple[int, int]:
    """Find the section with the smallest cost.

    Args:
        pose: (T, J, 3) metres, joints of the figure in its ground frame; the first 22 are HumanML3D's.
        ground: (T, 3) metres, position of the ground frame.
        heading: (T,) radians about +Y, unwrapped.
        stands: (T, 4) bool, foot joints that stand: l_ankle, l_foot, r_ankle, r_foot.
        fps: Frames per second.
        least: Smallest number of frames from the first to the last frame.
        spare: Frames that must be left after the last frame.

    Returns:
        First and last frame.
    """
    frames = len(pose)
    first, last = np.meshgrid(np.arange(frames), np.arange(frames), indexing="ij")
    allowed = (last - first >= least) & (last + spare < frames)
    cost = _apart(pose, ground, heading, fps)
    cost = cost + SHORT * np.maximum(0.0, 1.0 - (last - first) / fps / LONG_SECONDS)
    cost = (
        cost
        + _unlike_feet(stands, fps)
        + STANDING * _feet_apart(pose, stands)
        + HEADING * _turned(heading)
        + _dull(pose, first, last)
    )
    cost = np.where(allowed, cost, np.inf).ravel()
    tried = min(TRIED, int(allowed.sum()))
    nearest = np.argpartition(cost, tried - 1)[:tried]
    nearest = nearest[np.argsort(cost[nearest], kind="stable")]
    found = next((k for k in nearest if takes_whole_strides(stands[k // frames : k % frames], fps)), nearest[0])
    return int(found) // frames, int(found) % frames


def takes_whole_strides(stands: BoolArray, fps: float = FPS) -> bool:
    """Whether both feet take the same number of steps in a section that is repeated, or one of them none.

    Args:
        stands: (n, 4) bool, foot joints that stand, without the last frame, which is the first one again.
        fps: Frames per second.
    """
    rounds = np.concatenate([stands] * 3)
    steps = touchdowns(rounds, fps)
    left, right = steps[2 * len(stands)] - steps[len(stands)]
    return bool(left == right or min(left, right) == 0)


def touchdowns(stands: BoolArray, fps: float = FPS) -> FloatArray:
    """Steps that each foot has taken up to a frame.

    Args:
        stands: (T, 4) bool, foot joints that stand.
        fps: Frames per second.

    Returns:
        (T, 2) number of touchdowns of the left and the right foot; that of the first frame does not count.
    """
    down = _steady(stands.reshape(len(stands), 2, 2).any(-1), SHORTEST_STEP * fps)
    begins = down[1:] & ~down[:-1]
    return np.concatenate([np.zeros((1, 2), int), np.cumsum(begins, axis=0)])


def _steady(down: BoolArray, shortest: float) -> BoolArray:
    """(T, 2) bool without swings, and then without stances, of fewer frames than `shortest` between others."""
    steady = down.copy()
    for value in (False, True):
        for foot in steady.T:
            edges = np.flatnonzero(np.diff(foot.astype(int))) + 1
            for first, end in pairwise(edges):
                if foot[first] == value and end - first < shortest:
                    foot[first:end] = not value
    return steady


def stays(stands: BoolArray, toes: FloatArray, fps: float) -> bool:
    """Whether a section is that of a figure that stays where it is: one foot never leaves the floor.

    Args:
        stands: (n, 4) bool, foot joints that stand, from the first to the last frame of the section.
        toes: (n, 2, 3) metres, toe joints of the left and the right foot.
        fps: Frames per second.
    """
    planted = stands.reshape(len(stands), 2, 2).any(-1).mean(0) > PLANTED
    slid = np.linalg.norm((toes[-1] - toes[0])[:, [0, 2]], axis=-1)
    return bool((planted & (slid < CREEP * (len(toes) - 1) / fps)).any())


def _apart(pose: FloatArray, ground: FloatArray, heading: FloatArray, fps: float) -> FloatArray:
    """(T, T) metres: difference of pose, speed and travel of each pair of frames, root of the mean over joints."""
    joints = pose.reshape(len(pose), -1)
    count = np.sqrt(pose.shape[1])
    # Travel and turn are those of the whole figure, so they count as often as there are joints.
    way = count * TRAVEL * np.gradient(_seen_from(ground, heading), axis=0) * fps
    turning = count * TURN * np.gradient(heading)[:, None] * fps
    state = np.concatenate([joints, SPEED * np.gradient(joints, axis=0) * fps, way, turning], axis=1)
    squares = (state**2).sum(1)
    squared = np.maximum(squares[:, None] + squares[None] - 2.0 * state @ state.T, 0.0)
    return np.asarray(np.sqrt(squared) / count)


def _seen_from(ground: FloatArray, heading: FloatArray) -> FloatArray:
    """(T, 2) metres: the way of the ground frame with each step turned into the frame's own axes."""
    steps = np.diff(ground, axis=0, prepend=ground[:1])
    cos, sin = np.cos(heading), np.sin(heading)
    own = np.stack([cos * steps[:, 0] - sin * steps[:, 2], sin * steps[:, 0] + cos * steps[:, 2]], axis=-1)
    return np.cumsum(own, axis=0)


def _unlike_feet(stands: BoolArray, fps: float) -> FloatArray:
    """(T, T) metres for feet that stand at one end alone, and for steps of one foot alone."""
    frames, around = len(stands), round(AROUND * fps)
    padded = np.pad(stands, ((around, around), (0, 0)), mode="edge")
    unlike = np.zeros((frames, frames))
    for first in range(2 * around + 1):
        near = padded[first : first + frames].astype(np.float64)
        moved = near.sum(-1)
        unlike += moved[:, None] + moved[None] - 2.0 * near @ near.T
    unlike *= OTHER_FOOT / (2 * around + 1)
    steps = touchdowns(stands, fps)
    if steps[-1].min() == 0:  # it stands, or hops on one leg
        return np.asarray(unlike)
    more = steps[:, 0] - steps[:, 1]
    return np.asarray(unlike + ODD_STEP * np.abs(more[:, None] - more[None]))


def _feet_apart(pose: FloatArray, stands: BoolArray) -> FloatArray:
    """(T, T) metres between the places of the feet that stand on both frames, the larger of the two."""
    apart = np.zeros((len(pose), len(pose)))
    for side, toe in enumerate((L_FOOT, R_FOOT)):
        place = pose[:, toe][:, [0, 2]]
        stood = stands[:, 2 * side : 2 * side + 2].any(-1)
        distance = np.linalg.norm(place[:, None] - place[None], axis=-1)
        apart = np.maximum(apart, np.where(stood[:, None] & stood[None], distance, 0.0))
    return apart


def _turned(heading: FloatArray) -> FloatArray:
    """(T, T) radians between the headings of two frames; whole turns count nothing."""
    difference = heading[:, None] - heading[None]
    return np.asarray(np.abs(difference - 2.0 * np.pi * np.round(difference / (2.0 * np.pi))))


def _dull(pose: FloatArray, first: FloatArray, last: FloatArray) -> FloatArray:
    """(T, T) metres for sections that move less than the whole motion."""
    local = pose[:, :JOINT_COUNT] - pose[:, :1]
    gone = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(local, axis=0), axis=-1).mean(1))])
    usual = gone[-1] / max(len(pose) - 1, 1)
    if usual < 1e-6:
        return np.zeros(first.shape)
    speed = (gone[last] - gone[first]) / np.maximum(last - first, 1)
    return np.asarray(DULL * np.maximum(0.0, ENOUGH - speed / usual))
