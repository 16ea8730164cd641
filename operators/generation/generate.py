"""The operators Generate, Generate Again, Refit Keys and Cancel."""

from typing import TYPE_CHECKING

import bpy

from ..armature.character_lookup import find_character
from ..controls import draw_path
from ..scene import messages
from ..scene.operator_base import MotionLCMOperator
from ..session import job_queue
from .orders import OrderOperator, order_from_recipe, order_from_scene
from .write_actions import refit

if TYPE_CHECKING:
    from ..session.generation_worker import GenerationJobInput


class MOTIONLCM_OT_generate(OrderOperator, bpy.types.Operator):
    """Generate motion from the prompt and the path. Press again to restart"""

    bl_idname = "motionlcm.generate"
    bl_label = "Generate"
    bl_options = {"REGISTER"}  # writing the result makes the undo step

    def order(self, context: bpy.types.Context) -> "GenerationJobInput":
        if draw_path.is_drawing(context):
            draw_path.finish(context)
        return order_from_scene(context)


class MOTIONLCM_OT_generate_again(OrderOperator, bpy.types.Operator):
    """Generate the active Action again from its recipe"""

    bl_idname = "motionlcm.generate_again"
    bl_label = "Generate Again"
    bl_options = {"REGISTER"}

    def order(self, context: bpy.types.Context) -> "GenerationJobInput":
        return order_from_recipe(context, find_character(context))


class MOTIONLCM_OT_refit_keys(MotionLCMOperator, bpy.types.Operator):
    """Fit the keys of the active Action again with this tolerance. Keys edited by hand are replaced"""

    bl_idname = "motionlcm.refit_keys"
    bl_label = "Refit Keys"
    bl_options = {"REGISTER", "UNDO"}

    def perform(self, context: bpy.types.Context) -> None:
        messages.show_message(refit(context, find_character(context)))
        context.scene.frame_set(context.scene.frame_current)


class MOTIONLCM_OT_cancel(bpy.types.Operator):
    """Cancel the running generation without writing its result. Shift also cancels the waiting generations"""

    bl_idname = "motionlcm.cancel"
    bl_label = "Cancel"
    bl_options = {"INTERNAL"}

    everything: bpy.props.BoolProperty(
        name="All Characters",
        description="Cancel the jobs of all characters, also jobs that wait",
        default=False,
        options={"SKIP_SAVE"},
    )

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        self.everything = self.everything or event.shift
        return self.execute(context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        return {"FINISHED"} if job_queue.get().cancel(self.everything) else {"CANCELLED"}


CLASSES = (MOTIONLCM_OT_generate, MOTIONLCM_OT_generate_again, MOTIONLCM_OT_refit_keys, MOTIONLCM_OT_cancel)
