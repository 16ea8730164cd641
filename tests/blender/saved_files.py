"""What a saved .blend holds, read through what is registered with Blender and nothing else.

`tools/make_saved_files.py` writes it beside the file it made, and a test holds the opened file against it.
"""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np

SIDE = 0.1
"""Metres along a bone's own X axis."""
NEAR = 1e-3
"""Metres: how near the pose of an opened file is to the pose that was saved."""


def settings() -> bpy.types.PropertyGroup:
    return bpy.context.scene.motionlcm


def characters() -> list[bpy.types.Object]:
    """The armatures of the scene, by name."""
    return sorted((obj for obj in bpy.context.scene.objects if obj.type == "ARMATURE"), key=lambda obj: str(obj.name))


def choose(character: bpy.types.Object, shot: int | None = None) -> None:
    """Make a character, and one of its shots, the one that operators work on."""
    settings().character = character
    if shot is not None:
        character.motionlcm.shot_index = shot


def points(character: bpy.types.Object, frames: list[int]) -> np.ndarray:
    """(frames, bones, 3), world, metres: a point beside each bone's head, which also turns with the bone's twist."""
    found = []
    for frame in frames:
        bpy.context.scene.frame_set(frame)
        shown = character.evaluated_get(bpy.context.evaluated_depsgraph_get())
        matrices = [shown.matrix_world @ bone.matrix for bone in shown.pose.bones]
        found.append([matrix.translation + SIDE * matrix.col[0].xyz for matrix in matrices])
    return np.array(found)


def stored(group: bpy.types.PropertyGroup) -> dict[str, Any]:
    """All registered properties of a group as plain values: an ID by its name, a collection as a list."""
    values: dict[str, Any] = {}
    for prop in group.bl_rna.properties:
        if prop.identifier == "rna_type":
            continue
        value = getattr(group, prop.identifier)
        if prop.type == "COLLECTION":
            value = [stored(each) for each in value]
        elif prop.type == "POINTER":
            value = None if value is None else value.name
        elif prop.type == "FLOAT":
            value = round(value, 6)
        values[prop.identifier] = value
    return values


def listed_takes() -> list[str]:
    """The takes of the present character or its chosen shot, from the one seen on, as Next Take goes through them."""
    if not bpy.ops.motionlcm.step_take.poll():
        return []
    names = [present().name]
    while bpy.ops.motionlcm.step_take() == {"FINISHED"} and present().name not in names:
        names.append(present().name)
    return names


def present() -> bpy.types.Action:
    """The Action that moves the present character; where its shots do, the chosen one's."""
    character = settings().character
    action = character.animation_data.action
    return action if action is not None else character.motionlcm.shots[character.motionlcm.shot_index].action


def frames_over(first: float, last: float, count: int = 5) -> list[int]:
    return [int(frame) for frame in np.linspace(first, last, count).round()]


def describe(character: bpy.types.Object) -> dict[str, Any]:
    """Shots, takes and poses of a character, which is the chosen one afterwards.

    Going through the takes of a shot makes what follows stale: read a file, not a scene that is still to be used.
    """
    choose(character)
    scene = bpy.context.scene
    found: dict[str, Any] = {"object": stored(character.motionlcm), "takes": {}, "of_shots": []}
    found["poses"] = poses(character, frames_over(scene.frame_start, scene.frame_end, 9))
    if not len(character.motionlcm.shots):
        for name in listed_takes():
            bpy.ops.motionlcm.show_take(name=name)
            found["takes"][name] = poses(character, frames_over(*bpy.data.actions[name].frame_range))
    for index in range(len(character.motionlcm.shots)):
        choose(character, index)
        found["of_shots"].append(listed_takes())
    return found


def poses(character: bpy.types.Object, frames: list[int]) -> dict[str, Any]:
    return {"frames": frames, "points": points(character, frames).round(4).tolist()}


def off_from(character: bpy.types.Object, expected: dict[str, Any]) -> float:
    """Metres: how far the character is at most from poses as `poses` gave them."""
    return float(np.abs(points(character, expected["frames"]) - np.array(expected["points"])).max())
