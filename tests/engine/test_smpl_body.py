"""Shape, joints and skinning of body models, against sums written out one by one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from motionlcm_blender.motion import rotations as rot
from motionlcm_blender.motion.motion import Clip
from motionlcm_blender.motion.retarget import forward_kinematics
from motionlcm_blender.motion.skeleton import JOINTS, SMPL, Skeleton
from motionlcm_blender.smpl.body_model import (
    KINDS,
    BodyModel,
    joint_directions,
    joint_positions,
    shaped_vertices,
    skinned_vertices,
)
from tests.synthetic_body import body_arrays


def model() -> BodyModel:
    a = body_arrays(SMPL.rest, SMPL.parents, shapes=10)
    return BodyModel(KINDS[24], a["v_template"], a["shapedirs"], a["J_regressor"], a["weights"], a["f"])


@pytest.mark.parametrize("count", KINDS)
def test_kinds_are_trees_that_begin_with_the_body(count: int) -> None:
    kind = KINDS[count]
    assert len(kind.names) == len(set(kind.names)) == len(kind.parents) == count and kind.names[:22] == JOINTS
    assert all(parent < joint for joint, parent in enumerate(kind.parents)) and kind.parents.count(-1) == 1
    if count > 24:
        for joint, name in enumerate(kind.names[count - 30 :], count - 30):
            above = kind.names[kind.parents[joint]]
            side = name.split("_")[0]
            assert above == (f"{side[0]}_wrist" if name.endswith("1") else f"{name[:-1]}{int(name[-1]) - 1}")


def test_joints_follow_the_shape() -> None:
    body = model()
    betas = np.random.default_rng(0).normal(size=10)
    vertices = shaped_vertices(body, betas)
    moved = body.template.copy()
    for k, beta in enumerate(betas):
        moved += beta * body.shape_directions[:, :, k]
    np.testing.assert_allclose(vertices, moved, atol=1e-12)
    two = body.template + body.shape_directions[..., :2] @ betas[:2]
    np.testing.assert_allclose(shaped_vertices(body, betas[:2]), two)
    np.testing.assert_allclose(joint_positions(body, body.template), SMPL.rest, atol=1e-12)
    expected = joint_positions(body, body.template) + joint_directions(body) @ betas
    np.testing.assert_allclose(joint_positions(body, vertices), expected, atol=1e-12)


def test_skinning_is_the_weighted_sum_of_rigid_moves() -> None:
    body, rng = model(), np.random.default_rng(1)
    vertices = shaped_vertices(body, rng.normal(size=10))
    joints = joint_positions(body, vertices)
    turns, root = rot.normalise(rng.normal(size=(24, 4))), rng.normal(size=3)
    skinned = skinned_vertices(body, vertices, joints, turns, root)
    worlds = []
    for joint, parent in enumerate(SMPL.parents):
        local = np.eye(4)
        local[:3, :3] = rot.to_matrix(turns[joint])
        local[:3, 3] = root if parent < 0 else joints[joint] - joints[parent]
        worlds.append(local if parent < 0 else worlds[parent] @ local)
    for vertex in (0, 50, 143):
        expected = np.zeros(3)
        for joint in range(24):
            away = np.array([*(vertices[vertex] - joints[joint]), 1.0])
            expected += body.weights[vertex, joint] * (worlds[joint] @ away)[:3]
        np.testing.assert_allclose(skinned[vertex], expected, atol=1e-12)


def test_skinning_agrees_with_forward_kinematics() -> None:
    """The mean of the vertices around a joint that only this joint holds goes where the joint goes."""
    body, rng = model(), np.random.default_rng(2)
    body = replace(body, weights=np.repeat(np.eye(24), 6, axis=0))
    turns, root = rot.normalise(rng.normal(size=(1, 24, 4))), rng.normal(size=(1, 3))
    skinned = skinned_vertices(body, body.template, SMPL.rest, turns[0], root[0])
    skeleton = Skeleton(SMPL.names, SMPL.parents, SMPL.offsets)
    expected = forward_kinematics(Clip(20.0, root, turns, skeleton))[0]
    np.testing.assert_allclose(joint_positions(body, skinned), expected, atol=1e-12)


def test_the_rest_pose_is_the_shape_itself() -> None:
    body = model()
    rest = np.tile(rot.IDENTITY, (24, 1))
    skinned = skinned_vertices(body, body.template, SMPL.rest, rest, SMPL.rest[0])
    np.testing.assert_allclose(skinned, body.template, atol=1e-12)
