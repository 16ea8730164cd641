"""World rotations of neck, head and hands, from the model's features or from a prediction for models without them.

Metres, Y up. World rotations are relative to the rest pose.
"""

from __future__ import annotations

import numpy as np

from ..array_types import FloatArray
from . import rotations as rot
from .skeleton import JOINTS

_CHEST, _NECK, _HEAD = (JOINTS.index(name) for name in ("spine3", "neck", "head"))
_FOREARMS = tuple(JOINTS.index(name) for name in ("l_elbow", "r_elbow"))
_HANDS = tuple(JOINTS.index(name) for name in ("l_wrist", "r_wrist"))
_NECK_SHARE = 0.5
"""Fraction of the head's twist about the neck's own axis that the neck takes."""
_LEAD_SECONDS, _LEAD = 0.5, 0.13
"""A captured head turns towards where the chest will face half a second later, by this part of the angle.

The weight comes from a ridge regression on up to 500 captured clips with ten measures of the body; all ten together
explain 23 % of the variance of the head's yaw, this one alone was not measured.
"""


def turn_head_and_hands(world: FloatArray, head_hands: FloatArray, neck_axis: FloatArray) -> None:
    """Set the rotations of neck, head and hands in place.

    Args:
        world: (T, J, 4) world rotations with trunk and limbs already placed.
        head_hands: (T, 3, 4) rotations of the head on the chest and of the hands on the forearms.
        neck_axis: (3,) the neck bone's direction in the rest pose. Turning about it leaves the head where it is.
    """
    rotations = rot.normalise(head_hands)
    head = rot.multiply(world[:, _CHEST], rotations[:, 0])
    twist = rot.twist_about(rot.multiply(rot.inverse(world[:, _NECK]), head), rot.unit(neck_axis, (0.0, 1.0, 0.0)))
    neck_twist = rot.slerp(np.broadcast_to(rot.IDENTITY, twist.shape), twist, _NECK_SHARE)
    world[:, _NECK] = rot.multiply(world[:, _NECK], neck_twist)
    world[:, _HEAD] = head
    for part, (forearm, hand) in enumerate(zip(_FOREARMS, _HANDS, strict=True), start=1):
        world[:, hand] = rot.multiply(world[:, forearm], rotations[:, part])


def lead_with_head(world: FloatArray, fps: float) -> None:
    """Turn the head, in place, towards the chest's future heading, for models without head rotations.

    Args:
        world: (T, J, 4) world rotations; sets those of the head, starting from the neck's.
        fps: Frames per second.
    """
    ahead = rot.rotate(world[:, _CHEST], np.array([0.0, 0.0, 1.0]))
    heading = np.unwrap(np.arctan2(ahead[:, 0], ahead[:, 2]))
    frames = np.arange(len(heading))
    later = np.interp(frames + _LEAD_SECONDS * fps, frames, heading)
    yaw = np.clip(_LEAD * (later - heading), -0.5, 0.5)
    world[:, _HEAD] = rot.multiply(rot.from_axis_angle((0.0, 1.0, 0.0), yaw), world[:, _NECK])
