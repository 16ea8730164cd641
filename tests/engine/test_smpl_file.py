"""Body model files: the kinds that are handed out are read, and whatever else is in a file is refused, not run."""

from __future__ import annotations

import io
import os
import pickle
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

from motionlcm_blender.errors import InvalidRequest
from motionlcm_blender.smpl.body_model import KINDS
from motionlcm_blender.smpl.body_model_file import read_body_model
from tests.synthetic_body import (
    body_arrays,
    python2_array,
    python2_chumpy,
    python2_dict,
    python2_object,
    python2_pickle,
    write_npz,
    write_pickle,
)


def rest_of(joints: int) -> np.ndarray:
    """(J, 3): any places that differ."""
    return np.random.default_rng(joints).normal(0.0, 0.4, (joints, 3))


@pytest.fixture
def arrays() -> dict[str, np.ndarray]:
    return body_arrays(rest_of(24), KINDS[24].parents)


def refusal(path: Path) -> str:
    with pytest.raises(InvalidRequest) as caught:
        read_body_model(path)
    sentence = str(caught.value)
    assert sentence.startswith(path.name) and sentence.endswith(".") and "\n" not in sentence and len(sentence) < 200
    return sentence


def check(path: Path, arrays: dict[str, np.ndarray]) -> None:
    model = read_body_model(path)
    assert len(model.kind.names) == len(model.kind.parents) == arrays["weights"].shape[1]
    for mine, name in (("template", "v_template"), ("regressor", "J_regressor"), ("weights", "weights")):
        np.testing.assert_allclose(getattr(model, mine), arrays[name], atol=1e-12)
    np.testing.assert_array_equal(model.shape_directions, arrays["shapedirs"][:, :, :10])
    np.testing.assert_array_equal(model.faces, arrays["f"])


@pytest.mark.parametrize(("joints", "kind"), [(24, "SMPL"), (52, "SMPL-H"), (55, "SMPL-X")])
@pytest.mark.parametrize("form", ["npz", "python 2", 2, 3, 4, 5])
def test_what_is_handed_out_is_read(joints: int, kind: str, form: str | int, tmp_path: Path) -> None:
    arrays = body_arrays(rest_of(joints), KINDS[joints].parents)
    if form == "npz":
        path = write_npz(tmp_path / "body.npz", arrays)
    else:
        path = write_pickle(tmp_path / "body.pkl", arrays, form if isinstance(form, int) else 0)
    check(path, arrays)
    assert read_body_model(path).kind.name == kind


@pytest.mark.parametrize("kind", ["csc_matrix", "csr_matrix"])
@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_matrices_that_scipy_itself_has_pickled(kind: str, protocol: int, arrays, tmp_path: Path) -> None:
    sparse = pytest.importorskip("scipy.sparse")
    stored = {**arrays, "J_regressor": getattr(sparse, kind)(arrays["J_regressor"])}
    check(write_pickle(tmp_path / "body.pkl", stored, protocol), arrays)


def test_parts_may_be_chumpy_fortran_single_precision_and_big_endian(arrays, tmp_path: Path) -> None:
    path = tmp_path / "body.pkl"
    path.write_bytes(python2_pickle(arrays, v_template=python2_chumpy(arrays["v_template"])))
    check(path, arrays)
    stored = {name: np.asfortranarray(array) for name, array in arrays.items()}
    stored["weights"] = stored["weights"].astype(">f8")
    check(write_pickle(path, stored, 4), arrays)
    check(write_npz(tmp_path / "body.npz", stored), arrays)
    stored["v_template"] = stored["v_template"].astype(np.float32)
    read = read_body_model(write_pickle(path, stored, 3))
    np.testing.assert_allclose(read.template, arrays["v_template"], atol=1e-6)


def chumpy_slice(array: np.ndarray, indices: np.ndarray, shape: tuple[int, ...]) -> bytes:
    parts = b"".join(b"J" + struct.pack("<i", n) for n in shape)
    state = {"a": python2_chumpy(array), "idxs": python2_array(indices), "preferred_shape": b"(" + parts + b"t"}
    return python2_object("chumpy.reordering", "Select", state)


