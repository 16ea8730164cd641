"""What is seen: panels and preferences. Draws state, computes nothing.

action_editor: What is added to Blender's Action editor.
controls_panel: The panel of pins, facing, feet and ground.
model_menu: Which models there are: a menu of them, what is chosen, and the way to MotionLCM's published ones.
model_panel: The panel of the model: its name, its licence, and what it runs on.
panels: The sidebar tab "MotionLCM".
preferences: The extension's preferences: which model, on what.
shot_strips: Strips of shots, drawn at the bottom of the timeline and the dope sheet; their menu, and the field for a
    prompt.
shots_panel: The panel and the list of shots.
sidebar: The tab of the sidebar that the panels belong to.
takes_panel: The panel of takes.
translations: Other languages, through Blender's own translations: labels and tooltips follow the language of its
    interface.
translations_de: German, by Blender's contexts: names of operators are looked up apart from everything else.
widgets: Rows that several panels draw: wrapped text, and a name with its value.
"""

from ..operators.scene import registration
from . import (
    action_editor,
    controls_panel,
    model_menu,
    model_panel,
    panels,
    preferences,
    shot_strips,
    shots_panel,
    takes_panel,
    translations,
)

MODULES = (
    model_menu, preferences, panels, takes_panel, shots_panel, controls_panel, model_panel, shot_strips, action_editor,
    translations,
)  # fmt: skip
CLASSES = registration.classes_of(MODULES)


def register() -> None:
    registration.register(MODULES)


def unregister() -> None:
    registration.unregister(MODULES)
