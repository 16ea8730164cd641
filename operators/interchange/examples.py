"""Examples: small scenes that a button adds to the file, to look at, to play and to change."""

# No `from __future__ import annotations` here: Blender reads properties from real annotations.
from collections.abc import Callable

import bpy
import numpy as np

from ..characters.add_character import create_character
from ..characters.mannequin import build_mannequin
from ..generation.first_motion import PROMPT, add_s_path
from ..generation.orders import order_from_scene, queued_job
from ..scene import camera_and_light
from ..session import job_queue
from ..session.job_operator import JobOperator
from ..shots import generate_shots, shot_list

SHOTS = (
    ("a person walks forward", 3.5, 1),
    ("a person sits down", 2.0, 0),
    ("a person stands up from a chair", 4.0, 0),
)
"""Prompt, seconds and seed of the shots of the second example."""
SECONDS = 5.0
FPS = 30.0
RIGIFY = "rigify"
"""Module of Blender's own add-on."""
RIGIFY_BONES = {
    "pelvis": "spine", "spine1": "spine.001", "spine2": "spine.002", "spine3": "spine.003", "neck": "spine.004",
    "head": "spine.006", "collar": "shoulder", "shoulder": "upper_arm", "elbow": "forearm", "wrist": "hand",
    "hip": "thigh", "knee": "shin", "ankle": "foot", "foot": "toe", "hand": "f_middle.01",
}  # fmt: skip
"""Names of Rigify's bones by the joints of a mannequin."""
SIDED = ("collar", "shoulder", "elbow", "wrist", "hand", "hip", "knee", "ankle", "foot")


def _s_path(context: bpy.types.Context) -> list[job_queue.QueuedJob]:
    chosen = context.scene.motionlcm
    chosen.character = create_character(context)
    chosen.path = add_s_path(context)
    chosen.prompt, chosen.length, chosen.ease_in, chosen.ease_out = PROMPT, SECONDS, 0.5, 0.5
    return _panel_job(context)


def _three_shots(context: bpy.types.Context) -> list[job_queue.QueuedJob]:
    scene, character = context.scene, create_character(context)
    scene.motionlcm.character = character
    first = scene.frame_start
    for number, (prompt, seconds, seed) in enumerate(SHOTS):
        last = first + round(seconds * FPS)
        shot = shot_list.new_shot(character, number, prompt, first, last)
        shot.seed, shot.stale = seed, False
        first = last
    scene.frame_end = first
    character.motionlcm.shot_index = 0
    return [generate_shots.queued_job(scene, character, generate_shots.stale_shots(character))]


def _rigify(context: bpy.types.Context) -> list[job_queue.QueuedJob]:
    """Raises InvalidRequest if the add-on is not enabled, before anything is added."""
    bpy.ops.object.armature_human_metarig_add()
    metarig = context.object
    bpy.ops.pose.rigify_generate()
    rig = context.object
    _add_body(context, rig)
    metarig.hide_set(True)
    metarig.hide_render = True
    chosen = context.scene.motionlcm
    chosen.character, chosen.path = rig, add_s_path(context)
    chosen.prompt, chosen.length = PROMPT, SECONDS
    return _panel_job(context)


def _add_body(context: bpy.types.Context, rig: bpy.types.Object) -> None:
    """Bind a mannequin to the deforming bones of a rig that Rigify made of its human metarig."""
    heads = {}
    for joint, bone in RIGIFY_BONES.items():
        for side, end in (("l_", ".L"), ("r_", ".R")) if joint in SIDED else (("", ""),):
            heads[side + joint] = np.array(rig.data.bones[f"DEF-{bone}{end}"].head_local, dtype=np.float64)
    body = build_mannequin("Body", heads)
    for group in body.vertex_groups:
        side, _, joint = group.name.rpartition("_")
        group.name = f"DEF-{RIGIFY_BONES[joint]}" + ({"l": ".L", "r": ".R"}[side] if side else "")
    context.scene.collection.objects.link(body)
    body.parent = rig
    body.modifiers.new("Armature", "ARMATURE").object = rig


def _panel_job(context: bpy.types.Context) -> list[job_queue.QueuedJob]:
    context.view_layer.update()
    return [queued_job(order_from_scene(context))]


def _check_rigify() -> None:
    from ...motionlcm_blender.errors import InvalidRequest

    if RIGIFY not in bpy.context.preferences.addons:
        raise InvalidRequest("This example needs Blender's add-on Rigify: enable it in the preferences.")


MAKERS: dict[str, Callable[[bpy.types.Context], list[job_queue.QueuedJob]]] = {
    "S_PATH": _s_path,
    "THREE_SHOTS": _three_shots,
    "RIGIFY": _rigify,
}
"""Functions that fill the new scene and return the jobs of its motion."""


class MOTIONLCM_OT_add_example(JobOperator, bpy.types.Operator):
    """Add an example as a new scene of this file and generate its motion. Your scenes stay unchanged"""

    bl_idname = "motionlcm.add_example"
    bl_label = "Add Example"
    bl_options = {"REGISTER"}  # writing the result makes the undo step

    example: bpy.props.EnumProperty(
        name="Example",
        description="Example to add",
        items=(
            ("S_PATH", "S Path", "Walk along an S. Edit the curve, then press Generate"),
            ("THREE_SHOTS", "Three Shots", "Walk, sit down and get up: three shots in the timeline"),
            ("RIGIFY", "Rigify Character", "Walk with a rig of Blender's add-on Rigify"),
        ),
    )

    def perform(self, context: bpy.types.Context) -> None:
        make = MAKERS[self.example]
        if self.example == "RIGIFY":
            _check_rigify()
        if context.mode != "OBJECT":
            bpy.ops.object.mode_set(mode="OBJECT")
        before = context.window.scene
        scene = bpy.data.scenes.new(f"MotionLCM {self.example.replace('_', ' ').title()}")
        context.window.scene = scene
        try:
            camera_and_light.set_frame_rate(scene, FPS)
            camera_and_light.add_camera_and_sun(scene, np.array([(-1.5, 0.5), (1.5, -5.0)]))
            queued = make(context)
        except Exception:
            context.window.scene = before
            bpy.data.scenes.remove(scene)
            raise
        job_queue.get().enqueue(queued)


CLASSES = (MOTIONLCM_OT_add_example,)
