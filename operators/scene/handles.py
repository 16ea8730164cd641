"""Scenes and objects found again after undo, redo or a change of name."""

from __future__ import annotations

from dataclasses import dataclass

import bpy


@dataclass(frozen=True)
class Handle:
    """How to find something of Blender's again after undo, redo or a change of name."""

    name: str
    session_uid: int


def find(collection: bpy.types.bpy_prop_collection, handle: Handle) -> bpy.types.ID | None:
    """Find a scene or object again by its session id, under whatever name; None if it is gone."""
    named = collection.get(handle.name)
    if named is not None and named.session_uid == handle.session_uid:
        return named
    return next((each for each in collection if each.session_uid == handle.session_uid), None)


def find_both(scene: Handle, character: Handle) -> tuple[bpy.types.Scene, bpy.types.Object]:
    """A scene and a character in it, found again. Raises InvalidRequest if either is gone."""
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
    """How `find` finds a scene or object again."""

    return Handle(block.name, block.session_uid)
