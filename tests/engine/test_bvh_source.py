"""BVH files: positions to the last digit against an independent calculation, names of many conventions, bad files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from motionlcm_blender.errors import TrainingDataError
from motionlcm_blender.motion.skeleton import JOINTS
from motionlcm_blender.training.data.bvh_source import read_bvh
from motionlcm_blender.training.data.joint_names import plain_name, twenty_two_joints
from motionlcm_blender.training.data.prepare import PrepareOptions, by_time, motion_22
from tests import capture_files as capture

_PARTS = ("hip", "knee", "ankle", "foot", "collar", "shoulder", "elbow", "wrist")


def _expected(pattern: dict[str, str], trunk: dict[str, str]) -> dict[str, str]:
    """Our joint -> the file's."""
    out = dict(trunk)
    for side in ("left", "right"):
        for part in _PARTS:
            name = pattern[part].replace("{s}", side).replace("{S}", side.capitalize())
            out[f"{side[0]}_{part}"] = name.replace("{l}", side[0]).replace("{L}", side[0].upper())
    return out


def _five(names: list[str]) -> dict[str, str]:
    return dict(zip(("pelvis", "spine1", "spine2", "spine3", "neck", "head"), names, strict=True))


CONVENTIONS = {
    "mixamo": (capture.MIXAMO, _expected(capture.MIXAMO_LIMBS, _five(list(capture.MIXAMO)[:6]))),
    "smpl": (capture.SMPL, _expected(capture.SMPL_LIMBS, _five(list(capture.SMPL)[:6]))),
    "unreal": (
        capture.UNREAL,
        _expected(capture.UNREAL_LIMBS, {"pelvis": "pelvis", "neck": "neck_01", "head": "head"}),
    ),
    "biped": (capture.BIPED, _expected(capture.BIPED_LIMBS, {"pelvis": "Bip01 Pelvis", "head": "Bip01 Head"})),
    "xsens": (capture.XSENS, _expected(capture.XSENS_LIMBS, {"pelvis": "Hips", "neck": "Neck", "head": "Head"})),
}


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("free_joints", [False, True])
def test_every_position_is_exact(tmp_path: Path, seed: int, free_joints: bool) -> None:
    written = capture.write_bvh(tmp_path / "a.bvh", capture.MIXAMO, seed=seed, free_joints=free_joints, newline="\r\n")
    source = read_bvh(written.path)
    assert source.positions.shape == (24, len(source.names), 3)
    assert source.fps == pytest.approx(120.0, rel=1e-5)
    for index, name in enumerate(source.names):
        wanted = written.positions[name or "end of " + source.names[source.parents[index]]]
        np.testing.assert_allclose(source.positions[:, index], wanted, atol=1e-5)  # 0.1 micrometre


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_names_of_each_convention(tmp_path: Path, convention: str) -> None:
    tree, expected = CONVENTIONS[convention]
    written = capture.write_bvh(tmp_path / "a.bvh", tree)
    source = read_bvh(written.path)
    joints = twenty_two_joints(source.names, source.parents, source.rest, source.positions)
    for ours, theirs in expected.items():
        np.testing.assert_allclose(joints[:, JOINTS.index(ours)], written.positions[theirs], atol=1e-5, err_msg=ours)
    # The spine goes up from the pelvis in order, each joint away from the last, whatever the file's number of joints.
    trunk = joints[:, [0, 3, 6, 9, 12, 15]]
    lengths = np.linalg.norm(np.diff(trunk, axis=1), axis=-1)
    assert (lengths > 5.0).all() and (lengths < 25.0).all()


