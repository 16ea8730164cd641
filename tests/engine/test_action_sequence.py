"""The actions that a prompt names one after the other: each a prompt of its own, in order, without a word lost."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motionlcm_blender.text.action_sequence import LONGEST, action_sequence, is_sequence
from motionlcm_blender.text.repeated_action import MOST

SUBJECTS = ("a man", "she", "an old woman", "the soldier", "a dog walker", "")
PREDICATES = (
    "walks forward", "waves with the right hand", "sits down", "kicks a ball", "claps", "turns to the left",
    "runs away", "picks a coin up off the ground", "kneels", "looks around", "bows", "throws it far",
    "jumps over a puddle",
)  # fmt: skip
THEN = (" and then ", ", then ", " then ", ", and then ", " after that ", ". ")


def prompts_of(prompt: str) -> list[str]:
    return [each for action in action_sequence(prompt) for each in action.prompts]


@pytest.mark.parametrize(
    ("prompt", "prompts"),
    [
        ("someone waves and then walks away", ["someone waves", "someone walks away"]),
        ("a man picks something up and throws it", ["a man picks something up off the floor", "a man throws it"]),
        (
            "someone walks a few steps, waits, and walks on",
            ["someone walks a few steps", "someone stands still", "someone walks on"],
        ),
        (
            "she walks backward, stops, then walks forward again",
            ["she walks backward", "she stands still", "she walks forward again"],
        ),
        ("someone walks up, kneels and prays", ["someone walks up", "someone kneels and prays"]),
        (
            "a dog walker stops, looks to the left and goes on",
            ["a dog walker walks and stops", "a dog walker looks to the left", "a dog walker walks on"],
        ),
        ("throws a left hook followed by a right hook", ["throws a left hook", "throws a right hook"]),
        ("left hook followed by a right hook", ["throws a left hook", "throws a right hook"]),
        (
            "she's walking, hears something behind her and whirls around",
            ["she's walking", "she hears something behind her and whirls around"],
        ),
        ("a man bows before leaving", ["a man bows", "a man leaves"]),
        ("a man slowly bows, then waves", ["a man slowly bows", "a man waves"]),
        ("a man is bowing and then he waves", ["a man is bowing", "he waves"]),
        (
            "a man walks in, then sits down, then waves",
            ["a man walks in", "a man sits down", "a man waves, sitting"],
        ),
        ("turn left, then right, then wave", ["turn left", "turn right", "wave"]),
        ("a person nods, then points forward", ["a person nods", "a person points forward"]),
        (
            "a hiker walks, stops to look around, then walks on",
            ["a hiker walks", "a hiker stands and looks around", "a hiker walks on"],
        ),
        ("a fighter blocks and punches back", ["a fighter blocks", "a fighter punches back"]),
        ("A man waves. He bows.", ["A man waves", "He bows"]),
    ],
)
def test_actions_one_after_the_other(prompt: str, prompts: list[str]) -> None:
    assert prompts_of(prompt) == prompts


@pytest.mark.parametrize(
    "prompt",
    [
        "a person walks and waves",
        "a person walks, swinging her arms",
        "a person runs and jumps over a fence",
        "a person turns around and runs away",
        "someone walks and comes to a halt",
        "a person stands, then starts walking",
        "a person walks forward and then sits down",
        "a person runs, then slows down to a walk",
        "someone crouches, then jumps up",
        "a man sits down, then waves",
        "a person sits down and stands up again",
        "a person walks, bends down and picks something up",
        "a pedestrian looks left and right before crossing",
        "the person before the wall waves",
        "a boxer throws a jab and a cross",
        "a hip hop dancer moves again and again",
        "a woman walks up and down the stairs",
        "leaning back against a wall, relaxed, waiting",
        "a running man waves",
        "a person jumps",
        "a person jumps over a rope",
        "a person runs and jumps twice",
        "a person claps twice",
        "then",
        "a man, then",
        "a person waves and then " + "slowly " * (LONGEST // 7) + "bows",
    ],
)
def test_a_prompt_of_one_action_stays_itself(prompt: str) -> None:
    actions = action_sequence(prompt)
    assert [action.prompts for action in actions] == [(prompt,)] and not is_sequence(actions)


@pytest.mark.parametrize(
    ("prompt", "prompts", "times"),
    [
        ("someone hops three times on the left leg", ["someone hops on the left leg"], 3),
        ("an athlete jumps twice", ["an athlete jumps"], 2),
        (f"an athlete jumps {MOST + 1} times", ["an athlete jumps"], 0),
        ("a person jumps up and down with excitement", ["a person jumps on the spot with excitement"], 0),
        ("a kid hops up and down on the spot", ["a kid hops on the spot"], 0),
        ("a frog hops forward again and again", ["a frog hops forward"], 0),
        ("a child leaps from stone to stone", ["a child leaps forward"], 0),
        ("a girl jumps rope", ["a girl jumps on the spot"], 0),
        ("a girl does five jumping jacks", ["a girl does a star jump"], 5),
        ("a father paces back and forth", ["a father walks", "a father turns around"], 0),
        ("running to and fro", ["running", "turning around"], 0),
    ],
)
def test_actions_that_are_done_several_times(prompt: str, prompts: list[str], times: int) -> None:
    (action,) = action_sequence(prompt)
    assert (list(action.prompts), action.times) == (prompts, times) and action.words == prompt
    assert is_sequence([action])


def test_a_repeated_action_within_a_sequence_keeps_its_number() -> None:
    waved, jumped = action_sequence("a person waves and then jumps three times")
    assert (waved.prompts, waved.times) == (("a person waves",), 1)
    assert (jumped.prompts, jumped.times, jumped.words) == (("a person jumps",), 3, "jumps three times")


@given(
    subject=st.sampled_from(SUBJECTS),
    predicates=st.lists(st.sampled_from(PREDICATES), min_size=3, max_size=5),
    data=st.data(),
)
@settings(max_examples=80, deadline=None)
def test_no_word_is_lost_and_the_order_is_kept(subject: str, predicates: list[str], data: st.DataObject) -> None:
    joints = [data.draw(st.sampled_from(THEN)) for _ in predicates[1:]]
    prompt = f"{subject} {predicates[0]}" + "".join(a + b for a, b in zip(joints, predicates[1:], strict=True))
    actions = action_sequence(prompt)
    assert [action.words for action in actions] == predicates
    for action, predicate in zip(actions, predicates, strict=True):
        (own,) = action.prompts
        assert own.startswith(f"{subject} {predicate}".strip())


WORDS = ("a", "man", "walks", "jumps", "then", ",", ".", "and", "before", "leaving", "twice", "'", "\u2019s", "stops")


@given(prompt=st.lists(st.sampled_from(WORDS), max_size=25).map(" ".join))
@settings(max_examples=200, deadline=None)
def test_any_words_give_prompts_in_the_order_of_the_words(prompt: str) -> None:
    actions = action_sequence(prompt)
    at = 0
    for action in actions:
        assert action.prompts and (all(action.prompts) or not prompt.strip())
        words = action.words.replace("leaves", "leaving")
        at = prompt.index(words, at) + len(words)
    if not is_sequence(actions):
        assert actions[0].prompts == (prompt,)


def test_words_of_all_actions_are_those_of_the_prompt() -> None:
    prompt = "a tall man walks in slowly, stops, waves with the left hand and then quickly runs away"
    words = re.findall(r"\w+", " ".join(action.words for action in action_sequence(prompt)))
    assert ["a", "tall", "man", *words] == [w for w in re.findall(r"\w+", prompt) if w not in ("and", "then")]
