"""The walking speed along the chosen path, computed before a generation.

It is computed shortly after a change of the path, the length or the character, never while the panel is drawn.
"""

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import bpy
from bpy.app.handlers import persistent
from bpy.app.translations import pgettext_iface as iface_

from ..scene.main_thread_timer import MainThreadTimer

if TYPE_CHECKING:
    from ...motionlcm_blender.motion.ground_path import GroundPath

DELAY = 0.15
"""Seconds between the last change and the computation."""


@dataclass
class Shown:
    """The panel's values about the path. warning: a sentence, or empty. too_fast: it is a walk, and should be a run."""

    text: str = ""
    warning: str = ""
    too_fast: bool = False


shown = Shown()


def mark_changed(_scene: bpy.types.Scene) -> None:
    """Schedule a new computation after a change of the path, the length or the character."""
    _timer.stop()
    _timer.start()


def drawn_path(context: bpy.types.Context, curve: bpy.types.Object) -> "GroundPath | None":
    """The curve as a line on the floor in metres of the scene's character; see `trajectory.curve_path`."""
    from ...motionlcm_blender.rigs.description import NotHumanoid
    from ..rigs.recognised import read_character, units_per_metre
    from .trajectory import curve_path

    character = context.scene.motionlcm.character
    units = 1.0
    if character is not None:
        with suppress(NotHumanoid):  # Generate reports it
            units = units_per_metre(character, read_character(character))
    return curve_path(context, curve, units)


def work_out(context: bpy.types.Context) -> Shown:
    """Compute length and speed of the scene's path."""
    chosen = context.scene.motionlcm
    obj = chosen.path
    if obj is None:
        return Shown()
    from ...motionlcm_blender.errors import InvalidRequest
    from ...motionlcm_blender.motion.ground_path import speed, speed_warning
    from ...motionlcm_blender.text.gait import walk_warning
    from ..scene.scene_time import frames_of

    if obj.type != "CURVE":
        return Shown(iface_("Timing from the object's animation"))
    try:
        frames = frames_of(chosen.length)
        path = drawn_path(context, obj)
    except InvalidRequest as error:
        return Shown(warning=str(error))
    if path is None:
        return Shown(iface_("Length is known after generating"))
    pace = speed(path, frames)
    text = iface_("{length:.1f} m at {speed:.1f} m/s").format(length=path.length, speed=pace)
    walk = walk_warning(chosen.prompt, pace)
    return Shown(text, speed_warning(path, frames) or walk or "", walk is not None)


def refresh(context: bpy.types.Context) -> None:
    """Compute the values and redraw the panel."""
    from ..scene import messages

    found = work_out(context)
    shown.text, shown.warning, shown.too_fast = found.text, found.warning, found.too_fast
    messages.redraw()


def _later() -> None:
    refresh(bpy.context)


_timer = MainThreadTimer(_later, DELAY, persistent=False)


@persistent
def _depsgraph_changed(scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph) -> None:
    path = scene.motionlcm.path
    if path is None:
        return
    for update in depsgraph.updates:
        if update.id.original in (path, path.data):
            mark_changed(scene)
            return


@persistent
def _file_loaded(*_args: object) -> None:
    shown.text, shown.warning, shown.too_fast = "", "", False
    if bpy.context.scene is not None:
        mark_changed(bpy.context.scene)


def register_properties() -> None:
    bpy.app.handlers.depsgraph_update_post.append(_depsgraph_changed)
    bpy.app.handlers.load_post.append(_file_loaded)


def unregister_properties() -> None:
    bpy.app.handlers.load_post.remove(_file_loaded)
    bpy.app.handlers.depsgraph_update_post.remove(_depsgraph_changed)
    _timer.stop()
