"""Samples without hints are kept: a request that differs in its path alone needs no network."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from motionlcm_blender.generation.motion_model import MotionModel
from motionlcm_blender.generation.pipeline import MotionLCM
from motionlcm_blender.generation.request import Hints, Request
from motionlcm_blender.generation.sample_cache import SampleCache
from tests.repeated import assert_same_motion

FRAMES = 80


def path(aside: float, frames: int) -> Hints:
    along = np.linspace(0.0, 1.0, frames)
    return Hints.ground_path(np.stack([aside * np.sin(3.0 * along) ** 2, 0.055 * frames * along], -1))


def asked(aside: float, prompt: str = "a person walks forward", seed: int = 3, frames: int = FRAMES) -> Request:
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
    motions = [model.generate(asked(aside))[0] for aside in (0.0, 0.4)]
    assert found == [True]
    assert motions[1].report["path_mean_cm"] < 2.0
    assert np.abs(motions[0].joints - motions[1].joints).max() > 0.1
    alone = MotionLCM.from_folder(None, "numpy").generate(asked(0.4))[0]
    assert_same_motion(motions[1].joints, alone.joints)
    for other in (asked(0.4, seed=4), asked(0.4, "a person walks slowly"), replace(asked(0.4), steps=2)):
        found.clear()
        model.generate(other)
        assert True in found, "another seed, prompt or number of steps is another sample"


def test_long_motion_on_another_path_is_neither_sampled_nor_stitched_again(found: list[bool]) -> None:
    model = MotionLCM.from_folder(None, "numpy")
    motions = [model.generate(asked(aside, frames=260))[0] for aside in (0.0, 0.4)]
    assert found == [True, True], "two segments, once"
    assert motions[1].report["path_mean_cm"] < 2.0
    alone = MotionLCM.from_folder(None, "numpy").generate(asked(0.4, frames=260))[0]
    assert_same_motion(motions[1].joints, alone.joints)
    other = model.generate(asked(0.4, seed=4, frames=260))[0]
    assert np.abs(other.joints - alone.joints).max() > 0.1


def test_takes_of_a_walk_are_kept_each(found: list[bool]) -> None:
    model = MotionLCM.from_folder(None, "numpy")
    first, second = (model.generate(replace(asked(aside), takes=2)) for aside in (0.0, 0.4))
    assert found == [True]
    assert np.abs(second[0].joints - second[1].joints).max() > 0.05
    alone = MotionLCM.from_folder(None, "numpy").generate(replace(asked(0.4), takes=2))
    for made, fresh in zip(second, alone, strict=True):
        assert_same_motion(made.joints, fresh.joints)
    assert [each.seed for each in first] == [each.seed for each in alone]


def test_what_is_sampled_on_its_path_is_sampled_for_each_path(found: list[bool]) -> None:
    model = MotionLCM.from_folder(None, "numpy")
    for aside in (0.0, 0.4):
        model.generate(asked(aside, "a person dances"))
    assert found == [False, False]


def test_the_least_recently_used_features_are_dropped() -> None:
    cache, made = SampleCache(most_bytes=2 * 400), []

    def get(number: int) -> np.ndarray:
        values = np.full(100, number, np.float32)
        return cache.get((values,), 1, lambda: made.append(number) or values)

    for number in (1, 2, 1, 3, 1, 2):
        assert get(number)[0] == number
    assert made == [1, 2, 3, 2]
    with pytest.raises(ValueError, match="read-only"):
        get(2)[0] = 5.0


def test_features_larger_than_the_cache_are_returned_and_not_kept() -> None:
    cache = SampleCache(most_bytes=100)
    made = [cache.get((np.zeros(2),), (), lambda: np.ones(50, np.float32)) for _ in range(2)]
    assert made[0] is not made[1]
    np.testing.assert_array_equal(made[1], 1.0)
