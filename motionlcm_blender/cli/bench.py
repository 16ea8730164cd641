"""The command `motionlcm bench`."""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import nullcontext
from pathlib import Path

from ..errors import InvalidRequest
from ..files.atomic_write import write_aside
from ..motion.skeleton import MAX_FRAMES
from .progress import DONE
from .sampler_steps import SAMPLER_STEPS
from .training import training_module

LIVE_FRAMES = 100
"""Frames of `--live`, where the command line gives none: five seconds."""


def add_bench(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("--device", default="auto", help="default: NumPy, and PyTorch where it is installed")
    parser.add_argument("--model", type=Path, metavar="FOLDER", help="a model folder (default: the bundled model)")
    parser.add_argument("--frames", type=int, help="length at 20 frames per second (default 196; with --live 100)")
    parser.add_argument(
        "--steps", type=int, default=SAMPLER_STEPS, help="sampler steps: 1, 2 or 4 (default %(default)s)"
    )
    parser.add_argument("--repeats", type=int, default=20, help="measured repeats after 3 to warm up (default 20)")
    parser.add_argument(
        "--blender", metavar="PROGRAM", help="Blender, or Python with bpy, that writes the Action; none: not measured"
    )
    parser.add_argument(
        "--against", type=Path, metavar="FOLDER", help="also another source tree, in turns: ratios of the medians"
    )
    parser.add_argument(
        "--cpu",
        action="store_true",
        help="processor time, not the clock, where other work keeps the cores busy",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write everything as JSON")
    parser.add_argument(
        "--training", action="store_true", help="instead: a training step, beside that of a plain loop (needs PyTorch)"
    )
    parser.add_argument("--config", type=Path, help="with --training: TOML file of settings (default: bundled)")
    parser.add_argument("--quality", action="store_true", help="instead: how good takes are")
    parser.add_argument("--live", action="store_true", help="instead: how often a motion follows a dragged path")
    parser.add_argument("--seeds", type=int, default=3, help="with --quality: takes of each kind (default 3)")
    parser.set_defaults(run=run_bench)


def _print_line(line: str) -> None:
    print(line, file=sys.stderr)


def run_bench(args: argparse.Namespace) -> int:
    """Measure, print, and write the numbers; returns the exit status."""
    from ..benchmarks.speed import bench, processor_time, report
    from ..generation.request import Request

    if args.frames is None:
        args.frames = LIVE_FRAMES if args.live else MAX_FRAMES
    Request("a person walks", args.frames, steps=args.steps)  # checks the values before anything is loaded
    if args.repeats < 1:
        raise InvalidRequest(f"The number of repeats must be 1 or more, not {args.repeats}.")
    if args.json is not None and not args.json.absolute().parent.is_dir():
        raise InvalidRequest(f"There is no folder {args.json.parent}.")
    if args.quality:
        from ..benchmarks import quality

        if args.seeds < 1:
            raise InvalidRequest(f"The number of seeds must be 1 or more, not {args.seeds}.")
        result = quality.bench_quality(args.device, args.model, args.seeds, _print_line)
        print(quality.report(result))
    elif args.live:
        from ..benchmarks.live import bench_live, live_report

        result = bench_live(args.device, args.model, args.frames, args.steps, on_line=_print_line)
        print(live_report(result))
    elif args.training:
        training = training_module("bench")
        result = training.bench_training(args.config, args.repeats, device=args.device, on_line=_print_line)
        print(training.report(result))
    elif args.against is not None:
        from ..benchmarks.comparison import compare, comparison_report

        options = ["--device", args.device, "--frames", str(args.frames), "--steps", str(args.steps)]
        options += [] if args.model is None else ["--model", str(args.model.resolve())]
        result = compare(args.against, options, args.repeats, args.cpu, _print_line)
        print(comparison_report(result))
    else:
        with processor_time() if args.cpu else nullcontext():
            result = bench(
                args.device, args.model, args.repeats, frames=args.frames, steps=args.steps, on_line=_print_line,
                blender=args.blender,
            )  # fmt: skip
        print(report(result))
    if args.json is not None:
        text = json.dumps(result, indent=2) + "\n"
        write_aside(args.json, lambda temporary: temporary.write_text(text, encoding="utf-8"))
    return DONE
