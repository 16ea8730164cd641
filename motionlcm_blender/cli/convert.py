"""The command `motionlcm convert`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .layout_options import add_layout_options, writer_of
from .progress import DONE


def add_convert(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument(
        "motion", type=Path, metavar="MOTION.npz", help="SMPL parameters, as in AMASS, or what `generate` has written"
    )
    parser.add_argument("--out", type=Path, metavar="FILE", required=True, help="where to: .npz, .bvh or .blend")
    add_layout_options(parser)
    parser.add_argument("--fps", type=float, help="frames per second of the new file (default: those of the motion)")
    parser.add_argument(
        "--motion-fps", type=float, default=0.0, metavar="FPS", help="frame rate of a file that has none"
    )
    parser.add_argument(
        "--up",
        default="",
        metavar="AXIS",
        help="the axis of the motion that points up: z, y or -y (--up=-y; default: found)",
    )
    parser.add_argument(
        "--motion-body", type=Path, metavar="MODEL", help="the body model file of the motion, for its true size"
    )
    parser.set_defaults(run=run_convert)


def run_convert(args: argparse.Namespace) -> int:
    """Read a motion and write it to another file; returns the exit status."""
    from ..errors import InvalidRequest
    from ..export.motion_files import check_output
    from ..export.parameter_output import in_layout, shot_of_parameters, with_model
    from ..smpl.body_model_file import read_body_model
    from ..smpl.body_parameters import UPWARD
    from ..smpl.parameter_file import read_parameters, write_parameters

    up = args.up.upper()
    if up and up not in UPWARD:
        raise InvalidRequest(f"The axis that points up is z, y or -y, not {args.up!r}.")
    check_output(args.out)
    write = writer_of(args)
    parameters = read_parameters(args.motion, args.motion_fps, up)
    for warning in parameters.warnings:
        print(f"motionlcm: {warning}", file=sys.stderr)
    body = None if args.motion_body is None else read_body_model(args.motion_body)
    print(
        f"Motion     {parameters.kind.name}, {len(parameters.translation)} frames, {parameters.fps:g} per second, "
        f"{parameters.up} up"
    )
    parameters = with_model(parameters, body)
    if args.layout is not None and args.body is None:
        made = in_layout(parameters, args.layout, args.fps)
        write_parameters(made, args.out)
        frames, fps = len(made.translation), made.fps
    else:
        shot = shot_of_parameters(parameters, args.fps)
        write(shot, args.out)
        frames, fps = shot.clip.frames, shot.fps
    print(f"Wrote      {args.out} ({frames} frames, {fps:g} per second)")
    return DONE
