"""What is seen: panels and preferences. Draws state, computes nothing."""

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
