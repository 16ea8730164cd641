"""What the animator sets, kept in the scene and so in the file."""

# No `from __future__ import annotations` here: Blender reads properties from real annotations.
import bpy

from .armature.character_lookup import character_armature
from .controls import path_speed, pins
from .scene import messages
from .session import model_choice, model_info
from .shots import shot_list
from .timeline import strip_editing


def _can_be_character(_settings: bpy.types.PropertyGroup, obj: bpy.types.Object) -> bool:
    return character_armature(obj) is not None


def _character_changed(settings: bpy.types.PropertyGroup, context: bpy.types.Context) -> None:
    armature = character_armature(settings.character)
    if armature != settings.character:  # the mannequin was picked with the eyedropper
        settings.character = armature
    path_speed.mark_changed(context.scene)


def _can_be_path(settings: bpy.types.PropertyGroup, obj: bpy.types.Object) -> bool:
    if obj == settings.character or obj.motionlcm.armature is not None:
        return False
    moved = obj.animation_data is not None or len(obj.constraints) > 0 or obj.parent is not None
    return obj.type == "CURVE" or moved


def _can_be_ground(_settings: bpy.types.PropertyGroup, obj: bpy.types.Object) -> bool:
    return obj.type == "MESH" and obj.motionlcm.armature is None


def _path_changed(_settings: bpy.types.PropertyGroup, context: bpy.types.Context) -> None:
    path_speed.mark_changed(context.scene)


def _prompt_changed(settings: bpy.types.PropertyGroup, _context: bpy.types.Context) -> None:
    model_info.read_hint(model_choice.chosen(), settings.prompt)


class MotionLCMPrompt(bpy.types.PropertyGroup):
    """One earlier prompt."""

    prompt: bpy.props.StringProperty(name="Prompt", description="A prompt that was used in this scene")
    used: bpy.props.StringProperty(options={"HIDDEN"})


def _seen(_listed: bpy.types.PropertyGroup, _context: bpy.types.Context) -> None:
    messages.redraw()  # the strips are in other editors than the list


class MotionLCMObject(bpy.types.PropertyGroup):
    """What an object is to this extension."""

    armature: bpy.props.PointerProperty(
        name="Armature",
        description="The armature this mannequin belongs to",
        type=bpy.types.Object,
    )
    shots: bpy.props.CollectionProperty(
        type=shot_list.MotionLCMShot, name="Shots", description="What the character does, one thing after the other"
    )
    fps: bpy.props.FloatProperty(options={"HIDDEN"})  # of the scene when the shots were laid out
    shot_index: bpy.props.IntProperty(
        name="Chosen Shot", description="Which shot of the list is chosen", default=0, update=_seen
    )


