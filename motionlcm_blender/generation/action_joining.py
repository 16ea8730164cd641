"""Motion of several actions one after the other: free takes of each, joined where they fit best.

The network makes one action of a few seconds well and mixes several. So each action is sampled freely, in several
candidates of one batch, and the one that goes on best from the frames before it is entered there, as a shot goes on
from another (`postprocess.setting_off`). Feet, turns and gestures are post-processed once, over the whole motion.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from ..array_types import FloatArray
from ..errors import Cancelled
from ..motion import head_hands
from ..motion.motion import Motion
from ..motion.smoothing import smoothstep
from ..motion.world_transform import place_joints
from ..postprocess.path_following import resampled_joints
from ..postprocess.transitions import placement_of
from .action_parts import ActionPart
from .generated_motion import GeneratedMotion
from .long_motion import CONTINUATIONS, finished_motion, sampled_pieces, stitched_segments
from .motion_model import MotionModel, Progress, silent
from .pieces import Piece, entered_piece, liveliness
from .request import START_FRAMES, Request
from .variations import another_take

ENTRY, EXTRA = 8, 6
"""Frames of a free take among which the one is searched that goes on from the action before, and frames by which a take
is longer than its part. What is left from the entry on is played in the time of the part, so that no action is cut."""
EASE = 12
"""Frames within which the playback speed of a take reaches what brings its end to the end of the part."""
SEED_STEP = 7_000_003
"""Distance of the seeds of one part from those of the next."""


def generate_parts(
    model: MotionModel,
    request: Request,
    parts: Sequence[ActionPart],
    progress: Progress | None = None,
    cancel: Callable[[], bool] | None = None,
) -> list[GeneratedMotion]:
    """Generate the motions of a request whose prompt names several actions.

    Args:
        model: The model.
        request: The request.
        parts: From `action_parts.planned_parts`.
        progress: As in `MotionLCM.generate`.
        cancel: As in `MotionLCM.generate`.

    Returns:
        The motions, as from `MotionLCM.generate`.

    Raises:
        Cancelled: `cancel` returned True.
    """
    motions = []
    for take in range(request.takes):
        began, single = time.perf_counter(), another_take(request, take)
        made: Piece | None = None
        for number, part in enumerate(parts):
            if cancel is not None and cancel():
                raise Cancelled
            if progress is not None:
                progress((take + 0.95 * number / len(parts)) / request.takes, f"Sampling, action {number + 1}")
            own = replace(another_take(single, _seed_shift(single, number)), prompt=part.prompt, sequence=False)
            made = _first(model, own, part) if made is None else _joined(model, own, part, made)
        assert made is not None
        motions.append(finished_motion(single, made, len(parts), made.frames, began, parts))
    return motions


def _seed_shift(request: Request, number: int) -> int:
    """What is added to the seed for part `number`: the candidates of takes with adjoining seeds are all different."""
    seed = request.blends[-1].towards if request.blends else request.seed
    return (SEED_STEP * number + (CONTINUATIONS - 1) * seed) if number else 0


def _first(model: MotionModel, request: Request, part: ActionPart) -> Piece:
    """The first action, with the frames of a start before it."""
    made, _ = stitched_segments(model, replace(request, frames=part.end), silent)
    return _played(made, np.arange(part.end, dtype=np.float64))


def _joined(model: MotionModel, request: Request, part: ActionPart, made: Piece) -> Piece:
    """The motion so far and the next action, which goes on from its last frames."""
    count = min(START_FRAMES, made.frames)
    start = Motion(made.joints[-count:].astype(np.float32), made.contacts[-count:])
    frames = part.end - part.begin
    longest = model.folder.frames[1] if model.folder is not None else frames + EXTRA
    if frames + EXTRA > longest:
        following, _ = stitched_segments(model, replace(request, start=start, frames=count + frames), silent)
    else:
        free = sampled_pieces(model, replace(request, start=None, frames=frames + EXTRA, takes=CONTINUATIONS))
        usual = float(np.median([liveliness(piece.joints) for piece in free]))
        following = entered_piece(start.joints, free, ENTRY, usual, smooth=True)
        following = _played(following, _times(count, frames, following.frames))
    joints = place_joints(following.joints[count:], placement_of(made.joints[-count:]))
    rotations = None
    if made.rotations is not None and following.rotations is not None:
        rotations = np.concatenate([made.rotations, following.rotations[count:]])
    contacts = np.concatenate([made.contacts, following.contacts[count:]])
    seams = tuple((first - count + made.frames, last - count + made.frames) for first, last in following.seams)
    return Piece(np.concatenate([made.joints, joints]), contacts, rotations, (*made.seams, *seams))


def _times(count: int, frames: int, given: int) -> FloatArray:
    """Times at which what follows `count` frames is played in `frames` frames up to its end, with eased speed."""
    eased = smoothstep(np.arange(1, frames + 1), 0.0, min(EASE, 0.5 * frames))
    faster = (given - count - frames) / eased.sum()
    after: FloatArray = count - 1 + np.cumsum(1.0 + faster * eased)
    return np.concatenate([np.arange(count), np.minimum(after, given - 1.0)])


def _played(piece: Piece, times: FloatArray) -> Piece:
    """The piece at fractional frames."""
    rotations = None if piece.rotations is None else head_hands.resampled(piece.rotations, times).astype(np.float32)
    return Piece(
        resampled_joints(piece.joints, times),
        piece.contacts[np.rint(times).astype(int)],
        rotations,
        tuple(
            (int(np.searchsorted(times, a)), int(np.searchsorted(times, b))) for a, b in piece.seams if b <= times[-1]
        ),
    )
