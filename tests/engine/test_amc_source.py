"""ASF/AMC files in CMU's conventions: positions against an independent calculation, and bad files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from motionlcm_blender.errors import TrainingDataError
from motionlcm_blender.motion.skeleton import JOINTS
from motionlcm_blender.training.data.amc_source import find_skeleton, read_amc
from motionlcm_blender.training.data.joint_names import twenty_two_joints
from motionlcm_blender.training.data.prepare import motion_22
from tests import capture_files as capture

ENDS = {
    "pelvis": "root", "spine1": "lowerback", "spine2": "upperback", "spine3": "thorax", "neck": "lowerneck",
    "head": "upperneck", "l_hip": "lhipjoint", "l_knee": "lfemur", "l_ankle": "ltibia", "l_foot": "lfoot",
    "l_shoulder": "lclavicle", "l_elbow": "lhumerus", "l_wrist": "lradius",
}  # fmt: skip
ENDS |= {"r" + ours[1:]: "r" + theirs[1:] for ours, theirs in ENDS.items() if ours.startswith("l_")}


@pytest.mark.parametrize("radians", [False, True])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_every_position_is_exact(tmp_path: Path, seed: int, radians: bool) -> None:
    written = capture.write_asf_amc(tmp_path, seed=seed, radians=radians)
    source = read_amc(written.path)
    assert source.fps == 120.0 and source.metres_per_unit == pytest.approx(0.0254 / 0.45)
    joints = twenty_two_joints(source.names, source.parents, source.rest, source.positions) * source.metres_per_unit
    for ours, theirs in ENDS.items():
        np.testing.assert_allclose(joints[:, JOINTS.index(ours)], written.positions[theirs], atol=1e-7, err_msg=ours)
    chest, shoulder = written.positions["thorax"], written.positions["lclavicle"]
    np.testing.assert_allclose(joints[:, JOINTS.index("l_collar")], chest + 0.4 * (shoulder - chest), atol=1e-7)


def test_metres_at_twenty_frames_with_the_floor_at_the_feet(tmp_path: Path) -> None:
    written = capture.write_asf_amc(tmp_path, frames=121, bend=8.0)
    got = motion_22(read_amc(written.path))
    assert got.shape == (21, 22, 3)
    wanted = np.stack([written.positions[ENDS[n]][::6] for n in ENDS], axis=1)
    order = [JOINTS.index(n) for n in ENDS]
    np.testing.assert_allclose(got[:, order] - got[:, :1], wanted - wanted[:, :1], atol=1e-6)
    assert got[:, [7, 8, 10, 11], 1].min() == pytest.approx(0.0, abs=1e-6)
    assert read_amc(written.path, fps=60.0).fps == 60.0


def test_the_skeleton_is_found_beside_the_motion(tmp_path: Path) -> None:
    written = capture.write_asf_amc(tmp_path)
    assert find_skeleton(written.path).name == "07.asf"
    (tmp_path / "08.asf").write_text("")
    assert find_skeleton(written.path).name == "07.asf"
    (tmp_path / "07_01.ASF").write_text((tmp_path / "07.asf").read_text())
    assert find_skeleton(written.path).name == "07_01.ASF"
    alone = tmp_path / "alone"
    alone.mkdir()
    (alone / "x.amc").write_text(written.path.read_text())
    with pytest.raises(TrainingDataError, match=r"x\.amc has no skeleton beside it"):
        read_amc(alone / "x.amc")
    (alone / "other.asf").write_text((tmp_path / "07.asf").read_text())
    np.testing.assert_allclose(read_amc(alone / "x.amc").positions, read_amc(written.path).positions, atol=1e-9)


def test_bad_motion_ends_in_one_sentence(tmp_path: Path) -> None:
    written = capture.write_asf_amc(tmp_path)
    good = written.path.read_text()
    lines = good.splitlines()
    last = max(k for k, row in enumerate(lines) if row.startswith("lfemur"))
    cases = {
        "holds no motion": "\n".join(lines[:3]),
        "begin with a frame number": good.replace("\n1\n", "\n", 1),
        "cut off: frame 30 of 30": "\n".join(lines[: last + 1]),
        "gives 2 numbers for lfemur, not 3": "\n".join([*lines[:last], "lfemur 1 2", *lines[last + 1 :]]),
        "not a number": "\n".join([*lines[:last], "lfemur 1 x 2", *lines[last + 1 :]]),
        "not finite": "\n".join([*lines[:last], "lfemur 1 nan 2", *lines[last + 1 :]]),
        "moves 'tail'": "\n".join([*lines[:last], "tail 1", *lines[last:]]),
    }
    for sentence, text in cases.items():
        written.path.write_text(text)
        with pytest.raises(TrainingDataError) as error:
            read_amc(written.path)
        assert sentence in str(error.value) and "\n" not in str(error.value), (sentence, str(error.value))


def test_bad_skeletons_end_in_one_sentence(tmp_path: Path) -> None:
    written = capture.write_asf_amc(tmp_path)
    path = tmp_path / "07.asf"
    good = path.read_text()
    cases = {
        "no :bonedata": good.replace(":bonedata", ":bones"),
        "stretches (lfemur)": good.replace("dof rx ry rz", "dof rx ry rz l", 1),
        "hangs on nothing": good.replace("lfemur ltibia", "lfemur"),
        "does not hang on the root": good.replace("root lhipjoint", "other lhipjoint"),
        "skeleton cannot be read": good.replace("     length ", "     length x", 1),
        "length unit 0": good.replace("length 0.45", "length 0"),
        "holds no bones": good[: good.index("  begin")] + good[good.index(":hierarchy") :],
    }
    for sentence, text in cases.items():
        path.write_text(text)
        with pytest.raises(TrainingDataError) as error:
            read_amc(written.path)
        assert sentence in str(error.value) and "07.asf" in str(error.value), (sentence, str(error.value))
