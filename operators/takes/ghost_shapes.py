"""Ghosts as figures: limbs with volume, places in a row, and the figure under the mouse.

Plain arrays; this module does not use Blender. A limb goes from one joint to another, with a radius at each end.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

SIDES = 8
COLOURS = (
    (0.90, 0.62, 0.00), (0.34, 0.71, 0.91), (0.00, 0.62, 0.45), (0.94, 0.89, 0.26),
    (0.16, 0.47, 0.85), (0.84, 0.37, 0.00), (0.80, 0.47, 0.65),
)  # fmt: skip
"""Colours of Okabe and Ito, distinct for all kinds of colour vision; the dark blue is a little lighter for dark
viewports."""
SHADES = (0.0, 0.55, -0.4)
"""Amounts towards white or black for further takes after all colours are used."""
GAP = 0.35
"""Metres between two ghosts in a row, at the size of a person."""

# Joints in the engine's order; computed points follow after 21: head top, hands, toes, waist.
_CROWN, _L_HAND, _R_HAND, _L_TOE, _R_TOE, _CHEST = range(22, 28)
_LIMBS = np.array(
    [
        (0, 6),
        (6, _CHEST),
        (_CHEST, 12),
        (12, 15),
        (15, _CROWN),
        (9, 16),
        (16, 18),
        (18, 20),
        (20, _L_HAND),
        (9, 17),
        (17, 19),
        (19, 21),
        (21, _R_HAND),
        (0, 1),
        (1, 4),
        (4, 7),
        (7, 10),
        (10, _L_TOE),
        (0, 2),
        (2, 5),
        (5, 8),
        (8, 11),
        (11, _R_TOE),
    ]
)
_ARM = [(0.055, 0.060), (0.052, 0.040), (0.040, 0.030), (0.032, 0.030)]
_LEG = [(0.085, 0.088), (0.086, 0.058), (0.056, 0.038), (0.042, 0.036), (0.036, 0.028)]
_RADII = np.array(
    [(0.095, 0.090), (0.090, 0.105), (0.100, 0.060), (0.048, 0.045), (0.085, 0.085), *_ARM, *_ARM, *_LEG, *_LEG]
)
_WIDE = np.ones(len(_LIMBS))
_WIDE[:3] = 1.45, 1.5, 1.35  # a torso is wider than deep
LIMBS = len(_LIMBS)


def _template() -> tuple[np.ndarray, np.ndarray]:
    """A limb: rows of (across, deep, along, bulge beyond its ends, weight of its end), and triangles, outside to the
    front."""
    angles = 2.0 * np.pi * np.arange(SIDES) / SIDES
    rows, triangles = [], []
    for across, along, beyond in ((0.62, 0.0, -0.72), (1.0, 0.0, 0.0), (1.0, 1.0, 0.0), (0.62, 1.0, 0.72)):
        rows += [(across * np.cos(a), across * np.sin(a), along, beyond) for a in angles]
    rows += [(0.0, 0.0, 0.0, -1.0), (0.0, 0.0, 1.0, 1.0)]
    for ring in range(3):
        for side in range(SIDES):
            a, b = ring * SIDES + side, ring * SIDES + (side + 1) % SIDES
            triangles += [(a, b, b + SIDES), (a, b + SIDES, a + SIDES)]
    low, high, last = 4 * SIDES, 4 * SIDES + 1, 3 * SIDES
    for side in range(SIDES):
        after = (side + 1) % SIDES
        triangles += [(low, after, side), (high, last + side, last + after)]
    return np.array(rows, np.float32), np.array(triangles, np.int32)


_ROWS, _TRIANGLES = _template()
VERTICES = LIMBS * len(_ROWS)
"""Number of vertices of one figure."""


def triangles(distances: np.ndarray, first: int | None = None) -> np.ndarray:
    """(N * LIMBS * triangles of one, 3) int32 of the corners that `bodies` makes, in drawing order.

    distances: (N, LIMBS) from the eye. Figures are sorted from the farthest to the nearest, so that transparent figures
    show the figures behind. The limbs of one figure are sorted from the nearest to the farthest, so that the depth test
    hides its inner limbs. first: the opaque figure.
    """
    nearest = distances.mean(axis=1)
    if first is not None:
        nearest[first] = np.inf
    figures = np.argsort(-nearest, kind="stable")
    limbs = np.argsort(distances, axis=1)[figures] + LIMBS * figures[:, None]
    starts = limbs.reshape(-1, 1, 1).astype(np.int32) * np.int32(len(_ROWS))
    return (starts + _TRIANGLES).reshape(-1, 3)


def colour(index: int) -> tuple[float, float, float]:
    """The colour of the take with this index in the list."""
    shade = SHADES[index // len(COLOURS) % len(SHADES)]
    towards = 1.0 if shade > 0.0 else 0.0
    red, green, blue = (c + abs(shade) * (towards - c) for c in COLOURS[index % len(COLOURS)])
    return red, green, blue


def size_of(joints: np.ndarray) -> float:
    """Scale of the figure relative to a person; joints (..., 22, 3)."""
    legs = [(1, 4), (4, 7), (2, 5), (5, 8)]
    each = [np.linalg.norm(joints[..., a, :] - joints[..., b, :], axis=-1).mean() for a, b in legs]
    return max(float(sum(each)) / 1.64, 1e-6)


def limbs_of(joints: np.ndarray, size: float) -> np.ndarray:
    """(N, LIMBS, 2, 3) both ends of each limb of figures with joints (N, 22, 3)."""
    points = np.empty((len(joints), 28, 3), np.float32)
    points[:, :22] = joints

    def beyond(joint: int, before: int, length: float) -> np.ndarray:
        way = joints[:, joint] - joints[:, before]
        return joints[:, joint] + way * (length * size / np.maximum(np.linalg.norm(way, axis=-1), 1e-6))[:, None]

    points[:, _CROWN] = beyond(15, 12, 0.115)
    points[:, _L_HAND], points[:, _R_HAND] = beyond(20, 18, 0.13), beyond(21, 19, 0.13)
    points[:, _L_TOE], points[:, _R_TOE] = beyond(10, 7, 0.05), beyond(11, 8, 0.05)
    points[:, _CHEST] = 0.5 * (joints[:, 9] + 0.5 * (joints[:, 16] + joints[:, 17]))
    # The head is a ball on the neck.
    points[:, 15] = joints[:, 15] + 0.35 * (points[:, _CROWN] - joints[:, 15])
    return points[:, _LIMBS]


def bodies(joints: np.ndarray, size: float, eye: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Figures with joints (N, 22, 3) as triangle corners, and their brightness as seen from the eye (3,).

    Returns (N * VERTICES, 3) float32, (N * VERTICES,) float32 from 0 to 1, and the limbs' distances (N, LIMBS).
    """
    joints = np.ascontiguousarray(joints, np.float32)
    ends = limbs_of(joints, size)
    start, way = ends[:, :, 0], ends[:, :, 1] - ends[:, :, 0]
    length = np.sqrt(np.einsum("nlk,nlk->nl", way, way))[..., None]
    along = way / np.maximum(length, np.float32(1e-6))
    # The cross-sections of all limbs are rotated with the hips, so that the torso is aligned with the hips.
    left = joints[:, 1] - joints[:, 2]
    left = left / np.maximum(np.linalg.norm(left, axis=-1, keepdims=True), np.float32(1e-6))
    aside = np.broadcast_to(left[:, None], along.shape)
    aside = np.where(np.abs((aside * along).sum(-1, keepdims=True)) > 0.95, along[..., [2, 0, 1]], aside)
    first = aside - along * (aside * along).sum(-1, keepdims=True)
    first = first / np.maximum(np.sqrt((first * first).sum(-1, keepdims=True)), np.float32(1e-6))
    second = _cross(along, first)

    radii = (_RADII * size).astype(np.float32)
    radius = radii[:, :1] + (radii[:, 1:] - radii[:, :1]) * _ROWS[:, 2]  # (LIMBS, V)
    across = (radius * _ROWS[:, 0] * _WIDE[:, None]).astype(np.float32)
    deep, bulge = radius * _ROWS[:, 1], radius * _ROWS[:, 3]
    # One matrix product gives all corners: (N, L, V, 4) coefficients of first, second, along and way.
    coefficients = np.stack([across, deep, bulge, np.broadcast_to(_ROWS[:, 2], radius.shape)], axis=-1)
    axes = np.stack([first, second, along, way], axis=2)
    offset = np.matmul(coefficients.astype(np.float32), axes)
    places = start[:, :, None] + offset

    normal = np.matmul(_NORMALS, axes[:, :, :3])
    to_eye = (eye.astype(np.float32) - ends.mean(axis=2))[..., None]
    distances = np.sqrt((to_eye * to_eye).sum(axis=2))
    facing = np.matmul(normal, to_eye / np.maximum(distances, np.float32(1e-6))[..., None])[..., 0]
    light = 0.36 + 0.54 * np.clip(facing, 0.0, 1.0) + 0.1 * normal[..., 2]
    return places.reshape(-1, 3), light.reshape(-1).astype(np.float32), distances[..., 0]


