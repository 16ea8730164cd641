"""Published checkpoints into a model folder: what is recognised, what is refused, and that nothing is ever run."""

from __future__ import annotations

import collections
import io
import json
import os
import pickle
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

from motionlcm_blender.cli import main
from motionlcm_blender.errors import (
    Cancelled,
    LicenceNotAccepted,
    ModelFolderError,
    MotionLCMError,
    UnsupportedCheckpoint,
)
from motionlcm_blender.files.safetensors_files import sha256
from motionlcm_blender.generation.pipeline import MotionLCM
from motionlcm_blender.generation.request import Hints, Request
from motionlcm_blender.importing import checkpoint_parts as parts
from motionlcm_blender.importing import model_import, self_check
from motionlcm_blender.importing.checkpoint_files import CheckpointFile
from motionlcm_blender.importing.model_import import Imported, import_model
from motionlcm_blender.importing.sentence_t5_files import copy_sentence_t5
from motionlcm_blender.importing.statistics_files import read_statistics
from motionlcm_blender.motion.features import joints_from_features
from motionlcm_blender.motion.skeleton import CONTROLLED_JOINTS, JOINTS
from motionlcm_blender.networks.architecture import Architecture
from motionlcm_blender.networks.model_folder import ModelFolder, write_model_folder
from motionlcm_blender.postprocess.transitions import at_origin
from tests.official_files import (
    SMALL,
    SMALL_V2,
    official,
    save_lightning,
    save_plain,
    save_statistics,
    teacher,
    tensor_pickle,
    zip_of,
)
from tests.official_files import parts as some
from tests.repeated import NETWORK, assert_same_output
from tests.small_t5 import write_small_t5
from tests.tiny_model import near_rest, write_tiny_model

