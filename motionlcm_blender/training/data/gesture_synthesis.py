"""Everyday gestures laid over captured standing and walking: claps, nods, salutes, crossed arms, looks aside.

The captures hold four shrugs and three nods. A gesture of arms and head is simple enough to be defined by a few poses
(`gesture_definitions`); body, feet and sway stay captured. Arms are interpolated as directions of upper arm and forearm
in the axes of the chest, so hands move on arcs; lengths stay the skeleton's. Easing is minimum jerk (Flash and Hogan
1985).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ...array_types import FloatArray
from ...motion.skeleton import FPS, JOINTS, MAX_FRAMES, PARENTS
from .caption_text import SUBJECTS
from .composition import Composed
from .gesture_definitions import Gesture, GesturePose, gestures
from .motion_piece import MotionPiece
from .piece_joining import chest_axes, held

KIND = "gesture"
"""The kind of these examples (`Composed.kind`)."""
_J = {name: index for index, name in enumerate(JOINTS)}
_COLLARS, _SHOULDERS, _ELBOWS, _WRISTS = (
    (_J[f"l_{name}"], _J[f"r_{name}"]) for name in ("collar", "shoulder", "elbow", "wrist")
)
_SPINE = (_J["spine1"], _J["spine2"], _J["spine3"])
_SHOULDER_OUT, _UPPER_ARM, _FOREARM = 0.19, 0.285, 0.245
"""Metres of the figure for which the poses are defined: from the middle to a shoulder, and lengths of the arm."""
_WALKING_SHARE = 0.4
"""Share of the examples over a walk, for gestures that are made while walking."""
_CAPTIONS = 4
"""Most captions of an example."""
_HEAD = slice(0, 6)
"""The head's part of the turns of head and hands."""


@dataclass(frozen=True, eq=False)
class _Key:
    """What is reached at a frame.

    Attributes:
        frame: Frame number.
        arms: (2, 2, 3) directions of upper arm and forearm of left and right arm in the axes of the chest; NaN: as
            captured.
        angles: (6,) yaw, pitch and roll of the head, yaw and pitch of the trunk in radians, rise of the shoulders in
            metres.
    """

    frame: float
    arms: FloatArray
    angles: FloatArray


def synthesize_gestures(
    calm: Sequence[MotionPiece],
    walks: Sequence[MotionPiece],
    count: int,
    generator: np.random.Generator,
    held_back: Collection[str] = (),
    among: Sequence[Gesture] | None = None,
) -> Iterator[Composed]:
    """Make examples of the gestures in turn.

    Args:
        calm: Standing figures, arms hanging.
        walks: Gaits.
        count: How many examples.
        generator: Source of all choices.
        held_back: What no caption may be, without full stop.
        among: Gestures to be made; None: all of the file.

    Yields:
        Examples with their captions; half of them are mirrored. Nothing without standing figures.
    """
    standing = [body for body in calm if not np.isnan(body.head_hands[:, _HEAD]).any()]
    going = [walk for walk in walks if len(walk) >= 50]
    chosen = gestures() if among is None else among
    for number in range(count if standing else 0):
        gesture = chosen[number % len(chosen)]
        walking = bool(gesture.walking and going) and generator.random() < _WALKING_SHARE
        bodies = going if walking else standing
        body = bodies[int(generator.integers(len(bodies)))]
        piece = _performed(gesture, body, walking, generator)
        captions = _captions(gesture.walking if walking else gesture.captions, generator, held_back)
        example = Composed(piece, captions, KIND)
        yield example.mirrored() if generator.random() < 0.5 else example