def _cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Cross product; NumPy's function is several times slower."""
    result = np.empty_like(a)
    for i, (j, k) in enumerate(((1, 2), (2, 0), (0, 1))):
        result[..., i] = a[..., j] * b[..., k] - a[..., k] * b[..., j]
    return result


def _normals() -> np.ndarray:
    normals = np.stack([_ROWS[:, 0], _ROWS[:, 1], _ROWS[:, 3]], axis=-1)
    return (normals / np.linalg.norm(normals, axis=-1, keepdims=True)).astype(np.float32)


_NORMALS = _normals()


def row_offsets(tracks: Sequence[np.ndarray], axis: np.ndarray, gap: float) -> np.ndarray:
    """(N, 3) offsets that put ghosts in a row along `axis` (3,) without contact, with space in the middle.

    tracks: (T, J, 3) of each ghost, on the same T moments. The middle is the character's own place, wide enough for
    each take; half of the ghosts stand on either side, in their order. All ghosts move at the same time, so the widths
    at each moment count, not the travelled distances.
    """
    if not len(tracks):
        return np.zeros((0, 3))
    spread = np.array([track @ axis for track in tracks])  # (N, T, J)
    low, high = spread.min(axis=2), spread.max(axis=2)
    middle = (len(tracks) + 1) // 2
    offsets = np.zeros(len(tracks))
    for order, sign in ((range(middle - 1, -1, -1), -1.0), (range(middle, len(tracks)), 1.0)):
        edge = high.max(axis=0) if sign > 0.0 else low.min(axis=0)
        for each in order:
            near, far = (low[each], high[each]) if sign > 0.0 else (high[each], low[each])
            offsets[each] = sign * ((sign * (edge - near)).max() + gap)
            edge = far + offsets[each]
    return offsets[:, None] * axis


