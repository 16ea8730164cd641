"""Takes that differ."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from motionlcm_blender.generation.take_selection import MOST_SAMPLES, most_different, sample_count
from tests.synthetic_motion import walk


def apart(joints: np.ndarray, chosen: list[int]) -> float:
    local = joints - joints[:, :, :1] * (1.0, 0.0, 1.0)
    return min(np.linalg.norm(local[a] - local[b], axis=-1).mean() for a, b in combinations(chosen, 2))


@given(st.integers(2, 6), st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_the_first_is_kept_and_the_others_differ_more_than_any_first_ones(count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    usual = walk(24, 1.0)[None]
    joints = usual + rng.uniform(0.0, 0.3, (2 * count, 1, 1, 1)) * rng.standard_normal((2 * count, 1, 22, 3))
    joints[..., 0, :] = usual[..., 0, :]
    chosen = most_different(joints, count)
    assert chosen[0] == 0 and len(set(chosen)) == count and chosen == sorted(chosen)
    mean = np.mean([apart(joints, [0, *rng.choice(np.arange(1, 2 * count), count - 1, False)]) for _ in range(20)])
    assert apart(joints, chosen) >= mean - 1e-9


def test_copies_are_not_chosen_twice() -> None:
    joints = np.stack([walk(24, 1.0), walk(24, 1.0), walk(24, 0.3), walk(24, 1.0)])
    assert most_different(joints, 2) == [0, 2]
    assert most_different(joints, 4) == [0, 1, 2, 3]


def test_a_single_take_is_the_sample_of_its_seed() -> None:
    assert sample_count(1) == 1 and sample_count(4) == 8
    assert sample_count(20) == MOST_SAMPLES and sample_count(64) == 64
