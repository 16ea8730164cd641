"""Other languages, through Blender's own translations: labels and tooltips follow the language of its interface.

`tools/messages.py` finds what there is to translate. What is typed into a prompt and what the engine says is English.
"""

import bpy

from ..operators.scene import addon
from . import translations_de

TABLES = {"de": translations_de.MESSAGES}
"""By Blender's names of languages: (context, English) -> translation."""


def register_properties() -> None:
    bpy.app.translations.register(addon.ROOT_PACKAGE, TABLES)


def unregister_properties() -> None:
    bpy.app.translations.unregister(addon.ROOT_PACKAGE)
