"""Two-bone leg IK: both ankles to given places, the pelvis eased so that the knees do not snap."""

from __future__ import annotations

import numpy as np

from ..motion import banded_solver, rotations
from ..motion.smoothing import smooth

DIP = 0.06
"""Metres by which the pelvis may go down so that a leg reaches."""
EASE_ROUNDS, EASE_MOST = 2, 0.05
"""How often the pelvis is eased, and metres by which it may be moved up or down for that."""
EASE_PELVIS, EASE_ANKLE, EASE_STAY, EASE_STANDS = 200.0, 10.0, 1.0, 1e4
"""What the pelvis's and the ankles' own acceleration counts beside the knees', per metre and radian, how far they are
moved, and how far an ankle that stands or the pelvis of a figure in the air."""
HIPS, KNEES, ANKLES, TOES = (1, 2), (4, 5), (7, 8), (10, 11)


def solve_legs(
    joints: np.ndarray, wanted: np.ndarray, foot: np.ndarray, flat: np.ndarray, stands: np.ndarray
) -> np.ndarray:
    """Bring both ankles to `wanted` (T, 2, 3).

    foot: (T, 2, 3) from ankle to toe; flat, stands: (T, 2) bool, feet flat on the floor, and on the floor at all.
    """
    out = joints.copy()
    hip, knee, ankle = joints[:, HIPS], joints[:, KNEES], joints[:, ANKLES]
    thigh, shin = lengths(knee - hip), lengths(ankle - knee)
    whole, before = thigh + shin, lengths(ankle - hip)
    comfortable = np.maximum(0.985 * whole, before)

    # A leg too short for its place: a foot on its toes rolls over them, and for a flat foot the pelvis dips.
    rolled = _roll(hip, wanted, foot, comfortable)
    rolling = smooth((stands & ~flat).astype(np.float64), 1.0).clip(0.0, 1.0)[..., None]
    toe = wanted + foot
    wanted = (
        toe
        - rotations.unit(-rolling * (rolled - toe) - (1.0 - rolling) * (wanted - toe), foot) * lengths(foot)[..., None]
    )
    foot = toe - wanted
    aside2 = ((wanted - hip)[..., [0, 2]] ** 2).sum(-1)
    missing = (hip - wanted)[..., 1] - np.sqrt(np.maximum(comfortable**2 - aside2, 0.0))
    need = np.where(stands & (hip[..., 1] > wanted[..., 1]), np.maximum(missing, 0.0), 0.0).max(axis=1)
    dip = _dip(need)
    out[..., 1] -= dip[:, None]
    raised, drawn = ease_knees(out[:, HIPS] - wanted, before, thigh, shin, stands)
    out[..., 1] += raised[:, None]
    hip = out[:, HIPS]

    reach = wanted - hip
    distance = _within_reach(lengths(reach) - drawn, before, thigh, shin)

    old = rotations.unit(ankle - joints[:, HIPS], (0.0, -1.0, 0.0))
    new = rotations.unit(reach, (0.0, -1.0, 0.0))
    bend = knee - joints[:, HIPS]
    bend = bend - (bend * old).sum(-1, keepdims=True) * old
    # A straight leg has no plane to bend in: it bends towards where the figure faces.
    across = joints[:, HIPS[0]] - joints[:, HIPS[1]]
    ahead = rotations.unit(np.stack([-across[:, 2], 0.0 * across[:, 0], across[:, 0]], axis=-1), (0.0, 0.0, 1.0))
    bend = bend + np.maximum(0.02 - lengths(bend), 0.0)[..., None] * ahead[:, None]
    bend = rotations.rotate(rotations.between(old, new), bend)
    bend = rotations.unit(bend - (bend * new).sum(-1, keepdims=True) * new, (0.0, 0.0, 1.0))
    cosine = np.clip((thigh**2 + distance**2 - shin**2) / np.maximum(2.0 * thigh * distance, 1e-9), -1.0, 1.0)
    sine = np.sqrt(1.0 - cosine**2)
    out[:, KNEES] = hip + thigh[..., None] * (cosine[..., None] * new + sine[..., None] * bend)
    out[:, ANKLES] = hip + distance[..., None] * new
    out[:, TOES] = out[:, ANKLES] + foot
    return out


def _within_reach(distance: np.ndarray, before: np.ndarray, thigh: np.ndarray, shin: np.ndarray) -> np.ndarray:
    """Distances from hip to ankle that the leg can make: where it is nearly straight it gives way softly."""
    whole = thigh + shin
    start = np.maximum(0.97 * whole, before)
    room = np.maximum(np.maximum(0.998 * whole, before) - start, 1e-6)
    over = np.maximum(distance - start, 0.0)
    distance = np.minimum(distance, start) + room * (1.0 - np.exp(-over / room))
    return np.clip(distance, np.abs(thigh - shin) + 0.02 * whole, whole * (1.0 - 1e-9))


