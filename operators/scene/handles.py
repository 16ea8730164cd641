"""Handles that find scenes and objects again after undo, redo or a change of name."""

from __future__ import annotations

from dataclasses import dataclass

import bpy


@dataclass(frozen=True)
class Handle:
    """The type and session id of a data-block, to find it again after undo, redo or a change of name."""

    name: str
    session_uid: int


def find(collection: bpy.types.bpy_prop_collection, handle: Handle) -> bpy.types.ID | None:
    """Find a scene or object by its session id, whatever its name; None if it was removed."""
    named = collection.get(handle.name)
    if named is not None and named.session_uid == handle.session_uid:
        return named
    return next((each for each in collection if each.session_uid == handle.session_uid), None)


def find_both(scene: Handle, character: Handle) -> tuple[bpy.types.Scene, bpy.types.Object]:
    """Find a scene and a character in it. Raises InvalidRequest if either was removed."""
    from ...motionlcm_blender.errors import InvalidRequest

    in_scene = find(bpy.data.scenes, scene)
    if in_scene is None:
        raise InvalidRequest("The scene was removed in the meantime, so the motion was not written.")
    found = find(in_scene.objects, character)
    if found is None:
        raise InvalidRequest(
            f'The character "{character.name}" was deleted in the meantime, so its motion was not written.'
        )
    return in_scene, found


def handle_of(block: bpy.types.ID) -> Handle:
    """The handle of a scene or object, for `find`."""

    return Handle(block.name, block.session_uid)
