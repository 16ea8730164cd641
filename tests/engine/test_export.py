"""Files: what an .npz holds, rates, placement, and that a failed write leaves the old file as it was."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import numpy as np
import pytest

from motionlcm_blender.errors import InvalidRequest, MotionLCMError
from motionlcm_blender.export import blender_process, motion_files
from motionlcm_blender.motion.foot_contacts import foot_contacts
from motionlcm_blender.motion.ground_path import GroundPath, timed
from motionlcm_blender.motion.motion import Motion
from motionlcm_blender.motion.retarget import forward_kinematics
from motionlcm_blender.motion.skeleton import SMPL
from motionlcm_blender.motion.world_transform import Placement, canonicalise
from tests.synthetic_motion import walk

FRAMES = 61


@pytest.fixture(scope="module")
def motion() -> Motion:
    joints = walk(FRAMES, 1.2)
    return Motion(joints, foot_contacts(joints).astype(np.float32))


@pytest.fixture(scope="module")
def placement() -> Placement:
    return Placement(np.array([3.0, 0.0, -2.0]), 1.1)


def test_npz_holds_its_documented_fields(motion: Motion, placement: Placement, tmp_path: Path) -> None:
    xz = np.linspace([3.0, -2.0], [6.0, 1.0], FRAMES)
    motion_files.save(motion_files.make_shot(motion, placement, xz, prompt="a walk äö", seed=7), tmp_path / "walk.npz")
    with np.load(tmp_path / "walk.npz", allow_pickle=False) as file:
        assert set(file.files) == {
            "joints",
            "fps",
            "translation",
            "rotations",
            "names",
            "prompt",
            "seed",
            "liveliness",
            "path",
        }
        assert file["joints"].shape == (FRAMES, 22, 3) and file["joints"].dtype == np.float32
        assert file["translation"].shape == (FRAMES, 3) and file["rotations"].shape == (FRAMES, 24, 4)
        assert float(file["fps"]) == 20.0 and int(file["seed"]) == 7 and str(file["prompt"]) == "a walk äö"
        assert tuple(file["names"]) == SMPL.names
        np.testing.assert_allclose(file["path"], xz, atol=1e-6)
        turn = np.array([[np.cos(1.1), 0, np.sin(1.1)], [0, 1, 0], [-np.sin(1.1), 0, np.cos(1.1)]])
        np.testing.assert_allclose(file["joints"], motion.joints @ turn.T + placement.origin, atol=1e-5)
        # The armature shows the same motion as the joints: 10 mm in the mean is the retargeting's promise.
        clip = motion_files.Clip(20.0, file["translation"], file["rotations"])
        away = np.linalg.norm(forward_kinematics(clip)[:, :22] - file["joints"], axis=-1)
        assert away.mean() < 0.010
    assert [file.name for file in tmp_path.iterdir()] == ["walk.npz"]


@pytest.mark.parametrize("fps", [12.0, 23.976, 24.0, 30.0, 60.0, 120.0])
def test_everything_is_taken_at_the_same_times(motion: Motion, fps: float) -> None:
    xz = np.stack([np.sin(np.arange(FRAMES) / 20), np.arange(FRAMES) / 20], axis=-1)
    shot = motion_files.make_shot(motion, None, xz, fps)
    assert shot.fps == fps and shot.path is not None
    assert len(shot.joints) == shot.clip.frames == len(shot.path) == len(shot.clip.rotations)
    assert abs((shot.clip.frames - 1) / fps - motion.seconds) < 1 / fps + 1e-9
    times = np.minimum(np.arange(shot.clip.frames) / fps, motion.seconds)
    np.testing.assert_allclose(shot.path[:, 1], times, atol=1e-6)
    ahead = np.interp(times, np.arange(FRAMES) / 20, motion.joints[:, 0, 2])
    np.testing.assert_allclose(shot.joints[:, 0, 2], ahead, atol=1e-5)
    away = np.linalg.norm(forward_kinematics(shot.clip)[:, :22] - shot.joints, axis=-1)
    assert away.mean() < 0.012


@pytest.mark.parametrize("fps", [0.0, -24.0, float("nan"), float("inf"), 5000.0])
def test_impossible_rates_are_refused(motion: Motion, fps: float) -> None:
    with pytest.raises(InvalidRequest, match="frame rate must be"):
        motion_files.make_shot(motion, fps=fps)


def test_a_path_in_the_world_comes_back_where_it_was_drawn() -> None:
    drawn = GroundPath(np.array([[5.0, 1.0], [4.0, -1.0], [2.0, -2.0]]))
    xz = timed(drawn, FRAMES)
    canonical, placement = canonicalise(xz)
    joints = np.repeat(walk(1), FRAMES, axis=0)
    joints[..., [0, 2]] += canonical[:, None] - joints[:, :1, [0, 2]]
    moving = Motion(joints, np.ones((FRAMES, 4), np.float32))
    shot = motion_files.make_shot(moving, placement, xz)
    np.testing.assert_allclose(shot.joints[:, 0][:, [0, 2]], xz, atol=1e-5)
    assert shot.path is not None
    np.testing.assert_allclose(shot.path, xz, atol=1e-6)


def test_bvh_is_written(motion: Motion, tmp_path: Path) -> None:
    motion_files.save(motion_files.make_shot(motion, fps=30.0), tmp_path / "walk.bvh")
    text = (tmp_path / "walk.bvh").read_text()
    assert (
        text.startswith("HIERARCHY") and "MOTION" in text and [file.name for file in tmp_path.iterdir()] == ["walk.bvh"]
    )


def test_bvh_reads_back_as_the_same_motion(motion: Motion, tmp_path: Path) -> None:
    from motionlcm_blender.training.data.prepare import PrepareOptions, read_motion

    shot = motion_files.make_shot(motion)
    motion_files.save(shot, tmp_path / "walk.bvh")
    joints = read_motion(tmp_path / "walk.bvh", PrepareOptions())
    wanted = forward_kinematics(shot.clip)[:, :22]
    got, wanted = joints - joints[:, :1], wanted - wanted[:, :1]
    np.testing.assert_allclose(got, wanted, atol=1e-4)


def test_a_failed_write_leaves_the_old_file(motion: Motion, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "walk.npz"
    file.write_text("precious")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez_compressed", full)
    with pytest.raises(MotionLCMError, match="cannot be written: No space left on device"):
        motion_files.save(motion_files.make_shot(motion), file)
    assert file.read_text() == "precious" and [file.name for file in tmp_path.iterdir()] == ["walk.npz"]


def test_outputs_are_checked_before_any_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "folder.npz").mkdir()
    for file, sentence in (
        (tmp_path / "walk.fbx", "not as 'walk.fbx'"),
        (tmp_path / "walk", "not as 'walk'"),
        (tmp_path / "folder.npz", "is a folder"),
        (tmp_path / "nowhere" / "walk.npz", "There is no folder"),
    ):
        with pytest.raises(InvalidRequest, match=sentence):
            motion_files.check_output(file)
    motion_files.check_output(tmp_path / "walk.NPZ")
    _no_blender(tmp_path, monkeypatch)
    with pytest.raises(MotionLCMError, match="needs Blender"):
        motion_files.check_output(tmp_path / "walk.blend")


def _no_blender(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No bpy, no Blender, and a source tree of its own. Returns where its script lies."""
    script = folder / "tree" / "operators" / "scripts" / "write_blend.py"
    script.parent.mkdir(parents=True)
    script.write_text("")
    find = blender_process.importlib.util.find_spec
    monkeypatch.setattr(blender_process.importlib.util, "find_spec", lambda name: None if name == "bpy" else find(name))
    monkeypatch.setattr(blender_process, "SCRIPT", script)
    monkeypatch.setattr(blender_process, "ROOT", folder / "tree")
    monkeypatch.setenv("PATH", str(folder / "bin"))
    monkeypatch.delenv("BLENDER", raising=False)
    return script