def test_cmu_conversion(tmp_path: Path) -> None:
    written = capture.write_bvh(tmp_path / "a.bvh", capture.cmu_bvh())
    source = read_bvh(written.path)
    joints = twenty_two_joints(source.names, source.parents, source.rest, source.positions)
    p = written.positions
    wanted = {
        "pelvis": p["Hips"], "spine1": p["Spine"], "spine2": p["Spine1"], "spine3": p["Neck"], "neck": p["Neck1"],
        "head": p["Head"], "l_hip": p["LeftUpLeg"], "r_knee": p["RightLeg"], "l_ankle": p["LeftFoot"],
        "r_foot": p["RightToeBase"], "l_shoulder": p["LeftArm"], "r_elbow": p["RightForeArm"], "l_wrist": p["LeftHand"],
        "l_collar": 0.6 * p["Neck"] + 0.4 * p["LeftArm"], "r_collar": 0.6 * p["Neck"] + 0.4 * p["RightArm"],
    }  # fmt: skip
    for name, position in wanted.items():
        np.testing.assert_allclose(joints[:, JOINTS.index(name)], position, atol=1e-5, err_msg=name)


def test_a_foot_without_toes_ends_where_its_bone_ends(tmp_path: Path) -> None:
    tree = {n: v for n, v in capture.SMPL.items() if n not in ("L_Foot", "R_Foot")}
    written = capture.write_bvh(tmp_path / "a.bvh", tree)
    source = read_bvh(written.path)
    joints = twenty_two_joints(source.names, source.parents, source.rest, source.positions)
    np.testing.assert_allclose(joints[:, JOINTS.index("l_foot")], written.positions["end of L_Ankle"], atol=1e-5)


def test_given_joint_names_come_first(tmp_path: Path) -> None:
    tree = {n.replace("L_Knee", "Odd"): (p and p.replace("L_Knee", "Odd"), v) for n, (p, v) in capture.SMPL.items()}
    written = capture.write_bvh(tmp_path / "a.bvh", tree)
    source = read_bvh(written.path)
    with pytest.raises(TrainingDataError, match="l_knee"):
        motion_22(source)
    joints = twenty_two_joints(source.names, source.parents, source.rest, source.positions, {"l_knee": "Odd"})
    np.testing.assert_allclose(joints[:, JOINTS.index("l_knee")], written.positions["Odd"], atol=1e-5)
    with pytest.raises(TrainingDataError, match="no joint 'Odder'"):
        motion_22(source, PrepareOptions(names={"l_knee": "Odder"}))
    with pytest.raises(TrainingDataError, match="no joint 'knee'"):
        motion_22(source, PrepareOptions(names={"knee": "Odd"}))


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    scale=st.sampled_from([1.0, 100.0, 1000.0, 1 / 0.0254, 1 / 0.3048, 0.45 / 0.0254]),
    up=st.sampled_from(["y", "z"]),
    fps=st.sampled_from([24.0, 30.0, 60.0, 100.0, 120.0]),
    size=st.floats(0.9, 1.15),
    seed=st.integers(0, 1000),
)
def test_unit_axis_and_rate_come_out_the_same(
    tmp_path: Path, scale: float, up: str, fps: float, size: float, seed: int
) -> None:
    frames = int(fps) + 1
    written = capture.write_bvh(
        tmp_path / "a.bvh", capture.SMPL, frames, fps, scale * size, seed, bend=15.0, up=up, travel=0.6
    )
    got = motion_22(read_bvh(written.path))
    assert got.dtype == np.float32 and got.shape == (21, 22, 3)
    stacked = np.stack([written.positions[n] for n in CONVENTIONS["smpl"][1].values()], axis=1) / scale
    order = [list(CONVENTIONS["smpl"][1]).index(n) for n in JOINTS]
    metres = stacked[:, order]
    if up == "z":
        metres = metres @ np.array([[1.0, 0, 0], [0, 0, -1.0], [0, 1.0, 0]])
    times = np.arange(21) / 20.0
    wanted = np.stack(
        [np.interp(times, np.arange(frames) / fps, metres[:, j, c]) for j in range(22) for c in range(3)], axis=-1
    ).reshape(21, 22, 3)
    np.testing.assert_allclose(got[:, 1:] - got[:, :1], wanted[:, 1:] - wanted[:, :1], atol=2e-5)
    np.testing.assert_allclose(got[:, 0, [0, 2]], wanted[:, 0, [0, 2]], atol=2e-5)
    assert got[:, [7, 8, 10, 11], 1].min() == pytest.approx(0.0, abs=1e-5)


