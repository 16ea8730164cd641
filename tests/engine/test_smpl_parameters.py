"""SMPL parameters as files: round trips in every layout, the fields of others, and files that are no motion."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motionlcm_blender.cli.main import main
from motionlcm_blender.errors import InvalidRequest
from motionlcm_blender.motion import rotations as rot
from motionlcm_blender.motion.foot_contacts import foot_contacts, stance_mask
from motionlcm_blender.motion.motion import Clip, Motion
from motionlcm_blender.motion.resampling import resample
from motionlcm_blender.motion.retarget import forward_kinematics, retarget
from motionlcm_blender.motion.skeleton import FOOT_JOINTS, JOINT_COUNT, SMPL, Skeleton
from motionlcm_blender.rigs.clip_retarget import retarget_clip_to_body
from motionlcm_blender.rigs.rig_body import rig_body
from motionlcm_blender.smpl.body_model import KINDS
from motionlcm_blender.smpl.body_parameters import (
    LAYOUTS,
    UPWARD,
    BodyMotion,
    BodyParameters,
    body_motion,
    guess_up,
    in_own_metres,
    in_true_metres,
    leg_length,
    parameters_of,
    resampled,
    with_proportions,
)
from motionlcm_blender.smpl.parameter_file import read_parameters, write_parameters
from tests import rig_samples
from tests.synthetic_motion import walk
from tests.tiny_model import write_tiny_model

FLOAT32 = 1e-6
"""Relative; what is written is float64, what is compared passes through sines of half angles."""


def walking(frames: int = 60) -> Clip:
    joints = walk(frames, speed=1.1, turn_rate=0.3)
    return retarget(Motion(joints, foot_contacts(joints).astype(np.float32)))


def any_motion(seed: int, frames: int, kind: str, far: float = 3.0, bend: float = 3.0) -> BodyMotion:
    rng = np.random.default_rng(seed)
    turns = rot.continuous(rot.from_rotation_vector(rng.uniform(-bend, bend, (frames, 24, 3)) / np.sqrt(3.0)))
    offsets = SMPL.offsets * rng.uniform(0.8, 1.3, (24, 1))
    skeleton = Skeleton(SMPL.names, SMPL.parents, offsets)
    extra = {
        name: rot.continuous(rot.from_rotation_vector(rng.uniform(-1.0, 1.0, (frames, 3))))
        for name in LAYOUTS[kind].names[22 if kind != "smpl" else 24 :]
    }
    return BodyMotion(Clip(30.0, rng.uniform(-far, far, (frames, 3)), turns, skeleton), extra)


def same_turns(one: np.ndarray, two: np.ndarray) -> None:
    assert (1.0 - np.abs((one * two).sum(-1))).max() < FLOAT32


@settings(max_examples=40)
@given(
    seed=st.integers(0, 10**6),
    frames=st.integers(1, 6),
    layout=st.sampled_from(sorted(LAYOUTS)),
    up=st.sampled_from(UPWARD),
    pelvis=st.tuples(*[st.floats(-1.0, 1.0)] * 3),
)
def test_any_motion_comes_back(
    tmp_path_factory: pytest.TempPathFactory, seed: int, frames: int, layout: str, up: str, pelvis: tuple[float, ...]
) -> None:
    motion, file = any_motion(seed, frames, layout), tmp_path_factory.mktemp("motion") / "motion.npz"
    written = parameters_of(motion, LAYOUTS[layout], np.array(pelvis), up, np.arange(3.0), "female", "a person waves")
    write_parameters(written, file)
    read = read_parameters(file)
    assert (read.kind, read.up, read.gender, read.prompt, read.fps) == (
        written.kind,
        up,
        "female",
        "a person waves",
        30.0,
    )
    assert not read.warnings and read.betas[:3].tolist() == [0.0, 1.0, 2.0]
    back = body_motion(read)
    shared = 24 if layout == "smpl" else JOINT_COUNT
    np.testing.assert_allclose(back.clip.translation, motion.clip.translation, atol=FLOAT32)
    np.testing.assert_allclose(back.clip.skeleton.offsets[1:], motion.clip.skeleton.offsets[1:], atol=FLOAT32)
    same_turns(back.clip.rotations[:, :shared], motion.clip.rotations[:, :shared])
    assert set(back.extra) == set(motion.extra)
    for name, turns in motion.extra.items():
        same_turns(back.extra[name], turns)


@given(st.integers(0, 10**6))
def test_rotation_vectors_come_back(seed: int) -> None:
    vectors = np.random.default_rng(seed).normal(0.0, 1.0, (20, 3))
    vectors *= np.minimum(1.0, 3.1 / np.linalg.norm(vectors, axis=1, keepdims=True))
    vectors[0], vectors[1] = 0.0, [1e-9, -2e-9, 0.0]
    np.testing.assert_allclose(rot.to_rotation_vector(rot.from_rotation_vector(vectors)), vectors, atol=1e-12)
    angles = np.linalg.norm(vectors[1:], axis=1)
    same_turns(rot.from_rotation_vector(vectors[1:]), rot.from_axis_angle(vectors[1:], angles))


def amass_fields(clip: Clip, joints: int = 52) -> dict[str, Any]:
    """As a file of AMASS: no field of this project's own."""
    kind = KINDS[joints]
    parameters = parameters_of(BodyMotion(clip), kind)
    poses = rot.to_rotation_vector(parameters.rotations).reshape(clip.frames, -1)
    return {
        "poses": poses, "trans": parameters.translation, "betas": np.zeros(16), "gender": np.array("male"),
        "mocap_framerate": np.array(clip.fps), "dmpls": np.zeros((clip.frames, 8)),
    }  # fmt: skip


