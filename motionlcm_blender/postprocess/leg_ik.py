"""Two-bone leg IK to given ankle positions, with pelvis corrections that keep the knees from snapping."""

from __future__ import annotations

import numpy as np

from ..array_types import BoolArray, FloatArray
from ..motion import banded_solver, rotations
from ..motion.smoothing import smooth

DIP = 0.06
"""Metres by which the pelvis may be lowered so that a leg reaches."""
EASE_ROUNDS, EASE_MOST = 2, 0.05
"""Number of pelvis corrections, and the largest move of the pelvis up or down, metres."""
EASE_PELVIS, EASE_ANKLE, EASE_STAY, EASE_STANDS = 200.0, 10.0, 1.0, 1e4
"""Weights relative to the knees' acceleration (per metre and radian).

Acceleration of the pelvis and of the ankles, size of their moves, and the move of a standing ankle or of the pelvis of
a figure in the air.
"""
HIPS, KNEES, ANKLES, TOES = (1, 2), (4, 5), (7, 8), (10, 11)


def solve_legs(
    joints: FloatArray, wanted: FloatArray, foot: FloatArray, flat: BoolArray, stands: BoolArray
) -> FloatArray:
    """Solve both legs for given ankle positions.

    Args:
        joints: (T, 22, 3) metres, Y up.
        wanted: (T, 2, 3) target positions of left and right ankle, metres.
        foot: (T, 2, 3) vectors from ankle to toe joint.
        flat: (T, 2) bool, feet flat on the floor.
        stands: (T, 2) bool, feet on the floor.

    Returns:
        (T, 22, 3) joints; bones keep their lengths.
    """
    out = joints.copy()
    hip, knee, ankle = joints[:, HIPS], joints[:, KNEES], joints[:, ANKLES]
    thigh, shin = lengths(knee - hip), lengths(ankle - knee)
    whole, before = thigh + shin, lengths(ankle - hip)
    comfortable = np.maximum(0.985 * whole, before)

    # If a leg is too short, a foot on its toes rolls over them, and for a flat foot the pelvis is lowered.
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

    distance = _within_reach(lengths(wanted - hip) - drawn, before, thigh, shin)
    return _bent_legs(joints, out, wanted, foot, distance)


def place_feet(joints: FloatArray, ankles: FloatArray, toes: FloatArray) -> FloatArray:
    """Put the feet at given places; pelvis and trunk stay, a leg that is too short points there.

    Args:
        joints: (T, 22, 3) metres, Y up.
        ankles: (T, 2, 3) target positions of left and right ankle, metres.
        toes: (T, 2, 3) places that the toe joints point to.

    Returns:
        (T, 22, 3) joints; bones keep their lengths.
    """
    hip, knee, ankle, toe = (joints[:, part] for part in (HIPS, KNEES, ANKLES, TOES))
    thigh, shin = lengths(knee - hip), lengths(ankle - knee)
    foot = rotations.unit(toes - ankles, (0.0, 0.0, 1.0)) * lengths(toe - ankle)[..., None]
    distance = _within_reach(lengths(ankles - hip), lengths(ankle - hip), thigh, shin)
    return _bent_legs(joints, joints.copy(), ankles, foot, distance)


def _bent_legs(
    joints: FloatArray, out: FloatArray, wanted: FloatArray, foot: FloatArray, distance: FloatArray
) -> FloatArray:
    """`out` with its legs towards ankles (T, 2, 3), `distance` (T, 2) long, bent in the planes in which `joints` are.

    foot: (T, 2, 3) vectors from ankle to toe joint.
    """
    hip, knee, ankle = out[:, HIPS], joints[:, KNEES], joints[:, ANKLES]
    thigh, shin = lengths(knee - joints[:, HIPS]), lengths(ankle - knee)
    reach = wanted - hip
    old = rotations.unit(ankle - joints[:, HIPS], (0.0, -1.0, 0.0))
    new = rotations.unit(reach, (0.0, -1.0, 0.0))
    bend = knee - joints[:, HIPS]
    bend = bend - (bend * old).sum(-1, keepdims=True) * old
    # A straight leg has no bend plane: it bends in the facing direction.
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


