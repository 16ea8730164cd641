"""Computes the numbers of `text/captured_speeds.py`: how much captured motion of each kind moves.

    python -m motionlcm_blender.training.captured_speeds FOLDER

FOLDER is what `motionlcm prepare` wrote. The program prints the table.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ..array_types import FloatArray
from ..motion.body_fit import onto_rig
from ..motion.visible_measures import body_speeds
from ..text.motion_kinds import KINDS, OTHER, motion_kind
from .data.motion_data import MotionData, Segment, load_motion_data

FEWEST = 12
"""Segments of a kind below which no number is given."""
SHORTEST = 20
"""Frames; a shorter segment has no speed."""


def captured_speeds(data: MotionData) -> dict[str, float]:
    """Median body speed of the segments of the training clips by kind, m/s.

    The plainest caption gives the kind. Segments that need a prop, or are unclear, are left out.
    """
    found: dict[str, list[float]] = defaultdict(list)
    for segment, speed in segment_speeds(data):
        if not segment.prop:
            found[motion_kind(segment.captions[0])].append(speed)
    order = (*(name for name, _ in KINDS), OTHER)
    return {name: float(np.median(found[name])) for name in order if len(found[name]) >= FEWEST}


def segment_speeds(data: MotionData) -> Iterator[tuple[Segment, float]]:
    """The captioned segments of the training clips with their body speeds, m/s; unclear ones are left out."""
    fitted: dict[str, FloatArray] = {}
    for segment in data.segments:
        if segment.clip in data.test or segment.unclear or not segment.captions:
            continue
        if segment.clip not in fitted:
            fitted = {segment.clip: onto_rig(data.clips[segment.clip])}  # segments come by clip
        joints = MotionData(fitted, (), frozenset()).joints(segment)
        if len(joints) >= SHORTEST:
            yield segment, float(body_speeds(joints).mean())


def main(folder: str) -> None:
    """Print the table."""
    speeds = captured_speeds(load_motion_data(Path(folder)))
    print("BODY_SPEEDS: dict[str, float] = {")
    for name, speed in speeds.items():
        print(f'    "{name}": {speed:.3f},')
    print("}")


if __name__ == "__main__":
    main(sys.argv[1])
