"""How long the action of a prompt takes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from motionlcm_blender.errors import ModelFolderError
from motionlcm_blender.text.length_suggestion import LONGEST, SHORTEST, suggested_seconds
from motionlcm_blender.text.prompt_vocabulary import Vocabulary, read_vocabulary
from motionlcm_blender.training.data.action_lengths import action_seconds, verb_seconds
from motionlcm_blender.training.data.motion_data import MotionData, Segment
from tests.synthetic_motion import walk

VOCABULARY = Vocabulary(
    {"walk": 90, "kick": 40, "sit": 30, "wave": 20}, {}, {"walk": 5.0, "kick": 2.5, "sit": 2.2, "wave": 3.0}
)


@pytest.mark.parametrize(
    ("prompt", "seconds"),
    [
        ("a person kicks", 2.5),
        ("a person kicks twice", 4.2),
        ("a person kicks 3 times", 6.0),
        ("a person sits down, then waves", 5.2),
        ("a person walks and waves", 5.0),
        ("someone sits", 2.2),
        ("a person kicks five times", LONGEST - 0.3),
    ],
)
def test_suggestions(prompt: str, seconds: float) -> None:
    assert suggested_seconds(prompt, VOCABULARY) == pytest.approx(seconds, abs=0.06)


def test_a_prompt_without_a_known_verb_gets_none_and_limits_hold() -> None:
    assert suggested_seconds("xyzzy", VOCABULARY) is None
    assert suggested_seconds("a person kicks", Vocabulary({"kick": 3}, {})) is None
    quick = replace(VOCABULARY, seconds={"kick": 0.4})
    assert suggested_seconds("a person kicks", quick) == SHORTEST


def test_the_file_keeps_the_table_and_older_files_have_none(tmp_path: Path) -> None:
    (tmp_path / "vocabulary.json").write_text(VOCABULARY.to_json(), "utf-8")
    read = read_vocabulary(tmp_path)
    assert read is not None and dict(read.seconds) == dict(VOCABULARY.seconds)
    older = {name: table for name, table in json.loads(VOCABULARY.to_json()).items() if name != "seconds"}
    (tmp_path / "vocabulary.json").write_text(json.dumps(older), "utf-8")
    read = read_vocabulary(tmp_path)
    assert read is not None and not read.seconds
    (tmp_path / "vocabulary.json").write_text(json.dumps(older | {"seconds": {"kick": -1}}), "utf-8")
    with pytest.raises(ModelFolderError, match="damaged"):
        read_vocabulary(tmp_path)


def test_standing_around_an_action_does_not_count() -> None:
    moving = walk(40, 1.2)
    still = np.repeat(moving[:1], 60, axis=0), np.repeat(moving[-1:], 80, axis=0)
    seconds = action_seconds(np.concatenate([still[0], moving, still[1]]))
    assert 2.0 < seconds < 3.6
    assert action_seconds(np.repeat(moving[:1], 50, axis=0)) == pytest.approx(2.5)


def test_the_table_is_of_the_first_verbs_of_training_clips() -> None:
    clips = {f"c{k}": walk(40 + 10 * k, 1.2) for k in range(8)}
    segments = tuple(Segment(name, 0.0, len(j) / 20, ("a person kicks and turns",)) for name, j in clips.items())
    vocabulary = Vocabulary({"kick": 8, "turn": 8}, {})
    table = verb_seconds(MotionData(clips, segments, frozenset()), vocabulary)
    assert set(table) == {"kick"} and 1.5 < table["kick"] < 4.0
    assert not verb_seconds(MotionData(clips, segments, frozenset(clips)), vocabulary)
