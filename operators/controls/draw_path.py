"""Draw Path: a flat curve on the floor, drawn with Blender's own draw tool."""

import bpy
from bpy.app.translations import pgettext_rpt as rpt_

from ..armature.take_properties import DRAWN
from ..scene import messages
from ..scene.linking import put_into_scene
from ..session import job_queue

PATH_NAME = "MotionLCM Path"


def is_drawing(context: bpy.types.Context) -> bool:
    """Whether one of our paths is in edit mode."""
    obj = context.active_object
    return obj is not None and obj.type == "CURVE" and obj.mode == "EDIT" and DRAWN.is_on(obj)


def start(context: bpy.types.Context) -> bpy.types.Object:
    """Create an empty flat curve on the floor, choose it as the path, and enter its edit mode with the draw tool.

    A 2D curve is drawn on its own plane from any view, regardless of objects behind the mouse.
    """
    if context.mode != "OBJECT":
        bpy.ops.object.mode_set(mode="OBJECT")
    data = bpy.data.curves.new(PATH_NAME, "CURVE")
    data.dimensions = "2D"
    data.fill_mode = "NONE"
    obj = bpy.data.objects.new(PATH_NAME, data)
    DRAWN.write(obj, True)
    obj.location.z = _floor_height(context)
    put_into_scene(context, obj)
    context.scene.motionlcm.path = obj

    paint = context.scene.tool_settings.curve_paint_settings
    paint.curve_type = "BEZIER"
    paint.use_pressure_radius = False  # the radius is the speed along the path
    paint.radius_max = 1.0
    paint.radius_taper_start = paint.radius_taper_end = 0.0
    paint.depth_mode = "CURSOR"

    bpy.ops.object.mode_set(mode="EDIT")
    _choose_draw_tool(context)
    return obj


def finish(context: bpy.types.Context) -> bpy.types.Object | None:
    """Leave edit mode, flatten the path and choose it. An empty drawing is removed; the result is None then."""
    obj = context.active_object
    bpy.ops.object.mode_set(mode="OBJECT")
    splines = obj.data.splines
    for spline in [s for s in splines if len(_points(s)) < 2]:
        splines.remove(spline)
    if not splines:
        data = obj.data
        bpy.data.objects.remove(obj)
        bpy.data.curves.remove(data)
        return None
    for spline in splines:
        for point in spline.points:
            point.co.z = 0.0
        for point in spline.bezier_points:
            point.co.z = point.handle_left.z = point.handle_right.z = 0.0
    context.scene.motionlcm.path = obj
    return obj


def _floor_height(context: bpy.types.Context) -> float:
    """The height of the floor under the character; 0 without a character."""
    from ...motionlcm_blender.errors import MotionLCMError
    from ..rigs.recognised import current_placement, read_character, units_per_metre

    character = context.scene.motionlcm.character
    if character is None:
        return 0.0
    context.view_layer.update()
    try:
        rig = read_character(character)
        units = units_per_metre(character, rig)
        return round(float(current_placement(character, rig, units).origin[1]) * units, 4)
    except MotionLCMError:  # Generate reports the error of the armature
        return 0.0


def _points(spline: bpy.types.Spline) -> bpy.types.bpy_prop_collection:
    return spline.bezier_points if spline.type == "BEZIER" else spline.points


def _choose_draw_tool(context: bpy.types.Context) -> None:
    """Activate the draw tool, if there is a 3D viewport."""
    if bpy.app.background or context.window is None:
        return
    areas = [context.area, *context.window.screen.areas]
    for area in areas:
        if area is not None and area.type == "VIEW_3D":
            region = next(r for r in area.regions if r.type == "WINDOW")
            with context.temp_override(area=area, region=region):
                bpy.ops.wm.tool_set_by_id(name="builtin.draw", space_type="VIEW_3D")
            return


class MOTIONLCM_OT_draw_path(bpy.types.Operator):
    """Draw a path on the floor with the mouse. Press Finish Path when the path is complete"""

    bl_idname = "motionlcm.draw_path"
    bl_label = "Draw Path"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        if is_drawing(context):
            return _finish_with_message(self, context)
        start(context)
        job_queue.get().warm_up()
        messages.show_message("Draw with the left mouse button on the floor, then press Finish Path.")
        return {"FINISHED"}


class MOTIONLCM_OT_finish_path(bpy.types.Operator):
    """Finish drawing and use the drawn curve as the path"""

    bl_idname = "motionlcm.finish_path"
    bl_label = "Finish Path"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not is_drawing(context):
            cls.poll_message_set(rpt_("No path is being drawn"))
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        return _finish_with_message(self, context)


def _finish_with_message(operator: bpy.types.Operator, context: bpy.types.Context) -> set[str]:
    if finish(context) is None:
        messages.show_message("The drawing is empty, so no path was added.")
    else:
        messages.show_message("")
    return {"FINISHED"}


CLASSES = (MOTIONLCM_OT_draw_path, MOTIONLCM_OT_finish_path)
