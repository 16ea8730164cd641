"""The mapping of a character's joints onto bones: shown by body part, corrected by the animator, kept as a preset."""

# No `from __future__ import annotations` here: Blender reads properties from real annotations.
import json
from collections.abc import Callable, Iterator
from typing import Any

import bpy

from ..armature import take_properties
from ..scene import messages
from ..scene.operator_base import MotionLCMOperator
from .stored_mapping import chosen_of, has_mapping, joints_of

TRUNK = ("pelvis", "spine1", "spine2", "spine3", "neck", "head")
ARM = ("collar", "shoulder", "elbow", "wrist")
LEG = ("hip", "knee", "ankle", "foot")
BODY_PARTS = (
    ("TORSO", TRUNK),
    ("LEFT_ARM", tuple(f"l_{joint}" for joint in ARM)),
    ("RIGHT_ARM", tuple(f"r_{joint}" for joint in ARM)),
    ("LEFT_LEG", tuple(f"l_{joint}" for joint in LEG)),
    ("RIGHT_LEG", tuple(f"r_{joint}" for joint in LEG)),
)
"""Body part -> its joints, in the order in which they are listed."""
HINT = "Bones that turn as this part of the body does, the lowest first, separated by commas"


def choose_bones(obj: bpy.types.Object, joint: str, bones: tuple[str, ...]) -> None:
    """Choose the bones of a joint, and recognise the armature anew. A bone is taken from the joint that had it."""
    from . import recognised

    chosen = chosen_of(obj)
    for other, named in list(chosen.items()):
        if other != joint and set(named) & set(bones):
            chosen[other] = tuple(bone for bone in named if bone not in bones)
    chosen[joint] = bones
    take_properties.RIG_CHOSEN.write(obj, json.dumps(chosen))
    recognised.note(obj)
    messages.redraw()


def _read(joint: str) -> Callable[[bpy.types.PropertyGroup], str]:
    def read(group: bpy.types.PropertyGroup) -> str:
        return ", ".join(joints_of(group.id_data).get(joint, (0.0, ()))[1])

    return read


def _write(joint: str) -> Callable[[bpy.types.PropertyGroup, str], None]:
    def write(group: bpy.types.PropertyGroup, text: str) -> None:
        obj = group.id_data
        named = bones_named(obj, text)
        missing = next((name for name in named if name not in obj.data.bones), None)
        if missing is not None:
            messages.show_message(f'The armature "{obj.name}" has no bone "{missing}".', error=True)
        elif named != joints_of(obj).get(joint, (0.0, ()))[1]:
            choose_bones(obj, joint, named)
            messages.show_message("")

    return write


def bones_named(obj: bpy.types.Object, text: str) -> tuple[str, ...]:
    """The names in a text: one whole name, or several separated by commas."""
    if text.strip() in obj.data.bones:
        return (text.strip(),)
    return tuple(filter(None, (part.strip() for part in text.split(","))))


def _search(group: bpy.types.PropertyGroup, _context: bpy.types.Context, text: str) -> Iterator[str]:
    """Bones whose names contain the last name of a text, after the names that are complete."""
    done, _, part = text.rpartition(",")
    before = f"{done.strip()}, " if done else ""
    for bone in group.id_data.data.bones:
        if part.strip().lower() in bone.name.lower():
            yield before + bone.name


def _bones(joint: str) -> dict[str, Any]:
    return {"get": _read(joint), "set": _write(joint), "search": _search, "search_options": {"SUGGESTION"}}


