"""The schema of what is stored on Actions and objects."""

from __future__ import annotations

import re

import bpy

from tests.blender.support import REPOSITORY, add_character, generate, part


def stored():
    return part("operators.armature.take_properties")


def test_no_other_module_names_a_stored_property():
    literal = re.compile(r"""["']motionlcm_(?!blender)""")
    found = [
        path.relative_to(REPOSITORY).as_posix()
        for folder in ("operators", "ui")
        for path in sorted((REPOSITORY / folder).rglob("*.py"))
        if literal.search(path.read_text(encoding="utf-8"))
    ]
    assert found == ["operators/armature/take_properties.py"]


def test_the_schema_names_each_property_once():
    names = [(entry.on, entry.name) for entry in stored().SCHEMA]
    assert len(names) == len(set(names)) > 25
    assert all(entry.meaning and entry.since for entry in stored().SCHEMA)


def test_a_generated_action_is_read_by_type():
    add_character()
    action = generate("a person walks", seconds=1.0, seed=7)
    made = stored().read(action)
    assert (made.prompt, made.seed, made.take, made.starred, made.blends) == ("a person walks", 7, None, False, ())
    assert made.milliseconds > 0.0 and made.foot_skate_cm_s >= 0.0 and made.path_mean_cm is None
    assert made.drag_cm >= 0.0 and made.below_floor_cm >= 0.0 and made.energy_share > 0.0
    assert made.facing_off_deg is None and stored().FAULTS.read(action) > 0.0
    assert made.model == "tiny" and part("operators.armature.take_index").get().any_generated()


def test_missing_and_foreign_values_are_the_default():
    action = bpy.data.actions.new("Foreign")
    assert not stored().PROMPT.is_on(action) and stored().SEED.read(action) == 0
    assert not part("operators.armature.take_index").get().any_generated()
    action["motionlcm_seed"], action["motionlcm_origin"] = "many", 3
    assert stored().SEED.read(action) == 0 and stored().ORIGIN.read(action) == ()
    stored().ORIGIN.write(action, (1.0, 2.0, 3.0))
    assert stored().ORIGIN.read(action) == (1.0, 2.0, 3.0)
