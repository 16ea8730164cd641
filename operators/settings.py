"""The animator's settings, stored in the scene and so in the file."""

# No `from __future__ import annotations` here: Blender reads properties from real annotations.
import bpy

from .armature.character_lookup import character_armature
from .controls import path_speed, pins
from .live import live_mode
from .rigs import joint_mapping
from .scene import messages
from .scene.library_overrides import OVERRIDABLE, OVERRIDABLE_LIST
from .session import model_choice, model_info
from .shots import character_check, shot_list
from .timeline import strip_editing


def _can_be_character(_settings: bpy.types.PropertyGroup, obj: bpy.types.Object) -> bool:
    return character_armature(obj) is not None


def _character_changed(settings: bpy.types.PropertyGroup, context: bpy.types.Context) -> None:
    armature = character_armature(settings.character)
    if armature != settings.character:  # the user picked the mannequin with the eyedropper
        settings.character = armature
        return
    from .rigs import recognised

    settings.show_mapping = recognised.note(settings.character)
    path_speed.mark_changed(context.scene)
    character_check.get().mark_changed()


def _can_be_path(settings: bpy.types.PropertyGroup, obj: bpy.types.Object) -> bool:
    if obj == settings.character or obj.motionlcm.armature is not None:
        return False
    moved = obj.animation_data is not None or len(obj.constraints) > 0 or obj.parent is not None
    return obj.type == "CURVE" or moved


def _can_be_ground(_settings: bpy.types.PropertyGroup, obj: bpy.types.Object) -> bool:
    return obj.type == "MESH" and obj.motionlcm.armature is None


def _path_changed(_settings: bpy.types.PropertyGroup, context: bpy.types.Context) -> None:
    path_speed.mark_changed(context.scene)


def _prompt_changed(settings: bpy.types.PropertyGroup, context: bpy.types.Context) -> None:
    model_info.read_hint(model_choice.chosen(), settings.prompt)
    path_speed.mark_changed(context.scene)  # a walk may be too fast where a run is not


def _live(_settings: bpy.types.PropertyGroup) -> bool:
    return live_mode.is_on()


def _switch_live(_settings: bpy.types.PropertyGroup, on: bool) -> None:
    live_mode.switch(on)


class MotionLCMPrompt(bpy.types.PropertyGroup):
    """One prompt of the history."""

    prompt: bpy.props.StringProperty(name="Prompt", description="Prompt that was used in this scene")
    used: bpy.props.StringProperty(options={"HIDDEN"})


def _seen(_listed: bpy.types.PropertyGroup, _context: bpy.types.Context) -> None:
    messages.redraw()  # the strips are in other editors than the list


class MotionLCMObject(bpy.types.PropertyGroup):
    """The extension's data of an object."""

    armature: bpy.props.PointerProperty(
        override=OVERRIDABLE,
        name="Armature",
        description="Armature that this mannequin belongs to",
        type=bpy.types.Object,
    )
    shots: bpy.props.CollectionProperty(
        override=OVERRIDABLE_LIST,
        type=shot_list.MotionLCMShot,
        name="Shots",
        description="Shots of this character in the order of time",
    )
    joints: bpy.props.PointerProperty(override=OVERRIDABLE, options={"HIDDEN"}, type=joint_mapping.MotionLCMJoints)
    identity: bpy.props.StringProperty(override=OVERRIDABLE, options={"HIDDEN"})  # of a library override
    fps: bpy.props.FloatProperty(
        override=OVERRIDABLE, options={"HIDDEN"}
    )  # frame rate of the scene at the last layout of the shots
    shot_index: bpy.props.IntProperty(
        override=OVERRIDABLE,
        name="Chosen Shot",
        description="Index of the chosen shot in the list",
        default=0,
        update=_seen,
    )


