"""`motionlcm evaluate`."""

from __future__ import annotations

import argparse
import importlib.util
import logging
from pathlib import Path

from ...errors import TrainingDataError
from .results import REPORT, SECTIONS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options; needs no torch."""
    parser.add_argument("model", nargs="?", type=Path, metavar="MODEL", help="a model folder (default: bundled)")
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="captured motion with captions and a test split")
    parser.add_argument(
        "--evaluator",
        type=Path,
        default=Path("runs/evaluator"),
        metavar="FOLDER",
        help="the networks that measure; trained first if they are not there (default %(default)s)",
    )
    parser.add_argument("--teacher", type=Path, metavar="FILE", help="the teacher's weights, for a row of its own")
    parser.add_argument(
        "--teacher-guidance", type=float, default=None, metavar="SCALE", help="the teacher's guidance (default 7.5)"
    )
    parser.add_argument("--repeats", type=int, help="how often all is measured (default 10; 20 with --humanml)")
    parser.add_argument(
        "--seeds", type=int, default=20, help="motions for each word and repeat, for obedience (default 20)"
    )
    parser.add_argument("--only", metavar="LIST", help=f"some of {','.join(SECTIONS)} (default: all)")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help=f"where {REPORT} goes (default: the model folder)")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument("--threads", type=int, help="CPU threads (default: all)")
    parser.add_argument(
        "--humanml",
        type=Path,
        metavar="FOLDER",
        help="HumanML3D with its evaluators: measure an official checkpoint by the published protocol instead",
    )


def run(args: argparse.Namespace) -> int:
    """Measure, print the report, and write it. Returns 0. Raises TrainingDataError, ModelFolderError."""
    if importlib.util.find_spec("torch") is None:
        raise TrainingDataError("Evaluation needs PyTorch: pip install torch, then try again.")
    from . import evaluate

    sections = chosen_sections(args.only)
    if args.repeats is not None and args.repeats < 1:
        raise TrainingDataError(f"The number of repeats must be 1 or more, not {args.repeats}.")
    if args.data is None and args.humanml is None:
        raise TrainingDataError("Name the folder of captured motion with --data.")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s  %(message)s", datefmt="%H:%M:%S")
    if args.threads:
        import torch

        torch.set_num_threads(args.threads)
    print(evaluate.evaluate(evaluate.Plan.from_arguments(args, sections)), end="")
    return 0


def chosen_sections(only: str | None) -> tuple[str, ...]:
    """The sections named, in the report's order. Raises TrainingDataError on another name."""
    if only is None:
        return SECTIONS
    names = [name.strip() for name in only.split(",") if name.strip()]
    unknown = sorted(set(names) - set(SECTIONS))
    if unknown or not names:
        raise TrainingDataError(f"--only takes some of {', '.join(SECTIONS)}, not {', '.join(unknown) or 'nothing'}.")
    return tuple(name for name in SECTIONS if name in names)