def test_frames_are_taken_by_time() -> None:
    at_120 = np.arange(241, dtype=float)[:, None] / 120
    np.testing.assert_allclose(by_time(at_120, 120.0)[:, 0], np.arange(41) / 20)
    at_ntsc = np.arange(48)[:, None] / 23.976
    np.testing.assert_allclose(by_time(at_ntsc, 23.976)[:, 0], np.arange(40) / 20)
    assert len(by_time(np.zeros((1, 2)), 30.0)) == 1


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("mixamorig:LeftUpLeg", "leftupleg"),
        ("mixamorig9:Hips", "hips"),
        ("Bip01 L Toe0", "ltoe0"),
        ("Bip01", "bip01"),
        ("DEF-thigh.L", "thighl"),
        ("upper_arm.R", "upperarmr"),
        ("CC_Base_L_Thigh", "lthigh"),
        ("a|b|Head", "head"),
    ],
)
def test_plain_names(name: str, plain: str) -> None:
    assert plain_name(name) == plain


def test_bad_files_end_in_one_sentence(tmp_path: Path) -> None:
    good = capture.write_bvh(tmp_path / "good.bvh", capture.SMPL).path.read_text()
    head, motion = good.split("MOTION\n")
    first_row = motion.splitlines()[2]
    cases = {
        "is an FBX file": "Kaydara FBX Binary",
        "does not begin with HIERARCHY": "Some text",
        "no MOTION section": head,
        "hierarchy is not closed": good.replace("}", "", 1),
        "has channels": good.replace("Xrotation", "Wrotation", 1),
        "'CHANELS'": good.replace("CHANNELS", "CHANELS", 1),
        "cut off: 24 frames of": good[:-200],
        "not a number": good.replace(first_row, first_row.replace(first_row.split()[3], "abc")),
        "not finite": good.replace(first_row, first_row.replace(first_row.split()[3], "nan")),
        "frame time of 0": "\n".join("Frame Time: 0" if "Frame Time" in row else row for row in good.splitlines()),
        "number of frames or frame time": good.replace("Frames: 24", "Fames: x"),
        "holds no motion": head + "MOTION\nFrames: 0\nFrame Time: 0.01\n",
        "holds 2 figures": good.replace("MOTION", "ROOT Other\n{\nOFFSET 0 0 0\nCHANNELS 0\n}\nMOTION"),
        "less than three": good.replace("OFFSET", "OFFSET 0 0\nOFFSET", 1),
    }
    for sentence, text in cases.items():
        path = tmp_path / "bad.bvh"
        path.write_text(text)
        with pytest.raises(TrainingDataError) as error:
            read_bvh(path)
        assert sentence in str(error.value), (sentence, str(error.value))
        assert "bad.bvh" in str(error.value) and "\n" not in str(error.value)
    with pytest.raises(TrainingDataError, match="cannot be read"):
        read_bvh(tmp_path / "missing.bvh")
    (tmp_path / "empty.bvh").write_bytes(b"")
    with pytest.raises(TrainingDataError, match="is empty"):
        read_bvh(tmp_path / "empty.bvh")


def test_a_figure_of_no_known_size_is_refused(tmp_path: Path) -> None:
    written = capture.write_bvh(tmp_path / "giant.bvh", capture.SMPL, scale=5e6)
    with pytest.raises(TrainingDataError, match="fits no unit"):
        motion_22(read_bvh(written.path), file="giant.bvh")
    got = motion_22(read_bvh(written.path), PrepareOptions(metres_per_unit=2e-7))
    assert 0.9 < got[0, 15, 1] < 1.9


def test_other_figures_are_refused_by_name(tmp_path: Path) -> None:
    written = capture.write_bvh(tmp_path / "snake.bvh", capture.spine(["Tail", "Middle", "Snout"], [0.0, 0.3, 0.3]))
    with pytest.raises(TrainingDataError, match="not understood"):
        motion_22(read_bvh(written.path))