class MotionLCMSettings(bpy.types.PropertyGroup):
    """The settings of a generation."""

    character: bpy.props.PointerProperty(
        name="Character",
        description="Armature that receives the keyframes",
        type=bpy.types.Object,
        poll=_can_be_character,
        update=_character_changed,
    )
    move_to: bpy.props.PointerProperty(
        name="Move To",
        description="Armature of a person that gets the motion of the character",
        type=bpy.types.Object,
        poll=_can_be_character,
    )
    show_mapping: bpy.props.BoolProperty(
        name="Mapping",
        description="Show which bones of the armature are which parts of the body, in a list and as colours in the "
        "viewport",
        default=False,
        update=_seen,
    )
    prompt: bpy.props.StringProperty(
        name="Prompt",
        description="Description of the motion in English, such as: a person walks forward",
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
        precision=3,  # digits, with a unit: 5.5 s
        subtype="TIME_ABSOLUTE",
        unit="TIME_ABSOLUTE",
        update=_path_changed,
    )
    start: bpy.props.EnumProperty(
        name="Start",
        description="Frame at which the motion starts",
        items=(
            ("SCENE_START", "At Scene Start", "Start at the first frame of the scene"),
            ("CURRENT_FRAME", "At Current Frame", "Start at the current frame"),
        ),
        update=_path_changed,
    )
    path: bpy.props.PointerProperty(
        name="Path",
        description="Path of the root: a curve, or an object with animated location. "
        "Without a path, the prompt decides",
        type=bpy.types.Object,
        poll=_can_be_path,
        update=_path_changed,
    )
    ease_in: bpy.props.FloatProperty(
        name="Ease In",
        translation_context="MotionLCM",
        description="Time in seconds to reach full speed at the start of the path",
        default=0.0,
        min=0.0,
        soft_max=3.0,
        precision=1,
        step=10,
    )
    ease_out: bpy.props.FloatProperty(
        name="Ease Out",
        translation_context="MotionLCM",
        description="Time in seconds to slow down to rest at the end of the path",
        default=0.0,
        min=0.0,
        soft_max=3.0,
        precision=1,
        step=10,
    )
    facing: bpy.props.EnumProperty(
        name="Facing",
        translation_context="MotionLCM",
        description="Direction or object that the character faces",
        items=(
            ("WAY", "Motion Direction", "Keep the facing of the motion. On a path, face along the path"),
            ("FIXED", "Fixed", "Face one direction during the whole motion"),
            ("OBJECT", "Towards Object", "Face an object, which may be animated"),
        ),
    )
    facing_angle: bpy.props.FloatProperty(
        name="Direction",
        description="Direction to face, seen from above, counter-clockwise from Blender's front (-Y)",
        subtype="ANGLE",
        default=0.0,
    )
    facing_object: bpy.props.PointerProperty(
        name="Target", description="Object the character faces", type=bpy.types.Object
    )
    feet: bpy.props.EnumProperty(
        name="Feet",
        description="Method against feet that slide over the floor",
        items=(
            ("auto", "Standing Feet", "Lock a foot in place while it stands"),
            ("ground", "Always on Ground", "Keep one foot on the floor on every frame. This excludes jumps"),
            ("off", "As Generated", "Keep the feet of the sampled motion"),
        ),
    )
    gestures: bpy.props.BoolProperty(
        name="Gestures",
        description="Perform gestures that the prompt names, such as nods or crossed arms, "
        "with arms and head of the sampled motion",
        default=True,
    )
    sequence: bpy.props.BoolProperty(
        name="Actions in Turn",
        description="Make the actions that the prompt names one after the other each by itself, and repeat jumps that "
        "it names several times. For motion without path, pins and facing",
        default=True,
    )
    rewrite: bpy.props.BoolProperty(
        name="Rewrite Prompt",
        description="Replace a prompt in words that the model does not follow well "
        "by a caption of the same action that it does well. The panel shows the caption",
        default=True,
    )
    caption_liveliness: bpy.props.BoolProperty(
        name="Liveliness by Prompt",
        description="Make motion livelier or calmer according to how much captured motion of such prompts moves",
        default=True,
    )
    ground: bpy.props.PointerProperty(
        name="Ground",
        description="Mesh to walk on, such as terrain or stairs. "
        "Without a mesh, use the height of the path or a level floor",
        type=bpy.types.Object,
        poll=_can_be_ground,
    )
    refine: bpy.props.BoolProperty(
        name="Refine",
        description="Optimize the noise so that the sampled motion follows path and pins. "
        "Slower; needs PyTorch and 1 step",
        default=False,
    )
    travel: bpy.props.EnumProperty(
        name="Root Motion",
        description="Which bone or object carries the root motion",
        items=(
            ("hips", "Hips", "Write root motion to the location of the hips"),
            ("root", "Armature Object", "Write root motion to the armature object. The hips keep their sway"),
            ("bone", "Root Bone", "Write root motion to the topmost bone above the hips, as game engines expect"),
            ("in_place", "In Place", "Remove root motion, for games and treadmills"),
        ),
    )
    loop: bpy.props.BoolProperty(
        name="Loop",
        description="Find the part of the motion that loops best, close it without a jump, "
        "and repeat it with modifiers",
        default=False,
    )
    key_mode: bpy.props.EnumProperty(
        name="Keys",
        description="Number of keys to write",
        items=(
            ("FITTED", "Few", "Fit few keys with free handles, which keep every joint within the tolerance"),
            ("DENSE", "Every Frame", "Write a key on every frame"),
        ),
    )
    key_tolerance: bpy.props.FloatProperty(
        name="Tolerance",
        description="Largest distance, in millimetres, of a joint from the generated motion. "
        "A larger value gives fewer keys",
        default=10.0,
        min=0.5,
        soft_min=2.0,
        soft_max=50.0,
        max=500.0,
        precision=1,
        step=100,
    )
    pins: bpy.props.CollectionProperty(
        type=pins.MotionLCMPin, name="Pins", description="Places and frames at which body parts are held"
    )
    seed: bpy.props.IntProperty(
        name="Seed",
        description="Number from which all random values come. Another seed gives another motion for the same prompt",
        default=0,
        min=0,
        max=2**31 - 1,
    )
    takes: bpy.props.IntProperty(
        name="Takes",
        description="Number of takes to generate at once. Each take is an Action",
        default=1,
        min=1,
        soft_max=8,
        max=32,
    )
    liveliness: bpy.props.FloatProperty(
        name="Liveliness",
        description="Factor on the random values. Above 1 the motion is larger and less usual",
        default=1.0,
        min=0.5,
        max=1.7,
        soft_min=0.8,
        soft_max=1.3,
    )
    take_sort: bpy.props.EnumProperty(
        name="Sort",
        description="Order of the takes. Starred takes come first",
        items=(
            ("NAME", "Name", "Sort takes by name"),
            ("PATH", "Path", "Sort takes by path error, the smallest first"),
            ("SKATE", "Feet", "Sort takes by foot skate, the least first"),
            (
                "QUALITY",
                "Faults",
                "Sort takes by measured faults, the fewest first: facing, feet, and little movement. "
                "Whether the action is done is not measured",
            ),
        ),
    )
    steps: bpy.props.EnumProperty(
        name="Steps",
        description="Number of sampler steps. Four keep most of the movement; fewer are a few milliseconds faster",
        default="4",
        items=(("1", "1", "Sample in one step"), ("2", "2", "Sample in two steps"), ("4", "4", "Sample in four steps")),
    )
    edited_prompt: bpy.props.StringProperty(
        name="Prompt",
        description="Description of the motion of the chosen shot, in English",
        get=strip_editing.edited_prompt,
        set=strip_editing.set_edited_prompt,
    )
    live: bpy.props.BoolProperty(
        name="Live",
        description="Generate the motion anew while its path, pins, facing, ground or settings change. "
        "The finished keys are written when the change ends",
        get=_live,  # of this Blender, not of the file: undo does not change it
        set=_switch_live,
    )
    generate_at_once: bpy.props.BoolProperty(
        name="Generate Immediately",
        description="Generate the shot when the prompt is typed in its strip",
        default=True,
    )
    history: bpy.props.CollectionProperty(
        type=MotionLCMPrompt,
        name="Prompt History",
        description="Prompts that were used in this scene, the latest first",
    )


CLASSES = (MotionLCMPrompt, MotionLCMObject, MotionLCMSettings)


def register_properties() -> None:
    bpy.types.Scene.motionlcm = bpy.props.PointerProperty(
        type=MotionLCMSettings, name="MotionLCM", description="Settings for generated motion in this scene"
    )
    bpy.types.Object.motionlcm = bpy.props.PointerProperty(
        type=MotionLCMObject,
        override=OVERRIDABLE,
        name="MotionLCM",
        description="Data of this object for generated motion",
    )


def unregister_properties() -> None:
    del bpy.types.Object.motionlcm
    del bpy.types.Scene.motionlcm
