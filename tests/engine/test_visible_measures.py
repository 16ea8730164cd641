"""The numbers of a take are those that a person sees, and a worse take has more faults."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motionlcm_blender.generation.postprocessing import postprocess_motion
from motionlcm_blender.generation.request import Hints, Request
from motionlcm_blender.motion.foot_contacts import foot_contacts
from motionlcm_blender.motion.visible_measures import body_speeds, visible_measures
from motionlcm_blender.text.captured_speeds import BODY_SPEEDS
from motionlcm_blender.text.motion_kinds import KINDS, OTHER, captured_body_speed, motion_kind
from motionlcm_blender.training.captured_speeds import captured_speeds
from motionlcm_blender.training.data.motion_data import MotionData, Segment
from tests.synthetic_motion import walk


@pytest.mark.parametrize(
    ("prompt", "kind"),
    [
        ("a person walks forward", "walk"),
        ("Someone JOGS at an easy pace", "run"),
        ("a baby crawls on hands and knees", "floor"),
        ("a man waves with the right hand", "wave"),
        ("a person stands around doing nothing", "stand"),
        ("a girl dances to hip hop music", "dance"),
        ("a person jumps", "jump"),
        ("a boxer throws a jab", "fight"),
        ("something else", OTHER),
    ],
)
def test_the_kind_of_a_prompt(prompt: str, kind: str) -> None:
    assert motion_kind(prompt) == kind


def test_captured_speeds_are_plausible() -> None:
    assert set(BODY_SPEEDS) <= {name for name, _ in KINDS} | {OTHER}
    assert 0.05 < BODY_SPEEDS["stand"] < BODY_SPEEDS["walk"] < BODY_SPEEDS["run"] < 1.5
    assert captured_body_speed("a person walks") == BODY_SPEEDS["walk"]


def test_captured_speeds_of_training_data() -> None:
    joints = walk(400, 1.0)
    rows = [Segment("a", k, k + 3.0, ("a person walks",)) for k in range(14)]
    rows += [Segment("a", 0.0, 3.0, ("a person runs",)), Segment("test", 0.0, 3.0, ("a person walks",))]
    data = MotionData({"a": joints, "test": 3.0 * joints}, tuple(rows), frozenset({"test"}))
    speeds = captured_speeds(data)
    assert set(speeds) == {"walk"}  # a single run is no sample of runs
    assert speeds["walk"] == pytest.approx(float(body_speeds(joints).mean()), rel=0.1)


@given(share=st.floats(0.1, 1.0), sink=st.floats(0.0, 0.2), off=st.floats(0.0, 90.0))
@settings(max_examples=30, deadline=None)
def test_what_is_worse_has_more_faults(share: float, sink: float, off: float) -> None:
    joints = walk(80, 1.0).astype(np.float64)
    captured = float(body_speeds(joints).mean())
    best = visible_measures(joints, 0.0, captured)
    assert best["energy_share"] == pytest.approx(1.0)
    sunk = joints - [0.0, sink, 0.0]
    worse = visible_measures(sunk, off, captured / share)
    assert worse["faults"] >= best["faults"] - 1e-9
    assert worse["below_floor_cm"] == pytest.approx(best["below_floor_cm"] + 100.0 * sink, abs=2.0)
    assert worse["energy_share"] == pytest.approx(share) and worse["facing_off_deg"] == off


def test_a_dragged_foot_is_found() -> None:
    joints = np.repeat(walk(1, 0.0).astype(np.float64), 80, axis=0)
    dragged = joints.copy()
    dragged[..., 2] += np.linspace(0.0, 0.4, 80)[:, None]
    assert visible_measures(joints)["drag_cm"] == pytest.approx(0.0)
    assert visible_measures(dragged)["drag_cm"] == pytest.approx(40.0)
    skimming = joints.copy()
    skimming[76:, [7, 10], 2] += 0.3 * np.arange(1, 5)[:, None]  # 6 m/s, low over the floor
    assert visible_measures(skimming)["drag_cm"] < 5.0
    assert "facing_off_deg" not in visible_measures(dragged) and "energy_share" not in visible_measures(dragged)


def test_the_report_of_a_take_has_them() -> None:
    joints = walk(70, 1.0)
    contacts = foot_contacts(joints).astype(np.float32)
    line = Hints.ground_path(np.stack([np.zeros(70), np.linspace(0.0, 3.4, 70)], 1))
    report = postprocess_motion(Request("a person walks", 70, hints=line), joints, contacts, {}, 0.0).report
    assert report["facing_off_deg"] < 15.0 and report["below_floor_cm"] < 3.0 and 0.3 < report["energy_share"] < 3.0
    aside = Request("a person walks", 70, facing=np.full(70, 1.0))
    assert postprocess_motion(aside, joints, contacts, {}, 0.0).report["facing_off_deg"] < 15.0
    free = postprocess_motion(Request("a person walks", 70), joints, contacts, {}, 0.0).report
    assert "facing_off_deg" not in free and free["faults"] >= 0.0


def test_a_livelier_take_has_no_fault_and_a_tamer_one_has() -> None:
    joints = walk(80, 1.0).astype(np.float64)
    own = float(body_speeds(joints).mean())
    usual, lively, tame, wild = (
        visible_measures(joints, None, own / share)["faults"] for share in (1.0, 1.6, 0.6, 4.0)
    )
    assert lively == pytest.approx(usual) and tame > usual + 0.5 and wild > usual + 0.5
