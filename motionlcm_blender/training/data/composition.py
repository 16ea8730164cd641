"""Examples composed of captured pieces, for what animators request and the captures hold too little of.

Arms of one clip on the body of another (as in SINC, Athanasiou et al. 2023), single actions cut out of longer clips
with a plain caption each, jumps joined one to the other and counted, side steps and turns found by what the motion
does. The captions hold one of the two phrasings that the evaluation has of each prompt, never the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ...motion.skeleton import MAX_FRAMES
from . import action_detectors as see
from .action_detectors import Side
from .captured_actions import (
    ActionPiece,
    CapturedData,
    arm_gestures,
    kicks_of,
    leg_raises_of,
    side_steps,
    single_jumps,
    standing_pieces,
    turns_around,
)
from .motion_data import mirror_caption
from .motion_piece import MotionPiece
from .piece_joining import held, joined, padded, with_arm

_TIMES = {
    1: ("once", "one time", "one jump"),
    2: ("twice", "two times", "two jumps"),
    3: ("three times", "three times", "three jumps"),
    4: ("four times", "four times", "four jumps"),
}


@dataclass(frozen=True)
class Composed:
    """A piece of motion with its captions; kind: what it was composed for."""

    piece: MotionPiece
    captions: tuple[str, ...]
    kind: str

    def mirrored(self) -> Composed:
        """The example with left and right swapped, in motion and captions."""
        captions = tuple(mirror_caption(c) for c in self.captions)
        return Composed(self.piece.mirror(), captions, self.kind)


def compose(
    data: CapturedData, walks: Sequence[MotionPiece], counts: Mapping[str, int], generator: np.random.Generator
) -> Iterator[Composed]:
    """`counts` examples of each kind: arm, kick, leg, jump, sidestep, around; half of them mirrored.

    walks: gaits for arms to be put on. A kind of
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
        for _ in range(4 * count):  # a piece that, cut or joined, no longer shows its caption is left out
            example = make()
            if example is None:
                continue
            yield example.mirrored() if made % 2 else example
            made += 1
            if made == count:
                break


def _one(pieces: Sequence[ActionPiece], generator: np.random.Generator) -> ActionPiece:
    return pieces[int(generator.integers(len(pieces)))]


def _sometimes_padded(
    cut: MotionPiece, calm: Sequence[MotionPiece], chance: float, generator: np.random.Generator
) -> MotionPiece:
    return cut if generator.random() > chance else padded(cut, calm, generator)


def _action(
    kind: str, piece: ActionPiece, calm: Sequence[MotionPiece], generator: np.random.Generator
) -> Composed | None:
    """A kick or a raised leg with some of what comes before and after, faster or slower."""
    first = max(0, piece.first - int(generator.integers(10, 36)))
    end = min(len(piece.source), piece.end + int(generator.integers(12, 40)))
    cut = piece.source.cut(first, end).warp(generator.uniform(0.85, 1.2))
    cut = _sometimes_padded(cut, calm, 0.35, generator)
    side = piece.side.value
    if kind == "kick":
        captions: tuple[str, ...] = (
            f"a person kicks with the {side} leg.", f"the man does a kick with his {side} leg.",
            f"a person kicks out the {side} foot.", "a person kicks.",
        )  # fmt: skip
        return Composed(cut, captions, kind) if see.kicking_leg(cut.joints) is piece.side else None
    captions = (
        f"a person raises the {side} leg.",
        f"the man raises his {side} knee.",
        f"a person lifts the {side} leg up.",
    )
    return Composed(cut, captions, kind) if see.raised_leg(cut.joints) is piece.side else None


