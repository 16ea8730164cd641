"""Walks and runs that go on: a captured gait looped, made slower and faster, bent and reversed.

Captured walks last a few seconds and run mostly straight; users request ten seconds of walking, slow and fast, and for
circles and eights.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from ...array_types import FloatArray
from ...motion.skeleton import FPS, MAX_FRAMES
from . import augmentation
from .motion_data import Segment, mirror_caption
from .motion_piece import MotionPiece

_LOCOMOTION = re.compile(r"\b(walk|stride|stroll|step|run|jog|sprint|pace|march)", re.I)
_NOT_PLAIN = re.compile(
    r"\b(turn|then|and (?!swing|arms|both)|stop|brak|jump|leap|hop|kick|sit|climb|bend|duck|crouch|spin|around|in "
    r"place|spot|back|sideway|side|diagonal|circle|curve|veer|cut|dribbl|ball|block|stair|start|slow(s|ing) down|"
    r"left|right|over|uneven|stool|beam|ledge|like|as if)",
    re.I,
)
_SPEEDS = {"walks": (0.85, 1.65), "jogs": (1.7, 2.8), "runs": (2.2, 3.6)}
"""Metres per second below which a gait is called slow, above which fast."""
_PACES = ((0.9, 1.12), (0.7, 0.85), (1.15, 1.35), (0.9, 1.12))
"""How many times as fast a looped gait is played: as captured, clearly slower, clearly faster."""

_BACKWARD = ("a person walks backward.", "a person walks backwards.", "someone steps backward in a straight line.")

Example = tuple[MotionPiece, tuple[str, ...]]


def is_plain_locomotion(segment: Segment) -> bool:
    """Walks and runs that go on straight, by their first (plainest) caption."""
    return bool(_LOCOMOTION.search(segment.captions[0])) and not _NOT_PLAIN.search(segment.captions[0])


def gait_examples(
    piece: MotionPiece, captions: tuple[str, ...], styled: bool, generator: np.random.Generator
) -> Iterator[Example]:
    """Longer, bent and reversed versions of a straight walk or run.

    styled: the captions name a manner of walking, so they are kept without words of speed or way.
    """
    cycle = augmentation.gait_cycle(piece.joints)
    if cycle is None:
        return
    plain = captions[0].lower()
    verb = "runs" if re.search(r"\b(run|sprint)", plain) else "jogs" if "jog" in plain else "walks"
    common = captions if styled else (f"a person {verb} forward.", f"a person {verb}.", captions[0])
    for number in range(2 if styled else len(_PACES)):
        frames = int(generator.integers(60, MAX_FRAMES + 2)) if number else MAX_FRAMES + 1
        gait = _looped(piece, cycle, frames, int(generator.integers(0, cycle[0] + 1)))
        gait = gait.warp(generator.uniform(*(_PACES[0] if styled else _PACES[number]))).cut(0, MAX_FRAMES + 1)
        flipped = generator.random() < 0.5
        gait = gait.mirror() if flipped else gait
        known = tuple(mirror_caption(c) for c in common) if flipped else common
        if styled:
            yield gait, known
            continue
        with_speed = _with_speed(gait.joints, verb)
        yield gait, with_speed or known
        bent, bent_captions = _bent(gait, verb, generator)
        # "forward" is straight ahead: what winds is not called that.
        winding = tuple(c for c in with_speed if "forward" not in c) or (f"a person {verb}.", f"someone {verb} about.")
        yield bent, bent_captions or winding
        if number in (0, 3) and verb == "walks":
            backward = (
                "a person walks backward.",
                "a person walks backwards.",
                "someone steps backward in a straight line.",
            )
            yield gait.reverse(), backward


def _looped(piece: MotionPiece, cycle: tuple[int, int], frames: int, start: int) -> MotionPiece:
    joints = augmentation.continue_gait(piece.joints, cycle, frames, start)
    order = np.arange(start, start + frames)
    first, last = cycle
    order = np.where(order > last, first + 1 + (order - last - 1) % (last - first), order)
    return MotionPiece(joints.astype(np.float32), piece.head_hands[order], piece.prop)


def _with_speed(gait: FloatArray, verb: str) -> tuple[str, ...]:
    """Captions of a slow or fast gait, by its metres per second; none for a usual speed."""
    ground = gait[:, 0][:, [0, 2]]
    speed = float(np.linalg.norm(np.diff(ground, axis=0), axis=-1).mean() * FPS)
    slow, fast = _SPEEDS[verb]
    if speed < slow:
        return (f"a person {verb} slowly.", f"a person slowly {verb} forward.", f"someone {verb} at a slow pace.")
    if speed > fast:
        return (f"a person {verb} fast.", f"a person {verb} quickly.", f"someone {verb} briskly forward.")
    return ()


def _bent(gait: MotionPiece, verb: str, generator: np.random.Generator) -> tuple[MotionPiece, tuple[str, ...] | None]:
    """A walk bent along a random arc, circle or S, and its captions (None: no special ones)."""
    ground = gait.joints[:, 0][:, [0, 2]]
    travelled = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(ground, axis=0), axis=-1))])
    length = max(travelled[-1], 0.5)
    at = travelled / length
    kind = generator.choice(["circle", "arc", "s", "wander", "eight"], p=[0.3, 0.25, 0.2, 0.15, 0.1])
    side = generator.choice([-1.0, 1.0])  # +1 turns towards +X, the figure's left
    word = "left" if side > 0 else "right"
    if kind == "circle" and length > 4.0:
        total = side * 2 * np.pi * generator.uniform(0.85, 1.15)
        turn = np.full(len(gait), total / length)
        round_way = "counterclockwise" if side > 0 else "clockwise"
        captions: tuple[str, ...] | None = (
            f"a person {verb} in a circle.",
            f"a person {verb} in a circle to the {word}.",
            f"a person {verb} {round_way} in a circle.",
        )
    elif kind in ("arc", "circle"):
        total = side * generator.uniform(0.5, 2.4)
        middle, spread = generator.uniform(0.3, 0.7), generator.uniform(0.08, 0.4)
        shape = np.exp(-(((at - middle) / spread) ** 2))
        area = (np.diff(travelled) * (shape[1:] + shape[:-1]) / 2.0).sum()
        turn = total * shape / max(area, 1e-6)
        captions = (
            (f"a person {verb} and turns {word}.", f"a person {verb} in a curve to the {word}.")
            if abs(total) > 0.9
            else None
        )
    elif kind == "eight" and length > 6.0:
        turn = side * np.where(at < 0.5, 1.0, -1.0) * 4 * np.pi / length
        captions = (f"a person {verb} in a figure eight.",)
    else:
        waves = generator.uniform(0.6, 1.6) if kind == "s" else generator.uniform(0.3, 2.5)
        amount = generator.uniform(0.5, 1.6)
        turn = (
            side * amount * 2 * np.pi * waves / length * np.cos(2 * np.pi * waves * at + generator.uniform(-0.6, 0.6))
        )
        captions = None
    return gait.bend(turn), captions
