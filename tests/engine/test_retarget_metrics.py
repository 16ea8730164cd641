"""Retargeting measured against known rotations, on synthetic clips, and the fit of the elbows' guess."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from motionlcm_blender.errors import TrainingDataError
from motionlcm_blender.motion import rotations as rot
from motionlcm_blender.motion.skeleton import HUMANML, MIRROR
from motionlcm_blender.training.data.captured_rotations import CapturedClip, captured_clips, held_out_actors
from motionlcm_blender.training.elbow_prior_fit import fit
from motionlcm_blender.training.elbow_prior_fit import main as print_prior
from motionlcm_blender.training.evaluation.retarget_metrics import (
    BONES,
    main,
    measure,
    median_rotation,
    plain_rotations,
    table,
    twist_steps,
    without_convention,
    world_rotations,
)
from tests.synthetic_motion import J, gestures

KNEE_AND_ELBOW = ("shoulder", "elbow", "hip", "knee")


def clip_of(seed: int, actor: int, frames: int = 60) -> CapturedClip:
    joints, local = gestures(frames, seed)
    return CapturedClip(f"{actor:02d}_01", joints.astype(np.float64), world_rotations(local), HUMANML.rest)


@pytest.fixture(scope="module")
def clips() -> list[CapturedClip]:
    return [clip_of(seed, seed) for seed in range(4)]


@pytest.fixture
def folder(clips: list[CapturedClip], tmp_path: Path) -> Path:
    arrays = {f"{c.name}/{k}": getattr(c, k) for c in clips for k in ("positions", "rotations", "rest")}
    np.savez(tmp_path / "rotations.npz", **arrays)
    return tmp_path


def test_ours_keeps_the_twist_that_the_plain_method_loses(clips: list[CapturedClip]) -> None:
    figures = measure(clips)
    assert tuple(figures.bones) == BONES and figures.frames == 240 and figures.held_out_frames == 60
    for name in KNEE_AND_ELBOW:
        bone = figures.bones[name]
        assert bone.error["ours"] < 3.0 and bone.error["ours"] < 0.5 * bone.error["plain"], name
        assert bone.new["ours"] == 0, name
    assert figures.position_mm < 20.0  # a shrug held throughout counts as shape
    assert all(name in table(figures) for name in BONES)


def test_noise_and_one_constant_for_all_make_it_worse(clips: list[CapturedClip]) -> None:
    clean, one = measure(clips), measure(clips, per_actor=False)
    noisy = measure(clips, noise_mm=5.0)
    assert noisy.position_mm > clean.position_mm
    for name in KNEE_AND_ELBOW:
        assert clean.bones[name].error["ours"] < noisy.bones[name].error["ours"] < 15.0
        assert clean.bones[name].error["plain"] <= one.bones[name].error["plain"] + 0.5


def test_a_constant_rotation_is_taken_off_for_each_rig_and_nothing_else() -> None:
    generator = np.random.default_rng(0)
    truth = rot.normalise(generator.normal(size=(40, 2, 4)))
    rigs = np.repeat(["a", "b"], 20)
    constant = rot.from_axis_angle([[0.0, 0.6, 0.8], [1.0, 0.0, 0.0]], [0.7, -0.4])
    found = rot.multiply(truth, constant[(rigs == "b").astype(int)][:, None])
    corrected = without_convention(found, truth, rigs)
    np.testing.assert_allclose(rot.angle_of(rot.multiply(rot.inverse(corrected), truth)), 0.0, atol=1e-6)
    assert rot.angle_of(rot.multiply(rot.inverse(without_convention(found, truth, rigs == "c")), truth)).mean() > 0.2


def test_the_median_rotation_is_not_moved_by_a_few_far_ones() -> None:
    middle = rot.from_axis_angle([0.0, 1.0, 0.0], 1.0)
    rotations = np.repeat(middle[None], 20, axis=0)
    rotations[:4] = rot.from_axis_angle([1.0, 0.0, 0.0], 2.0)
    rotations[::2] *= -1.0  # the same rotations
    assert rot.angle_of(rot.multiply(rot.inverse(middle), median_rotation(rotations))) < np.radians(2.0)


def test_twist_steps_see_the_turn_about_the_bone_only() -> None:
    world = np.zeros((3, 22, 4))
    world[..., 0] = 1.0
    world[1, J["l_elbow"]] = -rot.from_axis_angle([1.0, 0.0, 0.0], 0.5)
    world[1, J["l_hip"]] = rot.from_axis_angle([1.0, 0.0, 0.0], 0.5)
    steps = twist_steps(world, HUMANML.rest)
    np.testing.assert_allclose(steps[:, J["l_elbow"]], np.degrees(0.5), atol=1e-9)
    np.testing.assert_allclose(np.delete(steps, J["l_elbow"], axis=1), 0.0, atol=1e-9)


def test_the_plain_method_points_every_bone_where_it_should(clips: list[CapturedClip]) -> None:
    joints = clips[0].positions
    world = plain_rotations(joints)
    for joint in ("l_knee", "l_ankle", "r_wrist", "head"):
        parent = HUMANML.parents[J[joint]]
        bone = rot.rotate(world[:, parent], HUMANML.offsets[J[joint]])
        np.testing.assert_allclose(bone, joints[:, J[joint]] - joints[:, parent], atol=1e-5)


def test_the_fitted_guess_finds_elbows_of_other_clips() -> None:
    numbers = fit([clip_of(seed, seed) for seed in range(8)])
    assert numbers.shape == (7, 3) and np.isfinite(numbers).all()
    flipped = fit([mirror_image(clip_of(seed, seed)) for seed in range(8)])
    np.testing.assert_allclose(flipped, numbers, atol=1e-3)  # one set of numbers for both sides


def mirror_image(clip: CapturedClip) -> CapturedClip:
    sides = list(MIRROR)
    positions = (clip.positions * [-1.0, 1.0, 1.0])[:, sides]
    return CapturedClip(clip.name, positions, (clip.rotations * [1.0, 1.0, -1.0, -1.0])[:, sides], clip.rest)


def test_clips_are_read_and_the_commands_print(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clips = captured_clips(folder)
    assert [clip.actor for clip in clips] == ["00", "01", "02", "03"] and held_out_actors(clips) == {"02"}
    main([str(folder), "--one-constant"])
    assert "| shoulder |" in capsys.readouterr().out
    (folder / "splits.json").write_text('{"train": [], "test": ["00_01"]}')
    print_prior([str(folder)])
    assert capsys.readouterr().out.count("[") == 8


def test_bad_files_are_refused_by_name(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingDataError, match="missing"):
        captured_clips(tmp_path / "nowhere")
    np.savez(folder / "rotations.npz", **{"a_1/positions": np.zeros((3, 22, 3))})
    with pytest.raises(TrainingDataError, match="a_1"):
        captured_clips(folder)
    shapes = {"positions": (3, 22, 3), "rotations": (3, 22, 3), "rest": (22, 3)}
    np.savez(folder / "rotations.npz", **{f"a_1/{k}": np.zeros(shape) for k, shape in shapes.items()})
    with pytest.raises(TrainingDataError, match="shapes"):
        captured_clips(folder)
