"""The functions for scripts, and the document that describes them."""

from __future__ import annotations

import inspect
import re
import sys
from importlib.util import module_from_spec, spec_from_file_location

import bpy
import numpy as np
import pytest

from tests.blender.support import REPOSITORY, bone_heads, part, settings


@pytest.fixture
def api():
    return part("operators.api")


def test_the_example_of_the_document(api):
    hero = api.add_character("Hero", at=(1, 0, 0), facing=90)
    street = api.add_path("Street", [(1, 0), (3, 0), (4, -1)])
    api.add_shot(hero, "a person walks forward", seconds=2, path=street)
    wave = api.add_shot(hero, "a person waves", seconds=2, seed=3)
    assert [(shot.first, shot.last) for shot in hero.motionlcm.shots] == [(1, 49), (49, 97)]
    made = api.generate(hero)
    assert made == [shot.action for shot in hero.motionlcm.shots]
    np.testing.assert_allclose(bone_heads(hero, "pelvis", [1, 49])[:, :2], [(1, 0), (4, -1)], atol=0.05)
    api.find_shot(hero, wave).seed = 4
    assert api.generate(hero) == [hero.motionlcm.shots[1].action] and api.generate(hero) == []
    assert api.generate(hero, [wave]) == [hero.motionlcm.shots[1].action]
    assert api.bake(hero) == hero.animation_data.action


def test_takes_leave_the_panel_as_it_was(api):
    one, two = api.add_character("One"), api.add_character("Two")
    settings().prompt, settings().length = "a person sits", 9.0
    bpy.context.scene.frame_set(7)
    path = api.add_path("Path", [(0, 0), (0, -1)])
    made = api.generate_take(one, "a person walks", 2.0, seed=5, takes=2, path=path, first=11)
    seeds = [action["motionlcm_seed"] for action in made]
    assert seeds[0] == 5 and len(set(seeds)) == 2 and one.animation_data.action == made[0]
    assert made[0].frame_range[0] == 11 and made[0]["motionlcm_path"] == "Path"
    chosen = settings()
    assert (chosen.character, chosen.prompt, chosen.length, chosen.path, chosen.takes) == (
        two,
        "a person sits",
        9.0,
        None,
        1,
    )


def test_what_is_wrong_is_a_value_error_and_changes_nothing(api):
    hero = api.add_character("Hero")
    first = api.add_shot(hero, "a person walks", seconds=2)
    for mistake, sentence in (
        (lambda: api.add_shot(hero, " ", seconds=2), "prompt is empty"),
        (lambda: api.add_shot(hero, "a person walks"), "either seconds or the frame"),
        (lambda: api.add_shot(hero, "a person walks", 2.0, first=3), 'before "Shot 1" ends'),
        (lambda: api.add_shot(hero, "a person walks", 2.0, seed=-1), "seed must be"),
        (lambda: api.add_shot(hero, "a person walks", 2.0, path=hero), "is the character or a child of the character"),
        (lambda: api.add_path("P", [(0, 0)]), "one point only"),
        (lambda: api.generate(hero, [first, "none"]), "no such shot"),
        (lambda: api.generate_take(hero, "a person walks", 0.1), "too short"),
        (lambda: api.bake(hero), "has a motion yet"),
    ):
        with pytest.raises(ValueError, match=sentence):
            mistake()
    assert len(hero.motionlcm.shots) == 1 and len(bpy.data.actions) == 0 and len(bpy.data.curves) == 0


def test_storyboards(api, tmp_path):
    hero = api.add_character("Hero", at=(1, 2), scale=0.5)
    api.add_shot(hero, "a person walks", first=10, last=60, locked=True)
    assert api.export_storyboard(tmp_path / "board.json") == ()
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    (again,) = api.import_storyboard(tmp_path / "board.json")
    assert again.name == "Hero" and tuple(again.location) == (1, 2, 0) and again.scale[0] == pytest.approx(0.5)
    assert len(api.generate(again)) == 1  # locked, but without a motion to keep


def test_a_shot_of_part_of_a_path_with_takes_and_an_end():
    api, hero = part("operators.api"), part("operators.api").add_character("Hero")
    street = api.add_path("Street", [(0, 0), (0, -4)])
    pose = part("operators.armature.pose_reading").pose_action(bpy.context, hero, "Rest")
    del pose["motionlcm_placed"]
    shot = api.add_shot(hero, "a person walks", seconds=2, path=street, part=(0.5, 1.0), takes=2, end_pose=pose)
    assert len(api.generate(hero)) == 1 and api.find_shot(hero, shot).state == "DONE"
    made = part("operators.takes.takes").takes_of(hero)
    assert [action.name for action in made] == ["MotionLCM Shot 1 take 1", "MotionLCM Shot 1 take 2"]
    with pytest.raises(ValueError, match="rising"):
        api.add_shot(hero, "a person walks", seconds=2, path=street, part=(0.5, 0.2))


def test_the_document_is_up_to_date():
    sys.path.insert(0, str(REPOSITORY / "tools"))
    try:
        spec = spec_from_file_location("list_operators", REPOSITORY / "tools" / "list_operators.py")
        tool = module_from_spec(spec)
        spec.loader.exec_module(tool)
    finally:
        sys.path.remove(str(REPOSITORY / "tools"))
    text = tool.DOCUMENT.read_text(encoding="utf-8")
    fresh = tool.with_tables(text, part("operators"), part("operators.settings"), part("operators.shots.shot_list"))
    assert fresh == text, "run tools/list_operators.py"


def test_every_function_is_in_the_document_as_it_is(api):
    text = (REPOSITORY / "docs" / "PYTHON.md").read_text(encoding="utf-8")
    for name in api.__all__:
        described = re.search(rf"`{name}\((.*?)\)`", text)
        assert described, name
        wanted = [part.split("=")[0].strip() for part in re.sub(r"\([^()]*\)", "", described[1]).split(",")]
        assert [each for each in wanted if each != "*"] == list(inspect.signature(getattr(api, name)).parameters)
        assert getattr(api, name).__doc__
