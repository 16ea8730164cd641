"""Add Character: an armature with SMPL bones and a mannequin on it."""

from typing import TYPE_CHECKING

import bpy

from ..scene.linking import put_into_scene, scene_units_per_metre, show_in_local_view
from ..session import job_queue

if TYPE_CHECKING:
    import numpy as np

    from ...motionlcm_blender.motion.skeleton import Skeleton

ARMATURE_NAME = "MotionLCM Character"
BODY_NAME = "MotionLCM Mannequin"
LEAF_TAILS = {"head": (0.0, 0.0, 0.19), "foot": (0.0, -0.085, 0.0), "hand": (0.095, 0.0, 0.0)}
"""Tails of bones without a child, in metres from their head; mirrored on the right."""
NEXT = {"pelvis": "spine1", "spine3": "neck"}
"""The joint that a bone with several children points at."""


def create_character(context: bpy.types.Context) -> bpy.types.Object:
    """Create the armature and its mannequin at the 3D cursor, standing at the cursor's height, and select the armature.

    One metre of the character is one scene unit.
    """
    import numpy as np

    from ...motionlcm_blender.motion.skeleton import PELVIS_HEIGHT, SMPL
    from ...motionlcm_blender.motion.world_transform import engine_to_blender
    from .mannequin import build_mannequin

    if context.mode != "OBJECT":
        bpy.ops.object.mode_set(mode="OBJECT")
    heads = dict(zip(SMPL.names, engine_to_blender(SMPL.rest + [0.0, PELVIS_HEIGHT, 0.0]), strict=True))

    data = bpy.data.armatures.new(ARMATURE_NAME)
    armature = bpy.data.objects.new(ARMATURE_NAME, data)
    collection = put_into_scene(context, armature)

    bpy.ops.object.mode_set(mode="EDIT")
    for joint, (name, parent) in enumerate(zip(SMPL.names, SMPL.parents, strict=True)):
        bone = data.edit_bones.new(name)
        bone.head = heads[name]
        bone.tail = _tail(joint, name, heads, SMPL)
        if parent >= 0:
            bone.parent = data.edit_bones[SMPL.names[parent]]
        bone.use_connect = False
    bpy.ops.object.mode_set(mode="OBJECT")
    for pose_bone in armature.pose.bones:
        pose_bone.rotation_mode = "QUATERNION"
    data.display_type = "WIRE"  # thin, so that the body stays visible behind the bones
    armature.show_in_front = True

    body = build_mannequin(BODY_NAME, {name: np.asarray(head, np.float64) for name, head in heads.items()})
    collection.objects.link(body)
    show_in_local_view(context, body)
    body.parent = armature
    body.motionlcm.armature = armature
    modifier = body.modifiers.new("Armature", "ARMATURE")
    modifier.object = armature

    armature.location = context.scene.cursor.location
    armature.scale = (scene_units_per_metre(context.scene),) * 3
    context.view_layer.update()
    return armature


def _tail(joint: int, name: str, heads: "dict[str, np.ndarray]", skeleton: "Skeleton") -> "np.ndarray":
    """The tail of the bone: at its child, or a short distance further."""
    children = [n for n, parent in zip(skeleton.names, skeleton.parents, strict=True) if parent == joint]
    if children:
        return heads[NEXT.get(name, children[0])]
    x, y, z = LEAF_TAILS[name.removeprefix("l_").removeprefix("r_")]
    return heads[name] + [-x if name.startswith("r_") else x, y, z]


class MOTIONLCM_OT_add_character(bpy.types.Operator):
    """Add an armature with SMPL bones and a mannequin at the 3D cursor, and make it the character"""

    bl_idname = "motionlcm.add_character"
    bl_label = "Add Character"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        context.scene.motionlcm.character = create_character(context)
        job_queue.get().warm_up()
        return {"FINISHED"}


CLASSES = (MOTIONLCM_OT_add_character,)