def _performed(gesture: Gesture, body: MotionPiece, walking: bool, generator: np.random.Generator) -> MotionPiece:
    """The gesture of the left side, with some of what comes before and after, or cut while it lasts."""
    longest = min(MAX_FRAMES + 1, len(body)) if walking else MAX_FRAMES + 1
    lasts = bool(max(gesture.hold) >= 2.0 or gesture.repeats[1] >= 6)
    before = int(generator.integers(2, 18))
    keys = _keys(gesture, before, longest - 8, generator)
    begin, end = keys[1].frame, keys[-2].frame
    last = min(longest, round(keys[-1].frame) + int(generator.integers(2, 40)))
    first = 0
    if walking and lasts:
        keys = [*keys[:-2], _Key(longest + 20, keys[-2].arms, keys[-2].angles)]
        last = longest
    elif lasts and end - begin > 14 and generator.random() < 0.45:
        last = round(end) - int(generator.integers(0, 4))
    if lasts and generator.random() < 0.4:
        first = min(round(begin), last - 12)
    whole = body if walking else held(body, last)
    return _laid_over(whole.cut(0, last), keys).cut(max(0, first), last)


def _keys(gesture: Gesture, before: int, longest: int, generator: np.random.Generator) -> list[_Key]:
    """Keys from the captured pose through the gesture's poses and back."""
    beat = generator.uniform(*gesture.beat) * FPS
    repeats = int(generator.integers(gesture.repeats[0], gesture.repeats[1] + 1))
    hold = generator.uniform(*gesture.hold) * FPS
    ease = generator.uniform(0.32, 0.75, 2) * FPS
    poses = _varied(gesture.poses, generator)
    free = longest - before - ease.sum()
    # A gesture that is too long for the model's longest motion is repeated less or held less.
    repeats = max(1, min(repeats, int((free - min(hold, free / 2)) / (beat * len(poses)))))
    hold = max(0.0, min(hold, free - beat * (len(poses) * repeats - 1)))
    captured = _Key(float(before), np.full((2, 2, 3), np.nan), np.zeros(6))
    keys, frame = [captured], before + ease[0]
    for number in range(repeats * len(poses)):
        arms, angles = poses[number % len(poses)]
        keys.append(_Key(frame, arms, angles * generator.uniform(0.88, 1.1)))
        frame += beat * generator.uniform(0.88, 1.12)
    frame = keys[-1].frame + max(hold, 1.0)
    keys.append(_Key(frame, keys[-1].arms, keys[-1].angles))
    keys.append(_Key(frame + ease[1], captured.arms, captured.angles))
    return keys


def _varied(poses: Sequence[GesturePose], generator: np.random.Generator) -> list[tuple[FloatArray, FloatArray]]:
    """Arms and angles of the poses; place, width and angles of the gesture differ from one performance to the next."""
    shift, wider = generator.normal(0, 0.018, 3), generator.uniform(0.8, 1.15)
    more = generator.uniform(0.75, 1.15)
    found = []
    centres = [_centre([getattr(pose, name) for pose in poses]) for name in ("hand", "other")]
    for pose in poses:
        arms = np.full((2, 2, 3), np.nan)
        for side, target in enumerate((pose.hand, pose.other)):
            if target is not None:
                centre = centres[side]
                place = centre + wider * (np.array(target) - centre) + shift + generator.normal(0, 0.006, 3)
                arms[side] = _arm_directions(place, np.array(pose.elbow), 1.0 - 2.0 * side)
        high = max((target[1] for target in (pose.hand, pose.other) if target is not None), default=0.0)
        rise = pose.shoulders + 0.03 * np.clip((high - 0.15) / 0.3, 0, 1)
        angles = np.radians([*pose.head, *pose.trunk, 0.0]) * more
        angles[5] = rise * generator.uniform(0.85, 1.15)
        found.append((arms, angles))
    return found


def _centre(places: Sequence[tuple[float, float, float] | None]) -> FloatArray:
    known = [place for place in places if place is not None]
    return np.mean(known, axis=0) if known else np.zeros(3)


