"""The pool of examples: families, captions put together, sequences, straightened paths."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("torch")

from motionlcm_blender.motion.skeleton import MAX_FRAMES
from motionlcm_blender.training.data.caption_families import balanced_weights, captured_shares, family
from motionlcm_blender.training.data.caption_text import in_sequence, other_subject, predicate, with_waiting
from motionlcm_blender.training.data.captured_actions import CapturedData, standing_pieces
from motionlcm_blender.training.data.motion_data import Segment
from motionlcm_blender.training.data.motion_piece import MotionPiece
from motionlcm_blender.training.data.pool import with_variations
from motionlcm_blender.training.data.sequence_composition import (
    actions_of,
    one_after_the_other,
    stands,
    waiting,
)
from motionlcm_blender.training.data.straight_examples import plain_captions, speed_balanced, straightened
from tests.synthetic_actions import kicking, raising_arm, standing, turning
from tests.synthetic_motion import walk


@pytest.mark.parametrize(
    ("caption", "expected"),
    [
        ("A person walks forward.", "walks forward"),
        ("someone slowly turns left", "slowly turns left"),
        ("a dancer spins.", None),
        ("two right kicks and a rest.", None),
    ],
)
def test_the_predicate_of_a_plain_caption(caption: str, expected: str | None) -> None:
    assert predicate(caption) == expected


def test_captions_are_put_together() -> None:
    generator = np.random.default_rng(0)
    assert in_sequence(["a person walks.", "someone sits down."], generator) in {
        "a person walks and then sits down.",
        "a person walks, then sits down.",
        "a person walks and sits down.",
    }
    assert in_sequence(["a person walks.", "a dancer spins."], generator) is None
    assert {with_waiting("a person waves.", generator) for _ in range(40)} >= {"a person waves."}
    others = {other_subject("a person waves.", generator) for _ in range(60)}
    assert "waves" in others and any(o and o.endswith("waves") and o != "waves" for o in others)
    assert other_subject("a chicken pecks.", generator) is None


def test_half_of_the_captions_drawn_are_in_other_words() -> None:
    captions = ("a person waves.", "someone waves the left arm.", "a person waves.", "three waves.")
    made = with_variations(captions, np.random.default_rng(0))
    assert made[:4] == captions and len(made) == 8 and not set(made[4:]) & set(captions)
    assert made == with_variations(captions, np.random.default_rng(0))
    assert with_variations(("three waves.",), np.random.default_rng(0)) == ("three waves.",)
    held_back = {c.rstrip(".") for c in made}
    others = with_variations(captions, np.random.default_rng(0), held_back)
    assert not {c.rstrip(".") for c in others[4:]} & held_back


@pytest.mark.parametrize(
    ("caption", "tags", "expected"),
    [
        ("a person walks forward.", (), "walk"),
        ("a person limps forward.", (), "style"),
        ("a person walks on.", ("walk", "drunk"), "style"),
        ("someone falls down and gets up.", (), "floor"),
        ("a man sits on a chair.", (), "sit"),
        ("a person waves with the left hand.", (), "gesture"),
        ("a person walks backward.", (), "backward"),
        ("a person runs and jumps.", (), "run"),
        ("hmm.", (), "other"),
    ],
)
def test_families(caption: str, tags: tuple[str, ...], expected: str) -> None:
    assert family(Segment("x", 0.0, 2.0, (caption,), tags)) == expected


@given(st.lists(st.sampled_from(["a", "b", "c"]), min_size=3, max_size=40))
@settings(max_examples=40, deadline=None)
def test_families_get_their_shares(names: list[str]) -> None:
    weights = balanced_weights(names, np.ones(len(names)), {"a": 0.5, "b": 0.3, "c": 0.2})
    assert weights.sum() == pytest.approx(1.0)
    totals = {n: weights[np.array(names) == n].sum() for n in set(names)}
    if {"a", "b"} <= set(names):
        assert totals["a"] / totals["b"] == pytest.approx(0.5 / 0.3)


def test_no_family_has_more_than_a_tenth() -> None:
    shares = captured_shares()
    total = sum(shares.values())
    assert all(share / total <= 0.1 for name, share in shares.items() if name != "walk")


def captured() -> CapturedData:
    sources = {
        "calm": (standing(), "a person stands."), "arm": (raising_arm(), "a person waves the left arm."),
        "kick": (kicking(), "a person kicks with the left leg."), "around": (turning(180.0), "a person turns around."),
    }  # fmt: skip
    pieces = {name: MotionPiece.of(joints) for name, (joints, _) in sources.items()}
    segments = tuple(Segment(n, 0.0, (len(j) - 1) / 20, (caption,)) for n, (j, caption) in sources.items())
    return CapturedData(pieces, segments)


def test_actions_are_shown_with_waiting_around_them_and_in_a_row() -> None:
    data, generator = captured(), np.random.default_rng(2)
    actions, calm = actions_of(data), standing_pieces(data)
    assert calm and len(actions) == 4
    padded = list(waiting(actions, calm, 12, generator))
    assert len(padded) == 12 and all(20 < len(e.piece) <= MAX_FRAMES + 1 for e in padded)
    own = {a.segment.captions[0]: len(a.piece) for a in actions}
    longer = [e for e in padded if e.captions[0] in own and len(e.piece) > own[e.captions[0]] + 8]
    assert longer and all(stands(e.piece.joints[-6:]) for e in longer)
    rows = list(one_after_the_other(actions, 4, generator))
    assert rows and all(" " in e.captions[0] and len(e.piece) <= MAX_FRAMES + 1 for e in rows)
    for example in rows:
        steps = np.linalg.norm(np.diff(example.piece.joints, axis=0), axis=-1)
        assert steps.max() < 0.6  # no jump where two actions meet


def test_a_curved_walk_is_made_straight_and_keeps_its_steps() -> None:
    straight = MotionPiece.of(walk(120, speed=1.2))
    curved = straight.bend(np.full(120, 0.4))
    made = straightened(curved)
    assert made is not None
    ground = made.joints[:, 0][:, [0, 2]]
    along = ground[-1] - ground[0]
    beside = np.abs((ground - ground[0]) @ np.array([-along[1], along[0]])) / np.linalg.norm(along)
    assert beside.max() < 0.12
    way = np.linalg.norm(np.diff(curved.joints[:, 0][:, [0, 2]], axis=0), axis=-1).sum()
    assert np.linalg.norm(along) == pytest.approx(way, rel=0.05)
    assert straightened(MotionPiece.of(turning(180.0))) is None
    assert plain_captions(made, ("a person walks in a circle.",)) == (
        "a person walks forward.",
        "a person walks.",
        "walks forward",
    )


def test_rare_speeds_are_shown_more_often() -> None:
    weights = speed_balanced(np.array([1.1] * 90 + [3.0] * 10))
    assert weights.sum() == pytest.approx(1.0)
    assert weights[-1] == pytest.approx(3 * weights[0])
