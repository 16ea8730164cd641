"""The text encoder of models side by side is on the disk once, and each model stays whole by itself."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file

from motionlcm_blender.errors import ModelFolderError
from motionlcm_blender.files.safetensors_files import sha256, write_bytes
from motionlcm_blender.generation.pipeline import MotionLCM
from motionlcm_blender.generation.request import Request
from motionlcm_blender.importing import hard_links, model_import, sentence_t5_files
from motionlcm_blender.importing.hard_links import have_same_bytes, link_or_copy, link_to_twin
from motionlcm_blender.importing.model_import import import_model
from motionlcm_blender.importing.official import Wanted, get_official_model, remove_model
from motionlcm_blender.networks.model_folder import ModelFolder
from tests.official_files import SMALL, official, save_statistics, write_checkpoint
from tests.small_t5 import write_plain_t5

WEIGHTS = ("text_encoder/model.safetensors", "text_encoder/2_Dense/model.safetensors")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with both versions, statistics and the text encoder, on a disk with hard links."""
    monkeypatch.setattr(model_import, "check_model", lambda path: {"pelvis_height_m": 0.9, "text_encoder": 1.0})
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "no hub"))
    folder = tmp_path / "official"
    save_statistics(folder / "humanml3d")
    write_plain_t5(folder / "sentence-t5-large")
    for version in SMALL:
        write_checkpoint(folder / f"{version}_pelvis.ckpt", official(SMALL[version]))
    return folder


def bring(place: Path, version: str, encoder: Path | None = None, home: str = "home") -> Path:
    made = import_model(
        [place / f"{version}_pelvis.ckpt"],
        place.parent / home / version,
        statistics=[place / "humanml3d"],
        text_encoder=encoder or place / "sentence-t5-large",
        accept_licence=True,
    )
    return made.folder.path


def both(place: Path) -> tuple[Path, Path]:
    return bring(place, "V1"), bring(place, "V2")


def inode(path: Path) -> tuple[int, int]:
    return path.stat().st_ino, path.stat().st_nlink


def on_disk(folder: Path) -> int:
    """Bytes of all files below a folder, each counted once whatever its names."""
    files = [path.stat() for path in folder.rglob("*") if path.is_file()]
    return sum({stat.st_ino: stat.st_size for stat in files}.values())


def leftovers(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.name.startswith(".")]


def as_pickles(encoder: Path) -> None:
    """Have the weights as published before safetensors."""
    for file in (encoder / "model.safetensors", encoder / "2_Dense/model.safetensors"):
        write_checkpoint(file.with_name("pytorch_model.bin"), load_file(file))
        file.unlink()


@pytest.mark.parametrize("pickled", [False, True])
def test_two_models_have_one_encoder_on_the_disk(place: Path, pickled: bool) -> None:
    if pickled:
        as_pickles(place / "sentence-t5-large")
    one = bring(place, "V1")
    alone, before = on_disk(one), on_disk(place.parent / "home")
    two = bring(place, "V2")
    encoder = 0
    for name in WEIGHTS:
        assert inode(one / name) == inode(two / name) and inode(one / name)[1] == 2
        encoder += (one / name).stat().st_size
    added = on_disk(place.parent / "home") - before
    assert added == on_disk(two) - encoder and before == alone
    # What a person may edit is each model's own.
    assert inode(one / "text_encoder/config.json") != inode(two / "text_encoder/config.json")
    assert leftovers(place.parent / "home") == []


def test_deleting_either_leaves_the_other_whole(place: Path) -> None:
    for doomed, kept in ((0, 1), (1, 0)):
        models = both(place)
        before = sha256(models[kept] / WEIGHTS[0])
        remove_model(models[doomed], models[doomed].parent)
        assert sha256(models[kept] / WEIGHTS[0]) == before and inode(models[kept] / WEIGHTS[0])[1] == 1
        model = MotionLCM.from_folder(models[kept], "numpy")
        assert np.isfinite(model.features(Request("a person walks", 40))[0]).all()
        assert model._encoder().encode("a person walks").shape == (16,)
        shutil.rmtree(place.parent / "home")


def test_writing_a_file_anew_leaves_the_other_as_it_was(place: Path) -> None:
    one, two = both(place)
    before = (two / WEIGHTS[0]).read_bytes()
    write_bytes(one / WEIGHTS[0], b"something else")
    link_or_copy(place / "sentence-t5-large/2_Dense/model.safetensors", one / WEIGHTS[1], [])
    assert (two / WEIGHTS[0]).read_bytes() == before and inode(two / WEIGHTS[0])[1] == 1
    assert inode(two / WEIGHTS[1])[1] == 1


def test_an_encoder_that_a_model_before_has_is_shared(place: Path) -> None:
    one = bring(place, "V1")
    wanted = Wanted(one.parent, place / "V2_pelvis.ckpt", statistics=place / "humanml3d", accept_licence=True)
    shutil.rmtree(place / "sentence-t5-large")
    made = get_official_model(wanted).folder
    assert inode(made.path / WEIGHTS[0]) == inode(one / WEIGHTS[0])
    assert made.config["text_encoder"]["name"] == "sentence-t5-large"
    assert made.config["sources"]["sentence-t5-large/model.safetensors"]["sha256"] == sha256(one / WEIGHTS[0])


