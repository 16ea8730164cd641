"""Several takes of one order: Actions to compare, star, vary and accept."""

from __future__ import annotations

import bpy
import numpy as np
import pytest

from tests.blender.support import add_character, bone_heads, generate, part, poly_curve, refusal, settings, takes

FRAMES = range(1, 40, 6)


def shown_takes():
    return part("operators.takes.takes").shown_takes(settings().character, settings().take_sort)


def present() -> bpy.types.Action:
    return settings().character.animation_data.action


def heads() -> np.ndarray:
    return bone_heads(settings().character, "head", FRAMES)


def test_takes_are_actions_of_their_own_seeds(three):
    seeds = [a["motionlcm_seed"] for a in three]
    assert seeds[0] == 5 and seeds == sorted(set(seeds))
    assert present() == three[0] and all(a.use_fake_user for a in three[1:])
    assert len({a["motionlcm_batch"] for a in three}) == 1
    first = heads()
    bpy.ops.motionlcm.step_take()
    assert present() == three[1]
    second = heads()
    assert np.abs(first - second).max() > 1e-3
    bpy.ops.motionlcm.step_take(step=-1)
    assert present() == three[0]
    np.testing.assert_allclose(heads(), first, atol=1e-5)
    bpy.ops.motionlcm.step_take(step=-1)
    assert present() == three[2]  # around the end


def test_a_take_is_what_its_seed_and_liveliness_alone_give(three):
    bpy.ops.motionlcm.show_take(name=three[1].name)
    of_batch = heads()
    settings().takes, settings().liveliness = 1, three[1].get("motionlcm_liveliness", 1.0)
    generate(seed=three[1]["motionlcm_seed"])
    np.testing.assert_allclose(heads(), of_batch, atol=2e-3)  # a batch is summed up in another order


def test_the_nearest_to_the_path_comes_first():
    add_character()
    settings().takes = 4
    generate(path=poly_curve([(0, 0), (0, -1.0), (0.8, -1.8)]))
    settings().take_sort = "PATH"
    errors = [a["motionlcm_path_mean_cm"] for a in takes()]
    assert len(errors) == 4 and errors == sorted(errors)


def test_the_take_with_the_fewest_faults_comes_first_and_old_takes_behind():
    add_character()
    settings().takes = 5
    generate()
    old = takes()[1:3]
    for action, skate in zip(old, (20.0, 10.0), strict=True):  # as version 0.1 wrote them
        for name in ("faults", "drag_cm", "below_floor_cm", "energy_share"):
            del action[f"motionlcm_{name}"]
        action["motionlcm_foot_skate_cm_s"] = skate
    settings().take_sort = "QUALITY"
    order = takes()
    faults = [a["motionlcm_faults"] for a in order[:3]]
    assert faults == sorted(faults) and order[3:] == [old[1], old[0]]
    measures = part("ui.takes_panel").short_measures
    read = part("operators.armature.take_properties").read
    named = part("operators.takes.takes").measures_of(read(order[0]))
    assert any(text.startswith("worst foot drag ") for text in named) and any("% of captured" in text for text in named)
    assert measures(read(old[0]))[0] == "20 cm/s" and any("%" in number for number in measures(read(order[0])))


def test_accepting_keeps_stars_and_what_is_used_elsewhere(three):
    bpy.ops.motionlcm.star_take(name=three[2].name)
    assert takes()[0] == three[2]
    settings().takes = 4
    generate(seed=5)
    starred = takes()[-1]
    bpy.ops.motionlcm.star_take(name=starred.name)
    used, names = takes()[-2], [a.name for a in takes()]
    kept = {present().name, used.name, starred.name, three[2].name}
    bpy.data.objects.new("Other", None).animation_data_create().action = used
    bpy.ops.motionlcm.accept_take()
    left = set(bpy.data.actions.keys())
    assert kept <= left and set(names) - left == set(names) - kept


def test_rejecting_shows_the_next(three):
    names = [a.name for a in three]
    bpy.ops.motionlcm.reject_take()
    assert present().name == names[1] and names[0] not in bpy.data.actions
    bpy.ops.motionlcm.star_take(name=names[1])
    bpy.ops.motionlcm.reject_take()
    assert names[1] in bpy.data.actions and present().name == names[2]
    bpy.ops.motionlcm.star_take(name=names[1])
    assert [a.name for a in takes()] == names[1:]


def test_a_take_is_varied_and_made_again_from_its_recipe(three):
    first = heads()
    settings().takes = 2
    bpy.ops.motionlcm.vary_take(share=0.1)
    little = heads()
    assert len(takes()) == 2 and present()["motionlcm_blends"][1] == pytest.approx(0.1)
    name = present().name
    bpy.ops.motionlcm.generate_again()
    assert present().name != name
    np.testing.assert_allclose(heads(), little, atol=2e-3)
    assert np.abs(little - first).max() > 0.0
    bpy.ops.motionlcm.vary_take(share=0.5)
    assert len(present()["motionlcm_blends"]) == 4  # of the one varied already