def _program(path: Path, code: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!{sys.executable}\n{code}")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


STAND_IN = """import shutil, sys
assert sys.argv[1:6] == ["--background", "--factory-startup", "--python-exit-code", "1", "--python"], sys.argv
assert sys.argv[7] == "--" and len(sys.argv) == 10, sys.argv
shutil.copy(sys.argv[8], sys.argv[9])
"""


@pytest.mark.skipif(os.name == "nt", reason="stands in for Blender with a script")
def test_blender_is_found_and_run(motion: Motion, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _no_blender(tmp_path, monkeypatch)
    out = tmp_path / "out"
    out.mkdir()
    on_path = _program(tmp_path / "bin" / "blender", STAND_IN)
    assert blender_process.find_blender() == blender_process.Blender(on_path, False)
    shot = motion_files.make_shot(motion)
    motion_files.save(shot, out / "walk.blend")
    with np.load(out / "walk.blend") as file:  # what Blender was given
        np.testing.assert_array_equal(file["joints"], shot.joints)
    assert [file.name for file in out.iterdir()] == ["walk.blend"]

    chosen = _program(tmp_path / "mine" / "blender-4.5", STAND_IN)
    monkeypatch.setenv("BLENDER", str(chosen))
    assert blender_process.find_blender() == blender_process.Blender(chosen, False)
    python = _program(tmp_path / "mine" / "python3", "")
    monkeypatch.setenv("BLENDER", str(python))
    assert blender_process.find_blender().command(Path("s.py"), "a", "b") == [str(python), "s.py", "a", "b"]
    monkeypatch.setenv("BLENDER", str(tmp_path / "gone"))
    with pytest.raises(MotionLCMError, match="which is not a program"):
        blender_process.find_blender()

    monkeypatch.delenv("BLENDER")
    on_path.unlink()
    made = _program(tmp_path / "tree" / ".venv-blender-5.2" / "bin" / "python", "")
    assert blender_process.find_blender() == blender_process.Blender(made, True)
    blender_process.SCRIPT.unlink()
    with pytest.raises(MotionLCMError, match="write_blend"):
        blender_process.find_blender()


@pytest.mark.skipif(os.name == "nt", reason="stands in for Blender with a script")
def test_the_output_of_a_failed_blender_is_passed_on(
    motion: Motion, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _no_blender(tmp_path, monkeypatch)
    out = tmp_path / "out"
    out.mkdir()
    shot = motion_files.make_shot(motion)
    program = tmp_path / "bin" / "blender"
    for code, sentence in (
        ("import sys; print('first', file=sys.stderr); sys.exit('The clip is not whole')", "The clip is not whole"),
        ("", "no output"),
        ("import time; time.sleep(60)", "did not finish"),
    ):
        _program(program, code)
        if "sleep" in code:
            monkeypatch.setattr(blender_process, "SECONDS", 0.5)
        with pytest.raises(MotionLCMError, match=sentence):
            motion_files.save(shot, out / "walk.blend")
        assert not list(out.iterdir())
    program.write_text("no program")
    with pytest.raises(MotionLCMError, match=r"does not start"):
        motion_files.save(shot, out / "walk.blend")