def saved(folder: Path, fields: dict[str, Any]) -> Path:
    np.savez(folder / "motion.npz", **fields)
    return folder / "motion.npz"


def test_a_file_of_amass_stands_on_the_floor_and_keeps_its_turns(tmp_path: Path) -> None:
    clip = walking()
    read = read_parameters(saved(tmp_path, amass_fields(clip)))
    assert (read.kind.name, read.up, read.gender, read.rest, read.fps) == ("SMPL-H", "Z", "male", None, 20.0)
    back = body_motion(read).clip
    same_turns(back.rotations[:, :JOINT_COUNT], clip.rotations[:, :JOINT_COUNT])
    lowest = forward_kinematics(back)[:, list(FOOT_JOINTS), 1].min(1)
    assert abs(np.percentile(lowest, 5)) < 1e-3
    travelled = np.linalg.norm(np.ptp(back.translation[:, [0, 2]], axis=0))
    expected = np.linalg.norm(np.ptp(clip.translation[:, [0, 2]], axis=0))
    assert travelled == pytest.approx(expected, rel=0.05)


@pytest.mark.parametrize("size", [0.8, 1.2])
def test_the_size_of_an_unknown_body_is_found_from_its_steps(size: float, tmp_path: Path) -> None:
    clip = walking(100)
    fields = amass_fields(replace(clip, translation=size * clip.translation))
    fields["trans"] = fields["trans"] + [0.3, -0.2, 0.35]  # the place of the pelvis in the unknown model
    back = body_motion(read_parameters(saved(tmp_path, fields))).clip
    travelled, expected = (np.linalg.norm(c.translation[-1] - c.translation[0]) for c in (back, clip))
    assert travelled == pytest.approx(expected, rel=0.05)
    lowest = forward_kinematics(back)[:, list(FOOT_JOINTS), 1].min(1)
    assert abs(np.percentile(lowest, 5)) < 1e-3


def parts(fields: dict[str, Any], names: dict[str, slice]) -> dict[str, Any]:
    rest = {name: value for name, value in fields.items() if name != "poses"}
    return rest | {name: fields["poses"][:, piece] for name, piece in names.items()}


OF_AMASS = {
    "root_orient": slice(0, 3), "pose_body": slice(3, 66), "pose_jaw": slice(66, 69), "pose_eye": slice(69, 75),
    "pose_hand": slice(75, 165),
}  # fmt: skip
OF_SMPLX = {
    "global_orient": slice(0, 3), "body_pose": slice(3, 66), "jaw_pose": slice(66, 69), "leye_pose": slice(69, 72),
    "reye_pose": slice(72, 75), "left_hand_pose": slice(75, 120), "right_hand_pose": slice(120, 165),
}  # fmt: skip


@pytest.mark.parametrize("names", [OF_AMASS, OF_SMPLX])
def test_parts_of_poses_are_read_as_one(names: dict[str, slice], tmp_path: Path) -> None:
    motion = any_motion(3, 4, "smplx")
    parameters = parameters_of(motion, LAYOUTS["smplx"])
    poses = rot.to_rotation_vector(parameters.rotations).reshape(4, -1)
    fields = parts({"poses": poses, "transl": parameters.translation, "fps": np.array(25)}, names)
    read = read_parameters(saved(tmp_path, fields), up="Z")
    assert read.kind.name == "SMPL-X" and read.fps == 25.0
    same_turns(read.rotations, parameters.rotations)
    for name, piece in names.items():  # as matrices, as some methods store them
        vectors = poses[:, piece].reshape(4, -1, 3)
        fields[name] = rot.to_matrix(rot.from_rotation_vector(vectors))
    same_turns(read_parameters(saved(tmp_path, fields), up="Z").rotations, parameters.rotations)