def test_shapes_may_be_a_slice_of_more(arrays, tmp_path: Path) -> None:
    whole = arrays["shapedirs"]
    indices = np.arange(whole.size).reshape(whole.shape)[:, :, :4]
    path = tmp_path / "body.pkl"
    path.write_bytes(python2_pickle(arrays, shapedirs=chumpy_slice(whole, indices.ravel(), indices.shape)))
    np.testing.assert_array_equal(read_body_model(path).shape_directions, whole[:, :, :4])
    for wrong in (indices.ravel() + 12, indices.ravel() - 1, indices.ravel()[:-1], indices.ravel() * 1.0):
        path.write_bytes(python2_pickle(arrays, shapedirs=chumpy_slice(whole, wrong, indices.shape)))
        refusal(path)


class Hostile:
    """Unpickled by anything that trusts it, this makes a file."""

    def __init__(self, call: object, *args: object) -> None:
        self.call, self.args = call, args

    def __reduce__(self) -> tuple:
        return self.call, self.args


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
@pytest.mark.parametrize("call", [os.system, eval, exec, getattr, __import__, print, type, open, pickle.loads])
def test_calls_are_refused_and_not_made(call, protocol: int, arrays, tmp_path: Path) -> None:
    made = tmp_path / "made"
    args = (f"touch {made}",) if call is os.system else (f"open({str(made)!r}, 'w')",)
    path = tmp_path / "body.pkl"
    path.write_bytes(pickle.dumps({**arrays, "v_template": Hostile(call, *args)}, protocol))
    assert "might be harmful" in refusal(path)
    assert not made.exists()


@pytest.mark.parametrize(
    "global_name",
    [
        ("posix", "system"),
        ("builtins", "eval"),
        ("numpy", "load"),
        ("numpy.core.multiarray", "fromfile"),
        ("scipy.sparse", "load_npz"),
        ("collections", "OrderedDict"),
        ("numpy", "ndarray.tofile"),
        ("motionlcm_blender.smpl.body_model_file", "read_body_model"),
        ("chumpyx", "ch"),
        ("os", "x" * 500),
    ],
)
def test_other_names_are_refused(global_name: tuple[str, str], tmp_path: Path) -> None:
    path = tmp_path / "body.pkl"
    path.write_bytes(b"\x80\x02" + f"c{global_name[0]}\n{global_name[1]}\n".encode() + b"(U\x01xtR.")
    assert f"names {global_name[0]}.{global_name[1]}"[:70] in refusal(path)


def test_stand_ins_stay_inert_however_they_are_called(arrays, tmp_path: Path) -> None:
    """State set on classes, calls with odd arguments, chumpy objects that run: a sentence, or nothing."""
    path = tmp_path / "body.pkl"
    command = b"X" + struct.pack("<i", 9) + b"touch /x."
    for part in (
        b"cnumpy\ndtype\n}U\x0b__setstate__" + command + b"sb",  # state for a class
        b"ccopy_reg\n_reconstructor\n(cnumpy\ndtype\nNNt\x81",
        b"ccopy_reg\n_reconstructor\n(U\x01xNNtR",
        b"c_codecs\nencode\n(U\x01xU\x03hextR",
        b"(U\x01xicnumpy\n",
        b"cnumpy\nndarray\n(U\x01xtR(J\x01\x00\x00\x00tb",
    ):
        path.write_bytes(python2_pickle(arrays, v_template=part))
        refusal(path)
    runs = python2_object("chumpy.ch", "Ch", {"x": python2_array(arrays["v_template"]), "__class__": b"N"})
    path.write_bytes(python2_pickle(arrays, v_template=runs))
    check(path, arrays)
    path.write_bytes(python2_pickle(arrays, v_template=python2_object("chumpy.ch", "Ch", {"a": b"N"})))
    assert "yet to be computed" in refusal(path)