def _within_reach(distance: FloatArray, before: FloatArray, thigh: FloatArray, shin: FloatArray) -> FloatArray:
    """Clamp distances from hip to ankle to what the leg reaches, softly where it is nearly straight."""
    whole = thigh + shin
    start = np.maximum(0.97 * whole, before)
    room = np.maximum(np.maximum(0.998 * whole, before) - start, 1e-6)
    over = np.maximum(distance - start, 0.0)
    distance = np.minimum(distance, start) + room * (1.0 - np.exp(-over / room))
    return np.clip(distance, np.abs(thigh - shin) + 0.02 * whole, whole * (1.0 - 1e-9))


def ease_knees(
    legs: FloatArray, before: FloatArray, thigh: FloatArray, shin: FloatArray, stands: BoolArray
) -> tuple[FloatArray, FloatArray]:
    """Correct pelvis height and ankle distances so that the knees accelerate no more than in the input motion.

    The angle of a nearly straight knee changes fast with distance: a foot that lands some centimetres further makes it
    snap. A pelvis one centimetre lower and an earlier reach of the swing avoid this. Gauss-Newton on the second
    differences of the knee angles, with penalties on the second differences and the size of the moves of pelvis and
    ankles, solved alternately.

    Args:
        legs: (T, 2, 3) vectors from the target ankles to the hips, metres.
        before: (T, 2) distances from hip to ankle in the input motion.
        thigh: (T, 2) lengths of the thighs.
        shin: (T, 2) lengths of the shins.
        stands: (T, 2) bool, ankles that stay.

    Returns:
        Metres to raise the pelvis (T,), and metres to move each ankle towards its hip (T, 2).
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
    legs: FloatArray, raised: FloatArray, drawn: FloatArray, before: FloatArray, thigh: FloatArray, shin: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """(T, 2) each: knee angles, their derivative by leg length, and the derivative of leg length by pelvis height."""
    now = legs + np.array([0.0, 1.0, 0.0]) * raised[:, None, None]
    length = np.maximum(lengths(now), 1e-9)
    near, far = (_knee_angle(_within_reach(length - drawn + d, before, thigh, shin), thigh, shin) for d in (0.0, 1e-3))
    return near, (far - near) / 1e-3, now[..., 1] / length


def _knee_angle(far: FloatArray, thigh: FloatArray, shin: FloatArray) -> FloatArray:
    """Angle between thigh and shin, radians, pi for a straight leg, from the distance of hip and ankle."""
    cosine = (thigh**2 + shin**2 - far**2) / np.maximum(2.0 * thigh * shin, 1e-9)
    result: FloatArray = np.arccos(np.clip(cosine, -1.0, 1.0))
    return result


def _roll(hip: FloatArray, ankle: FloatArray, foot: FloatArray, reach: FloatArray) -> FloatArray:
    """(T, 2, 3) ankles, rolled about the toe joints until the legs reach (T, 2)."""
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


def _dip(need: FloatArray) -> FloatArray:
    """(T,) metres to lower the pelvis: the need (T,), at most DIP, as a smooth curve."""
    if not (need > 1e-4).any():
        return np.zeros_like(need)
    limited = DIP * np.tanh(need / DIP)
    padded = np.pad(limited, 3, mode="edge")
    envelope = np.lib.stride_tricks.sliding_window_view(padded, 7).max(axis=-1)
    return np.maximum(smooth(envelope, 2.0), 0.0)


def rotated_about_y(vectors: FloatArray, angle: FloatArray) -> FloatArray:
    """Rotate vectors (..., 3) about +Y by angles (...), radians."""
    cos, sin = np.cos(angle), np.sin(angle)
    x, y, z = vectors[..., 0], vectors[..., 1], vectors[..., 2]
    return np.stack([cos * x + sin * z, y, cos * z - sin * x], axis=-1)


def lengths(vectors: FloatArray) -> FloatArray:
    """Lengths (...) of vectors (..., 3)."""
    result: FloatArray = np.sqrt(np.einsum("...i,...i->...", vectors, vectors))
    return result
