"""Motion from recipes: from any Action of this file, and from recipe files."""

# No `from __future__ import annotations` here: Blender reads properties from real annotations.
import uuid
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import bpy
from bpy.app.translations import pgettext_rpt as rpt_

from ..armature import character_lookup, take_index
from ..armature.take_properties import MADE, PROMPT, has_recipe
from ..generation import action_recipes, orders, write_actions
from ..scene import handles, messages, user_paths
from ..scene.dynamic_enum import DynamicEnumItems
from ..scene.operator_base import MotionLCMOperator
from ..session import job_queue
from ..session.job_operator import JobOperator
from ..takes import active_take, takes

if TYPE_CHECKING:
    from typing import Any

    from ...motionlcm_blender.recipes.recipe import Recipe
    from ..scene.handles import Handle
    from ..session.generation_worker import GenerationJobInput


def with_recipe() -> list[bpy.types.Action]:
    """The Actions of this file that have a recipe, linked ones included, the latest first."""
    found = [action for action in bpy.data.actions if has_recipe(action)]
    return sorted(found, key=lambda action: (MADE.read(action), action.session_uid), reverse=True)


_offered = DynamicEnumItems()


def _actions(_operator: bpy.types.OperatorProperties, _context: bpy.types.Context | None) -> "list[Any]":
    # Full names, because a linked Action may have the same name as a local one.
    return _offered.items((action.name_full, PROMPT.read(action)) for action in with_recipe())


class MOTIONLCM_OT_regenerate(orders.OrderOperator, bpy.types.Operator):
    """Generate the motion of an Action again for the present character, from the Action's recipe alone"""

    bl_idname = "motionlcm.regenerate"
    bl_label = "Regenerate from Action"
    bl_options = {"REGISTER"}
    bl_property = "action"

    action: bpy.props.EnumProperty(
        name="Action", description="Action with the recipe", items=_actions, options={"SKIP_SAVE"}
    )

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        if take_index.get().any_generated():
            return True
        cls.poll_message_set(rpt_("No Action of this file has a recipe"))
        return False

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        if self.properties.is_property_set("action"):  # a button that sets the Action
            return self.execute(context)
        context.window_manager.invoke_search_popup(self)
        return {"FINISHED"}

    def order(self, context: bpy.types.Context) -> "GenerationJobInput":
        from ...motionlcm_blender.errors import InvalidRequest

        action = next((action for action in with_recipe() if action.name_full == self.action), None)
        if action is None:
            raise InvalidRequest("This Action was removed: choose another.")
        return orders.order_from_recipe(context, character_lookup.find_character(context), action)


def make_all(scene: "Handle", character: "Handle", recipes: "Sequence[Recipe]", batch: str) -> "job_queue.Job":
    """The job of the last recipe. Its follow-up jobs are the earlier recipes, so that the first recipe's motion stays
    active.

    batch: identity that the takes share. Raises InvalidRequest if a recipe is invalid.
    """
    in_scene, found = handles.find_both(scene, character)
    character_lookup.check_writable(found)
    view_layer = bpy.context.view_layer if bpy.context.scene == in_scene else in_scene.view_layers[0]
    with bpy.context.temp_override(scene=in_scene, view_layer=view_layer):
        order = orders.order_of(bpy.context, found, recipes[-1], own=False)
    following = partial(make_all, scene, character, recipes[:-1], batch) if len(recipes) > 1 else None
    return job_queue.Job(order, partial(write_actions.write_result, batch=batch), following)


def _present(context: bpy.types.Context) -> bpy.types.Action | None:
    """Our visible Action: the character's own, or that of the chosen shot."""
    character = context.scene.motionlcm.character
    data = character.animation_data if character is not None else None
    action = data.action if data is not None else None
    action = active_take.present_take(character) if action is None else action
    return action if has_recipe(action) else None


class MOTIONLCM_OT_export_recipe(MotionLCMOperator, bpy.types.Operator):
    """Write the recipe of the active take, or of all takes in the list, to a file"""

    bl_idname = "motionlcm.export_recipe"
    bl_label = "Export Recipe"
    bl_options = {"REGISTER"}

    filepath: bpy.props.StringProperty(
        name="File", description="JSON file to write", subtype="FILE_PATH", options=user_paths.BLEND_RELATIVE
    )
    filter_glob: bpy.props.StringProperty(default="*.json", options={"HIDDEN"})
    check_existing: bpy.props.BoolProperty(default=True, options={"HIDDEN"})
    what: bpy.props.EnumProperty(
        name="What",
        description="Recipes to write",
        items=(
            ("TAKE", "This Take", "Write the recipe of the active Action"),
            ("TAKES", "All Takes", "Write the recipes of all takes in the list"),
        ),
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if _present(context) is not None:
            return True
        cls.poll_message_set(rpt_("The character's Action has no recipe"))
        return False

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        action = _present(context)
        assert action is not None  # poll has checked this
        self.filepath = bpy.path.clean_name(action.name) + ".json"
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def check(self, _context: bpy.types.Context) -> bool:
        whole = bpy.path.ensure_ext(self.filepath, ".json")
        changed = whole != self.filepath
        self.filepath = whole
        return changed

    def perform(self, context: bpy.types.Context) -> None:
        from ...motionlcm_blender.errors import InvalidRequest
        from ...motionlcm_blender.recipes.serialization import write

        chosen = context.scene.motionlcm
        actions = [action for action in (_present(context),) if action is not None]
        if self.what == "TAKES":
            actions = list(filter(has_recipe, takes.takes_of(chosen.character, chosen.take_sort))) or actions
        old = next((a.name for a in actions if action_recipes.recipe_is_old(a)), None)
        if old is not None:
            raise InvalidRequest(f'"{old}" is from an earlier version: press Again, then export.')
        path = user_paths.absolute(bpy.path.ensure_ext(self.filepath, ".json"))
        write(path, [action_recipes.recipe_in(action) for action in actions])
        messages.show_message(f"Wrote {len(actions)} recipe{'s' if len(actions) > 1 else ''} to {path.name}.")


class MOTIONLCM_OT_import_recipe(JobOperator, bpy.types.Operator):
    """Generate the motions of a recipe file for the present character. Each motion becomes an Action"""

    bl_idname = "motionlcm.import_recipe"
    bl_label = "Import Recipe"
    bl_options = {"REGISTER"}

    filepath: bpy.props.StringProperty(
        name="File", description="JSON file of recipes", subtype="FILE_PATH", options=user_paths.BLEND_RELATIVE
    )
    filter_glob: bpy.props.StringProperty(default="*.json", options={"HIDDEN"})

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def perform(self, context: bpy.types.Context) -> None:
        from ...motionlcm_blender.recipes.serialization import read

        recipes = read(user_paths.absolute(self.filepath))
        character = character_lookup.find_character(context)
        owners = handles.handle_of(context.scene), handles.handle_of(character)
        start = partial(make_all, *owners, recipes, uuid.uuid4().hex[:12])
        job_queue.get().enqueue([job_queue.QueuedJob(owners[1], start)])


CLASSES = (MOTIONLCM_OT_regenerate, MOTIONLCM_OT_export_recipe, MOTIONLCM_OT_import_recipe)
