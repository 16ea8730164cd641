"""Samples without hints are kept: a request that differs in its path alone needs no network."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from motionlcm_blender.generation.motion_model import MotionModel
from motionlcm_blender.generation.pieces import Piece, unchanging
from motionlcm_blender.generation.pipeline import MotionLCM
from motionlcm_blender.generation.request import Hints, Request
from motionlcm_blender.generation.sample_cache import SampleCache
from tests.repeated import assert_same_motion

FRAMES = 80


def path(aside: float, frames: int) -> Hints:
    along = np.linspace(0.0, 1.0, frames)
    return Hints.ground_path(np.stack([aside * np.sin(3.0 * along) ** 2, 0.055 * frames * along], -1))


def bent_walk(aside: float, prompt: str = "a person walks forward", seed: int = 3, frames: int = FRAMES) -> Request:
    return Request(prompt, frames, seed=seed, steps=1, hints=path(aside, frames))


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether each pass of the networks was without hints."""
    passes: list[bool] = []
    sampled = MotionModel._sampled
    monkeypatch.setattr(
        MotionModel,
        "_sampled",
        lambda self, text, noise, request, shown, stage: (
            passes.append(shown is None) or sampled(self, text, noise, request, shown, stage)
        ),
    )
    return passes


def test_a_walk_on_another_path_is_not_sampled_again(found: list[bool]) -> None:
    model = MotionLCM.from_folder(None, "numpy")
    motions = [model.generate(bent_walk(aside))[0] for aside in (0.0, 0.4)]
    assert found == [True]
    assert motions[1].report["path_mean_cm"] < 2.0
    assert np.abs(motions[0].joints - motions[1].joints).max() > 0.1
    alone = MotionLCM.from_folder(None, "numpy").generate(bent_walk(0.4))[0]
    assert_same_motion(motions[1].joints, alone.joints)
    for other in (bent_walk(0.4, seed=4), bent_walk(0.4, "a person walks slowly"), replace(bent_walk(0.4), steps=2)):
        found.clear()
        model.generate(other)
        assert True in found, "another seed, prompt or number of steps is another sample"


def test_long_motion_on_another_path_is_neither_sampled_nor_stitched_again(found: list[bool]) -> None:
    model = MotionLCM.from_folder(None, "numpy")
    motions = [model.generate(bent_walk(aside, frames=260))[0] for aside in (0.0, 0.4)]
    assert found == [True, True], "two segments, once"
    assert motions[1].report["path_mean_cm"] < 2.0
    alone = MotionLCM.from_folder(None, "numpy").generate(bent_walk(0.4, frames=260))[0]
    assert_same_motion(motions[1].joints, alone.joints)
    other = model.generate(bent_walk(0.4, seed=4, frames=260))[0]
    assert np.abs(other.joints - alone.joints).max() > 0.1


def test_what_is_sampled_on_its_path_is_sampled_for_each_path(found: list[bool]) -> None:
    model = MotionLCM.from_folder(None, "numpy")
    for aside in (0.0, 0.4):
        model.generate(bent_walk(aside, "a person dances"))
    assert found == [False, False]


def test_what_the_networks_give_is_never_kept(found: list[bool]) -> None:
    model = MotionLCM.from_folder(None, "numpy")
    for _ in range(2):
        model.features(Request("a person walks forward", 40, steps=1))
    assert found == [True, True]


def test_the_least_recently_used_walk_is_dropped() -> None:
    cache, made = SampleCache(most=2), []
    for key in (1, 2, 1, 3, 1, 2):
        assert cache.get(key, lambda key=key: made.append(key) or -key) == -key
    assert made == [1, 2, 3, 2]


def test_kept_arrays_cannot_be_changed() -> None:
    piece = unchanging(Piece(np.zeros((4, 22, 3)), np.zeros((4, 4)), None))
    with pytest.raises(ValueError, match="read-only"):
        piece.joints[0] = 1.0
