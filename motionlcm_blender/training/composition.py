"""Examples composed of captured pieces, for what animators ask and the captures hold too little of.

Arms of one clip on the body of another (as in SINC, Athanasiou et al. 2023), single actions cut out of longer clips
with a plain caption each, jumps joined one to the other and counted, side steps and turns found by what the motion
does. Which side moves, how often it jumps and how far it turns are told from the motion, by the definitions that the
evaluation of obedience uses too; the captions hold one of its two phrasings of each prompt, never the other. Joints
are (T, 22, 3) metres, Y up, on the model's skeleton.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..motion.skeleton import FPS, JOINTS, MAX_FRAMES
from . import augmentation
from .evaluation import detectors as see
from .evaluation.detectors import Side
from .motion_data import MotionData, Segment, mirror_caption

_J = {name: index for index, name in enumerate(JOINTS)}
_SIDES = (Side.LEFT, Side.RIGHT)
_ARMS = {
    Side.LEFT: (_J["l_shoulder"], _J["l_elbow"], _J["l_wrist"]),
    Side.RIGHT: (_J["r_shoulder"], _J["r_elbow"], _J["r_wrist"]),
}
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
_TIMES = {
    1: ("once", "one time", "one jump"),
    2: ("twice", "two times", "two jumps"),
    3: ("three times", "three times", "three jumps"),
    4: ("four times", "four times", "four jumps"),
}


@dataclass(frozen=True)
class Composed:
    """joints (T, 22, 3); captions; kind: what it was composed for."""

    joints: np.ndarray
    captions: tuple[str, ...]
    kind: str

    def mirrored(self) -> Composed:
        said = tuple(mirror_caption(c) for c in self.captions)
        return Composed(augmentation.mirror(self.joints), said, self.kind)


def compose(
    data: MotionData, walks: Sequence[np.ndarray], counts: Mapping[str, int], generator: np.random.Generator
) -> Iterator[Composed]:
    """`counts` examples of each kind: arm, kick, leg, jump, sidestep, around; half of them mirrored.

    data: the clips and segments to take from, on the model's skeleton; walks: gaits for arms to be put on. A kind of
    which the captures hold nothing yields nothing.
    """
    calm = standing_pieces(data)
    arms = list(arm_gestures(data))
    kicks, legs = list(kicks_of(data)), list(leg_raises_of(data))
    jumps, steps = list(single_jumps(data)), list(side_steps(data))
    turns = list(turns_around(data))
    makers: dict[str, tuple[Sequence[object], Callable[[], Composed | None]]] = {
        "arm": (arms if calm else (), lambda: _with_gesture(_one(arms, generator), calm, walks, generator)),
        "kick": (kicks, lambda: _action("kick", _one(kicks, generator), calm, generator)),
        "leg": (legs, lambda: _action("leg", _one(legs, generator), calm, generator)),
        "jump": (jumps, lambda: _jumps(jumps, calm, generator)),
        "sidestep": (steps, lambda: _side_step(_one(steps, generator), calm, generator)),
        "around": (turns, lambda: _turn_around(_one(turns, generator), calm, generator)),
    }
    for kind, count in counts.items():
        pieces, make = makers[kind]
        if not pieces:
            continue
        made = 0
        for _ in range(4 * count):  # a piece that, cut or joined, no longer does what is said is left out
            example = make()
            if example is None:
                continue
            yield example.mirrored() if made % 2 else example
            made += 1
            if made == count:
                break


def _one(pieces: Sequence[_Piece], generator: np.random.Generator) -> _Piece:
    return pieces[int(generator.integers(len(pieces)))]


@dataclass(frozen=True)
class _Piece:
    """joints of a whole segment; first and end of what happens in it; the side, and whether it is a wave."""

    joints: np.ndarray
    first: int
    end: int
    side: Side
    waves: bool = False


def _said(data: MotionData, what: re.Pattern[str], but: re.Pattern[str] | None = None) -> Iterator[Segment]:
    for segment in data.segments:
        text = "|".join(segment.captions)
        if segment.clip in data.clips and what.search(text) and not (but and but.search(text)):
            yield segment


def _stretches(flags: np.ndarray) -> Iterator[tuple[Side, int, int]]:
    """Side, first frame and end of each stretch of True in flags (T, 2), left and right; gaps of a frame are filled."""
    for k, side in enumerate(_SIDES):
        for first, end in see.runs(see.closed(flags[:, k])):
            yield side, first, end


def standing_pieces(data: MotionData, frames: int = 40) -> list[np.ndarray]:
    """Stretches of `frames` or more in which a figure stands upright with its arms down and goes nowhere."""
    pieces = []
    for joints in data.clips.values():
        if len(joints) < frames:
            continue
        pelvis = joints[:, 0]
        slow = np.linalg.norm(np.gradient(pelvis[:, [0, 2]], axis=0), axis=-1) * FPS < 0.15
        turning = np.abs(np.gradient(see.heading(joints))) * FPS < 0.5
        low = (joints[:, [_J["l_wrist"], _J["r_wrist"]], 1] < pelvis[:, None, 1] + 0.2).all(-1)
        tall = joints[:, _J["neck"], 1] - joints[:, see.L_ANKLE, 1] > 1.15
        level = np.abs(see.ankle_lift(joints)[:, 0]) < 0.08
        flags = slow & turning & low & tall & level
        for first, end in see.runs(flags):
            if end - first >= frames:
                pieces.append(joints[first:end])
    return pieces


def arm_gestures(data: MotionData) -> Iterator[_Piece]:
    """One arm going up and down again while the other stays low, in captions that speak of arms or waving."""
    for pattern, waves in ((_WAVE, True), (_RAISE_ARM, False)):
        for segment in _said(data, pattern, _NOT_ON_THE_FLOOR):
            text = "|".join(segment.captions)
            if _DANCE.search(text) or (not waves and _WAVE.search(text)):
                continue
            joints = data.joints(segment)
            if len(joints) < 20:
                continue
            up = see.arms_up(joints)
            for side, first, end in _stretches(up):
                start, stop = max(0, first - 14), min(len(joints), end + 14)
                if end - first < 6 or stop - start > 110 or see.raised_arm(joints[start:stop]) is not side:
                    continue
                yield _Piece(joints, start, stop, side, waves)


def kicks_of(data: MotionData) -> Iterator[_Piece]:
    """Kicks, each by the frame where the foot is highest and farthest."""
    for segment in _said(data, _KICK, _NOT_ON_THE_FLOOR):
        if _DANCE.search("|".join(segment.captions)):
            continue
        joints = data.joints(segment)
        if len(joints) < 24:
            continue
        ankles = joints[:, [see.L_ANKLE, see.R_ANKLE]] - joints[:, :1]
        score = np.maximum(see.ankle_lift(joints), 0) * np.linalg.norm(ankles[..., [0, 2]], axis=-1)
        for side, first, end in _stretches(see.ankle_lift(joints) > see.KICK_LIFT):
            peak = first + int(score[first:end, _SIDES.index(side)].argmax())
            if see.kicking_leg(joints[max(0, peak - 14) : peak + 12]) is side:
                yield _Piece(joints, peak, peak + 1, side)


def leg_raises_of(data: MotionData) -> Iterator[_Piece]:
    """A leg lifted and held, or let down again."""
    for segment in _said(data, _RAISE_LEG, _NOT_ON_THE_FLOOR):
        joints = data.joints(segment)
        if len(joints) < 24 or _OTHER_LEG_WORK.search("|".join(segment.captions)):
            continue
        for side, first, end in _stretches(see.ankle_lift(joints) > see.LEG_LIFT):
            if 8 <= end - first <= 90:
                yield _Piece(joints, first, end, side)


def single_jumps(data: MotionData) -> Iterator[_Piece]:
    """From standing to standing with one jump between."""
    without = re.compile(
        r"\b(run|runs|running|spin|jack|jacks|legs? |one foot|left foot|right foot|obstacle|over|down|danc|grab|drop)",
        re.I,
    )
    for segment in _said(data, _JUMP, _NOT_ON_THE_FLOOR):
        if without.search("|".join(segment.captions)):
            continue
        joints = data.joints(segment)
        if len(joints) < 24 or see.count_jumps(joints) < 1:
            continue
        feet = joints[:, [see.L_FOOT, see.R_FOOT], 1].min(1) - see.floor_height(joints)
        tall = joints[:, _J["neck"], 1] - joints[:, [see.L_ANKLE, see.R_ANKLE], 1].min(1)
        upright = np.percentile(tall, 90) - 0.06
        for first, end in see.runs(see.closed(feet > see.AIR)):
            before = [t for t in range(max(0, first - 26), first - 4) if tall[t] > upright]
            after = [t for t in range(end + 4, min(len(joints), end + 26)) if tall[t] > upright]
            if not before or not after:
                continue
            start, stop = max(before) - 2, min(after) + 3
            if start >= 0 and stop <= len(joints) and see.count_jumps(joints[start:stop]) == 1:
                yield _Piece(joints, start, stop, Side.LEFT)


def side_steps(data: MotionData, frames: int = 40) -> Iterator[_Piece]:
    """Stretches in which a figure goes sideways without turning, whatever was said of them."""
    for joints in data.clips.values():
        start = 0
        while start + frames <= len(joints):
            piece = joints[start : start + frames]
            side = see.sidestepped_to(piece)
            if side is not None and _goes_aside(piece):
                stop = start + frames
                while stop + 5 <= len(joints) and stop - start < 120 and _goes_aside(joints[start : stop + 5]):
                    stop += 5
                yield _Piece(joints, start, stop, side)
                start = stop
            else:
                start += 8


def _goes_aside(piece: np.ndarray) -> bool:
    forward, left = see.own_travel(piece)
    upright = (piece[:, _J["neck"], 1] - piece[:, 0, 1]).min() > 0.35 and piece[:, 0, 1].min() > 0.65
    steady = np.ptp(see.heading(piece)) < np.radians(40)
    aside = abs(left) > 2.0 * abs(forward) and 0.35 < see.speed(piece) < 1.6
    return bool(upright and steady and aside and see.count_jumps(piece) == 0)


def turns_around(data: MotionData) -> Iterator[_Piece]:
    """About half a turn on the spot or nearly so, in captions that speak of turning."""
    for segment in _said(data, _TURN, _NOT_ON_THE_FLOOR):
        if _THROW.search("|".join(segment.captions)):
            continue
        joints = data.joints(segment)
        if len(joints) < 24:
            continue
        facing = see.heading(joints)
        turning = np.abs(np.gradient(facing)) * FPS > 0.6
        for first, end in see.runs(see.closed(turning)):
            angle = facing[end - 1] - facing[first]
            gone = np.linalg.norm(joints[end - 1, 0, [0, 2]] - joints[first, 0, [0, 2]])
            if np.radians(135) <= abs(angle) <= np.radians(235) and gone < 1.2:
                yield _Piece(joints, first, end, Side.LEFT if angle > 0 else Side.RIGHT)


def _padded(cut: np.ndarray, calm: Sequence[np.ndarray], chance: float, generator: np.random.Generator) -> np.ndarray:
    """Now and then with standing before and after, up to the model's longest: what is asked for often lasts longer than
    the action, and then the rest should be waited out, not filled with more of it."""
    room = MAX_FRAMES + 1 - len(cut)
    if not calm or room < 20 or generator.random() > chance:
        return cut
    spare = int(generator.integers(10, min(room, 110)))
    first = int(generator.integers(0, spare + 1))
    pieces = [cut]
    if first > 3:
        pieces.insert(0, _held(calm[int(generator.integers(len(calm)))], first))
    if spare - first > 3:
        pieces.append(_held(calm[int(generator.integers(len(calm)))], spare - first))
    return joined(pieces, fade=12)[: MAX_FRAMES + 1]


def _action(kind: str, piece: _Piece, calm: Sequence[np.ndarray], generator: np.random.Generator) -> Composed | None:
    """A kick or a raised leg with some of what comes before and after, faster or slower."""
    first = max(0, piece.first - int(generator.integers(10, 36)))
    end = min(len(piece.joints), piece.end + int(generator.integers(12, 40)))
    cut = augmentation.warp_time(piece.joints[first:end], generator.uniform(0.85, 1.2))
    cut = _padded(cut, calm, 0.35, generator)
    side = piece.side.value
    if kind == "kick":
        said: tuple[str, ...] = (
            f"a person kicks with the {side} leg.", f"the man does a kick with his {side} leg.",
            f"a person kicks out the {side} foot.", "a person kicks.",
        )  # fmt: skip
        return Composed(cut, said, kind) if see.kicking_leg(cut) is piece.side else None
    said = (
        f"a person raises the {side} leg.",
        f"the man raises his {side} knee.",
        f"a person lifts the {side} leg up.",
    )
    return Composed(cut, said, kind) if see.raised_leg(cut) is piece.side else None


def _with_gesture(
    piece: _Piece, calm: Sequence[np.ndarray], walks: Sequence[np.ndarray], generator: np.random.Generator
) -> Composed | None:
    """The gesture's arm on a figure that stands or walks."""
    gesture = augmentation.warp_time(piece.joints[piece.first : piece.end], generator.uniform(0.85, 1.2))
    walking = bool(walks) and generator.random() < 0.35
    bodies = walks if walking else calm
    frames = min(len(gesture) + int(generator.integers(4, 50)), MAX_FRAMES + 1)
    body = bodies[int(generator.integers(len(bodies)))]
    if len(body) < frames:
        body = body if walking else _held(body, frames)
    if len(body) < len(gesture) + 2:
        return None
    frames = min(frames, len(body))
    start = int(generator.integers(0, len(body) - frames + 1))
    body = body[start : start + frames]
    at = int(generator.integers(0, frames - len(gesture) + 1))
    joints = with_arm(body, gesture, piece.side, at)
    if see.raised_arm(joints) is not piece.side:
        return None
    side = piece.side.value
    if piece.waves:
        said: tuple[str, ...] = (
            (f"a person walks and waves with the {side} hand.", f"a person waves the {side} hand while walking.")
            if walking
            else (
                f"a person waves with the {side} hand.",
                f"someone stands and waves the {side} arm.",
                "a person waves.",
            )
        )
    else:
        said = (
            (f"a person walks and raises the {side} arm.", f"a person walks with the {side} hand raised.")
            if walking
            else (f"a person raises the {side} arm.", f"the man puts his {side} hand up.",
                  f"a person lifts the {side} arm.", f"a person raises the {side} hand high.")
        )  # fmt: skip
    return Composed(joints, said, "arm")


