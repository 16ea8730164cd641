"""Actions found in captured motion by its joints and its captions: arms up, kicks, jumps, side steps, turns.

Which side moves, how often it jumps and how far it turns is measured, by the definitions that the evaluation of
obedience uses too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ...array_types import BoolArray, FloatArray
from ...motion.foot_contacts import floor_height
from ...motion.skeleton import FPS, JOINTS, L_ANKLE, L_FOOT, R_ANKLE, R_FOOT
from . import action_detectors as see
from .action_detectors import Side
from .clip_pool import segment_piece
from .motion_data import Segment
from .motion_piece import MotionPiece

_J = {name: index for index, name in enumerate(JOINTS)}
_SIDES = (Side.LEFT, Side.RIGHT)
_WAVE = re.compile(r"\bwav(e|es|ing)\b", re.I)
_RAISE_ARM = re.compile(r"\b(rais|lift|hold|point)\w*\b[^.|]*\b(arm|hand)", re.I)
_KICK = re.compile(r"\bkick", re.I)
_RAISE_LEG = re.compile(r"\b(rais|lift|balanc|knee)\w*\b[^.|]*\b(leg|knee|foot)", re.I)
_JUMP = re.compile(r"\b(jump|hop|leap)", re.I)
_TURN = re.compile(r"\b(turns?|turning|rotates?|spins?)\b", re.I)
_NOT_ON_THE_FLOOR = re.compile(r"\b(bar|bars|ladder|climb|rung|sit|sits|seat|cartwheel|swim|roll|crawl|stairs?)", re.I)
_DANCE = re.compile(r"\b(danc|salsa|ballet|charleston|arabesque|cartwheel|pirouette)", re.I)
_OTHER_LEG_WORK = re.compile(
    r"\b(walk|run|jog|march|kick|jump|hop|leap|throw|pitch|cartwheel|punch|strid|handstand)", re.I
)
_THROW = re.compile(r"\b(throw|pitch|bat|golf|swing|danc|salsa|ballet|charleston|pirouette|jump|leap)", re.I)


@dataclass(frozen=True, eq=False)
class CapturedData:
    """Clips on the model's skeleton, by name, and the captioned segments of these clips."""

    pieces: dict[str, MotionPiece]
    segments: tuple[Segment, ...]

    def piece(self, segment: Segment) -> MotionPiece:
        """The frames of a segment."""
        return segment_piece(self.pieces[segment.clip], segment)


@dataclass(frozen=True)
class ActionPiece:
    """What happens from frame `first` to `end` of a piece; the side, and whether it is a wave."""

    source: MotionPiece
    first: int
    end: int
    side: Side
    waves: bool = False


def _with_caption(data: CapturedData, what: re.Pattern[str], but: re.Pattern[str] | None = None) -> Iterator[Segment]:
    for segment in data.segments:
        text = "|".join(segment.captions)
        if what.search(text) and not (but and but.search(text)):
            yield segment


def _stretches(flags: BoolArray) -> Iterator[tuple[Side, int, int]]:
    """Side, first frame and end of each stretch of True in flags (T, 2), left and right; gaps of a frame are filled."""
    for k, side in enumerate(_SIDES):
        for first, end in see.runs(see.closed(flags[:, k])):
            yield side, first, end


def standing_pieces(data: CapturedData, frames: int = 40) -> list[MotionPiece]:
    """Stretches of `frames` or more in which a figure stands upright, arms hanging, feet together, and goes nowhere."""
    pieces = []
    for piece in data.pieces.values():
        joints = piece.joints
        if len(joints) < frames or piece.prop:
            continue
        pelvis = joints[:, 0]
        slow = np.linalg.norm(np.gradient(pelvis[:, [0, 2]], axis=0), axis=-1) * FPS < 0.15
        turning = np.abs(np.gradient(see.heading(joints))) * FPS < 0.5
        wrists = joints[:, [_J["l_wrist"], _J["r_wrist"]]] - pelvis[:, None]
        hanging = ((wrists[..., 1] < 0.06) & (np.linalg.norm(wrists[..., [0, 2]], axis=-1) < 0.42)).all(-1)
        neck = joints[:, _J["neck"]] - pelvis
        upright = (neck[:, 1] > 0.42) & (joints[:, _J["neck"], 1] - joints[:, L_ANKLE, 1] > 1.18)
        feet = joints[:, L_ANKLE] - joints[:, R_ANKLE]
        together = (np.abs(feet[:, 1]) < 0.05) & (np.linalg.norm(feet[:, [0, 2]], axis=-1) < 0.36)
        flags = slow & turning & hanging & upright & together
        for first, end in see.runs(flags):
            if end - first >= frames:
                pieces.append(piece.cut(first, end))
    return pieces


def arm_gestures(data: CapturedData) -> Iterator[ActionPiece]:
    """One arm going up and down again while the other stays low, with captions about arms or waving."""
    for pattern, waves in ((_WAVE, True), (_RAISE_ARM, False)):
        for segment in _with_caption(data, pattern, _NOT_ON_THE_FLOOR):
            text = "|".join(segment.captions)
            if _DANCE.search(text) or (not waves and _WAVE.search(text)):
                continue
            piece = data.piece(segment)
            joints = piece.joints
            if len(joints) < 20:
                continue
            up = see.arms_up(joints)
            for side, first, end in _stretches(up):
                start, stop = max(0, first - 14), min(len(joints), end + 14)
                if end - first < 6 or stop - start > 110 or see.raised_arm(joints[start:stop]) is not side:
                    continue
                yield ActionPiece(piece, start, stop, side, waves)


