"""Fingers: a relaxed hand where nobody keyed or posed them, and the animator's own keys where somebody did."""

from __future__ import annotations

from functools import lru_cache

import bpy
import numpy as np

from ...motionlcm_blender.motion import rotations as rot
from ...motionlcm_blender.rigs.relaxed_hand import relaxed_fingers
from ...motionlcm_blender.rigs.rig_body import RigBody
from ..armature import action_sampling, take_properties
from ..armature.actions import Channel, bone_path, rotation_channel
from ..scene.dependencies import curves_played, playing_strips
from .recognised import BodyRig

SAME = np.radians(1.0)
"""Radians within which a finger is at rest, or in the relaxed pose."""


def finger_channels(obj: bpy.types.Object, rig: BodyRig, times: np.ndarray) -> list[Channel]:
    """One key for each finger bone, in a relaxed pose. times: (K,) frames of keys of the motion.

    A bone that NLA strips animate, or that was posed by hand, gets no key. One that was keyed in the active Action
    keeps that motion, with a key on each frame.
    """
    relaxed = _relaxed(rig.body)
    if not relaxed:
        return []
    data = obj.animation_data
    strips = [strip for _, strip in playing_strips(data) if not take_properties.PROMPT.is_on(strip.action)]
    played = {curve.data_path for strip in strips for curve in curves_played(strip)}
    action = data.action if data is not None else None
    curves = {} if action is None else action_sampling.curves_in(action, obj)
    keyed = {path for path, _ in curves}
    channels = []
    for name, turn in relaxed.items():
        bone = obj.pose.bones[name]
        prefix, mode = bone_path(name), bone.rotation_mode
        own = [path for path in keyed if path.startswith(prefix + "rotation")]
        if any(path.startswith(prefix) for path in played):
            continue
        if own:
            turns = action_sampling.turns(curves, prefix, mode, times)
            still = bool(rot.angle_of(rot.multiply(rot.inverse(turns[0]), turns)).max() < 1e-4)
            turns = turns[:1] if still else rot.continuous(turns)
            channels.append(rotation_channel(prefix, turns, mode, name))
        elif _near(bone, rot.IDENTITY) or _near(bone, turn):
            channels.append(rotation_channel(prefix, turn[None], mode, name))
    return channels


@lru_cache(maxsize=4)
def _relaxed(body: RigBody) -> dict[str, np.ndarray]:
    """The relaxed pose of an armature, which is the same for all its motions."""
    return relaxed_fingers(body.description, body.mapping)


def _near(bone: bpy.types.PoseBone, turn: np.ndarray) -> bool:
    now = np.array(bone.matrix_basis.to_quaternion(), np.float64)
    angle = float(rot.angle_of(rot.multiply(rot.inverse(turn), now)))
    return min(angle, 2.0 * np.pi - angle) < SAME
