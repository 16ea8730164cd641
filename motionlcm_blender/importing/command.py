"""The command `motionlcm import`: published checkpoints on disk to a model folder."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from . import licence
from .checkpoint_parts import CONTROLS
from .model_import import import_model


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument(
        "sources", nargs="+", type=Path, metavar="SOURCE", help="checkpoints (.ckpt, .pt, .safetensors), or folders"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="the model folder to make")
    parser.add_argument(
        "--statistics",
        type=Path,
        action="append",
        default=[],
        metavar="FOLDER",
        help="where Mean.npy, Std.npy, Mean_raw.npy, Std_raw.npy are, if not beside the sources; may be given twice",
    )
    parser.add_argument("--text-encoder", type=Path, metavar="FOLDER", help="sentence-t5-large, if not beside them")
    parser.add_argument(
        "--control", choices=[*CONTROLS, "none"], help="which ControlNet, where there are several or none is wanted"
    )
    parser.add_argument("--accept-licence", action="store_true", help="the weights' non-commercial terms are accepted")


def run(args: argparse.Namespace, progress: Callable[[float, str], None] | None = None) -> None:
    """Import, and print a summary. Without consent the licence is printed.

    Raises:
        MotionLCMError: The import failed.
    """
    if not args.accept_licence:
        print(licence.TEXT)
    imported = import_model(
        args.sources,
        args.out,
        statistics=args.statistics,
        text_encoder=args.text_encoder,
        control=args.control,
        accept_licence=args.accept_licence,
        progress=progress,
    )
    for note in imported.notes:
        print(f"motionlcm: {note}", file=sys.stderr)
    for name, what in imported.recognised.items():
        print(f"Read       {name}: {what}")
    print(f"Licence    {imported.folder.config['licence']}")
    print(f"Model      {imported.folder.name} in {imported.folder.path}")
