"""Labels and tooltips in other languages: what Blender would look up is in the tables."""

from __future__ import annotations

import types

import bpy
import pytest

from tests.blender.support import EXTENSION, add_character, generate, part, settings
from tests.blender.test_tooltips import classes, own_properties


def table() -> dict[tuple[str, str], str]:
    return part("ui.translations").TABLES["de"]


OF_BLENDER = {("*", "File Path"), ("*", "Filepath used for exporting the file"),
              ("*", "Filepath used for importing the file")}  # fmt: skip
"""Messages of Blender's own helpers, which it translates itself."""


def test_all_that_is_registered_has_a_translation():
    wanted = set()
    for cls in classes():
        if issubclass(cls, bpy.types.Operator):
            rna = getattr(bpy.ops.motionlcm, cls.bl_idname.split(".")[1]).get_rna_type()
            assert rna.translation_context == "Operator"
            wanted |= {("Operator", cls.bl_label), ("*", rna.description)}
        elif issubclass(cls, (bpy.types.Panel, bpy.types.Menu)):
            wanted.add(("*", cls.bl_label))
        for prop in own_properties(cls):
            context = prop.translation_context
            assert context in ("*", "MotionLCM")
            wanted |= {(context, prop.name), ("*", prop.description)}
            for item in prop.enum_items if prop.type == "ENUM" else ():
                wanted |= {(context, item.name), ("*", item.description)}
    missing = {(context, text) for context, text in wanted if any(map(str.isalpha, text))} - set(table()) - OF_BLENDER
    assert len(wanted) > 200 and not missing


def test_tables_come_and_go_with_the_extension(monkeypatch):
    translations, calls = part("ui.translations"), []
    blender = types.SimpleNamespace(
        register=lambda name, tables: calls.append(("register", name, tuple(tables))),
        unregister=lambda name: calls.append(("unregister", name)),
    )
    app = types.SimpleNamespace(translations=blender)
    monkeypatch.setattr(translations, "bpy", types.SimpleNamespace(app=app))
    translations.register_properties()
    translations.unregister_properties()
    assert calls == [("register", EXTENSION, ("de",)), ("unregister", EXTENSION)]


def test_composed_text_is_translated_as_a_whole(monkeypatch):
    takes = part("operators.takes.takes")
    add_character()
    settings().takes = 2
    generate(seconds=0.5, seed=5)
    present = settings().character.animation_data.action
    monkeypatch.setattr(takes, "iface_", lambda text: table()["*", text])
    assert takes.label(present, present) == "Startwert 5"


def test_blender_looks_it_up():
    if not bpy.app.build_options.international:
        pytest.skip("this Blender was built without translations")
    view = bpy.context.preferences.view
    view.language, view.use_translate_interface = "de_DE", True
    try:
        assert bpy.app.translations.pgettext_iface("Pin error") == "Abweichung von den Haltepunkten"
        assert bpy.app.translations.pgettext_iface("Generate Shot", "Operator") == "Shot erzeugen"
    finally:
        view.language = "en_US"
