"""The steps of post-processing: the result of each request, and that a step without a request changes nothing.

After a change that is meant to change motions, write the file of expected joints anew with
`python -m tests.engine.test_postprocessing`.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from motionlcm_blender.generation import postprocessing
from motionlcm_blender.generation.postprocessing import STEPS, MotionState, PostprocessInput, postprocess_motion
from motionlcm_blender.generation.request import Hints, Request
from motionlcm_blender.motion.foot_contacts import foot_contacts
from motionlcm_blender.motion.motion import Motion
from motionlcm_blender.postprocess.foot_lock import FootLock
from tests.synthetic_motion import walk

FRAMES = 70
EXPECTED = Path(__file__).parent / "data" / "postprocessing.npz"
SHOWN = slice(None, None, 6)
"""Frames that are compared."""
TOLERANCE = 2e-3
"""Metres: processors and libraries differ by far less, a step that is missing or in another place by far more."""


def curve() -> np.ndarray:
    along = np.linspace(0.0, 3.2, FRAMES)
    return np.stack([0.5 * np.sin(along), along], axis=1)


def pinned() -> Hints:
    positions, mask = np.zeros((FRAMES, 22, 3), np.float32), np.zeros((FRAMES, 22, 3), bool)
    positions[30, 21], mask[30, 21] = (-0.25, 1.3, 2.1), True
    positions[55, 15], mask[55, 15] = (0.05, 1.35, 3.2), True
    return Hints(positions, mask)


def on_path_and_pinned() -> Hints:
    path, pins = Hints.ground_path(curve()), pinned()
    return Hints(np.where(pins.mask, pins.positions, path.positions), path.mask | pins.mask)


def some(joints: np.ndarray) -> Motion:
    return Motion(joints.astype(np.float32), foot_contacts(joints).astype(np.float32))


def requests() -> dict[str, Request]:
    """One for each way through the steps."""
    plain = Request("a person walks", FRAMES)
    start = some(walk(90, 0.9)[-12:])
    end = some(walk(40, 0.6, 1.0)[-5:] + np.array([0.3, 0.0, 2.4]))
    path = Hints.ground_path(curve())
    facing = np.linspace(0.0, 1.5, FRAMES)
    return {
        "feet": plain,
        "feet off": replace(plain, feet=FootLock.OFF),
        "feet on the ground": replace(plain, feet=FootLock.GROUND),
        "path": replace(plain, hints=path),
        "path on the ground": replace(plain, hints=path, feet=FootLock.GROUND),
        "facing": replace(plain, facing=facing),
        "path and facing": replace(plain, hints=path, facing=facing),
        "pins": replace(plain, hints=pinned()),
        "path and pins": replace(plain, hints=on_path_and_pinned()),
        "start": replace(plain, start=start),
        "end": replace(plain, end=end),
        "end anywhere": replace(plain, end=end, end_anywhere=True),
        "end and path": replace(plain, end=end, hints=path),
        "end and facing": replace(plain, end=end, facing=facing),
        "start and end": replace(plain, start=start, end=end),
        "start, end and pins": replace(plain, start=start, end=end, hints=pinned()),
        "end with feet off": replace(plain, end=end, feet=FootLock.OFF),
    }


def sampled() -> tuple[np.ndarray, np.ndarray]:
    """Joints and contacts as a network might give them: a walk whose feet slide and tremble."""
    rng = np.random.default_rng(3)
    joints = walk(FRAMES, 1.1, 0.15).astype(np.float64)
    joints += 0.02 * np.sin(np.arange(FRAMES) / 3.0)[:, None, None] * rng.standard_normal((1, 22, 3))
    joints[..., 2] += 0.003 * np.arange(FRAMES)[:, None]
    return joints, foot_contacts(walk(FRAMES, 1.1, 0.15)).astype(np.float32)


NAMES = tuple(requests())


@pytest.mark.parametrize("name", NAMES)
def test_each_request_comes_out_as_before(name: str) -> None:
    made = postprocess_motion(requests()[name], *sampled(), {}, 0.0)
    with np.load(EXPECTED) as expected:
        np.testing.assert_allclose(made.joints[SHOWN], expected[name], atol=TOLERANCE)


def test_last_bits_do_not_decide_how_legs_are_moved_apart() -> None:
    state = state_of(requests()["start, end and pins"])
    for step in STEPS[: STEPS.index(postprocessing.separate_legs)]:
        state = step(state)
    parted = postprocessing.separate_legs(state).joints
    assert np.abs(parted - state.joints).max() > 0.01
    for seed in range(5):
        noise = 1e-13 * np.random.default_rng(seed).standard_normal(state.joints.shape)
        again = postprocessing.separate_legs(replace(state, joints=state.joints + noise)).joints
        np.testing.assert_allclose(again, parted, atol=1e-6)


def test_stored_results_differ_between_requests() -> None:
    """So that a step that does nothing, or too much, would be seen."""
    with np.load(EXPECTED) as expected:
        shown = {name: expected[name] for name in NAMES}
    for name in NAMES[1:]:
        assert np.abs(shown[name] - shown["feet"]).max() > 5 * TOLERANCE, name


def state_of(request: Request) -> MotionState:
    joints, contacts = sampled()
    hints = request.hints
    given = PostprocessInput(request, contacts, hints.pins if hints is not None else None)
    stands = np.zeros(contacts.shape, bool)
    path = hints.root_xz if hints is not None else None
    return MotionState(given, joints, path, request.facing, request.end, stands, {})


@pytest.mark.parametrize(
    ("name", "idle"),
    [
        (
            "feet",
            {"place_end_pose", "bend_path_to_end", "follow_path", "face_direction", "hold_pins", "lock_feet_near_ends"},
        ),
        (
            "path",
            {"place_end_pose", "bend_path_to_end", "face_direction", "lock_feet", "hold_pins", "lock_feet_near_ends"},
        ),
        ("facing", {"follow_path", "lock_feet", "hold_pins"}),
        ("start, end and pins", {"place_end_pose", "lock_feet_near_ends"}),
        ("end with feet off", {"place_end_pose", "lock_feet_near_ends", "hold_pins"}),
    ],
)
def test_a_step_that_is_not_requested_returns_the_state_as_it_is(name: str, idle: set[str]) -> None:
    state = state_of(requests()[name])
    for step in STEPS:
        after = step(state)
        if step.__name__ in idle:
            assert after is state, step.__name__
        state = after


def test_no_step_changes_what_it_is_given() -> None:
    request = requests()["start, end and pins"]
    state = state_of(request)
    for step in STEPS:
        before, report = state.joints.copy(), dict(state.report)
        after = step(state)
        np.testing.assert_array_equal(state.joints, before)
        assert state.report == report
        state = after


def test_steps_are_functions_of_the_module_in_the_order_of_the_file() -> None:
    for module in {step.__module__ for step in STEPS}:
        lines = [step.__code__.co_firstlineno for step in STEPS if step.__module__ == module]
        assert lines == sorted(lines), module
    assert all(getattr(postprocessing, step.__name__) is step for step in STEPS)


def write_expected() -> None:
    made = {name: postprocess_motion(request, *sampled(), {}, 0.0) for name, request in requests().items()}
    np.savez_compressed(EXPECTED, **{name: motion.joints[SHOWN] for name, motion in made.items()})


if __name__ == "__main__":
    write_expected()