def _with_gesture(
    piece: ActionPiece, calm: Sequence[MotionPiece], walks: Sequence[MotionPiece], generator: np.random.Generator
) -> Composed | None:
    """The gesture's arm on a figure that stands or walks."""
    gesture = piece.source.cut(piece.first, piece.end).warp(generator.uniform(0.85, 1.2))
    walking = bool(walks) and generator.random() < 0.35
    bodies = walks if walking else calm
    frames = min(len(gesture) + int(generator.integers(4, 50)), MAX_FRAMES + 1)
    body = bodies[int(generator.integers(len(bodies)))]
    if len(body) < frames:
        body = body if walking else held(body, frames)
    if len(body) < len(gesture) + 2:
        return None
    frames = min(frames, len(body))
    start = int(generator.integers(0, len(body) - frames + 1))
    body = body.cut(start, start + frames)
    at = int(generator.integers(0, frames - len(gesture) + 1))
    made = with_arm(body, gesture, piece.side, at)
    if see.raised_arm(made.joints) is not piece.side:
        return None
    side = piece.side.value
    if piece.waves:
        captions: tuple[str, ...] = (
            (f"a person walks and waves with the {side} hand.", f"a person waves the {side} hand while walking.")
            if walking
            else (
                f"a person waves with the {side} hand.",
                f"someone stands and waves the {side} arm.",
                "a person waves.",
            )
        )
    else:
        captions = (
            (f"a person walks and raises the {side} arm.", f"a person walks with the {side} hand raised.")
            if walking
            else (
                f"a person raises the {side} arm.",
                f"the man puts his {side} hand up.",
                f"a person lifts the {side} arm.",
                f"a person raises the {side} hand high.",
            )
        )
    return Composed(made, captions, "arm")


def _jumps(
    pieces: Sequence[ActionPiece], calm: Sequence[MotionPiece], generator: np.random.Generator
) -> Composed | None:
    """One to four jumps; the same one again, or now and then others."""
    count = int(generator.choice([1, 2, 3, 4], p=[0.3, 0.25, 0.3, 0.15]))
    same = generator.random() < 0.7
    chosen = [_one(pieces, generator)] * count if same else [_one(pieces, generator) for _ in range(count)]
    speed = generator.uniform(0.9, 1.2)
    cuts = [p.source.cut(p.first, p.end).warp(speed) for p in chosen]
    first, last = chosen[0], chosen[-1]
    before = first.source.cut(max(0, first.first - int(generator.integers(0, 12))), first.first)
    after = last.source.cut(last.end, last.end + int(generator.integers(0, 16)))
    cuts[0] = joined([before, cuts[0]]) if len(before) > 1 else cuts[0]
    cuts[-1] = joined([cuts[-1], after]) if len(after) > 1 else cuts[-1]
    whole = _sometimes_padded(joined(cuts), calm, 0.75, generator)
    if len(whole) > MAX_FRAMES + 1 or see.count_jumps(whole.joints) != count:
        return None
    times, other, number = _TIMES[count]
    captions: tuple[str, ...] = (f"a person jumps {times}.", f"the man makes {number}.", f"a person hops up {other}.")
    return Composed(whole, (*captions, "a person jumps.") if count == 1 else captions, "jump")


def _side_step(piece: ActionPiece, calm: Sequence[MotionPiece], generator: np.random.Generator) -> Composed | None:
    """Side steps, mostly with the arms of a figure that stands: those captured often dribble or dance."""
    first = piece.first + int(generator.integers(0, max(1, (piece.end - piece.first) // 3)))
    cut = piece.source.cut(first, piece.end).warp(generator.uniform(0.75, 1.15))
    long = [body for body in calm if len(body) >= len(cut)] or [held(body, len(cut)) for body in calm]
    if long and generator.random() < 0.8:
        arms = long[int(generator.integers(len(long)))].cut(0, len(cut))
        cut = with_arm(with_arm(cut, arms, Side.LEFT, 0, fade=1), arms, Side.RIGHT, 0, fade=1)
    if see.sidestepped_to(cut.joints) is not piece.side:
        return None
    side = piece.side.value
    captions = (
        f"a person sidesteps to the {side}.", f"the man takes side steps to the {side}.", "a person sidesteps.",
        f"a person moves sideways to the {side}.",
    )  # fmt: skip
    return Composed(cut, captions, "sidestep")


def _turn_around(piece: ActionPiece, calm: Sequence[MotionPiece], generator: np.random.Generator) -> Composed | None:
    first = max(0, piece.first - int(generator.integers(4, 26)))
    end = min(len(piece.source), piece.end + int(generator.integers(6, 30)))
    cut = piece.source.cut(first, end).warp(generator.uniform(0.8, 1.15))
    cut = _sometimes_padded(cut, calm, 0.35, generator)
    if not see.turned_around(cut.joints) or not np.radians(120) <= abs(see.turn(cut.joints)) <= np.radians(240):
        return None
    captions = (
        "a person turns around.", "the man turns to face backward.",
        f"a person turns around to the {piece.side.value}.",
    )  # fmt: skip
    return Composed(cut, captions, "around")