def test_what_would_hang_or_fill_another_reader_is_refused(tmp_path: Path) -> None:
    """Tuples that would be hashed for ever, a memo of two thousand million places, far too much of anything."""
    path = tmp_path / "body.pkl"
    for content, sentence in (
        (b"\x80\x02})q\x00" + b"".join(b"h%ch%c\x86q%c" % (n, n, n + 1) for n in range(60)) + b"Ns.", "no body model"),
        (b"\x80\x04})\x94" + b"".join(b"h%ch%c\x86\x94" % (n, n) for n in range(60)) + b"Ns.", "no body model"),
        (b"\x80\x02})" + b"2\x86" * 60 + b"Ns.", "no body model"),
        (b"\x80\x02})" + b"\x85" * 100_000 + b"Ns.", "no body model"),
        (b"\x80\x02}r\xff\xff\xff\x7f.", "no body model"),
        (b"\x80\x02}" + b"]" * 1_100_000 + b".", "no plain pickle"),
        (b"\x80\x02}\x82\x01.", "no plain pickle"),
    ):
        path.write_bytes(content)
        assert sentence in refusal(path)


@pytest.mark.parametrize("suffix", [".npz", ".pkl"])
def test_every_truncation_is_one_sentence(suffix: str, arrays, tmp_path: Path) -> None:
    path = tmp_path / f"body{suffix}"
    (write_npz if suffix == ".npz" else write_pickle)(path, arrays)
    whole = path.read_bytes()
    for share in (0.0, 0.001, 0.1, 0.5, 0.9, 0.999):
        path.write_bytes(whole[: int(share * len(whole))])
        refusal(path)
    broken = bytearray(whole)
    broken[len(whole) // 2] ^= 0xFF
    path.write_bytes(bytes(broken))
    if suffix == ".npz":
        assert "truncated" in refusal(path)


@pytest.mark.parametrize("seed", range(40))
def test_noise_in_a_pickle_never_does_more_than_refuse(seed: int, arrays, tmp_path: Path) -> None:
    rng = np.random.default_rng(seed)
    content = bytearray(python2_pickle(arrays))
    structure = np.concatenate([np.arange(200), rng.integers(0, len(content), 50)])
    for place in rng.choice(structure, 5):
        content[place] = rng.integers(256)
    path = tmp_path / "body.pkl"
    path.write_bytes(bytes(content))
    try:
        read_body_model(path)
    except InvalidRequest as error:
        assert str(error).startswith("body.pkl")


def test_a_zip_bomb_is_refused_by_its_size(arrays, tmp_path: Path) -> None:
    path = write_npz(tmp_path / "body.npz", {name: a for name, a in arrays.items() if name != "v_template"})
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive, archive.open("v_template.npy", "w") as member:
        for _ in range(300):
            member.write(bytes(1 << 20))
    assert path.stat().st_size < 2_000_000
    assert "too large" in refusal(path)


def test_a_header_that_promises_more_than_there_is(arrays, tmp_path: Path) -> None:
    path = write_npz(tmp_path / "body.npz", {name: a for name, a in arrays.items() if name != "v_template"})
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (10**11, 3)})
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("v_template.npy", header.getvalue() + bytes(240))
    assert "does not fit its shape" in refusal(path)
    huge = python2_array(np.zeros((2, 3)))
    content = python2_pickle(arrays, v_template=huge.replace(struct.pack("<i", 2), struct.pack("<i", 2**31 - 1)))
    path = tmp_path / "body.pkl"
    path.write_bytes(content)
    refusal(path)


def test_objects_in_an_npz_are_not_unpickled(arrays, tmp_path: Path) -> None:
    made = tmp_path / "made"
    held = np.empty(1, object)
    held[0] = Hostile(os.system, f"touch {made}")
    path = write_npz(tmp_path / "body.npz", {**arrays, "J_regressor": held})
    assert "not one of plain numbers" in refusal(path)
    assert not made.exists()
    read_body_model(write_npz(path, {**arrays, "joint2num": held}))  # what is not needed is not looked at
    assert not made.exists()


