"""Make a Character Walk Here: a character, a path and a motion along it with one press, and one undo step."""

from typing import TYPE_CHECKING

import bpy

from ..characters.add_character import create_character
from ..controls import draw_path
from ..scene.handles import find_both
from ..scene.linking import put_into_scene, scene_units_per_metre
from ..session import job_queue
from .orders import OrderOperator, order_from_scene
from .write_actions import write_result

if TYPE_CHECKING:
    from ..session.generation_worker import GenerationJobInput, GenerationOutput

PROMPT = "a person walks forward"
S_SHAPE = ((0.0, 0.0), (0.0, -0.7), (0.55, -2.0), (-0.55, -3.6), (0.0, -5.0))
"""Metres from the 3D cursor: the points of the path."""

NEW_FILE_RANGE = (1, 250)
"""Frame range of a scene in a new file."""

EXPLANATION = (
    "The character: an armature", "The path: edit it, press Generate", "The walk: keys in an Action",
    "One undo removes all of it",
)  # fmt: skip
"""One line for each thing that was made."""

_explained: int | None = None
"""Session id of the Action that the last press made; no other file has it."""


def is_explained(action: bpy.types.Action | None) -> bool:
    """Whether this Action was made by Make a Character Walk Here, and nothing was made after it."""
    return action is not None and action.session_uid == _explained


def add_s_path(context: bpy.types.Context) -> bpy.types.Object:
    """Add an S of five metres on the floor from the 3D cursor toward the front, smooth, ready to be edited."""
    data = bpy.data.curves.new(draw_path.PATH_NAME, "CURVE")
    data.dimensions = "2D"
    data.fill_mode = "NONE"
    spline = data.splines.new("BEZIER")
    spline.bezier_points.add(len(S_SHAPE) - 1)
    units = scene_units_per_metre(context.scene)
    for point, (x, y) in zip(spline.bezier_points, S_SHAPE, strict=True):
        point.co = (units * x, units * y, 0.0)
        point.handle_left_type = point.handle_right_type = "AUTO"
    curve = bpy.data.objects.new(draw_path.PATH_NAME, data)
    curve.location = context.scene.cursor.location
    put_into_scene(context, curve)
    return curve


def _order(context: bpy.types.Context) -> "GenerationJobInput":
    """Add character and path, set the panel, and build the job input of the walk."""
    from ...motionlcm_blender.motion.ground_path import suggested_frames
    from ...motionlcm_blender.motion.skeleton import FPS
    from ..controls import path_speed

    chosen = context.scene.motionlcm
    character = create_character(context)
    path = add_s_path(context)
    chosen.character, chosen.path, chosen.prompt = character, path, PROMPT
    context.view_layer.update()
    drawn = path_speed.drawn_path(context, path)
    if drawn is not None:
        chosen.length = suggested_frames(drawn) / FPS
    return order_from_scene(context)


class MOTIONLCM_OT_first_motion(OrderOperator, bpy.types.Operator):
    """Add a character and a path at the 3D cursor, and generate a walk along the path. One undo removes everything"""

    bl_idname = "motionlcm.first_motion"
    bl_label = "Make a Character Walk Here"
    bl_options = {"REGISTER"}  # writing the result makes the undo step

    def order(self, context: bpy.types.Context) -> "GenerationJobInput":
        before = set(bpy.data.objects)
        try:
            return _order(context)
        except Exception:
            for made in set(bpy.data.objects) - before:
                bpy.data.objects.remove(made)
            raise

    def submit(self, order: "GenerationJobInput") -> None:
        def start() -> job_queue.Job:
            find_both(order.scene, order.character)
            return job_queue.Job(order, write_and_explain)

        job_queue.get().enqueue([job_queue.QueuedJob(order.character, start)])


def write_and_explain(order: "GenerationJobInput", result: "GenerationOutput") -> str:
    """Write the result, and explain it in the panel. A new file without animation ends with the walk, which repeats."""
    global _explained
    scene, character = find_both(order.scene, order.character)
    if not bpy.data.actions and (scene.frame_start, scene.frame_end) == NEW_FILE_RANGE:
        scene.frame_end = scene.frame_start  # writing moves the end to the last frame of the walk
    message = write_result(order, result)
    _explained = character.animation_data.action.session_uid
    return message


CLASSES = (MOTIONLCM_OT_first_motion,)
