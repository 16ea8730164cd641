"""The mapping of the character in the viewport: a coloured figure over its bones, and the bone under the mouse.

The figure is drawn in place of the bones' own colours, which stay as they are.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np
from bpy.app.handlers import persistent

from . import stored_mapping

log = logging.getLogger(__name__)

LEFT, RIGHT, MIDDLE = (0.93, 0.33, 0.31), (0.27, 0.52, 0.95), (0.35, 0.78, 0.45)
UNSURE_COLOUR, PICKED = (1.0, 0.78, 0.1), (1.0, 1.0, 1.0)
LINE, DOT, PICKED_LINE, TEXT = 2.2, 5.0, 3.0, 13.0
"""Half a line's width, a dot's radius, half of the width of the bone under the mouse, letters: pixels at scale 1."""
TREE = (
    ("pelvis", "spine1"), ("spine1", "spine2"), ("spine2", "spine3"), ("spine3", "neck"), ("neck", "head"),
    *((f"{side}_{a}", f"{side}_{b}") for side in "lr" for a, b in (
        ("collar", "shoulder"), ("shoulder", "elbow"), ("elbow", "wrist"), ("hip", "knee"), ("knee", "ankle"),
        ("ankle", "foot"),
    )),
    ("spine3", "l_collar"), ("spine3", "r_collar"), ("pelvis", "l_hip"), ("pelvis", "r_hip"),
)  # fmt: skip
"""Joints that are joined by a line; one without a bone is passed over, towards the hips."""
_CORNERS = 10


@dataclass
class Picking:
    """The bone under the mouse while a bone is picked: its name and its ends in the world; empty without one."""

    bone: str = ""
    ends: np.ndarray | None = None


picking = Picking()
_handler: Any = None


@dataclass(frozen=True, eq=False)
class ShownFigure:
    """joints: joint -> (3,) where its first bone begins, in the world. colours: joint -> red, green, blue. lines: pairs
    of joints."""

    joints: dict[str, np.ndarray]
    colours: dict[str, tuple[float, float, float]]
    lines: list[tuple[str, str]]


def shown_figure(obj: bpy.types.Object, depsgraph: bpy.types.Depsgraph) -> ShownFigure:
    """The mapping of an armature in its present pose."""
    posed = obj.evaluated_get(depsgraph)
    matrix = posed.matrix_world
    places: dict[str, np.ndarray] = {}
    colours = {}
    for joint, (sure, bones) in stored_mapping.joints_of(obj).items():
        bone = posed.pose.bones.get(bones[0]) if bones else None
        if bone is not None:
            places[joint] = np.array(matrix @ bone.head, np.float64)
            colours[joint] = UNSURE_COLOUR if sure < stored_mapping.UNSURE else _side_colour(joint)
    above = {end: start for start, end in reversed(TREE)}
    lines = []
    for start, end in TREE:
        while start not in places and start in above:
            start = above[start]
        if start in places and end in places and (start, end) not in lines:
            lines.append((start, end))
    return ShownFigure(places, colours, lines)


def _side_colour(joint: str) -> tuple[float, float, float]:
    return {"l_": LEFT, "r_": RIGHT}.get(joint[:2], MIDDLE)


def thick_line(start: np.ndarray, end: np.ndarray, half: float) -> np.ndarray:
    """(6, 2) two triangles of a line between two points (2,); `half`: of its width."""
    along = end - start
    length = float(np.linalg.norm(along))
    across = np.array([-along[1], along[0]]) / length * half if length > 1e-6 else np.array([half, 0.0])
    a, b, c, d = start + across, start - across, end + across, end - across
    return np.array([a, b, c, c, b, d])


def disc(centre: np.ndarray, radius: float) -> np.ndarray:
    """(3 * _CORNERS, 2) triangles of a disc around a point (2,)."""
    turn = np.linspace(0.0, 2.0 * np.pi, _CORNERS + 1)
    ring = centre + radius * np.stack([np.cos(turn), np.sin(turn)], axis=1)
    return np.stack([np.broadcast_to(centre, (_CORNERS, 2)), ring[:-1], ring[1:]], axis=1).reshape(-1, 2)


def triangles_of(
    figure: ShownFigure, matrix: np.ndarray, width: float, height: float, scale: float
) -> tuple[np.ndarray, np.ndarray]:
    """(N, 2) pixels and (N, 4) colours of the figure's triangles. matrix: (4, 4) world to clip space."""
    from ..scene.viewports import projected

    names = list(figure.joints)
    places: list[np.ndarray] = []
    colours: list[np.ndarray] = []

    def add(triangles: np.ndarray, colour: tuple[float, float, float]) -> None:
        if not np.isnan(triangles).any():
            places.append(triangles)
            colours.append(np.tile((*colour, 0.95), (len(triangles), 1)))

    if names:
        points = projected(np.array([figure.joints[name] for name in names]), matrix, width, height)[0]
        pixels = dict(zip(names, points, strict=True))
        for start, end in figure.lines:
            add(thick_line(pixels[start], pixels[end], LINE * scale), figure.colours[end])
        for name in names:
            add(disc(pixels[name], DOT * scale), figure.colours[name])
    if picking.ends is not None:
        ends = projected(picking.ends, matrix, width, height)[0]
        add(thick_line(ends[0], ends[1], PICKED_LINE * scale), PICKED)
        add(disc(ends[0], DOT * scale), PICKED)
    if not places:
        return np.zeros((0, 2)), np.zeros((0, 4))
    return np.concatenate(places), np.concatenate(colours)


