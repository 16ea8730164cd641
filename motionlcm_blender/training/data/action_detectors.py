"""Actions of a motion, found by its joints alone: which way it turns, which leg kicks, how often it jumps.

All functions take joints (T, 22, 3), metres, Y up, 20 fps, the floor about at the lowest foot. Left is the figure's
own left; angles are radians about +Y, positive to the left. Nothing here depends on the prompt or the model.
"""

from __future__ import annotations

from enum import Enum

import numpy as np

from ...array_types import BoolArray, FloatArray
from ...motion.foot_contacts import floor_height
from ...motion.skeleton import FPS, JOINTS, L_ANKLE, L_FOOT, R_ANKLE, R_FOOT
from ...motion.smoothing import smooth

_J = {name: index for index, name in enumerate(JOINTS)}
_HEADING_SIGMA, _TRAVEL_SIGMA = 3.0, 2.0
"""Frames: steadies the swing of the hips with each step, keeps a turn of half a second."""

TURN = np.radians(30.0)
"""The least turn that counts as one: below it a walk's own sway and drift are mistaken for turns."""
TURN_AROUND = np.radians(120.0)
"""Two thirds of a half turn: people who "turn around" often stop short of 180 degrees."""
KICK_LIFT, KICK_SPEED, KICK_REACH = 0.25, 2.5, 0.35
"""Metres of one ankle above the other, m/s of the ankle against the pelvis, metres from pelvis to ankle on the floor:
a low kick of a ball has all three, a step (lift below 0.25 with the reach of a stride) and a raised knee do not."""
LEG_LIFT, LEG_TIME = 0.25, 0.3
"""Metres of one ankle above the other, and seconds: a swinging foot in a walk is up for less."""
ARM_LEVEL, ARM_TIME = -0.10, 0.25
"""Metres of the wrist above its shoulder (an arm held out sideways hangs a little), and seconds."""
AIR, JUMP_RISE = 0.06, 0.10
"""Metres of the lower foot above where it stands, and of the pelvis above its lowest point before the jump:
tiptoes and the bobbing of a figure that floats a little stay below."""
TRAVEL = 0.4
"""Metres of way that count as having gone somewhere."""
SIDE_SHARE = np.radians(20.0)
"""The least angle between where the figure faced and where it got to that counts as "to the left"."""
STAND_SPEED, RUN_SPEED = 0.25, 1.9
"""m/s: below the first nothing goes anywhere; the second parts what captions call walking from running (see
`detector_agreement`), about where people change from the one to the other."""
SLOW_WALK, FAST_WALK = 1.1, 1.4
"""m/s: captured walks called slow are below the first (14 of 15), those called fast above the second (20 of 20)."""


class Side(Enum):
    """A side of the figure's body."""

    LEFT = "left"
    RIGHT = "right"


class Gait(Enum):
    """How a figure goes from place to place."""

    STAND = "stand"
    WALK = "walk"
    RUN = "run"
    BACKWARD = "backward"
    SIDESTEP = "sidestep"


def heading(joints: FloatArray) -> FloatArray:
    """(T,) radians: where hips and shoulders face, 0 along +Z, rising to the left, unwrapped and steadied."""
    joints = np.asarray(joints, dtype=np.float64)
    across = joints[:, _J["l_hip"]] - joints[:, _J["r_hip"]] + joints[:, _J["l_shoulder"]] - joints[:, _J["r_shoulder"]]
    return smooth(np.unwrap(np.arctan2(-across[:, 2], across[:, 0])), _HEADING_SIGMA)


def turn(joints: FloatArray) -> float:
    """Radians from where the figure faces in the first quarter second to where it faces in the last; left is positive.

    Full turns count, so a pirouette to the left is about 2 pi.
    """
    facing = heading(joints)
    return float(facing[-5:].mean() - facing[:5].mean())


