"""Motion longer than the model's limit, or that goes on from another: free takes, stitched where they fit best.

A network that is given the end of one segment to go on from makes each segment tamer than the one before. So each
segment is sampled freely, in several candidates of one batch. A candidate is stitched to the motion before at their
best-matching frames (`postprocess.stitching`); one that fits and is as lively as the others is kept. A path is shown to
the network straightened, so that segments are joined along a line and bent together. Feet, path and pins are
post-processed once, over the whole motion, so that a foot that stands across a seam stays locked.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..array_types import FloatArray
from ..errors import Cancelled
from ..motion import head_hands
from ..motion.features import contacts_from_features, standing_joints
from ..motion.skeleton import FPS, JOINT_COUNT
from ..motion.world_transform import Placement, unplace_joints
from ..postprocess.gait_fitting import frames_to_play, gait_times
from ..postprocess.setting_off import LONGEST, best_entry, entered, entry_times
from ..postprocess.stitching import SEAM, Seam, best_seams, body_speed, seam_jerk, seam_jerk_share, stitched, usual_jerk
from ..postprocess.transitions import aligned, at_origin, match_start, placement_of
from .action_parts import ActionPart
from .generated_motion import GeneratedMotion
from .motion_model import MotionModel, Progress
from .path_gait import cadence_of
from .pin_approach import approached, restore_request
from .postprocessing import postprocess_motion
from .request import Hints, Request
from .variations import another_take

SLACK = 24
"""Frames over which the beginning of a seam is searched in the motion before, and by which its time may be shifted."""
CANDIDATES = 4
"""Number of candidates for each segment, sampled in one batch."""
SEAMS = 4
"""Number of seams that are tried for each candidate."""
JOLT, CALM = 0.2, 0.5
"""Metres: cost of a seam with as much jerk again as the 99th percentile of the motion before, beyond this share."""
LIVELY = 0.45
"""Metres: cost of a candidate without any movement, beside the cost of its seam."""
KEPT, QUIET = 0.85, 0.08
"""A motion that goes on from another is stitched to a free take if it moves less than this share of free takes, and if
those move faster than the second number, m/s."""
CONTINUATIONS = 6
"""Number of free takes from which the one is chosen that goes on from a start."""
ENTRY = 32
"""Frames of a free take among which the one is searched that goes on from a start: a walk's two steps, and more."""
SHORTEST_FREE = 2 * SLACK + SEAM
"""Frames after a start from which a motion is made of free takes."""
SEED_STEP = 1_000_003
"""Segment k uses the seed plus k times this number."""


@dataclass(frozen=True, eq=False)
class Piece:
    """Sampled frames.

    Attributes:
        joints: (T, 22, 3) metres, Y up.
        contacts: (T, 4) in 0..1.
        rotations: (T, 3, 4) quaternions of head and hands, or None.
        seams: First and last frame of each crossfade.
    """

    joints: FloatArray
    contacts: FloatArray
    rotations: FloatArray | None
    seams: tuple[tuple[int, int], ...] = ()

    @property
    def frames(self) -> int:
        """Number of frames."""
        return len(self.joints)


def piece_of(features: FloatArray) -> Piece:
    """The frames that the network sampled, from features (T, 263 or 281)."""
    return Piece(
        standing_joints(features).astype(np.float64),
        contacts_from_features(features),
        head_hands.from_motion_features(features),
    )


def unchanging(piece: Piece) -> Piece:
    """The piece with arrays that cannot be written, to be kept for several requests."""
    for array in (piece.joints, piece.contacts, piece.rotations):
        if array is not None:
            array.flags.writeable = False
    return piece


