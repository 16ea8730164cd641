"""Captions in other words: rules, forms, and what is never added or lost; prompts about unknown people."""

from __future__ import annotations

import re
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motionlcm_blender.training.data.caption_variations import caption_variations
from motionlcm_blender.training.data.caption_words import variation_words, verb_forms
from motionlcm_blender.training.data.predicate_forms import parse, split

WORDS = variation_words()
SUBJECTS = ("a person", "someone", "the man", "she", "a dancer", "an old man", "a zombie")
DEEDS = (
    "walks forward", "turns left", "turns around", "jumps three times", "runs fast", "slowly sits down",
    "raises both arms", "kicks with the right leg", "takes two steps backward", "falls over",
    "crawls on hands and knees", "takes a deep bow", "picks something up", "waves with the left hand", "looks around",
    "throws a ball",
    "does kicks and punches", "stands still", "turns half around to the right while waving",
    "steps sideways to the left twice", "walks quickly in a full circle",
)  # fmt: skip
CAPTIONS = st.builds(
    lambda who, deeds, link: f"{who} {link.join(deeds)}.",
    st.sampled_from(SUBJECTS),
    st.lists(st.sampled_from(DEEDS), min_size=1, max_size=3),
    st.sampled_from((" and ", ", then ", " and then ")),
)
MEANINGFUL_WORDS = (
    "left right forward backward sideways around clockwise once twice two three four half full quarter fast quickly "
    "slowly both".split()
)


def of(caption: str, count: int = 60, seed: int = 0) -> list[str]:
    return caption_variations(caption, np.random.default_rng(seed), count)


def meaningful_words(text: str) -> Counter[str]:
    return Counter(word for word in re.findall(r"[a-z]+", text) if word in MEANINGFUL_WORDS and word != "around")


@given(CAPTIONS, st.integers(0, 2**32 - 1))
@settings(max_examples=200, deadline=None)
def test_sides_counts_directions_and_speeds_stay(caption: str, seed: int) -> None:
    made = of(caption, 5, seed)
    assert made == of(caption, 5, seed)
    for each in made:
        assert meaningful_words(each) == meaningful_words(caption)
        assert each.rstrip(".") != caption.rstrip(".") and "  " not in each and " ," not in each
    assert len({each.rstrip(".") for each in made}) == len(made)


@given(st.text(max_size=60))
@settings(max_examples=100, deadline=None)
def test_any_text_is_taken(text: str) -> None:
    assert isinstance(of(text, 3), list)


def test_the_order_of_what_happens_stays() -> None:
    for each in of("a person turns left, turns right and then walks."):
        assert each.index("left") < each.index("right") < max(each.find(w) for w in ("walk", "stroll", "ambl"))


def test_subjects_forms_synonyms_and_additions_occur() -> None:
    made = " | ".join(of("a person takes a deep bow.", 300))
    for wanted in (
        "bows deeply",
        "| takes a deep bow",
        "| taking a deep bow",
        "| take a deep bow",
        " is taking a deep",
    ):
        assert wanted in made
    assert len({each.split(" ")[1] for each in of("a person takes a deep bow.", 200)}) > 60
    assert any("party" in each or "after work" in each for each in of("a person claps.", 200))


@pytest.mark.parametrize("subject", ["an old man", "a drunk person", "a zombie", "a chicken", "a soldier"])
def test_subjects_with_a_style_stay(subject: str) -> None:
    made = of(f"{subject} walks forward.")
    assert made and all(subject in each for each in made)


def test_people_who_suggest_a_motion_are_named_only_where_it_fits() -> None:
    fitting = {noun for nouns in WORDS.fitting.values() for noun in nouns}
    only_fitting = fitting - set(WORDS.people[""])
    assert any("boxer" in each for each in of("a person punches.", 200))
    for each in of("a person walks forward.", 200):
        assert not any(re.search(rf"\b{noun}\b", each) for noun in only_fitting)


def test_places_of_travel_come_with_locomotion_alone() -> None:
    travel = WORDS.additions[0].words
    assert any(place in each for each in of("a person walks.", 200) for place in travel)
    assert not any(place in each for each in of("a person claps.", 200) for place in travel)


def test_pronouns_agree() -> None:
    for each in of("a man raises his right arm.", 200):
        assert not re.search(r"\b(she|woman|queen|girl|mother|lady)\b", each)


def test_what_is_not_understood_stays_as_it_is() -> None:
    assert of("two kicks, a pause.") == []
    assert of("") == []
    for each in of("a person does kicks and punches.", 100):
        assert "kicks and punches" in each


@pytest.mark.parametrize(
    ("base", "third", "gerund"),
    [
        ("walk", "walks", "walking"), ("carry", "carries", "carrying"), ("run", "runs", "running"),
        ("dance", "dances", "dancing"), ("reach", "reaches", "reaching"), ("tiptoe", "tiptoes", "tiptoeing"),
        ("lie", "lies", "lying"), ("squat", "squats", "squatting"), ("do", "does", "doing"),
        ("sway", "sways", "swaying"),
        ("catch", "catches", "catching"),
    ],
)  # fmt: skip
def test_forms_of_verbs(base: str, third: str, gerund: str) -> None:
    assert WORDS.forms[base] == (third, gerund)


def test_regular_forms() -> None:
    assert verb_forms("stop", frozenset(("stop",))) == ("stops", "stopping")


@pytest.mark.parametrize(
    ("text", "base"),
    [
        ("walks forward and turns left", "walk forward and turn left"),
        ("swings the arms and legs", "swing the arms and legs"),
        ("slowly turns, then sits down", "slowly turn, then sit down"),
    ],
)
def test_all_verbs_of_a_predicate_are_found(text: str, base: str) -> None:
    predicate = parse(split(text), WORDS)
    assert predicate is not None and predicate.sure
    assert predicate.text("base", WORDS) == base
    assert predicate.text("third", WORDS) == text


def test_what_keeps_going_is_not_put_in_the_progressive() -> None:
    for each in of("a person keeps turning and starts walking.", 100):
        assert not re.search(r"keeping|starting", each)


def test_verbs_with_a_subject_of_their_own_are_left() -> None:
    predicate = parse(split("walks while the arms swing and hands shake"), WORDS)
    assert predicate is not None and predicate.text("base", WORDS).startswith("walk while the arms swing")