def _held(body: np.ndarray, frames: int) -> np.ndarray:
    """Longer by going to and fro, which a figure that only sways can do."""
    there_and_back = np.concatenate([body, body[-2:0:-1]])
    return np.concatenate([there_and_back] * (1 + frames // len(there_and_back)))[:frames]


def with_arm(body: np.ndarray, gesture: np.ndarray, side: Side, at: int, fade: int = 6) -> np.ndarray:
    """`body` (T, 22, 3) with the arm of `gesture` (G, 22, 3), G <= T, as seen from the chest, from frame `at` on.

    The directions of upper arm and forearm are faded in and out over `fade` frames; lengths stay the body's.
    """
    result = body.copy()
    now = slice(at, at + len(gesture))
    weight = np.clip(np.minimum(np.arange(1, len(gesture) + 1), np.arange(len(gesture), 0, -1)) / fade, 0, 1)[:, None]
    to_body = _chest(body[now])
    from_gesture = _chest(gesture)
    chain = _ARMS[side]
    for upper, lower in zip(chain, chain[1:], strict=False):
        own = body[now, lower] - body[now, upper]
        length = np.linalg.norm(own, axis=-1, keepdims=True)
        theirs = gesture[:, lower] - gesture[:, upper]
        theirs = np.einsum("tij,tj->ti", to_body, np.einsum("tji,tj->ti", from_gesture, theirs))
        mixed = (1 - weight) * own / length + weight * theirs / np.linalg.norm(theirs, axis=-1, keepdims=True)
        bone = length * mixed / np.maximum(np.linalg.norm(mixed, axis=-1, keepdims=True), 1e-6)
        result[now, lower] = result[now, upper] + bone
    return result


def _chest(joints: np.ndarray) -> np.ndarray:
    """(T, 3, 3) axes of the chest as columns: to its left, up, ahead."""
    across = joints[:, _J["l_shoulder"]] - joints[:, _J["r_shoulder"]]
    up = joints[:, _J["neck"]] - joints[:, _J["spine3"]]
    x = across / np.linalg.norm(across, axis=-1, keepdims=True)
    z = np.cross(x, up)
    z /= np.maximum(np.linalg.norm(z, axis=-1, keepdims=True), 1e-6)
    return np.stack([x, np.cross(z, x), z], axis=-1)


def joined(pieces: Sequence[np.ndarray], fade: int = 8) -> np.ndarray:
    """Pieces one after the other, each turned and moved to where the one before ends, seams faded out."""
    whole = pieces[0]
    for piece in pieces[1:]:
        angle = see.heading(whole)[-1] - see.heading(piece)[0]
        ground = np.array([1.0, 0.0, 1.0])
        moved = augmentation.turned(piece - piece[0, 0] * ground, angle) + whole[-1, 0] * ground
        seam = whole[-1] - moved[0]
        part = np.clip(1 - np.arange(1, len(moved)) / fade, 0, 1)[:, None, None]
        whole = np.concatenate([whole, moved[1:] + seam * part])
    return whole


def _jumps(pieces: Sequence[_Piece], calm: Sequence[np.ndarray], generator: np.random.Generator) -> Composed | None:
    """One to four jumps; the same one again, or now and then others."""
    count = int(generator.choice([1, 2, 3, 4], p=[0.3, 0.25, 0.3, 0.15]))
    same = generator.random() < 0.7
    chosen = [_one(pieces, generator)] * count if same else [_one(pieces, generator) for _ in range(count)]
    speed = generator.uniform(0.9, 1.2)
    cuts = [augmentation.warp_time(p.joints[p.first : p.end], speed) for p in chosen]
    first, last = chosen[0], chosen[-1]
    before = first.joints[max(0, first.first - int(generator.integers(0, 12))) : first.first]
    after = last.joints[last.end : last.end + int(generator.integers(0, 16))]
    cuts[0] = np.concatenate([before, cuts[0]]) if len(before) else cuts[0]
    cuts[-1] = joined([cuts[-1], after]) if len(after) > 1 else cuts[-1]
    whole = _padded(joined(cuts), calm, 0.75, generator)
    if len(whole) > MAX_FRAMES + 1 or see.count_jumps(whole) != count:
        return None
    times, other, number = _TIMES[count]
    said: tuple[str, ...] = (f"a person jumps {times}.", f"the man makes {number}.", f"a person hops up {other}.")
    return Composed(whole, (*said, "a person jumps.") if count == 1 else said, "jump")


def _side_step(piece: _Piece, calm: Sequence[np.ndarray], generator: np.random.Generator) -> Composed | None:
    """Side steps, mostly with the arms of a figure that stands: those captured often dribble or dance."""
    first = piece.first + int(generator.integers(0, max(1, (piece.end - piece.first) // 3)))
    cut = augmentation.warp_time(piece.joints[first : piece.end], generator.uniform(0.75, 1.15))
    long = [body for body in calm if len(body) >= len(cut)] or [_held(body, len(cut)) for body in calm]
    if long and generator.random() < 0.8:
        arms = long[int(generator.integers(len(long)))][: len(cut)]
        cut = with_arm(with_arm(cut, arms, Side.LEFT, 0, fade=1), arms, Side.RIGHT, 0, fade=1)
    if see.sidestepped_to(cut) is not piece.side:
        return None
    side = piece.side.value
    said = (
        f"a person sidesteps to the {side}.", f"the man takes side steps to the {side}.", "a person sidesteps.",
        f"a person moves sideways to the {side}.",
    )  # fmt: skip
    return Composed(cut, said, "sidestep")


def _turn_around(piece: _Piece, calm: Sequence[np.ndarray], generator: np.random.Generator) -> Composed | None:
    first = max(0, piece.first - int(generator.integers(4, 26)))
    end = min(len(piece.joints), piece.end + int(generator.integers(6, 30)))
    cut = augmentation.warp_time(piece.joints[first:end], generator.uniform(0.8, 1.15))
    cut = _padded(cut, calm, 0.35, generator)
    if not see.turned_around(cut) or not np.radians(120) <= abs(see.turn(cut)) <= np.radians(240):
        return None
    said = (
        "a person turns around.", "the man turns to face backward.",
        f"a person turns around to the {piece.side.value}.",
    )  # fmt: skip
    return Composed(cut, said, "around")
