"""Add SMPL Body: the skinned body of a file that the user has under its authors' licence."""

# No `from __future__ import annotations` here: Blender reads properties from real annotations.
import bpy

from ..armature.take_properties import BODY_GENDER, JOINT_DIRECTIONS, SHAPE_KEY
from ..scene import messages
from ..scene.operator_base import MotionLCMOperator
from ..session import job_queue

LICENCE = (
    "The body model stays under its authors' licence.",
    "Scenes with the body are under the same licence.",
    "The extension keeps no copy of the body outside the scene.",
)
"""Shown where a file is chosen and where a body is shaped."""


class MOTIONLCM_OT_add_smpl_body(MotionLCMOperator, bpy.types.Operator):
    """Add the body of an SMPL, SMPL-H or SMPL-X file (.pkl, .npz), which its authors license to you"""

    bl_idname = "motionlcm.add_smpl_body"
    bl_label = "Add SMPL Body"
    bl_options = {"REGISTER", "UNDO"}

    filepath: bpy.props.StringProperty(
        name="File", description="SMPL_NEUTRAL.pkl, SMPLX_NEUTRAL.npz or a similar file", subtype="FILE_PATH"
    )
    filter_glob: bpy.props.StringProperty(default="*.pkl;*.npz", options={"HIDDEN"})

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def draw(self, _context: bpy.types.Context) -> None:
        column = self.layout.column(align=True)
        for sentence in LICENCE:
            column.label(text=sentence)

    def perform(self, context: bpy.types.Context) -> None:
        context.scene.motionlcm.character = _add_body(context, bpy.path.abspath(self.filepath))
        messages.show_message(" ".join(LICENCE))
        job_queue.get().warm_up()


class MOTIONLCM_OT_fit_joints(MotionLCMOperator, bpy.types.Operator):
    """Move the character's bones to the joints of its current body shape. Its Actions stay unchanged"""

    bl_idname = "motionlcm.fit_joints"
    bl_label = "Fit Joints to Shape"
    bl_options = {"REGISTER", "UNDO"}

    def perform(self, context: bpy.types.Context) -> None:
        from ..armature.character_lookup import find_character
        from .smpl_mesh import fit_joints

        fit_joints(context, find_character(context))


def _add_body(context: bpy.types.Context, path: str) -> bpy.types.Object:
    """Read the file, then create armature and mesh. Raises InvalidRequest if the file contains no body; nothing is
    created then."""
    from pathlib import Path

    from ...motionlcm_blender.errors import InvalidRequest
    from ...motionlcm_blender.smpl.body_model_file import read_body_model
    from .smpl_mesh import build_body

    if not path:
        raise InvalidRequest("Choose a .pkl or .npz file of SMPL or SMPL-X.")
    model = read_body_model(Path(path))
    if context.mode != "OBJECT":
        bpy.ops.object.mode_set(mode="OBJECT")
    armature = build_body(context, model, f"{model.kind.name} Body")
    stem = Path(path).stem.lower()
    BODY_GENDER.write(armature, next((word for word in ("neutral", "female", "male") if word in stem), "neutral"))
    return armature


def shape_keys_of(character: bpy.types.Object | None) -> "list[bpy.types.ShapeKey]":
    """The shape keys of a character with an SMPL body; empty for any other character."""
    if character is None or not JOINT_DIRECTIONS.is_on(character):
        return []
    for child in character.children:
        if child.type == "MESH" and child.motionlcm.armature == character and child.data.shape_keys is not None:
            return [key for key in child.data.shape_keys.key_blocks if key.name.startswith(SHAPE_KEY)]
    return []


CLASSES = (MOTIONLCM_OT_add_smpl_body, MOTIONLCM_OT_fit_joints)
