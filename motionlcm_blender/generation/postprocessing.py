"""Post-processing: from the joints of the networks to a finished motion, as a list of named steps.

`STEPS` is the order. Each step takes a `MotionState` and returns the next one; a step that the request does not need
returns the state unchanged. To add a step, write such a function and append it to `STEPS`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from ..array_types import BoolArray, FloatArray
from ..motion.foot_contacts import foot_contacts
from ..motion.head_hands import resampled
from ..motion.metrics import foot_skate, path_error, pin_errors
from ..motion.skeleton import L_FOOT, R_FOOT
from ..motion.visible_measures import facing_error, visible_measures
from ..postprocess import (
    floor_clearance,
    foot_lock,
    gait_fitting,
    headings,
    leg_separation,
    path_following,
    pin_ik,
    transitions,
    turn_fitting,
)
from ..postprocess.foot_lock import FootLock, FootLockResult, stance_labels
from ..text.motion_kinds import captured_body_speed
from ..text.named_turn import named_turn
from ..text.travel_direction import travel_direction
from . import inbetweening
from .action_steps import keep_foot_up, perform_gestures, raise_kicks
from .generated_motion import GeneratedMotion
from .motion_state import MotionState, PostprocessInput, given_frames
from .path_gait import cadence_of
from .request import Request
from .straight_path import straightened_path

Step = Callable[[MotionState], MotionState]


def postprocess_motion(
    request: Request,
    joints: FloatArray,
    contacts: FloatArray,
    report: dict[str, float],
    started: float,
    warnings: Sequence[str] = (),
    head_hands: FloatArray | None = None,
) -> GeneratedMotion:
    """Post-process a sampled motion: follow the path, meet the pins, match start and end poses, lock the feet.

    Args:
        request: The request of one take.
        joints: (T, 22, 3) metres, in the frame of the request.
        contacts: (T, 4) in 0..1, contact channels of the model.
        report: Earlier measurements; those before and after the corrections are added.
        started: time.perf_counter() at the start of the request.
        warnings: Earlier warnings.
        head_hands: (T, 3, 4) unit quaternions, rotations of head and hands (`motion.head_hands`), or None.

    Returns:
        The finished motion.
    """
    hints = request.hints
    given = PostprocessInput(request, contacts, hints.pins if hints is not None else None)
    state = MotionState(
        given,
        joints,
        hints.root_xz if hints is not None else None,
        request.facing,
        request.end,
        np.zeros(contacts.shape, bool),
        report,
        head_hands,
        tuple(warnings),
    )
    for step in STEPS:
        state = step(state)
    joints = state.joints
    return GeneratedMotion(
        joints=joints.astype(np.float32),
        contacts=(state.stands & foot_contacts(joints)).astype(np.float32),
        request=request,
        seed=request.seed,
        report=state.report | {"seconds": time.perf_counter() - started},
        warnings=state.warnings,
        head_hands=state.head_hands,
    )


def place_end_pose(state: MotionState) -> MotionState:
    """Place an end pose of free position where the motion arrives by itself."""
    if state.end is None or not state.given.request.end_anywhere:
        return state
    return replace(state, end=inbetweening.place_end_pose(state.end, state.joints, state.path))


def slow_to_end(state: MotionState) -> MotionState:
    """Let a motion without a path slow down to an end pose that stands."""
    if state.end is None:
        return state
    given = state.given
    times = inbetweening.slowed_to_end(replace(given.request, end=state.end), len(state.joints))
    if times is None:
        return state
    return _played(state, times)


def bend_path_to_end(state: MotionState) -> MotionState:
    """Bend the trajectory over the floor so that it leads to the end pose, and match the pose."""
    if state.end is None:
        return state
    request, joints, path, facing = state.given.request, state.joints, state.path, state.facing
    if (bent := inbetweening.bend_path_to_end(replace(request, end=state.end), joints)) is not None:
        path, facing = bent
        joints = path_following.follow_path(joints, state.contacts, path, FootLock.OFF, facing).joints
    # `match_ends` repeats this, because the steps between move the last frames.
    joints = transitions.match_end(joints, state.end.joints)
    return replace(state, joints=joints, path=path, facing=facing)


def fit_gait(state: MotionState) -> MotionState:
    """Play a walk or run on a path at the cadence that people have at its speed.

    It was sampled without the path, and longer (`path_gait`); other motion has the frames of its path.
    """
    request = state.given.request
    cadence = cadence_of(request)
    if cadence is None or state.path is None or len(state.joints) <= len(state.path):
        return state
    begin = 0 if request.start is None else request.start.frames - 1
    joints = np.asarray(state.joints, np.float64)
    times = gait_fitting.gait_times(joints, np.asarray(state.path, np.float64), cadence, begin)
    if times is None:
        times = np.arange(len(state.path), dtype=np.float64)
    return _played(state, times)


def follow_path(state: MotionState) -> MotionState:
    """Move the motion onto its path and lock the feet."""
    if state.path is None:
        return state
    given = state.given
    shown = straightened_path(given.request)
    before = path_error(state.joints, state.path if shown is None else shown)
    travel = travel_direction(given.request.prompt)
    paced = state.times is not None and cadence_of(given.request) is not None  # by `fit_gait`
    locked = path_following.follow_path(
        state.joints, state.contacts, state.path, given.request.feet, state.facing, travel, paced
    )
    of_network = {"network_path_mean_cm": 100 * before.mean, "network_path_max_cm": 100 * before.max}
    return _with_locked_feet(replace(state, report=of_network | state.report), locked)


def face_direction(state: MotionState) -> MotionState:
    """Rotate a motion without a path to its target facing and lock the feet."""
    if state.path is not None or state.facing is None:
        return state
    given = state.given
    locked = path_following.face_direction(state.joints, state.contacts, state.facing, given.request.feet)
    return _with_locked_feet(state, locked)


def fit_turn(state: MotionState) -> MotionState:
    """Make the turn that the prompt names as wide as named, in a motion that nothing else directs."""
    request = state.given.request
    directed = (state.path, state.facing, request.start, request.end, state.given.pins)
    if any(each is not None for each in directed) or (named := named_turn(request.prompt)) is None:
        return state
    spin = turn_fitting.turn_difference(state.joints, named.angle, named.side)
    return state if spin is None else replace(state, joints=turn_fitting.turned(state.joints, spin), spin=spin)


def lock_feet(state: MotionState) -> MotionState:
    """Lock the feet of a motion without path and target facing."""
    if state.path is not None or state.facing is not None:
        return state
    return _with_locked_feet(
        state,
        foot_lock.lock_feet_from_contacts(state.joints, state.contacts, state.given.request.feet, state.spin),
    )


def hold_pins(state: MotionState) -> MotionState:
    """Move the pinned joints to their pins. On a path the whole figure does not move for that."""
    pinned = state.given.pins
    if pinned is None:
        return state
    report = {"network_pin_mean_cm": 100 * float(np.nanmean(pin_errors(state.joints, *pinned)))} | state.report
    joints = pin_ik.hold_pins(state.joints, state.contacts, *pinned, may_move=state.path is None)
    return replace(state, joints=joints, report=report)


def match_ends(state: MotionState) -> MotionState:
    """Replace the first and last frames by those of start and end."""
    joints, start = state.joints, state.given.request.start
    if start is not None:
        joints = transitions.match_start(joints, start.joints)
    if state.end is not None:
        joints = transitions.match_end(joints, state.end.joints)
    return replace(state, joints=joints)


def lock_feet_near_ends(state: MotionState) -> MotionState:
    """Lock the feet in stances that reach into start or end, which `match_ends` has moved. Pins have priority."""
    request, end = state.given.request, state.end
    if (request.start is None and end is None) or state.given.pins is not None or request.feet is FootLock.OFF:
        return state
    fixed = given_frames(state)
    locked = foot_lock.lock_feet(state.joints, _stances_into(state.stands, fixed), given=fixed)
    return match_ends(replace(state, joints=locked.joints))


def separate_legs(state: MotionState) -> MotionState:
    """Move swinging feet aside where the legs go through each other. Start, end and pinned feet stay."""
    if state.given.request.feet is FootLock.OFF:
        return state
    stands = state.stands.reshape(len(state.joints), 2, 2).any(-1)
    return replace(state, joints=leg_separation.separate_legs(state.joints, _free_feet(state) & ~stands))


def keep_feet_above_floor(state: MotionState) -> MotionState:
    """Raise feet that are below the floor. Start, end and pinned feet stay."""
    if state.given.request.feet is FootLock.OFF:
        return state
    return replace(state, joints=floor_clearance.raise_feet_to_floor(state.joints, _free_feet(state)))


def measure(state: MotionState) -> MotionState:
    """Add the remaining errors to the report, and warnings about missed pins."""
    joints, pinned, report, warnings = state.joints, state.given.pins, dict(state.report), list(state.warnings)
    if pinned is not None:
        error = 100 * pin_errors(joints, *pinned)
        report |= {"pin_mean_cm": float(np.nanmean(error)), "pin_max_cm": float(np.nanmax(error))}
        found = (*pin_ik.pin_warnings(*pinned), *pin_ik.missed_pins(joints, *pinned))
        warnings += [sentence for sentence in found if sentence not in warnings]
    if state.path is not None:
        after = path_error(joints, state.path)
        report |= {"path_mean_cm": 100 * after.mean, "path_max_cm": 100 * after.max}
    report["foot_skate_cm_s"] = foot_skate(joints)
    captured = captured_body_speed(state.given.request.prompt)
    report |= visible_measures(joints, _facing_off(state), captured)
    return replace(state, report=report, warnings=tuple(warnings))


STEPS: tuple[Step, ...] = (
    place_end_pose,
    slow_to_end,
    bend_path_to_end,
    fit_gait,
    follow_path,
    face_direction,
    fit_turn,
    lock_feet,
    raise_kicks,
    keep_foot_up,
    perform_gestures,
    hold_pins,
    match_ends,
    lock_feet_near_ends,
    separate_legs,
    keep_feet_above_floor,
    measure,
)
"""The order of the steps. Each motion takes one of `follow_path`, `face_direction` and `lock_feet`."""


def _facing_off(state: MotionState) -> float | None:
    """Mean degrees beside the target facing or, on a path, beside the prompt's direction of travel; None: neither."""
    request = state.given.request
    if request.facing is not None:
        off: FloatArray = headings.facing_angles(state.joints) - np.asarray(request.facing, np.float64)
        return float(np.degrees(np.abs((off + np.pi) % (2.0 * np.pi) - np.pi)).mean())
    if request.hints is None or request.hints.root_xz is None:
        return None
    return facing_error(state.joints, float(np.degrees(travel_direction(request.prompt))))[0]


