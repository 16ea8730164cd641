"""Panels, menus and preferences. This package draws state and computes nothing.

action_editor: The extension's buttons in Blender's Action editor.
controls_panel: The panel of pins, facing, feet and ground.
library_panel: The panel of the model's prompt library.
main_subpanels: What the main panel leaves to subpanels: further settings of a generation, and the result of the last
    one.
model_menu: The menu of models, the chosen model, and the button for MotionLCM's published weights.
model_panel: The panel of the model: its name, its licence, and its device.
move_panel: The panel that moves a motion to another character.
panels: The sidebar tab "MotionLCM".
preferences: The extension's preferences: the model, its device, and the keys.
rig_panel: What the character was recognised as, and the mapping of its bones: rows of the main panel.
shot_strips: Strips of shots, drawn at the bottom of the timeline and the dope sheet; their menu, and the field for a
    prompt.
shots_panel: The panel and the list of shots.
sidebar: The sidebar tab of the panels.
takes_panel: The panel of takes.
translations: Other languages, through Blender's own translations: labels and tooltips use the language of Blender's
    interface.
translations_de: German, by Blender's contexts: labels of operators have a context of their own.
widgets: Rows that several panels draw: wrapped text, and a name with its value.
"""

from ..operators.scene import registration
from . import (
    action_editor,
    controls_panel,
    library_panel,
    main_subpanels,
    model_menu,
    model_panel,
    move_panel,
    panels,
    preferences,
    shot_strips,
    shots_panel,
    takes_panel,
    translations,
)

MODULES = (
    model_menu, preferences, panels, library_panel, main_subpanels, takes_panel, shots_panel, controls_panel,
    model_panel, move_panel, shot_strips, action_editor, translations,
)  # fmt: skip
CLASSES = registration.classes_of(MODULES)


def register() -> None:
    registration.register(MODULES)


def unregister() -> None:
    registration.unregister(MODULES)
