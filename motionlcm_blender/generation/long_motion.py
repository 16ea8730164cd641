"""Motion longer than the model makes at a time: pieces that go on from one another.

Each piece is asked to begin with the last second of the one before (the initial-motion control of MotionLCM, Dai et al.
2024, section 3.3). Of a few that are made in one batch, the one that does so best is laid onto that second and faded in
over it (Kovar et al., Motion Graphs, SIGGRAPH 2002). At the end feet, path and pins are settled once over the whole, so
that a foot that stands across a seam stands still.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ..errors import Cancelled
from ..motion import head_hands
from ..motion.features import contacts_from_features, standing_joints
from ..motion.metrics import path_error
from ..motion.motion import Motion
from ..motion.skeleton import JOINT_COUNT
from ..motion.world_transform import Placement, place_joints, unplace_joints
from ..postprocess.foot_lock import FootLock
from ..postprocess.path_following import follow_path
from ..postprocess.transitions import aligned, crossfaded, match_start, placement_of
from .generated_motion import GeneratedMotion
from .motion_model import MotionModel, Progress
from .postprocessing import postprocess_motion
from .request import Hints, Request
from .variations import another_take

OVERLAP = 20
"""Frames of a piece that are the last ones of the piece before: a second."""
CANDIDATES = 4
"""Pieces made in one batch, to go on with the best."""
SEED_STEP = 1_000_003
"""Piece k is made with this many times k more than the seed."""


def pieces(frames: int, longest: int, overlap: int = OVERLAP) -> list[tuple[int, int]]:
    """(first, stop) frames of as few pieces as it takes, about equally long, each beginning `overlap` before the end of
    the one before; at most `longest` frames each, more than `overlap`."""
    if frames <= longest:
        return [(0, frames)]
    count = math.ceil((frames - overlap) / (longest - overlap))
    ends = np.rint(overlap + (frames - overlap) * np.arange(1, count + 1) / count).astype(int).tolist()
    starts = [0, *(end - overlap for end in ends[:-1])]
    return list(zip(starts, ends, strict=True))


def generate_chained(
    model: MotionModel, request: Request, progress: Progress | None = None, cancel: Callable[[], bool] | None = None
) -> list[GeneratedMotion]:
    """The motions of a request longer than the model's own limit; as `MotionLCM.generate` otherwise.

    model.folder must say that the model can go on from an earlier motion.
    """
    longest = model.folder.frames[1] if model.folder is not None else request.frames
    parts = pieces(request.frames, longest)
    made = []
    for take in range(request.takes):
        single = another_take(request, take)

        def on_progress(share: float, what: str, take: int = take) -> None:
            if progress is not None:
                progress((take + share) / request.takes, what)

        made.append(_take(model, single, parts, on_progress, cancel))
    return made


def _take(
    model: MotionModel,
    request: Request,
    parts: list[tuple[int, int]],
    on_progress: Progress,
    cancel: Callable[[], bool] | None,
) -> GeneratedMotion:
    began = time.perf_counter()
    joints = np.zeros((request.frames, JOINT_COUNT, 3))
    contacts = np.zeros((request.frames, 4))
    turns: np.ndarray | None = None
    errors: list[float] = []
    path = request.hints.root_xz if request.hints is not None else None
    for number, (first, stop) in enumerate(parts):
        if cancel is not None and cancel():
            raise Cancelled
        on_progress(0.95 * number / len(parts), f"Sampling, {number + 1} of {len(parts)}")
        start, where = request.start, Placement(np.zeros(3))
        if number:
            known = joints[first : first + OVERLAP]
            start, where = Motion(known.astype(np.float32), contacts[first : first + OVERLAP]), placement_of(known)
        end = request.end if stop == request.frames and not request.end_anywhere else None
        if end is not None:
            end = replace(end, joints=unplace_joints(end.joints.astype(np.float64), where))
        piece = replace(
            another_take(request, SEED_STEP * number),
            frames=stop - first,
            start=start,
            end=end,
            facing=None,
            takes=CANDIDATES if number else 1,
            hints=_hints(request.hints, first, stop, where),
        )
        features = model.features(piece)
        tries = [_tried(made, joints[first : first + OVERLAP] if number else None, where) for made in features]
        best = int(np.argmin([away for _, away in tries]))
        made, says = tries[best][0], contacts_from_features(features[best])
        turns = _joined_turns(turns, head_hands.from_motion_features(features[best]))
        if not number and request.start is not None:
            made = match_start(made, request.start.joints)
        if path is not None:
            errors.append(100.0 * path_error(made, path[first:stop]).mean)
            made = follow_path(made, says, path[first:stop], FootLock.OFF).joints
        if number:
            over = slice(first, first + OVERLAP)
            made[:OVERLAP] = crossfaded(joints[over], made[:OVERLAP])
            fade = np.arange(1, OVERLAP + 1)[:, None] / (OVERLAP + 1.0)
            says[:OVERLAP] = (1.0 - fade) * contacts[over] + fade * says[:OVERLAP]
        joints[first:stop], contacts[first:stop] = made, says
    on_progress(0.96, "Post-processing")
    report = {"network_path_mean_cm": float(np.mean(errors))} if errors else {}
    report |= {"pieces": float(len(parts))}
    return postprocess_motion(request, joints, contacts, report, began, head_hands=turns)


def _joined_turns(before: np.ndarray | None, piece: np.ndarray | None) -> np.ndarray | None:
    """Rotations of head and hands (T, 3, 4) with those of the next piece, faded over the frames that they share."""
    if before is None or piece is None:
        return piece
    fade = np.arange(1, OVERLAP + 1) / (OVERLAP + 1.0)
    shared = head_hands.blended(before[-OVERLAP:], piece[:OVERLAP], fade)
    return np.concatenate([before[:-OVERLAP], shared, piece[OVERLAP:]]).astype(np.float32)


def _tried(features: np.ndarray, known: np.ndarray | None, where: Placement) -> tuple[np.ndarray, float]:
    """A piece's joints in the whole's frame, laid onto the frames it should begin with, and how far it is from them."""
    joints = place_joints(standing_joints(features).astype(np.float64), where)
    if known is None:
        return joints, 0.0
    joints = aligned(joints, known)
    return joints, float(np.linalg.norm(joints[: len(known)] - known, axis=-1).mean())


def _hints(hints: Hints | None, first: int, stop: int, where: Placement) -> Hints | None:
    """The hints of some frames, seen from where a piece begins; None if there are none.

    A place is turned with its piece, so x and z go together: where only one of them is given, it is left out.
    """
    if hints is None:
        return None
    positions, mask = hints.positions[first:stop], hints.mask[first:stop].copy()
    if where.heading != 0.0:
        both = mask[..., 0] & mask[..., 2]
        mask[..., 0] = mask[..., 2] = both
    if not mask.any():
        return None
    return Hints(unplace_joints(positions.astype(np.float64), where).astype(np.float32), mask)
