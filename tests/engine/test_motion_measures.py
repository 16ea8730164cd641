"""Energy, facing, floor, standing feet and spread of motions whose figures are known."""

from __future__ import annotations

import numpy as np
import pytest

from motionlcm_blender.generation.generated_motion import GeneratedMotion
from motionlcm_blender.generation.request import Request
from motionlcm_blender.motion import rotations as rot
from motionlcm_blender.training.evaluation import long_section
from motionlcm_blender.training.evaluation import motion_measures as see
from tests.synthetic_actions import _Y, J, about, raising_arm, standing
from tests.synthetic_motion import walk


def turned_body(joints: np.ndarray, degrees: float) -> np.ndarray:
    """The same travel with the figure turned about its pelvis, to the left if positive."""
    q = about(_Y, np.full(len(joints), np.radians(degrees)))
    return joints[:, :1] + rot.rotate(q[:, None], joints - joints[:, :1])


@pytest.mark.parametrize(("turned", "wanted"), [(0.0, 0.0), (180.0, 180.0), (-90.0, 90.0), (90.0, -90.0)])
def test_facing_is_seen_from_the_figure(turned, wanted):
    joints = turned_body(walk(100, 1.0), turned)
    mean, most = see.facing_error(joints, wanted)
    assert mean < 4.0 and most < 12.0
    mean, _ = see.facing_error(joints, wanted + 60.0)
    assert mean == pytest.approx(60.0, abs=4.0)


def test_a_curve_is_followed_and_a_figure_that_stands_faces_nowhere():
    assert see.facing_error(walk(120, 1.0, turn_rate=0.5))[0] < 8.0
    assert np.isnan(see.facing_error(standing())).all()


def test_energy_of_one_wrist():
    """A wrist swings by 20 cm twice a second: its mean speed is 2 / pi of the peak, shared by 22 joints."""
    joints = np.repeat(standing()[:1], 200, axis=0)
    joints[:, J["l_wrist"], 0] += 0.2 * np.sin(2.0 * np.pi * 2.0 * np.arange(200) / 20.0)
    peak = 2.0 * np.pi * 2.0 * 0.2
    found = see.energy(joints)
    assert found["wrist_peak"] == pytest.approx(peak, rel=0.08)
    assert found["body"] == pytest.approx(peak * 2.0 / np.pi / 22.0, rel=0.08)
    assert found["ankle_peak"] == pytest.approx(0.0, abs=1e-9)
    moved = joints + np.linspace(0.0, 5.0, 200)[:, None, None]
    assert see.energy(moved) == pytest.approx(found), "what the pelvis does is left out"


def test_the_deepest_foot_counts():
    joints = standing()
    joints = joints - [0.0, joints[..., 1].min(), 0.0]
    assert see.below_floor_cm(joints) == 0.0
    joints[30, J["r_foot"], 1] = -0.07
    assert see.below_floor_cm(joints) == pytest.approx(7.0)


def test_a_dragged_toe_inside_and_at_the_ends():
    joints = np.repeat(standing()[:1], 120, axis=0)
    assert see.drags(joints) == see.Drag(0.0, 0.0)
    late = joints.copy()
    late[-15:, :, 0] += np.linspace(0.0, 0.2, 15)[:, None]
    assert see.drags(late).ends == pytest.approx(20.0, abs=0.1)
    step = joints.copy()
    step[-15:, [J["l_foot"], J["l_ankle"]], 0] += np.linspace(0.0, 0.2, 15)[:, None]
    assert see.drags(step).ends < 2.0, "a low step beside a planted foot is no drag"
    inside = joints.copy()
    inside[:, J["l_foot"], 1] += 0.2 * (np.abs(np.arange(120) - 60) > 25)
    inside[:, J["r_foot"], 1] += 0.2 * (np.abs(np.arange(120) - 60) > 25)
    inside[40:80, :, 0] += np.linspace(0.0, 0.3, 40)[:, None]
    found = see.drags(inside)
    assert found.inside == pytest.approx(30.0, abs=1.0) and found.ends == 0.0
    captured = see.drags(walk(120, 1.2))
    assert captured.inside < see.DRAG_CM, "toes roll off, but are not dragged"


def test_a_walk_that_comes_to_rest_has_no_last_third():
    going, standing_still = walk(120, 1.2), np.repeat(walk(120, 1.2)[-1:], 60, axis=0)
    found = see.thirds(np.concatenate([going, standing_still]))
    assert found.travel_first == pytest.approx(1.2, rel=0.1) and found.travel_last < 0.1
    assert found.body_first > 0.3 and found.body_last < 0.02
    with pytest.raises(ValueError, match="thirds"):
        see.thirds(going[:4])


def test_takes_that_differ_in_place_and_heading_alone_do_not_differ():
    joints = walk(80, 1.0)
    other = rot.rotate(about(_Y, np.full(80, 1.1))[:, None], joints) + [3.0, 0.0, -2.0]
    assert see.spread_cm([joints, other]) == pytest.approx(0.0, abs=1e-4)
    assert see.spread_cm([standing(), raising_arm(), standing()]) == pytest.approx(
        2.0 / 3.0 * see.distance_cm(standing(), raising_arm())
    )
    with pytest.raises(ValueError, match="two takes"):
        see.spread_cm([joints])


def test_distance_of_a_shifted_wrist():
    joints = np.repeat(standing()[:1], 40, axis=0)
    other = joints.copy()
    other[:, J["l_wrist"], 1] += 0.22
    assert see.distance_cm(joints, other[:30]) == pytest.approx(1.0)


def test_rank_correlation_of_textbook_rows():
    assert see.rank_correlation([1, 2, 3, 4], [1, 4, 9, 16]) == pytest.approx(1.0)
    assert see.rank_correlation([1, 2, 3], [3, 2, 1]) == pytest.approx(-1.0)
    assert see.rank_correlation([1, 2, 2, 3], [1, 2, 3, 4]) == pytest.approx(0.9487, abs=1e-4)
    assert np.isnan(see.rank_correlation([1, 1, 1], [1, 2, 3]))


class Tiring:
    """A walker that covers half the ground in the last third."""

    def generate(self, request: Request) -> list[GeneratedMotion]:
        joints = walk(request.frames, 1.0)
        rest = len(joints) - len(joints) // 3
        joints[rest:, :, 2] += joints[rest, 0, 2] - joints[rest:, :1, 2]
        joints[rest:, :, 2] += np.arange(len(joints) - rest)[:, None] * 0.5 / 20.0
        return [GeneratedMotion(joints.astype(np.float32), np.zeros((len(joints), 4), np.float32), request=request)]


def test_what_is_kept_of_a_long_motion():
    found = long_section.measure(Tiring(), 0, seeds=1)
    assert found["walk_20/travel_kept"] == pytest.approx(0.5, abs=0.05)
    assert found["walk_60/travel_first_m_s"] == pytest.approx(1.0, abs=0.05)
    assert found["run_20/body_kept"] == pytest.approx(1.0, abs=0.1)
