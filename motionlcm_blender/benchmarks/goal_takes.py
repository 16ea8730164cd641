"""Goals of takes without a path: feet, limbs, spread, loops, pins and in-betweens."""

from __future__ import annotations

import numpy as np

from ..array_types import FloatArray
from ..generation.pipeline import MotionLCM
from ..generation.request import Hints, Request
from ..motion.features import standing_joints
from ..motion.foot_contacts import foot_contacts, stance_mask
from ..motion.loop_search import touchdowns
from ..motion.loops import looped
from ..motion.metrics import foot_skate, held_skate, twitch
from ..motion.motion import Motion
from ..motion.retarget import forward_kinematics, retarget
from ..motion.self_penetration import overlap
from ..motion.skeleton import FPS, JOINT_COUNT, JOINTS
from ..motion.visible_measures import below_floor_cm, body_speeds, drags, spread_cm
from ..postprocess.loop_feet import hold_loop_feet

FREE = (
    "a person walks forward", "a person walks slowly", "an old man limps along", "a person sneaks forward",
    "a person walks and stops", "a person starts to walk", "a person walks and turns left", "a person turns around",
    "a person stands idle", "a person looks around", "a person waves with the right hand", "a person claps",
    "a person points ahead", "a person sits down", "a person stands up from a chair", "a person picks something up",
    "a person throws a ball", "a person pushes something heavy", "a person kicks with the right leg",
    "a person punches with both fists", "a person dances", "a person jumps forward", "a person jumps in place",
    "a person runs forward", "a person jogs", "a person runs and jumps", "a person explains something",
    "a person carries a box", "a person walks backward", "a person sidesteps to the left", "a person crouches",
    "a person steps over something", "a person climbs a ladder", "a person marches", "a person skips",
    "a person stretches", "a person squats", "a person bows", "a person walks in a circle", "a person staggers",
)  # fmt: skip
"""Prompts of all kinds that stand, walk and jump."""
FLOOR = (
    "a person falls down", "a person crawls on hands and knees", "a person gets up from the floor",
    "a person does a handstand", "a person rolls on the floor", "a person jumps", "a person lies down",
)  # fmt: skip
"""Prompts that begin, end or happen on the floor, or in the air."""
SECONDS = 5.0
DEEP_CM, DRAG_CM, THROUGH = 3.0, 12.0, 0.01
"""Depth under the floor and drag that a person notices, and metres of a limb through the body that count."""
SPREADS = (
    ("a person waves with the right hand", 16.7), ("a person punches", 23.5), ("a person walks forward", 14.9),
)  # fmt: skip
"""Prompts, and centimetres by which captured motions of the same words differ."""
LOOPED = (
    "a person walks forward", "a person runs forward", "a person boxes", "a person jumps in place",
    "a person dances", "a person marches", "a person walks backward", "a person waves with the right hand",
)  # fmt: skip
_WRIST = JOINTS.index("r_wrist")


def feet_figures(model: MotionLCM, seeds: int) -> dict[str, float]:
    """Floor, drags, slides, knees, limbs and elbows of free takes; where motions on the floor begin."""
    frames = int(SECONDS * FPS)
    rows, knees = [], []
    for prompt in FREE:
        for seed in range(seeds):
            request = Request(prompt, frames, seed=seed)
            (motion,) = model.generate(request)
            alone = standing_joints(model.features(request)[0])
            rows.append(_feet(motion, alone))
            if "walks" in prompt:
                knees.append(twitch(motion.joints))
    found = {key: np.array([row[key] for row in rows]) for key in rows[0]}
    gaps = [
        100.0 * float(model.generate(Request(prompt, frames, seed=seed))[0].joints[0, :, 1].min())
        for prompt in FLOOR
        for seed in range(seeds)
    ]
    return {
        "below_floor_share": float((found["below"] > DEEP_CM).mean()),
        "below_floor_worst_cm": float(found["below"].max()),
        "drag_ends_share": float((found["ends"] > DRAG_CM).mean()),
        "drag_inside_share": float((found["inside"] > DRAG_CM).mean()),
        "held_slide_mm": float(found["held"].mean()),
        "knees_rad_s2": float(np.mean(knees)),
        "floor_gap_cm": max(gaps),
        "limb_share": float(found["limbs"].mean()),
        "elbow_pop_share": float(np.median(found["elbows"])),
    }


def _feet(motion: Motion, alone: FloatArray) -> dict[str, float]:
    drag = drags(motion.joints)
    freed = overlap(alone) <= THROUGH
    through = (overlap(motion.joints) > THROUGH) & freed
    return {
        "below": below_floor_cm(motion.joints),
        "ends": drag.ends,
        "inside": drag.inside,
        "held": held_skate(motion.joints, motion.contacts),
        "limbs": float(through.sum() / max(int(freed.sum()), 1)),
        "elbows": _elbow_pop(motion.joints) / max(_elbow_pop(alone), 1e-3),
    }


