"""Motion longer than the model's limit: segments that continue one another.

Each segment is generated to start with the last second of the one before (the initial-motion control of MotionLCM, Dai
et al. 2024, section 3.3). Of several candidates in one batch, the one that fits that second best is aligned with it
and crossfaded over it (Kovar et al., Motion Graphs, SIGGRAPH 2002). Feet, path and pins are post-processed once, over
the whole motion, so that a foot that stands across a seam stays locked.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ..array_types import FloatArray
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
"""Frames that a segment shares with the end of the segment before: one second."""
CANDIDATES = 4
"""Number of candidates for each segment, sampled in one batch."""
SEED_STEP = 1_000_003
"""Segment k uses the seed plus k times this number."""


def pieces(frames: int, longest: int, overlap: int = OVERLAP) -> list[tuple[int, int]]:
    """Divide a motion into as few segments of about equal length as possible.

    Args:
        frames: Length of the motion.
        longest: Largest length of a segment, more than `overlap`.
        overlap: Frames that neighbouring segments share.

    Returns:
        (first, stop) frames of each segment.
    """
    if frames <= longest:
        return [(0, frames)]
    count = math.ceil((frames - overlap) / (longest - overlap))
    ends = np.rint(overlap + (frames - overlap) * np.arange(1, count + 1) / count).astype(int).tolist()
    starts = [0, *(end - overlap for end in ends[:-1])]
    return list(zip(starts, ends, strict=True))


def generate_chained(
    model: MotionModel, request: Request, progress: Progress | None = None, cancel: Callable[[], bool] | None = None
) -> list[GeneratedMotion]:
    """Generate the motions of a request that is longer than the model's own limit.

    Args:
        model: The model; its folder must declare that it can continue an earlier motion.
        request: The request.
        progress: As in `MotionLCM.generate`.
        cancel: As in `MotionLCM.generate`.

    Returns:
        The motions, as from `MotionLCM.generate`.

    Raises:
        Cancelled: `cancel` returned True.
    """
    longest = model.folder.frames[1] if model.folder is not None else request.frames
    parts = pieces(request.frames, longest)
    motions = []
    for take in range(request.takes):
        single = another_take(request, take)

        def on_progress(fraction: float, what: str, take: int = take) -> None:
            if progress is not None:
                progress((take + fraction) / request.takes, what)

        motions.append(_take(model, single, parts, on_progress, cancel))
    return motions


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
    rotations: FloatArray | None = None
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
        tries = [_tried(sampled, joints[first : first + OVERLAP] if number else None, where) for sampled in features]
        best = int(np.argmin([distance for _, distance in tries]))
        sampled, contact_probability = tries[best][0], contacts_from_features(features[best])
        rotations = _joined_turns(rotations, head_hands.from_motion_features(features[best]))
        if not number and request.start is not None:
            sampled = match_start(sampled, request.start.joints)
        if path is not None:
            errors.append(100.0 * path_error(sampled, path[first:stop]).mean)
            sampled = follow_path(sampled, contact_probability, path[first:stop], FootLock.OFF).joints
        if number:
            over = slice(first, first + OVERLAP)
            sampled[:OVERLAP] = crossfaded(joints[over], sampled[:OVERLAP])
            fade = np.arange(1, OVERLAP + 1)[:, None] / (OVERLAP + 1.0)
            contact_probability[:OVERLAP] = (1.0 - fade) * contacts[over] + fade * contact_probability[:OVERLAP]
        joints[first:stop], contacts[first:stop] = sampled, contact_probability
    on_progress(0.96, "Post-processing")
    report = {"network_path_mean_cm": float(np.mean(errors))} if errors else {}
    report |= {"pieces": float(len(parts))}
    return postprocess_motion(request, joints, contacts, report, began, head_hands=rotations)


def _joined_turns(before: FloatArray | None, piece: FloatArray | None) -> FloatArray | None:
    """Append the head and hand rotations (T, 3, 4) of the next segment, blended over the shared frames."""
    if before is None or piece is None:
        return piece
    fade = np.arange(1, OVERLAP + 1) / (OVERLAP + 1.0)
    shared = head_hands.blended(before[-OVERLAP:], piece[:OVERLAP], fade)
    result: FloatArray | None = np.concatenate([before[:-OVERLAP], shared, piece[OVERLAP:]]).astype(np.float32)
    return result


def _tried(features: FloatArray, known: FloatArray | None, where: Placement) -> tuple[FloatArray, float]:
    """Joints of a candidate in the whole motion's frame, aligned with its given first frames, and their distance."""
    joints = place_joints(standing_joints(features).astype(np.float64), where)
    if known is None:
        return joints, 0.0
    joints = aligned(joints, known)
    return joints, float(np.linalg.norm(joints[: len(known)] - known, axis=-1).mean())


def _hints(hints: Hints | None, first: int, stop: int, where: Placement) -> Hints | None:
    """Hints of the frames first..stop in the frame of a segment; None if there are none.

    A position is rotated with its segment, so x and z belong together: a position with only one of them is left out.
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
