"""Operators of the prompt library: use a prompt of the model's library, or one at random."""

import random
from typing import TYPE_CHECKING

import bpy
from bpy.app.translations import pgettext_iface as iface_
from bpy.app.translations import pgettext_rpt as rpt_

from ..scene import messages
from ..scene.dynamic_enum import DynamicEnumItems
from ..session import model_choice, model_library
from .orders import OrderOperator, order_from_scene

if TYPE_CHECKING:
    from typing import Any

    from ...motionlcm_blender.text.prompt_library import LibraryPrompt
    from ..session.generation_worker import GenerationJobInput

ALL = "ALL"
_categories = DynamicEnumItems()


def _category_items(_manager: bpy.types.bpy_struct, _context: bpy.types.Context | None) -> "list[Any]":
    library = model_library.known(model_choice.chosen())
    named = library.categories if library is not None else ()
    rows = [(ALL, iface_("All Categories"), iface_("Show the prompts of all categories"))]
    rows += [(name, name.capitalize(), iface_("Show the prompts of this category")) for name in named]
    return _categories.named(rows)


def shown_prompts(context: bpy.types.Context) -> "tuple[LibraryPrompt, ...]":
    """The prompts of the chosen category that have the words of the search field."""
    library = model_library.known(model_choice.chosen())
    if library is None:
        return ()
    chosen = context.window_manager.motionlcm_library
    found = library.search(chosen.words)
    if chosen.category not in library.categories:  # all, or a category of the model that was chosen before
        return found
    return tuple(prompt for prompt in found if prompt.category == chosen.category)


def description_of(prompt: "LibraryPrompt") -> str:
    """The tooltip of a prompt: what the motion shows, its length, whether it repeats and travels."""
    facts = [iface_("{seconds:.1f} seconds").format(seconds=prompt.seconds)]
    facts.append(iface_("repeats as a loop") if prompt.loops else iface_("does not repeat as a loop"))
    facts.append(iface_("moves over the floor") if prompt.travels else iface_("stays in place"))
    return f"{prompt.about or prompt.prompt}: {', '.join(facts)}"


def use(context: bpy.types.Context, prompt: "LibraryPrompt") -> None:
    """Set prompt, seed and, without a path, length to those of the judged take."""
    chosen = context.scene.motionlcm
    chosen.prompt, chosen.seed = prompt.prompt, prompt.seed
    if chosen.path is None:
        chosen.length = prompt.seconds


class MotionLCMLibraryView(bpy.types.PropertyGroup):
    """What the panel of the library shows; not saved in files."""

    words: bpy.props.StringProperty(
        name="Search",
        description="Show the prompts that have these words",
        options={"TEXTEDIT_UPDATE", "SKIP_SAVE"},
        translation_context="MotionLCM",
    )
    category: bpy.props.EnumProperty(
        name="Category", description="Category of the prompts to show", items=_category_items, options={"SKIP_SAVE"}
    )


class MOTIONLCM_OT_use_library_prompt(bpy.types.Operator):
    """Use this prompt of the model's library, with the length and the seed that were judged"""

    bl_idname = "motionlcm.use_library_prompt"
    bl_label = "Use Library Prompt"
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    prompt: bpy.props.StringProperty(name="Prompt", description="Prompt of the library to use")

    @classmethod
    def description(cls, _context: bpy.types.Context, properties: bpy.types.OperatorProperties) -> str:
        prompt = model_library.find(model_choice.chosen(), properties.prompt)
        return description_of(prompt) if prompt is not None else ""

    def execute(self, context: bpy.types.Context) -> set[str]:
        library = model_library.read(model_choice.chosen())
        prompt = library.find(self.prompt) if library is not None else None
        if prompt is None:
            messages.show_message("The library of the chosen model does not have this prompt.", error=True)
            return {"CANCELLED"}
        use(context, prompt)
        return {"FINISHED"}


class MOTIONLCM_OT_surprise(OrderOperator, bpy.types.Operator):
    """Choose a prompt of the model's library at random and generate it"""

    bl_idname = "motionlcm.surprise"
    bl_label = "Surprise Me"
    bl_options = {"REGISTER"}  # writing the result makes the undo step

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if context.scene.motionlcm.character is None:
            cls.poll_message_set(rpt_("Add a character first"))
            return False
        return True

    def order(self, context: bpy.types.Context) -> "GenerationJobInput":
        from ...motionlcm_blender.errors import InvalidRequest

        library = model_library.read(model_choice.chosen())
        if library is None or not library.prompts:
            raise InvalidRequest("The chosen model has no prompt library.")
        now = context.scene.motionlcm.prompt
        others = [prompt for prompt in shown_prompts(context) or library.prompts if prompt.prompt != now]
        use(context, random.choice(others or list(library.prompts)))
        return order_from_scene(context)


CLASSES = (MotionLCMLibraryView, MOTIONLCM_OT_use_library_prompt, MOTIONLCM_OT_surprise)


def register_properties() -> None:
    bpy.types.WindowManager.motionlcm_library = bpy.props.PointerProperty(
        type=MotionLCMLibraryView,
        name="Prompt Library",
        description="View of the prompt library",
        options={"SKIP_SAVE"},
    )


def unregister_properties() -> None:
    del bpy.types.WindowManager.motionlcm_library
