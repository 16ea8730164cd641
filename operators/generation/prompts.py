"""Operators around the prompt: random seed, history, search, recalled settings, and the length of a path."""

import random
from typing import TYPE_CHECKING

import bpy
from bpy.app.translations import pgettext_rpt as rpt_

from ..armature import take_index
from ..armature.take_properties import IMPORTED, MADE, PROMPT, has_recipe
from ..controls import path_speed
from ..scene import messages, shot_lookup
from ..scene.dynamic_enum import DynamicEnumItems
from ..session import model_choice, model_info

if TYPE_CHECKING:
    from typing import Any

LARGEST_SEED = 2**31 - 1
UNMADE = "~"
"""Sorts after every date: the prompt of a shot without a motion is the newest."""


def prompts_of_file() -> list[str]:
    """Every prompt used in this file, without duplicates, the latest first: from the histories of all scenes, from all
    Actions of ours, and from all shots."""
    used: dict[str, str] = {}

    def add(prompt: str, when: str) -> None:
        prompt = prompt.strip()
        if prompt:
            used[prompt] = max(when, used.get(prompt, ""))

    for scene in bpy.data.scenes:
        for item in scene.motionlcm.history:
            add(item.prompt, item.used)
    for action in filter(has_recipe, bpy.data.actions):
        add(PROMPT.read(action), MADE.read(action))
    for obj in (obj for obj in bpy.data.objects if obj.type == "ARMATURE"):
        for shot in obj.motionlcm.shots:
            add(shot.prompt, UNMADE if shot.action is None else MADE.read(shot.action))
    return sorted(used, key=lambda prompt: used[prompt], reverse=True)


class MOTIONLCM_OT_dice(bpy.types.Operator):
    """Choose another seed at random"""

    bl_idname = "motionlcm.dice"
    bl_label = "New Seed"
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        context.scene.motionlcm.seed = random.randint(0, LARGEST_SEED)
        return {"FINISHED"}


class MOTIONLCM_OT_use_prompt(bpy.types.Operator):
    """Use this prompt"""

    bl_idname = "motionlcm.use_prompt"
    bl_label = "Use Prompt"
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    prompt: bpy.props.StringProperty(name="Prompt", description="Prompt to use")

    def execute(self, context: bpy.types.Context) -> set[str]:
        context.scene.motionlcm.prompt = self.prompt
        return {"FINISHED"}


_offered = DynamicEnumItems()


def _prompts(_operator: bpy.types.OperatorProperties, _context: bpy.types.Context | None) -> "list[Any]":
    return _offered.items((prompt, "Use this prompt") for prompt in prompts_of_file())