def lengthened(piece: Piece, frames: int) -> Piece:
    """Lengthen a walk by stitching it to itself where it fits best, until it has so many frames.

    Args:
        piece: The walk.
        frames: Number of frames to reach.

    Returns:
        The longer walk; a piece that is too short to be stitched stays.
    """
    again, usual = piece, liveliness(piece.joints)
    while piece.frames < frames and again.frames >= 2 * SLACK + 2 * SEAM:
        latest = piece.frames - SEAM
        piece = _joined(piece, [again], (latest - SLACK, latest), (SLACK // 2, again.frames // 2), usual)
    return piece


def fitted_to_path(request: Request, piece: Piece) -> Piece | None:
    """Lengthen a walk that was sampled without its path so far that its steps can be played at the path's speed.

    Args:
        request: A request with a `cadence_of`.
        piece: The walk, with the first frames of the request's start.

    Returns:
        The walk; None: it does more than walk, and has to be sampled with its path.
    """
    cadence, path = cadence_of(request), None if request.hints is None else request.hints.root_xz
    assert cadence is not None and path is not None
    begin = 0 if request.start is None else request.start.frames - 1
    xz = np.asarray(path, np.float64)
    frames = begin + frames_to_play(piece.joints[begin:], xz[begin:], cadence)
    longer = lengthened(piece, max(frames, len(xz) + 1))  # longer than the path: `postprocessing.fit_gait`
    if longer.frames <= len(xz):
        return None
    return None if gait_times(longer.joints, xz, cadence, begin) is None else longer


def needs_stitching(request: Request, longest: int) -> bool:
    """Whether a request is generated by `generate_chained`: it is long, or it goes on from another motion.

    Args:
        request: The request.
        longest: Largest number of frames that the model samples at a time.
    """
    if request.frames > longest:
        return True
    free = 0 if request.start is None else request.frames - request.start.frames
    return request.end is None and free >= SHORTEST_FREE


def generate_chained(
    model: MotionModel, request: Request, progress: Progress | None = None, cancel: Callable[[], bool] | None = None
) -> list[GeneratedMotion]:
    """Generate the motions of a request that is longer than the model's own limit or that goes on from another motion.

    Args:
        model: The model.
        request: The request.
        progress: As in `MotionLCM.generate`.
        cancel: As in `MotionLCM.generate`.

    Returns:
        The motions, as from `MotionLCM.generate`.

    Raises:
        Cancelled: `cancel` returned True.
    """
    motions = []
    for take in range(request.takes):
        single = another_take(request, take)

        def on_progress(fraction: float, what: str, take: int = take) -> None:
            if cancel is not None and cancel():
                raise Cancelled
            if progress is not None:
                progress((take + fraction) / request.takes, what)

        motions.append(_take(model, single, on_progress))
    return motions


def _take(model: MotionModel, request: Request, on_progress: Progress) -> GeneratedMotion:
    began = time.perf_counter()
    if cadence_of(request) is not None:
        made, number = _walk(model, replace(request, hints=None, facing=None), on_progress)
        fitted = fitted_to_path(request, made)
        if fitted is not None:
            return finished_motion(request, fitted, number, fitted.frames, began)
    made, number = stitched_segments(model, request, on_progress)
    on_progress(0.96, "Post-processing")
    led = approached(request, made.joints[: request.frames])
    if led is not None:
        return restore_request(_take(model, led, on_progress), request)
    return finished_motion(request, made, number, request.frames, began)


def _walk(model: MotionModel, request: Request, on_progress: Progress) -> tuple[Piece, int]:
    """As `stitched_segments`, kept for the next request that differs in its path alone, as while a path is dragged."""
    if request.start is not None:
        return stitched_segments(model, request, on_progress)

    def make() -> tuple[Piece, int]:
        made, number = stitched_segments(model, request, on_progress)
        return unchanging(made), number

    return model.walks.get(("stitched", request), make)


def finished_motion(
    request: Request, made: Piece, number: int, frames: int, began: float, parts: Sequence[ActionPart] = ()
) -> GeneratedMotion:
    """Post-process the first frames of stitched segments; parts: their actions, if there are several."""
    rotations = None if made.rotations is None else made.rotations[:frames]
    report = {"pieces": float(number)} if number > 1 else {}
    motion = postprocess_motion(
        request, made.joints[:frames], made.contacts[:frames], report, began, head_hands=rotations, parts=parts
    )
    if not made.seams or frames != motion.frames:
        return motion
    jerk = seam_jerk_share(motion.joints, made.seams)
    return replace(motion, report=motion.report | {"seam_jerk_share": jerk})


def stitched_segments(model: MotionModel, request: Request, on_progress: Progress) -> tuple[Piece, int]:
    """Sample the segments of a take and stitch them; at least the frames of the request, and the number of segments."""
    longest = model.folder.frames[1] if model.folder is not None else request.frames
    slack = min(SLACK, (longest - SEAM) // 4)
    on_progress(0.0, "Sampling")
    made = _first(model, request, min(longest, request.frames))
    speeds = [liveliness(made.joints)]
    number = 1
    if request.start is not None:
        made = _continued(model, request, made, slack, longest)
    while made.frames < request.frames:
        on_progress(0.95 * made.frames / request.frames, f"Sampling, segment {number + 1}")
        earliest = made.frames - slack - SEAM
        origin = earliest - slack
        length = min(longest, request.frames + slack - origin)
        own = replace(another_take(request, SEED_STEP * number), takes=CANDIDATES)
        where = placement_of(made.joints[origin : origin + 1])
        pieces = sampled_pieces(model, _segment(own, origin, length, where))
        speeds += [liveliness(piece.joints) for piece in pieces]
        made = _joined(made, pieces, (earliest, earliest + slack), (0, 2 * slack), float(np.median(speeds)))
        number += 1
    return made, number


def _first(model: MotionModel, request: Request, longest: int) -> Piece:
    """The first segment; with a start its first frames are those of the start."""
    first = replace(_segment(request, 0, longest, Placement(np.zeros(3))), start=request.start, takes=1)
    piece = sampled_pieces(model, first)[0]
    if request.start is None:
        return piece
    joints = aligned(piece.joints, at_origin(request.start.joints))
    return replace(piece, joints=match_start(joints, request.start.joints))


def _continued(model: MotionModel, request: Request, made: Piece, slack: int, longest: int) -> Piece:
    """Replace what follows the start by the best of several free takes, if it moves less than they do.

    A network that is shown the first frames damps what follows them.
    """
    assert request.start is not None
    first = request.start.frames
    origin = max(0, first - slack) if request.hints is not None else first - 1
    latest = first - 1 - origin + slack if request.hints is not None else ENTRY
    length = min(longest, request.frames - origin + latest + LONGEST)
    if length < latest + SEAM:
        return made
    own = replace(another_take(request, SEED_STEP), takes=CONTINUATIONS)
    where = placement_of(made.joints[origin : origin + 1])
    free = sampled_pieces(model, _segment(own, origin, length, where))
    usual = float(np.median([liveliness(piece.joints) for piece in free]))
    if usual < QUIET or liveliness(made.joints[first:]) > KEPT * usual:
        return made
    return entered_piece(request.start.joints, free, latest, usual)


def entered_piece(start: FloatArray, candidates: list[Piece], latest: int, usual: float) -> Piece:
    """The start with the best candidate played from a frame that is like the last one of the start."""
    given = at_origin(start)
    entries = [best_entry(given, piece.joints, latest) for piece in candidates]
    scores = [
        entry.cost + LIVELY * max(0.0, 1.0 - liveliness(piece.joints[entry.frame :]) / max(usual, 1e-6))
        for entry, piece in zip(entries, candidates, strict=True)
    ]
    best = int(np.argmin(scores))
    piece, count = candidates[best], len(given)
    fade, times = entries[best].fade, entry_times(entries[best], count, piece.frames)
    rotations = None if piece.rotations is None else head_hands.resampled(piece.rotations, times).astype(np.float32)
    return Piece(
        match_start(entered(given, piece.joints, times), start, fade),
        piece.contacts[np.rint(times).astype(int)],
        rotations,
        ((count - 1, count - 1 + fade),),
    )


def liveliness(joints: FloatArray) -> float:
    """Mean speed of the body and a part of that of the pelvis over the floor, m/s, of (T, 22, 3) metres."""
    travel = np.linalg.norm(joints[-1, 0, [0, 2]] - joints[0, 0, [0, 2]]) * FPS / max(len(joints) - 1, 1)
    return body_speed(joints) + 0.3 * float(travel)


def sampled_pieces(model: MotionModel, request: Request) -> list[Piece]:
    """The takes of a request, as the network makes them."""
    return [piece_of(features) for features in model.features(request)]


def _joined(
    made: Piece,
    candidates: list[Piece],
    before: tuple[int, int],
    after: tuple[int, int],
    usual: float,
) -> Piece:
    """The motion so far with the best candidate stitched to it; usual: liveliness of the segments, m/s."""
    scores: list[tuple[float, int, Seam]] = []
    jerk = usual_jerk(made.joints)
    for number, piece in enumerate(candidates):
        for seam in best_seams(made.joints, piece.joints, before, after, SEAMS):
            dull = max(0.0, 1.0 - liveliness(piece.joints[seam.after :]) / max(usual, 1e-6))
            jolt = max(0.0, seam_jerk(made.joints, piece.joints, seam) / max(jerk, 1e-6) - CALM)
            scores.append((seam.cost + LIVELY * dull + JOLT * jolt, number, seam))
    _, number, seam = min(scores, key=lambda score: score[0])
    piece = candidates[number]
    fade = np.arange(1, SEAM + 1) / (SEAM + 1.0)
    shared = slice(seam.before, seam.before + SEAM), slice(seam.after, seam.after + SEAM)
    contacts = (1.0 - fade)[:, None] * made.contacts[shared[0]] + fade[:, None] * piece.contacts[shared[1]]
    rotations = None
    if made.rotations is not None and piece.rotations is not None:
        mixed = head_hands.blended(made.rotations[shared[0]], piece.rotations[shared[1]], fade)
        parts = (made.rotations[: seam.before], mixed, piece.rotations[seam.after + SEAM :])
        rotations = np.concatenate(parts).astype(np.float32)
    return Piece(
        stitched(made.joints, piece.joints, seam),
        np.concatenate([made.contacts[: seam.before], contacts, piece.contacts[seam.after + SEAM :]]),
        rotations,
        (*made.seams, (seam.before, seam.before + SEAM - 1)),
    )


def _segment(request: Request, first: int, length: int, where: Placement) -> Request:
    """The request of a segment whose frame 0 is frame `first` of the whole, at a place in the whole motion's frame."""
    ends = request.end is not None and not request.end_anywhere and first + length >= request.frames
    end = None
    if ends and request.end is not None:
        end = replace(request.end, joints=unplace_joints(request.end.joints.astype(np.float64), where))
        length = request.frames - first
    return replace(
        request,
        frames=length,
        start=None,
        end=end,
        facing=None,
        hints=_hints(request.hints, first, length, where),
    )


def _hints(hints: Hints | None, first: int, length: int, where: Placement) -> Hints | None:
    """Hints of `length` frames from `first` in the frame of a segment; None if there are none.

    A path goes on after its end as it ends. A position is rotated with its segment, so x and z belong together: a
    position with only one of them is left out.
    """
    if hints is None:
        return None
    positions, mask = hints.positions[first : first + length], hints.mask[first : first + length].copy()
    missing = length - len(positions)
    if missing > 0:
        more = np.zeros((missing, JOINT_COUNT, 3), np.float32)
        given = np.zeros(more.shape, bool)
        if hints.root_xz is not None:
            step = hints.positions[-1, 0] - hints.positions[-2, 0]
            more[:, 0] = hints.positions[-1, 0] + np.arange(1, missing + 1)[:, None] * step
            given[:, 0, [0, 2]] = True
        positions, mask = np.concatenate([positions, more]), np.concatenate([mask, given])
    if where.heading != 0.0:
        both = mask[..., 0] & mask[..., 2]
        mask[..., 0] = mask[..., 2] = both
    if not mask.any():
        return None
    return Hints(unplace_joints(positions.astype(np.float64), where).astype(np.float32), mask)
