"""Small helps around the prompt: dice, history, and settings out of an Action's recipe."""

import random

import bpy

from . import jobs, path_speed

LARGEST_SEED = 2**31 - 1


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

    prompt: bpy.props.StringProperty(name="Prompt")

    def execute(self, context: bpy.types.Context) -> set[str]:
        context.scene.motionlcm.prompt = self.prompt
        return {"FINISHED"}


class MOTIONLCM_OT_recall(bpy.types.Operator):
    """Bring the settings of the character's present Action back into the panel; pins and facing stay as they are"""

    bl_idname = "motionlcm.recall"
    bl_label = "Recall Settings"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        from .actions import recipe_of

        chosen = context.scene.motionlcm
        told = recipe_of(chosen.character)
        if "prompt" not in told:
            jobs.tell("The character's Action was not made here, so it has no recipe.", error=True)
            return {"CANCELLED"}
        chosen.prompt = told["prompt"]
        chosen.length = told.get("seconds", chosen.length)
        chosen.seed = min(int(told.get("seed", chosen.seed)), LARGEST_SEED)
        chosen.steps = str(told.get("steps", chosen.steps))
        for name in ("feet", "travel", "loop", "refine"):
            if name in told:
                setattr(chosen, name, told[name])
        if "key_tolerance" in told:
            chosen.key_mode = "FITTED" if told["key_tolerance"] > 0.0 else "DENSE"
            chosen.key_tolerance = told["key_tolerance"] or chosen.key_tolerance
        ground = told.get("ground", "")
        chosen.ground = context.scene.objects.get(ground) if ground else None
        path = told.get("path", "")
        chosen.path = context.scene.objects.get(path) if path else None
        if path and chosen.path is None:
            jobs.tell(f'The path "{path}" is gone; Again still knows where it ran.')
        return {"FINISHED"}


class MOTIONLCM_OT_fit_length(bpy.types.Operator):
    """Set the length to what walking along the path at ease takes"""

    bl_idname = "motionlcm.fit_length"
    bl_label = "Fit Length to Path"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        from ..motionlcm_blender.errors import InvalidRequest
        from ..motionlcm_blender.motion.paths import suggested_frames
        from ..motionlcm_blender.motion.skeleton import FPS
        from ..motionlcm_blender.request import MAX_CHAINED_FRAMES

        chosen = context.scene.motionlcm
        try:
            if chosen.path is None or chosen.path.type != "CURVE":
                raise InvalidRequest("Choose a curve as the path first.")
            path = path_speed.drawn_path(context, chosen.path)
            if path is None:
                raise InvalidRequest(f'"{chosen.path.name}" has a thickness, so its length is known when generating.')
            frames = suggested_frames(path)
        except InvalidRequest as error:
            jobs.tell(str(error), error=True)
            return {"CANCELLED"}
        chosen.length = min(frames, MAX_CHAINED_FRAMES) / FPS
        if frames > MAX_CHAINED_FRAMES:
            jobs.tell(
                f"At ease the path takes {frames / FPS:.1f} s; {MAX_CHAINED_FRAMES / FPS:.0f} s at most are made at "
                "once, so the character will hurry."
            )
        return {"FINISHED"}


CLASSES = (MOTIONLCM_OT_dice, MOTIONLCM_OT_use_prompt, MOTIONLCM_OT_recall, MOTIONLCM_OT_fit_length)
