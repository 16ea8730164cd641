"""Motion made again from recipes: in this file and in others, with nothing of the scene it was made in."""

from __future__ import annotations

import json
import types

import bpy
import numpy as np
import pytest

from motionlcm_blender.cli import main
from tests.blender.support import add_character, bone_heads, generate, panel_status, part, poly_curve, refusal, settings
from tests.blender.test_panels import Layout, drawn, operators
from tests.blender.test_shots import add as add_shots
from tests.repeated import JOINTS_M, assert_same_motion


def curves_in(action: bpy.types.Action) -> dict[tuple[str, int], np.ndarray]:
    """Keys of an Action, (K, 6) for each curve: place and both handles, as stored."""
    keys = {}
    for curve in part("operators.armature.actions").holder_of(action).fcurves:
        columns = []
        for name in ("co", "handle_left", "handle_right"):
            column = np.empty(2 * len(curve.keyframe_points), np.float32)
            curve.keyframe_points.foreach_get(name, column)
            columns.append(column.reshape(-1, 2))
        keys[curve.data_path, curve.array_index] = np.concatenate(columns, axis=1)
    return keys


def assert_same(one, two, within: float = JOINTS_M) -> None:
    assert one.keys() == two.keys() and len(one) > 60
    for name, keys in one.items():
        np.testing.assert_allclose(two[name], keys, rtol=0.0, atol=within, err_msg=str(name))


def hills(name: str = "Hills") -> bpy.types.Object:
    mesh = bpy.data.meshes.new(name)
    places = [(x, y, 0.15 * np.sin(x + 0.5 * y)) for x in range(-6, 7) for y in range(-6, 7)]
    faces = [(13 * i + j, 13 * i + j + 1, 13 * i + j + 14, 13 * i + j + 13) for i in range(12) for j in range(12)]
    mesh.from_pydata(places, [], faces)
    obj = bpy.data.objects.new(name, mesh)
    bpy.context.scene.collection.objects.link(obj)
    return obj


def rising_path() -> bpy.types.Object:
    return poly_curve([(0, 0, 0), (0.2, -1.5, 0.4), (1.0, -2.5, 0.5)], name="Ramp")


def pin(joint: str, place, first: int, last: int) -> None:
    bpy.context.scene.cursor.location = place
    bpy.ops.motionlcm.add_pin(joint=joint)
    settings().pins[-1].first, settings().pins[-1].last = first, last


def plain() -> None:
    generate("a person dances")


def along_a_path_with_pins_and_facing() -> None:
    pin("r_wrist", (0.3, -1.0, 1.1), 10, 30)
    pin("head", (0.1, -1.0, 1.4), 20, 20)
    settings().facing, settings().facing_angle = "FIXED", 0.6
    generate(path=rising_path())


def on_a_mesh() -> None:
    settings().ground = hills()
    settings().key_mode = "FITTED"
    generate()


def mirrored_and_varied_loop() -> None:
    settings().loop = True
    generate(seconds=3.0, path=poly_curve([(0, 0), (0, -2)]))
    bpy.ops.motionlcm.vary_take(share=0.2)
    bpy.ops.motionlcm.mirror_take()


def in_two_pieces() -> None:
    generate(seconds=11.0)


def carried() -> None:
    settings().travel = "root"
    generate(path=poly_curve([(0, 0), (1, -2)]))


def a_shot() -> None:
    pin("l_wrist", (0.2, -0.4, 1.2), 60, 80)
    add_shots("a person walks", seconds=1.7)
    add_shots("a person waves", seconds=2.3)
    shots = settings().character.motionlcm.shots
    shots[1].path = rising_path()
    bpy.ops.motionlcm.generate_shots()
    settings().character.motionlcm.shot_index = 1
    bpy.ops.motionlcm.show_shot()
    assert settings().character.animation_data.action == shots[1].action


WAYS = (
    plain, along_a_path_with_pins_and_facing, on_a_mesh, mirrored_and_varied_loop, in_two_pieces, carried, a_shot,
)  # fmt: skip