def turned_to(joints: FloatArray) -> Side | None:
    """The side to which the figure has turned by 30 degrees or more; None if it has not."""
    angle = turn(joints)
    if abs(angle) < TURN:
        return None
    return Side.LEFT if angle > 0 else Side.RIGHT


def turned_around(joints: FloatArray) -> bool:
    """Does the figure at some time face 120 degrees or more away from its first direction?"""
    facing = heading(joints)
    return bool(np.abs(facing - facing[:5].mean()).max() >= TURN_AROUND)


def ankle_lift(joints: FloatArray) -> FloatArray:
    """(T, 2) metres: left ankle above the right one, right ankle above the left one."""
    lift = np.asarray(joints, dtype=np.float64)[:, L_ANKLE, 1] - np.asarray(joints, dtype=np.float64)[:, R_ANKLE, 1]
    return np.stack([lift, -lift], axis=-1)


def kicking_leg(joints: FloatArray) -> Side | None:
    """The leg that kicks: high, far from the body, and fast on the way; the higher and farther one if both do."""
    joints = np.asarray(joints, dtype=np.float64)
    ankles = joints[:, [L_ANKLE, R_ANKLE]] - joints[:, :1]
    reach = np.linalg.norm(ankles[..., [0, 2]], axis=-1)
    speed = np.linalg.norm(np.gradient(ankles, axis=0), axis=-1) * FPS
    # The foot is fast on its way up and slow at the top, so the speed is that of the half second around.
    fast = np.stack([np.convolve(s > KICK_SPEED, np.ones(11), mode="same") > 0 for s in speed.T], axis=-1)
    lift = ankle_lift(joints)
    kicks = (lift >= KICK_LIFT) & (reach >= KICK_REACH) & fast
    if not kicks.any():
        return None
    score = np.where(kicks, lift * reach, 0.0).max(axis=0)
    return Side.LEFT if score[0] >= score[1] else Side.RIGHT


def raised_leg(joints: FloatArray) -> Side | None:
    """The leg whose ankle is held 25 cm above the other one for 0.3 s or more; the one held longer if both are."""
    up = (ankle_lift(joints) >= LEG_LIFT).sum(axis=0) / FPS
    if up.max() < LEG_TIME:
        return None
    return Side.LEFT if up[0] >= up[1] else Side.RIGHT


def arms_up(joints: FloatArray) -> BoolArray:
    """(T, 2) bool: left and right wrist at the height of the shoulder or above, less 10 cm."""
    joints = np.asarray(joints, dtype=np.float64)
    above = joints[:, [_J["l_wrist"], _J["r_wrist"]], 1] - joints[:, [_J["l_shoulder"], _J["r_shoulder"]], 1]
    return above >= ARM_LEVEL


def raised_arm(joints: FloatArray) -> Side | None:
    """The arm that is raised for 0.25 s or more, while the other is raised for at most half that time; else None."""
    up = arms_up(joints).sum(axis=0) / FPS
    most = int(up.argmax())
    if up[most] < ARM_TIME or up[1 - most] > 0.5 * up[most]:
        return None
    return (Side.LEFT, Side.RIGHT)[most]


def count_jumps(joints: FloatArray) -> int:
    """How often both feet leave the floor for 0.1 s or more while the pelvis rises above its dip before."""
    joints = np.asarray(joints, dtype=np.float64)
    feet = joints[:, [L_FOOT, R_FOOT], 1].min(axis=1) - floor_height(joints)
    ankles = joints[:, [L_ANKLE, R_ANKLE], 1].min(axis=1)
    ankles = ankles - np.percentile(ankles, 5)
    air = (feet > AIR) & (ankles > AIR)
    count = 0
    for first, end in runs(closed(air)):
        before = joints[max(0, first - 10) : first + 1, 0, 1].min()
        if end - first >= 2 and joints[first:end, 0, 1].max() - before >= JUMP_RISE:
            count += 1
    return count