def ribbons(ways: Sequence[np.ndarray], width: float) -> tuple[np.ndarray, np.ndarray]:
    """Paths over the floor, (T, 3) each, as flat triangles: corners (M, 3) float32, and the index of each corner's
    path."""
    corners, owners = [], []
    for index, way in enumerate(ways):
        if len(way) < 2:
            continue
        ahead = np.gradient(way[:, :2], axis=0)
        length = np.linalg.norm(ahead, axis=1, keepdims=True)
        ahead = ahead / np.maximum(length, 1e-9)
        side = np.zeros_like(way)
        side[:, 0], side[:, 1] = -0.5 * width * ahead[:, 1], 0.5 * width * ahead[:, 0]
        a, b = way + side, way - side
        quads = np.stack([a[:-1], b[:-1], b[1:], a[:-1], b[1:], a[1:]], axis=1).reshape(-1, 3)
        corners.append(quads)
        owners.append(np.full(len(quads), index))
    if not corners:
        return np.zeros((0, 3), np.float32), np.zeros(0, int)
    return np.concatenate(corners).astype(np.float32), np.concatenate(owners)


def under_mouse(
    ends: np.ndarray, radii: np.ndarray, depth: np.ndarray, mouse: tuple[float, float], reach: float = 6.0
) -> int | None:
    """The index of the figure under the mouse; None if there is none.

    ends: (N, L, 2, 2) pixels of both ends of each limb, NaN if not visible. radii: (N, L) pixels. depth: (N, L)
    distances. Of the figures that contain the mouse, the nearest to the eye wins; otherwise the nearest figure within
    `reach` pixels.
    """
    if not ends.size:
        return None
    start, way = ends[:, :, 0], ends[:, :, 1] - ends[:, :, 0]
    to_mouse = np.asarray(mouse, np.float64) - start
    share = (to_mouse * way).sum(-1) / np.maximum((way * way).sum(-1), 1e-9)
    away = np.linalg.norm(to_mouse - np.clip(share, 0.0, 1.0)[..., None] * way, axis=-1) - radii
    away = np.where(np.isnan(away), np.inf, away)
    inside = np.where(away <= 0.0, depth, np.inf).min(axis=1)
    if np.isfinite(inside).any():
        return int(inside.argmin())
    nearest = away.min(axis=1)
    return int(nearest.argmin()) if nearest.min() <= reach else None


