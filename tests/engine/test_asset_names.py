"""Prompts in the form of asset names are written as words; other prompts stay."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from motionlcm_blender import MotionLCM, Request
from motionlcm_blender.text.asset_names import spelled_out


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Walk_Injured_LeftLeg", "walk injured left leg"),
        ("Turn_Right_90", "turn right 90 degrees"),
        ("Talk_Casual_01", "talk casual"),
        ("RunToStop", "run to stop"),
        ("Run_Forward_Loop", "run forward"),
        ("idle_nervous", "idle nervous"),
        ("Throw_Grenade.fbx", "throw grenade"),
        ("a person walks", "a person walks"),
        ("a U-turn", "a U-turn"),
        ("walks", "walks"),
        ("cross-legged", "cross-legged"),
        ("Salute", "Salute"),
        ("___", "___"),
        ("", ""),
    ],
)
def test_names_become_words(name: str, words: str) -> None:
    assert spelled_out(name) == words


@given(st.text(max_size=60))
def test_words_are_not_changed_again(prompt: str) -> None:
    words = spelled_out(prompt)
    assert bool(words.strip()) == bool(prompt.strip())
    if words != prompt:
        assert "_" not in words
        assert words == words.lower()


def test_a_name_makes_the_motion_of_its_words() -> None:
    model = MotionLCM.from_folder(None, "numpy")
    by_name = model.generate(Request("Wave_LeftHand", 60, seed=2))[0]
    by_words = model.generate(Request("wave left hand", 60, seed=2))[0]
    np.testing.assert_allclose(by_name.joints, by_words.joints, atol=1e-4)
    assert by_name.request.prompt == "Wave_LeftHand"
