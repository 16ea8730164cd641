"""Goals of long motion and of shots that go on from one another."""

from __future__ import annotations

import numpy as np

from ..array_types import FloatArray
from ..generation.generated_motion import GeneratedMotion
from ..generation.pipeline import MotionLCM
from ..generation.request import START_FRAMES, Request
from ..motion.motion import Motion
from ..motion.skeleton import FPS
from ..motion.visible_measures import thirds
from ..motion.world_transform import place_joints
from ..postprocess.stitching import seam_jerk_share
from ..postprocess.transitions import placement_of

LONG = ("a person walks forward", "a person jogs", "a person dances", "a person boxes")
TRAVELS = LONG[:2]
SHOTS = (
    ("a person stands", "a person walks forward"), ("a person walks forward", "a person walks forward"),
    ("a person waves", "a person runs forward"), ("a person runs forward", "a person walks forward"),
    ("a person runs forward", "a person jumps forward"), ("a person walks forward", "a person runs forward"),
    ("a person kicks with the right leg", "a person walks forward"), ("a person turns left", "a person walks forward"),
)  # fmt: skip
"""Prompts of a shot and of the one that begins where it ends; the second one travels."""
LONG_SECONDS, SHOT_SECONDS = 60.0, 4.0


def long_figures(model: MotionLCM, seeds: int) -> dict[str, float]:
    """Travel and body speed of the last third of a minute against the first, and jerk at the seams."""
    found: dict[str, float] = {}
    travels, bodies, jerks = [], [], []
    for prompt in LONG:
        motions = [model.generate(Request(prompt, int(LONG_SECONDS * FPS), seed=k))[0] for k in range(seeds)]
        each = [thirds(motion.joints) for motion in motions]
        jerks += [motion.report["seam_jerk_share"] for motion in motions if "seam_jerk_share" in motion.report]
        kept = sum(t.body_last for t in each) / sum(t.body_first for t in each)
        found[f"long_body_{prompt.removeprefix('a person ')}"] = kept
        bodies.append(kept)
        if prompt in TRAVELS:
            travels.append(sum(t.travel_last for t in each) / sum(t.travel_first for t in each))
    jerk = float(np.median(jerks)) if jerks else float("nan")
    return found | {"long_travel_kept": min(travels), "long_body_kept": min(bodies), "seam_jerk_share": jerk}


def shot_figures(model: MotionLCM, seeds: int) -> dict[str, float]:
    """Way of a shot that begins where another ended against the same prompt alone, and jerk where they meet."""
    found: dict[str, float] = {}
    ways, jerks = [], []
    frames = int(SHOT_SECONDS * FPS)
    for first, second in SHOTS:
        own, alone, jerk = [], [], []
        for seed in range(seeds):
            before = model.generate(Request(first, frames, seed=seed))[0]
            start = Motion(before.joints[-START_FRAMES:], before.contacts[-START_FRAMES:])
            request = Request(second, frames + START_FRAMES, seed=seed, start=start)
            after = model.generate(request)[0]
            own.append(_way(after.joints[START_FRAMES:]))
            alone.append(_way(model.generate(Request(second, frames, seed=seed))[0].joints))
            jerk.append(_jolt(before, after))
        name = f"{first.removeprefix('a person ')}, {second.removeprefix('a person ')}"
        ways.append(sum(own) / sum(alone))
        jerks.append(float(np.mean(jerk)))
        found |= {f"shot_way_{name}": ways[-1], f"shot_jerk_{name}": jerks[-1]}
    return found | {"shot_way_share": min(ways), "shot_jerk_share": max(jerks)}


def _jolt(before: GeneratedMotion, after: GeneratedMotion) -> float:
    """`seam_jerk_share` of two shots, the second moved to where the first ends."""
    where = placement_of(before.joints[-START_FRAMES:].astype(np.float64))
    moved = place_joints(after.joints.astype(np.float64), where)
    joined = np.concatenate([before.joints[:-START_FRAMES], moved])
    return seam_jerk_share(joined, [(before.frames, before.frames)])


def _way(joints: FloatArray) -> float:
    """Metres from the first to the last place of the pelvis."""
    return float(np.linalg.norm(joints[-1, 0, [0, 2]] - joints[0, 0, [0, 2]]))
