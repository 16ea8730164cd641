"""Motion out of recipes: of any Action of this file, and of recipe files."""

# No `from __future__ import annotations` here: Blender reads properties from real annotations.
from typing import TYPE_CHECKING

import bpy

from . import generate

if TYPE_CHECKING:
    from .worker import Order

PROMPT = "motionlcm_prompt"
MADE = "motionlcm_made"


def with_recipe() -> list[bpy.types.Action]:
    """The Actions of this file that were made here, linked ones included, the latest first."""
    found = [action for action in bpy.data.actions if PROMPT in action]
    return sorted(found, key=lambda action: (str(action.get(MADE, "")), action.session_uid), reverse=True)


_offered: list[tuple[str, str, str]] = []
"""Blender keeps no copy of an enum's texts: they must live as long as it shows them."""


def _actions(_operator: bpy.types.OperatorProperties, _context: bpy.types.Context | None) -> list[tuple[str, str, str]]:
    # Full names, because an Action that is linked may be called like one that is not.
    _offered[:] = [(action.name_full, action.name_full, str(action[PROMPT])) for action in with_recipe()]
    return _offered


class MOTIONLCM_OT_regenerate(generate.Ordering, bpy.types.Operator):
    """Make the motion of any Action that was made here once more, for the present character, from its recipe alone"""

    bl_idname = "motionlcm.regenerate"
    bl_label = "Regenerate from Action"
    bl_options = {"REGISTER"}
    bl_property = "action"

    action: bpy.props.EnumProperty(
        name="Action", description="Whose recipe to follow", items=_actions, options={"SKIP_SAVE"}
    )

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        return any(PROMPT in action for action in bpy.data.actions)

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        if self.properties.is_property_set("action"):  # a button that names one
            return self.execute(context)
        context.window_manager.invoke_search_popup(self)
        return {"FINISHED"}

    def order(self, context: bpy.types.Context) -> "Order":
        action = next(action for action in with_recipe() if action.name_full == self.action)
        return generate.order_from_recipe(context, generate.find_character(context), action)


CLASSES = (MOTIONLCM_OT_regenerate,)
