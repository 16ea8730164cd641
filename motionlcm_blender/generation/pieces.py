"""Sampled frames that are joined to one motion, and the free take that goes on best from given frames."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..array_types import FloatArray
from ..motion import head_hands
from ..motion.features import contacts_from_features, standing_joints
from ..motion.skeleton import FPS
from ..postprocess.setting_off import Entry, best_entry, entered, entry_times
from ..postprocess.stitching import body_speed, joint_jerk
from ..postprocess.transitions import at_origin, match_start

JOLT, CALM = 0.2, 0.5
"""Metres: cost of a seam with as much jerk again as the 99th percentile of the motion before, beyond this share."""
LIVELY = 0.45
"""Metres: cost of a candidate without any movement, beside the cost of its seam."""


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


def entered_piece(start: FloatArray, candidates: list[Piece], latest: int, usual: float, smooth: bool = False) -> Piece:
    """The start with the best candidate played from a frame that is like the last one of the start.

    Args:
        start: (n, 22, 3) metres.
        candidates: Free takes.
        latest: Last frame at which a take may be entered.
        usual: Liveliness of the takes, m/s.
        smooth: Whether the jerk of the entry counts, too; each candidate is then entered to measure it.
    """
    given = at_origin(start)
    entries = [best_entry(given, piece.joints, latest) for piece in candidates]
    scores = [
        entry.cost + LIVELY * max(0.0, 1.0 - liveliness(piece.joints[entry.frame :]) / max(usual, 1e-6))
        for entry, piece in zip(entries, candidates, strict=True)
    ]
    if not smooth:
        best = int(np.argmin(scores))
        return _entered(start, given, candidates[best], entries[best])
    made = [_entered(start, given, piece, entry) for piece, entry in zip(candidates, entries, strict=True)]
    for number, piece in enumerate(made):
        first, last = piece.seams[0]
        jerk = joint_jerk(piece.joints[max(0, first - 4) : last + 4])
        scores[number] += JOLT * max(0.0, jerk / max(joint_jerk(candidates[number].joints), 1e-6) - CALM)
    return made[int(np.argmin(scores))]


def _entered(start: FloatArray, given: FloatArray, piece: Piece, entry: Entry) -> Piece:
    """The start with a free take played from an entry; given: the start at the origin."""
    count, fade, times = len(given), entry.fade, entry_times(entry, len(given), piece.frames)
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
