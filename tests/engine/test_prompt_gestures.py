"""Prompts name the gestures that are performed, with their side and their part of the motion; others name none."""

from __future__ import annotations

import pytest

from motionlcm_blender.gestures.definitions import gestures
from motionlcm_blender.gestures.prompt_gestures import prompt_gestures


def names(prompt: str) -> list[str]:
    return [planned.gesture.name for planned in prompt_gestures(prompt)]


@pytest.mark.parametrize(
    ("prompt", "gesture"),
    [
        ("a person claps", "clap"),
        ("An audience member claps enthusiastically", "clap"),
        ("someone claps above her head", "clap overhead"),
        ("he shrugs", "shrug"),
        ("a kid nods eagerly", "nod"),
        ("she shakes her head", "shake head"),
        ("the soldier salutes the flag", "salute"),
        ("a bouncer stands with folded arms", "cross arms"),
        ("a man walks with his hands behind his back", "hands behind back"),
        ("a person looks around nervously", "look around"),
        ("a person looks left and right before crossing", "look around"),
        ("a guy looks over his shoulder", "over shoulder"),
        ("somebody points at the sky", "point up"),
        ("someone talks on the phone while pacing", "phone"),
        ("a boxer throws a jab and a cross", "jab and cross"),
        ("a man punches with the right fist", "punch"),
        ("a builder carries a plank on his right shoulder", "carry on shoulder"),
    ],
)
def test_gestures_are_found(prompt: str, gesture: str) -> None:
    assert gesture in names(prompt)


@pytest.mark.parametrize(
    "prompt",
    [
        "a person walks forward",
        "a man runs in a circle",
        "a fighter dodges a punch",
        "someone sits down on a chair",
        "a person falls down",
        "a woman waits without waving",
        "a man never shrugs",
        "a fighter is knocked down",
        "a person shakes",
        "a person dances with arms in the air",
        "",
    ],
)
def test_other_prompts_name_no_gesture(prompt: str) -> None:
    assert names(prompt) == []


@pytest.mark.parametrize(
    ("prompt", "mirrored"),
    [
        ("a person waves with the left hand", False),
        ("a person waves with the right hand", True),
        ("a person waves", True),
        ("a person looks to the left", False),
        ("a person points to the right", True),
        ("a boxer throws jabs", False),
    ],
)
def test_sides(prompt: str, mirrored: bool) -> None:
    assert [planned.mirrored for planned in prompt_gestures(prompt)] == [mirrored]


def test_actions_one_after_the_other_share_the_motion() -> None:
    first, second = prompt_gestures("a person waves and then salutes")
    assert (first.gesture.name, first.begin, first.end) == ("wave", 0.0, 0.5)
    assert (second.gesture.name, second.begin, second.end) == ("salute", 0.5, 1.0)
    (waved,) = prompt_gestures("someone waves and walks away")
    assert (waved.begin, waved.end) == (0.0, 0.5)


def test_one_gesture_of_arms_and_one_of_the_head() -> None:
    assert names("a person claps and nods") == ["clap", "nod"]
    assert names("a person claps and salutes") == ["clap"]


def test_a_caption_of_a_performed_gesture_names_it() -> None:
    """A pattern must find the words that the gesture is defined by."""
    for gesture in gestures():
        if gesture.words is not None:
            found = [names(f"a person {caption.replace('{side}', 'left')}") for caption in gesture.captions]
            assert any(gesture.name in each for each in found), gesture.name
