"""A take as a picture: figures along time on a floor grid, and its way on the floor from above. Needs Pillow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ...array_types import FloatArray
from ...motion.skeleton import FPS, JOINTS, PARENTS

PAPER, INK, FAINT = (255, 255, 255), (25, 25, 25), (226, 226, 226)
LEFT, RIGHT, MIDDLE = (206, 58, 36), (36, 96, 196), (84, 84, 84)
WAY, PATH = (36, 96, 196), (214, 150, 30)
HEADING, TILT = np.radians(35.0), np.radians(18.0)
TALLEST, GRID = 1.85, 0.5
"""Metres above the floor that are shown at least, and between the lines of the floor grid."""
_J = {name: index for index, name in enumerate(JOINTS)}
_FEET_LINE = 0.84
"""Where the floor below the pelvis is in a cell, as a share of its height."""


def font(size: int) -> Any:
    """Pillow's own font."""
    return ImageFont.load_default(size)


def draw_take(
    joints: FloatArray,
    size: tuple[int, int],
    poses: int,
    turns: FloatArray | None = None,
    path: FloatArray | None = None,
    scale: int = 2,
) -> Image.Image:
    """One take: `poses` figures evenly in time, and a square with the way from above and its length at the right.

    joints: (T, 22, 3) metres, Y up. size: width and height in pixels. turns: (T, 3, 4) quaternions w, x, y, z, the
    first of the head against the chest, which then shows in the nose; path: (T, 2) the requested path. scale:
    drawn this many times as large and reduced, for smooth lines. All figures are seen from the same side; their left
    is red.
    """
    joints = np.asarray(joints, dtype=np.float64)
    width, height = size[0] * scale, size[1] * scale
    image = Image.new("RGB", (width, height), PAPER)
    cell, pen = (width - height) / poses, ImageDraw.Draw(image)
    # High jumps are drawn smaller, so that no head is cut off.
    pixels = height * _FEET_LINE / max(TALLEST, float(joints[..., 1].max()) + 0.25)
    frames = np.linspace(0, len(joints) - 1, poses).round().astype(int)
    places = [_Place((number + 0.5) * cell, _FEET_LINE * height, pixels) for number in range(poses)]
    for frame, place in zip(frames, places, strict=True):
        _floor(pen, joints[frame], place, 0.46 * cell / pixels)
    for frame, place in zip(frames, places, strict=True):
        _figure(pen, joints[frame], _nose(joints[frame], None if turns is None else turns[frame, 0]), place)
    _from_above(pen, joints, path, (width - height, 0, height), scale)
    image = image.resize(size, Image.Resampling.LANCZOS)
    pen, small = ImageDraw.Draw(image), font(11)
    for number, seconds in enumerate(frames / FPS):
        pen.text((number * cell / scale + 3, size[1] - 14), f"{seconds:.1f}", fill=MIDDLE, font=small)
    metres = float(np.linalg.norm(np.diff(joints[:, 0][:, [0, 2]], axis=0), axis=-1).sum())
    pen.text((size[0] - size[1] + 5, size[1] - 16), f"{metres:.1f} m", fill=MIDDLE, font=small)
    return image


@dataclass(frozen=True)
class _Place:
    """Where on the picture a figure stands: x and y of the floor below its pelvis, and pixels per metre."""

    x: float
    y: float
    pixels: float

    def of(self, points: FloatArray) -> list[tuple[float, float]]:
        """Pixels of points (N, 3), the floor below the pelvis at the origin."""
        across, up, _ = _seen(points)
        return [(self.x + self.pixels * a, self.y - self.pixels * u) for a, u in zip(across, up, strict=True)]