def test_bodies_without_hands_are_read(tmp_path: Path) -> None:
    fields = amass_fields(walking(10))
    poses = fields.pop("poses")
    body = fields | {"root_orient": poses[:, :3], "pose_body": poses[:, 3:66]}
    assert read_parameters(saved(tmp_path, body)).kind is KINDS[24]
    components = body | {"left_hand_pose": np.zeros((10, 6)), "right_hand_pose": np.zeros((10, 6))}
    read = read_parameters(saved(tmp_path, components))
    assert read.kind is KINDS[24] and "components" in read.warnings[0]
    assert read_parameters(saved(tmp_path, fields | {"poses": poses[:, :66]})).kind is KINDS[24]
    jaw = body | {"pose_jaw": np.full((10, 3), 0.1)}
    read = read_parameters(saved(tmp_path, jaw))
    assert read.kind is KINDS[55] and np.abs(rot.to_rotation_vector(read.rotations[:, 22]) - 0.1).max() < 1e-9


def test_odd_fields_are_read_with_a_warning(tmp_path: Path) -> None:
    fields = amass_fields(walking(10))
    shapes = fields | {"betas": np.arange(20.0).reshape(10, 2), "gender": np.array(b"Female")}
    read = read_parameters(saved(tmp_path, shapes))
    assert read.gender == "female" and read.betas.tolist() == [9.0, 10.0] and len(read.warnings) == 1
    objects = fields | {"gender": np.array(None, dtype=object)}
    read = read_parameters(saved(tmp_path, objects))
    assert read.gender == "neutral" and "gender" in read.warnings[0]
    one = fields | {"betas": np.zeros((1, 10)), "mocap_framerate": np.array([20.0])}
    assert not read_parameters(saved(tmp_path, one)).warnings


@pytest.mark.parametrize("up", UPWARD)
def test_the_axis_that_points_up_is_found(up: str, tmp_path: Path) -> None:
    parameters = parameters_of(BodyMotion(walking(20)), KINDS[24], up=up)
    assert guess_up(parameters.rotations[:, 0]) == up
    write_parameters(parameters, tmp_path / "motion.npz")
    with np.load(tmp_path / "motion.npz") as stored:
        fields = {name: stored[name] for name in stored.files if name not in ("up_axis", "rest_joints")}
    back = body_motion(read_parameters(saved(tmp_path, fields))).clip
    assert (rot.rotate(back.rotations[:, 0], np.array([0.0, 1.0, 0.0]))[:, 1] > 0.9).all()


def change(**values: Any) -> Any:
    return lambda fields: fields | values


def without(*names: str) -> Any:
    return lambda fields: {name: value for name, value in fields.items() if name not in names}


