"""Prompts name the gestures that are performed, with their side and their part of the motion; others name none."""

from __future__ import annotations

import pytest

from motionlcm_blender.gestures.definitions import gestures, verb_forms
from motionlcm_blender.gestures.prompt_gestures import body_prompt, prompt_gestures

STANDS, FIGHTS = "a person stands still", "a boxer stands in a fighting stance"


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
        ("a kid throws a stone far away", "throw"),
        ("soldier lobs a grenade over a wall", "throw"),
        ("a quarterback passes the ball", "throw"),
        ("pitcher throwing a fastball", "throw"),
        ("a bowler rolls a ball underarm", "underarm throw"),
        ("underhand toss of a softball", "underarm throw"),
        ("a teenager throws a frisbee", "frisbee"),
        ("tosses a paper into the bin", "toss"),
        ("throws a dart", "dart"),
        ("a basketball player shoots a free throw", "basketball shot"),
        ("shooting a three-pointer", "basketball shot"),
        ("takes a jump shot", "jump shot"),
        ("volleyball player jumps and spikes the ball", "spike"),
        ("tennis serve", "overhead serve"),
        ("tennis player hits a forehand", "forehand"),
        ("batter hits a home run", "baseball bat"),
        ("golfer swings the club", "golf swing"),
        ("throws a left hook", "hook"),
        ("one-two punch combination", "one-two"),
        ("a right cross to the chin", "cross punch"),
        ("a swordsman lunges and thrusts", "thrust"),
        ("knight swings his sword downward", "overhead chop"),
        ("slashes with a katana", "sword slash"),
        ("archer draws the bow, aims and lets go", "archer"),
        ("pulls down a big lever with his right hand", "pull lever"),
        ("a person pulls open a heavy door with the left hand", "pull door open"),
        ("woman pushing a shopping cart through the supermarket", "push cart"),
        ("a person shoves a heavy crate forward", "push heavy"),
        ("someone pulls hard on a rope", "pull with both hands"),
        ("someone drags a sack behind them", "drag behind"),
        ("pulls a suitcase behind her", "suitcase"),
        ("dragging a body backwards", "drag backward"),
        ("lugging two heavy shopping bags home", "carry two bags"),
        ("a waiter carries a tray on one hand", "carry tray"),
        ("a person carries a heavy box", "carry in front"),
        ("user swipes through menus on a big touchscreen in front of him", "swipe"),
        ("warming his hands over a campfire", "warm hands"),
        ("adventurer kneels down and opens a treasure chest", "open chest"),
        ("picks up a backpack and slings it over the left shoulder", "backpack"),
        ("breathes heavily with hands on the knees", "hands on knees"),
        ("a girl jumps rope", "jump rope"),
        ("digs a hole with a shovel", "dig"),
        ("sweeping the floor", "sweep"),
        ("paints a wall", "paint wall"),
        ("plays the violin", "violin"),
        ("swims the front crawl", "freestyle"),
        ("lifts dumbbells", "dumbbell curls"),
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
        "a child throws a tantrum",
        "a runner picks up speed",
        "someone carries on",
        "a man throws himself on the floor",
        "throws up in the gutter",
        "they throw a party",
        "a car pulls over",
        "she pulls herself together",
        "he pushes himself up from the floor",
        "a man draws near",
        "a dancer swings her hips",
        "the ball rolls away",
        "drags his left leg",
        "drags herself across the floor",
        "a person strikes a pose",
        "saws logs in his sleep",
        "fishes for compliments",
        "a person jumps over a rope",
        "cuts a corner while running",
        "pitching forward, he falls",
        "a swimmer dives into the pool",
        "dragging his feet",
        "opens his arms wide",
        "a man gets punched in the face",
        "he throws both arms up",
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
        if gesture.words is not None and gesture.captions:
            found = [names(f"a person {caption.replace('{side}', 'left')}") for caption in gesture.captions]
            assert any(gesture.name in each for each in found), gesture.name


@pytest.mark.parametrize(
    ("verb", "forms"),
    [
        ("throw", "throw|throws|throwing"),
        ("chop", "chop|chops|chopping"),
        ("slice", "slice|slices|slicing"),
        ("carry", "carry|carries|carrying"),
        ("push", "push|pushes|pushing"),
        ("wave goodbye", "wave goodbye|waves goodbye|waving goodbye"),
    ],
)
def test_forms_of_verbs(verb: str, forms: str) -> None:
    assert verb_forms(verb) == forms


def test_each_action_has_words_and_a_name_of_its_own() -> None:
    known = gestures()
    assert len({gesture.name for gesture in known}) == len(known)
    assert all(gesture.captions or gesture.words is not None for gesture in known)
    assert all("<" not in gesture.words.pattern.replace("(?<", "") for gesture in known if gesture.words is not None)


@pytest.mark.parametrize(
    ("prompt", "body"),
    [
        ("a kid throws a stone", STANDS),
        ("woman pushing a shopping cart", "a person walks forward"),
        ("a waiter walks with a tray on one hand", "a waiter walks with a tray on one hand"),
        ("a man sits and plays the guitar", "a man sits and plays the guitar"),
        ("left hook followed by a right hook", FIGHTS),
        ("throws a stone and then runs away", "throws a stone and then runs away"),
        ("volleyball player jumps and spikes the ball", "a person jumps up"),
        ("a person walks forward", "a person walks forward"),
        ("a person claps", "a person claps"),
        ("a man picks something up and throws it", "a man picks something up and throws it"),
        ("picks up a backpack and slings it over the left shoulder", STANDS),
        ("a person swims", "a person swims"),
    ],
)
def test_the_body_beneath_the_gestures(prompt: str, body: str) -> None:
    assert body_prompt(prompt) == body


@pytest.mark.parametrize(
    ("prompt", "times"),
    [
        ("throws a stone", 1),
        ("throws a stone twice", 2),
        ("throws stones again and again", None),
        ("a person claps", None),
    ],
)
def test_how_often(prompt: str, times: int | None) -> None:
    assert [planned.times for planned in prompt_gestures(prompt)] == [times]


def test_hooks_follow_each_other_with_the_named_hands() -> None:
    first, second = prompt_gestures("left hook followed by a right hook")
    assert (first.mirrored, first.end, second.mirrored, second.begin) == (False, 0.5, True, 0.5)


def test_a_direction_is_no_hand() -> None:
    assert [planned.mirrored for planned in prompt_gestures("sword slash from left to right")] == [True]
