"""Find the chosen character, and check that motions can be written to it."""

from __future__ import annotations

import uuid

import bpy

from ..scene.evaluation import is_in_scene
from . import take_properties


def find_character(context: bpy.types.Context) -> bpy.types.Object:
    """The chosen character or, if none is chosen, the active armature or the only suitable armature: the only one with
    SMPL bones, or the only one of the scene.

    Raises InvalidRequest if there is no character, or motions cannot be written to it.
    """
    from ...motionlcm_blender.errors import InvalidRequest
    from .smpl_rig import is_character

    separate_copies()
    scene = context.scene
    character = scene.motionlcm.character
    if character is not None and not is_in_scene(scene, character):
        raise InvalidRequest(f'The character "{character.name}" is not in this scene: choose another.')
    if character is None:
        active = character_armature(context.active_object)
        present = [obj for obj in scene.objects if obj.type == "ARMATURE"]
        fitting = [obj for obj in present if is_character(obj)] or present
        if active in present:
            fitting = [active]
        if len(fitting) != 1:
            raise InvalidRequest("No character is chosen: choose the armature of a person, or press Add Character.")
        character = scene.motionlcm.character = fitting[0]
    check_writable(character)
    return character


def identity(character: bpy.types.Object) -> str:
    """A permanent name of the character, which does not change when the object is renamed. The character's Actions
    store it."""
    separate_copies()
    if not take_properties.ID.is_on(character):
        take_properties.ID.write(character, uuid.uuid4().hex[:12])
    return take_properties.ID.read(character)


def separate_copies() -> None:
    """Give each copy of a character an identity of its own, because Blender copies the identity with the object.

    The oldest object keeps the identity. Actions that only the copy uses become the copy's own; all other Actions stay
    the original's.
    """
    owners: dict[str, bpy.types.Object] = {}
    for obj in sorted(bpy.data.objects, key=lambda each: each.session_uid):
        if obj.type != "ARMATURE" or obj.library is not None or not take_properties.ID.is_on(obj):
            continue
        known = take_properties.ID.read(obj)
        if owners.setdefault(known, obj) == obj:
            continue
        take_properties.ID.write(obj, uuid.uuid4().hex[:12])
        for action in _own_actions(obj):
            if take_properties.CHARACTER.read(action) == known:
                take_properties.CHARACTER.write(action, take_properties.ID.read(obj))


def takes_of_shot(character: bpy.types.Object, uid: str) -> list[bpy.types.Action]:
    """All takes of a shot of this character, in no order."""
    separate_copies()
    own, stored = take_properties.ID.read(character), take_properties
    return [a for a in bpy.data.actions if stored.SHOT.read(a) == uid and stored.CHARACTER.read(a) == own]


def _own_actions(character: bpy.types.Object) -> list[bpy.types.Action]:
    """The Actions of the character that no other object uses."""
    data = character.animation_data
    found = {data.action} if data is not None and data.action is not None else set()
    found |= {shot.action for shot in character.motionlcm.shots if shot.action is not None}
    users = bpy.data.user_map(subset=found, key_types={"ACTION"}, value_types={"OBJECT"}) if found else {}
    return [action for action in found if action.library is None and users.get(action, set()) <= {character}]


def check_writable(character: bpy.types.Object) -> None:
    """Raises InvalidRequest if the character cannot receive an Action.

    Edits in Edit Mode are applied to the bones first, because the pose has the new names of bones already.
    """
    from ...motionlcm_blender.errors import InvalidRequest

    if character.library is not None:
        raise InvalidRequest(f'"{character.name}" is linked from another file: make a library override of it first.')
    if character.animation_data is not None and character.animation_data.use_tweak_mode:
        raise InvalidRequest(f'"{character.name}" is in NLA tweak mode: leave it first.')
    if character.mode == "EDIT":
        character.update_from_editmode()


def character_armature(obj: bpy.types.Object | None) -> bpy.types.Object | None:
    """The armature that an object belongs to: the object itself, or the armature that deforms this mesh."""
    if obj is None or obj.type == "ARMATURE":
        return obj
    if obj.motionlcm.armature is not None:
        return obj.motionlcm.armature
    for modifier in obj.modifiers:
        if modifier.type == "ARMATURE" and modifier.object is not None:
            return modifier.object
    return obj.parent if obj.parent is not None and obj.parent.type == "ARMATURE" else None