def speed(joints: FloatArray) -> float:
    """Mean speed of the pelvis over the floor, m/s, the sway of single steps left out."""
    root = smooth(np.asarray(joints, dtype=np.float64)[:, 0][:, [0, 2]], _TRAVEL_SIGMA)
    return float(np.linalg.norm(np.diff(root, axis=0), axis=-1).mean() * FPS) if len(root) > 1 else 0.0


def own_travel(joints: FloatArray) -> tuple[float, float]:
    """Metres travelled forward and to the left as the figure itself sees it, added up along its way."""
    joints = np.asarray(joints, dtype=np.float64)
    steps = np.diff(joints[:, 0][:, [0, 2]], axis=0)
    facing = heading(joints)
    facing = 0.5 * (facing[1:] + facing[:-1])
    forward = steps[:, 0] * np.sin(facing) + steps[:, 1] * np.cos(facing)
    left = steps[:, 0] * np.cos(facing) - steps[:, 1] * np.sin(facing)
    return float(forward.sum()), float(left.sum())


def gait(joints: FloatArray) -> Gait:
    """Standing (less than 0.4 m, or 0.25 m/s), running (1.9 m/s or more), else by the larger part of the own travel."""
    forward, left = own_travel(joints)
    pace = speed(joints)
    if max(abs(forward), abs(left)) < TRAVEL or pace < STAND_SPEED:
        return Gait.STAND
    if abs(left) > abs(forward):
        return Gait.SIDESTEP
    if forward < 0:
        return Gait.BACKWARD
    return Gait.RUN if pace >= RUN_SPEED else Gait.WALK


def goes_forward(joints: FloatArray) -> bool:
    """Does the figure walk or run the way it faces?"""
    return gait(joints) in (Gait.WALK, Gait.RUN)


def goes_backward(joints: FloatArray) -> bool:
    """Does the figure go mostly opposite to where it faces?"""
    return gait(joints) is Gait.BACKWARD


def goes_slowly(joints: FloatArray) -> bool:
    """Does it go, and slower than 1.1 m/s?"""
    return gait(joints) is not Gait.STAND and speed(joints) < SLOW_WALK


def goes_fast(joints: FloatArray) -> bool:
    """Does it go at more than 1.4 m/s?"""
    return speed(joints) > FAST_WALK


def went_to(joints: FloatArray) -> Side | None:
    """The side, seen from the first frames, to which the figure goes.

    Decided by the end of the way or, if that is further to the side, by the heading in the last half second; at least
    20 degrees from ahead, and 0.4 m away.
    """
    joints = np.asarray(joints, dtype=np.float64)
    root = joints[:, 0][:, [0, 2]]
    if np.linalg.norm(root[-1] - root[0]) < TRAVEL:
        return None
    first = heading(joints)[:5].mean()
    last = root[-1] - root[-min(len(root), 11)]
    ways = [root[-1] - root[0]] + ([last] if np.linalg.norm(last) > 0.5 * STAND_SPEED else [])
    aside = [float(np.angle(np.exp(1j * (np.arctan2(x, z) - first)))) for x, z in ways]
    # A way straight back is to neither side.
    aside = [a for a in aside if SIDE_SHARE <= abs(a) <= np.pi - SIDE_SHARE]
    if not aside:
        return None
    return Side.LEFT if max(aside, key=abs) > 0 else Side.RIGHT


def sidestepped_to(joints: FloatArray) -> Side | None:
    """The side to which the figure steps without turning there; None if it does not go sideways."""
    if gait(joints) is not Gait.SIDESTEP:
        return None
    return Side.LEFT if own_travel(joints)[1] > 0 else Side.RIGHT


def runs(flags: BoolArray) -> list[tuple[int, int]]:
    """First frame and end (exclusive) of each run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(int)))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def closed(flags: BoolArray) -> BoolArray:
    """Gaps of a single frame filled: one frame of noise does not make two jumps of one."""
    out = flags.copy()
    out[1:-1] |= flags[:-2] & flags[2:]
    return out
