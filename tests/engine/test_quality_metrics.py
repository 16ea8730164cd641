"""Generated motion beside captured motion."""

from __future__ import annotations

import numpy as np
import pytest

from motionlcm_blender.generation.request import Request
from motionlcm_blender.motion.features import canonical, features_from_joints
from motionlcm_blender.motion.motion import Motion
from motionlcm_blender.training.evaluation import quality_metrics as quality
from motionlcm_blender.training.evaluation.held_out_motions import TestMotion
from tests.synthetic_motion import walk

MOTIONS = [
    TestMotion(canonical(walk(n, 1.2)).astype(np.float32), (f"walk {n}", f"go {n}"), "clip", False) for n in (40, 56)
]


class Shaky:
    """Its network gives the captured motion exactly; its engine shakes it, sinks it and makes it a tenth too large."""

    def __init__(self) -> None:
        self.requests: list[Request] = []

    def features(self, request: Request) -> np.ndarray:
        self.requests.append(request)
        joints = next(m.joints for m in MOTIONS if m.frames == request.frames)
        return features_from_joints(np.concatenate([joints, joints[-1:]]))[None]

    def generate(self, request: Request) -> list[Motion]:
        joints = 1.1 * next(m.joints for m in MOTIONS if m.frames == request.frames)
        joints[..., 1] -= 0.03 + joints[..., 1].min()
        joints[::2] += np.array([0.01, 0.0, 0.0], np.float32)
        return [Motion(joints, np.zeros((request.frames, 4), np.float32))]


def test_raw_equals_real_and_final_is_worse():
    figures = quality.measure(Shaky(), MOTIONS, repeat=0)
    for name in ("jerk_m_s3", "foot_skate_cm_s", "skating_ratio"):
        assert figures[f"quality/raw/{name}"] == pytest.approx(figures[f"quality/real/{name}"], rel=0.02, abs=0.01)
    assert figures["quality/ratio/raw/jerk_m_s3"] == pytest.approx(1.0, rel=0.02)
    assert figures["quality/ratio/final/jerk_m_s3"] > 2.0
    assert figures["quality/final/foot_skate_cm_s"] > figures["quality/real/foot_skate_cm_s"] + 5.0
    assert 0.5 < figures["quality/final/floor_penetration_cm"] <= 3.01
    assert "quality/ratio/final/floor_penetration_cm" not in figures, "the captured feet do not sink in"


def test_bone_lengths_off_by_a_tenth():
    joints = MOTIONS[0].joints
    lengths = np.linalg.norm(np.diff(joints[:, [1, 4]], axis=1), axis=-1)
    assert quality.bone_length_deviation(joints) == pytest.approx(0.0, abs=1e-5)
    deviation = quality.bone_length_deviation(1.1 * joints)
    assert deviation == pytest.approx(0.1 * quality.HUMANML.bone_lengths[1:].mean(), rel=1e-3)
    assert deviation < 0.1 * lengths.mean()


def test_prompts_are_captions_of_the_motion_and_lengths_are_its_own():
    model = Shaky()
    quality.measure(model, MOTIONS, repeat=1)
    assert sorted(r.frames for r in model.requests) == [40, 56]
    assert all(r.prompt.endswith(str(r.frames)) for r in model.requests)


def test_limit_and_repeats():
    first, second = Shaky(), Shaky()
    quality.measure(first, MOTIONS, repeat=0, limit=1)
    quality.measure(second, MOTIONS, repeat=1, limit=1)
    assert len(first.requests) == 1
    assert first.requests[0].seed != second.requests[0].seed


def test_without_motions_an_error_is_raised():
    with pytest.raises(ValueError, match="no motion"):
        quality.measure(Shaky(), [], repeat=0)
