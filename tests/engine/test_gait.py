"""Walks that are too fast."""

from __future__ import annotations

import pytest

from motionlcm_blender.text.gait import as_run, is_walk, walk_warning


@pytest.mark.parametrize(
    ("prompt", "run"),
    [
        ("a person walks forward", "a person runs forward"),
        ("Walking slowly", "Running slowly"),
        ("a man walked and waved", "a man ran and waved"),
        ("walk", "run"),
        ("a person paces", "a person runs"),
        ("a person kicks", "a person kicks"),
    ],
)
def test_a_walk_becomes_a_run(prompt: str, run: str) -> None:
    assert as_run(prompt) == run
    assert not is_walk(run)


def test_only_fast_walks_are_named() -> None:
    assert walk_warning("a person walks", 1.2) is None
    assert walk_warning("a person runs", 3.0) is None
    assert walk_warning("a person walks, then runs", 3.0) is None
    sentence = walk_warning("a person walks", 2.8)
    assert sentence is not None and "2.8 m/s" in sentence
