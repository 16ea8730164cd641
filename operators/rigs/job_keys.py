"""From a motion to a clip and keys of a recognised armature, and to its channels: the rigs' part of a generation."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import bpy
import numpy as np

from ...motionlcm_blender.motion.resampling import resample
from ...motionlcm_blender.motion.world_transform import Placement, place_clip
from ...motionlcm_blender.postprocess.foot_lock import FootLock
from ...motionlcm_blender.rigs.bone_keys import BoneKeys, bone_clip, fit_bone_keys
from ...motionlcm_blender.rigs.rig_feet import find_stances
from ...motionlcm_blender.rigs.rig_resampling import resample_on_feet
from ...motionlcm_blender.rigs.rig_retarget import retarget_to_body
from ..armature import take_properties
from ..armature.actions import Channel
from ..armature.root_motion import RootMotion, bone_channels, object_channels
from .apply_motion import motion_channels
from .finger_keys import finger_channels
from .recognised import BodyRig, stored_switches
from .switches import set_switches, switch_channels

if TYPE_CHECKING:
    from ...motionlcm_blender.generation.request import Request
    from ...motionlcm_blender.motion.motion import Clip, Motion


def retargeted(motion: Motion, rig: BodyRig, request: Request, on_path: bool, level: bool) -> Clip:
    """The clip with which an armature performs a motion, in the motion's frame. level: whether the floor is level.

    Pins are met on this body, except where a ground has moved the motion up or down.
    """
    pins = request.hints.pins if level and request.hints is not None else None
    if pins is not None and len(pins[0]) != len(motion.joints):
        pins = None
    lock = request.feet is not FootLock.OFF
    return retarget_to_body(motion, rig.body, on_path=on_path, level=level, lock=lock, pins=pins)


def sampling_on_feet(motion: Motion, request: Request, level: bool) -> Callable[..., Clip]:
    """`resample` for a clip of this motion; on a level floor, standing feet stay in place between its frames."""
    if not level or request.feet is FootLock.OFF:
        return resample
    return partial(resample_on_feet, stances=find_stances(motion, motion.joints))


def placed(clip: Clip, rig: BodyRig, carried: bool) -> Clip:
    """The clip in the world. carried: whether it is over the origin because its root motion is elsewhere or removed."""
    if not carried:
        return clip
    now = rig.body.standing_place()
    return place_clip(clip, Placement(now.origin * [1.0, 0.0, 1.0], now.heading))


def fitted(
    clip: Clip, rig: BodyRig, tolerance: float, first_frame: float, units: float, loops: bool
) -> BoneKeys | None:
    """Few keys of a clip in the world; None if this armature needs a key on every frame."""
    bones = bone_clip(clip, rig.body, above=rig.above, units_per_metre=units)
    return None if bones is None else fit_bone_keys(bones, tolerance, first_frame, loops)


def stands_as(rig: BodyRig, other: BodyRig) -> bool:
    """Whether keys that were fitted for one are keys of the other."""
    pairs = ((rig.body.description.world, other.body.description.world), (rig.above, other.above))
    return all(bool(np.allclose(a, b, rtol=1e-6, atol=1e-6)) for a, b in pairs)


def channels_of_body(
    obj: bpy.types.Object,
    rig: BodyRig,
    clip: Clip,
    units: float,
    keys: BoneKeys | None,
    moved: RootMotion | None,
    times: np.ndarray,
    root: str = "",
) -> list[Channel]:
    """The channels of a clip in the world, of fingers, of what carries the root motion, and of switches.

    times: (K,) scene frames of the clip. root: the bone that carries the root motion; empty: the armature object.
    """
    channels = motion_channels(obj, rig.body, clip, units, keys, rig.above, root)
    channels += finger_channels(obj, rig, times) + switch_channels(stored_switches(obj))
    if moved is None:
        return channels
    place = rig.body.standing_place()
    if root:
        return channels + bone_channels(obj, moved, place, units, root)
    return channels + object_channels(obj, moved, place, units)


def activate_fk_controls(obj: bpy.types.Object, rig: BodyRig) -> dict[str, str]:
    """Set the FK switches that make the keyed controls active; returns what is stored on the Actions.

    The values from before the first motion are kept, because motions may follow each other.
    """
    known = stored_switches(obj)
    report = set_switches(obj, rig.body.mapping.switches)
    report = {path: (known.get(path, each)[0], each[1]) for path, each in report.items()}
    if not report:
        return {}
    text = json.dumps(report)
    take_properties.SWITCHES.write(obj, text)
    return {take_properties.SWITCHED.name: text}


def switches_message(obj: bpy.types.Object) -> str:
    """A sentence that names the switches that a motion has set; empty without any."""
    changed = [path for path, (before, now) in stored_switches(obj).items() if before != now]
    if not changed:
        return ""
    names = list(dict.fromkeys(_switch_name(path) for path in changed))
    more = f" and {len(names) - 3} more" if names[3:] else ""
    return f" FK switches set: {', '.join(names[:3])}{more}; they are put back when the motion is removed."


def _switch_name(path: str) -> str:
    """`pose.bones["a"]["IK_FK"]` as a: IK_FK."""
    inside = path.removeprefix('pose.bones["').removesuffix(".influence").removesuffix('"]')
    bone, _, name = inside.replace('.constraints["', '["').rpartition('"]["')
    return f"{bone}: {name}"
