"""Put the switches of a control rig back when the motion that set them is no longer on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy
from bpy.app.handlers import persistent

from ..armature import take_properties

if TYPE_CHECKING:
    from collections.abc import Iterator


def restore_unneeded(obj: bpy.types.Object) -> None:
    """Put the switches of one armature back if none of its motions needs them, and remember them if one does."""
    needing = [action for action in _actions(obj) if take_properties.SWITCHED.is_on(action)]
    if needing:
        if not take_properties.SWITCHES.is_on(obj):
            take_properties.SWITCHES.write(obj, take_properties.SWITCHED.read(needing[0]))
        return
    if take_properties.SWITCHES.is_on(obj):
        from .recognised import read_switches
        from .switches import put_back

        put_back(obj, read_switches(take_properties.SWITCHES.read(obj)))
        take_properties.SWITCHES.remove(obj)


def _actions(obj: bpy.types.Object) -> Iterator[bpy.types.Action]:
    """The Actions that play on an object."""
    data = obj.animation_data
    if data is None:
        return
    if data.action is not None:
        yield data.action
    if data.use_tweak_mode and data.action_tweak_storage is not None:
        yield data.action_tweak_storage
    for track in data.nla_tracks:
        for strip in track.strips:
            if strip.action is not None:
                yield strip.action


@persistent
def _on_depsgraph_update(_scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph) -> None:
    for update in depsgraph.updates:
        obj = update.id.original
        if isinstance(obj, bpy.types.Object) and obj.type == "ARMATURE" and obj.library is None:
            action = obj.animation_data.action if obj.animation_data is not None else None
            if take_properties.SWITCHES.is_on(obj) or take_properties.SWITCHED.is_on(action):
                restore_unneeded(obj)


def register_properties() -> None:
    bpy.app.handlers.depsgraph_update_post.append(_on_depsgraph_update)


def unregister_properties() -> None:
    if _on_depsgraph_update in bpy.app.handlers.depsgraph_update_post:
        bpy.app.handlers.depsgraph_update_post.remove(_on_depsgraph_update)
