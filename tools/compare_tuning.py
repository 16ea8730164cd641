"""Refine against the published way: our rounds of Levenberg-Marquardt, and 400 steps of Adam, on the same start noise.

    .venv/bin/python tools/compare_tuning.py [--model FOLDER] [--seeds 3]

prints a table in Markdown: the error of the hints before and after (root mean square over all hinted numbers, of the
network's own motion, without any correction), how often the networks ran, the time, and how far the result is from what
noise looks like (correlation of neighbouring tokens; 0 for noise).
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from motionlcm_blender.generation.noise_optimization import hint_residual
from motionlcm_blender.generation.pipeline import MotionLCM
from motionlcm_blender.generation.request import Hints, Request
from motionlcm_blender.motion.ground_path import named_path, natural_length, timed
from motionlcm_blender.motion.skeleton import JOINT_COUNT, JOINTS
from motionlcm_blender.motion.world_transform import canonicalise
from motionlcm_blender.networks.samplers import student_timesteps
from motionlcm_blender.networks.torch_impl.latent_tuning import smooth_rows, tune

FRAMES, ADAM_STEPS = 160, 400
ADAM_RATES = (0.02, 0.05, 0.1)
"""The best of them counts for each take: the published rate is of another model."""


def adam(residual: Callable[[Any], Any], start: Any, rate: float) -> tuple[float, Any]:
    """Adam on the noise, its length kept after every step; the best error (metres) and its noise."""
    noise, radius = start.clone().requires_grad_(True), start.norm()
    optimizer = torch.optim.Adam([noise], lr=rate)
    best, kept = float("inf"), start
    for _ in range(ADAM_STEPS):
        loss = residual(noise).square().mean()
        if float(loss.detach()) < best:
            best, kept = float(loss.detach()), noise.detach().clone()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            noise.mul_(radius / noise.norm())
    return best**0.5, kept


def alike(noise: Any) -> float:
    """Correlation of neighbouring tokens of (1, tokens, width) noise."""
    rows = noise[0].double()
    first, second = rows[:-1].flatten(), rows[1:].flatten()
    return float((first * second).sum() / (first.norm() * second.norm()))


def kinds(model: MotionLCM, seed: int) -> dict[str, Hints]:
    """Hints to be met: paths at every frame, and hands held at a place that another take reaches."""
    found = {}
    for name in ("line", "s", "circle"):
        xz, _ = canonicalise(timed(named_path(name, natural_length(name, FRAMES / 20)), FRAMES))
        found[f"path {name}"] = Hints.ground_path(xz)
    other = model.generate(Request("a person walks and waves with the right hand", FRAMES, seed=seed + 100))[0].joints
    positions, mask = np.zeros((FRAMES, JOINT_COUNT, 3), np.float32), np.zeros((FRAMES, JOINT_COUNT, 3), bool)
    for frame in (60, 61, 62, 120, 121, 122):
        wrist = JOINTS.index("r_wrist")
        positions[frame, wrist], mask[frame, wrist] = other[frame, wrist], True
    found["two pins of a hand"] = Hints(positions, mask)
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    args = parser.parse_args()
    model = MotionLCM.from_folder(args.model, "cpu")
    a = model.architecture
    sizes = f"{a.latent_tokens} x {a.latent_width} latent"
    print(f"{sizes}, {args.seeds} seeds, {FRAMES} frames, {torch.get_num_threads()} threads")
    print("| hints | before cm | ours cm | passes | s | tokens alike | Adam cm | passes | s | tokens alike |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for kind in kinds(model, 0):
        rows = []
        for seed in range(args.seeds):
            hints = kinds(model, seed)[kind]
            text = model.encode_prompt("a person walks", FRAMES)
            with model.backend.inference_context(nullcontext):
                residual = hint_residual(
                    model.network,
                    "cpu",
                    model.stats,
                    text,
                    hints,
                    model.guidance(1),
                    student_timesteps(a, 1)[0],
                    model.control_strength,
                )
                shape = (1, a.latent_tokens, a.latent_width)
                start = torch.from_numpy(np.random.default_rng(seed).standard_normal(shape, dtype=np.float32))
                began = time.perf_counter()
                ours = tune(residual, start, smooth_rows(hints.mask))
                between = time.perf_counter()
                theirs = min((adam(residual, start, rate) for rate in ADAM_RATES), key=lambda each: each[0])
                spent = (time.perf_counter() - between) / len(ADAM_RATES)
            rows.append(
                (
                    100 * ours.before,
                    100 * ours.after,
                    ours.passes,
                    between - began,
                    alike(ours.noise),
                    100 * theirs[0],
                    2 * ADAM_STEPS,
                    spent,
                    alike(theirs[1]),
                )
            )
        cells = np.mean(rows, axis=0)
        shown = [f"{v:.{d}f}" for v, d in zip(cells, (1, 1, 0, 2, 2, 1, 0, 1, 2), strict=True)]
        print(f"| {kind} | {' | '.join(shown)} |", flush=True)


if __name__ == "__main__":
    main()