class MotionLCMJoints(bpy.types.PropertyGroup):
    """The bones of each joint of a character, as texts to read and to set."""

    pelvis: bpy.props.StringProperty(name="Hips", description=HINT, **_bones("pelvis"))
    spine1: bpy.props.StringProperty(name="Lower Spine", description=HINT, **_bones("spine1"))
    spine2: bpy.props.StringProperty(name="Middle Spine", description=HINT, **_bones("spine2"))
    spine3: bpy.props.StringProperty(name="Upper Spine", description=HINT, **_bones("spine3"))
    neck: bpy.props.StringProperty(name="Neck", description=HINT, **_bones("neck"))
    head: bpy.props.StringProperty(name="Head", description=HINT, **_bones("head"))
    l_collar: bpy.props.StringProperty(name="Left Collar", description=HINT, **_bones("l_collar"))
    l_shoulder: bpy.props.StringProperty(name="Left Upper Arm", description=HINT, **_bones("l_shoulder"))
    l_elbow: bpy.props.StringProperty(name="Left Forearm", description=HINT, **_bones("l_elbow"))
    l_wrist: bpy.props.StringProperty(name="Left Hand", description=HINT, **_bones("l_wrist"))
    r_collar: bpy.props.StringProperty(name="Right Collar", description=HINT, **_bones("r_collar"))
    r_shoulder: bpy.props.StringProperty(name="Right Upper Arm", description=HINT, **_bones("r_shoulder"))
    r_elbow: bpy.props.StringProperty(name="Right Forearm", description=HINT, **_bones("r_elbow"))
    r_wrist: bpy.props.StringProperty(name="Right Hand", description=HINT, **_bones("r_wrist"))
    l_hip: bpy.props.StringProperty(name="Left Thigh", description=HINT, **_bones("l_hip"))
    l_knee: bpy.props.StringProperty(name="Left Shin", description=HINT, **_bones("l_knee"))
    l_ankle: bpy.props.StringProperty(name="Left Foot", description=HINT, **_bones("l_ankle"))
    l_foot: bpy.props.StringProperty(name="Left Toes", description=HINT, **_bones("l_foot"))
    r_hip: bpy.props.StringProperty(name="Right Thigh", description=HINT, **_bones("r_hip"))
    r_knee: bpy.props.StringProperty(name="Right Shin", description=HINT, **_bones("r_knee"))
    r_ankle: bpy.props.StringProperty(name="Right Foot", description=HINT, **_bones("r_ankle"))
    r_foot: bpy.props.StringProperty(name="Right Toes", description=HINT, **_bones("r_foot"))


class OnMapping(MotionLCMOperator):
    """Base of the operators on the mapping of the chosen character."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        character = context.scene.motionlcm.character
        return has_mapping(character) and character.library is None


class MOTIONLCM_OT_save_rig_preset(OnMapping, bpy.types.Operator):
    """Store the mapping as a preset. An armature with the same bone names is then recognised with this mapping"""

    bl_idname = "motionlcm.save_rig_preset"
    bl_label = "Save as Preset"
    bl_options = {"REGISTER"}

    name: bpy.props.StringProperty(
        name="Name", description="Name of the preset. The panel shows it as the kind of armature", default=""
    )

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        if not self.name:
            self.name = context.scene.motionlcm.character.name
        return context.window_manager.invoke_props_dialog(self)

    def perform(self, context: bpy.types.Context) -> None:
        from dataclasses import replace

        from ...motionlcm_blender.errors import MotionLCMError
        from ...motionlcm_blender.rigs.families import save_preset
        from .recognised import BodyRig, note, read_character
        from .rig_presets import preset_file

        character = context.scene.motionlcm.character
        rig = read_character(character)
        assert isinstance(rig, BodyRig)  # `poll`: armatures with SMPL bones have no mapping
        name = self.name.strip() or character.name
        file = preset_file(name)
        try:
            save_preset(replace(rig.body.mapping, family=name), file)
        except OSError as error:
            raise MotionLCMError(f"{file} cannot be written: {error.strerror or error}.") from error
        take_properties.RIG_CHOSEN.remove(character)
        note(character)
        messages.show_message(f'The mapping is stored as "{name}". Armatures with the same bones are recognised by it.')


class MOTIONLCM_OT_reset_mapping(OnMapping, bpy.types.Operator):
    """Remove the corrections of the mapping, so that the armature is recognised by itself again"""

    bl_idname = "motionlcm.reset_mapping"
    bl_label = "Reset Mapping"
    bl_options = {"REGISTER", "UNDO"}

    def perform(self, context: bpy.types.Context) -> None:
        from . import recognised

        character = context.scene.motionlcm.character
        take_properties.RIG_CHOSEN.remove(character)
        take_properties.RIG_JOINTS.remove(character)
        recognised.note(character)
        messages.show_message("")


class MOTIONLCM_OT_delete_rig_preset(OnMapping, bpy.types.Operator):
    """Delete the preset by which this armature was recognised"""

    bl_idname = "motionlcm.delete_rig_preset"
    bl_label = "Delete Preset"
    bl_options = {"REGISTER"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return super().poll(context) and bool(take_properties.RIG_PRESET.read(context.scene.motionlcm.character))

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        return context.window_manager.invoke_confirm(self, event)

    def perform(self, context: bpy.types.Context) -> None:
        from . import recognised
        from .rig_presets import preset_file

        character = context.scene.motionlcm.character
        preset_file(take_properties.RIG_PRESET.read(character)).unlink(missing_ok=True)
        take_properties.RIG_JOINTS.remove(character)
        recognised.note(character)
        messages.show_message("")


CLASSES = (
    MotionLCMJoints, MOTIONLCM_OT_save_rig_preset, MOTIONLCM_OT_reset_mapping, MOTIONLCM_OT_delete_rig_preset,
)  # fmt: skip