def _played(state: MotionState, times: FloatArray) -> MotionState:
    """The motion at fractional frames `times`, and its rotations of head and hands."""
    joints = path_following.resampled_joints(np.asarray(state.joints, np.float64), times)
    turns = None if state.head_hands is None else resampled(state.head_hands, times).astype(np.float32)
    return replace(state, joints=joints, times=times, head_hands=turns)


def _with_locked_feet(state: MotionState, locked: FootLockResult) -> MotionState:
    return replace(state, joints=locked.joints.astype(np.float32), stands=locked.stands)


def _free_feet(state: MotionState) -> BoolArray:
    """(T, 2) bool, the frames on which left and right foot are given by no start, end or pin."""
    free = ~np.repeat(given_frames(state)[:, None], 2, axis=1)
    if state.given.pins is not None:
        free &= ~state.given.pins[1][:, [L_FOOT, R_FOOT]].any((0, 2))
    return free


def _stances_into(stands: BoolArray, fixed: BoolArray) -> BoolArray:
    """Stances (T, 4) that reach into fixed frames (T,): the others are locked already."""
    kept = stands.copy()
    for side in (0, 1):
        label = stance_labels(stands[:, 2 * side : 2 * side + 2].any(axis=1))
        kept[~np.isin(label, np.unique(label[fixed & (label >= 0)])), 2 * side : 2 * side + 2] = False
    return kept
