"""Pins: a hand, a foot, the head or the hips held at an object, which may be animated, for some frames of the scene."""

# No `from __future__ import annotations` here: Blender reads properties from real annotations.
from typing import TYPE_CHECKING

import bpy

from ..scene.library_overrides import OVERRIDABLE
from ..scene.linking import editable_collection, scene_units_per_metre

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    import numpy as np

SIZE = 0.06
"""Metres, radius of a pin's empty."""
JOINTS = (
    ("l_wrist", "Left Hand", "Hold the left wrist"),
    ("r_wrist", "Right Hand", "Hold the right wrist"),
    ("l_foot", "Left Foot", "Hold the ball of the left foot"),
    ("r_foot", "Right Foot", "Hold the ball of the right foot"),
    ("head", "Head", "Hold the middle of the head"),
    ("pelvis", "Hips", "Hold the middle of the hips"),
)


def _can_be_target(_pin: bpy.types.PropertyGroup, obj: bpy.types.Object) -> bool:
    return obj != bpy.context.scene.motionlcm.character


def _can_be_held(_pin: bpy.types.PropertyGroup, obj: bpy.types.Object) -> bool:
    return obj.type == "ARMATURE"


class MotionLCMPin(bpy.types.PropertyGroup):
    """One pin."""

    target: bpy.props.PointerProperty(
        override=OVERRIDABLE,
        name="Target",
        description="Object, such as an empty, at which the body part is held. The object may be animated",
        type=bpy.types.Object,
        poll=_can_be_target,
    )
    joint: bpy.props.EnumProperty(
        override=OVERRIDABLE, name="Body Part", description="Body part that the pin holds", items=JOINTS
    )
    first: bpy.props.IntProperty(override=OVERRIDABLE, name="From", description="First frame of the pin", default=1)
    last: bpy.props.IntProperty(override=OVERRIDABLE, name="To", description="Last frame of the pin", default=1)
    active: bpy.props.BoolProperty(override=OVERRIDABLE, name="Active", description="Use this pin", default=True)
    character: bpy.props.PointerProperty(
        override=OVERRIDABLE,
        name="Character",
        description="Character of the pin. Without a character, the pin applies to every character",
        type=bpy.types.Object,
        poll=_can_be_held,
    )


class MOTIONLCM_OT_add_pin(bpy.types.Operator):
    """Hold a body part on the current frame at the selected empty, or at a new empty at the 3D cursor"""

    bl_idname = "motionlcm.add_pin"
    bl_label = "Add Pin"
    bl_options = {"REGISTER", "UNDO"}

    joint: bpy.props.EnumProperty(
        name="Body Part", description="Body part that the pin holds", items=JOINTS, default="r_wrist"
    )
    to_shot: bpy.props.BoolProperty(
        name="To Shot", description="Add the pin to the chosen shot. The pin then moves with the shot", default=False
    )

    def execute(self, context: bpy.types.Context) -> set[str]:
        scene = context.scene
        chosen = context.active_object
        if chosen is None or chosen.type != "EMPTY" or not chosen.select_get():
            label = next(name for identifier, name, _ in JOINTS if identifier == self.joint)
            chosen = bpy.data.objects.new(f"Pin {label}", None)
            chosen.empty_display_type, chosen.empty_display_size = "SPHERE", SIZE * scene_units_per_metre(scene)
            chosen.location = scene.cursor.location
            editable_collection(context).objects.link(chosen)
        shot = _chosen_shot(context) if self.to_shot else None
        pin = scene.motionlcm.pins.add() if shot is None else shot.pins.add()
        if shot is not None:
            shot.stale, shot.entry = True, False
        pin.target, pin.joint = chosen, self.joint
        pin.first = pin.last = scene.frame_current
        return {"FINISHED"}


def _chosen_shot(context: bpy.types.Context) -> "Any":
    from ..scene.shot_lookup import active_shot

    return active_shot(context.scene.motionlcm.character)


class MOTIONLCM_OT_remove_pin(bpy.types.Operator):
    """Remove this pin. Its object stays"""

    bl_idname = "motionlcm.remove_pin"
    bl_label = "Remove Pin"
    bl_options = {"REGISTER", "UNDO"}

    index: bpy.props.IntProperty(options={"HIDDEN"})
    from_shot: bpy.props.BoolProperty(options={"HIDDEN"})

    def execute(self, context: bpy.types.Context) -> set[str]:
        shot = _chosen_shot(context) if self.from_shot else None
        pins = context.scene.motionlcm.pins if shot is None else shot.pins
        if shot is not None:
            shot.stale, shot.entry = True, False
        if not 0 <= self.index < len(pins):
            return {"CANCELLED"}
        pins.remove(self.index)
        return {"FINISHED"}


def pins_for(pins: "Sequence[MotionLCMPin]", character: bpy.types.Object) -> "list[MotionLCMPin]":
    """The pins that apply to this character."""
    return [pin for pin in pins if pin.character in (None, character)]


def sample_pins(
    context: bpy.types.Context, pins: "Sequence[MotionLCMPin]", frames: int, first_frame: float, units_per_metre: float
) -> "tuple[np.ndarray, np.ndarray, tuple[str, ...]] | None":
    """Positions of the pins (frames, 22, 3) in engine axes and metres of the character, in the world; a mask of that
    shape; warnings for the animator. None if no pin is active.

    Raises InvalidRequest if a pin has no object, or none of its frames is within the motion.
    """
    import numpy as np

    from ...motionlcm_blender.errors import InvalidRequest
    from ...motionlcm_blender.motion.skeleton import JOINT_COUNT
    from ...motionlcm_blender.motion.skeleton import JOINTS as NAMES
    from ...motionlcm_blender.motion.world_transform import blender_to_engine
    from ..scene.evaluation import is_in_scene
    from ..scene.scene_time import moments, places_at, scene_frames_each, stretch

    active = [pin for pin in pins if pin.active]
    if not active:
        return None
    scene = context.scene
    each, at = scene_frames_each(scene), moments(scene, frames, first_frame)
    positions = np.zeros((frames, JOINT_COUNT, 3))
    mask = np.zeros(positions.shape, bool)
    warnings: list[str] = []
    for pin in active:
        label = next(name for identifier, name, _ in JOINTS if identifier == pin.joint)
        if pin.target is None or not is_in_scene(scene, pin.target):
            raise InvalidRequest(f"The pin of the {label} has no object in this scene: choose one or remove the pin.")
        low, high = (frame / stretch(scene) for frame in sorted((pin.first, pin.last)))
        # Rounded outward, so that a pin on a single scene frame covers at least one model frame.
        on = (at > low - each) & (at < high + each)
        if not on.any():
            raise InvalidRequest(
                f'The pin of the {label} at "{pin.target.name}" is on frames {low:.0f} to {high:.0f}, outside the '
                f"motion ({at[0]:.0f} to {at[-1]:.0f})."
            )
        if low < at[0] - each or high > at[-1] + each:
            warnings.append(f'The pin of the {label} at "{pin.target.name}" extends beyond the motion.')
        # A model frame outside the pin's frames uses the place on the pin's nearest frame.
        try:
            places = places_at(context, pin.target, np.clip(at[on], low, high)) / units_per_metre
        except InvalidRequest as error:
            raise InvalidRequest(f"The pin of the {label}: {error}") from None
        joint = NAMES.index(pin.joint)
        positions[on, joint], mask[on, joint] = blender_to_engine(places), True
    return positions, mask, tuple(warnings)


CLASSES = (MotionLCMPin, MOTIONLCM_OT_add_pin, MOTIONLCM_OT_remove_pin)