def _seen(points: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Across, up and depth (large is near) of points (N, 3), seen from the front left at a little height."""
    across = points[:, 0] * np.cos(HEADING) - points[:, 2] * np.sin(HEADING)
    depth = points[:, 0] * np.sin(HEADING) + points[:, 2] * np.cos(HEADING)
    return across, points[:, 1] * np.cos(TILT) - depth * np.sin(TILT), depth


def _floor(pen: Any, pose: FloatArray, place: _Place, reach: float) -> None:
    """A piece of the grid on the floor around a figure; the grid stays where it is in the world."""
    middle = pose[0] * [1.0, 0.0, 1.0]
    for axis in (0, 2):
        first = np.ceil((middle[axis] - reach) / GRID) * GRID
        for line in np.arange(first, middle[axis] + reach, GRID):
            ends = np.repeat(middle[None], 2, axis=0)
            ends[:, axis], ends[:, 2 - axis] = line, middle[2 - axis] + np.array([-reach, reach])
            pen.line(place.of(ends - middle), fill=FAINT, width=3)


def _figure(pen: Any, pose: FloatArray, nose: FloatArray, place: _Place) -> None:
    """One figure and its shadow straight below it."""
    pixels, pose = place.pixels, pose - pose[0] * [1.0, 0.0, 1.0]
    shadow = pose * [1.0, 0.0, 1.0]
    bones = [(joint, parent) for joint, parent in enumerate(PARENTS) if parent >= 0]
    for joint, parent in bones:
        pen.line(place.of(shadow[[parent, joint]]), fill=(205, 205, 205), width=max(2, round(0.025 * pixels)))
    depth = _seen(pose)[2]
    for joint, parent in sorted(bones, key=lambda bone: depth[list(bone)].sum()):
        name, thick = JOINTS[joint], 0.085 if joint in (3, 6, 9) else 0.06
        colour = LEFT if name.startswith("l_") else RIGHT if name.startswith("r_") else MIDDLE
        _limb(pen, place.of(pose[[parent, joint]]), colour, thick * pixels)
    head = pose[_J["head"]] + [0.0, 0.08, 0.0]
    (x, y), r = place.of(head[None])[0], 0.1 * pixels
    pen.ellipse((x - r, y - 1.15 * r, x + r, y + 1.15 * r), fill=(244, 236, 226), outline=MIDDLE, width=3)
    _limb(pen, place.of(np.stack([head + 0.06 * nose, head + 0.17 * nose])), INK, 0.035 * pixels)


def _limb(pen: Any, ends: list[tuple[float, float]], colour: tuple[int, int, int], thick: float) -> None:
    pen.line(ends, fill=colour, width=max(2, round(thick)))
    for x, y in ends:
        pen.ellipse((x - thick / 2, y - thick / 2, x + thick / 2, y + thick / 2), fill=colour)


def _nose(pose: FloatArray, turn: FloatArray | None) -> FloatArray:
    """(3,) unit vector: where the face points, from the shoulders, tipped with the neck, and turned by the head."""
    left = pose[_J["l_shoulder"]] - pose[_J["r_shoulder"]]
    left = left / max(float(np.linalg.norm(left)), 1e-9)
    up = pose[_J["head"]] - pose[_J["spine3"]]
    up = up - left * (up @ left)
    up = up / max(float(np.linalg.norm(up)), 1e-9)
    forward = np.cross(left, up)
    if turn is None:
        result: FloatArray = forward
        return result
    w, x, y, z = np.asarray(turn, dtype=np.float64)
    local = np.array([2 * (x * z + w * y), 2 * (y * z - w * x), 1 - 2 * (x * x + y * y)])
    return np.asarray(local @ np.stack([left, up, forward]))


def _from_above(
    pen: Any, joints: FloatArray, path: FloatArray | None, corner: tuple[int, int, int], scale: int
) -> None:
    """Draw the way of the pelvis.

    x points to the left, as seen from behind the figure, z up the picture; short lines show the facing.
    """
    left, top, side = corner
    root = joints[:, 0][:, [0, 2]]
    every = root if path is None else np.concatenate([root, path])
    low, high = every.min(axis=0), every.max(axis=0)
    pixels, middle = (side - 16 * scale) / max(float((high - low).max()), 1.0), 0.5 * (low + high)

    def place(points: FloatArray) -> list[tuple[float, float]]:
        x = left + 0.5 * side - pixels * (points[:, 0] - middle[0])
        y = top + 0.5 * side - pixels * (points[:, 1] - middle[1])
        return list(zip(x.tolist(), y.tolist(), strict=True))

    pen.rectangle((left + 2, top + 2, left + side - 3, top + side - 3), outline=(200, 200, 200), width=scale)
    if path is not None:
        pen.line(place(np.asarray(path, dtype=np.float64)), fill=PATH, width=5 * scale)
    pen.line(place(root), fill=WAY, width=2 * scale)
    across = joints[:, 1] - joints[:, 2] + joints[:, 16] - joints[:, 17]
    forward = np.stack([-across[:, 2], across[:, 0]], axis=-1)
    forward /= np.maximum(np.linalg.norm(forward, axis=-1, keepdims=True), 1e-9)
    for frame in range(0, len(root), 10):
        ends = np.stack([root[frame], root[frame] + forward[frame] * 9 * scale / pixels])
        pen.line(place(ends), fill=INK, width=scale)
    x, y = place(root[:1])[0]
    pen.ellipse((x - 3 * scale, y - 3 * scale, x + 3 * scale, y + 3 * scale), fill=INK)
