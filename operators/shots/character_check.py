"""What keeps the chosen character from showing its motion, listed in the panel with buttons that repair it.

The list is computed shortly after a change of the character, never while the panel is drawn.
"""

# No `from __future__ import annotations` here: Blender reads properties from real annotations.
from dataclasses import dataclass
from typing import TYPE_CHECKING

import bpy
from bpy.app.handlers import persistent
from bpy.app.translations import pgettext_iface as iface_

from ..scene import messages
from ..scene.main_thread_timer import MainThreadTimer
from ..scene.operator_base import MotionLCMOperator
from ..scene.shot_lookup import active_shot

if TYPE_CHECKING:
    from ..armature.interference import Interference

DELAY = 0.3
"""Seconds between the last change and the check."""
STRIPS = "STRIPS"
"""Repair: put the strips of the shots back."""


def find_causes(character: bpy.types.Object | None) -> "list[Interference]":
    """The causes for a character; empty if the object is no character.

    Of an armature without SMPL's bone names the stored mapping is used, because recognising takes too long for each
    change.
    """
    from ...motionlcm_blender.errors import InvalidRequest
    from ..armature.action_match import mismatches
    from ..armature.actions import recipe_of
    from ..armature.interference import Interference, interferences
    from . import nla_track

    if character is None or character.type != "ARMATURE":
        return []
    try:
        rig = _bones_of(character)
    except InvalidRequest:  # Generate reports the error of the armature
        return []
    data = character.animation_data
    in_shots = active_shot(character) is not None and (data is None or data.action is None)
    found = interferences(character, rig, in_shots, recipe_of(character).get("travel") == "root")
    found += mismatches(character, rig, shown_actions(character))
    misplaced = nla_track.misplaced(character) if in_shots else []
    if misplaced:
        more = f" and {len(misplaced) - 1} more" if misplaced[1:] else ""
        sentence = f'The strip of "{misplaced[0]}"{more} is missing in the NLA, muted, or changed by hand.'
        found.append(Interference(sentence, STRIPS))
    return found


def shown_actions(character: bpy.types.Object) -> "list[bpy.types.Action]":
    """The character's active Action; without one, the Actions of its shots."""
    data = character.animation_data
    if data is not None and data.action is not None:
        return [data.action]
    return [shot.action for shot in character.motionlcm.shots if shot.action is not None]


@dataclass(frozen=True)
class _Bones:
    bones: tuple[str | None, ...] = ()
    controls: bool = False


def _bones_of(character: bpy.types.Object) -> _Bones:
    """The bones whose constraints and drivers are looked at. Raises InvalidRequest for SMPL bones in a wrong order."""
    from ..armature.smpl_rig import is_character, read_rig
    from ..armature.take_properties import RIG_CONTROLS
    from ..rigs.stored_mapping import joints_of

    if is_character(character):
        return _Bones(read_rig(character).bones)
    present = character.data.bones
    named = (name for _, bones in joints_of(character).values() for name in bones if name in present)
    return _Bones(tuple(named), RIG_CONTROLS.read(character))


def repair_label(repair: str) -> str:
    """The translated label of the button of a repair."""
    labels = {
        "SOLO": iface_("End Solo"),
        "NLA_OFF": iface_("Switch NLA On"),
        "BLENDING": iface_("Replace NLA"),
        "TRACKS": iface_("Mute Tracks"),
        "COVER": iface_("Mute Tracks"),
        "OBJECT_CONSTRAINTS": iface_("Mute Constraints"),
        "OBJECT_DRIVERS": iface_("Mute Drivers"),
        "REST": iface_("Show Pose Position"),
        "SLOT": iface_("Assign Slot"),
        "BONE_NAMES": iface_("Rename in Keys"),
        "ROTATION_MODES": iface_("Restore Rotation Modes"),
        "CONSTRAINTS": iface_("Mute Constraints"),
        "DRIVERS": iface_("Mute Drivers"),
        STRIPS: iface_("Restore Strips"),
    }
    return labels[repair]


class CharacterCheck:
    """The causes that the panel shows, and the timer that finds them again after a change."""

    def __init__(self) -> None:
        self.causes: list[Interference] = []
        self._timer = MainThreadTimer(self._later, DELAY, persistent=False)

    def mark_changed(self) -> None:
        """Schedule a new check."""
        self._timer.stop()
        self._timer.start()

    def stop(self) -> None:
        """Stop the timer."""
        self._timer.stop()

    def refresh(self, context: bpy.types.Context) -> None:
        """Find the causes for the scene's character now."""
        found = find_causes(context.scene.motionlcm.character)
        if found != self.causes:
            self.causes = found
            messages.redraw()

    def _later(self) -> None:
        self.refresh(bpy.context)


_check: CharacterCheck | None = None


def get() -> CharacterCheck:
    """The check of this Blender, available after registration."""
    assert _check is not None, "the extension is not registered"
    return _check


@persistent
def _on_depsgraph_update(scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph) -> None:
    character = scene.motionlcm.character
    watched = (character, scene) if character is None else (character, character.data, scene)
    if character is not None and any(update.id.original in watched for update in depsgraph.updates):
        get().mark_changed()


@persistent
def _on_load(*_: object) -> None:
    get().causes = []
    get().mark_changed()


def register_properties() -> None:
    global _check
    _check = CharacterCheck()
    bpy.app.handlers.depsgraph_update_post.append(_on_depsgraph_update)
    bpy.app.handlers.load_post.append(_on_load)


def unregister_properties() -> None:
    global _check
    bpy.app.handlers.load_post.remove(_on_load)
    bpy.app.handlers.depsgraph_update_post.remove(_on_depsgraph_update)
    if _check is not None:
        _check.stop()
    _check = None


class MOTIONLCM_OT_repair_character(MotionLCMOperator, bpy.types.Operator):
    """Remove this cause, so that the character shows its motion. Nothing is deleted"""

    bl_idname = "motionlcm.repair_character"
    bl_label = "Repair Character"
    bl_options = {"REGISTER", "UNDO"}

    repair: bpy.props.StringProperty(name="Repair", description="Name of the repair", options={"SKIP_SAVE"})

    def perform(self, context: bpy.types.Context) -> None:
        from ..armature.action_match import ACTION_REPAIRS
        from ..armature.character_lookup import find_character
        from ..armature.interference import REPAIRS
        from . import nla_track

        character = find_character(context)
        if self.repair == STRIPS:
            nla_track.restore(character)
        elif self.repair in REPAIRS:
            REPAIRS[self.repair](character, _bones_of(character))
        elif self.repair in ACTION_REPAIRS:
            ACTION_REPAIRS[self.repair](character, _bones_of(character), shown_actions(character))
        context.view_layer.update()
        get().refresh(context)
        messages.show_message("")


CLASSES = (MOTIONLCM_OT_repair_character,)
