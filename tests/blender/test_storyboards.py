"""Storyboards: into a scene and out of it again, and as a Blender file by the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import bpy
import numpy as np
import pytest

from tests.blender.support import (
    PATIENCE_S,
    REPOSITORY,
    add_character,
    bone_heads,
    panel_status,
    part,
    poly_curve,
    refusal,
    settings,
)

BOARD = {
    "motionlcm_storyboard": 1,
    "fps": 24,
    "paths": {
        "street": {"points": [[0, 0], [0, -2], [1, -4]]},
        "round": {"points": [[3, 0], [4, 0, 0.2], [4, 1]], "cyclic": True, "weights": [1, 0.5, 1]},
    },
    "characters": [
        {
            "name": "Ada",
            "at": [0, 0],
            "facing": 30,
            "shots": [
                {"prompt": "a person walks", "first": 1, "last": 49, "path": "street", "seed": 4},
                {"prompt": "a person waves", "first": 49, "last": 97, "locked": True},
            ],
        },
        {
            "name": "Bob",
            "at": [3, 1, 0.5],
            "facing": -120,
            "scale": 1.25,
            "shots": [
                {"prompt": "a person walks", "first": 11, "last": 59, "path": "round"},
                {
                    "prompt": "a person reaches",
                    "first": 70,
                    "last": 118,
                    "pins": [
                        {"joint": "l_wrist", "at": [3, 1, 1.5], "first": 80, "last": 90},
                        {"joint": "pelvis", "at": [3, 1, 1], "first": 100, "last": 118},
                    ],
                },
            ],
        },
    ],
}


def content_of(board):
    return part("motionlcm_blender.storyboard.writing").storyboard_content(board)


def write(folder: Path, content=BOARD) -> str:
    file = folder / "board.json"
    file.write_text(json.dumps(content))
    return str(file)


def near(one, two) -> bool:
    """The same storyboard but for single precision."""
    if isinstance(one, dict):
        return list(one) == list(two) and all(near(one[key], two[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(two) and all(near(a, b) for a, b in zip(one, two, strict=True))
    return abs(one - two) < 2e-3 if isinstance(one, int | float) else one == two


def states(name: str) -> list[str]:
    return [shot.state for shot in bpy.data.objects[name].motionlcm.shots]


def test_imported_it_is_all_there_and_empty(tmp_path):
    assert bpy.ops.motionlcm.import_storyboard(filepath=write(tmp_path)) == {"FINISHED"}
    ada, bob = bpy.data.objects["Ada"], bpy.data.objects["Bob"]
    assert settings().character == ada and states("Ada") == ["EMPTY"] * 2 == states("Bob")
    assert [(s.first, s.last, s.seed, s.locked) for s in ada.motionlcm.shots] == [(1, 49, 4, False), (49, 97, 0, True)]
    assert ada.motionlcm.shots[0].path == bpy.data.objects["street"]
    assert bob.scale[0] == pytest.approx(1.25) and bob.rotation_euler.z == pytest.approx(np.radians(-120))
    assert sum(len(shot.pins) for shot in bob.motionlcm.shots) == 2 and len(settings().pins) == 0
    assert panel_status().message == "2 characters and 4 shots were added."
    assert bpy.context.scene.frame_end == 250


def test_exported_it_is_the_same_again(tmp_path):
    bpy.ops.motionlcm.import_storyboard(filepath=write(tmp_path))
    out = tmp_path / "again.json"
    assert bpy.ops.motionlcm.export_storyboard(filepath=str(out)) == {"FINISHED"}
    read = part("motionlcm_blender.storyboard.reading").read_storyboard
    one, two = (content_of(read(file)) for file in (tmp_path / "board.json", out))
    assert near(one, two), (one, two)
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    bpy.ops.motionlcm.import_storyboard(filepath=str(out))
    third = tmp_path / "third.json"
    bpy.ops.motionlcm.export_storyboard(filepath=str(third))
    again = content_of(read(third))
    assert near(two, again), (two, again)


def test_in_other_units(tmp_path):
    bpy.context.scene.unit_settings.scale_length = 0.01
    bpy.ops.motionlcm.import_storyboard(filepath=write(tmp_path))
    assert bpy.data.objects["Bob"].location.x == pytest.approx(300)
    bpy.ops.motionlcm.export_storyboard(filepath=str(tmp_path / "again.json"))
    read = part("motionlcm_blender.storyboard.reading").read_storyboard
    one, two = (content_of(read(tmp_path / name)) for name in ("board.json", "again.json"))
    assert near(one, two), (one, two)


@pytest.mark.parametrize(("own", "last"), [(False, 193), (True, 97)])
def test_frame_rates(tmp_path, own, last):
    bpy.context.scene.render.fps = 48
    bpy.ops.motionlcm.import_storyboard(filepath=write(tmp_path), set_frame_rate=own)
    assert bpy.data.objects["Ada"].motionlcm.shots[1].last == last
    assert bpy.context.scene.render.fps == (24 if own else 48)


def test_generated_at_once_pins_hold_their_own_character(tmp_path):
    bpy.ops.motionlcm.import_storyboard(filepath=write(tmp_path), generate=True)
    assert states("Ada") == ["DONE"] * 2 == states("Bob"), panel_status().message
    street, end = bone_heads(bpy.data.objects["Ada"], "pelvis", [1, 49])[:, :2]
    np.testing.assert_allclose((street, end), ((0, 0), (1, -4)), atol=0.05)
    away = np.linalg.norm(bone_heads(bpy.data.objects["Ada"], "l_wrist", [85]) - (3, 1, 1.5))
    assert away > 1.0
    assert "motionlcm_pin_max_cm" in bpy.data.objects["Bob"].motionlcm.shots[1].action


def test_a_part_of_a_path(tmp_path):
    content = json.loads(json.dumps(BOARD))
    content["characters"][0]["shots"][0]["part"] = [0.0, 0.4721359549995794]
    bpy.ops.motionlcm.import_storyboard(filepath=write(tmp_path, content))
    shot = bpy.data.objects["Ada"].motionlcm.shots[0]
    assert shot.path.name == "street" and shot.path_to == pytest.approx(0.47214, abs=1e-5)
    board, _ = part("operators.interchange.storyboards").storyboard_of(bpy.context)
    assert board.characters[0].shots[0].part == (0.0, 0.4721)


def test_a_path_called_like_a_character_leaves_it_its_name(tmp_path):
    content = json.loads(json.dumps(BOARD).replace("street", "Bob"))
    bpy.ops.motionlcm.import_storyboard(filepath=write(tmp_path, content))
    assert len(states("Bob")) == 2 and bpy.data.objects["Ada"].motionlcm.shots[0].path == bpy.data.objects["Bob.001"]


def test_from_edit_mode(tmp_path):
    armature = add_character()
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    assert bpy.ops.motionlcm.import_storyboard(filepath=write(tmp_path)) == {"FINISHED"}
    assert bpy.context.mode == "OBJECT" and len(states("Bob")) == 2


def test_undo_takes_it_away_again(tmp_path):
    bpy.ops.ed.undo_push(message="start")
    bpy.ops.motionlcm.import_storyboard(filepath=write(tmp_path))
    bpy.ops.ed.undo_push(message="import")
    bpy.ops.ed.undo()
    assert "Ada" not in bpy.data.objects and "street" not in bpy.data.objects


def test_a_mistake_changes_nothing(tmp_path):
    content = json.loads(json.dumps(BOARD))
    content["characters"][1]["shots"][1]["prompt"] = " "
    sentence = refusal(lambda: bpy.ops.motionlcm.import_storyboard(filepath=write(tmp_path, content)))
    assert sentence.startswith('Character "Bob", shot 2: the prompt is empty') and not bpy.data.objects
    assert "no character" in refusal(lambda: bpy.ops.motionlcm.export_storyboard(filepath=str(tmp_path / "x.json")))
    add_character()
    settings().length = 0.1
    bpy.ops.motionlcm.add_shot()
    sentence = refusal(lambda: bpy.ops.motionlcm.export_storyboard(filepath=str(tmp_path / "x.json")))
    assert "shot 1: frames 1 to 3 are 0.1 s" in sentence and not (tmp_path / "x.json").exists()


def test_curves_with_handles_animated_paths_and_shared_pins_are_exported(tmp_path):
    armature = add_character()
    settings().length = 2.0
    for _ in range(2):
        bpy.ops.motionlcm.add_shot()
    one, two = armature.motionlcm.shots
    one.path = poly_curve([(0, 0), (0, -3)], name="Way")
    cart = bpy.data.objects.new("Cart", None)
    bpy.context.scene.collection.objects.link(cart)
    for frame, x in ((49, 0), (97, 2)):
        cart.location.x = x
        cart.keyframe_insert("location", frame=frame)
    two.path = cart
    bpy.ops.motionlcm.add_pin(joint="head")
    settings().pins[0].first, settings().pins[0].last = 20, 60
    file = tmp_path / "board.json"
    bpy.ops.motionlcm.export_storyboard(filepath=str(file))
    assert any("without its timing" in warning for warning in panel_status().warnings)
    board = part("motionlcm_blender.storyboard.reading").read_storyboard(file)
    assert [(pin.first, pin.last) for shot in board.characters[0].shots for pin in shot.pins] == [(20, 49), (50, 60)]
    name = board.characters[0].shots[1].path
    assert board.paths["Way"].points == ((0, 0, 0), (0, -3, 0)) and board.paths[name].points[-1] == (2, 0, 0)


# the command


def run(*arguments, **variables) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "motionlcm_blender", "storyboard", *map(str, arguments)]
    environment = {**os.environ, **variables}
    return subprocess.run(
        command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )


def test_the_command_makes_a_file_to_go_on_with(tmp_path, model_folder):
    out = tmp_path / "board.blend"
    content = json.loads(json.dumps(BOARD))
    content["characters"].append({"name": "MotionLCM Mannequin", "at": [9, 9]})
    content["characters"][2]["shots"] = [{"prompt": "a person sits", "seconds": 2}]
    options = ["--bake", "--fps", 30, "--model", model_folder, "--device", "numpy"]
    done = run(write(tmp_path, content), "--out", out, *options)
    assert done.returncode == 0, done.stderr
    assert "3 characters, 5 shots, 30 frames per second" in done.stdout and f"Wrote      {out}" in done.stdout
    assert done.stdout.count(" ms  a person") == 5 and "Bob        shot 2, frames 87 to 147" in done.stdout
    assert sorted(file.name for file in tmp_path.iterdir()) == ["board.blend", "board.json"]
    bpy.ops.wm.open_mainfile(filepath=str(out))
    assert states("Ada") == ["DONE"] * 2 == states("Bob")
    ada, scene = bpy.data.objects["Ada"], bpy.context.scene
    assert [strip.name for strip in ada.animation_data.nla_tracks[0].strips] == ["a person walks", "a person waves"]
    assert ada.animation_data.action["motionlcm_baked"] and ada.animation_data.nla_tracks[0].mute
    assert (scene.frame_start, scene.frame_end, scene.render.fps) == (1, 147, 30) and scene.camera is not None
    assert ada.motionlcm.shots[0].path.type == "CURVE" and settings().character == ada
    ada.motionlcm.shots[0].prompt = "a person runs"  # and on
    bpy.ops.motionlcm.generate_shots()
    assert states("Ada") == ["DONE", "DONE"]


def test_the_command_refuses_in_one_sentence(tmp_path, model_folder):
    out = tmp_path / "board.blend"
    out.write_bytes(b"before")
    for changes, sentence in (
        (["--out", tmp_path / "x.bvh"], "becomes a .blend file"),
        (["--out", tmp_path / "no" / "x.blend"], "There is no folder"),
        (["--out", out, "--blender", "no-such-blender"], "no-such-blender is not a program"),
        (["--out", out, "--device", "abacus"], "no device called abacus"),
        (["--out", out, "--device", "mps", "--model", model_folder], 'Character "Ada", shot 1: '),
        (["--out", out, "--fps", 0], "frame rate must be 1 to 1000"),
    ):
        done = run(write(tmp_path), *changes)
        assert done.returncode == 1 and sentence in done.stderr and done.stderr.count("\n") == 1, done
    assert out.read_bytes() == b"before"


def test_packages_are_lent_only_by_name(tmp_path):
    (tmp_path / "lent_for_test").mkdir()
    (tmp_path / "lent_for_test" / "__init__.py").write_text("value = 3")
    (tmp_path / "not_lent_for_test.py").write_text("")
    lent = part("operators.scripts.render_storyboard").Lent({"lent_for_test": str(tmp_path)})
    assert lent.find_spec("lent_for_test").submodule_search_locations == [str(tmp_path / "lent_for_test")]
    assert lent.find_spec("not_lent_for_test") is None and lent.find_spec("lent_for_test", ["/"]) is None