def test_the_same_size_is_not_the_same_content(place: Path) -> None:
    one = bring(place, "V1")
    file = place / "sentence-t5-large/model.safetensors"
    content = bytearray(file.read_bytes())
    content[-2] ^= 1  # the last number, a little
    file.write_bytes(content)
    two = bring(place, "V2")
    assert inode(one / WEIGHTS[0]) != inode(two / WEIGHTS[0]) and inode(one / WEIGHTS[0])[1] == 1
    assert (two / WEIGHTS[0]).read_bytes() == content
    assert inode(one / WEIGHTS[1]) == inode(two / WEIGHTS[1])  # this one is the same


def test_a_damaged_twin_is_not_taken(place: Path) -> None:
    one = bring(place, "V1")
    with (one / WEIGHTS[0]).open("r+b") as file:
        file.seek(200)
        file.write(b"damaged")
    two = bring(place, "V2")
    assert have_same_bytes(place / "sentence-t5-large/model.safetensors", two / WEIGHTS[0])


@pytest.mark.parametrize("number", [errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP])
@pytest.mark.parametrize("pickled", [False, True])
def test_a_disk_without_links_gets_a_copy(
    place: Path, number: int, pickled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if pickled:
        as_pickles(place / "sentence-t5-large")

    def refused(*_arguments: object, **_options: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(hard_links.os, "link", refused)
    one, two = both(place)
    for name in WEIGHTS:
        assert inode(one / name)[0] != inode(two / name)[0] and inode(two / name)[1] == 1
        assert have_same_bytes(one / name, two / name)
    assert leftovers(place.parent / "home") == []


def test_models_elsewhere_and_files_that_were_chosen_are_not_linked_to(place: Path) -> None:
    one, other = bring(place, "V1"), bring(place, "V2", home="elsewhere")
    assert inode(one / WEIGHTS[0])[1] == inode(other / WEIGHTS[0])[1] == 1
    assert inode(place / "sentence-t5-large/model.safetensors")[1] == 1


def test_an_import_that_fails_leaves_the_other_whole(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = bring(place, "V1")
    before = sha256(one / WEIGHTS[0])

    def fails(path: Path) -> None:
        assert inode(path / WEIGHTS[0]) == inode(one / WEIGHTS[0])
        raise ModelFolderError("The sampled motion is no motion.")

    monkeypatch.setattr(model_import, "check_model", fails)
    with pytest.raises(ModelFolderError, match="no motion"):
        bring(place, "V2")
    assert sha256(one / WEIGHTS[0]) == before and inode(one / WEIGHTS[0])[1] == 1
    assert [path.name for path in one.parent.iterdir()] == ["V1"]
    ModelFolder.open(one).weights()


def test_what_is_there_already_needs_no_space(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A little less is free than model and encoder take: enough where the encoder is there."""
    parts: list[int] = []
    real = sentence_t5_files.check_sentence_t5

    def noted_check(folder: Path, width: int) -> int:
        parts.append(real(folder, width))
        return parts[-1]

    monkeypatch.setattr(model_import, "check_sentence_t5", noted_check)
    bring(place, "V1")
    ours = sum((place.parent / "home/V1" / name).stat().st_size for name in WEIGHTS)
    counted = 4 * sum(values.size for values in official(SMALL["V2"]).values()) + parts[0] + model_import._FEW_BYTES
    usage = shutil.disk_usage(place)._replace(free=counted - ours)
    monkeypatch.setattr(model_import.shutil, "disk_usage", lambda path: usage)
    assert bring(place, "V2").is_dir()
    with pytest.raises(ModelFolderError, match="not enough space"):
        bring(place, "V2", home="elsewhere")


# The files themselves


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=60), st.binary(max_size=60), st.integers(1, 9))
def test_links_are_made_of_equal_bytes_alone(
    tmp_path_factory: pytest.TempPathFactory, one: bytes, other: bytes, block: int
) -> None:
    folder = tmp_path_factory.mktemp("files")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(hard_links, "_BLOCK", block)
        (folder / "source").write_bytes(one)
        (folder / "other").write_bytes(other)
        (folder / "target").write_bytes(b"before")
        assert link_to_twin(folder / "source", folder / "target", [folder / "other"]) is (one == other)
        assert (folder / "target").read_bytes() == (one if one == other else b"before")
        link_or_copy(folder / "source", folder / "target", [folder / "other"])
        assert (folder / "target").read_bytes() == one
    assert (folder / "source").read_bytes() == one and (folder / "other").read_bytes() == other
    assert (folder / "target").samefile(folder / "other") is (one == other)
    assert sorted(path.name for path in folder.iterdir()) == ["other", "source", "target"]


def test_a_link_that_is_one_already_stays(tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(b"x")
    os.link(tmp_path / "one", tmp_path / "two")
    assert link_to_twin(tmp_path / "two", tmp_path / "two", [tmp_path / "one"])
    assert inode(tmp_path / "one") == inode(tmp_path / "two") and len(list(tmp_path.iterdir())) == 2


def test_symbolic_links_missing_files_and_folders_are_no_twins(tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(b"x")
    (tmp_path / "link").symlink_to(tmp_path / "one")
    (tmp_path / "folder").mkdir()
    others = [tmp_path / "link", tmp_path / "gone", tmp_path / "folder"]
    assert not link_to_twin(tmp_path / "one", tmp_path / "target", others)
    assert not (tmp_path / "target").exists()


def test_a_copy_that_the_disk_refuses_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "source").write_bytes(b"new")
    (tmp_path / "target").write_bytes(b"old")

    def full(source: Path, target: Path) -> None:
        target.write_bytes(b"n")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(hard_links.shutil, "copyfile", full)
    with pytest.raises(OSError, match="No space left"):
        link_or_copy(tmp_path / "source", tmp_path / "target", [])
    assert (tmp_path / "target").read_bytes() == b"old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["source", "target"]