@pytest.mark.each_blender
@pytest.mark.parametrize("link", [False, True], ids=["appended", "linked"])
@pytest.mark.parametrize("make", WAYS)
def test_an_action_makes_itself_again_in_another_file(make, link, tmp_path):
    add_character()
    make()
    action = settings().character.animation_data.action
    name, expected = action.name, curves_in(action)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "made.blend"))
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    part("operators.session.model_session").get().forget()  # another instance of the model
    assert not bpy.data.objects
    with bpy.data.libraries.load(str(tmp_path / "made.blend"), link=link) as (_, wanted):
        wanted.actions = [name]
    source = wanted.actions[0]
    add_character().name = "Somebody Else"
    settings().key_mode = "FITTED"  # and other settings of the panel
    assert bpy.ops.motionlcm.regenerate(action=source.name_full) == {"FINISHED"}
    again = settings().character.animation_data.action
    assert again != source and again.library is None and "motionlcm_shot" not in again
    assert_same(expected, curves_in(again))
    assert part("operators.takes.active_take").present_take(settings().character) == again
    assert bpy.ops.motionlcm.generate_again() == {"FINISHED"}  # the copy's recipe is as whole
    assert_same(expected, curves_in(settings().character.animation_data.action))


def test_at_another_frame_rate_a_shot_takes_the_same_time():
    add_character()
    a_shot()
    action = settings().character.animation_data.action
    first, last = action.frame_range
    bpy.context.scene.render.fps = 48
    bpy.ops.motionlcm.generate_again()
    again = settings().character.animation_data.action.frame_range
    assert again[0] == first and again[1] - again[0] == 2 * (last - first)


def test_for_a_giant_the_way_in_the_world_is_the_same():
    armature = add_character()
    way = poly_curve([(0, 0), (0.5, -2)])
    generate(path=way, seconds=3.0)
    action = armature.animation_data.action
    armature.animation_data.action = None
    giant = add_character()
    giant.scale = (1.5, 1.5, 1.5)
    bpy.ops.motionlcm.regenerate(action=action.name)
    generated = giant.animation_data.action
    assert generated["motionlcm_units_per_metre"] == pytest.approx(1.5)
    end = bone_heads(giant, "pelvis", [int(generated.frame_range[1])])[0]
    np.testing.assert_allclose(end[:2], (0.5, -2), atol=0.08)


def test_a_shot_made_alone_is_mirrored_and_still_goes_on_from_the_one_before():
    add_character()
    a_shot()
    first = bone_heads(settings().character, "head", [35])
    bpy.ops.motionlcm.generate_again()
    bpy.ops.motionlcm.mirror_take()
    assert settings().character.animation_data.action["motionlcm_mirror"]
    np.testing.assert_allclose(bone_heads(settings().character, "head", [35]), first, atol=2e-3)


def test_a_shot_that_was_split_is_made_whole_with_a_warning():
    add_character()
    a_shot()
    bpy.ops.motionlcm.show_shot()
    bpy.context.scene.frame_set(60)
    bpy.ops.motionlcm.split_shot()
    half = settings().character.motionlcm.shots[2].action
    bpy.ops.motionlcm.regenerate(action=half.name_full)
    assert any("cut or joined" in warning for warning in panel_status().warnings)
    again = settings().character.animation_data.action
    assert "motionlcm_cut" not in again and again.frame_range[1] == half.frame_range[1]


def test_the_header_of_the_action_editor_offers_it():
    draw, layout = part("ui.action_editor")._draw, Layout()
    header = types.SimpleNamespace(layout=layout)
    for mode, action in (("ACTION", None), ("DOPESHEET", generate_one())):
        draw(header, types.SimpleNamespace(space_data=types.SimpleNamespace(mode=mode), active_action=action))
    draw(header, types.SimpleNamespace(space_data=None))
    assert layout.seen == []
    draw(header, types.SimpleNamespace(space_data=types.SimpleNamespace(mode="ACTION"), active_action=action))
    assert [given["operator"] for _, given in layout.seen] == ["motionlcm.regenerate"]


def generate_one() -> bpy.types.Action:
    add_character()
    return generate(seconds=0.5)


def test_the_panel_offers_all_three():
    offered = set(operators(drawn("MOTIONLCM_PT_recipes")))
    assert offered == {"motionlcm.regenerate", "motionlcm.export_recipe", "motionlcm.import_recipe"}


def test_what_is_offered_keeps_its_number():
    generate_one()
    offered = part("operators.interchange.recipe_files")._actions
    first = offered(None, bpy.context)[0]
    generate(seconds=0.5)
    latest, again = offered(None, bpy.context)
    assert again is first and latest[3] != first[3]


def test_another_model_has_a_warning():
    add_character()
    action = generate()
    action["motionlcm_model_sha256"] = "0" * 64
    bpy.ops.motionlcm.generate_again()
    assert any("Another model generated this motion before" in warning for warning in panel_status().warnings)


