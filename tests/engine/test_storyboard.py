"""Storyboards: read, refused in a sentence, written and read again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motionlcm_blender.errors import InvalidRequest
from motionlcm_blender.motion.ground_path import NAMES
from motionlcm_blender.storyboard.reading import read_storyboard, storyboard_from, storyboard_from_text
from motionlcm_blender.storyboard.storyboard import (
    PIN_JOINTS,
    Storyboard,
    StoryCharacter,
    StoryPath,
    StoryPin,
    StoryShot,
)
from motionlcm_blender.storyboard.writing import storyboard_content, write_storyboard

EXAMPLE: dict[str, Any] = {
    "motionlcm_storyboard": 1,
    "fps": 24,
    "paths": {
        "street": {"points": [[0, 0], [0, -4]], "cyclic": False},
        "round": {"shape": "circle", "metres": 6, "at": [2, 0], "facing": 90},
    },
    "characters": [
        {
            "name": "Ada",
            "at": [0, 0],
            "facing": 45,
            "shots": [
                {"prompt": "a person walks", "seconds": 3, "path": "street", "part": [0, 0.5], "seed": 2},
                {"prompt": "a person waves", "seconds": 2, "locked": True},
            ],
        },
        {
            "name": "Bob",
            "shots": [
                {"prompt": "a person walks", "first": 11, "last": 99, "path": "round"},
                {
                    "prompt": "a person reaches up",
                    "first": 120,
                    "last": 180,
                    "pins": [
                        {"joint": "l_wrist", "at": [0, 0, 1.5], "first": 130, "last": 140},
                        {"joint": "r_wrist", "at": [0, 0, 1.5], "from": 0.5, "to": 1},
                        {"joint": "head", "at": [0, 0, 1.5]},
                    ],
                },
            ],
        },
    ],
}


def changed(**values: Any) -> dict[str, Any]:
    """The example with values at places such as characters__0__name."""
    content: Any = json.loads(json.dumps(EXAMPLE))
    for place, value in values.items():
        at = content
        *above, last = [int(key) if key.isdigit() else key for key in place.split("__")]
        for key in above:
            at = at[key]
        if value is ...:
            del at[last]
        else:
            at[last] = value
    return content


def test_the_example_is_read() -> None:
    board = storyboard_from(EXAMPLE)
    ada, bob = board.characters
    assert [(shot.first, shot.last) for shot in ada.shots] == [(1, 73), (73, 121)]
    assert [(shot.first, shot.last) for shot in bob.shots] == [(11, 99), (120, 180)]
    assert [(pin.first, pin.last) for pin in bob.shots[1].pins] == [(130, 140), (132, 144), (120, 180)]
    assert ada.shots[0].part == (0.0, 0.5) and ada.shots[1].locked and ada.shots[0].seed == 2
    assert board.paths["street"].part(0.25, 0.5).points == ((0, -1, 0), (0, -2, 0))
    circle = board.paths["round"]
    assert circle.cyclic and len(circle.points) == 32
    assert circle.ground().length == pytest.approx(6, rel=0.01)
    np.testing.assert_allclose(circle.points[0], (2, 0, 0), atol=1e-9)
    assert circle.points[1][0] > 2.05 and abs(circle.points[1][1]) < 0.2  # 90 degrees from -Y is +X


def test_half_way_around_a_cyclic_path() -> None:
    square = StoryPath(((0, 0, 0), (1, 0, 0), (1, 1, 1), (0, 1, 0)), True, (1, 1, 0.5, 1))
    half = square.part(0.5, 1.0)
    assert half.points == ((1, 1, 1), (0, 1, 0), (0, 0, 0)) and half.weights == (0.5, 1, 1)


def test_another_frame_rate_keeps_the_time() -> None:
    board = storyboard_from(EXAMPLE).at_fps(48)
    assert [(shot.first, shot.last) for shot in board.characters[0].shots] == [(1, 145), (145, 241)]
    assert board.characters[1].shots[1].pins[0] == StoryPin("l_wrist", (0, 0, 1.5), 259, 279)
    with pytest.raises(InvalidRequest, match='Character "Ada", shot 1: frames 1 to 1 are no shot'):
        storyboard_from(changed(characters__0__shots__0__seconds=0.4)).at_fps(1)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"motionlcm_storyboard": ...}, "This is no storyboard"),
        ({"motionlcm_storyboard": 2}, "is of version 2; version 1 is known"),
        ({"motionlcm_storyboard": True}, "is of version true"),
        ({"characters": ...}, 'The storyboard lacks "characters".'),
        ({"characters": []}, "has no characters"),
        ({"camera": 1}, 'holds something unknown, "camera"'),
        ({"fps": 0}, "frame rate must be 1 to 1000"),
        ({"fps": float("nan")}, '"fps" must be a finite number'),
        ({"paths": []}, '"paths" must be'),
        ({"paths__street": 3}, 'Path "street" must be {...}, not 3.'),
        ({"paths__street__points": [[0, 0]]}, 'Path "street": the path has one point only'),
        ({"paths__street__points": [[0, 0], [0, "x"]]}, 'Path "street": "points" must be a finite number, not "x".'),
        ({"paths__street__points": [[0, 0], [0]]}, "a place must be [x, y] or [x, y, z]"),
        ({"paths__street__points": [[0, 0], [0, 1e9]]}, "farther than 100000 m"),
        ({"paths__street__weights": [1]}, 'Path "street": the path\'s weights must be one number for each point.'),
        ({"paths__round__shape": "star"}, 'Path "round": there is no shape "star": choose one of line'),
        ({"paths__round__metres": -1}, "must be longer than 1 cm"),
        ({"paths__round__metres": ...}, 'Path "round" lacks "metres"'),
        ({"characters__0": None}, "Character 1 must be {...}, not null."),
        ({"characters__0__name": ""}, "name is empty"),
        ({"characters__0__name": 7}, 'Character 1: "name" must be text, not 7.'),
        ({"characters__0__name": "a" * 64}, "longer than Blender's 63 bytes"),
        ({"characters__0__name": "Bob"}, 'Two characters are called "Bob"'),
        ({"characters__0__name": "A\ud800"}, "control character"),
        ({"characters__0__scale": 0}, 'Character "Ada": the scale must be 0.01 to 100'),
        ({"characters__0__at": [1]}, 'Character "Ada": in "at" a place must be'),
        ({"characters__0__shots": {}}, 'Character "Ada": "shots" must be a list'),
        ({"characters__0__shots__1__prompt": " "}, 'Character "Ada", shot 2: the prompt is empty'),
        ({"characters__0__shots__1__prompt": ...}, 'Character "Ada", shot 2 lacks "prompt".'),
        ({"characters__0__shots__1__seconds": ...}, 'Character "Ada", shot 2 has no length'),
        ({"characters__0__shots__1__seconds": 0.1}, 'Character "Ada", shot 2: frames 73 to 75 are 0.1 s; a shot is'),
        ({"characters__0__shots__1__seconds": 61}, "a shot is 0.35 to 59.0"),
        ({"characters__0__shots__1__seconds": -1}, "-1 seconds are no length"),
        ({"characters__0__shots__1__last": 99}, 'both "seconds" and "last"'),
        ({"characters__0__shots__1__first": 5}, 'Character "Ada": shot 2 begins on frame 5, before shot 1 ends (73).'),
        ({"characters__0__shots__1__seed": -1}, 'Character "Ada", shot 2: the seed must be 0 to'),
        ({"characters__0__shots__1__seed": 1.5}, '"seed" must be a whole number, not 1.5'),
        ({"characters__0__shots__1__seed": 10**5000}, "a number of very many digits"),
        ({"characters__0__shots__1__locked": 1}, '"locked" must be true or false, not 1'),
        ({"characters__0__shots__1__path": "lane"}, 'shot 2: there is no path "lane": the storyboard\'s are "street"'),
        ({"characters__0__shots__1__part": [0, 0.5]}, "shot 2: it has a part of a path, but no path"),
        ({"characters__0__shots__0__part": [0.5, 0.2]}, "two rising numbers"),
        ({"characters__0__shots__0__part": [0.5]}, 'shot 1: "part" must be two numbers'),
        ({"characters__0__shots__0__part": [0.5, 0.5001]}, "the path has no length"),
        ({"characters__1__shots__0__last": 11}, 'Character "Bob", shot 1: frames 11 to 11 are no shot'),
        ({"characters__1__shots__1__pins__0__joint": "nose"}, 'shot 2, pin 1: there is no joint "nose"'),
        ({"characters__1__shots__1__pins__0__first": 119}, "shot 2: pin 1 is on frames 119 to 140, outside the shot"),
        ({"characters__1__shots__1__pins__0__last": 129}, "pin 1: it ends on frame 129, before it begins (130)"),
        ({"characters__1__shots__1__pins__0__from": 1}, "not both"),
        ({"characters__1__shots__1__pins__1__to": 1e300}, "its seconds are outside the shot"),
    ],
)
def test_each_mistake_has_its_sentence(values: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        storyboard_from(changed(**values))
    message = str(refused.value)
    assert sentence in message and message.endswith(".") and "\n" not in message


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="There is no storyboard"):
        read_storyboard(tmp_path / "none.json")
    with pytest.raises(InvalidRequest, match="cannot be read"):
        read_storyboard(tmp_path)
    file = tmp_path / "board.json"
    for content, sentence in (
        (b"\xff\xfe{", "not text in UTF-8"),
        (b"{\n,", "not valid JSON: line 2"),
        (b"[" * 100_000, "not valid JSON"),
        (b"1" * 5000, "not valid JSON"),
        (b'{"motionlcm_storyboard": 1, "fps": 1, "fps": 2}', 'contains "fps" twice'),
    ):
        file.write_bytes(content)
        with pytest.raises(InvalidRequest, match=sentence):
            read_storyboard(file)


def test_written_lists_of_numbers_take_one_line(tmp_path: Path) -> None:
    write_storyboard(storyboard_from(EXAMPLE), tmp_path / "board.json")
    text = (tmp_path / "board.json").read_text()
    assert '"at": [0, 0],' in text and "        [0, -4]\n" in text
    assert read_storyboard(tmp_path / "board.json") == storyboard_from(EXAMPLE)
    assert [file.name for file in tmp_path.iterdir()] == ["board.json"]


def test_the_example_of_the_document_is_read() -> None:
    text = (Path(__file__).resolve().parents[2] / "docs" / "USAGE.md").read_text(encoding="utf-8")
    board = storyboard_from_text(text.split("```json")[1].split("```")[0])
    assert [character.name for character in board.characters] == ["Ada", "Bob"]


letters = st.characters(exclude_categories=("Cc", "Cs"))
names = st.text(letters, min_size=1, max_size=12).filter(str.strip)
numbers = st.floats(-1000, 1000, allow_nan=False)
places = st.tuples(numbers, numbers, numbers)
paths = st.builds(
    lambda points, cyclic: StoryPath(tuple((x, y + 3000.0 * k, z) for k, (x, y, z) in enumerate(points)), cyclic),
    st.lists(places, min_size=2, max_size=6),
    st.booleans(),
).filter(lambda path: path.ground().length > 10)


@st.composite
def boards(draw: st.DrawFn) -> Storyboard:
    fps = draw(st.sampled_from((12.0, 23.976, 24.0, 30.0, 60.0)))
    lines = draw(st.dictionaries(names, paths, max_size=3))
    characters = []
    for name in draw(st.lists(names, min_size=1, max_size=3, unique=True)):
        shots, at = [], draw(st.integers(-50, 100))
        for _ in range(draw(st.integers(0, 3))):
            first = at + draw(st.integers(0, 20))
            last = first + draw(st.integers(30, 120))
            path = draw(st.sampled_from([None, *lines]))
            part = draw(st.sampled_from([(0.0, 1.0), (0.25, 0.75)])) if path is not None else (0.0, 1.0)
            pins = draw(
                st.lists(
                    st.builds(StoryPin, st.sampled_from(PIN_JOINTS), places, st.just(first), st.integers(first, last)),
                    max_size=2,
                )
            )
            seed, locked = draw(st.integers(0, 2**31 - 1)), draw(st.booleans())
            shots.append(StoryShot(draw(names), first, last, seed, locked, path, part, tuple(pins)))
            at = last
        scale = draw(st.floats(0.1, 10))
        characters.append(StoryCharacter(name, draw(places), draw(numbers), scale, tuple(shots)))
    return Storyboard(tuple(characters), fps, lines)


@settings(max_examples=60)
@given(boards())
def test_written_and_read_again_it_is_the_same(board: Storyboard) -> None:
    assert storyboard_from_text(json.dumps(storyboard_content(board))) == board


keys = st.sampled_from(
    [
        "motionlcm_storyboard",
        "fps",
        "paths",
        "characters",
        "name",
        "at",
        "facing",
        "scale",
        "shots",
        "prompt",
        "first",
        "last",
        "seconds",
        "seed",
        "locked",
        "path",
        "part",
        "pins",
        "joint",
        "points",
        "cyclic",
        "weights",
        "shape",
        "metres",
        "from",
        "to",
    ]
)
leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from((1, *NAMES))
    | st.just(10**400)
)
anything = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys | st.text(max_size=4), inner, max_size=5)
)


def read_or_refused(content: Any) -> None:
    try:
        board = storyboard_from(content)
    except InvalidRequest as error:
        assert str(error).endswith(".") and "\n" not in str(error)
    else:
        assert isinstance(board, Storyboard)


@settings(max_examples=200)
@given(anything)
def test_any_json_is_a_storyboard_or_refused(content: Any) -> None:
    read_or_refused(content)
    if isinstance(content, dict):
        read_or_refused(content | {"motionlcm_storyboard": 1})


@settings(max_examples=300)
@given(st.data())
def test_the_example_with_anything_anywhere_is_a_storyboard_or_refused(data: st.DataObject) -> None:
    content = json.loads(json.dumps(EXAMPLE))
    at: Any = content
    while True:
        key = data.draw(st.sampled_from(list(at) if isinstance(at, dict) else list(range(len(at)))))
        if not isinstance(at[key], dict | list) or not at[key] or data.draw(st.booleans()):
            break
        at = at[key]
    at[key] = data.draw(anything)
    read_or_refused(content)


@settings(max_examples=100)
@given(st.text(max_size=60))
def test_any_text_is_a_storyboard_or_refused(text: str) -> None:
    try:
        storyboard_from_text(text)
    except InvalidRequest as error:
        assert "\n" not in str(error)