def ease_knees(
    legs: np.ndarray, before: np.ndarray, thigh: np.ndarray, shin: np.ndarray, stands: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Metres by which to raise the pelvis (T,) and to draw each ankle towards its hip (T, 2), so that the knees change
    speed no more than they did before.

    legs: (T, 2, 3) from where the ankles have to be to the hips; before, thigh, shin: (T, 2) the distance from hip to
    ankle as the motion had it, and the bones; stands: (T, 2) bool, ankles that stay. A knee that is nearly straight
    turns by much for little: a foot that lands a few centimetres further on makes it snap. A pelvis a centimetre lower
    and a swing that reaches out a little sooner take that away. Gauss-Newton on the knees' second differences, beside
    those of pelvis and ankles and how far they are moved, each in turn.
    """
    frames = len(legs)
    raised, drawn = np.zeros(frames), np.zeros((frames, 2))
    if frames < 5:
        return raised, drawn
    wanted = _knee_angle(before, thigh, shin)
    bends = banded_solver.squared_differences(frames, 2)
    near = smooth(stands.astype(np.float64), 0.7).clip(0.0, 1.0)
    flies = EASE_STANDS * (1.0 - smooth(stands.any(1).astype(np.float64), 1.0).clip(0.0, 1.0))
    for _ in range(EASE_ROUNDS):
        angle, slope, upright = _knees_at(legs, raised, drawn, before, thigh, shin)
        slope = slope * upright
        matrix = EASE_PELVIS * bends
        matrix[0] += EASE_STAY + flies
        right = np.zeros(frames)
        for side in (0, 1):
            sloped = slope[:, side]
            matrix += banded_solver.scaled(bends, sloped)
            right -= sloped * banded_solver.times(bends, angle[:, side] - wanted[:, side] - sloped * raised)
        raised = np.clip(banded_solver.solve_banded(matrix, right), -EASE_MOST, EASE_MOST)
        angle, slope, _ = _knees_at(legs, raised, drawn, before, thigh, shin)
        for side in (0, 1):
            sloped = -slope[:, side]
            matrix = EASE_ANKLE * bends + banded_solver.scaled(bends, sloped)
            matrix[0] += EASE_STAY + EASE_STANDS * near[:, side]
            right = -sloped * banded_solver.times(bends, angle[:, side] - wanted[:, side] - sloped * drawn[:, side])
            drawn[:, side] = np.clip(banded_solver.solve_banded(matrix, right), -EASE_MOST, EASE_MOST)
    return raised, np.where(stands, 0.0, drawn)


def _knees_at(
    legs: np.ndarray, raised: np.ndarray, drawn: np.ndarray, before: np.ndarray, thigh: np.ndarray, shin: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(T, 2) each: the knees' angles, their change for a metre of leg, and the metres of leg for one of the pelvis."""
    now = legs + np.array([0.0, 1.0, 0.0]) * raised[:, None, None]
    length = np.maximum(lengths(now), 1e-9)
    near, far = (_knee_angle(_within_reach(length - drawn + d, before, thigh, shin), thigh, shin) for d in (0.0, 1e-3))
    return near, (far - near) / 1e-3, now[..., 1] / length


def _knee_angle(far: np.ndarray, thigh: np.ndarray, shin: np.ndarray) -> np.ndarray:
    """Radians between thigh and shin, pi for a straight leg, for distances from hip to ankle."""
    cosine = (thigh**2 + shin**2 - far**2) / np.maximum(2.0 * thigh * shin, 1e-9)
    result: np.ndarray = np.arccos(np.clip(cosine, -1.0, 1.0))
    return result


def _roll(hip: np.ndarray, ankle: np.ndarray, foot: np.ndarray, reach: np.ndarray) -> np.ndarray:
    """(T, 2, 3) the ankles, rolled about the toe joints as far as it takes for the legs to reach (T, 2)."""
    toe, length = ankle + foot, lengths(foot)
    up = hip - toe
    far = lengths(up)
    up = rotations.unit(up, (0.0, 1.0, 0.0))
    aside = -foot + (foot * up).sum(-1, keepdims=True) * up
    cosine = (length**2 + far**2 - reach**2) / np.maximum(2.0 * length * far, 1e-9)
    now = -(foot * up).sum(-1) / np.maximum(length, 1e-9)
    cosine = np.clip(np.maximum(cosine, now), -1.0, 0.95)
    sine = np.sqrt(1.0 - cosine**2)
    rolled = toe + length[..., None] * (
        cosine[..., None] * up + sine[..., None] * rotations.unit(aside, (0.0, 0.0, -1.0))
    )
    return np.where((lengths(ankle - hip) > reach)[..., None], rolled, ankle)


def _dip(need: np.ndarray) -> np.ndarray:
    """(T,) metres the pelvis goes down: what is needed (T,), at most DIP, in a smooth curve."""
    if not (need > 1e-4).any():
        return np.zeros_like(need)
    limited = DIP * np.tanh(need / DIP)
    padded = np.pad(limited, 3, mode="edge")
    envelope = np.lib.stride_tricks.sliding_window_view(padded, 7).max(axis=-1)
    return np.maximum(smooth(envelope, 2.0), 0.0)


def rotated_about_y(vectors: np.ndarray, angle: np.ndarray) -> np.ndarray:
    cos, sin = np.cos(angle), np.sin(angle)
    x, y, z = vectors[..., 0], vectors[..., 1], vectors[..., 2]
    return np.stack([cos * x + sin * z, y, cos * z - sin * x], axis=-1)


def lengths(vectors: np.ndarray) -> np.ndarray:
    return np.sqrt(np.einsum("...i,...i->...", vectors, vectors))
