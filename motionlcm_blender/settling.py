"""From the network's joints to a finished motion: feet, path, facing, pins and start, and what was measured."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from .ending import laid_down, led_to
from .generated_motion import GeneratedMotion
from .motion.clips import Motion
from .motion.contacts import foot_contacts
from .motion.continuation import begin_with, end_with
from .motion.foot_lock import FootLock, held, plant, stance_labels
from .motion.path_correction import plant_facing, plant_on_path
from .motion.pins import hold_pins, missed, pin_warnings
from .motion.quality import foot_skate, path_error, pin_errors
from .request import Request


def settled(
    request: Request, joints: np.ndarray, contacts: np.ndarray, report: dict[str, float], started: float,
    warnings: Sequence[str] = (),
) -> GeneratedMotion:  # fmt: skip
    """Put joints where a request wants them, feet held.

    joints: (T, 22, 3) metres, of the request's frames; contacts: (T, 4), 0..1, as the model says them. report: what is
    known already, to which errors before and after are added; started: time.perf_counter() then.
    """
    hints, told = request.hints, list(warnings)
    path = hints.root_xz if hints is not None else None
    pins = hints.pins if hints is not None else None
    facing, end = request.facing, request.end
    if end is not None:
        if request.end_anywhere:
            end = laid_down(end, joints, path)
        if (led := led_to(replace(request, end=end), joints)) is not None:
            path, facing = led
            joints = plant_on_path(joints, contacts, path, FootLock.OFF, facing).joints
        joints = end_with(joints, end.joints)  # and once more when all is settled, for what that changes
    if path is not None:
        before = path_error(joints, path)
        planted = plant_on_path(joints, contacts, path, request.feet, facing)
        report = {"network_path_mean_cm": 100 * before.mean, "network_path_max_cm": 100 * before.max} | report
    elif facing is not None:
        planted = plant_facing(joints, contacts, facing, request.feet)
    else:
        planted = plant(joints, contacts, request.feet)
    joints = planted.joints.astype(np.float32)
    if pins is not None:
        report = {"network_pin_mean_cm": 100 * float(np.nanmean(pin_errors(joints, *pins)))} | report
        joints = hold_pins(joints, contacts, *pins, may_move=path is None)
    joints = _with_ends(request, end, joints)
    if (request.start is not None or end is not None) and pins is None and request.feet is not FootLock.OFF:
        given = np.zeros(len(joints), bool)
        given[: 0 if request.start is None else request.start.frames] = True
        given[len(joints) - (0 if end is None else end.frames) :] = True
        joints = _with_ends(request, end, held(joints, _beside(planted.stands, given), given=given).joints)
    if pins is not None:
        away = 100 * pin_errors(joints, *pins)
        report |= {"pin_mean_cm": float(np.nanmean(away)), "pin_max_cm": float(np.nanmax(away))}
        told += [each for each in (*pin_warnings(*pins), *missed(joints, *pins)) if each not in told]
    if path is not None:
        after = path_error(joints, path)
        report |= {"path_mean_cm": 100 * after.mean, "path_max_cm": 100 * after.max}
    report |= {"foot_skate_cm_s": foot_skate(joints), "seconds": time.perf_counter() - started}
    return GeneratedMotion(
        joints.astype(np.float32), (planted.stands & foot_contacts(joints)).astype(np.float32), request=request,
        seed=request.seed, report=report, warnings=tuple(told),
    )  # fmt: skip


def _beside(stands: np.ndarray, given: np.ndarray) -> np.ndarray:
    """Of the stances (T, 4), those that reach into given frames (T,): the others are held already."""
    kept = stands.copy()
    for side in (0, 1):
        label = stance_labels(stands[:, 2 * side : 2 * side + 2].any(axis=1))
        kept[~np.isin(label, np.unique(label[given & (label >= 0)])), 2 * side : 2 * side + 2] = False
    return kept


def _with_ends(request: Request, end: Motion | None, joints: np.ndarray) -> np.ndarray:
    """The motion with the frames it is to begin and to end with."""
    if request.start is not None:
        joints = begin_with(joints, request.start.joints)
    return joints if end is None else end_with(joints, end.joints)
