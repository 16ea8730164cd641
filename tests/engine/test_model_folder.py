"""Model folders: written, read, and refused with the right sentence."""

from __future__ import annotations

import hashlib
import json
import pickle
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from motionlcm_blender.errors import ModelFolderError, MotionLCMError, UnsupportedCheckpoint
from motionlcm_blender.networks.architecture import Architecture
from motionlcm_blender.networks.model_folder import ModelFolder, write_model_folder
from motionlcm_blender.networks.parameter_shapes import check_shapes, parameter_shapes
from tests.synthetic_weights import synthetic_weights
from tests.tiny_model import TINY, near_rest, write_tiny_model

DATA = Path(__file__).parent / "data"


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("models") / "tiny").path


@pytest.fixture
def folder(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(original, tmp_path / "model"))


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_shapes_are_the_official_ones(version: str) -> None:
    official = {n: tuple(s) for n, s in json.loads((DATA / f"keys_{version}.json").read_text()).items()}
    architecture = Architecture.from_shapes(official)
    assert parameter_shapes(architecture) == official
    assert Architecture.from_json(json.loads(json.dumps(architecture.to_json()))) == architecture


@pytest.mark.parametrize("change", [{}, {"student": False}, {"control": False}, {"adapter": False, "latent_width": 32}])
def test_sizes_can_be_read_off_the_shapes(change: dict[str, object]) -> None:
    architecture = replace(TINY, **change)  # type: ignore[arg-type]
    if not architecture.adapter:
        architecture = replace(architecture, text_relu=True, condition_silu=False)
    if not architecture.control:
        architecture = replace(architecture, trajectory_layers=9)
    assert Architecture.from_shapes(parameter_shapes(architecture), heads=TINY.heads) == architecture


def test_round_trip(original: Path) -> None:
    folder = ModelFolder.open(original)
    weights = folder.weights()
    expected = synthetic_weights(parameter_shapes(TINY), seed=1)
    assert folder.name == "tiny" and folder.architecture == TINY and folder.frames == (8, 196)
    assert folder.text["kind"] == "minilm" and folder.guidance == {1: 8.0, 2: 12.5, 4: 13.5}
    assert weights.keys() == expected.keys()
    for name, array in weights.items():
        assert array.dtype == np.float32
        np.testing.assert_array_equal(array, expected[name].astype(np.float16).astype(np.float32))
    for name, array in folder.normalisation().items():
        np.testing.assert_array_equal(array, near_rest()[name])


def test_fingerprint_is_that_of_the_file_and_differs_between_models(original: Path, tmp_path: Path) -> None:
    loaded = ModelFolder.open(original)
    loaded.weights()
    assert re.fullmatch("[0-9a-f]{64}", loaded.fingerprint)
    assert ModelFolder.open(original).fingerprint == loaded.fingerprint
    assert write_tiny_model(tmp_path / "other", seed=2).fingerprint != loaded.fingerprint


def test_writing_replaces_a_model_and_keeps_other_files(folder: Path) -> None:
    (folder / "LICENSE").write_text("kept")
    before = ModelFolder.open(folder).fingerprint
    write_tiny_model(folder, seed=5, half=False)
    assert (folder / "LICENSE").read_text() == "kept"
    assert ModelFolder.open(folder).fingerprint != before
    assert not list(folder.glob(".*"))


def _read_all(folder: Path) -> None:
    opened = ModelFolder.open(folder)
    opened.normalisation()
    opened.weights()


