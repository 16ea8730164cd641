"""Pick the bone of a joint with the mouse in the viewport."""

# No `from __future__ import annotations` here: Blender reads properties from real annotations.
from dataclasses import dataclass
from typing import TYPE_CHECKING

import bpy
from bpy.app.translations import pgettext_iface as iface_

from ..scene import handles, messages, viewports
from ..scene.evaluation import evaluated_depsgraph
from . import joint_mapping, mapping_drawing, stored_mapping

if TYPE_CHECKING:
    import numpy as np

REACH = 30.0
"""Pixels at scale 1 from the mouse to the nearest bone, at most."""
SAME = 5.0
"""Pixels at scale 1 by which bones at one place are apart from the mouse; the wheel goes through them."""


@dataclass(frozen=True, eq=False)
class PickableBones:
    """The visible bones of an armature.

    names: of the bones. ends: (N, 2, 3) heads and tails in the world. control: (N,) whether a bone has a custom shape,
    as controls have.
    """

    names: list[str]
    ends: "np.ndarray"
    control: "np.ndarray"


def pickable_bones(obj: bpy.types.Object, depsgraph: bpy.types.Depsgraph) -> PickableBones:
    """The visible bones in the present pose; all of them if none is visible."""
    import numpy as np

    posed = obj.evaluated_get(depsgraph)
    bones = [bone for bone in posed.pose.bones if _is_visible(bone)] or list(posed.pose.bones)
    matrix = np.array(posed.matrix_world, np.float64)
    ends = np.array([[bone.head, bone.tail] for bone in bones], np.float64)
    ends = ends @ matrix[:3, :3].T + matrix[:3, 3]
    control = np.array([bone.custom_shape is not None for bone in bones], bool)
    return PickableBones([bone.name for bone in bones], ends, control)


def _is_visible(bone: bpy.types.PoseBone) -> bool:
    if bone.bone.hide or getattr(bone, "hide", False):
        return False
    collections = bone.bone.collections
    return not len(collections) or any(each.is_visible_effectively for each in collections)


def bones_under(
    bones: PickableBones, matrix: "np.ndarray", size: tuple[float, float], mouse: tuple[float, float], scale: float
) -> list[int]:
    """The bones near the mouse, the nearest first; of bones at one place controls come first.

    Args:
        bones: The bones.
        matrix: (4, 4) world to clip space.
        size: Width and height of the region in pixels.
        mouse: Pixels of the region.
        scale: Of the user interface.
    """
    import numpy as np

    pixels = viewports.projected(bones.ends, matrix, *size)[0]
    start, along = pixels[:, 0], pixels[:, 1] - pixels[:, 0]
    length = np.maximum((along**2).sum(-1), 1e-9)
    share = np.clip(((np.array(mouse) - start) * along).sum(-1) / length, 0.0, 1.0)
    away = np.linalg.norm(start + share[:, None] * along - mouse, axis=-1)
    near = [index for index in range(len(away)) if away[index] < REACH * scale]
    if not near:
        return []
    closest = min(away[index] for index in near)
    here = [index for index in near if away[index] < closest + SAME * scale]
    here.sort(key=lambda index: (not bones.control[index], round(float(away[index])), -index))
    return here


class MOTIONLCM_OT_pick_bone(bpy.types.Operator):
    """Click a bone in the viewport to make it the bone of this part of the body. The wheel goes through bones at one place, Esc stops"""  # noqa: E501  a tooltip

    bl_idname = "motionlcm.pick_bone"
    bl_label = "Pick Bone"
    bl_options = {"REGISTER", "UNDO"}

    joint: bpy.props.StringProperty(options={"HIDDEN", "SKIP_SAVE"})

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        character = context.scene.motionlcm.character
        return stored_mapping.has_mapping(character) and character.library is None

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        character = context.scene.motionlcm.character
        if self.joint not in {joint for _, joints in joint_mapping.BODY_PARTS for joint in joints}:
            return {"CANCELLED"}
        self._bones = pickable_bones(character, evaluated_depsgraph(context))
        self._character = handles.handle_of(character)
        self._under: list[int] = []
        self._chosen = 0
        label = character.motionlcm.joints.bl_rna.properties[self.joint].name
        text = iface_("Click the bone of: {part}. Wheel: other bones here. Esc: stop")
        context.workspace.status_text_set(text.format(part=iface_(label)))
        context.window.cursor_modal_set("EYEDROPPER")
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        character = context.scene.motionlcm.character
        if character is None or character.session_uid != self._character.session_uid:
            return self._stop(context, {"CANCELLED"})
        if event.type in ("ESC", "RIGHTMOUSE") and event.value == "PRESS":
            return self._stop(context, {"CANCELLED"})
        found = viewports.viewport_under(context.window, event.mouse_x, event.mouse_y)
        if found is None:
            self._point_at([])
            return {"PASS_THROUGH"} if event.type != "LEFTMOUSE" else {"RUNNING_MODAL"}
        if event.type == "MOUSEMOVE":
            region, view = found
            import numpy as np

            scale = float(context.preferences.system.ui_scale)
            mouse = float(event.mouse_x - region.x), float(event.mouse_y - region.y)
            matrix = np.array(view.perspective_matrix, np.float64)
            self._point_at(bones_under(self._bones, matrix, (region.width, region.height), mouse, scale))
        elif event.type in ("WHEELUPMOUSE", "WHEELDOWNMOUSE", "TAB") and event.value == "PRESS" and self._under[1:]:
            self._chosen += -1 if event.type == "WHEELUPMOUSE" else 1
            self._show()
        elif event.type == "LEFTMOUSE" and event.value == "PRESS" and self._under:
            joint_mapping.choose_bones(character, self.joint, (self._name(),))
            messages.show_message("")
            return self._stop(context, {"FINISHED"})
        elif event.type not in ("LEFTMOUSE", "TAB"):
            return {"PASS_THROUGH"}
        return {"RUNNING_MODAL"}

    def _name(self) -> str:
        return self._bones.names[self._under[self._chosen % len(self._under)]]

    def _point_at(self, under: list[int]) -> None:
        if under != self._under:
            self._under, self._chosen = under, 0
            self._show()

    def _show(self) -> None:
        picking = mapping_drawing.picking
        picking.bone, picking.ends = "", None
        if self._under:
            index = self._under[self._chosen % len(self._under)]
            picking.bone, picking.ends = self._bones.names[index], self._bones.ends[index]
        messages.redraw()

    def _stop(self, context: bpy.types.Context, result: set[str]) -> set[str]:
        self._under = []
        self._show()
        context.workspace.status_text_set(None)
        context.window.cursor_modal_restore()
        return result

    def cancel(self, context: bpy.types.Context) -> None:
        """Blender stops the operator: another file was opened, or the window was closed."""
        self._stop(context, {"CANCELLED"})


CLASSES = (MOTIONLCM_OT_pick_bone,)