def kicks_of(data: CapturedData) -> Iterator[ActionPiece]:
    """Kicks, each by the frame where the foot is highest and farthest."""
    for segment in _with_caption(data, _KICK, _NOT_ON_THE_FLOOR):
        if _DANCE.search("|".join(segment.captions)):
            continue
        piece = data.piece(segment)
        joints = piece.joints
        if len(joints) < 24:
            continue
        ankles = joints[:, [L_ANKLE, R_ANKLE]] - joints[:, :1]
        score = np.maximum(see.ankle_lift(joints), 0) * np.linalg.norm(ankles[..., [0, 2]], axis=-1)
        for side, first, end in _stretches(see.ankle_lift(joints) > see.KICK_LIFT):
            peak = first + int(score[first:end, _SIDES.index(side)].argmax())
            if see.kicking_leg(joints[max(0, peak - 14) : peak + 12]) is side:
                yield ActionPiece(piece, peak, peak + 1, side)


def leg_raises_of(data: CapturedData) -> Iterator[ActionPiece]:
    """A leg lifted and held, or let down again."""
    for segment in _with_caption(data, _RAISE_LEG, _NOT_ON_THE_FLOOR):
        piece = data.piece(segment)
        joints = piece.joints
        if len(joints) < 24 or _OTHER_LEG_WORK.search("|".join(segment.captions)):
            continue
        for side, first, end in _stretches(see.ankle_lift(joints) > see.LEG_LIFT):
            if 8 <= end - first <= 90:
                yield ActionPiece(piece, first, end, side)


def single_jumps(data: CapturedData) -> Iterator[ActionPiece]:
    """From standing to standing with one jump between."""
    without = re.compile(
        r"\b(run|runs|running|spin|jack|jacks|legs? |one foot|left foot|right foot|obstacle|over|down|danc|grab|drop)",
        re.I,
    )
    for segment in _with_caption(data, _JUMP, _NOT_ON_THE_FLOOR):
        if without.search("|".join(segment.captions)):
            continue
        piece = data.piece(segment)
        joints = piece.joints
        if len(joints) < 24 or see.count_jumps(joints) < 1:
            continue
        feet = joints[:, [L_FOOT, R_FOOT], 1].min(1) - floor_height(joints)
        tall = joints[:, _J["neck"], 1] - joints[:, [L_ANKLE, R_ANKLE], 1].min(1)
        upright = np.percentile(tall, 90) - 0.06
        for first, end in see.runs(see.closed(feet > see.AIR)):
            before = [t for t in range(max(0, first - 26), first - 4) if tall[t] > upright]
            after = [t for t in range(end + 4, min(len(joints), end + 26)) if tall[t] > upright]
            if not before or not after:
                continue
            start, stop = max(before) - 2, min(after) + 3
            if start >= 0 and stop <= len(joints) and see.count_jumps(joints[start:stop]) == 1:
                yield ActionPiece(piece, start, stop, Side.LEFT)


def side_steps(data: CapturedData, frames: int = 40) -> Iterator[ActionPiece]:
    """Stretches in which a figure goes sideways without turning, with any caption."""
    for piece in data.pieces.values():
        joints, start = piece.joints, 0
        while start + frames <= len(joints) and not piece.prop:
            window = joints[start : start + frames]
            side = see.sidestepped_to(window)
            if side is not None and _goes_aside(window):
                stop = start + frames
                while stop + 5 <= len(joints) and stop - start < 120 and _goes_aside(joints[start : stop + 5]):
                    stop += 5
                yield ActionPiece(piece, start, stop, side)
                start = stop
            else:
                start += 8


def _goes_aside(piece: FloatArray) -> bool:
    forward, left = see.own_travel(piece)
    upright = (piece[:, _J["neck"], 1] - piece[:, 0, 1]).min() > 0.35 and piece[:, 0, 1].min() > 0.65
    steady = np.ptp(see.heading(piece)) < np.radians(40)
    aside = abs(left) > 2.0 * abs(forward) and 0.35 < see.speed(piece) < 1.6
    return bool(upright and steady and aside and see.count_jumps(piece) == 0)


def turns_around(data: CapturedData) -> Iterator[ActionPiece]:
    """About half a turn on the spot or nearly so, with captions about turning."""
    for segment in _with_caption(data, _TURN, _NOT_ON_THE_FLOOR):
        if _THROW.search("|".join(segment.captions)):
            continue
        piece = data.piece(segment)
        joints = piece.joints
        if len(joints) < 24:
            continue
        facing = see.heading(joints)
        turning = np.abs(np.gradient(facing)) * FPS > 0.6
        for first, end in see.runs(see.closed(turning)):
            angle = facing[end - 1] - facing[first]
            gone = np.linalg.norm(joints[end - 1, 0, [0, 2]] - joints[first, 0, [0, 2]])
            if np.radians(135) <= abs(angle) <= np.radians(235) and gone < 1.2:
                yield ActionPiece(piece, first, end, Side.LEFT if angle > 0 else Side.RIGHT)
