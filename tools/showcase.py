"""Ten prompts and five paths, several seeds each: image strips to look at, and a table of measured numbers.

    python tools/showcase.py [--model FOLDER] [--seeds 3] [--seconds 6] [--output build/showcase]

Writes prompts.png, paths.png and figures.md. Needs the engine and Pillow, no Blender.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from strips import draw_strip, stack

from motionlcm_blender.generation.pipeline import MotionLCM
from motionlcm_blender.generation.request import Hints, Request
from motionlcm_blender.motion.ground_path import named_path, natural_length, timed
from motionlcm_blender.motion.skeleton import FPS, HUMANML
from motionlcm_blender.motion.world_transform import canonicalise

PROMPTS = (
    "a person walks forward",
    "a person runs forward",
    "a person turns left",
    "a person turns around",
    "a person jumps",
    "a person walks backwards",
    "a person walks in a circle",
    "a person crouches down",
    "a person kicks with the right leg",
    "a person dances",
)
PATHS = ("line", "quarter", "s", "circle", "eight")
PATH_PROMPT = "a person walks forward"


@dataclass(frozen=True)
class Row:
    """One motion's numbers: centimetres, centimetres per second, metres."""

    what: str
    seed: int
    skate: float
    travelled: float
    before: tuple[float, float] | None = None
    after: tuple[float, float] | None = None


def make(model: MotionLCM, prompt: str, seconds: float, seed: int, path: str | None):
    """One motion: its row of numbers and its strip."""
    frames = round(seconds * FPS)
    hints, target = None, None
    if path is not None:
        target, _ = canonicalise(timed(named_path(path, natural_length(path, seconds)), frames))
        hints = Hints.ground_path(target)
    motion = model.generate(Request(prompt, frames, seed=seed, hints=hints))[0]
    report, root = motion.report, motion.joints[:, 0][:, [0, 2]]
    travelled = float(np.linalg.norm(np.diff(root, axis=0), axis=1).sum())
    what = prompt if path is None else path
    before = after = None
    if path is not None:
        before = (report["network_path_mean_cm"], report["network_path_max_cm"])
        after = (report["path_mean_cm"], report["path_max_cm"])
    caption = f"{what}   seed {seed}   foot skate {report['foot_skate_cm_s']:.1f} cm/s   way {travelled:.1f} m"
    if before and after:
        caption += f"   path error mean {after[0]:.1f}, max {after[1]:.1f} cm"
        caption += f" (network alone {before[0]:.1f}, {before[1]:.1f})"
    strip = draw_strip(motion.joints, HUMANML.parents, HUMANML.names, caption, target)
    return Row(what, seed, report["foot_skate_cm_s"], travelled, before, after), strip


def figures(model: MotionLCM, rows: list[Row], seconds: float, seeds: int) -> str:
    """The tables, as Markdown: means over the seeds, maxima over all."""
    lines = [f"Model {model.name}, {seconds:g} s, 1 step, seeds 0 to {seeds - 1}. Path error: distance of the"]
    lines += ["pelvis to its target on the floor, frame by frame.", ""]
    lines += ["| prompt | foot skate, cm/s | way, m |", "|---|---|---|"]
    for prompt in PROMPTS:
        mine = [row for row in rows if row.what == prompt]
        lines.append(f"| {prompt} | {mean(r.skate for r in mine):.1f} | {mean(r.travelled for r in mine):.1f} |")
    lines += ["", "| path | network alone, mean / max cm | corrected, mean / max cm | foot skate, cm/s |"]
    lines += ["|---|---|---|---|"]
    for path in PATHS:
        mine = [row for row in rows if row.what == path]
        before, after = ([getattr(r, when) for r in mine] for when in ("before", "after"))
        cells = [f"{mean(v[0] for v in each):.1f} / {max(v[1] for v in each):.1f}" for each in (before, after)]
        lines.append(f"| {path} | {cells[0]} | {cells[1]} | {mean(r.skate for r in mine):.1f} |")
    return "\n".join(lines) + "\n"


def mean(values) -> float:
    return float(np.mean(list(values)))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=None, help="a model folder; default: the bundled model")
    parser.add_argument("--device", default="numpy")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--output", type=Path, default=ROOT / "build" / "showcase")
    arguments = parser.parse_args()
    model = MotionLCM.from_folder(arguments.model, device=arguments.device)
    arguments.output.mkdir(parents=True, exist_ok=True)
    rows: list[Row] = []
    orders: dict[str, list[tuple[str, str | None]]] = {
        "prompts": [(prompt, None) for prompt in PROMPTS],
        "paths": [(PATH_PROMPT, path) for path in PATHS],
    }
    for name, wanted in orders.items():
        strips = []
        for prompt, path in wanted:
            for seed in range(arguments.seeds):
                row, strip = make(model, prompt, arguments.seconds, seed, path)
                rows.append(row)
                strips.append(strip)
        temporary = arguments.output / f".{name}.part.png"
        stack(strips).save(temporary)
        temporary.replace(arguments.output / f"{name}.png")
        print(arguments.output / f"{name}.png")
    text = figures(model, rows, arguments.seconds, arguments.seeds)
    (arguments.output / "figures.md").write_text(text)
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
