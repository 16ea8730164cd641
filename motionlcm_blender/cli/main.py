"""The command line of the engine.

`motionlcm generate | convert | storyboard | info | bench | import | train | prepare | evaluate`, or `python -m
motionlcm_blender`. The exit status is 0 on success, 1 if something failed (one sentence on the error stream), 2 on
wrong usage, 130 on interruption. Each command imports the modules that it needs.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from ..errors import MotionLCMError
from ..version import version
from .bench import add_bench
from .convert import add_convert
from .generate import add_generate
from .progress import DONE, FAILED, INTERRUPTED, ProgressLine
from .storyboard import add_storyboard
from .training import training_module

TRACEBACK = "MOTIONLCM_TRACEBACK"
"""Environment variable with which an unexpected error is shown in full."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status; argparse exits with SystemExit(2) on wrong usage."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        parser = make_parser(arguments[0] if arguments else "")
        args = parser.parse_args(arguments)
        status: int = args.run(args)
        if sys.stdout is not None:  # None if the caller closed it
            sys.stdout.flush()
        return status
    except MotionLCMError as error:
        print(f"motionlcm: {error}", file=sys.stderr)
        return FAILED
    except RecursionError:
        print("motionlcm: the input is nested too deeply.", file=sys.stderr)
        return FAILED
    except UnicodeEncodeError as error:
        print(f"motionlcm: {ascii(error.object)[:80]} is not text in UTF-8.", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("motionlcm: interrupted.", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of the output has gone (`motionlcm info | head`); Python would print an error at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except OSError as error:
        if os.environ.get(TRACEBACK):
            raise
        where = f"{ascii(str(error.filename))[1:-1][:80]}: " if error.filename else ""
        print(f"motionlcm: {where}{error.strerror or error}.", file=sys.stderr)
        return FAILED
    except Exception as error:
        if os.environ.get(TRACEBACK):
            raise
        kind = type(error).__name__
        reason = ascii(str(error))[1:-1]
        print(
            f"motionlcm: an unexpected error occurred ({kind}: {reason}); set {TRACEBACK}=1 for details.",
            file=sys.stderr,
        )
        return FAILED


def make_parser(command: str = "") -> argparse.ArgumentParser:
    """Make the parser; `command` is the one to run, whose options are added in full (training needs PyTorch)."""
    parser = argparse.ArgumentParser(prog="motionlcm", description="Text and a path on the floor to character motion.")
    parser.add_argument("--version", action="version", version=f"motionlcm {version()}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    add_generate(commands.add_parser("generate", help="make motion from a prompt and, if wanted, a path"))
    add_convert(commands.add_parser("convert", help="a motion of SMPL parameters to another file, or the reverse"))
    add_storyboard(commands.add_parser("storyboard", help="a file of characters and their shots to a Blender file"))
    _add_info(commands.add_parser("info", help="what the model is, whose it is, and what it runs on"))
    add_bench(commands.add_parser("bench", help="measure each stage on this machine"))
    importing = commands.add_parser("import", help="make a model folder from published MotionLCM checkpoints")
    train = commands.add_parser("train", help="train a stage of the model from a configuration")
    prepare = commands.add_parser("prepare", help="turn BVH or AMC files with captions into training data")
    evaluate = commands.add_parser("evaluate", help="measure a model against captured motion")
    if command == "import":
        _add_import(importing)
    if command == "train":
        _add_training(train, "command")
    if command == "prepare":
        _add_training(prepare, "data.prepare")
    if command == "evaluate":
        _add_training(evaluate, "evaluation.command")
    return parser


def _add_training(parser: argparse.ArgumentParser, module: str) -> None:
    part = training_module(module)
    part.add_arguments(parser)
    parser.set_defaults(run=lambda args: part.run(args) or DONE)


def _add_info(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", nargs="?", type=Path, metavar="MODEL", help="a model folder (default: bundled)")
    parser.add_argument("--devices", action="store_true", help="try which devices work here (imports PyTorch)")
    parser.add_argument("--json", action="store_true", help="everything, as JSON")
    parser.set_defaults(run=run_info)


def _add_import(parser: argparse.ArgumentParser) -> None:
    from ..importing.command import add_arguments

    add_arguments(parser)
    parser.set_defaults(run=run_import)


# generate


# storyboard


# info and bench


def run_info(args: argparse.Namespace) -> int:
    """Print information about a model and this machine; returns the exit status."""
    from ..version import package_versions
    from .information import describe, devices, model_information

    model = model_information(args.model)
    found = devices() if args.devices else None
    if args.json:
        everything = {"model": model, "packages": package_versions(), "version": version()}
        print(json.dumps(everything | ({"devices": found} if found else {}), indent=2, ensure_ascii=False))
    else:
        print(describe(model, found))
    return DONE


def run_import(args: argparse.Namespace) -> int:
    """Make a model folder from published checkpoints; returns the exit status."""
    from ..importing.command import run

    with ProgressLine() as progress:
        run(args, progress)
    return DONE
