"""Packed training data: unpacking restores every number, and the file is smaller than what it holds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from evaluation_data import write_data
from hypothesis import given, settings
from hypothesis import strategies as st

from motionlcm_blender.errors import TrainingDataError
from motionlcm_blender.training.data.motion_data import load_motion_data
from motionlcm_blender.training.data.packed_data import main, pack_data, packed_planes, unpack_data, unpacked_planes


@given(
    seed=st.integers(0, 2**31),
    lengths=st.lists(st.integers(1, 30), max_size=4),
    size=st.sampled_from([3, 300, 32767]),
    kind=st.sampled_from(["joints", "head_hands"]),
)
@settings(max_examples=60, deadline=None)
def test_unpacking_is_the_inverse_of_packing(seed: int, lengths: list[int], size: int, kind: str) -> None:
    # Random numbers up to the limits of int16 overflow in every difference.
    generator = np.random.default_rng(seed)
    rest = (22, 3) if kind == "joints" else (3, 4)
    clips = [generator.integers(-size - 1, size + 1, (n, *rest)).astype(np.int16) for n in lengths]
    planes = packed_planes(clips, kind)
    assert len(planes[0]) == len(planes[1]) == sum(clip.size for clip in clips)
    restored = unpacked_planes(planes, [clip.shape for clip in clips], kind)
    assert len(restored) == len(clips)
    for before, after in zip(clips, restored, strict=True):
        assert after.dtype == np.int16
        np.testing.assert_array_equal(after, before)


def test_the_folder_of_a_packed_file_reads_as_the_one_before(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    write_data(folder)
    with np.load(folder / "joints.npz") as stored:
        turns = {n: np.tile(np.int16([32767, 0, -5, 9]), (len(stored[n]), 3, 1)) for n in stored.files[::2]}
    np.savez(folder / "head_hands.npz", **turns)
    (folder / "clips.json").write_text('{"slow_0": {"poses_per_second": 12}}')
    assert main([str(folder), "--out", str(tmp_path / "data.zip")]) == 0
    assert (tmp_path / "data.zip").stat().st_size < 0.5 * (folder / "joints.npz").stat().st_size
    assert main([str(tmp_path / "data.zip"), "--out", str(tmp_path / "again")]) == 0
    before, after = load_motion_data(folder), load_motion_data(tmp_path / "again")
    assert list(before.clips) == list(after.clips)
    for name, joints in before.clips.items():
        np.testing.assert_array_equal(joints, after.clips[name])
    assert before.head_hands.keys() == after.head_hands.keys()
    for name, values in before.head_hands.items():
        np.testing.assert_array_equal(values, after.head_hands[name])
    assert (before.segments, before.test, before.coarse) == (after.segments, after.test, after.coarse)


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    write_data(folder, each=1)
    pack_data(folder, tmp_path / "data.zip")
    whole = (tmp_path / "data.zip").read_bytes()
    (tmp_path / "data.zip").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(TrainingDataError, match=r"data\.zip cannot be read"):
        unpack_data(tmp_path / "data.zip", tmp_path / "again")
    assert main([str(tmp_path / "missing.zip"), "--out", str(tmp_path / "again")]) == 1
    with pytest.raises(TrainingDataError, match="cannot be packed"):
        pack_data(tmp_path / "again", tmp_path / "more.zip")