def _break(folder: Path, how: str) -> None:
    config_file, weights_file = folder / "config.json", folder / "model.safetensors"
    statistics_file = folder / "normalisation.safetensors"
    config = json.loads(config_file.read_text())
    if how == "no folder":
        shutil.rmtree(folder)
    elif how == "a file":
        shutil.rmtree(folder)
        folder.write_text("x")
    elif how.startswith("no "):
        (folder / how[3:]).unlink()
    elif how == "truncated":
        weights_file.write_bytes(weights_file.read_bytes()[:-1000])
    elif how == "truncated header":
        weights_file.write_bytes(weights_file.read_bytes()[:100])
    elif how == "empty":
        weights_file.write_bytes(b"")
    elif how == "pickle":
        weights_file.write_bytes(pickle.dumps({"a": 1}))
    elif how == "zip pickle":
        weights_file.write_bytes(b"PK\x03\x04" + bytes(100))
    elif how == "git lfs":
        weights_file.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n")
    elif how == "text":
        weights_file.write_text("hello, this is no model at all")
    elif how == "integers":
        arrays = load_file(weights_file)
        arrays["vae.global_motion_token"] = arrays["vae.global_motion_token"].astype(np.int32)
        save_file(arrays, weights_file)
    elif how == "nan":
        arrays = load_file(weights_file)
        arrays["vae.global_motion_token"][0, 0] = np.nan
        save_file(arrays, weights_file)
    elif how == "shape":
        arrays = load_file(weights_file)
        arrays["vae.global_motion_token"] = arrays["vae.global_motion_token"][:-1]
        save_file(arrays, weights_file)
    elif how == "missing parameter":
        arrays = load_file(weights_file)
        del arrays["vae.global_motion_token"]
        save_file(arrays, weights_file)
    elif how == "extra parameter":
        save_file(load_file(weights_file) | {"evil": np.zeros(3, np.float32)}, weights_file)
    elif how == "zero std":
        save_file(near_rest() | {"std": np.zeros(263, np.float32)}, statistics_file)
    elif how == "statistics shape":
        save_file(near_rest() | {"mean": np.zeros(262, np.float32)}, statistics_file)
    elif how == "statistics missing":
        save_file({"mean": np.zeros(263, np.float32)}, statistics_file)
    elif how == "broken json":
        config_file.write_text("{")
    elif how == "json list":
        config_file.write_text("[]")
    else:
        config.update(json.loads(how))
        config_file.write_text(json.dumps(config))


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        ("no folder", "not there"),
        ("a file", "is a file"),
        ("no config.json", "config.json is missing"),
        ("no model.safetensors", "model.safetensors is missing"),
        ("no normalisation.safetensors", "normalisation.safetensors is missing"),
        ("truncated", "truncated"),
        ("truncated header", "truncated"),
        ("empty", "empty"),
        ("pickle", "pickle"),
        ("zip pickle", "pickle"),
        ("git lfs", "placeholder"),
        ("text", "no safetensors"),
        ("integers", "int32"),
        ("nan", "not finite"),
        ("shape", "shape"),
        ("missing parameter", "lack"),
        ("extra parameter", "does not belong"),
        ("zero std", "not possible"),
        ("statistics shape", "shape"),
        ("statistics missing", "lacks std"),
        ("broken json", "damaged"),
        ("json list", "does not describe"),
        ('{"format": 99}', "format 99"),
        ('{"name": 3}', '"name"'),
        ('{"architecture": {"wings": 2}}', "wings"),
        ('{"architecture": {"width": "wide"}}', '"width"'),
        ('{"architecture": {"heads": 0}}', '"heads"'),
        ('{"architecture": {"vae_layers": 4}}', "odd"),
        ('{"architecture": {"width": 30}}', "heads"),
        ('{"text_encoder": {"kind": "clip"}}', "'clip'"),
        ('{"text_encoder": {"kind": "minilm", "tokens": "states"}}', "max_states"),
        ('{"frames": {"min": 9, "max": 3}}', "frames"),
        ('{"guidance": {"1": "high"}}', "guidance"),
    ],
)
def test_each_damage_has_its_sentence(folder: Path, how: str, sentence: str) -> None:
    _break(folder, how)
    with pytest.raises(ModelFolderError) as caught:
        _read_all(folder)
    message = str(caught.value)
    assert sentence in message
    assert "\n" not in message and message.endswith(".")


def test_nothing_is_written_when_the_weights_do_not_fit(tmp_path: Path, original: Path) -> None:
    config = json.loads((original / "config.json").read_text())
    weights = synthetic_weights(parameter_shapes(TINY), 1)
    bad_weights = [
        {n: w for n, w in weights.items() if n != "vae.final_layer.bias"},
        weights | {"vae.final_layer.bias": np.full(263, np.inf, np.float32)},
    ]
    for bad in bad_weights:
        with pytest.raises(ModelFolderError):
            write_model_folder(tmp_path / "new", config, bad, near_rest(), "")
    with pytest.raises(ModelFolderError):
        write_model_folder(tmp_path / "new", config, weights, {"mean": np.zeros(263)}, "")
    assert not (tmp_path / "new").exists()


def test_unwritable_place_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "blocked").write_text("a file, not a folder")
    with pytest.raises(ModelFolderError, match="cannot be written"):
        write_tiny_model(tmp_path / "blocked" / "model")


def test_a_wrong_checkpoint_is_refused() -> None:
    with pytest.raises(UnsupportedCheckpoint):
        Architecture.from_shapes({"model.weight": (3, 3)})
    shapes = parameter_shapes(TINY)
    with pytest.raises(MotionLCMError, match="instead of"):
        check_shapes(shapes | {"vae.final_layer.bias": (262,)}, TINY)


def test_matrices_of_eight_bits_take_a_quarter_and_come_back_nearly(tmp_path: Path) -> None:
    tiny = write_tiny_model(tmp_path / "float")
    known = tiny.weights()
    config = {key: value for key, value in tiny.config.items() if key != "format"}
    small = write_model_folder(tmp_path / "bits", config, known, tiny.normalisation(), "# card", eight_bits=True)
    made = small.weights()
    assert made.keys() == known.keys()
    for name, values in known.items():
        if values.ndim == 2:  # half a step of 254 over the range of each row
            step = np.abs(values).max(1, keepdims=True) / 127
            assert (np.abs(made[name] - values) <= 0.5001 * step + 1e-7).all()
        else:
            np.testing.assert_allclose(made[name], values, atol=1e-6)
    matrices = sum(w.size for w in known.values() if w.ndim == 2)
    saved = (tiny.path / "model.safetensors").stat().st_size - (small.path / "model.safetensors").stat().st_size
    assert saved > 0.6 * matrices  # the tiny model is stored as float16 or float32
    assert small.fingerprint == hashlib.sha256((small.path / "model.safetensors").read_bytes()).hexdigest()