def _arm_directions(wrist: FloatArray, elbow: FloatArray, sign: float) -> FloatArray:
    """Directions of upper arm and forearm.

    Args:
        wrist: (3,) outward, up, ahead of the middle of the shoulders, metres.
        elbow: (3,) where the elbow points, in the same axes.
        sign: 1 for the left arm, -1 for the right one.

    Returns:
        (2, 3) unit vectors in the axes of the chest: left, up, ahead.
    """
    reach = wrist - np.array([_SHOULDER_OUT, 0.0, 0.0])
    far = float(np.clip(np.linalg.norm(reach), 0.12, 0.985 * (_UPPER_ARM + _FOREARM)))
    along = reach / max(float(np.linalg.norm(reach)), 1e-6)
    pole = elbow - along * (elbow @ along)
    pole /= max(float(np.linalg.norm(pole)), 1e-6)
    share = (far**2 + _UPPER_ARM**2 - _FOREARM**2) / (2 * far)
    bend = along * share + pole * np.sqrt(max(_UPPER_ARM**2 - share**2, 0.0))
    both = np.stack([bend / _UPPER_ARM, (along * far - bend) / _FOREARM])
    directions: FloatArray = both * np.array([sign, 1.0, 1.0])
    return directions


def _laid_over(body: MotionPiece, keys: Sequence[_Key]) -> MotionPiece:
    """The body with arms, head, trunk and shoulders led through the keys."""
    joints, turns = body.joints.astype(np.float64), body.head_hands.astype(np.float64)
    frames = np.arange(len(joints), dtype=np.float64)
    times = np.array([key.frame for key in keys])
    at = np.clip(np.searchsorted(times, frames, side="right") - 1, 0, len(keys) - 2)
    part = np.clip((frames - times[at]) / (times[at + 1] - times[at]), 0, 1)
    part = part**3 * (10 - 15 * part + 6 * part**2)
    all_angles = np.stack([key.angles for key in keys])
    angles = all_angles[at] + part[:, None] * (all_angles[at + 1] - all_angles[at])
    joints = _trunk_turned(joints, angles[:, 3], angles[:, 4])
    axes = chest_axes(joints)
    joints = _shoulders_lifted(joints, axes, angles[:, 5])
    joints, turns = _head_turned(joints, turns, axes, angles[:, :3])
    return MotionPiece.of(_arms_led(joints, axes, np.stack([key.arms for key in keys]), at, part), turns, body.prop)


def _arms_led(joints: FloatArray, axes: FloatArray, arms: FloatArray, at: FloatArray, part: FloatArray) -> FloatArray:
    moved = joints.copy()
    for side in (0, 1):
        if np.isnan(arms[:, side]).all():
            continue
        place = moved[:, _SHOULDERS[side]]
        for bone, (upper, lower) in enumerate(((_SHOULDERS, _ELBOWS), (_ELBOWS, _WRISTS))):
            own = joints[:, lower[side]] - joints[:, upper[side]]
            length = np.linalg.norm(own, axis=-1, keepdims=True)
            local = np.einsum("tji,tj->ti", axes, own / length)
            ends = [np.where(np.isnan(arms[k, side, bone]), local, arms[k, side, bone]) for k in (at, at + 1)]
            place = place + length * np.einsum("tij,tj->ti", axes, _between(ends[0], ends[1], part))
            moved[:, lower[side]] = place
    return moved


def _between(first: FloatArray, second: FloatArray, part: FloatArray) -> FloatArray:
    """Unit vectors on the great circle between two sequences (T, 3) of unit vectors, at (T,) parts of the way."""
    angle = np.arccos(np.clip((first * second).sum(-1), -1.0, 1.0))[:, None]
    part, sine = part[:, None], np.maximum(np.sin(angle), 1e-4)
    mixed = np.where(
        angle < 1e-3,
        first + part * (second - first),
        (np.sin((1 - part) * angle) * first + np.sin(part * angle) * second) / sine,
    )
    result: FloatArray = mixed / np.maximum(np.linalg.norm(mixed, axis=-1, keepdims=True), 1e-6)
    return result


