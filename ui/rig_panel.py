"""What the character was recognised as, and the mapping of its bones: rows of the main panel."""

from __future__ import annotations

import bpy
from bpy.app.translations import pgettext_iface as iface_

from ..operators.armature import take_properties
from ..operators.rigs import joint_mapping, stored_mapping
from ..operators.scene import messages
from .widgets import wrapped_label


def draw_rig(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """One line with the kind of armature and a button for its mapping, what is not sure, and the open mapping."""
    chosen = context.scene.motionlcm
    character = chosen.character
    if character is None:
        return
    mapped = stored_mapping.has_mapping(character)
    family = take_properties.RIG.read(character)
    if family or mapped:
        row = layout.row(align=True)
        if family:
            text = iface_("{family}, {count} of {total} bones").format(
                family=family, count=take_properties.RIG_BONES.read(character), total=take_properties.RIG_TOTAL
            )
            row.label(text=text, icon="BONE_DATA", translate=False)
        else:
            row.label(text="Not recognised", icon="BONE_DATA")
        if mapped:
            row.prop(chosen, "show_mapping", text="", icon="OUTLINER_DATA_ARMATURE")
    doubt = take_properties.RIG_DOUBT.read(character)
    if doubt and doubt != messages.status.message and doubt not in messages.status.warnings:
        wrapped_label(layout, doubt, "ERROR")
    if mapped and chosen.show_mapping:
        _draw_mapping(layout, character)


def _draw_mapping(layout: bpy.types.UILayout, character: bpy.types.Object) -> None:
    known = stored_mapping.joints_of(character)
    own = stored_mapping.chosen_of(character)
    box = layout.box()
    labels, names = _part_labels(), _joint_labels()
    for body_part, joints in joint_mapping.BODY_PARTS:
        column = box.column(align=True)
        column.label(text=labels[body_part], translate=False)
        for joint in joints:
            sure, bones = known.get(joint, (0.0, ()))
            icon = _icon(sure, bones, joint in own)
            row = column.row(align=True)
            split = row.split(factor=0.4, align=True)
            name = split.row()
            name.alert = sure < stored_mapping.UNSURE and bool(bones)
            name.label(text=names[joint[2:] if joint[1] == "_" else joint], icon=icon, translate=False)
            split.prop(character.motionlcm.joints, joint, text="", icon="BONE_DATA")
            row.operator("motionlcm.pick_bone", text="", icon="EYEDROPPER").joint = joint
    row = box.row(align=True)
    row.operator("motionlcm.save_rig_preset", icon="FILE_TICK")
    row.operator("motionlcm.reset_mapping", text="Reset", icon="LOOP_BACK")
    if take_properties.RIG_PRESET.read(character):
        box.operator("motionlcm.delete_rig_preset", icon="TRASH")


def _part_labels() -> dict[str, str]:
    """The translated label of each body part."""
    return {
        "TORSO": iface_("Torso"),
        "LEFT_ARM": iface_("Left Arm"),
        "RIGHT_ARM": iface_("Right Arm"),
        "LEFT_LEG": iface_("Left Leg"),
        "RIGHT_LEG": iface_("Right Leg"),
    }


def _joint_labels() -> dict[str, str]:
    """The translated label of each joint, without its side."""
    return {
        "pelvis": iface_("Hips"),
        "spine1": iface_("Spine 1"),
        "spine2": iface_("Spine 2"),
        "spine3": iface_("Spine 3"),
        "neck": iface_("Neck"),
        "head": iface_("Head"),
        "collar": iface_("Collar"),
        "shoulder": iface_("Arm"),
        "elbow": iface_("Forearm"),
        "wrist": iface_("Hand"),
        "hip": iface_("Thigh"),
        "knee": iface_("Shin"),
        "ankle": iface_("Foot"),
        "foot": iface_("Toes"),
    }


def _icon(sure: float, bones: tuple[str, ...], own: bool) -> str:
    """Chosen by the animator, recognised, unsure, or without a bone."""
    if own:
        return "USER"
    if not bones:
        return "BLANK1"
    return "CHECKMARK" if sure >= stored_mapping.UNSURE else "QUESTION"