class MotionLCMSettings(bpy.types.PropertyGroup):
    """The settings of a generation."""

    character: bpy.props.PointerProperty(
        name="Character",
        description="Armature with SMPL bones that gets the keyframes",
        type=bpy.types.Object,
        poll=_can_be_character,
        update=_character_changed,
    )
    prompt: bpy.props.StringProperty(
        name="Prompt",
        description="What the character does, in English, such as: a person walks forward",
        default="a person walks forward",
        update=_prompt_changed,
    )
    length: bpy.props.FloatProperty(
        name="Length",
        description="Length of the motion in seconds",
        default=5.0,
        min=0.1,
        soft_min=0.4,
        soft_max=20.0,
        max=600.0,
        step=10,
        precision=1,
        subtype="TIME_ABSOLUTE",
        unit="TIME_ABSOLUTE",
        update=_path_changed,
    )
    start: bpy.props.EnumProperty(
        name="Start",
        description="Where in the timeline the motion starts",
        items=(
            ("SCENE_START", "At Scene Start", "Start at the first frame of the scene"),
            ("CURRENT_FRAME", "At Current Frame", "Start at the frame shown now"),
        ),
        update=_path_changed,
    )
    path: bpy.props.PointerProperty(
        name="Path",
        description="Curve to walk along, or object whose animated location to follow; empty: as the prompt leads",
        type=bpy.types.Object,
        poll=_can_be_path,
        update=_path_changed,
    )
    ease_in: bpy.props.FloatProperty(
        name="Ease In",
        description="Seconds in which the character gets to its speed at the start of the path",
        default=0.0,
        min=0.0,
        soft_max=3.0,
        precision=1,
        step=10,
    )
    ease_out: bpy.props.FloatProperty(
        name="Ease Out",
        description="Seconds in which the character comes to rest at the end of the path",
        default=0.0,
        min=0.0,
        soft_max=3.0,
        precision=1,
        step=10,
    )
    facing: bpy.props.EnumProperty(
        name="Facing",
        description="Where the character faces",
        items=(
            ("WAY", "Along the Way", "Face as the motion does, along the path where there is one"),
            ("FIXED", "Fixed", "Face one direction throughout"),
            ("OBJECT", "Towards Object", "Face an object, animated or not"),
        ),
    )
    facing_angle: bpy.props.FloatProperty(
        name="Direction",
        description="Direction to face, seen from above: 0 is Blender's front (-Y), growing counter-clockwise",
        subtype="ANGLE",
        default=0.0,
    )
    facing_object: bpy.props.PointerProperty(
        name="Towards", description="Object the character faces", type=bpy.types.Object
    )
    feet: bpy.props.EnumProperty(
        name="Feet",
        description="What is done about feet that slide",
        items=(
            ("auto", "Planted", "Hold the feet while they stand"),
            ("ground", "Always on Ground", "One foot is on the floor on every frame, no jumps"),
            ("off", "As Generated", "Leave the feet as the model moves them"),
        ),
    )
    ground: bpy.props.PointerProperty(
        name="Ground",
        description="Mesh to walk on, such as a terrain or stairs; empty: a level floor, or the height of the path",
        type=bpy.types.Object,
        poll=_can_be_ground,
    )
    refine: bpy.props.BoolProperty(
        name="Refine",
        description="Search for a motion that meets path and pins by itself; takes longer, needs PyTorch and one step",
        default=False,
    )
    travel: bpy.props.EnumProperty(
        name="Travel",
        description="Where the way over the floor goes",
        items=(
            ("hips", "Hips", "Into the location of the hips"),
            ("root", "Armature Object", "Into the armature object; the hips keep their sway"),
            ("bone", "Root Bone", "Into the topmost bone above the hips, as game engines want it"),
            ("in_place", "In Place", "Nowhere: the character moves on the spot, for games and treadmills"),
        ),
    )
    loop: bpy.props.BoolProperty(
        name="Loop",
        description="Keep the stretch that repeats best, closed without a jump, with modifiers that repeat it",
        default=False,
    )
    key_mode: bpy.props.EnumProperty(
        name="Keys",
        description="How many keys are written",
        items=(
            ("FITTED", "Few", "Few keys with handles, every joint within the tolerance"),
            ("DENSE", "Every Frame", "A key on every frame"),
        ),
    )
    key_tolerance: bpy.props.FloatProperty(
        name="Tolerance",
        description="How far, in millimetres, a joint may be from the motion as made; more means fewer keys",
        default=10.0,
        min=0.5,
        soft_min=2.0,
        soft_max=50.0,
        max=500.0,
        precision=1,
        step=100,
    )
    pins: bpy.props.CollectionProperty(
        type=pins.MotionLCMPin, name="Pins", description="Where the body is held, and on which frames"
    )
    seed: bpy.props.IntProperty(
        name="Seed",
        description="Another number gives another motion for the same prompt",
        default=0,
        min=0,
        max=2**31 - 1,
    )
    takes: bpy.props.IntProperty(
        name="Takes",
        description="How many variations are made at once, each an Action of its own",
        default=1,
        min=1,
        soft_max=8,
        max=32,
    )
    take_sort: bpy.props.EnumProperty(
        name="Sort",
        description="Order of the takes, starred ones first",
        items=(
            ("NAME", "Name", "By name"),
            ("PATH", "Path", "The nearest to its path first"),
            ("SKATE", "Feet", "The one whose feet slide least first"),
        ),
    )
    steps: bpy.props.EnumProperty(
        name="Steps",
        description="Steps of the sampler: one is fastest, more can be cleaner",
        items=(("1", "1", "One step"), ("2", "2", "Two steps"), ("4", "4", "Four steps")),
    )
    edited_prompt: bpy.props.StringProperty(
        name="Prompt",
        description="What the character does in the chosen shot, in English",
        get=strip_editing.edited_prompt,
        set=strip_editing.set_edited_prompt,
    )
    generate_at_once: bpy.props.BoolProperty(
        name="Generate at Once",
        description="Make the shot as soon as its prompt was typed over its strip",
        default=True,
    )
    history: bpy.props.CollectionProperty(
        type=MotionLCMPrompt, name="Prompt History", description="Earlier prompts of this scene, the latest first"
    )


CLASSES = (MotionLCMPrompt, MotionLCMObject, MotionLCMSettings)


def register_properties() -> None:
    bpy.types.Scene.motionlcm = bpy.props.PointerProperty(
        type=MotionLCMSettings, name="MotionLCM", description="How motion is generated in this scene"
    )
    bpy.types.Object.motionlcm = bpy.props.PointerProperty(
        type=MotionLCMObject, name="MotionLCM", description="What this object is to generated motion"
    )


def unregister_properties() -> None:
    del bpy.types.Object.motionlcm
    del bpy.types.Scene.motionlcm
