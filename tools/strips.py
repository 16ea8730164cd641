"""A motion as one picture: figures side by side in time, and the root's way on the floor seen from above."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

CELL, POSES, CAPTION = 150, 10, 22
METRES_IN_CELL = 2.3
VIEW_HEADING, VIEW_TILT = np.radians(35.0), np.radians(12.0)
LEFT, RIGHT, MIDDLE = (200, 60, 40), (40, 90, 190), (70, 70, 70)
PAPER, INK, PATH, ROOT = (255, 255, 255), (30, 30, 30), (210, 30, 60), (40, 90, 190)


def draw_strip(joints: np.ndarray, parents: tuple[int, ...], names: tuple[str, ...], caption: str, path=None):
    """joints (T, J, 3) metres, Y up; path (T, 2) target x and z on the floor, or None. Returns a PIL image.

    Left limbs are red, right ones blue. Figures turn with the motion: all are seen from the same direction.
    """
    width = CELL * (POSES + 1)
    image = Image.new("RGB", (width, CELL + CAPTION), PAPER)
    pen = ImageDraw.Draw(image)
    pen.text((6, 5), caption, fill=INK)
    seconds = (len(joints) - 1) / 20.0
    for number, frame in enumerate(np.linspace(0, len(joints) - 1, POSES).round().astype(int)):
        corner = (number * CELL, CAPTION)
        _figure(pen, joints[frame], parents, names, corner)
        pen.text((corner[0] + 4, corner[1] + CELL - 14), f"{seconds * number / (POSES - 1):.1f} s", fill=MIDDLE)
    _from_above(pen, joints[:, 0][:, [0, 2]], path, (POSES * CELL, CAPTION))
    return image


def _figure(pen, pose: np.ndarray, parents: tuple[int, ...], names: tuple[str, ...], corner) -> None:
    centred = pose - [pose[0, 0], 0.0, pose[0, 2]]
    turn, tilt = VIEW_HEADING, VIEW_TILT
    across = centred[:, 0] * np.cos(turn) - centred[:, 2] * np.sin(turn)
    depth = centred[:, 0] * np.sin(turn) + centred[:, 2] * np.cos(turn)
    height = centred[:, 1] * np.cos(tilt) - depth * np.sin(tilt)
    scale = CELL / METRES_IN_CELL
    x = corner[0] + 0.5 * CELL + scale * across
    y = corner[1] + 0.88 * CELL - scale * height
    pen.line((corner[0] + 12, corner[1] + 0.88 * CELL, corner[0] + CELL - 12, corner[1] + 0.88 * CELL), fill=(225,) * 3)
    for joint, parent in enumerate(parents):
        if parent < 0:
            continue
        colour = LEFT if names[joint].startswith("l_") else RIGHT if names[joint].startswith("r_") else MIDDLE
        pen.line((x[parent], y[parent], x[joint], y[joint]), fill=colour, width=3)
    head = names.index("head")
    pen.ellipse((x[head] - 5, y[head] - 9, x[head] + 5, y[head] + 3), outline=MIDDLE, width=2)


def _from_above(pen, root: np.ndarray, path, corner) -> None:
    """x to the left as the figure sees it from behind (so that a turn to its left goes left), z up the picture."""
    every = root if path is None else np.concatenate([root, path])
    low, high = every.min(axis=0), every.max(axis=0)
    scale = (CELL - 24) / max(float((high - low).max()), 0.5)
    middle = 0.5 * (low + high)

    def places(points: np.ndarray) -> list[tuple[float, float]]:
        x = corner[0] + 0.5 * CELL - scale * (points[:, 0] - middle[0])
        y = corner[1] + 0.5 * CELL - scale * (points[:, 1] - middle[1])
        return list(zip(x.tolist(), y.tolist(), strict=True))

    pen.rectangle((corner[0] + 2, corner[1] + 2, corner[0] + CELL - 3, corner[1] + CELL - 3), outline=(200,) * 3)
    if path is not None:
        pen.line(places(np.asarray(path)), fill=PATH, width=5)
    pen.line(places(root), fill=ROOT, width=2)
    start = places(root[:1])[0]
    pen.ellipse((start[0] - 3, start[1] - 3, start[0] + 3, start[1] + 3), fill=INK)


def stack(strips: list):
    """Strips below one another."""
    width = max(strip.width for strip in strips)
    image = Image.new("RGB", (width, sum(strip.height for strip in strips)), PAPER)
    top = 0
    for strip in strips:
        image.paste(strip, (0, top))
        top += strip.height
    return image
