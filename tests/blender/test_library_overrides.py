"""Linked characters and their library overrides: what is saved, what is refused, objects of the same name."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np
import pytest

from tests.blender.linked_files import armature_of, link_hero, overridden, reopened
from tests.blender.support import add_character, bone_heads, generate, panel_status, part, poly_curve, refusal, settings

WAY = [(0.0, 0.0), (0.0, -3.0)]


def with_shots(character: bpy.types.Object) -> None:
    api = part("operators.api")
    for prompt in ("a person walks", "a person stands", "a person waves"):
        api.add_shot(character, prompt, 2.0)
    api.generate(character)


def played(character: bpy.types.Object) -> list[bpy.types.Action]:
    """The Actions of the strips that play."""
    return [strip.action for track in character.animation_data.nla_tracks if not track.mute for strip in track.strips]


def test_shots_of_the_linked_file_can_be_changed_and_the_change_is_saved(tmp_path: Path) -> None:
    character = overridden(link_hero(tmp_path, with_shots))
    api = part("operators.api")
    character.motionlcm.shots[1].prompt = "a person jumps"
    assert len(api.generate(character)) >= 1
    settings().character = character
    character.motionlcm.shot_index = 2
    bpy.ops.motionlcm.duplicate_shot()
    api.generate(character)
    expected = [(shot.first, shot.prompt) for shot in character.motionlcm.shots]
    character = reopened(tmp_path / "scene.blend")
    shots = character.motionlcm.shots
    assert [(shot.first, shot.prompt) for shot in shots] == expected and len(shots) == 4
    assert all(shot.state == "DONE" for shot in shots) and played(character) == [shot.action for shot in shots]
    part("operators.shots.character_check").get().refresh(bpy.context)
    assert part("operators.shots.character_check").get().causes == []


@pytest.mark.parametrize("operator", ["remove_shot", "move_shot", "join_shots"])
def test_shots_of_the_linked_file_are_not_removed_or_moved(operator: str, tmp_path: Path) -> None:
    character = settings().character = overridden(link_hero(tmp_path, with_shots))
    settings().character, character.motionlcm.shot_index = character, 0
    assert "linked from" in refusal(getattr(bpy.ops.motionlcm, operator))
    assert len(character.motionlcm.shots) == 3


def test_nothing_of_a_linked_character_is_changed(tmp_path: Path) -> None:
    character = armature_of(link_hero(tmp_path, with_shots))
    settings().character = character
    count = len(bpy.data.actions)
    for name in (
        "show_shot", "bake_shots", "duplicate_shot", "remove_shot", "move_shot", "split_shot", "join_shots",
        "capture_pose", "add_shot", "generate", "retime_shot",
    ):  # fmt: skip
        assert "library override" in refusal(getattr(bpy.ops.motionlcm, name)), name
    assert len(bpy.data.actions) == count and len(character.motionlcm.shots) == 3


def test_an_override_beside_its_linked_original_is_the_character(tmp_path: Path) -> None:
    character = overridden(link_hero(tmp_path, lambda _: None), keep_linked=True)
    scene = bpy.context.scene
    assert [obj.name for obj in scene.objects].count(character.name) == 2
    settings().character = character
    generate(path=poly_curve(WAY), seconds=2.4)
    assert not panel_status().error and np.ptp(bone_heads(character, "pelvis", (2, 30, 58))[:, 1]) > 2.0


@pytest.mark.parametrize("bevel", [0.0, 0.1])
def test_a_path_is_found_beside_a_linked_object_of_its_name(bevel: float, tmp_path: Path) -> None:
    other = poly_curve([(0.0, 0.0), (3.0, 0.0)])
    other.data.bevel_depth = bevel
    bpy.data.libraries.write(str(tmp_path / "paths.blend"), {other})
    bpy.data.objects.remove(other)
    with bpy.data.libraries.load(str(tmp_path / "paths.blend"), link=True) as (_, wanted):
        wanted.objects = ["Path"]
    linked = wanted.objects[0]
    bpy.context.scene.collection.objects.link(linked)
    local, character = poly_curve(WAY), add_character()
    assert local.name == linked.name
    generate(path=local, seconds=2.4)
    assert bone_heads(character, "pelvis", (58,))[0, 1] < -2.0
    generate(path=linked, seconds=2.4)
    assert bone_heads(character, "pelvis", (58,))[0, 0] > 2.0