WRONG = {
    "v_template": ({"v_template": np.zeros((144, 2))}, "v_template of the wrong shape"),
    "too few vertices": ({"v_template": np.zeros((3, 3))}, "v_template of the wrong shape"),
    "weights": ({"weights": np.full((10, 24), 1 / 24)}, "weights of the wrong shape"),
    "hand": ({"weights": np.full((144, 16), 1 / 16)}, "has 16 joints: bodies have 24"),
    "weights' sum": ({"weights": np.full((144, 24), 0.5)}, "do not sum to one"),
    "tree": ({"kintree_table": np.zeros((2, 24), int)}, "hang from others than those of SMPL"),
    "tree's shape": ({"kintree_table": np.zeros((2, 23), int)}, "kintree_table of the wrong shape"),
    "regressor": ({"J_regressor": np.zeros((23, 144))}, "J_regressor of the wrong shape"),
    "shapes": ({"shapedirs": np.zeros((144, 3))}, "shapedirs of the wrong shape"),
    "no shapes": ({"shapedirs": np.zeros((144, 3, 0))}, "shapedirs of the wrong shape"),
    "faces": ({"f": np.zeros((8, 4), int)}, "faces of the wrong shape"),
    "faces' type": ({"f": np.zeros((8, 3))}, "faces of the wrong shape"),
    "faces' vertices": ({"f": np.full((8, 3), 144)}, "vertices that are not there"),
    "not finite": ({"v_template": np.full((144, 3), np.nan)}, "v_template with numbers that are not finite"),
    "infinite": ({"shapedirs": np.full((144, 3, 10), np.inf)}, "shapedirs with numbers that are not finite"),
    "far too large": ({"v_template": np.full((144, 3), 1e9)}, "numbers that no body has"),
    "text": ({"v_template": np.full((144, 3), "x")}, "not one of plain numbers"),
}


@pytest.mark.parametrize("case", WRONG)
@pytest.mark.parametrize("suffix", [".npz", ".pkl"])
def test_arrays_that_make_no_body_are_named(case: str, suffix: str, arrays, tmp_path: Path) -> None:
    wrong, sentence = WRONG[case]
    path = tmp_path / f"body{suffix}"
    stored = {**arrays, **wrong}
    write_npz(path, stored) if suffix == ".npz" else write_pickle(path, stored, 4)
    assert sentence in refusal(path)


@pytest.mark.parametrize("name", ["v_template", "shapedirs", "J_regressor", "weights", "kintree_table", "f"])
def test_what_is_missing_is_named(name: str, arrays, tmp_path: Path) -> None:
    del arrays[name]
    assert f"holds no {name}" in refusal(write_npz(tmp_path / "body.npz", arrays))
    assert f"holds no {name}" in refusal(write_pickle(tmp_path / "body.pkl", arrays, 4))


def test_sparse_matrices_that_lead_out_of_themselves(arrays, tmp_path: Path) -> None:
    path = tmp_path / "body.pkl"
    for indices in ([500], [-1]):
        state = {
            "_shape": b"(J\x18\x00\x00\x00J\x90\x00\x00\x00t", "data": python2_array(np.ones(1)),
            "indices": python2_array(np.array(indices, np.int32)),
            "indptr": python2_array(np.array([0] + [1] * 144, np.int32)),
        }  # fmt: skip
        path.write_bytes(python2_pickle(arrays, J_regressor=python2_object("scipy.sparse.csc", "csc_matrix", state)))
        assert "do not fit together" in refusal(path)


def test_other_files_and_places(tmp_path: Path) -> None:
    assert refusal(tmp_path / "gone.pkl") == "gone.pkl is not there."
    (tmp_path / "body.txt").write_text("x")
    assert "choose a .pkl or .npz file" in refusal(tmp_path / "body.txt")
    (tmp_path / "folder.pkl").mkdir()
    assert "cannot be read" in refusal(tmp_path / "folder.pkl")
    for suffix, content in ((".pkl", b"hello"), (".npz", b"PK\x03\x04 no zip"), (".pkl", b"\x80\x02]."), (".npz", b"")):
        path = tmp_path / f"other{suffix}"
        path.write_bytes(content)
        refusal(path)
    path.with_suffix(".pkl").write_bytes(b"\x80\x02" + python2_dict({}) + b".")
    assert "holds no v_template" in refusal(path.with_suffix(".pkl"))
    huge = tmp_path / "huge.npz"
    with huge.open("wb") as file:
        file.truncate((1 << 30) + 1)
    assert "larger than any body model" in refusal(huge)
