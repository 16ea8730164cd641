"""Setting off: find where a free motion goes on best from given frames, and the times at which it is played from there.

A figure that stands does not reach full stride within a frame, and a free take of a walk begins in full stride. So the
free take is entered at a frame whose pose is like the last given one, and played from the speed of the given frames up
to its own. Poses and steps stay those of the take, so feet do not slide while the figure gathers speed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..array_types import FloatArray
from .path_following import resampled_joints
from .stitching import moving_description, pose_description
from .transitions import aligned

SHORTEST, LONGEST = 10, 24
"""Limits of the frames in which the given pose passes into the motion, and its playback speed rises to 1."""
NEAR, FAR = 0.1, 0.3
"""Metres between the poses up to which that takes the fewest frames, and from which it takes the most."""
SLOWEST, FASTEST = 0.35, 1.25
"""Limits of the playback speed on entry. A slower one lets a figure that stands wait in the middle of a step."""


@dataclass(frozen=True)
class Entry:
    """A frame at which a motion is entered.

    Attributes:
        frame: Frame of the motion that takes the place of the last given frame.
        rate: Playback speed there.
        cost: Metres, difference of pose and movement.
        apart: Metres, difference of the pose alone.
    """

    frame: int
    rate: float
    cost: float
    apart: float

    @property
    def fade(self) -> int:
        """Frames in which the given pose passes into the motion: a figure that sits needs time to get up."""
        return round(float(np.interp(self.apart, (NEAR, FAR), (SHORTEST, LONGEST))))


def best_entry(given: FloatArray, free: FloatArray, last: int) -> Entry:
    """Find the frame from which a motion goes on best from given frames.

    Args:
        given: (n, 22, 3) metres, Y up, n >= 2.
        free: (K, 22, 3) metres, Y up.
        last: Last frame at which the motion may be entered.

    Returns:
        The entry with the smallest cost.
    """
    last = min(last, len(free) - 2)
    pose, moving = pose_description(given)[-1], moving_description(given)[-1]
    poses, movings = pose_description(free)[1 : last + 1], moving_description(free)[1 : last + 1]
    rates = np.clip(movings @ moving / np.maximum((movings**2).sum(-1), 1e-9), SLOWEST, FASTEST)
    apart = ((poses - pose) ** 2).sum(-1)
    squared = apart + ((rates[:, None] * movings - moving) ** 2).sum(-1)
    best = int(squared.argmin())
    cost, pose_apart = (float(np.sqrt(each[best] / free.shape[1])) for each in (squared, apart))
    return Entry(best + 1, float(rates[best]), cost, pose_apart)


def entry_times(entry: Entry, given: int, frames: int) -> FloatArray:
    """Times at which a motion is played.

    Args:
        entry: Where the motion is entered.
        given: Number of given frames.
        frames: Number of frames of the motion.

    Returns:
        (T,) fractional frames of the motion: those beside the given frames, then those that follow them. They end with
        the motion.
    """
    part = np.clip(np.arange(1, frames + 1) / (entry.fade + 1.0), 0.0, 1.0)
    rates = entry.rate + (1.0 - entry.rate) * part * part * (3.0 - 2.0 * part)
    after = entry.frame + np.cumsum(rates)
    before = entry.frame - entry.rate * np.arange(given - 1, -1, -1)
    return np.concatenate([np.maximum(before, 0.0), after[after <= frames - 1.0]])


def entered(given: FloatArray, free: FloatArray, times: FloatArray) -> FloatArray:
    """Play a motion at given times, placed on the floor so that it goes on from given frames.

    Args:
        given: (n, 22, 3) metres, Y up.
        free: (K, 22, 3) metres, Y up.
        times: (T,) from `entry_times`.

    Returns:
        (T, 22, 3) metres; the first n frames are near the given ones and not equal to them.
    """
    played, count = resampled_joints(np.asarray(free, np.float64), times), len(given)
    near = aligned(played[count - 2 :], given[-2:])
    return np.concatenate([aligned(played[: count - 2], given[: count - 2]) if count > 2 else near[:0], near])
