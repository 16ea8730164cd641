"""Control is measured as OmniControl defines it."""

from __future__ import annotations

import numpy as np
import pytest

from motionlcm_blender.generation.request import Hints, Request
from motionlcm_blender.motion.features import canonical, features_from_joints
from motionlcm_blender.motion.motion import Motion
from motionlcm_blender.training.evaluation import control_metrics as control
from motionlcm_blender.training.evaluation.held_out_motions import TestMotion
from tests.synthetic_motion import walk


def motion(frames: int, speed: float) -> TestMotion:
    joints = canonical(walk(frames, speed)).astype(np.float32)
    return TestMotion(joints, (f"walk {frames}",), "clip", False)


MOTIONS = [motion(40, 1.0), motion(60, 1.4)]


class Oracle:
    """Returns the captured motion; its network is `away` metres to the left of it, its engine is exact."""

    def __init__(self, away: float = 0.0) -> None:
        self.truth = {m.captions[0]: m.joints for m in MOTIONS}
        self.away = away
        self.requests: list[Request] = []

    def features(self, request: Request) -> np.ndarray:
        self.requests.append(request)
        joints = self.truth[request.prompt]
        # T joints give T - 1 features; the model makes as many features as joints.
        features = features_from_joints(np.concatenate([joints, joints[-1:]]))
        features[0, 1] += self.away
        return features[None]

    def generate(self, request: Request) -> list[Motion]:
        return [Motion(self.truth[request.prompt], np.zeros((request.frames, 4), np.float32))]


def test_a_model_that_is_exact_has_no_error():
    figures = control.measure(Oracle(), MOTIONS, repeat=0, per_cell=2)
    for name, value in figures.items():
        if "error_cm" in name or "fail" in name:
            assert value == pytest.approx(0.0, abs=0.05), name
    real = figures["control/real/initial_all/velocity_jump_m_s"]
    assert real > 0 and figures["control/raw/initial_all/velocity_jump_m_s"] == pytest.approx(real, rel=0.01)


def test_an_offset_of_30_cm_fails_at_20_and_not_at_50():
    figures = control.measure(Oracle(0.3), MOTIONS, repeat=0, per_cell=2, joints=(0, 15), densities=(1.0,))
    # The first frame is at the origin by definition; all others are off.
    assert figures["control/raw/pelvis/100_percent/trajectory_fail_20cm"] == 1.0
    assert figures["control/raw/pelvis/100_percent/trajectory_fail_50cm"] == 0.0
    assert figures["control/raw/pelvis/location_fail_20cm"] == pytest.approx(98 / 100)
    assert figures["control/raw/pelvis/location_error_cm"] == pytest.approx(30 * 98 / 100, rel=0.01)
    assert figures["control/raw/ground_path/location_error_cm"] == pytest.approx(30 * 98 / 100, rel=0.01)
    assert figures["control/final/pelvis/location_error_cm"] == pytest.approx(0.0, abs=1e-3)
    assert 0.2 < figures["control/raw/initial_six/error_cm"] / 30.0 < 1.0
    pelvis, head = (figures[f"control/raw/{j}/trajectory_error_cm"] for j in ("pelvis", "head"))
    assert figures["control/raw/joints/trajectory_error_cm"] == pytest.approx((pelvis + head) / 2)


def test_the_figures_of_known_distances():
    distances = (np.array([0.0, 0.1, 0.3]), np.array([0.6]))
    figures = control.summary(control.Outcome(distances, (0.1, 0.3)))
    assert figures["trajectory_fail_20cm"] == 1.0
    assert figures["trajectory_fail_50cm"] == 0.5
    assert figures["location_fail_20cm"] == 0.5
    assert figures["location_fail_50cm"] == 0.25
    assert figures["location_error_cm"] == pytest.approx(25.0)
    assert figures["trajectory_error_cm"] == pytest.approx(100 * (0.4 / 3 + 0.6) / 2)
    assert figures["skating_ratio"] == pytest.approx(0.2)


def test_only_given_coordinates_count():
    truth = MOTIONS[0].joints
    moved = truth + np.array([0.3, 5.0, 0.4])
    (distances,) = control.key_distances(moved, Hints.ground_path(truth[:, 0][:, [0, 2]]))
    np.testing.assert_allclose(distances, 0.5, atol=1e-5)
    both = control.key_distances(moved, control.hints_at(truth, (10, 20), np.array([3, 7])))
    assert [len(d) for d in both] == [2, 2]


@pytest.mark.parametrize(("density", "count"), [(1, 1), (5, 5), (0.25, 10), (1.0, 40), (100, 40)])
def test_densities(density, count):
    frames = control.hinted_frames(40, density, np.random.default_rng(0))
    assert len(frames) == count == len(set(frames.tolist()))
    assert (np.diff(frames) > 0).all() and frames[-1] < 40


def test_hints_are_true_positions_of_the_requested_joints():
    model = Oracle()
    control.measure(model, MOTIONS, repeat=3, per_cell=2, joints=(10, 20), densities=(2,))
    first = model.requests[0]
    assert first.hints is not None
    assert first.hints.mask.any(axis=(0, 2)).nonzero()[0].tolist() == [10]
    assert first.hints.mask.all(axis=-1).sum() == 2
    given = first.hints.mask
    np.testing.assert_array_equal(first.hints.positions[given], model.truth[first.prompt][given])
    starts = [r for r in model.requests if r.start is not None]
    assert len(starts) == 2 and all(r.start.frames == round(r.frames / 4) for r in starts)
    np.testing.assert_array_equal(starts[0].start.joints, model.truth[starts[0].prompt][: starts[0].start.frames])


def test_repeats_draw_anew_and_are_repeatable():
    def drawn(repeat: int) -> list[np.ndarray]:
        model = Oracle()
        control.measure(model, MOTIONS, repeat, per_cell=2, joints=(0,), densities=(5,))
        return [r.hints.mask[:, 0, 0] for r in model.requests if r.hints is not None][:2]

    again = list(zip(drawn(0), drawn(0), strict=True))
    assert all(np.array_equal(a, b) for a, b in again)
    assert not all(np.array_equal(a, b) for a, b in zip(drawn(0), drawn(1), strict=True))


def test_a_velocity_jump_is_seen_where_it_is():
    joints = np.zeros((10, 22, 3))
    joints[5:, :, 0] = 0.1 * np.arange(1, 6)[:, None]
    assert control.velocity_jump(joints, 5) == pytest.approx(2.0)
    assert control.velocity_jump(joints, 7) == pytest.approx(0.0)


def test_without_motions_an_error_is_raised():
    with pytest.raises(ValueError, match="no motion"):
        control.measure(Oracle(), [], repeat=0)
