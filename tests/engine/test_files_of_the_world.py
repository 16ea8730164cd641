"""Files, prompts and answers as they are found outside of this project: read, or refused with a true sentence."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import pickle
import ssl
import urllib.error
import zlib
from pathlib import Path

import numpy as np
import pytest

from motionlcm_blender.cli import main
from motionlcm_blender.errors import InvalidRequest, ModelFolderError, TrainingDataError, UnsupportedCheckpoint
from motionlcm_blender.generation.request import LONGEST_PROMPT, Request
from motionlcm_blender.importing import checkpoint_parts as parts
from motionlcm_blender.importing.checkpoint_files import CheckpointFile
from motionlcm_blender.motion.ground_path import load_path
from motionlcm_blender.recipes.fields import checked_value
from motionlcm_blender.smpl.body_model import KINDS
from motionlcm_blender.smpl.body_model_file import read_body_model
from motionlcm_blender.storyboard.storyboard import StoryShot
from motionlcm_blender.text.prompt_vocabulary import Vocabulary, unseen_words_warning
from motionlcm_blender.torch_install import download_uv
from motionlcm_blender.torch_install.errors import (
    CERTIFICATE,
    DAMAGED,
    IN_INDEX,
    NETWORK,
    NOT_THERE,
    RuntimeProblem,
    explained,
)
from motionlcm_blender.training.data.bvh_source import read_bvh
from tests import capture_files as capture
from tests.official_files import SMALL_V2, official, save_plain
from tests.synthetic_body import body_arrays

# Body models.


def text_pickle(arrays: dict[str, np.ndarray]) -> bytes:
    """The dictionary as Python 2 writes it without a protocol: text, with arrays as escaped strings."""
    out, put = io.BytesIO(), iter(range(10**6))

    def memo() -> bytes:
        return b"p%d\n" % next(put)

    def string(content: bytes) -> bytes:
        return b"S" + repr(content)[1:].encode("latin-1") + b"\n" + memo()

    out.write(b"(d" + memo())
    for name, array in arrays.items():
        shape = b"".join(b"I%d\n" % size for size in array.shape)
        out.write(string(name.encode()))
        out.write(b"cnumpy.core.multiarray\n_reconstruct\n" + memo() + b"(cnumpy\nndarray\n" + memo())
        out.write(b"(I0\nt" + memo() + string(b"b") + b"t" + memo() + b"R" + memo() + b"(I1\n(" + shape + b"t" + memo())
        out.write(b"cnumpy\ndtype\n" + memo() + b"(" + string(array.dtype.str[1:].encode()) + b"I0\nI1\nt" + memo())
        out.write(b"R" + memo() + b"(I3\n" + string(b"<") + b"NNNI-1\nI-1\nI0\nt" + memo())
        out.write(b"bI00\n" + string(np.ascontiguousarray(array).tobytes()) + b"t" + memo() + b"bs")
    return out.getvalue() + b"."


@pytest.fixture
def arrays() -> dict[str, np.ndarray]:
    return body_arrays(np.random.default_rng(24).normal(0.0, 0.4, (24, 3)), KINDS[24].parents)


@pytest.mark.parametrize("ends", [b"\n", b"\r\n"])
def test_a_body_model_in_the_text_protocol_is_read(ends: bytes, arrays, tmp_path: Path) -> None:
    content = text_pickle(arrays)
    assert np.array_equal(pickle.loads(content, encoding="latin-1")["v_template"], arrays["v_template"])
    path = tmp_path / "SMPL_NEUTRAL.pkl"
    path.write_bytes(content.replace(b"\n", ends))
    model = read_body_model(path)
    np.testing.assert_array_equal(model.template, arrays["v_template"])
    np.testing.assert_array_equal(model.faces, arrays["f"])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<!DOCTYPE html><html>Please sign in</html>", "web page"),
        (b"\xef\xbb\xbf\n<html>", "web page"),
        (bz2.compress(b"x" * 100), "unpack"),
        (lzma.compress(b"x" * 100), "unpack"),
        (b"Rar!\x1a\x07\x01\x00", "unpack"),
        (b"7z\xbc\xaf\x27\x1c", "unpack"),
        (b"SMPL.pkl" + bytes(249) + b"ustar\0", "unpack"),
        (b"Kaydara FBX Binary  \x00", "FBX"),
        (bytes(600), "zeros"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 247101234\n", "git lfs pull"),
        (zlib.compress(b"x" * 100), "compressed"),
        (gzip.compress(b"x" * 100), "compressed"),
        (b"", "empty"),
    ],
)
def test_other_files_under_the_name_of_a_body_model_are_named(content: bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / "SMPL_NEUTRAL.pkl"
    path.write_bytes(content)
    with pytest.raises(InvalidRequest, match=words):
        read_body_model(path)


# Checkpoints.


def wrapped(name: str, kind: str) -> str:
    part, rest = name.split(".", 1)
    return {
        "DDP around parts": f"{part}.module.{rest}",
        "Fabric": f"_forward_module.{name}",
        "compiled parts": f"{part}._orig_mod.{rest}",
        "DDP of compiled parts": f"module.{part}._orig_mod.{rest}",
        "student": f"student.{name}",
        "ema of a Lightning module": f"lightning_module.ema_model.{name}",
    }[kind]


@pytest.mark.parametrize(
    "kind",
    ["DDP around parts", "Fabric", "compiled parts", "DDP of compiled parts", "student", "ema of a Lightning module"],
)
def test_wrappers_in_names_are_taken_off_wherever_they_are(kind: str, tmp_path: Path) -> None:
    weights = official(SMALL_V2)
    save_plain(tmp_path / "model.ckpt", {wrapped(name, kind): values for name, values in weights.items()})
    found = parts.recognise(CheckpointFile.open(tmp_path / "model.ckpt"))
    assert found.student
    read = parts.join([found]).weights()
    assert read.keys() == weights.keys() and all((read[n] == v).all() for n, v in weights.items())


def test_a_name_with_and_without_a_wrapper_is_refused(tmp_path: Path) -> None:
    weights = official(SMALL_V2)
    name = next(iter(weights))
    save_plain(tmp_path / "model.ckpt", {**weights, f"module.{name}": weights[name]})
    with pytest.raises(UnsupportedCheckpoint, match="twice"):
        parts.recognise(CheckpointFile.open(tmp_path / "model.ckpt"))


# Text files.

MARK = b"\xef\xbb\xbf"


def test_a_byte_order_mark_is_no_part_of_a_path_file_or_a_bvh(tmp_path: Path) -> None:
    path = tmp_path / "path.json"
    path.write_bytes(MARK + json.dumps({"points": [[0, 0], [1, 0]]}).encode())
    assert len(load_path(path).vertices) == 2
    good = capture.write_bvh(tmp_path / "good.bvh", capture.SMPL).path
    marked = tmp_path / "marked.bvh"
    marked.write_bytes(MARK + good.read_bytes())
    np.testing.assert_array_equal(read_bvh(marked).positions, read_bvh(good).positions)


def test_other_encodings_are_named(tmp_path: Path) -> None:
    path = tmp_path / "path.json"
    path.write_bytes(json.dumps({"points": [[0, 0], [1, 0]]}).encode("utf-16"))
    with pytest.raises(InvalidRequest, match="UTF-8"):
        load_path(path)
    good = capture.write_bvh(tmp_path / "good.bvh", capture.SMPL).path
    good.write_bytes(good.read_text().encode("utf-16"))
    with pytest.raises(TrainingDataError, match="UTF-8"):
        read_bvh(good)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda text: gzip.compress(text), "unpack"),
        (lambda text: b"PK\x03\x04" + text, "unpack"),
        (lambda text: b"<html>", "web page"),
        (lambda text: b"", "empty"),
        (lambda text: b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        (lambda text: text.replace(b".", b","), "decimal commas"),
        (lambda text: text.replace(b"Time: 0.0", b"Time: 0,0"), "decimal commas"),
    ],
)
def test_other_files_under_the_name_of_a_bvh_are_named(change, words: str, tmp_path: Path) -> None:
    path = capture.write_bvh(tmp_path / "good.bvh", capture.SMPL).path
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(TrainingDataError, match=words):
        read_bvh(path)


@pytest.mark.parametrize("change", [lambda text: MARK + MARK + text, lambda text: text + b"\0\r\n"])
def test_marks_and_zeros_around_a_bvh_are_no_part_of_it(change, tmp_path: Path) -> None:
    good = capture.write_bvh(tmp_path / "good.bvh", capture.SMPL).path
    changed = tmp_path / "changed.bvh"
    changed.write_bytes(change(good.read_bytes()))
    np.testing.assert_array_equal(read_bvh(changed).positions, read_bvh(good).positions)


@pytest.mark.parametrize("ending", [".ckpt", ".safetensors"])
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<!DOCTYPE html><html>Access denied</html>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        (gzip.compress(b"x" * 100), "unpack"),
        (b"", "empty"),
    ],
)
def test_other_files_under_the_name_of_a_checkpoint_are_named(
    content: bytes, words: str, ending: str, tmp_path: Path
) -> None:
    path = tmp_path / f"model{ending}"
    path.write_bytes(content)
    with pytest.raises(ModelFolderError, match=words):
        CheckpointFile.open(path)


def test_more_frames_than_announced_are_left_out(tmp_path: Path) -> None:
    good = capture.write_bvh(tmp_path / "good.bvh", capture.SMPL).path
    text = good.read_text()
    more = tmp_path / "more.bvh"
    more.write_text(text.rstrip("\n") + "\n" + text.splitlines()[-1] + "\n")
    np.testing.assert_array_equal(read_bvh(more).positions, read_bvh(good).positions)


def test_a_frame_time_in_milliseconds_is_named(tmp_path: Path) -> None:
    good = capture.write_bvh(tmp_path / "good.bvh", capture.SMPL).path
    rows = ["Frame Time: 50" if "Frame Time" in row else row for row in good.read_text().splitlines()]
    good.write_text("\n".join(rows))
    with pytest.raises(TrainingDataError, match=r"write 0\.05 if milliseconds"):
        read_bvh(good)


# Prompts.

KNOWN = Vocabulary({"walk": 400, "run": 90, "wave": 50}, {"ball": 5, "arm": 30})


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        ("eine Person läuft vorwärts", "in English"),
        ("une personne marche lentement", "in English"),
        ("una persona camina hacia adelante", "in English"),
        ("一个人向前走", "in English"),
        ("человек идёт вперёд", "in English"),
        ("asdf qwer yxcv", "in English"),
        ("\N{PEDESTRIAN}\N{PARTY POPPER}", "in English"),
        ("a person \u8df3\u821e", "in English"),
        ("12345", "in English"),
        ("?!", "in English"),
        ("a person camina", "camina"),
        ("person geht", "geht"),
        ("a person", "no action"),
        ("the", "no action"),
    ],
)
def test_a_prompt_that_is_not_english_gets_a_hint(prompt: str, words: str) -> None:
    assert words in (unseen_words_warning(prompt, KNOWN) or "")


@pytest.mark.parametrize(
    "prompt",
    [
        "a person walks forward",
        "walk",
        "run, then wave an arm",
        "a man walks",
        "",
        "a man walks into a caf\u00e9",
        " \n",
    ],
)
def test_an_english_prompt_gets_none(prompt: str) -> None:
    assert unseen_words_warning(prompt, KNOWN) is None


def test_the_limit_of_a_prompt_is_the_same_everywhere() -> None:
    longest, longer = "a" * LONGEST_PROMPT, "a" * (LONGEST_PROMPT + 1)
    assert Request(longest, 40).prompt == checked_value("prompt", longest) == StoryShot(longest, 1, 40).prompt
    for make in (
        lambda: Request(longer, 40), lambda: checked_value("prompt", longer), lambda: StoryShot(longer, 1, 40),
    ):  # fmt: skip
        with pytest.raises(InvalidRequest, match=str(LONGEST_PROMPT)):
            make()


@pytest.mark.parametrize("prompt", ["a person walks\n", "a person\twalks", "walk \u2028 on"])
def test_prompts_with_line_breaks_are_taken_everywhere(prompt: str) -> None:
    assert Request(prompt, 40).prompt == checked_value("prompt", prompt) == StoryShot(prompt, 1, 40).prompt == prompt


# The command line.


def test_the_command_line_shows_no_traceback(tmp_path: Path, capsys, monkeypatch) -> None:
    latin = "a person walks \udce4"  # a byte of Latin-1, as Python hands it over
    nested = tmp_path / "path.json"
    nested.write_text('{"points": ' + "[" * 100_000 + "]" * 100_000 + "}")
    for arguments in (["generate", latin, "--out", tmp_path / "a.npz"],
                      ["generate", "a person walks", "--path", nested, "--out", tmp_path / "b.npz"]):  # fmt: skip
        assert main.main([str(argument) for argument in arguments]) == 1
        printed = capsys.readouterr().err
        assert printed.startswith("motionlcm: ") and printed.count("\n") == 1
    long = tmp_path / f"{'x' * 300}.npz"
    monkeypatch.setattr(main, "run_info", lambda args: long.write_bytes(b""))
    assert main.main(["info"]) == 1
    printed = capsys.readouterr().err
    assert "File name too long" in printed and "unexpected" not in printed and printed.count("\n") == 1
    monkeypatch.setattr(main, "run_info", lambda args: 1 / 0)
    assert main.main(["info"]) == 1
    printed = capsys.readouterr().err
    assert "ZeroDivisionError" in printed and printed.count("\n") == 1
    monkeypatch.setenv(main.TRACEBACK, "1")
    with pytest.raises(ZeroDivisionError):
        main.main(["info"])


# Certificates.


@pytest.mark.parametrize(
    "printed",
    [
        "error: invalid peer certificate: UnknownIssuer",
        "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: unable to get local issuer certificate",
        "certificate has expired",
        "The certificate chain was issued by an authority that is not trusted. (os error -2146893019)",
        "The certificate for this server is invalid",
        "SSLCertVerificationError\nERROR: Could not find a version that satisfies the requirement torch",
        "No solution found, because torch was not found in the package registry: invalid peer certificate: Expired",
    ],
)
def test_an_installer_that_trusts_no_certificate_is_explained(printed: str) -> None:
    assert explained(f"Fetching index\n{printed}\nrequest failed", "folder", None) == CERTIFICATE


@pytest.mark.parametrize(
    ("printed", "sentence"),
    [
        ("Failed to establish a new connection\nERROR: No matching distribution found for torch", NETWORK),
        ("ERROR: No matching distribution found for torch", NOT_THERE.format(where=IN_INDEX)),
        ("Tunnel connection failed: 407 Proxy Authentication Required", NETWORK),
        ("the wheel is invalid: bad crc", DAMAGED),
    ],
)
def test_an_installer_without_a_connection_is_explained(printed: str, sentence: str) -> None:
    assert explained(printed, "folder", None) == sentence


def test_an_index_without_a_valid_certificate_is_named(monkeypatch) -> None:
    for reason, sentence in (
        (ssl.SSLCertVerificationError(1, "self-signed"), CERTIFICATE),
        (OSError("reset"), NETWORK),
    ):

        def fail(*_: object, reason: Exception = reason, **__: object) -> None:
            raise urllib.error.URLError(reason)

        monkeypatch.setattr(download_uv.urllib.request, "urlopen", fail)
        with pytest.raises(RuntimeProblem) as caught:
            download_uv._address("uv.whl")
        assert str(caught.value) == sentence
