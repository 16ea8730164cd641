"""The command `motionlcm storyboard`."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from ..errors import InvalidRequest
from .progress import DONE


def add_storyboard(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("storyboard", type=Path, metavar="FILE.json", help="the storyboard")
    parser.add_argument("--out", type=Path, metavar="FILE.blend", help="where to (default: it is only read)")
    parser.add_argument("--bake", action="store_true", help="also one Action for each character, beside its shots")
    parser.add_argument("--fps", type=float, help="frames per second, instead of the storyboard's own")
    parser.add_argument("--blender", metavar="PROGRAM", help="a Blender, or a Python with bpy (default: found)")
    parser.add_argument("--device", help="auto, numpy, cpu, cuda, mps or xpu, in Blender (default auto)")
    parser.add_argument("--model", type=Path, metavar="FOLDER", help="a model folder (default: the bundled model)")
    parser.set_defaults(run=run_storyboard)


def run_storyboard(args: argparse.Namespace) -> int:
    """Create a Blender file with all shots of a storyboard, and print the time of each; returns the exit status."""
    from ..storyboard.reading import read_storyboard

    board = read_storyboard(args.storyboard)
    if args.fps is not None:
        board = board.at_fps(args.fps)
    count = sum(len(character.shots) for character in board.characters)
    print(
        f"Storyboard {args.storyboard}: {_counted(len(board.characters), 'character')}, {_counted(count, 'shot')}, "
        f"{board.fps:g} frames per second"
    )
    if args.out is None:
        print("Nothing was made: give --out FILE.blend.")
        return DONE
    if args.out.suffix.lower() != ".blend":
        raise InvalidRequest(f"A storyboard becomes a .blend file, not {args.out.name!r}.")
    from ..export.blender_process import find_blender
    from ..export.motion_files import check_folder
    from ..networks.backends import DEVICES
    from ..networks.model_folder import ModelFolder
    from ..storyboard.blend import SCRIPT, MadeShot, write_storyboard_blend

    check_folder(args.out)
    environment = {}
    if args.device is not None:
        if args.device not in DEVICES:
            raise InvalidRequest(f"There is no device called {args.device}: choose one of {', '.join(DEVICES)}.")
        environment["MOTIONLCM_DEVICE"] = args.device
    if args.model is not None:
        environment["MOTIONLCM_MODEL_FOLDER"] = str(ModelFolder.open(args.model).path.resolve())
    blender = find_blender(args.blender, SCRIPT)
    print(f"Blender    {blender.program}", flush=True)
    shots = {character.name: character.shots for character in board.characters}
    milliseconds: list[float] = []

    def print_shot(finished: MadeShot) -> None:
        shot = shots[finished.character][finished.number - 1]
        milliseconds.append(finished.milliseconds)
        what = f"shot {finished.number}, frames {shot.first} to {shot.last}"
        print(f"{finished.character:10} {what:28} {finished.milliseconds:6.0f} ms  {shot.prompt}", flush=True)
        for warning in finished.warnings:
            print(f"motionlcm: {warning}", file=sys.stderr)

    started = time.perf_counter()
    write_storyboard_blend(board, args.out, blender, args.bake, environment, print_shot)
    print(f"Wrote      {args.out}")
    print(f"Time       shots {sum(milliseconds) / 1e3:.1f} s, in all {time.perf_counter() - started:.1f} s")
    return DONE


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
