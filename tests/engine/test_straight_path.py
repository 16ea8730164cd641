"""The drawn path as the network sees it, and the way back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motionlcm_blender.generation.request import Hints, Request
from motionlcm_blender.generation.straight_path import straightened_hints, straightened_path
from motionlcm_blender.motion.foot_contacts import foot_contacts
from motionlcm_blender.motion.ground_path import GroundPath, named_path, rounded_corners, timed
from motionlcm_blender.motion.motion import Motion
from motionlcm_blender.motion.world_transform import canonicalise
from motionlcm_blender.postprocess.foot_lock import FootLock
from motionlcm_blender.postprocess.headings import facing_angles, path_headings
from motionlcm_blender.postprocess.path_following import follow_path
from tests.synthetic_motion import walk

FRAMES = 120


def drawn(name: str, length: float = 6.0, frames: int = FRAMES) -> np.ndarray:
    xz, _ = canonicalise(timed(named_path(name, length), frames))
    return xz


def request_for(path: np.ndarray, prompt: str = "a person walks forward", **more: object) -> Request:
    return Request(prompt, len(path), hints=Hints.ground_path(path), **more)


@pytest.mark.parametrize("name", ["line", "quarter", "s", "circle", "eight"])
def test_a_path_is_shown_straight_with_its_progress(name: str) -> None:
    path = drawn(name)
    shown = straightened_path(request_for(path))
    assert shown is not None
    np.testing.assert_allclose(shown[:, 0], 0.0, atol=1e-9)
    speed, own = (np.linalg.norm(np.diff(xz, axis=0), axis=-1) for xz in (shown, path))
    np.testing.assert_allclose(speed[5:-5], own[5:-5], rtol=0.08)
    np.testing.assert_allclose(shown[-1, 1], 6.0, rtol=0.03)


@pytest.mark.parametrize(("prompt", "ahead"), [("walks backward", (0, -1)), ("sidesteps to the left", (1, 0))])
def test_the_prompt_decides_the_direction(prompt: str, ahead: tuple[float, float]) -> None:
    shown = straightened_path(request_for(drawn("s"), f"a person {prompt}"))
    assert shown is not None
    end = shown[-1] - shown[0]
    np.testing.assert_allclose(end / np.linalg.norm(end), ahead, atol=1e-6)


def test_a_path_without_travel_stays_as_it_is() -> None:
    path = np.zeros((FRAMES, 2)) + 0.001 * np.arange(FRAMES)[:, None]
    assert straightened_path(request_for(path)) is None
    assert straightened_path(Request("a person waves", FRAMES)) is None
    hints = Hints.ground_path(path)
    shown = straightened_hints(Request("a person waves", FRAMES, hints=hints))
    assert shown is not None
    np.testing.assert_array_equal(shown.positions, hints.positions)


@given(st.floats(-1.2, 1.2), st.floats(-0.4, 0.4), st.integers(20, 100))
@settings(max_examples=25, deadline=None)
def test_a_pin_keeps_its_place_beside_the_figure(aside: float, ahead: float, frame: int) -> None:
    path = drawn("circle")
    heading = path_headings(path)[frame]
    positions, mask = Hints.ground_path(path).positions.copy(), Hints.ground_path(path).mask.copy()
    there = path[frame] + aside * np.array([np.cos(heading), -np.sin(heading)])
    there = there + ahead * np.array([np.sin(heading), np.cos(heading)])
    positions[frame, 21], mask[frame, 21] = (there[0], 1.4, there[1]), True
    request = Request("a person walks", FRAMES, hints=Hints(positions, mask))
    shown, straight = straightened_hints(request), straightened_path(request)
    assert shown is not None and straight is not None
    np.testing.assert_allclose(shown.positions[frame, 21, [0, 2]] - straight[frame], (aside, ahead), atol=0.02)
    assert shown.positions[frame, 21, 1] == pytest.approx(1.4)


def test_a_start_is_shown_as_it_is_and_the_path_goes_on_from_it() -> None:
    path = drawn("quarter")
    joints = walk(20, 1.0)
    start = Motion(joints, foot_contacts(joints).astype(np.float32))
    request = request_for(path, start=start)
    shown = straightened_hints(request)
    assert shown is not None and shown.mask[:20].all()
    np.testing.assert_allclose(shown.positions[:19], request.all_hints.positions[:19], atol=1e-6)
    line = shown.positions[20:, 0][:, [0, 2]]
    assert np.abs(np.diff(line, n=2, axis=0)).max() < 0.02


def test_a_straight_walk_is_bent_onto_the_path_facing_along_it() -> None:
    joints = walk(FRAMES, 1.0)
    for name in ("quarter", "s", "circle", "eight"):
        path = drawn(name)
        bent = follow_path(joints, None, path, FootLock.AUTO).joints
        off = np.degrees(np.abs(np.angle(np.exp(1j * (facing_angles(bent) - path_headings(path))))))
        assert off.mean() < 5.0 and off.max() < 25.0, name


def test_corners_are_rounded_and_curves_are_not() -> None:
    corner = GroundPath(np.array([[0.0, 0.0], [0.0, 3.0], [3.0, 3.0]]))
    xz = rounded_corners(timed(corner, FRAMES))
    jerk = np.linalg.norm(np.diff(xz, n=3, axis=0), axis=-1).max() * 20.0**3
    assert jerk < 200.0  # 5,700 without rounding
    nearest = np.linalg.norm(xz - np.array([0.0, 3.0]), axis=-1).min()
    assert 0.02 < nearest < 0.2
    circle = named_path("circle", 6.0)
    radius = np.linalg.norm(rounded_corners(timed(circle, FRAMES)) - circle.points.mean(0), axis=-1)
    np.testing.assert_allclose(radius, 6.0 / (2 * np.pi), rtol=1e-3)


def test_the_trunk_leans_into_a_curve() -> None:
    path = drawn("circle", 7.0)  # bends to the figure's left
    joints = walk(FRAMES, 1.2)
    straight = drawn("line", 7.0)
    trunk = {}
    for name, xz in (("curve", path), ("line", straight)):
        bent = follow_path(joints, None, xz, FootLock.AUTO).joints
        heading = path_headings(xz)
        left = np.stack([np.cos(heading), -np.sin(heading)], -1)
        trunk[name] = float(((bent[:, 12] - bent[:, 0])[:, [0, 2]] * left).sum(-1)[10:-10].mean())
    assert abs(trunk["line"]) < 0.01
    assert 0.005 < trunk["curve"] < 0.08