def limb_radii(size: float) -> np.ndarray:
    """(LIMBS,) metres, at the thicker end."""
    result: np.ndarray = (_RADII.max(axis=1) * _WIDE * size).astype(np.float32)
    return result


def apart(boxes: np.ndarray, gap: float = 2.0) -> np.ndarray:
    """Labels (N, 4) as x, y, width, height, moved up until none overlap.

    The first label ends above those that it would overlap, independent of their current heights: labels do not change
    places while figures move. Invisible labels are NaN and stay NaN.
    """
    result = boxes.copy()
    placed: list[tuple[float, float, float, float]] = []  # from the lowest to the highest label
    for index in range(len(boxes) - 1, -1, -1):
        x, y, width, height = boxes[index].tolist()
        if x != x or y != y:
            continue
        for u, v, across, up in placed:
            if x < u + across + gap and u < x + width + gap and y < v + up + gap and v < y + height + gap:
                y = v + up + gap
        result[index, 1] = y
        placed.append((x, y, width, height))
        placed.sort(key=lambda each: each[1])
    return result


def box_at(boxes: np.ndarray, mouse: tuple[float, float]) -> int | None:
    """The index of the label under the mouse."""
    for index, (x, y, width, height) in enumerate(boxes):
        if x <= mouse[0] <= x + width and y <= mouse[1] <= y + height:
            return index
    return None


Box = tuple[float, float, float, float]


def card_place(label: Box, size: tuple[float, float], free: Box, gap: float, beside: bool) -> tuple[float, float]:
    """The place of the card (width, height) for a label (x, y, width, height).

    free: left, bottom, right, top of the visible part, which contains the card. The card is above the label if there is
    space; if `beside`, preferably at its side.
    """
    (x, y, across, up), (width, height), (left, bottom, right, top) = label, size, free
    over = y + up + gap
    at_sides = [side for side in (x + across + gap, x - gap - width) if left + gap <= side <= right - gap - width]
    fits_over = over + height <= top - gap
    if at_sides and (beside or not fits_over):
        return at_sides[0], max(min(y + up, top - gap) - height, bottom + gap)
    return max(min(x, right - width - gap), left + gap), max(min(over, top - height - gap), bottom + gap)