def _elbow_pop(joints: FloatArray) -> float:
    """99th percentile of the angular acceleration of the elbows, rad/s2."""
    joints = np.asarray(joints, np.float64)
    angles = []
    for shoulder, elbow, wrist in ((16, 18, 20), (17, 19, 21)):
        upper, lower = joints[:, shoulder] - joints[:, elbow], joints[:, wrist] - joints[:, elbow]
        size = np.linalg.norm(upper, axis=-1) * np.linalg.norm(lower, axis=-1)
        angles.append(np.arccos(np.clip((upper * lower).sum(-1) / np.maximum(size, 1e-9), -1.0, 1.0)))
    return float(np.percentile(np.abs(np.diff(np.stack(angles, 1), n=2, axis=0)), 99) * FPS**2)


def spread_figures(model: MotionLCM, seeds: int) -> dict[str, float]:
    """How much eight takes of a prompt differ, against captured motion of the same words."""
    found: dict[str, float] = {}
    for prompt, captured in SPREADS:
        spreads = [
            spread_cm([m.joints for m in model.generate(Request(prompt, int(SECONDS * FPS), seed=100 * k, takes=8))])
            for k in range(seeds)
        ]
        found[f"spread_share_{prompt.removeprefix('a person ')}"] = float(np.mean(spreads)) / captured
    return found | {"spread_share": min(found.values())}


def loop_figures(model: MotionLCM, seeds: int) -> dict[str, float]:
    """Energy, strides and skate of loops beside the clips that they are made of."""
    energy, odd, skates = [], [], []
    for prompt in LOOPED:
        for seed in range(seeds):
            clip = retarget(model.generate(Request(prompt, int(8.0 * FPS), seed=seed))[0])
            loop = hold_loop_feet(looped(clip))
            whole, rounds = (forward_kinematics(part)[:, :JOINT_COUNT] for part in (clip, loop))
            energy.append(float(body_speeds(rounds).mean() / max(body_speeds(whole).mean(), 0.02)))
            skates.append(foot_skate(rounds) - foot_skate(whole))
            if "walks" in prompt or "runs" in prompt or "marches" in prompt:
                steps = touchdowns(
                    stance_mask(whole_rounds(rounds), foot_contacts(whole_rounds(rounds)).astype(np.float64))
                )
                left, right = steps[-1] - steps[0]
                odd.append(float(round(abs(int(left) - int(right)) / 3)))  # of three rounds
    return {
        "loop_energy_share": min(energy),
        "loop_energy_mean_share": float(np.mean(energy)),
        "loop_odd_strides": max(odd),
        "loop_skate_more_cm_s": float(np.mean(skates)),
    }


def whole_rounds(joints: FloatArray) -> FloatArray:
    """Three rounds of a loop (T, 22, 3), each placed where the one before ends: (3 T - 2, 22, 3)."""
    step = (joints[-1, 0] - joints[0, 0]) * (1.0, 0.0, 1.0)
    return np.concatenate([joints[:-1], joints[:-1] + step, joints + 2.0 * step])


def pin_figures(model: MotionLCM, seeds: int) -> dict[str, float]:
    """Far pins, and motions to a standing pose."""
    jumps, answered, floors, arrivals = [], [], [], []
    frames = int(6.0 * FPS)
    for prompt in ("a person walks forward", "a person stands", "a person waves"):
        for seed in range(seeds):
            for x, z, frame in ((1.5, 2.0, 90), (-1.2, 1.0, 70), (0.0, 9.0, 40)):
                (motion,) = model.generate(Request(prompt, frames, seed=seed, hints=_pin(frames, x, z, frame)))
                jumps.append(100.0 * float(np.linalg.norm(motion.joints[0, 0, [0, 2]])))
                met = motion.report.get("pin_max_cm", np.inf) < 5.0
                answered.append(met or bool(motion.warnings))
            stand = model.generate(Request("a person stands", 60, seed=seed))[0]
            pose = Motion(stand.joints[-1:] + np.array([0.8, 0.0, 2.0], np.float32), stand.contacts[-1:])
            (motion,) = model.generate(Request(prompt, 100, seed=seed, end=pose))
            floors.append(below_floor_cm(motion.joints))
            steps = np.linalg.norm(np.diff(motion.joints[-5:], axis=0), axis=-1).mean() * FPS
            arrivals.append(float(steps))
    return {
        "far_pin_jump_cm": max(jumps),
        "far_pin_answered": float(np.mean(answered)),
        "between_floor_cm": max(floors),
        "between_arrival_m_s": float(np.mean(arrivals)),
    }


def _pin(frames: int, x: float, z: float, first: int) -> Hints:
    """A pin of the right hand at a place, for four frames."""
    positions, mask = np.zeros((frames, JOINT_COUNT, 3), np.float32), np.zeros((frames, JOINT_COUNT, 3), bool)
    positions[first : first + 4, _WRIST] = (x, 1.1, z)
    mask[first : first + 4, _WRIST] = True
    return Hints(positions, mask)
