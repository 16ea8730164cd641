"""Export and import of SMPL parameters: .npz files as in AMASS."""

# No `from __future__ import annotations` here: Blender reads properties from real annotations.
from pathlib import Path

import bpy
from bpy_extras.io_utils import ExportHelper, ImportHelper

from ..armature import character_lookup
from ..scene import messages, scene_time, user_paths
from ..scene.operator_base import MotionLCMOperator
from .file_menu import file_menu_entries

LAYOUT_ITEMS = (
    ("smplx", "SMPL-X", "Write 55 joints with fingers, jaw and eyes, 165 numbers a frame"),
    ("smplh", "SMPL-H", "Write 52 joints with fingers, 156 numbers a frame, as most of AMASS"),
    ("smpl", "SMPL", "Write 24 joints, 72 numbers a frame"),
)


def _model_file(path: str) -> Path | None:
    return user_paths.absolute(path) if path else None


class MOTIONLCM_OT_export_smpl(MotionLCMOperator, bpy.types.Operator, ExportHelper):
    """Write the character's visible motion as SMPL parameters, for SMPL add-ons, renderers and research code"""

    bl_idname = "motionlcm.export_smpl"
    bl_label = "Export SMPL Parameters"
    bl_options = {"REGISTER"}

    filename_ext = ".npz"
    filter_glob: bpy.props.StringProperty(default="*.npz", options={"HIDDEN"})
    layout_name: bpy.props.EnumProperty(name="Layout", description="Body model of the file", items=LAYOUT_ITEMS)
    what: bpy.props.EnumProperty(
        name="Frames",
        description="Frames to write",
        items=(
            ("TAKE", "Active Action", "Write the frames of the active Action, or of all shots without one"),
            ("SCENE", "Scene Range", "Write the frames of the scene"),
        ),
    )
    fps: bpy.props.FloatProperty(
        name="Frame Rate", description="Frames per second. 0: the frame rate of the scene", min=0.0, max=1000.0
    )
    up: bpy.props.EnumProperty(
        name="Up",
        description="Axis of the file that points up",
        items=(("Z", "Z", "As in AMASS and in Blender"), ("Y", "Y", "As in most research code")),
    )
    gender: bpy.props.EnumProperty(
        name="Gender",
        description="Gender of the body model",
        items=(
            ("AUTO", "Automatic", "Use the gender of the character's own SMPL body, otherwise neutral"),
            ("neutral", "Neutral", "Use the neutral body model"),
            ("female", "Female", "Use the female body model"),
            ("male", "Male", "Use the male body model"),
        ),
    )
    body_file: bpy.props.StringProperty(
        name="Body Model",
        description="Body model file (.npz, .pkl) that will perform the motion, for its proportions and exact place. "
        "May stay empty",
        subtype="FILE_PATH",
    )

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        from .smpl_motion import own_body

        character = context.scene.motionlcm.character
        body = own_body(character) if character is not None else None
        if body is not None:
            self.layout_name = body.kind.name.lower().replace("-", "")
        result: set[str] = ExportHelper.invoke(self, context, event)
        return result

    def perform(self, context: bpy.types.Context) -> None:
        from ...motionlcm_blender.smpl.parameter_file import write_parameters
        from .smpl_motion import parameters_of_character

        character = character_lookup.find_character(context)
        parameters = parameters_of_character(
            context,
            character,
            self.layout_name,
            whole_scene=self.what == "SCENE",
            fps=self.fps,
            up=self.up,
            gender="" if self.gender == "AUTO" else self.gender,
            model_file=_model_file(self.body_file),
        )
        path = user_paths.absolute(bpy.path.ensure_ext(self.filepath, ".npz"))
        write_parameters(parameters, path)
        messages.show_message(
            f"Wrote {len(parameters.translation)} frames as {parameters.kind.name} parameters to {path.name}."
        )


class MOTIONLCM_OT_import_smpl(MotionLCMOperator, bpy.types.Operator, ImportHelper):
    """Add a motion of SMPL parameters (.npz, as in AMASS) as a take of the character, on any recognised armature"""

    bl_idname = "motionlcm.import_smpl"
    bl_label = "Import SMPL Parameters"
    bl_options = {"REGISTER", "UNDO"}

    filename_ext = ".npz"
    filter_glob: bpy.props.StringProperty(default="*.npz", options={"HIDDEN"})
    up: bpy.props.EnumProperty(
        name="Up",
        description="Axis of the file that points up",
        items=(
            ("AUTO", "Automatic", "As the file states, otherwise as the body stands"),
            ("Z", "Z", "As in AMASS and in Blender"),
            ("Y", "Y", "As in most research code"),
            ("-Y", "-Y", "As in the coordinates of a camera"),
        ),
    )
    fps: bpy.props.FloatProperty(
        name="Frame Rate",
        description="Frames per second of a file without a frame rate. The motion is resampled to the scene's rate",
        min=0.0,
        max=1000.0,
    )
    place: bpy.props.EnumProperty(
        name="Place",
        description="Where the motion starts",
        items=(
            ("FILE", "As in the File", "Keep the place and the heading of the file"),
            ("CHARACTER", "At the Character", "Start where the character stands, facing its front"),
        ),
    )
    body_file: bpy.props.StringProperty(
        name="Body Model",
        description="Body model file (.npz, .pkl) of the motion, for its true size. Without it, the size is estimated",
        subtype="FILE_PATH",
    )

    def perform(self, context: bpy.types.Context) -> None:
        from ...motionlcm_blender.smpl.parameter_file import read_parameters
        from .smpl_motion import import_parameters

        path = user_paths.absolute(self.filepath)
        parameters = read_parameters(path, self.fps, "" if self.up == "AUTO" else self.up)
        character = character_lookup.find_character(context)
        scene = context.scene
        here = scene.motionlcm.start == "CURRENT_FRAME"
        first = scene_time.playhead(scene) if here else round(scene.frame_start / scene_time.stretch(scene))
        made = import_parameters(
            context,
            character,
            parameters,
            path.name,
            first_frame=first,
            at_character=self.place == "CHARACTER",
            model_file=_model_file(self.body_file),
        )
        messages.show_message(
            f"{made.frames} frames of {parameters.kind.name} parameters from {path.name}, {parameters.up} up.",
            warnings=made.warnings,
        )


CLASSES = (MOTIONLCM_OT_export_smpl, MOTIONLCM_OT_import_smpl)

register_properties, unregister_properties = file_menu_entries(
    "motionlcm.import_smpl", "motionlcm.export_smpl", "SMPL Parameters (.npz)"
)
