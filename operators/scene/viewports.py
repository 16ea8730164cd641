"""The viewport under the mouse, points of the world in its pixels, and redraws."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy

if TYPE_CHECKING:
    import numpy as np


def viewport_under(window: bpy.types.Window, x: int, y: int) -> tuple[bpy.types.Region, bpy.types.RegionView3D] | None:
    """The viewport region of the scene under the mouse, if no other region covers it. x, y: pixels of the window."""
    for area in window.screen.areas:
        if area.type != "VIEW_3D" or not _inside(area, x, y):
            continue
        over = [region for region in area.regions if _inside(region, x, y)]
        if any(region.type != "WINDOW" for region in over):
            return None
        for region in over:
            view = getattr(region, "data", None) or area.spaces.active.region_3d
            return region, view
    return None


def projected(points: np.ndarray, matrix: np.ndarray, width: float, height: float) -> tuple[np.ndarray, np.ndarray]:
    """World points (..., 3) in the pixels of a region (..., 2), and their distance (...); NaN for points behind the
    eye.

    matrix: (4, 4) world to clip space.
    """
    import numpy as np

    clip = points @ matrix[:3, :3].T + matrix[:3, 3]
    depth = points @ matrix[3, :3] + matrix[3, 3]
    with np.errstate(divide="ignore", invalid="ignore"):
        screen = np.where(depth[..., None] > 1e-6, clip[..., :2] / depth[..., None], np.nan)
    pixels = (screen + 1.0) * 0.5 * np.array([width, height])
    # The last row of an orthographic matrix has no depth: the depth of clip space is used.
    flat = np.abs(matrix[3, :3]).max() < 1e-9
    return pixels, clip[..., 2] if flat else depth


def redraw_viewports() -> None:
    """Let Blender draw all 3D viewports again."""
    manager = bpy.context.window_manager
    for window in manager.windows if manager is not None else ():
        for area in window.screen.areas:
            for region in area.regions if area.type == "VIEW_3D" else ():
                if region.type == "WINDOW":
                    region.tag_redraw()


def _inside(part: Any, x: int, y: int) -> bool:
    inside = part.x <= x < part.x + part.width and part.y <= y < part.y + part.height
    return bool(inside and part.width > 1 and part.height > 1)
