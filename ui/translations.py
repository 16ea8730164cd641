"""Other languages, through Blender's own translations: labels and tooltips use the language of Blender's interface.

`tools/messages.py` finds the texts to translate. Prompts and sentences of the engine are English.
"""

import bpy

from ..operators.scene import addon
from . import translations_de

TABLES = {"de": translations_de.MESSAGES}
"""By Blender's language codes: (context, English) -> translation."""


def register_properties() -> None:
    bpy.app.translations.register(addon.ROOT_PACKAGE, TABLES)


def unregister_properties() -> None:
    bpy.app.translations.unregister(addon.ROOT_PACKAGE)
