"""The vocabulary: verbs are found in every form, captions are counted by the piece, prompts are judged fairly."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from motionlcm_blender.cli.main import main
from motionlcm_blender.errors import ModelFolderError, TrainingDataError
from motionlcm_blender.networks.model_folder import bundled_models
from motionlcm_blender.text.prompt_vocabulary import (
    FILE,
    MOTION_VERBS,
    RARE_COUNT,
    Vocabulary,
    lemma,
    read_vocabulary,
    unseen_words_warning,
)
from motionlcm_blender.training.data.vocabulary import count_vocabulary, write_vocabulary
from tests.tiny_model import write_tiny_model

WORDS = st.sampled_from(
    "a person someone the man walks walking walked jumps and then with his left right arm kicks ball while yodeling "
    "slowly sadly like zombie plays violin push-ups moonwalks in circle , . box boxes to running 's hops sideways "
    "heavy red shirt swims ly ing s counter-clockwise".split()
)
CAPTIONS = st.lists(WORDS, min_size=1, max_size=12).map(" ".join)
PIECES = st.lists(st.lists(CAPTIONS, min_size=1, max_size=3), min_size=1, max_size=6)
KNOWN = Vocabulary({"walk": 400, "run": 90, "kick": 11, "dance": 70, "sit": 3, "raise": 80}, {"ball": 5, "happy": 1})


@pytest.mark.parametrize(
    ("base", "forms"),
    [
        ("walk", "walk walks walking walked"),
        ("wave", "waves waving waved"),
        ("hop", "hops hopping hopped"),
        ("kick", "kicks kicking kicked"),
        ("carry", "carries carrying carried"),
        ("crouch", "crouches crouching crouched"),
        ("juggle", "juggles juggling juggled"),
        ("lunge", "lunges lunging lunged"),
        ("swing", "swings swinging swung"),
        ("rotate", "rotates rotating rotated"),
        ("float", "floats floating floated"),
        ("roll", "rolls rolling rolled"),
        ("run", "runs running ran"),
        ("sit", "sits sitting sat"),
        # Not in the list of verbs: by the rules alone.
        ("slurp", "slurps slurping slurped"),
        ("bake", "bakes baking baked"),
        ("fiddle", "fiddles fiddling fiddled"),
        ("smudge", "smudges smudging smudged"),
        ("levitate", "levitates levitating levitated"),
        ("plod", "plods plodding plodded"),
    ],
)
def test_lemmas(base: str, forms: str) -> None:
    assert {lemma(form) for form in forms.split()} == {base}


@given(st.sampled_from(sorted(MOTION_VERBS)))
def test_a_known_verb_is_its_own_lemma_and_that_of_its_forms(verb: str) -> None:
    assert lemma(verb) == verb
    if not verb.endswith(("e", "y")) and verb[-2:-1] not in "aeiou":
        assert lemma(verb + "ing") == verb


@given(PIECES)
def test_no_caption_holds_anything_never_seen(pieces: list[list[str]]) -> None:
    vocabulary = count_vocabulary(pieces)
    for captions in pieces:
        for caption in captions:
            assert "never" not in (unseen_words_warning(caption, vocabulary) or "")
    for count in (*vocabulary.verbs.values(), *vocabulary.words.values()):
        assert 1 <= count <= len(pieces)
    again = count_vocabulary([[c.upper() for c in reversed(captions)] for captions in reversed(pieces)])
    assert again == vocabulary


@given(PIECES, st.integers(2, 60))
@example([["a person walks with a person"]], RARE_COUNT)
def test_more_of_the_same_is_never_warned_of_more(pieces: list[list[str]], times: int) -> None:
    few, many = count_vocabulary(pieces), count_vocabulary(pieces * times)
    assert {verb: times * count for verb, count in few.verbs.items()} == many.verbs
    for prompt in (caption for captions in pieces for caption in captions):
        assert unseen_words_warning(prompt, few) is not None or unseen_words_warning(prompt, many) is None
        warning = unseen_words_warning(prompt, many) or ""
        # Neither a caption without an action, such as "a", nor one of two people gets better by being frequent.
        if times >= RARE_COUNT and "to follow" not in warning and "one person at a time" not in warning:
            assert warning == ""


@given(st.text(max_size=60), PIECES)
def test_any_prompt_has_one_warning_at_most(prompt: str, pieces: list[list[str]]) -> None:
    warning = unseen_words_warning(prompt, count_vocabulary(pieces))
    assert warning is None or (warning.startswith("The model has ") and warning.endswith(".") and "\n" not in warning)


def test_pieces_are_counted_not_captions_and_mirroring_counts_for_both_sides() -> None:
    vocabulary = count_vocabulary(
        [["a person walks left.", "someone is walking."], ["a man walked, then jumps twice"], ["a person turns right"]]
    )
    assert vocabulary.verbs == {"walk": 2, "jump": 1, "turn": 1}
    assert vocabulary.words["left"] == vocabulary.words["right"] == 2
    assert "a" not in vocabulary.words and "walk" not in vocabulary.words


@pytest.mark.parametrize(
    ("prompt", "sentence"),
    [
        ("a person swims", "The model has never seen “swim”; it will guess."),
        ("Someone is SWIMMING.", "The model has never seen “swim”; it will guess."),
        ("a person moonwalks", "The model has never seen “moonwalk”; it will guess."),
        ("a person walks and juggles", "The model has never seen “juggle”; it will guess."),
        ("a man rides a bicycle", "The model has never seen “ride” or “bicycle”; it will guess."),
        ("a person plays the electric violin", "The model has never seen “violin”; it will guess."),
        ("a person walks like a zombie", "The model has never seen “zombie”; it will guess."),
        ("a person walks sadly", "The model has never seen “sadly”; it will guess."),
        ("a person kicks the ball", "The model has seen “kick” only 11 times."),
        ("a person kicks and sits", "The model has seen “sit” only 3 times."),
        ("a person kicks and flies", "The model has never seen “fly”; it will guess."),
        ("Two people walk", "The model has learnt one person at a time: describe what one of them does."),
        ("a person walks with a friend", "The model has learnt one person at a time: describe what one of them does."),
    ],
)
def test_warnings_of_prompts(prompt: str, sentence: str) -> None:
    assert unseen_words_warning(prompt, KNOWN) == sentence


@pytest.mark.parametrize(
    "prompt",
    [
        "a person walks forward",
        "an old woman in a red dress walks slowly to the left",
        "someone strolls through the park",  # close to walk
        "a man sprints, then jogs in place",  # close to run
        "a person walks happily with the ball",
        "the person raises both hands and the right knee",
        "one of the dancers walks",
        "a girl with long hair is dancing",
        "",
    ],
)
def test_what_is_not_worth_a_word(prompt: str) -> None:
    assert unseen_words_warning(prompt, KNOWN) is None


def test_it_is_written_for_the_training_clips_and_read_again(tmp_path: Path) -> None:
    rows = [
        {"clip": "a", "start": 0, "end": 1, "captions": ["a person walks."]},
        {"clip": "b", "start": 0, "end": 1, "captions": ["a person swims."]},
    ]
    (tmp_path / "captions.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    with pytest.raises(TrainingDataError, match=r"splits\.json"):
        write_vocabulary(tmp_path, tmp_path / "model")
    (tmp_path / "splits.json").write_text('{"train": ["a"], "test": ["b"]}')
    written = write_vocabulary(tmp_path, tmp_path / "model")
    assert written.verbs == {"walk": 1}
    assert read_vocabulary(tmp_path / "model") == written
    assert read_vocabulary(tmp_path) is None


@pytest.mark.parametrize("content", ["", "[]", '{"verbs": 1}', '{"verbs": {"walk": "x"}, "words": {}}'])
def test_a_damaged_file_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / FILE).write_text(content)
    with pytest.raises(ModelFolderError, match="damaged"):
        read_vocabulary(tmp_path)


def test_the_bundled_model_has_a_vocabulary() -> None:
    vocabulary = read_vocabulary(bundled_models() / "default")
    assert vocabulary is not None and vocabulary.verbs["walk"] > 200
    assert unseen_words_warning("a person walks forward and turns left", vocabulary) is None
    assert "“juggle”" in (unseen_words_warning("a person juggles", vocabulary) or "")


def test_generate_and_info_show_the_vocabulary(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = write_tiny_model(tmp_path / "tiny").path
    (model / FILE).write_text(KNOWN.to_json())
    arguments = ["--model", str(model), "--device", "numpy", "--seconds", "1"]
    assert main(["generate", "a person swims", *arguments]) == 0
    assert capsys.readouterr().err == "motionlcm: The model has never seen “swim”; it will guess.\n"
    assert main(["generate", "a person walks", *arguments]) == 0
    assert capsys.readouterr().err == ""
    assert main(["info", str(model)]) == 0
    printed = capsys.readouterr().out
    assert "walk 400" in printed and "kick 11" in printed
