"""`motionlcm bench --quality`: quality of raw network output and of the final motion."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ..array_types import FloatArray
from ..generation.pipeline import MotionLCM
from ..generation.request import Hints, Request
from ..keyframes.fitting import fit_keys
from ..motion.features import contacts_from_features, standing_joints
from ..motion.ground_path import NAMES, named_path, natural_length, timed
from ..motion.metrics import quality
from ..motion.motion import Motion
from ..motion.retarget import forward_kinematics, retarget
from ..motion.skeleton import FPS
from ..motion.visible_measures import facing_error, visible_measures
from ..motion.world_transform import canonicalise
from ..postprocess.foot_lock import FootLock
from ..text.motion_kinds import captured_body_speed
from ..text.travel_direction import travel_direction
from .goals import goals_report, measure_goals

PROMPTS = (
    "a person walks forward", "a person runs forward", "a person walks backward", "a person jumps",
    "a person dances", "a person kicks with the right leg", "a person turns left", "a person crouches",
    "a person sidesteps to the left", "a person walks and waves with the right hand",
)  # fmt: skip
SECONDS = 8.0
TOLERANCE = 10.0
COLUMNS = (
    ("held_skate_mm", "held feet slide, mm/frame"), ("foot_skate_cm_s", "foot skate, cm/s"),
    ("skating_ratio", "skating ratio"), ("knee_twitch_rad_s2", "knees, rad/s2"), ("jerk_m_s3", "jerk, m/s3"),
    ("floor_penetration_cm", "below the floor, cm"), ("overlap_cm", "through the body, cm"),
    ("facing_off_deg", "facing off, degrees"), ("below_floor_cm", "feet below the floor at worst, cm"),
    ("drag_cm", "worst drag, cm"), ("energy_share", "energy / captured"), ("faults", "faults"),
    ("path_mean_cm", "path mean, cm"), ("path_max_cm", "path max, cm"), ("pin_max_cm", "pin max, cm"),
    ("retarget_mm", "retarget, mm"), ("key_ratio", "dense keys / keys"), ("key_error_mm", "keys off, mm"),
    ("keys_per_second", "keys/s"), ("key_ms", "fitting, ms"),
)  # fmt: skip


def bench_quality(
    device: str, folder: Path | None, seeds: int = 3, on_line: Callable[[str], None] = lambda _line: None
) -> dict[str, Any]:
    """Measure takes without a path, on each named path, and with pins; means over prompts and seeds.

    `raw`: joints and contacts of the network; `final`: the motion that `generate` returns. Keys are fitted at 10 mm.

    Args:
        device: Device of the model.
        folder: Model folder; None: the bundled model.
        seeds: Number of seeds for each prompt.
        on_line: Called with a line about each group.

    Returns:
        The measurements, for `report`.

    Raises:
        MotionLCMError: Loading or generating failed.
    """
    model = MotionLCM.from_folder(folder, device)
    frames = int(SECONDS * FPS)
    rows: dict[str, dict[str, dict[str, float]]] = {}
    rows["prompts"] = _row(model, [Request(p, frames, seed=s) for p in PROMPTS for s in range(seeds)])
    on_line(f"{len(PROMPTS)} prompts")
    for name in NAMES:
        xz, _ = canonicalise(timed(named_path(name, natural_length(name, SECONDS)), frames))
        hints = Hints.ground_path(xz)
        takes = [Request("a person walks", frames, seed=seed, hints=hints) for seed in range(seeds)]
        rows[f"path {name}"] = _row(model, takes)
        on_line(f"path {name}")
    rows["pins"] = _row(model, [_pinned(model, frames, seed) for seed in range(seeds)])
    on_line("pins")
    return {
        "model": model.name,
        "device": model.device,
        "machine": platform.processor() or platform.machine(),
        "seeds": seeds,
        "seconds": SECONDS,
        "tolerance_mm": TOLERANCE,
        "rows": rows,
        "goals": measure_goals(model, seeds, on_line),
    }


def report(result: dict[str, Any]) -> str:
    """Format the measurements as a table in Markdown: a row per group of takes, raw / final where both exist."""
    lines = [
        f"Model {result['model']} on {result['device']}, {result['seconds']:.0f} s takes, {result['seeds']} seeds, "
        f"keys at {result['tolerance_mm']:.0f} mm. As the network makes it / as handed over.", "",
        "| | " + " | ".join(result["rows"]) + " |", "|---|" + "---|" * len(result["rows"]),
    ]  # fmt: skip
    for key, label in COLUMNS:
        cells = []
        for row in result["rows"].values():
            raw, final = (row[part].get(key) for part in ("raw", "final"))
            cells.append(" / ".join(f"{v:.3g}" for v in (raw, final) if v is not None))
        lines.append(f"| {label} | " + " | ".join(cells) + " |")
    return "\n".join([*lines, "", "Goals for motion as handed over:", "", goals_report(result["goals"])])


def _row(model: MotionLCM, requests: list[Request]) -> dict[str, dict[str, float]]:
    raw, final = [], []
    for request in requests:
        (motion,) = model.generate(request)
        features = model.features(request)[0]
        contacts = contacts_from_features(features)
        hints = request.hints
        path = hints.root_xz if hints is not None else None
        pins = hints.pins if hints is not None else None
        joints = standing_joints(features)
        raw.append(quality(Motion(joints, contacts), path, pins) | _seen(request, joints))
        clip = retarget(motion)
        apart = np.linalg.norm(forward_kinematics(clip)[:, : motion.joints.shape[1]] - motion.joints, axis=-1)
        started = time.perf_counter()
        keys = fit_keys(clip, TOLERANCE)
        final.append(
            quality(motion, path, pins)
            | _seen(request, motion.joints)
            | {
                "retarget_mm": 1000.0 * float(apart.mean()),
                "key_ratio": keys.dense_count / keys.count,
                "key_error_mm": keys.max_error_mm,
                "keys_per_second": keys.keys_per_second,
                "key_ms": 1000.0 * (time.perf_counter() - started),
            }
        )
    return {
        name: {
            key: float(np.mean([each[key] for each in part if key in each]))
            for key in dict.fromkeys(key for each in part for key in each)
        }
        for name, part in (("raw", raw), ("final", final))
    }


def _seen(request: Request, joints: FloatArray) -> dict[str, float]:
    """What a person sees of a motion (`visible_measures`)."""
    hints = request.hints
    off = None
    if hints is not None and hints.root_xz is not None:
        off = facing_error(joints, float(np.degrees(travel_direction(request.prompt))))[0]
    return visible_measures(joints, off, captured_body_speed(request.prompt))


def _pinned(model: MotionLCM, frames: int, seed: int) -> Request:
    """A walk with the right hand and the head pinned slightly beside their positions in the rest pose."""
    (free,) = model.generate(Request("a person walks forward", frames, seed=seed, feet=FootLock.AUTO))
    positions, mask = np.zeros_like(free.joints), np.zeros(free.joints.shape, bool)
    for joint, first, offset in ((21, frames // 3, (-0.1, 0.35, 0.25)), (15, 2 * frames // 3, (0.05, -0.15, 0.1))):
        for frame in range(first, first + 4):
            positions[frame, joint] = free.joints[frame, joint] + np.array(offset)
            mask[frame, joint] = True
    return Request("a person walks forward", frames, seed=seed, hints=Hints(positions, mask))
