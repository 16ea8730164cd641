"""Takes that differ."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from motionlcm_blender.generation.request import LIVELIEST, Blend, Request
from motionlcm_blender.generation.take_selection import (
    LIVELINESS,
    MOST_SAMPLES,
    chosen_takes,
    most_different,
    sample_count,
    samples_of,
)
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
    assert sample_count(1) == 1 and sample_count(4) == 16
    assert sample_count(20) == MOST_SAMPLES and sample_count(64) == 64


def test_samples_have_the_seeds_in_order_and_more_noise_one_after_the_other() -> None:
    samples = samples_of(Request("a person waves", 60, seed=7, takes=2))
    assert [s.seed for s in samples] == list(range(7, 7 + len(samples))) and all(s.takes == 1 for s in samples)
    assert [s.liveliness for s in samples[: len(LIVELINESS)]] == list(LIVELINESS)
    (alone,) = samples_of(Request("a person waves", 60, seed=7, liveliness=1.2))
    assert (alone.seed, alone.liveliness) == (7, 1.2)
    varied = samples_of(Request("a person waves", 60, takes=3, blends=(Blend(5, 0.1),)))
    assert [s.blends[0].towards for s in varied] == [5, 6, 7] and {s.liveliness for s in varied} == {1.0}


@given(st.floats(0.8, 1.4))
def test_samples_have_the_larger_one_of_their_own_noise_and_the_captions(factor: float) -> None:
    samples = samples_of(Request("a person waves", 60, takes=2), factor)
    noise = [factor * sample.liveliness for sample in samples[: len(LIVELINESS) + 1]]
    wanted = [factor, *(max(own, factor) for own in (*LIVELINESS[1:], LIVELINESS[0]))]
    np.testing.assert_allclose(noise, np.minimum(wanted, factor * LIVELIEST))


def test_samples_that_move_too_much_are_left_out() -> None:
    request = Request("a person walks forward", 60, takes=3)
    samples = samples_of(request)
    usual = walk(60, 1.2).astype(np.float64)
    joints = np.stack([usual + 0.001 * k for k in range(len(samples))])
    local = usual - usual[:, :1]
    joints[1], joints[4] = usual[:, :1] + 4.0 * local, usual[:, :1] + 3.0 * local
    joints[2, :, 5:], joints[3, :, 16:] = joints[2, :, 5:] + 0.1, joints[3, :, 16:] + 0.2
    assert chosen_takes(request, joints) == [0, 2, 3]


def test_takes_are_chosen_even_if_all_move_too_much() -> None:
    request = Request("a person stands", 60, takes=2)
    usual = walk(60, 1.2).astype(np.float64)
    joints = np.stack([usual, usual[:, :1] + 6.0 * (usual - usual[:, :1])])
    assert chosen_takes(request, joints) == [0, 1]