def test_shots_of_an_earlier_version_are_refused():
    add_character()
    a_shot()
    action = settings().character.animation_data.action
    for name in ("recipe", "start", "seam_frame"):
        del action[f"motionlcm_{name}"]
    assert "earlier version" in refusal(bpy.ops.motionlcm.generate_again)


def test_an_older_recipe_still_finds_its_ground_by_name():
    add_character()
    settings().ground = hills()
    action = generate()
    expected = curves_in(action)
    for name in list(action.keys()):
        if name == "motionlcm_recipe" or name.startswith("motionlcm_ground_"):
            del action[name]
    bpy.ops.motionlcm.generate_again()
    assert_same(expected, curves_in(settings().character.animation_data.action))


def test_incomplete_recipes_are_reported():
    add_character()
    action = generate(path=rising_path())
    action["motionlcm_path_xz"] = list(action["motionlcm_path_xz"])[:-4]
    assert "path_xz must give x and z for each" in refusal(bpy.ops.motionlcm.generate_again)
    bpy.data.actions.new("Mine")
    offered = [name for name, *_ in part("operators.interchange.recipe_files")._actions(None, bpy.context)]
    assert offered == [action.name]


def test_a_recipe_file_makes_the_same_curves_in_another_file(tmp_path):
    add_character()
    a_shot()
    expected = curves_in(settings().character.animation_data.action)
    file = str(tmp_path / "shot.json")
    assert bpy.ops.motionlcm.export_recipe(filepath=file) == {"FINISHED"}
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    part("operators.session.model_session").get().forget()
    add_character()
    assert bpy.ops.motionlcm.import_recipe(filepath=file) == {"FINISHED"}
    assert_same(expected, curves_in(settings().character.animation_data.action))


def test_all_takes_are_exported_and_imported_in_their_order(tmp_path):
    armature = add_character()
    settings().takes = 3
    generate(seed=2**31 - 2)
    file = tmp_path / "takes.json"
    assert bpy.ops.motionlcm.export_recipe(filepath=str(file), what="TAKES") == {"FINISHED"}
    assert "3 recipes to takes.json" in panel_status().message
    written = json.loads(file.read_text())
    seeds = [each["seed"] for each in written["recipes"]]
    assert seeds[0] == 2**31 - 2 and seeds == sorted(set(seeds)) and len(seeds) == 3
    bpy.data.batch_remove(list(bpy.data.actions))
    bpy.ops.motionlcm.import_recipe(filepath=str(file))
    assert armature.animation_data.action["motionlcm_seed"] == 2**31 - 2
    takes = part("operators.takes.takes").takes_of(armature)
    assert len(takes) == 3 and len({action["motionlcm_batch"] for action in takes}) == 1
    bpy.ops.motionlcm.recall()
    assert settings().seed == 2**31 - 2


@pytest.mark.parametrize("make", [along_a_path_with_pins_and_facing, on_a_mesh, a_shot])
def test_the_command_line_makes_the_clip_of_blender(make, tmp_path, model_folder):
    add_character()
    make()
    action = settings().character.animation_data.action
    clip = part("operators.generation.write_actions").recent_results.find(action)[1].clip
    bpy.ops.motionlcm.export_recipe(filepath=str(tmp_path / "r.json"))
    out = tmp_path / "r.npz"
    arguments = ["generate", "--recipe", str(tmp_path / "r.json"), "--model", str(model_folder), "--device", "numpy"]
    assert main.main([*arguments, "--out", str(out)]) == 0
    with np.load(out) as made:
        assert float(made["fps"]) == clip.fps == 24.0
        assert_same_motion(made["translation"], clip.translation)
        assert_same_motion(made["rotations"], clip.rotations)


def test_files_that_are_no_recipes_are_refused_and_nothing_changes(tmp_path):
    armature = add_character()
    file = tmp_path / "bad.json"
    file.write_text("{}")
    sentence = refusal(lambda: bpy.ops.motionlcm.import_recipe(filepath=str(file)))
    assert "bad.json cannot be read" in sentence and armature.animation_data is None
    assert not bpy.ops.motionlcm.export_recipe.poll()
    generate()
    assert "cannot be written" in refusal(
        lambda: bpy.ops.motionlcm.export_recipe(filepath=str(tmp_path / "nowhere" / "r.json"))
    )
    del armature.animation_data.action["motionlcm_recipe"]
    assert "earlier version" in refusal(lambda: bpy.ops.motionlcm.export_recipe(filepath=str(file)))


def test_without_any_nothing_can_be_regenerated():
    add_character()
    assert not bpy.ops.motionlcm.regenerate.poll()