def test_a_take_is_blended_with_a_starred_one(three):
    ends = []
    for action in three[:2]:
        bpy.ops.motionlcm.show_take(name=action.name)
        ends.append(heads())
    bpy.ops.motionlcm.show_take(name=three[0].name)
    assert "Star another take" in refusal(bpy.ops.motionlcm.blend_takes)
    bpy.ops.motionlcm.star_take(name=three[1].name)
    bpy.ops.motionlcm.blend_takes(share=1.0)
    np.testing.assert_allclose(heads(), ends[1], atol=2e-3)


def test_mirrored_twice_is_the_take_again(three):
    first = heads()
    bpy.ops.motionlcm.mirror_take()
    assert present()["motionlcm_mirror"] and "mirrored" in present().name
    bpy.ops.motionlcm.mirror_take()
    np.testing.assert_allclose(heads(), first, atol=2e-3)


def test_takes_stay_with_a_character_that_is_renamed(three, tmp_path):
    seeds = [a["motionlcm_seed"] for a in three]
    settings().character.name = "Somebody Else"
    file = str(tmp_path / "takes.blend")
    bpy.ops.wm.save_as_mainfile(filepath=file)
    bpy.ops.wm.open_mainfile(filepath=file)
    assert [a["motionlcm_seed"] for a in takes()] == seeds


def test_the_list_shows_what_distinguishes_takes(three):
    label = part("operators.takes.takes").label
    assert [label(a, three[0]) for a in three] == [f"Seed {a['motionlcm_seed']}" for a in three]
    bpy.ops.motionlcm.vary_take(share=0.15)
    assert label(present(), present()) == "Seed 5, varied 15 %"
    settings().takes = 1
    generate("a person jumps", seed=9)
    assert label(three[0], present()).startswith("a person walks s5")


def test_without_takes_nothing_can_be_pressed():
    add_character()
    assert not bpy.ops.motionlcm.step_take.poll() and takes() == []


def test_faster_and_slower(three):
    generate(path=poly_curve([(0, 0), (0, -2.0)]), seconds=4.0)
    bpy.ops.motionlcm.retime_take(speed=2.0)
    assert tuple(present().frame_range) == (1, 49) and present()["motionlcm_speed"] == 2.0
    np.testing.assert_allclose(bone_heads(settings().character, "pelvis", [1, 49])[:, 1], [0.0, -2.0], atol=0.08)
    bpy.ops.motionlcm.retime_take(speed=0.5)
    assert abs(present().frame_range[1] - 97) <= 2 and present()["motionlcm_speed"] == 1.0
    again = heads()
    bpy.ops.motionlcm.generate_again()
    np.testing.assert_allclose(heads(), again, atol=1e-4)
    bpy.ops.motionlcm.retime_take(speed=4.0)
    assert "0.4 to 60.0 seconds" in refusal(lambda: bpy.ops.motionlcm.retime_take(speed=4.0))


def test_pushed_into_the_nla_it_moves_as_before(three):
    armature, chosen = settings().character, settings()
    before, name = heads(), present().name
    bpy.ops.motionlcm.push_take()
    data = armature.animation_data
    assert data.action is None and [t.name for t in data.nla_tracks] == ["MotionLCM Takes"]
    strip = data.nla_tracks[0].strips[0]
    assert strip.action.name == name and strip.name == chosen.prompt and strip.blend_in == strip.blend_out == 0.0
    np.testing.assert_allclose(heads(), before, atol=1e-5)
    assert not bpy.ops.motionlcm.show_take.poll()
    chosen.start, chosen.takes = "CURRENT_FRAME", 1
    bpy.context.scene.frame_set(20)
    generate("a person waves")
    bpy.ops.motionlcm.push_take()
    assert [len(t.strips) for t in data.nla_tracks] == [1, 1]  # one above the other, and over it it comes in
    above = data.nla_tracks[1].strips[0]
    assert above.name == "a person waves" and above.blend_in == pytest.approx(7.2) and above.extrapolation == "NOTHING"
    bpy.context.scene.frame_set(300)
    generate()
    bpy.ops.motionlcm.push_take()
    assert [len(t.strips) for t in data.nla_tracks] == [1, 2]


def test_the_panel_draws_takes_from_an_index_that_follows_changes(monkeypatch):
    add_character()
    settings().takes = 3
    generate()
    index = part("operators.armature.take_index").get()
    assert shown_takes() == takes() and len(takes()) == 3
    scans, scan = [], type(index)._scan
    monkeypatch.setattr(type(index), "_scan", lambda self: (scans.append(1), scan(self))[1])
    for _ in range(5):
        shown_takes()
    assert not scans  # a redraw does not scan the file
    removed = next(take for take in takes() if take != settings().character.animation_data.action)
    bpy.data.actions.remove(removed)
    assert shown_takes() == takes() and len(takes()) == 2
    takes()[1].name = "Renamed"
    assert shown_takes() == takes() and len(takes()) == 2
    other = next(take for take in takes() if take != settings().character.animation_data.action)
    other["motionlcm_character_id"] = "another"
    assert shown_takes() == takes() and len(takes()) == 1
    other["motionlcm_character_id"] = settings().character["motionlcm_id"]
    other.update_tag()
    bpy.context.view_layer.update()
    assert shown_takes() == takes() and len(takes()) == 2
    assert len(scans) <= 4
