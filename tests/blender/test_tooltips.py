"""A tooltip on everything: operators and their settings, what is set in scene and objects, and the preferences."""

from __future__ import annotations

from collections.abc import Iterator

import bpy
import pytest

from tests.blender.support import EXTENSION, part


def classes() -> tuple[type, ...]:
    return (*part("operators").CLASSES, *part("ui").CLASSES)


def own_properties(cls: type) -> Iterator[bpy.types.Property]:
    """The properties a class adds, but for hidden ones."""
    rna = cls.bl_rna
    if issubclass(cls, bpy.types.Operator):
        family, name = cls.bl_idname.split(".")
        rna = getattr(getattr(bpy.ops, family), name).get_rna_type()
    declared = {name for kind in cls.__mro__ for name in vars(kind).get("__annotations__", ())}
    by_name = {prop.identifier: prop for prop in rna.properties}  # an own "name" comes after Blender's
    yield from (prop for name, prop in by_name.items() if name in declared and not prop.is_hidden)


def wrong_with(text: str) -> str:
    """What is wrong with a tooltip; Blender adds the full stop itself."""
    if not text.strip():
        return "is missing"
    if text.strip() != text or "\n" in text:
        return "has blanks around it, or more than one line"
    if text.endswith("."):
        return "ends with a full stop"
    return "" if text[0].isupper() or text[0].isdigit() or text[0] == "-" else "begins with a small letter"


def test_every_operator_has_a_tooltip():
    found = [cls for cls in classes() if issubclass(cls, bpy.types.Operator)]
    assert len(found) > 30
    wrong = []
    for cls in found:
        family, name = cls.bl_idname.split(".")
        assert family == "motionlcm"
        shown = getattr(bpy.ops.motionlcm, name).get_rna_type().description
        wrong += [f"{cls.bl_idname} {fault}: {shown}" for fault in [wrong_with(shown)] if fault]
    assert not wrong, "\n".join(wrong)


def test_every_property_has_a_tooltip_and_a_name():
    wrong, count = [], 0
    for cls in classes():
        for prop in own_properties(cls):
            count += 1
            where = f"{cls.__name__}.{prop.identifier}"
            wrong += [f"{where} {fault}: {prop.description}" for fault in [wrong_with(prop.description)] if fault]
            if not prop.name:
                wrong.append(f"{where} has no name")
            if prop.type == "ENUM":
                for item in prop.enum_items:
                    fault = wrong_with(item.description)
                    if fault:
                        wrong.append(f"{where}, {item.identifier} {fault}: {item.description}")
    assert count > 55 and not wrong, "\n".join(wrong)


@pytest.mark.parametrize("owner", ["Scene", "Object"])
def test_what_is_attached_to_blenders_own_has_a_tooltip(owner):
    prop = getattr(bpy.types, owner).bl_rna.properties["motionlcm"]
    assert prop.name == "MotionLCM" and not wrong_with(prop.description)


def test_panels_and_menus_have_labels():
    for cls in classes():
        if issubclass(cls, (bpy.types.Panel, bpy.types.Menu)):
            assert cls.bl_label and cls.__doc__, cls


def test_preferences_are_looked_at_too():
    assert {prop.identifier for prop in own_properties(part("ui.preferences").MOTIONLCM_AP_preferences)} >= {
        "device",
        "model_folder",
    }
    assert EXTENSION in bpy.context.preferences.addons
