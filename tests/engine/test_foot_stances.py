"""Stances that contact channels miss: short ones of runs, and those of a figure that turns on the spot."""

from __future__ import annotations

import numpy as np

from motionlcm_blender.motion import rotations as rot
from motionlcm_blender.motion.foot_contacts import joined_stances, run_stances
from motionlcm_blender.motion.skeleton import FPS, L_ANKLE, L_FOOT, R_ANKLE, R_FOOT
from motionlcm_blender.motion.visible_measures import drags
from motionlcm_blender.postprocess.foot_lock import lock_feet_from_contacts
from tests.synthetic_motion import walk

STANDING = walk(1, 0.0).astype(np.float64)


def blurred_run(frames: int, speed: float = 2.8) -> np.ndarray:
    """A run whose toes slow down but never stand, and stay a few centimetres above the floor."""
    joints = np.repeat(STANDING, frames, axis=0)
    time = np.arange(frames) / FPS
    joints[..., 2] += (speed * time)[:, None]
    for side, feet in enumerate(((L_ANKLE, L_FOOT), (R_ANKLE, R_FOOT))):
        phase = 2.0 * np.pi * (1.4 * time + 0.5 * side)
        joints[:, feet, 2] += (0.25 * np.sin(phase))[:, None]
        joints[:, feet, 1] += (0.12 * (1.0 + np.cos(phase)))[:, None] + 0.03 * (np.sin(0.7 * time) > 0.5)[:, None]
    return joints


def test_a_run_lands() -> None:
    joints = blurred_run(100)
    stands = run_stances(joints)
    steps = np.diff(stands[:, 1].astype(int)) > 0
    assert 5 <= steps.sum() <= 8 and not stands[:, 0].any() and not stands[:, 2].any()
    assert stands[:, 1::2].mean() < 0.5
    locked = lock_feet_from_contacts(joints, np.zeros((100, 4)))
    toe = locked.joints[:, L_FOOT]
    speed = np.linalg.norm(np.gradient(toe[:, [0, 2]], axis=0), axis=-1) * FPS
    before = np.linalg.norm(np.gradient(joints[:, L_FOOT][:, [0, 2]], axis=0), axis=-1) * FPS
    inside = stands[:, 1] & np.roll(stands[:, 1], 1) & np.roll(stands[:, 1], -1)
    assert inside.sum() > 5 and np.median(speed[inside]) < 0.3 * np.median(before[inside])


def test_a_walk_and_a_stand_have_no_stances_of_runs() -> None:
    assert not run_stances(walk(100, 1.2)).any()
    assert not run_stances(np.repeat(STANDING, 60, axis=0)).any() and not run_stances(STANDING).any()


def test_a_figure_that_turns_on_the_spot_steps() -> None:
    frames = 100
    angle = np.linspace(0.0, 1.2 * np.pi, frames)
    turn = np.stack([np.cos(0.5 * angle), np.zeros(frames), np.sin(0.5 * angle), np.zeros(frames)], -1)
    joints = rot.rotate(turn[:, None], np.repeat(STANDING, frames, axis=0))
    assert drags(joints).ends > 12.0, "both feet slide round"
    locked = lock_feet_from_contacts(joints, np.ones((frames, 4))).joints
    found = drags(locked)
    assert max(found.inside, found.ends) < 6.0
    lifted = locked[:, [L_FOOT, R_FOOT], 1] - locked[:, [L_FOOT, R_FOOT], 1].min(0)
    assert lifted.max(0).min() > 0.03, "both feet are lifted"
    still = lock_feet_from_contacts(np.repeat(STANDING, frames, axis=0), np.ones((frames, 4))).joints
    assert np.ptp(still[:, [L_FOOT, R_FOOT], 1], axis=0).max() < 0.01


def test_a_slide_within_a_stance_is_held() -> None:
    joints = np.repeat(STANDING, 40, axis=0)
    joints[15:, :, 2] += 0.1
    stands = np.ones((40, 4), bool)
    stands[14:17, :2] = False
    sure = np.ones((40, 4))
    assert joined_stances(stands, joints, sure).all()
    unsure = sure.copy()
    unsure[15, :2] = 0.3
    assert not joined_stances(stands, joints, unsure)[14:17, :2].any()


def test_a_step_is_no_slide() -> None:
    joints, stands, sure = np.repeat(STANDING, 40, axis=0), np.ones((40, 4), bool), np.ones((40, 4))
    stands[14:17, :2] = False
    stepped = joints.copy()
    stepped[15:, [L_ANKLE, L_FOOT], 2] += 0.4
    lifted = joints.copy()
    lifted[14:17, [L_ANKLE, L_FOOT], 1] += 0.2
    for moved in (stepped, lifted):
        assert not joined_stances(stands, moved, sure)[14:17, :2].any()
