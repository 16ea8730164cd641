"""BVH files, read back by a parser of the test's own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.transform import Rotation

from motionlcm_blender.motion import rotations as rot
from motionlcm_blender.motion.bvh import write_bvh, zxy_angles
from motionlcm_blender.motion.motion import Clip, Motion
from motionlcm_blender.motion.retarget import forward_kinematics, retarget
from motionlcm_blender.motion.skeleton import SMPL
from tests.synthetic_motion import gestures, walk


def read_bvh(path: Path) -> tuple[dict[str, np.ndarray], float, dict[str, str | None]]:
    """Joint positions by name, (T, 3) each in metres, the frame time, and each joint's parent."""
    words = path.read_text().split()
    names: list[str] = []
    stack: list[str] = []
    parents: dict[str, str | None] = {}
    offsets: dict[str, np.ndarray] = {}
    channels: dict[str, list[str]] = {}
    i = 1
    while words[i] != "MOTION":
        word = words[i]
        if word in ("ROOT", "JOINT", "End"):
            name = words[i + 1] if word != "End" else f"{stack[-1]} end"
            parents[name] = stack[-1] if stack else None
            names.append(name)
            channels[name] = []
            i += 2
        elif word == "{":
            stack.append(names[-1])
            i += 1
        elif word == "}":
            stack.pop()
            i += 1
        elif word == "OFFSET":
            offsets[stack[-1]] = np.array([float(v) for v in words[i + 1 : i + 4]])
            i += 4
        else:
            assert word == "CHANNELS"
            count = int(words[i + 1])
            channels[stack[-1]] = words[i + 2 : i + 2 + count]
            i += 2 + count
    assert words[i + 1] == "Frames:" and words[i + 3 : i + 5] == ["Frame", "Time:"]
    frames, frame_time = int(words[i + 2]), float(words[i + 5])
    values = iter(np.array([float(v) for v in words[i + 6 :]]).reshape(frames, -1).T)

    positions: dict[str, np.ndarray] = {}
    turned: dict[str, Rotation] = {}
    for name in names:
        rotation, position = Rotation.from_quat([[0, 0, 0, 1]] * frames), np.zeros((frames, 3))
        for channel in channels[name]:
            if channel.endswith("position"):
                position[:, "XYZ".index(channel[0])] = next(values)
            else:
                rotation = rotation * Rotation.from_euler(channel[0], next(values)[:, None], degrees=True)
        parent = parents[name]
        if parent is None:
            positions[name], turned[name] = position + offsets[name], rotation
        else:
            positions[name] = positions[parent] + turned[parent].apply(offsets[name])
            turned[name] = turned[parent] * rotation
    assert next(values, None) is None
    return {name: p / 100.0 for name, p in positions.items()}, frame_time, parents


@pytest.mark.parametrize(
    "joints", [walk(60, 1.4, 0.8), gestures(60, 7)[0], gestures(1, 3)[0]], ids=["walk", "all", "one"]
)
def test_the_file_holds_the_motion(joints: np.ndarray, tmp_path: Path) -> None:
    clip = retarget(Motion(joints, np.zeros((len(joints), 4), np.float32), fps=23.976))
    write_bvh(clip, tmp_path / "clip.bvh")
    positions, frame_time, parents = read_bvh(tmp_path / "clip.bvh")
    expected = forward_kinematics(clip)
    for joint, name in enumerate(SMPL.names):
        np.testing.assert_allclose(positions[name], expected[:, joint], atol=1e-4)
        assert parents[name] == (SMPL.names[SMPL.parents[joint]] if joint else None)
    assert frame_time == pytest.approx(1.0 / 23.976, abs=1e-7)
    assert list(tmp_path.iterdir()) == [tmp_path / "clip.bvh"]


quaternions = arrays(np.float64, (6, 4), elements=st.floats(-1, 1)).map(rot.normalise)


@settings(max_examples=40, deadline=None)
@given(quaternions)
def test_angles_rebuild_the_rotation(q: np.ndarray) -> None:
    expected = Rotation.from_euler("ZXY", zxy_angles(q)).as_matrix()
    np.testing.assert_allclose(expected, rot.to_matrix(q), atol=1e-6)


@pytest.mark.parametrize("z", [-2.0, 0.0, 1.0])
@pytest.mark.parametrize("x", [-np.pi / 2, np.pi / 2])
def test_angles_where_two_axes_fall_together(z: float, x: float) -> None:
    rotation = Rotation.from_euler("ZXY", [z, x, 0.4])
    q = np.roll(rotation.as_quat(), 1)[None]
    np.testing.assert_allclose(
        Rotation.from_euler("ZXY", zxy_angles(q)[0]).as_matrix(), rotation.as_matrix(), atol=1e-6
    )


def test_a_figure_that_turns_round_has_no_jump_in_its_angles(tmp_path: Path) -> None:
    clip = retarget(Motion(walk(150, 0.8, 1.5), np.zeros((150, 4), np.float32)))
    angles = np.degrees(zxy_angles(clip.rotations[:, 0]))
    assert np.abs(np.diff(angles, axis=0)).max() < 10.0
    assert angles[-1, 2] > 600.0


def test_an_existing_file_stays_when_writing_fails(tmp_path: Path) -> None:
    target = tmp_path / "clip.bvh"
    target.write_text("old")
    clip = retarget(Motion(walk(5), np.zeros((5, 4), np.float32)))
    broken = Clip(clip.fps, clip.translation, clip.rotations[:3], clip.skeleton)
    with pytest.raises(ValueError, match="reshape"):
        write_bvh(broken, target)
    assert target.read_text() == "old"
    with pytest.raises(FileNotFoundError):
        write_bvh(clip, tmp_path / "missing" / "clip.bvh")
    assert list(tmp_path.iterdir()) == [target]