torch = pytest.importorskip("torch")
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def t5(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small_t5(tmp_path_factory.mktemp("t5") / "sentence-t5-large")


@pytest.fixture
def place(tmp_path: Path, t5: Path) -> Path:
    """A folder with statistics and the text encoder, as a download would have them."""
    save_statistics(tmp_path / "official" / "humanml3d")
    shutil.copytree(t5, tmp_path / "official" / "sentence-t5-large")
    return tmp_path / "official"


@pytest.fixture
def untried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the self-check, which has tests of its own."""
    monkeypatch.setattr(model_import, "check_model", lambda path: {"pelvis_height_m": 0.9, "text_encoder": 1.0})


def bring(place: Path, **options: Any) -> Imported:
    return import_model([place], place.parent / "model", accept_licence=True, **options)


# What comes out


@pytest.mark.parametrize("version", ["V1", "V2"])
def test_a_lightning_checkpoint_gives_the_numbers_of_its_state_dict(place: Path, version: str) -> None:
    weights = official(SMALL[version])
    file = save_lightning(place / f"motionlcm_humanml_s_pelvis_{version.lower()}.ckpt", weights)
    made = bring(place)
    assert made.folder.architecture == SMALL[version] and made.notes == ()
    assert made.recognised[file.name] == (
        f"{version}: VAE, MotionLCM student, ControlNet for the pelvis, trajectory encoder"
    )
    assert made.folder.controlled_joints == (0,) and not made.folder.can_continue
    stored = made.folder.weights()
    assert stored.keys() == weights.keys()
    assert all((stored[name] == values).all() for name, values in weights.items())

    imported = MotionLCM.from_folder(made.folder.path, "numpy")
    state = {name: torch.from_numpy(values) for name, values in weights.items()}
    encoder = imported._encoder() if version == "V2" else None
    direct = MotionLCM.from_state_dict(state, near_rest(), encoder, "numpy")
    text = np.random.default_rng(1).standard_normal((1, 1, 16)).astype(np.float32)
    assert_same_output(imported.sample(text, 4), direct.sample(text, 4))
    walk = Hints.ground_path(np.stack([np.zeros(40), np.linspace(0, 2, 40)], 1))
    walk = walk.completed(np.ones((40, 22, 3)))  # published models see no path without its height
    if version == "V2":
        request = Request("a person walks", 40, seed=2, steps=2, hints=walk)
        assert_same_output(imported.features(request), direct.features(request))


def test_config_names_authors_and_source(place: Path) -> None:
    file = save_plain(place / "motionlcm_humanml_t.ckpt", official(SMALL_V2))
    made = bring(place)
    config = made.folder.config
    assert "non-commercial" in config["licence"] and "HumanML3D" in config["attribution"]
    assert config["licence_accepted"] and config["guidance"] == {"1": 8.0, "2": 12.5, "4": 13.5}
    assert config["sources"][file.name] == {"sha256": sha256(file), "holds": list(parts.PARTS)}
    assert config["sources"]["Mean.npy"]["sha256"] == sha256(place / "humanml3d" / "Mean.npy")
    dense = "sentence-t5-large/2_Dense/pytorch_model.bin"
    assert config["sources"][dense]["sha256"] == sha256(place / dense)
    assert str(place) not in json.dumps(config)
    card = (made.folder.path / "README.md").read_text()
    assert sha256(file) in card and "commercially" in card
    # The ControlNet for the initial motion saw six joints, and nothing after the start.
    assert made.folder.can_continue and made.folder.controlled_joints == ()
    assert made.folder.start_joints == CONTROLLED_JOINTS
    assert not list(made.folder.path.rglob("*.bin"))
    np.testing.assert_array_equal(made.folder.normalisation()["hint_mean"], near_rest()["hint_mean"])


def test_of_a_start_the_network_gets_the_joints_of_its_training(place: Path, untried: None) -> None:
    save_plain(place / "initial.ckpt", official(SMALL_V2))
    model = MotionLCM.from_folder(bring(place).folder.path, "numpy")
    start = model.generate(Request("a person walks", 40))[0]
    shown = model._known_hints(Request("a person walks", 60, start=start))
    assert shown is not None
    assert set(np.flatnonzero(shown.mask.any((0, 2)))) == set(CONTROLLED_JOINTS)
    assert shown.mask[:40, 0].all() and not shown.mask[40:].any()


def test_parts_in_files_of_their_own_in_any_wrapping(place: Path, untried: None) -> None:
    weights = official(SMALL_V2)
    bare = {name.removeprefix("vae."): values for name, values in some(weights, "vae").items()}
    save_plain(place / "vae.pt", bare, "float64")
    save_plain(place / "motionlcm.ckpt", {f"module.{n}": v for n, v in some(weights, "denoiser").items()})
    control = {n.removeprefix("controlnet."): v for n, v in some(weights, "controlnet").items()}
    save_file(control, place / "all_joints.safetensors")
    bare = {n.removeprefix("traj_encoder."): v for n, v in some(weights, "traj_encoder").items()}
    save_plain(place / "traj.pth", bare)
    made = bring(place)
    assert made.folder.controlled_joints == CONTROLLED_JOINTS
    stored = made.folder.weights()
    assert stored.keys() == weights.keys() and all((stored[n] == v).all() for n, v in weights.items())
    assert set(made.recognised.values()) == {
        "V2: VAE",
        "V2: MotionLCM student",
        "V2: ControlNet for six joints",
        "V2: trajectory encoder",
    }


def test_the_teacher_gives_way_to_the_student_and_its_vae_is_used(place: Path, untried: None) -> None:
    weights = official(SMALL_V2)
    save_plain(place / "mld_humanml.ckpt", teacher(official(SMALL_V2, seed=9)) | some(weights, "vae"))
    save_plain(place / "motionlcm.ckpt", some(weights, "denoiser"))
    made = bring(place)
    assert made.notes == ("There is no ControlNet: paths will not be followed.",)
    assert not made.folder.architecture.control and made.folder.architecture.student
    assert made.recognised["mld_humanml.ckpt"] == "V2: VAE, MLD++ teacher"
    stored = made.folder.weights()
    assert all((stored[n] == v).all() for n, v in some(weights, "vae", "denoiser").items())


def test_the_controlnet_keeps_its_own_denoiser(place: Path, untried: None) -> None:
    with_control = official(SMALL_V2, seed=4)
    save_plain(place / "motionlcm_humanml.ckpt", some(official(SMALL_V2, seed=5), "vae", "denoiser"))
    save_plain(place / "motionlcm_humanml_s_all.ckpt", with_control)
    save_plain(place / "motionlcm_humanml_s_pelvis.ckpt", official(SMALL_V2, seed=6))
    with pytest.raises(UnsupportedCheckpoint, match="both hold a ControlNet"):
        bring(place)
    made = bring(place, control="joints")
    assert all((made.folder.weights()[n] == v).all() for n, v in with_control.items())
    shutil.rmtree(made.folder.path)
    with pytest.raises(UnsupportedCheckpoint, match="initial motion"):
        bring(place, control="start")
    made = bring(place, control="none")
    np.testing.assert_array_equal(
        made.folder.weights()["vae.final_layer.bias"], official(SMALL_V2, seed=5)["vae.final_layer.bias"]
    )


def test_a_controlnet_of_unknown_kind_is_for_the_pelvis_by_default(place: Path, untried: None) -> None:
    save_plain(place / "model.ckpt", official(SMALL_V2))
    made = bring(place)
    assert made.folder.controlled_joints == (0,) and "pelvis" in made.notes[0]
    shutil.rmtree(made.folder.path)
    assert bring(place, control="joints").folder.controlled_joints == CONTROLLED_JOINTS


@settings(max_examples=20)
@given(
    homes=st.lists(st.integers(0, 3), min_size=4, max_size=4),
    wrapper=st.sampled_from(["", "module.", "model.", "model._orig_mod."]),
    version=st.sampled_from(["V1", "V2"]),
)
def test_however_parts_are_spread_over_files_the_model_is_the_same(
    homes: list[int], wrapper: str, version: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder, weights = tmp_path_factory.mktemp("spread"), official(SMALL[version])
    files = []
    for home in sorted(set(homes)):
        held = some(weights, *(part for part, where in zip(parts.PARTS, homes, strict=True) if where == home))
        if len({name.split(".")[0] for name in held}) == 1:  # a part alone may lack its prefix
            held = {name.split(".", 1)[1]: values for name, values in held.items()}
        save_plain(folder / f"{home}.ckpt", {wrapper + name: values for name, values in held.items()})
        files.append(parts.recognise(CheckpointFile.open(folder / f"{home}.ckpt")))
    joined = parts.join(files)
    assert joined.architecture == SMALL[version]
    assert joined.parameters == sum(values.size for values in weights.values())
    read = joined.weights()
    assert read.keys() == weights.keys() and all((read[n] == v).all() for n, v in weights.items())


@pytest.mark.parametrize(
    ("name", "control"),
    [
        ("motionlcm_humanml_s_pelvis_v2.ckpt", "pelvis"),
        ("motionlcm_humanml_s_all.ckpt", "joints"),
        ("motionlcm_humanml_t.ckpt", "start"),
        ("Six-Joints.safetensors", "joints"),
        ("spatial_pelvis/epoch=1999.ckpt", "pelvis"),
        ("all/motionlcm_t2m.ckpt", None),
        ("motionlcm.ckpt", None),
    ],
)
def test_what_a_controlnet_follows_is_read_from_names(name: str, control: str | None) -> None:
    assert parts._control(Path("somewhere") / name) == control


def test_half_precision_and_other_orders_of_bytes(tmp_path: Path) -> None:
    values = np.linspace(-3, 3, 24, dtype=np.float32).reshape(4, 6)
    for kind, tolerance in (("float16", 2e-3), ("bfloat16", 2e-2), ("float32", 0), ("float64", 0)):
        file = CheckpointFile.open(save_plain(tmp_path / f"{kind}.pt", {"a": values, "b": values}, kind))
        expected = torch.from_numpy(values).to(getattr(torch, kind)).float().numpy()
        np.testing.assert_array_equal(file.arrays(["a"])["a"], expected)
        np.testing.assert_allclose(file.arrays(["b"])["b"], values, atol=tolerance)
    torch.save({"t": torch.from_numpy(values).t(), "s": torch.from_numpy(values)[1:3, ::2]}, tmp_path / "views.pt")
    read = CheckpointFile.open(tmp_path / "views.pt").arrays(["t", "s"])
    np.testing.assert_array_equal(read["t"], values.T)
    np.testing.assert_array_equal(read["s"], values[1:3, ::2])
    big = tensor_pickle("a", 24, (4, 6), (6, 1))
    zip_of(tmp_path / "big.pt", big, {"0": values.astype(">f4").tobytes()}, byteorder=b"big")
    np.testing.assert_array_equal(CheckpointFile.open(tmp_path / "big.pt").arrays(["a"])["a"], values)
    from safetensors.torch import save_file as save_torch

    save_torch({"a": torch.from_numpy(values).to(torch.bfloat16)}, tmp_path / "bf16.safetensors")
    expected = torch.from_numpy(values).to(torch.bfloat16).float().numpy()
    np.testing.assert_array_equal(CheckpointFile.open(tmp_path / "bf16.safetensors").arrays(["a"])["a"], expected)


def test_the_text_encoder_is_the_same_without_a_pickle(t5: Path, tmp_path: Path) -> None:
    from motionlcm_blender.text.torch_encoders import SentenceT5

    pickled = Path(shutil.copytree(t5, tmp_path / "pickled"))
    state = {n: torch.from_numpy(v) for n, v in load_file(pickled / "model.safetensors").items()}
    torch.save(state | {"decoder.final_layer_norm.weight": torch.ones(24)}, pickled / "pytorch_model.bin")
    (pickled / "model.safetensors").unlink()
    assert copy_sentence_t5(pickled, tmp_path / "copy").keys() == {"pytorch_model.bin", "2_Dense/pytorch_model.bin"}
    assert not list((tmp_path / "copy").rglob("*.bin"))
    one, two = load_file(tmp_path / "copy" / "model.safetensors"), load_file(t5 / "model.safetensors")
    assert one.keys() == two.keys()
    for name, values in two.items():
        np.testing.assert_array_equal(one[name], values)
    encoders = SentenceT5(tmp_path / "copy"), SentenceT5(t5)
    vectors, others = (
        [encoder.encode(prompt) for encoder in encoders] for prompt in ("a person waves", "a person jumps")
    )
    assert_same_output(*vectors)
    assert np.abs(vectors[0] - others[0]).max() > 10 * NETWORK * np.abs(vectors[0]).max()


def test_statistics_are_found_by_their_size(tmp_path: Path) -> None:
    other = save_statistics(tmp_path / "kit", with_hints=False)
    np.save(other / "Mean.npy", np.zeros(251))
    right = save_statistics(tmp_path / "humanml3d", flat=False)
    values, files = read_statistics([tmp_path, other, right], with_hints=True)
    assert {file.parent for file in files} == {right} and len(files) == 4
    for name, expected in near_rest().items():
        np.testing.assert_array_equal(values[name], expected)
    values, files = read_statistics([right], with_hints=False)
    assert (values["hint_std"] == 1).all() and len(files) == 2


# What is refused, and what is left


class Runs:
    """A pickle of this runs a command in Python's own machine."""

    def __init__(self, what: object, *arguments: object) -> None:
        self.what, self.arguments = what, arguments

    def __reduce__(self) -> tuple[Any, ...]:
        return self.what, self.arguments


HARM = {
    "os.system": lambda mark: Runs(os.system, f"touch {mark}"),
    "eval": lambda mark: Runs(eval, f"__import__('pathlib').Path({str(mark)!r}).touch()"),
    "open": lambda mark: Runs(open, str(mark), "w"),
    "subprocess": lambda mark: Runs(subprocess.check_call, ["touch", str(mark)]),
    "shutil": lambda mark: Runs(shutil.copy, __file__, str(mark)),
}


@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
@pytest.mark.parametrize("how", HARM)
def test_a_hostile_pickle_is_refused_and_not_run(place: Path, tmp_path: Path, how: str, protocol: int) -> None:
    mark = tmp_path / "harm"
    zip_of(place / "evil.ckpt", pickle.dumps({"state_dict": {"a": HARM[how](mark)}}, protocol))
    with pytest.raises(ModelFolderError, match=r"evil\.ckpt names .*nothing of it was run") as caught:
        bring(place)
    assert "\n" not in str(caught.value)
    assert not mark.exists() and not (tmp_path / "model").exists()
    with zipfile.ZipFile(place / "evil.ckpt") as archive:
        made = pickle.loads(archive.read("archive/data.pkl"))["state_dict"]["a"]
    if isinstance(made, io.IOBase):
        made.close()
    assert mark.exists()  # in Python's own machine the same pickle does run


@given(data=st.data())
def test_a_damaged_zip_is_one_sentence(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("zip") / "a.ckpt"
    stream = io.BytesIO()
    torch.save({"a": torch.arange(6.0), "b": collections.OrderedDict(c=torch.ones(2, 3))}, stream)
    content = bytearray(stream.getvalue())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(4, len(content) - 1))] = data.draw(st.integers(0, 255))
    file.write_bytes(content[: data.draw(st.sampled_from([len(content), len(content) // 2]))])
    try:
        opened = CheckpointFile.open(file)
        opened.arrays(list(opened.tensors))
    except MotionLCMError as error:
        assert str(error).endswith(".") and "\n" not in str(error)


LIES = {
    "more numbers than the zip has": {"numbers": 1 << 38, "shape": (1 << 38,), "strides": (1,)},
    "a shape beyond the storage": {"numbers": 6, "shape": (7,), "strides": (1,)},
    "strides beyond the storage": {"numbers": 6, "shape": (2, 3), "strides": (4, 1)},
    "an offset beyond the storage": {"numbers": 6, "shape": (6,), "strides": (1,), "offset": 1},
    "numbers that unfold": {"numbers": 6, "shape": (1 << 30,), "strides": (0,)},
    "negative strides": {"numbers": 6, "shape": (6,), "strides": (-1,)},
    "a negative shape": {"numbers": 6, "shape": (-6,), "strides": (1,)},
    "words for numbers": {"numbers": 6, "shape": ("6",), "strides": (1,)},
    "another type": {"numbers": 6, "shape": (6,), "strides": (1,), "storage": "DoubleStorage"},
}


@pytest.mark.parametrize("lie", LIES)
def test_a_tensor_that_does_not_fit_its_storage_is_refused(tmp_path: Path, lie: str) -> None:
    zip_of(tmp_path / "a.pt", tensor_pickle("a", **LIES[lie]), {"0": bytes(24)})
    with pytest.raises(ModelFolderError, match="does not fit its data"):
        CheckpointFile.open(tmp_path / "a.pt")


def spoil(place: Path, how: str) -> None:
    """Put a checkpoint into the place that cannot be imported, or spoil what lies there."""
    file, weights = place / "model_pelvis.ckpt", official(SMALL_V2)
    if how == "not zipped":
        torch.save(weights, file, _use_new_zipfile_serialization=False)
        return
    if how == "nan":
        weights["vae.final_layer.bias"][3] = np.nan
    elif how == "shape":
        weights["vae.final_layer.bias"] = weights["vae.final_layer.bias"][:-1]
    elif how == "missing parameter":
        del weights["denoiser.encoder.middle_block.linear1.bias"]
    elif how == "unknown parameter":
        weights["vae.wings"] = np.ones(3, np.float32)
    elif how == "unknown part":
        weights["wings.weight"] = np.ones(3, np.float32)
    elif how == "no trajectory encoder":
        weights = some(weights, "vae", "denoiser", "controlnet")
    elif how == "no denoiser":
        weights = some(weights, "vae")
    elif how == "no VAE":
        weights = some(weights, "denoiser")
    elif how == "teacher alone":
        weights = teacher(weights)
    elif how == "another model":
        weights = {"bert.weight": np.ones((2, 2), np.float32)}
    elif how == "integers":
        save_plain(file, weights, "int32")
        return
    save_plain(file, weights)
    if how == "truncated":
        file.write_bytes(file.read_bytes()[:-5000])
    elif how == "one byte changed":
        with zipfile.ZipFile(file) as archive:
            name = next(n for n in archive.namelist() if n.endswith("/data/0"))
            content = archive.read(name)
        file.write_bytes(file.read_bytes().replace(content, bytes([content[0] ^ 1]) + content[1:]))
    elif how == "zip bomb":
        with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("archive/data/99999", bytes(1 << 24))
    elif how == "path out":
        with zipfile.ZipFile(file, "a") as archive:
            archive.writestr("archive/../../evil", b"x")
    elif how == "plain zip":
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("a.txt", b"x")
    elif how == "TorchScript":
        with zipfile.ZipFile(file, "a") as archive:
            root = archive.namelist()[0].split("/")[0]
            archive.writestr(f"{root}/code/a.py", b"x")
    elif how == "V1 beside V2":
        save_plain(place / "old.ckpt", official(SMALL["V1"]))
    elif how == "two students":
        for name in ("one", "two"):
            save_plain(place / f"{name}.ckpt", some(weights, "denoiser", "vae"))
        file.unlink()
    elif how == "empty":
        file.write_bytes(b"")
    elif how == "no checkpoint":
        file.unlink()
    elif how in ("no Mean.npy", "no Std_raw.npy"):
        (place / "humanml3d" / how[3:]).unlink()
    elif how == "Mean.npy of another size":
        np.save(place / "humanml3d" / "Mean.npy", np.zeros(251))
    elif how == "Std.npy of zero":
        np.save(place / "humanml3d" / "Std.npy", np.zeros(263))
    elif how == "Mean.npy a pickle":
        np.save(place / "humanml3d" / "Mean.npy", np.array([Runs(os.system, "true")] * 263, object))
    elif how == "Mean.npy a lie":
        content = (place / "humanml3d" / "Mean.npy").read_bytes()
        (place / "humanml3d" / "Mean.npy").write_bytes(content[:1000])
    elif how == "no text encoder":
        shutil.rmtree(place / "sentence-t5-large")
    elif how == "no tokenizer":
        (place / "sentence-t5-large" / "tokenizer.json").unlink()
    elif how == "another text encoder":
        torch.save({"linear.weight": torch.ones(12, 24)}, place / "sentence-t5-large" / "2_Dense" / "pytorch_model.bin")
    elif how == "Mean.npy of other people":
        np.save(place / "humanml3d" / "Mean.npy", 2.0 * near_rest()["mean"])
    elif how == "Mean.npy of a cellar":
        mean = near_rest()["mean"]
        mean[3] = 0.1
        mean[5:67:3] -= 0.8
        np.save(place / "humanml3d" / "Mean.npy", mean)


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        ("not zipped", "of before 2020"),
        ("nan", "vae.final_layer.bias in model_pelvis.ckpt holds numbers that are not finite"),
        ("shape", "instead of"),
        ("missing parameter", "lack denoiser"),
        ("unknown parameter", "vae.wings, which does not belong"),
        ("unknown part", "wings.weight, which belongs to no"),
        ("no trajectory encoder", "no trajectory encoder"),
        ("no denoiser", "no denoiser"),
        ("no VAE", "no VAE"),
        ("teacher alone", "teacher, which needs 50 steps"),
        ("another model", "no part of a MotionLCM model"),
        ("integers", "no weights"),
        ("truncated", "truncated"),
        ("one byte changed", "damaged"),
        ("zip bomb", "compressed"),
        ("path out", "leads out"),
        ("plain zip", "no checkpoint of PyTorch"),
        ("TorchScript", "TorchScript"),
        ("V1 beside V2", "V1 and .* of V2"),
        ("two students", "both hold a denoiser"),
        ("empty", "empty"),
        ("no checkpoint", "no checkpoint"),
        ("no Mean.npy", "Mean.npy and Std.npy of HumanML3D are not there"),
        ("no Std_raw.npy", "which the ControlNet needs"),
        ("Mean.npy of another size", "251 numbers instead of 263"),
        ("Std.npy of zero", "not possible"),
        ("Mean.npy a pickle", "does not hold numbers"),
        ("Mean.npy a lie", "damaged"),
        ("no text encoder", "sentence-t5-large is not there"),
        ("no tokenizer", "tokenizer.json"),
        ("another text encoder", "gives 12 numbers and the model takes 16"),
        ("Mean.npy of other people", "cm instead of about"),
        ("Mean.npy of a cellar", "above the floor"),
    ],
)
def test_each_refusal_has_its_sentence_and_leaves_nothing_behind(place: Path, how: str, sentence: str) -> None:
    spoil(place, how)
    with pytest.raises((ModelFolderError, UnsupportedCheckpoint), match=sentence) as caught:
        bring(place)
    message = str(caught.value)
    assert "\n" not in message and message.endswith(".")
    assert [entry.name for entry in place.parent.iterdir()] == ["official"]


def test_a_named_file_must_be_a_checkpoint_and_finds_what_lies_beside_it(place: Path, untried: None) -> None:
    save_statistics(place)
    model = save_plain(place / "model_pelvis.ckpt", official(SMALL_V2))
    other = save_plain(place / "bert.pt", {"bert.weight": np.ones((2, 2), np.float32)})
    with pytest.raises(UnsupportedCheckpoint, match=r"bert\.pt"):
        import_model([model, other], place.parent / "model", accept_licence=True)
    with pytest.raises(ModelFolderError, match="no file or folder"):
        import_model([place / "none.ckpt"], place.parent / "model", accept_licence=True)
    import_model([model], place.parent / "one", accept_licence=True)
    assert bring(place).notes[0].startswith("bert.pt was left out")


def test_nothing_is_read_before_the_licence_is_accepted(place: Path) -> None:
    with pytest.raises(LicenceNotAccepted, match="licence"):
        import_model([place / "not even there"], place.parent / "model")


def test_what_is_there_already_stays(place: Path, untried: None) -> None:
    save_plain(place / "model_pelvis.ckpt", official(SMALL_V2))
    target = place.parent / "model"
    target.mkdir()
    (target / "mine").write_text("x")
    with pytest.raises(ModelFolderError, match="there already"):
        bring(place)
    assert (target / "mine").read_text() == "x"
    (target / "mine").unlink()
    assert bring(place).folder.path == target


def test_folders_made_for_the_model_go_with_it(place: Path, untried: None, monkeypatch: pytest.MonkeyPatch) -> None:
    save_plain(place / "model_pelvis.ckpt", official(SMALL_V2))
    target = place.parent / "models" / "new" / "model"
    with pytest.raises(Cancelled):
        import_model([place], target, accept_licence=True, cancel=iter([False] * 4 + [True]).__next__)
    assert [entry.name for entry in place.parent.iterdir()] == ["official"]
    assert import_model([place], target, accept_licence=True).folder.path == target


def test_the_same_file_twice_is_one(place: Path, untried: None) -> None:
    file = save_plain(place / "model_pelvis.ckpt", official(SMALL_V2))
    (place / "copy").mkdir()
    shutil.copy(file, place / "copy")
    assert bring(place).folder.architecture == SMALL_V2


def test_a_full_disk_is_one_sentence(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_plain(place / "model_pelvis.ckpt", official(SMALL_V2))
    usage = shutil.disk_usage(place)._replace(free=1000)
    monkeypatch.setattr(model_import.shutil, "disk_usage", lambda path: usage)
    with pytest.raises(ModelFolderError, match="not enough space"):
        bring(place)
    monkeypatch.undo()

    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(model_import, "write_model_folder", full)
    with pytest.raises(ModelFolderError, match="not enough space"):
        bring(place)
    assert [entry.name for entry in place.parent.iterdir()] == ["official"]


@pytest.mark.parametrize("at", range(6))
def test_cancelling_leaves_nothing_behind(place: Path, untried: None, at: int) -> None:
    save_plain(place / "model_pelvis.ckpt", official(SMALL_V2))
    calls = iter(range(100))
    parts: list[str] = []
    with pytest.raises(Cancelled):
        bring(place, cancel=lambda: next(calls) >= at, progress=lambda part, what: parts.append(what))
    assert len(parts) == at
    assert [entry.name for entry in place.parent.iterdir()] == ["official"]


# Requests to an imported model


def both_runtimes(folder: Path) -> list[MotionLCM]:
    return [MotionLCM.from_folder(folder, device) for device in ("numpy", "cpu")]


def curve(frames: int) -> np.ndarray:
    return np.stack([np.sin(np.linspace(0, 2, frames)), np.linspace(0, 2, frames)], 1)


@pytest.mark.parametrize(
    ("name", "steps", "version"), [("model_pelvis.ckpt", 1, "V2"), ("six_joints.ckpt", 4, "V2"), ("pelvis.pt", 2, "V1")]
)
def test_a_path_is_shown_with_the_height_of_the_take_without_it(
    place: Path, untried: None, name: str, steps: int, version: str
) -> None:
    save_plain(place / name, official(SMALL[version]))
    folder = bring(place).folder
    assert folder.needs_whole_positions
    path = Hints.ground_path(curve(60))
    made = []
    for model in both_runtimes(folder.path):
        request = Request("a person walks", 60, seed=4, takes=2, steps=steps, hints=path)
        features = model.features(request)
        for take in range(2):
            one = replace(request, seed=4 + take, takes=1)
            free = joints_from_features(model.features(replace(one, hints=None))[0])
            positions, mask = path.positions.copy(), np.zeros(path.mask.shape, bool)
            positions[:, 0, 1], mask[:, 0] = free[:, 0, 1], True
            expected = model.features(replace(one, hints=Hints(positions, mask)))[0]
            np.testing.assert_allclose(features[take], expected, atol=2e-5)
        assert np.ptp(features[0] - features[1]) > 1e-4
        # The network did not get the height alone: it gets the height of the motion from the same noise.
        low = path.completed(np.zeros((60, 22, 3)))
        assert np.abs(model.features(replace(request, hints=low)) - features).max() > 1e-4
        motion = model.generate(request)[0]
        assert motion.report["path_max_cm"] < 30
        made.append(features)
    np.testing.assert_allclose(made[0], made[1], atol=1e-3)


def test_our_own_models_make_a_path_in_one_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = MotionLCM.from_folder(write_tiny_model(tmp_path / "tiny").path, "numpy")
    passes = []
    sampled = MotionLCM._sampled
    monkeypatch.setattr(MotionLCM, "_sampled", lambda *args: passes.append(1) or sampled(*args))
    model.features(Request("a person walks", 40, hints=Hints.ground_path(curve(40))))
    assert len(passes) == 1


def test_refining_an_imported_model_reduces_the_error(place: Path, untried: None) -> None:
    save_plain(place / "model_pelvis.ckpt", official(SMALL_V2))
    model = MotionLCM.from_folder(bring(place).folder.path, "cpu")
    path = Hints.ground_path(curve(60))
    report = model.generate(Request("a person walks", 60, takes=2, hints=path, refine=True))[0].report
    assert report["refine_after_cm"] <= report["refine_before_cm"]


@pytest.mark.parametrize(
    ("name", "hint", "sentence"),
    [
        ("pelvis.ckpt", "wrist", "MotionLCM V2 was not trained to put the left wrist anywhere"),
        ("pelvis.ckpt", "start", "not trained to go on from an earlier motion"),
        ("six_joints.ckpt", "elbow", "not trained to put the right elbow anywhere"),
        ("initial.ckpt", "path", "not trained to put the pelvis anywhere"),
        ("none.ckpt", "path", "cannot follow a path"),
    ],
)
def test_what_a_model_cannot_do_is_refused_by_name(
    place: Path, untried: None, name: str, hint: str, sentence: str
) -> None:
    weights = official(SMALL_V2)
    save_plain(place / name, some(weights, "vae", "denoiser") if name == "none.ckpt" else weights)
    folder = bring(place).folder
    for model in both_runtimes(folder.path):
        request = Request("a person walks", 60)
        if hint == "start":
            request = replace(request, start=model.generate(Request("a person walks", 40))[0])
        elif hint == "path":
            request = replace(request, hints=Hints.ground_path(curve(60)))
        else:
            mask = np.zeros((60, 22, 3), bool)
            mask[30, JOINTS.index({"wrist": "l_wrist", "elbow": "r_elbow"}[hint])] = True
            request = replace(request, hints=Hints(np.ones(mask.shape), mask))
        with pytest.raises(MotionLCMError, match=sentence):
            model.generate(request)


def test_six_joints_are_pins_and_initial_motion_goes_on(place: Path, untried: None) -> None:
    save_plain(place / "six_joints.ckpt", official(SMALL_V2))
    folder = bring(place).folder
    for model in both_runtimes(folder.path):
        free = model.generate(Request("a person walks", 60))[0]
        for joint in CONTROLLED_JOINTS[1:]:
            positions, mask = np.zeros((60, 22, 3)), np.zeros((60, 22, 3), bool)
            positions[40, joint], mask[40, joint] = free.joints[40, joint] + [0.03, 0.0, 0.03], True
            made = model.generate(Request("a person walks", 60, hints=Hints(positions, mask)))[0]
            assert made.report["pin_max_cm"] < 2.0
    shutil.rmtree(folder.path)
    (place / "six_joints.ckpt").rename(place / "initial_motion.ckpt")
    folder = bring(place).folder
    for model in both_runtimes(folder.path):
        start = model.generate(Request("a person walks", 40))[0]
        made = model.generate(Request("a person waves", 80, start=start))[0]
        np.testing.assert_allclose(made.joints[20], at_origin(start.joints)[20], atol=0.02)
        assert model.generate(Request("a person walks", 250))[0].frames == 250


# The self-check, and the command


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory, t5: Path) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("checked") / "model"
    copy_sentence_t5(t5, folder / "text_encoder")
    config = {
        "name": "small", "architecture": SMALL_V2.to_json(), "frames": {"min": 40, "max": 196},
        "text_encoder": {"kind": "sentence-t5", "tokens": "sentence"}, "control": parts.control_settings("start"),
    }  # fmt: skip
    write_model_folder(folder, config, official(SMALL_V2), near_rest(), "")
    return folder


def test_the_self_check_tries_the_text_encoder_where_it_can(
    checked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = self_check.check_model(checked)
    assert measured["text_encoder"] == 1 and 0.8 < measured["pelvis_height_m"] < 1.1
    monkeypatch.setattr(self_check.importlib.util, "find_spec", lambda name: None)
    assert self_check.check_model(checked)["text_encoder"] == 1
    bare = Path(shutil.copytree(checked, tmp_path / "bare"))
    (bare / "text_encoder" / "tokenizer.json").unlink()
    assert self_check.check_model(bare)["text_encoder"] == 0


def test_impossible_motion_is_reported(checked: Path) -> None:
    model = MotionLCM(MotionLCM.from_folder(checked, "numpy").backend, near_rest(), None, ModelFolder.open(checked))
    good = self_check._standing(model)
    self_check.check_motion(good, "It")
    short = good.copy()
    short[:, 4:67] *= 0.7
    with pytest.raises(ModelFolderError, match="thigh of 2"):
        self_check.check_motion(short, "It")
    self_check.check_motion(short, "It", strict=False)
    good[3, 100] = np.inf
    with pytest.raises(ModelFolderError, match="not finite"):
        self_check.check_motion(good, "It")


def test_the_command_requires_consent_and_then_imports(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save_lightning(place / "motionlcm_humanml_s_pelvis.ckpt", official(SMALL_V2))
    arguments = ["import", str(place), "--out", str(place.parent / "model")]
    assert main.main(arguments) == 1
    printed = capsys.readouterr()
    assert "non-commercial" in printed.out and "--accept-licence" in printed.err
    assert not (place.parent / "model").exists()
    assert main.main([*arguments, "--accept-licence"]) == 0
    printed = capsys.readouterr()
    assert "MotionLCM V2" in printed.out and "ControlNet for the pelvis" in printed.out and printed.err == ""
    assert main.main(["info", str(place.parent / "model")]) == 0
    assert "non-commercial" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main.main(["import", str(place)])


def test_import_needs_no_torch(place: Path) -> None:
    save_lightning(place / "motionlcm_humanml_s_pelvis.ckpt", official(SMALL_V2))
    program = (
        "import sys; sys.modules['torch'] = sys.modules['transformers'] = None\n"
        "import importlib.util; there = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda n, *a: None if n in ('torch', 'transformers') else there(n, *a)\n"
        "from motionlcm_blender.importing.model_import import import_model\n"
        f"made = import_model([{str(place)!r}], {str(place.parent / 'model')!r}, accept_licence=True)\n"
        "print(made.folder.architecture.control, made.notes)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "True ()\n"


def test_the_published_sizes_are_recognised(tmp_path: Path) -> None:
    for version in ("v1", "v2"):
        names = json.loads((Path(__file__).parent / "data" / f"keys_{version}.json").read_text())
        weights = {name: np.zeros(shape, np.float32) for name, shape in names.items()}
        file = parts.recognise(CheckpointFile.open(save_lightning(tmp_path / f"{version}_pelvis.ckpt", weights)))
        joined = parts.join([file])
        assert file.version == version.upper() and joined.control == "pelvis"
        assert joined.architecture == Architecture.from_shapes({n: tuple(s) for n, s in names.items()})
        assert joined.weights().keys() == names.keys()
