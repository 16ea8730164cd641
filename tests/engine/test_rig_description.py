"""An armature as plain data: rest axes as Blender defines them, and the content of a file of test data."""

from __future__ import annotations

import numpy as np
import pytest

from motionlcm_blender.rigs.description import BoneConstraint, rest_axes
from tests.rig_answers import RIGS, rig


@pytest.mark.parametrize(
    ("direction", "roll", "axes"),
    [
        ((0, 1, 0), 0.0, np.eye(3)),
        ((0, 2, 0), np.pi / 2, [[0, 0, 1], [0, 1, 0], [-1, 0, 0]]),
        ((0, 0, 3), 0.0, [[1, 0, 0], [0, 0, -1], [0, 1, 0]]),
        ((1, 0, 0), 0.0, [[0, 1, 0], [-1, 0, 0], [0, 0, 1]]),
        ((0, -1, 0), 0.0, [[-1, 0, 0], [0, -1, 0], [0, 0, 1]]),
        ((1e-5, -1, 0), 0.0, [[-1, 0, 0], [0, -1, 0], [0, 0, 1]]),
    ],
)
def test_axes_of_a_bone(direction: tuple[float, float, float], roll: float, axes: object) -> None:
    assert np.allclose(rest_axes(np.array(direction, dtype=float), roll), axes, atol=2e-5)


@pytest.mark.parametrize("name", RIGS)
def test_axes_turn_and_do_not_stretch(name: str) -> None:
    for bone in rig(name).bones:
        assert np.allclose(bone.matrix.T @ bone.matrix, np.eye(3), atol=1e-4)
        assert np.linalg.det(bone.matrix) > 0.99
        along = (bone.tail - bone.head) / np.linalg.norm(bone.tail - bone.head)
        assert np.allclose(bone.matrix[:, 1], along, atol=1e-3)


def test_properties_of_a_control_rig() -> None:
    bones = {bone.name: bone for bone in rig("rigify_human_generated").bones}
    assert bones["upper_arm_parent.L"].properties["IK_FK"] == (0, 0, 1)
    assert bones["root"].custom_shape and not bones["root"].deform and not bones["root"].hidden
    assert bones["MCH-eyes_parent"].hidden, "in a collection that is not visible"
    assert bones["MCH-eyes_parent"].locked_location == (True, True, True)
    copy = BoneConstraint("COPY_TRANSFORMS", "ORG-face", 1.0, "Copy Transforms", ("ORG-face",))
    assert bones["MCH-eyes_parent"].constraints == (copy,)
    armature = [each for bone in bones.values() for each in bone.constraints if each.type == "ARMATURE"]
    assert armature and all(each.target in each.targets for each in armature)


def test_parents_come_first() -> None:
    for name in RIGS:
        assert all(bone.parent < index for index, bone in enumerate(rig(name).bones))
