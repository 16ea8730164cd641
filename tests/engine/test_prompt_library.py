"""The prompt library: reading, search, similar prompts, and the tool that makes it of verdicts."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from motionlcm_blender.errors import ModelFolderError, TrainingDataError
from motionlcm_blender.files.safetensors_files import write_arrays
from motionlcm_blender.generation.pipeline import MotionLCM
from motionlcm_blender.networks.model_folder import ModelFolder, bundled_models
from motionlcm_blender.text.prompt_library import (
    CATEGORIES,
    FILE,
    LEAST_CENTRED,
    OFFERS,
    VECTORS,
    Answer,
    LibraryPrompt,
    PromptKind,
    PromptLibrary,
    read_library,
)
from motionlcm_blender.training.evaluation import library as tool


def prompt(text: str, category: str = "walks", about: str = "Walk") -> LibraryPrompt:
    return LibraryPrompt(text, category, about, 4.0, True, True, 1)


def small() -> PromptLibrary:
    rows = (prompt("a person walks"), prompt("a person dances", "dance", "Dance wildly"), prompt("a man runs", "runs"))
    return PromptLibrary(rows, ("a person shrugs",), (0, 1), 4)


def test_library_survives_its_file(tmp_path):
    (tmp_path / FILE).write_text(small().to_json())
    found = read_library(tmp_path)
    assert found is not None and found.prompts == small().prompts and found.weak == small().weak
    assert found.seeds == (0, 1) and found.vectors is None
    assert read_library(tmp_path / "none") is None


def test_categories_and_search():
    library = small()
    assert library.categories == ("walks", "runs", "dance")
    assert [p.prompt for p in library.search("dan wild")] == ["a person dances"]
    assert [p.prompt for p in library.search("person")] == ["a person walks", "a person dances"]
    assert len(library.search("  ")) == 3 and library.search("alk") == ()
    assert library.find(" A Person walks ").category == "walks" and library.find("other") is None


def test_answer_offers_similar_prompts_and_names_weak_and_untried_ones():
    axes = dict(zip(("a person walks", "a person dances", "a man runs", "a person shrugs"), np.eye(4), strict=True))
    library = small().with_vectors(lambda text: 3.0 * axes[text])
    walks, dances, _ = library.prompts
    assert library.answer(np.array([2.0, 0.4, 0.0, 0.1])) == Answer((walks,))
    assert library.answer(np.array([0.1, 0.6, 0.0, 1.0])) == Answer((dances,), weak=True)
    assert library.answer(np.array([0.5, 0.6, 0.0, 0.6])).offers == (dances, walks)  # the nearest first
    assert library.answer(np.array([0.1, 0.1, 0.0, 1.0])) == Answer((), weak=True)


def test_a_weak_prompt_is_answered_with_what_was_chosen_for_it():
    axes = dict(zip(("a person walks", "a person dances", "a man runs", "a person shrugs"), np.eye(4), strict=True))
    chosen = {"a person shrugs": ("a man runs", "none of the library")}
    library = replace(small(), instead=chosen).with_vectors(axes.__getitem__)
    walks, _, runs = library.prompts
    assert library.answer(np.array([0.1, 0.6, 0.0, 1.0])) == Answer((runs,), weak=True)
    assert library.answer(np.array([2.0, 0.4, 0.0, 0.1])) == Answer((walks,))
    assert replace(library, instead={}).answer(np.array([0.1, 0.6, 0.0, 1.0])).offers != (runs,)
    assert small().answer(np.ones(4)) == Answer()


def test_a_prompt_that_is_like_none_is_answered_with_what_comes_nearest_to_its_kind():
    names = ("a person walks", "a person dances", "a man runs", "a person shrugs", "a man flies", "a dog barks", "else")
    axes = dict(zip(names, np.eye(len(names)), strict=True))
    flies = PromptKind(("a man flies",), ("a man runs", "none of the library"))
    barks = PromptKind(("a dog barks",), ("a person walks",))
    library = replace(small(), instead={"a person shrugs": ("a person dances",)}, kinds=(flies, barks))
    library = library.with_vectors(axes.__getitem__)
    walks, dances, runs = library.prompts
    assert library.answer(np.array([0.3, 0.0, 0.0, 0.0, 1.0, 0.2, 0.0])) == Answer((runs,), untried=True)
    assert library.answer(np.array([0.0, 0.0, 0.3, 0.0, 0.2, 1.0, 0.0])) == Answer((walks,), untried=True)
    assert library.answer(np.array([0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0])) == Answer((runs,))  # near enough to one
    beside_weak = np.array([0.0, 0.0, 0.0, 0.5, 0.4, 0.0, 1.0])  # and not weak itself
    assert library.answer(beside_weak) == Answer((dances,), untried=True)
    assert replace(library, kinds=(), kind_vectors=None).answer(axes["a man flies"]) == Answer(untried=True)


def test_kinds_survive_the_files_and_vectors_of_other_kinds_are_refused(tmp_path):
    kinds = (PromptKind(("a man flies", "a bird flies"), ("a man runs",)),)
    library = replace(small(), kinds=kinds).with_vectors(lambda text: np.arange(1.0, 4.0) + len(text))
    (tmp_path / FILE).write_text(library.to_json())
    stored = {"embeddings": library.vectors, "kinds": library.kind_vectors}
    write_arrays(tmp_path / VECTORS, stored)
    found = read_library(tmp_path)
    assert found is not None and found.kinds == kinds and np.array_equal(found.kind_vectors, library.kind_vectors)
    for broken in ({"embeddings": stored["embeddings"]}, {**stored, "kinds": stored["kinds"][:1]}):
        write_arrays(tmp_path / VECTORS, broken)
        with pytest.raises(ModelFolderError, match="does not belong"):
            read_library(tmp_path)


def test_answer_leaves_out_what_all_prompts_share():
    rows = tuple(prompt(f"a person does {number}") for number in range(LEAST_CENTRED))
    shared = np.full(LEAST_CENTRED + 2, 2.0)  # "a person ..."
    vectors = {row.prompt: shared + 2.0 * np.eye(len(shared))[number] for number, row in enumerate(rows)}
    library = PromptLibrary(rows).with_vectors(vectors.__getitem__)
    other = shared + 2.0 * np.eye(len(shared))[-1]
    assert np.dot(other, vectors[rows[0].prompt]) / np.dot(other, other) > 0.9  # as they are, they seem alike
    assert library.answer(other) == Answer(untried=True)
    assert library.answer(vectors[rows[3].prompt]).offers[0] == rows[3]


def test_each_library_prompt_is_its_own_answer_and_few_are_taken_for_weak_ones():
    """Each prompt is left out in turn, as a prompt that somebody types."""
    library = read_library(bundled_models() / "default")
    assert library is not None and library.vectors is not None
    count, taken = len(library.prompts), 0
    for at in range(0, count, 3):
        assert library.answer(library.vectors[at]).offers[0] == library.prompts[at]
        rest = PromptLibrary(
            library.prompts[:at] + library.prompts[at + 1 :], library.weak, vectors=np.delete(library.vectors, at, 0)
        )
        taken += rest.answer(library.vectors[at]).weak
    assert taken <= count // 3 // 6
    assert all(library.answer(vector).weak for vector in library.vectors[count:])


@pytest.mark.parametrize(
    "content",
    [
        "no json", "[]", '{"format": 2, "prompts": []}', '{"format": 1}', '{"format": 1, "prompts": [{}]}',
        '{"format": 1, "prompts": [{"prompt": "", "category": "walks"}]}',
        '{"format": 1, "prompts": [{"prompt": "a", "category": "walks", "seconds": -1}]}',
        '{"format": 1, "prompts": [{"prompt": "a", "category": "walks", "loops": 1}]}',
        '{"format": 1, "prompts": [{"prompt": "a", "category": "walks", "seed": true}]}',
        '{"format": 1, "prompts": [], "instead": []}', '{"format": 1, "prompts": [], "instead": {"a": "b"}}',
        '{"format": 1, "prompts": [], "kinds": {}}', '{"format": 1, "prompts": [], "kinds": [{"like": ["a"]}]}',
        '{"format": 1, "prompts": [], "kinds": [{"like": [], "offers": ["a"]}]}',
        '{"format": 1, "prompts": [], "weak": [1]}', '{"format": 1, "prompts": [], "steps": "4"}',
    ],
)  # fmt: skip
def test_damaged_file_is_one_sentence(tmp_path, content):
    (tmp_path / FILE).write_text(content)
    with pytest.raises(ModelFolderError, match="damaged"):
        read_library(tmp_path)


def test_bundled_library_has_eight_of_each_category_and_a_vector_for_each_prompt():
    library = read_library(bundled_models() / "default")
    assert library is not None and library.vectors is not None
    assert library.categories == CATEGORIES
    assert min(len(library.of_category(category)) for category in CATEGORIES) >= 8
    assert len({p.prompt for p in library.prompts}) == len(library.prompts)
    assert all(p.about and p.seed in library.seeds for p in library.prompts)
    assert np.linalg.norm(library.vectors, axis=1) == pytest.approx(1.0, abs=2e-3)


def test_bundled_library_is_that_of_the_stored_verdicts():
    settings, rows = tool.load_rows(Path(tool.__file__).with_name("library_judgements.json"))
    made, bundled = tool.library_of(settings, rows), read_library(bundled_models() / "default")
    assert bundled is not None and made.prompts == bundled.prompts and made.weak == bundled.weak
    assert made.instead == bundled.instead
    assert bundled.kinds == tool.read_kinds(tool.KINDS, made.prompts)


def test_the_bundled_library_offers_something_for_each_prompt_that_the_model_does_not_do():
    library = read_library(bundled_models() / "default")
    assert library is not None and library.vectors is not None and set(library.instead) == set(library.weak)
    for text, vector in zip(library.weak, library.vectors[len(library.prompts) :], strict=True):
        offers = tuple(offer.prompt for offer in library.answer(vector).offers)
        assert offers == library.instead[text] and 0 < len(offers) <= OFFERS, text


EVERYDAY = Path(__file__).parent.parent / "data" / "everyday_prompts.txt"


def test_each_prompt_that_is_like_none_of_the_bundled_library_has_an_answer():
    """Prompts that were written before anybody looked at the kinds, and the sentences that a panel would show."""
    model = MotionLCM.from_folder(device="numpy")
    library = read_library(bundled_models() / "default")
    assert library is not None
    answers = {text: library.answer(model.sentence_vector(text)) for text in EVERYDAY.read_text().splitlines()}
    unlike = [text for text, answer in answers.items() if answer.untried]
    assert len(unlike) >= 10 and all(answers[text].offers for text in unlike)


def test_the_offers_of_each_kind_are_prompts_of_the_library():
    content = json.loads(tool.KINDS.read_text("utf-8"))
    library = read_library(bundled_models() / "default")
    assert library is not None
    names = {entry.prompt for entry in library.prompts}
    assert all(0 < len(kind["offers"]) <= OFFERS and names.issuperset(kind["offers"]) for kind in content)
    likes = [text for kind in content for text in kind["like"]]
    assert len(set(likes)) == len(likes) and not names.intersection(likes)


def test_bundled_library_was_judged_with_the_bundled_model():
    settings, _ = tool.load_rows(Path(tool.__file__).with_name("library_judgements.json"))
    assert settings["model"] == ModelFolder.open().fingerprint, "judge the prompts of the new model: docs/EXTENDING.md"


def row(verdicts: str, seams: tuple[float, ...] = (0.2, 0.05, 0.03), far: float = 3.0) -> tool.Row:
    return tool.Row("a person walks", "walks", "Walk", 4.0, [far] * 3, list(seams), verdicts)


def test_verdicts_decide():
    assert row("rrp").kept and not row("rpp").kept and not row("").kept
    assert row("wwp").weak and not row("rww").weak and not row("ppp").weak
    settings = {"model": "m", "seeds": [4, 5, 6], "steps": 2}
    made = tool.library_of(settings, [row("rrp"), row("prr", far=0.1)])
    assert [p.travels for p in made.prompts] == [True, False]
    assert [p.loops for p in made.prompts] == [False, True]
    assert [p.seed for p in made.prompts] == [4, 6]
    with pytest.raises(TrainingDataError, match="No candidate"):
        tool.library_of(settings, [row("ppw")])


def test_wrong_verdicts_are_named(tmp_path):
    file = tmp_path / tool.ROWS_FILE
    tool.save_rows(file, {"model": "m", "seeds": [0, 1, 2], "steps": 4}, [row("rr")])
    with pytest.raises(TrainingDataError, match="a letter r, p or w for each take"):
        tool.load_rows(file)
    file.write_text("{}")
    with pytest.raises(TrainingDataError, match="holds no verdicts"):
        tool.load_rows(file)


def test_tool_draws_measures_and_writes(tmp_path, capsys):
    from tests.tiny_model import write_tiny_model

    model, out = tmp_path / "model", tmp_path / "out"
    write_tiny_model(model)
    rows = [{"prompt": f"a person walks {word}", "category": "walks", "about": "Walk"} for word in ("on", "off")]
    (tmp_path / "candidates.json").write_text(json.dumps(rows))
    options = ["--out", str(out), "--device", "numpy"]
    assert tool.main([str(model), *options, "--candidates", str(tmp_path / "candidates.json"), "--seeds", "2"]) == 0
    assert (out / "library_01.png").stat().st_size > 1000
    settings, judged = tool.load_rows(out / tool.ROWS_FILE)
    assert len(judged) == 2 and len(judged[0].seam) == 2 and settings["seeds"] == [0, 1]
    judged[0].verdicts, judged[1].verdicts = "rr", "ww"
    tool.save_rows(out / tool.ROWS_FILE, settings, judged)
    assert tool.main([str(model), *options, "--write"]) == 0
    library = read_library(model)
    assert library is not None and library.vectors is not None and len(library.vectors) == 2
    assert [p.prompt for p in library.prompts] == ["a person walks on"] and library.weak == ("a person walks off",)
    again = ["--out", str(tmp_path / "again"), "--candidates", str(tmp_path / "candidates.json"), "--device", "numpy"]
    judged[1].verdicts = "pp"
    tool.save_rows(out / tool.ROWS_FILE, settings, judged)
    assert tool.main([str(model), *again, "--kept-of", str(out / tool.ROWS_FILE)]) == 0
    assert [r.prompt for r in tool.load_rows(tmp_path / "again" / tool.ROWS_FILE)[1]] == ["a person walks on"]
    capsys.readouterr()
    assert tool.main(["--out", str(out), "--write"]) == 1
    assert "another model" in capsys.readouterr().err