REFUSALS = {
    "no poses": (without("poses"), "neither poses nor root_orient"),
    "no translation": (without("trans"), "no trans"),
    "no rate": (without("mocap_framerate"), "frame rate"),
    "rate of zero": (change(mocap_framerate=np.array(0.0)), "no frame rate"),
    "rates": (change(mocap_framerate=np.array([20.0, 30.0])), "no frame rate"),
    "not a number": (change(poses=np.full((10, 156), np.nan)), "not finite"),
    "degrees": (change(poses=np.full((10, 156), 170.0)), "not radians"),
    "other joints": (change(poses=np.zeros((10, 63))), "63 numbers"),
    "no joints": (change(poses=np.zeros(10)), "no rotations of joints"),
    "lengths": (change(trans=np.zeros((9, 3))), "10 poses"),
    "no frames": (change(poses=np.zeros((0, 156)), trans=np.zeros((0, 3))), "no frame"),
    "far": (change(trans=np.full((10, 3), 1e6)), "not metres"),
    "betas": (change(betas=np.zeros((3, 10))), "betas"),
    "text": (change(poses=np.array("poses")), "plain numbers"),
    "objects": (change(poses=np.array([{}], dtype=object)), "may run code"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_what_is_no_motion_is_refused_in_a_sentence(name: str, tmp_path: Path) -> None:
    made, words = REFUSALS[name]
    path = saved(tmp_path, made(amass_fields(walking(10))))
    with pytest.raises(InvalidRequest) as caught:
        read_parameters(path)
    sentence = str(caught.value)
    assert words in sentence and sentence.startswith("motion.npz") and sentence.endswith(".") and "\n" not in sentence


def test_other_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "motion.pkl").write_bytes(pickle.dumps({"poses": [1]}))
    (tmp_path / "text.npz").write_text("hello")
    saved(tmp_path, amass_fields(walking(10)))
    (tmp_path / "cut.npz").write_bytes((tmp_path / "motion.npz").read_bytes()[:-300])
    for name, words in (
        ("motion.pkl", "pickle"), ("text.npz", "no .npz"), ("cut.npz", "truncated"), ("gone.npz", "not there"),
        ("motion.bvh", "choose a .npz"),
    ):  # fmt: skip
        with pytest.raises(InvalidRequest, match=words):
            read_parameters(tmp_path / name)
    with pytest.raises(InvalidRequest, match=r"written as \.npz"):
        write_parameters(parameters_of(BodyMotion(walking(10)), KINDS[24]), tmp_path / "motion.bvh")


class Touches:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


def test_nothing_in_a_file_is_executed(tmp_path: Path) -> None:
    hostile = np.array([Touches(tmp_path / "made")], dtype=object)
    for field in ("poses", "gender", "betas", "trans"):
        path = saved(tmp_path, amass_fields(walking(10)) | {field: hostile})
        try:
            read_parameters(path)
        except InvalidRequest as error:
            assert "may run code" in str(error)
    assert not (tmp_path / "made").exists()


def test_resampling_keeps_body_and_fingers_together() -> None:
    motion = any_motion(5, 8, "smplh", bend=0.3)
    fast = resampled(motion, 60.0)
    assert fast.clip.frames == 15 and all(len(turns) == 15 for turns in fast.extra.values())
    same_turns(fast.clip.rotations[::2], motion.clip.rotations)
    for name, turns in motion.extra.items():
        same_turns(fast.extra[name][::2], turns)
    assert resampled(motion, 30.0) is motion


@given(seed=st.integers(0, 10**6), size=st.floats(0.6, 1.5))
def test_another_body_keeps_the_turns_and_the_height_of_the_feet(seed: int, size: float) -> None:
    clip = replace(any_motion(seed, 4, "smpl", bend=0.8).clip)
    skeleton = Skeleton(SMPL.names, SMPL.parents, SMPL.offsets * size)
    moved = with_proportions(clip, skeleton)
    assert moved.skeleton is skeleton and moved.rotations is clip.rotations
    ratio = leg_length(skeleton) / leg_length(clip.skeleton)
    feet = [forward_kinematics(each)[:, list(FOOT_JOINTS), 1].min(1) for each in (clip, moved)]
    np.testing.assert_allclose(feet[1], ratio * feet[0], atol=1e-9)
    own, length = in_own_metres(moved)
    assert leg_length(own.skeleton) == pytest.approx(leg_length(SMPL))
    np.testing.assert_allclose(in_true_metres(own, length).translation, moved.translation, atol=1e-9)


def test_known_turns_reach_another_rig() -> None:
    """A twist that joint positions do not show reaches the body, and its own clip comes back unchanged."""
    clip = walking()
    turns = np.array(clip.rotations)
    wrist = SMPL.names.index("l_wrist")
    turns[:, wrist] = rot.from_axis_angle((1.0, 0.0, 0.0), 0.9)
    clip = replace(clip, rotations=turns)
    widths = np.random.default_rng(0).uniform(0.9, 1.15, (24, 1))
    description, mapping = rig_samples.rig(offsets=SMPL.offsets * widths)
    body = rig_body(description, mapping)
    onto = retarget_clip_to_body(clip, body)
    same_turns(onto.rotations[:, wrist], turns[:, wrist])
    assert retarget_clip_to_body(onto, body).translation is onto.translation
    lowest = forward_kinematics(onto)[:, list(FOOT_JOINTS), 1].min(1)
    assert abs(np.percentile(lowest, 5)) < 0.05


@pytest.mark.parametrize("fps", [24.0, 60.0])
def test_standing_feet_stay_on_another_rig(fps: float) -> None:
    """Without fast moves of the legs that the motion has not, whatever the frame rate."""
    clip = resample(walking(), fps)
    widths = np.random.default_rng(0).uniform(0.9, 1.15, (24, 1))
    onto = retarget_clip_to_body(clip, rig_body(*rig_samples.rig(offsets=SMPL.offsets * widths)))
    assert onto.frames == clip.frames and onto.fps == fps
    joints = forward_kinematics(clip)[:, :JOINT_COUNT]
    stands = stance_mask(joints, foot_contacts(joints, fps).astype(np.float64), fps)[:, [1, 3]]
    toes = forward_kinematics(onto)[:, list(FOOT_JOINTS)][:, [1, 3]]
    speed = np.linalg.norm(np.diff(toes[..., [0, 2]], axis=0), axis=-1) * fps
    assert np.median(speed[stands[1:] & stands[:-1]]) < 0.05
    fastest = [np.abs(np.diff(forward_kinematics(each)[:, :JOINT_COUNT], 2, axis=0)).max() for each in (clip, onto)]
    assert fastest[1] < 3.0 * fastest[0]


def run(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


def test_convert_changes_layout_rate_and_format(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = saved(tmp_path, amass_fields(walking(40)))
    assert run("convert", path, "--out", tmp_path / "x.npz", "--layout", "smplx", "--fps", "60") == 0
    assert "SMPL-H, 40 frames, 20 per second, Z up" in capsys.readouterr().out
    first, second = read_parameters(path), read_parameters(tmp_path / "x.npz")
    assert second.kind is KINDS[55] and second.fps == 60.0 and second.rest is None
    same_turns(second.rotations[::3, :22], first.rotations[:, :22])
    np.testing.assert_allclose(second.translation[::3], first.translation, atol=1e-9)
    for name in ("x.bvh", "plain.npz"):
        assert run("convert", tmp_path / "x.npz", "--out", tmp_path / name) == 0
        assert (tmp_path / name).stat().st_size > 1000
    assert run("convert", tmp_path / "plain.npz", "--out", tmp_path / "again.npz", "--layout", "smpl") == 0
    again = body_motion(read_parameters(tmp_path / "again.npz")).clip
    with np.load(tmp_path / "plain.npz") as plain:
        same_turns(again.rotations, plain["rotations"])
        np.testing.assert_allclose(again.translation, plain["translation"], atol=FLOAT32)


def test_convert_refuses_in_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fields = amass_fields(walking(10))
    path = saved(tmp_path, fields)
    for arguments, words in (
        (("--out", tmp_path / "x.npz", "--layout", "flame"), "no layout"),
        (("--out", tmp_path / "x.bvh", "--layout", "smpl"), "written as .npz"),
        (("--out", tmp_path / "x.npz", "--body", path), "give --layout"),
        (("--out", tmp_path / "x.npz", "--up", "x"), "z, y or -y"),
        (("--out", tmp_path / "none" / "x.npz"), "no folder"),
    ):
        assert run("convert", path, *arguments) == 1
        assert words in capsys.readouterr().err
    del fields["mocap_framerate"]
    path = saved(tmp_path, fields)
    assert run("convert", path, "--out", tmp_path / "x.npz") == 1 and "frame rate" in capsys.readouterr().err
    assert run("convert", path, "--out", tmp_path / "x.npz", "--motion-fps", "30") == 0


def test_generate_writes_parameters(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_tiny_model(tmp_path / "model")
    options = ("--seconds", 2, "--model", tmp_path / "model", "--device", "numpy", "--out")
    assert run("generate", "a person walks", *options, tmp_path / "w.npz", "--layout", "smplh") == 0
    read = read_parameters(tmp_path / "w.npz")
    assert read.kind is KINDS[52] and len(read.translation) == 40 and read.prompt == "a person walks"
    assert run("generate", "a person walks", *options, tmp_path / "plain.npz") == 0
    plain = body_motion(read_parameters(tmp_path / "plain.npz")).clip
    same_turns(body_motion(read).clip.rotations[:, :22], plain.rotations[:, :22])
    np.testing.assert_allclose(body_motion(read).clip.translation, plain.translation, atol=1e-5)
    capsys.readouterr()
    assert run("generate", "a person walks", *options, tmp_path / "w.bvh", "--layout", "smplh") == 1
    assert "written as .npz" in capsys.readouterr().err


def test_parameters_are_plain_data() -> None:
    parameters = BodyParameters(KINDS[24], np.zeros((1, 24, 4)), np.zeros((1, 3)), 20.0)
    assert parameters.betas.shape == (10,) and parameters.up == "Z" and parameters.warnings == ()