def _trunk_turned(joints: FloatArray, yaw: FloatArray, pitch: FloatArray) -> FloatArray:
    """The upper body turned about the vertical and leant forward, a third of it at each joint of the spine."""
    across = joints[:, _J["l_hip"]] - joints[:, _J["r_hip"]]
    across[:, 1] = 0.0
    left = across / np.maximum(np.linalg.norm(across, axis=-1, keepdims=True), 1e-6)
    up = np.broadcast_to([0.0, 1.0, 0.0], left.shape)
    axes = np.stack([left, up, np.cross(left, up)], axis=-1)
    third = _rotation(yaw / 3, pitch / 3, np.zeros_like(yaw))
    turn = np.einsum("tij,tjk,tlk->til", axes, third, axes)
    moved = joints.copy()
    for joint in _SPINE:
        above = _descendants(joint)
        moved[:, above] = np.einsum("tij,tnj->tni", turn, moved[:, above] - moved[:, [joint]]) + moved[:, [joint]]
    return moved


def _descendants(joint: int) -> list[int]:
    found = [joint]
    for child, parent in enumerate(PARENTS):
        if parent in found:
            found.append(child)
    return found[1:]


def _shoulders_lifted(joints: FloatArray, axes: FloatArray, rise: FloatArray) -> FloatArray:
    moved = joints.copy()
    for collar, shoulder, elbow, wrist in zip(_COLLARS, _SHOULDERS, _ELBOWS, _WRISTS, strict=True):
        bone = joints[:, shoulder] - joints[:, collar]
        length = np.linalg.norm(bone, axis=-1, keepdims=True)
        lifted = bone + axes[..., 1] * rise[:, None]
        lifted *= length / np.linalg.norm(lifted, axis=-1, keepdims=True)
        moved[:, [shoulder, elbow, wrist]] += (lifted - bone)[:, None]
    return moved


def _head_turned(
    joints: FloatArray, turns: FloatArray, axes: FloatArray, angles: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """The head turned on the chest: its rotation wholly, the bone from neck to head by half."""
    half = _rotation(angles[:, 0] / 2, angles[:, 1] / 2, angles[:, 2] / 2)
    turn = np.einsum("tij,tjk,tlk->til", axes, half, axes)
    moved, neck, head = joints.copy(), _J["neck"], _J["head"]
    moved[:, head] = joints[:, neck] + np.einsum("tij,tj->ti", turn, joints[:, head] - joints[:, neck])
    whole = _rotation(angles[:, 0], angles[:, 1], angles[:, 2])
    columns = turns[:, _HEAD].reshape(-1, 2, 3)
    made = turns.copy()
    made[:, _HEAD] = np.einsum("tij,tcj->tci", whole, columns).reshape(-1, 6)
    return moved, made


def _rotation(yaw: FloatArray, pitch: FloatArray, roll: FloatArray) -> FloatArray:
    """(T, 3, 3): roll to the left, then pitch downward, then yaw to the left, in axes left, up, ahead."""
    zero, one = np.zeros_like(yaw), np.ones_like(yaw)
    (cy, sy), (cp, sp), (cr, sr) = ((np.cos(a), np.sin(a)) for a in (yaw, pitch, roll))
    about_up = np.stack([cy, zero, sy, zero, one, zero, -sy, zero, cy], -1).reshape(-1, 3, 3)
    about_left = np.stack([one, zero, zero, zero, cp, -sp, zero, sp, cp], -1).reshape(-1, 3, 3)
    about_ahead = np.stack([cr, sr, zero, -sr, cr, zero, zero, zero, one], -1).reshape(-1, 3, 3)
    result: FloatArray = about_up @ about_left @ about_ahead
    return result


def _captions(predicates: Sequence[str], generator: np.random.Generator, held_back: Collection[str]) -> tuple[str, ...]:
    """The plainest caption and some others, with plain subjects."""
    filled = [predicate.replace("{side}", "left").replace("{other}", "right") for predicate in predicates]
    others = [filled[k] for k in generator.permutation(np.arange(1, len(filled)))[: _CAPTIONS - 1]]
    captions = [f"a person {filled[0]}.", *(f"{_subject(generator)} {predicate}." for predicate in others)]
    kept = tuple(caption for caption in captions if caption.rstrip(".") not in held_back)
    return kept or (f"the person {filled[0]}.",)


def _subject(generator: np.random.Generator) -> str:
    return SUBJECTS[int(generator.integers(len(SUBJECTS)))]
