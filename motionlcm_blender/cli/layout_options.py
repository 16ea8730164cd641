"""Options of commands that write motions: plain arrays, or SMPL parameters in a layout."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InvalidRequest

if TYPE_CHECKING:
    from ..export.motion_files import Shot


def add_layout_options(parser: argparse.ArgumentParser) -> None:
    """Add --layout and --body."""
    parser.add_argument(
        "--layout",
        metavar="NAME",
        help="write the .npz as SMPL parameters, as AMASS does: smpl, smplh or smplx (default: plain arrays)",
    )
    parser.add_argument(
        "--body", type=Path, metavar="MODEL", help="the body model file (.npz, .pkl) that will perform the motion"
    )


def writer_of(args: argparse.Namespace) -> Callable[[Shot, Path], None]:
    """The function that writes a shot by the options; everything is checked before any work.

    Raises:
        InvalidRequest: The options do not fit together, or the file is no body model of the layout.
    """
    from ..export.motion_files import save

    if args.layout is None:
        if args.body is not None:
            raise InvalidRequest("A body model is for SMPL parameters: give --layout smpl, smplh or smplx too.")
        return save
    if args.out is not None and args.out.suffix.lower() != ".npz":
        raise InvalidRequest(f"SMPL parameters are written as .npz, not as {args.out.name!r}.")
    from ..export.parameter_output import body_for, save_parameters
    from ..smpl.body_parameters import BodyMotion

    layout, model = str(args.layout), body_for(args.layout, args.body)

    def write(shot: Shot, file: Path) -> None:
        save_parameters(BodyMotion(shot.clip), file, layout, model, shot.prompt)

    return write