class MOTIONLCM_OT_search_prompts(bpy.types.Operator):
    """Search the prompts of all scenes, takes and shots of this file and use one again"""

    bl_idname = "motionlcm.search_prompts"
    bl_label = "Search Prompts"
    bl_options = {"REGISTER", "UNDO"}
    bl_property = "prompt"

    prompt: bpy.props.EnumProperty(
        name="Prompt", description="Prompt to use again", items=_prompts, options={"SKIP_SAVE"}
    )
    for_shot: bpy.props.BoolProperty(
        name="For Shot", description="Set the prompt of the chosen shot instead of the scene", options={"SKIP_SAVE"}
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        # Blender calls this on every redraw, so it does not search all objects of the file.
        used = any(len(scene.motionlcm.history) for scene in bpy.data.scenes)
        if used or shot_lookup.active_shot(context.scene.motionlcm.character) is not None:
            return True
        if take_index.get().any_generated():
            return True
        cls.poll_message_set(rpt_("No prompt was used in this file"))
        return False

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        context.window_manager.invoke_search_popup(self)
        return {"FINISHED"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        chosen = context.scene.motionlcm
        if not self.for_shot:
            chosen.prompt = self.prompt
            return {"FINISHED"}
        shot = shot_lookup.active_shot(chosen.character)
        if shot is None:
            messages.show_message("There is no shot for the prompt: add a shot.", error=True)
            return {"CANCELLED"}
        shot.prompt = self.prompt
        return {"FINISHED"}


class MOTIONLCM_OT_recall(bpy.types.Operator):
    """Copy prompt, seed and settings of the active Action to the panel. Pins and facing stay unchanged"""

    bl_idname = "motionlcm.recall"
    bl_label = "Recall Settings"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        from ..armature.actions import recipe_of

        chosen = context.scene.motionlcm
        stored = recipe_of(chosen.character)
        if "prompt" not in stored or IMPORTED.name in stored:
            messages.show_message("The character's Action has no recipe.", error=True)
            return {"CANCELLED"}
        chosen.prompt = stored["prompt"]
        chosen.length = stored.get("seconds", chosen.length)
        chosen.seed = min(int(stored.get("seed", chosen.seed)), LARGEST_SEED)
        chosen.liveliness = stored.get("liveliness", 1.0)
        chosen.gestures = stored.get("gestures", False)  # older takes have none
        chosen.sequence = stored.get("sequence", False)
        chosen.rewrite = stored.get("rewrite", False)
        chosen.caption_liveliness = stored.get("caption_liveliness", False)
        chosen.steps = str(stored.get("steps", chosen.steps))
        for name in ("feet", "travel", "loop", "refine"):
            if name in stored:
                setattr(chosen, name, stored[name])
        if "key_tolerance" in stored:
            chosen.key_mode = "FITTED" if stored["key_tolerance"] > 0.0 else "DENSE"
            chosen.key_tolerance = stored["key_tolerance"] or chosen.key_tolerance
        ground = stored.get("ground", "")
        chosen.ground = context.scene.objects.get(ground) if ground else None
        path = stored.get("path", "")
        chosen.path = context.scene.objects.get(path) if path else None
        if path and chosen.path is None:
            messages.show_message(f'The path "{path}" was removed; Again still uses it from the recipe.')
        return {"FINISHED"}


class MOTIONLCM_OT_fit_length(bpy.types.Operator):
    """Set the length to the time of a walk along the path at a comfortable speed"""

    bl_idname = "motionlcm.fit_length"
    bl_label = "Fit Length to Path"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        from ...motionlcm_blender.errors import InvalidRequest
        from ...motionlcm_blender.generation.request import MAX_CHAINED_FRAMES
        from ...motionlcm_blender.motion.ground_path import suggested_frames
        from ...motionlcm_blender.motion.skeleton import FPS

        chosen = context.scene.motionlcm
        try:
            if chosen.path is None or chosen.path.type != "CURVE":
                raise InvalidRequest("Choose a curve as the path first.")
            path = path_speed.drawn_path(context, chosen.path)
            if path is None:
                raise InvalidRequest(
                    f'"{chosen.path.name}" has a thickness, so its length is known only after generating.'
                )
            frames = suggested_frames(path)
        except InvalidRequest as error:
            messages.show_message(str(error), error=True)
            return {"CANCELLED"}
        chosen.length = min(frames, MAX_CHAINED_FRAMES) / FPS
        if frames > MAX_CHAINED_FRAMES:
            messages.show_message(
                f"A comfortable walk along the path takes {frames / FPS:.1f} s; at most "
                f"{MAX_CHAINED_FRAMES / FPS:.0f} s are generated at once, so the character walks faster."
            )
        return {"FINISHED"}


class MOTIONLCM_OT_make_run(bpy.types.Operator):
    """Replace the walk in the prompt by a run, because the path is too fast for a walk"""

    bl_idname = "motionlcm.make_run"
    bl_label = "Make It a Run"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        from ...motionlcm_blender.text.gait import as_run

        chosen = context.scene.motionlcm
        chosen.prompt = as_run(chosen.prompt)
        path_speed.refresh(context)
        return {"FINISHED"}


class MOTIONLCM_OT_use_suggested_length(bpy.types.Operator):
    """Set the length to the time that the action of the prompt usually takes"""

    bl_idname = "motionlcm.use_suggested_length"
    bl_label = "Use Suggested Length"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        chosen = context.scene.motionlcm
        seconds = model_info.suggested_length(model_choice.chosen(), chosen.prompt, chosen.sequence)
        if seconds is None:
            messages.show_message("The model has no usual length for this action.", error=True)
            return {"CANCELLED"}
        chosen.length = seconds
        return {"FINISHED"}


CLASSES = (
    MOTIONLCM_OT_dice, MOTIONLCM_OT_use_prompt, MOTIONLCM_OT_search_prompts, MOTIONLCM_OT_recall,
    MOTIONLCM_OT_fit_length, MOTIONLCM_OT_make_run, MOTIONLCM_OT_use_suggested_length,
)  # fmt: skip
