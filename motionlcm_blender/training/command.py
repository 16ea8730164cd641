"""`motionlcm train`."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from ..errors import TrainingDataError

STAGES = ("vae", "teacher", "student", "path_encoder", "control_teacher", "control", "export")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options; needs no torch."""
    parser.add_argument("--data", type=Path, help="folder of training data, as `motionlcm prepare` writes it")
    parser.add_argument(
        "--run",
        dest="run_folder",
        type=Path,
        default=Path("runs/bundled"),
        help="folder of this run; resumes what is there",
    )
    parser.add_argument("--config", type=Path, help="TOML file of settings (default: the bundled model's)")
    parser.add_argument("--stage", choices=STAGES, action="append", help="only this stage; may be given more than once")
    parser.add_argument("--minutes", type=float, help="stop after this long, ready to go on")
    parser.add_argument(
        "--start", type=Path, metavar="MODEL", help="begin from this model folder's weights, not from noise"
    )
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument("--threads", type=int, help="CPU threads (default: all)")


def run(args: argparse.Namespace) -> int:
    """Train the stages in order. Returns 0 if all requested stages are finished, 3 if the time ended before."""
    try:
        import torch
    except ImportError:
        raise TrainingDataError("Training needs PyTorch: pip install torch, then try again.") from None
    from .config import load_config
    from .stages.run import Run

    logging.basicConfig(level=logging.INFO, format="%(asctime)s  %(message)s", datefmt="%H:%M:%S")
    if args.threads:
        torch.set_num_threads(args.threads)
    training = Run.open(load_config(args.config), args.run_folder, args.data, args.device, args.minutes, args.start)
    for stage in args.stage or STAGES:
        if not training.stage(stage):
            logging.getLogger(__name__).info("time is up in stage %s; run the same command to go on", stage)
            return 3
    return 0
