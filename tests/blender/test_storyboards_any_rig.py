"""Storyboards of characters on armatures of any family: out of one scene, onto other armatures in another."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import bpy
import numpy as np
import pytest

from tests.blender import test_any_rig
from tests.blender.support import add_character, bone_heads, panel_status, part, poly_curve, settings
from tests.blender.test_any_rig import S_PATH, build, mixamo_like, stored_rig, units_of
from tests.blender.test_any_rig_takes import bones_of, rigify

pytestmark = pytest.mark.each_blender
a_model_that_walks = test_any_rig.a_model_that_walks
JOINTS = ("l_hip", "r_hip", "l_knee", "r_ankle", "l_wrist")
FRAMES = range(1, 60, 6)


def named(obj: bpy.types.Object, name: str) -> bpy.types.Object:
    obj.name = name
    return obj


def board(file: Path):
    return part("motionlcm_blender.storyboard.reading").read_storyboard(file)


def shown(obj: bpy.types.Object) -> np.ndarray:
    """(joints, frames, 3) of a character of any family, scene units."""
    if part("operators.armature.smpl_rig").is_character(obj):
        return np.array([bone_heads(obj, name, FRAMES) for name in JOINTS])
    return np.array([bone_heads(obj, name, FRAMES) for name in bones_of(obj, *JOINTS)])


def add_shots(obj: bpy.types.Object, path: bpy.types.Object) -> None:
    settings().character, settings().length, settings().path = obj, 2.5, path
    settings().prompt = "a person walks forward"
    assert bpy.ops.motionlcm.add_shot() == {"FINISHED"}


def generated(obj: bpy.types.Object) -> np.ndarray:
    settings().character = obj
    assert bpy.ops.motionlcm.generate_shots() == {"FINISHED"}, panel_status().message
    return shown(obj)


def test_a_storyboard_of_one_rig_moves_another(tmp_path: Path) -> None:
    first = named(build(mixamo_like()), "Hero")
    first.location, first.rotation_euler.z = (1.0, -0.5, 0.0), 0.6
    bpy.context.view_layer.update()
    path = poly_curve(S_PATH * 0.6 * units_of(first))
    add_shots(first, path)
    before = generated(first) / units_of(first)
    file = tmp_path / "board.json"
    assert bpy.ops.motionlcm.export_storyboard(filepath=str(file)) == {"FINISHED"}
    one = board(file).characters[0]
    assert (one.name, len(one.shots), panel_status().warnings) == ("Hero", 1, ())
    assert one.scale == pytest.approx(units_of(first), abs=1e-3)

    for kind in ("rigify", "SMPL"):
        bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
        test_any_rig.settings().key_mode = "FITTED"
        if kind == "rigify":
            other = named(rigify(), "Hero")
            other.scale = (one.scale / units_of(other),) * 3
            bpy.context.view_layer.update()
        assert bpy.ops.motionlcm.import_storyboard(filepath=str(file)) == {"FINISHED"}
        other = bpy.data.objects["Hero"]
        assert part("operators.armature.smpl_rig").is_character(other) == (kind == "SMPL")
        assert panel_status().warnings == () and len(other.motionlcm.shots) == 1
        after = generated(other) / units_of(other)
        # The path and what limbs do are the same; the bodies have proportions of their own.
        hips = [places[:2].mean(axis=0) for places in (before, after)]
        assert np.linalg.norm((hips[0] - hips[1])[:, :2], axis=-1).max() < 0.06
        limbs = [places[2:] - places[:2].mean(axis=0) for places in (before, after)]
        assert np.linalg.norm(limbs[0] - limbs[1], axis=-1).mean() < 0.12


def test_several_families_come_out_and_back(tmp_path: Path) -> None:
    """Also one without shots that has SMPL's names; an armature without shots of another family is no character."""
    build(stored_rig("m2m_human"))
    path = poly_curve(S_PATH)
    rigs = [named(add_character(), "A"), named(build(mixamo_like()), "B"), named(build(stored_rig("m2m_human")), "C")]
    for number, obj in enumerate(rigs):
        obj.location.x = 2.0 * number
        obj.rotation_euler.z += 0.3 * number
        bpy.context.view_layer.update()
        if number:
            add_shots(obj, path)
    file = tmp_path / "board.json"
    assert bpy.ops.motionlcm.export_storyboard(filepath=str(file)) == {"FINISHED"}
    out = board(file)
    assert [one.name for one in out.characters] == ["A", "B", "C"]
    for obj in rigs:
        obj.motionlcm.shots.clear()
        obj.location.x += 5.0
        obj.rotation_euler.z += 1.0
    bpy.context.view_layer.update()
    count = len(bpy.context.scene.objects)
    made = part("operators.interchange.storyboards").build(bpy.context, out, use_armatures=True)
    assert made == rigs and len(bpy.context.scene.objects) == count + len(out.paths)
    assert bpy.ops.motionlcm.export_storyboard(filepath=str(file)) == {"FINISHED"}
    again = board(file)
    for one, two in zip(out.characters, again.characters, strict=True):
        assert two.at == pytest.approx(one.at, abs=1e-3) and two.facing == pytest.approx(one.facing, abs=0.1)
        assert replace(one, at=two.at, facing=two.facing, shots=()) == replace(two, shots=())
        assert [shot.prompt for shot in one.shots] == [shot.prompt for shot in two.shots]
    # With shots, an armature is not taken again; of another size, the message names the ratio.
    rigs[1].motionlcm.shots.clear()
    rigs[1].scale *= 1.5
    bpy.context.view_layer.update()
    assert bpy.ops.motionlcm.import_storyboard(filepath=str(file)) == {"FINISHED"}
    assert panel_status().message == "1 character and 2 shots were added."
    assert panel_status().warnings == ('"B" keeps its size, 1.50 times that of the storyboard.',)


def test_an_armature_with_shots_that_is_no_humanoid_is_left_out(tmp_path: Path) -> None:
    named(add_character(), "A")
    fox = build(stored_rig("not_humanoid_fox"))
    fox.motionlcm.shots.add()
    assert bpy.ops.motionlcm.export_storyboard(filepath=str(tmp_path / "board.json")) == {"FINISHED"}
    assert len(panel_status().warnings) == 1 and "animal" in panel_status().warnings[0]
    assert [one.name for one in board(tmp_path / "board.json").characters] == ["A"]
