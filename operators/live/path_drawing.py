"""The path in the viewport while it changes: coloured by speed, with marks where the gait changes.

Drawing reads no data of Blender, because an undo may just have freed it.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import bpy
import numpy as np

from ...motionlcm_blender.live.path_pace import pace_colours, path_pace
from ...motionlcm_blender.motion.world_transform import engine_to_blender

if TYPE_CHECKING:
    from ..session.generation_worker import GenerationJobInput

log = logging.getLogger(__name__)

WIDTH, ALPHA = 5.0, 0.95
"""Pixels at scale 1, and the opacity of the line."""
ABOVE = 0.02
"""Metres of the line above the floor, so that the floor does not hide it."""
TICK = 0.18
"""Metres, half the length of a mark across the path where the gait changes."""
MARK = (1.0, 1.0, 1.0, 0.95)


class PathDrawing:
    """The line of the newest state, drawn in all 3D viewports."""

    def __init__(self) -> None:
        self._order: GenerationJobInput | None = None
        self._batches: list[Any] | None = None
        self._handler: Any | None = None

    def show(self, order: GenerationJobInput) -> None:
        """Take the path of a job input; without a path nothing is drawn. It is measured when Blender draws next, which
        is less often than it changes."""
        if order.path_xz is None or len(order.path_xz) < 2:
            self.hide()
            return
        self._order, self._batches = order, None
        if self._handler is None and not bpy.app.background:
            self._handler = bpy.types.SpaceView3D.draw_handler_add(self._draw, (), "WINDOW", "POST_VIEW")

    def hide(self) -> None:
        """Draw nothing, and remove the draw handler."""
        self._order = self._batches = None
        if self._handler is not None:
            bpy.types.SpaceView3D.draw_handler_remove(self._handler, "WINDOW")
            self._handler = None

    def _draw(self) -> None:
        try:
            self._draw_line()
        except Exception as error:  # an exception in each redraw would flood the console
            log.warning("The path is not drawn: %s", error, exc_info=error)
            self._order = None

    def _draw_line(self) -> None:
        import gpu
        from gpu_extras.batch import batch_for_shader

        if self._order is None:
            return
        coloured, plain = (gpu.shader.from_builtin(f"POLYLINE_{kind}_COLOR") for kind in ("SMOOTH", "UNIFORM"))
        if self._batches is None:
            points, colours, marks = (part.astype(np.float32) for part in path_shapes(self._order))
            self._batches = [
                batch_for_shader(coloured, "LINE_STRIP", {"pos": points, "color": colours}),
                batch_for_shader(plain, "LINES", {"pos": marks}) if len(marks) else None,
            ]
        gpu.state.blend_set("ALPHA")
        gpu.state.depth_test_set("LESS_EQUAL")
        size, scale = gpu.state.viewport_get()[2:], bpy.context.preferences.system.ui_scale
        for shader, batch in zip((coloured, plain), self._batches, strict=True):
            if batch is not None:
                shader.bind()
                shader.uniform_float("viewportSize", size)
                shader.uniform_float("lineWidth", WIDTH * scale)
                if shader is plain:
                    shader.uniform_float("color", MARK)
                batch.draw(shader)
        gpu.state.depth_test_set("NONE")
        gpu.state.blend_set("NONE")


def path_shapes(order: GenerationJobInput) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """World points (T, 3) and colours (T, 4) of the path of a job input, and ends (2 * M, 3) of the marks across it."""
    path = order.path_xz
    assert path is not None
    pace = path_pace(path, order.request.prompt)
    heights = np.full(len(path), float(order.placement.origin[1]) + ABOVE)
    if order.ground is not None:
        heights += order.ground.heights(path)
    points = np.stack([path[:, 0], heights, path[:, 1]], axis=-1)
    marks = engine_to_blender(_ticks(points, pace.gait_changes)) * order.units_per_metre
    return engine_to_blender(points) * order.units_per_metre, pace_colours(pace, ALPHA), marks


def _ticks(points: np.ndarray, frames: np.ndarray) -> np.ndarray:
    """(2 * M, 3) ends of lines across the path at some of its frames."""
    along = np.gradient(points, axis=0)[frames]
    across = np.stack([along[:, 2], np.zeros(len(along)), -along[:, 0]], axis=-1)
    across *= TICK / np.maximum(np.linalg.norm(across, axis=-1, keepdims=True), 1e-9)
    return np.stack([points[frames] - across, points[frames] + across], axis=1).reshape(-1, 3)