def _draw() -> None:
    context = bpy.context
    settings = context.scene.motionlcm
    character = settings.character
    if not settings.show_mapping or not stored_mapping.has_mapping(character):
        return
    try:
        _draw_figure(context, character)
    except Exception:
        log.exception("The mapping could not be drawn")
        remove_handler()


def _draw_figure(context: bpy.types.Context, character: bpy.types.Object) -> None:
    import gpu

    region, scale = context.region, float(context.preferences.system.ui_scale)
    if not context.space_data.overlay.show_overlays and picking.ends is None:
        return
    matrix = np.array(context.region_data.perspective_matrix, np.float64)
    figure = shown_figure(character, context.evaluated_depsgraph_get())
    places, colours = triangles_of(figure, matrix, region.width, region.height, scale)
    if not len(places):
        return
    layout = gpu.types.GPUVertFormat()
    layout.attr_add(id="pos", comp_type="F32", len=3, fetch_mode="FLOAT")
    layout.attr_add(id="color", comp_type="F32", len=4, fetch_mode="FLOAT")
    buffer = gpu.types.GPUVertBuf(layout, len(places))
    buffer.attr_fill("pos", np.concatenate([places, np.zeros((len(places), 1))], axis=1).astype(np.float32))
    buffer.attr_fill("color", colours.astype(np.float32))
    gpu.state.blend_set("ALPHA")
    gpu.types.GPUBatch(type="TRIS", buf=buffer).draw(gpu.shader.from_builtin("SMOOTH_COLOR"))
    gpu.state.blend_set("NONE")
    if picking.ends is not None and picking.bone:
        _write_name(matrix, region, scale)


def _write_name(matrix: np.ndarray, region: bpy.types.Region, scale: float) -> None:
    """The name of the bone under the mouse, beside its middle."""
    import blf

    from ..scene.viewports import projected

    assert picking.ends is not None
    x, y = projected(picking.ends.mean(axis=0), matrix, region.width, region.height)[0]
    if np.isnan(x):
        return
    blf.size(0, TEXT * scale)
    blf.enable(0, blf.SHADOW)
    blf.shadow(0, 5, 0.0, 0.0, 0.0, 1.0)
    blf.color(0, 1.0, 1.0, 1.0, 1.0)
    blf.position(0, float(x) + 14.0 * scale, float(y) + 4.0 * scale, 0.0)
    blf.draw(0, picking.bone)
    blf.disable(0, blf.SHADOW)


def remove_handler() -> None:
    """Stop drawing."""
    global _handler
    if _handler is not None:
        bpy.types.SpaceView3D.draw_handler_remove(_handler, "WINDOW")
        _handler = None


def register_properties() -> None:
    global _handler
    if not bpy.app.background:
        _handler = bpy.types.SpaceView3D.draw_handler_add(_draw, (), "WINDOW", "POST_PIXEL")
    bpy.app.handlers.load_pre.append(_on_load)


@persistent
def _on_load(*_: object) -> None:
    picking.bone, picking.ends = "", None


def unregister_properties() -> None:
    remove_handler()
    if _on_load in bpy.app.handlers.load_pre:
        bpy.app.handlers.load_pre.remove(_on_load)
