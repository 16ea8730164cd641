"""The diagnostics report for a bug report: versions, hardware, model, the last errors and timings."""

# No `from __future__ import annotations` here: Blender reads properties from real annotations.
import platform
import sys

import bpy

from ..scene import messages
from ..session import model_choice, model_session, torch_import
from . import log_file, torch_installation

Rows = list[tuple[str, str]]
ERRORS = 3
"""Number of last errors in a report."""


def report() -> str:
    """The report as text, without the user's name in its paths."""
    from ...motionlcm_blender.torch_install.report import composed

    sections = [
        ("Versions", _versions()),
        ("Hardware", _hardware()),
        ("Model", _model()),
        ("Last timings", _timings()),
        ("Last errors", [(str(n), sentence) for n, sentence in enumerate(log_file.last_errors()[-ERRORS:], 1)]),
        ("Folders", _folders()),
    ]
    return composed([(title, rows or [("none", "")]) for title, rows in sections])


def _versions() -> Rows:
    from ...motionlcm_blender import __version__
    from ...motionlcm_blender.version import package_versions

    build = bpy.app.build_hash
    commit = build.decode(errors="replace") if isinstance(build, bytes) else str(build)
    rows = [
        ("Extension", __version__),
        ("Blender", f"{bpy.app.version_string} ({commit}){', no window' if bpy.app.background else ''}"),
        ("Python", platform.python_version()),
        ("Platform", f"{platform.platform()}, {platform.machine()}"),
    ]
    found = package_versions()
    return rows + [(name, version or "not there") for name, version in found.items() if name != "bpy"]


def _hardware() -> Rows:
    from ...motionlcm_blender.networks.numpy_impl.matmul import multiplier

    hardware, condition = torch_installation.find_hardware(), torch_import.poll_status()
    rows = [("Card", ", ".join(filter(None, (hardware.kind, hardware.name, hardware.driver, hardware.note))))]
    if hardware.memory_mib:
        rows.append(("Memory of the card", f"{hardware.memory_mib} MiB"))
    rows.append(("Device chosen", model_choice.chosen().device))
    used = model_session.get().in_use
    if used is not None:
        recorded = f", {used.recorded}" if used.recorded else ""
        rows.append(("In use", f"{used.device}, {used.bytes / 2**20:.0f} MiB{recorded}"))
        rows.append(("Matrix products in NumPy", multiplier()))
    if condition is not None:
        rows.append(("PyTorch of ours", f"{condition.kind} {condition.sentence}".strip()))
        state = condition.state
        if state is not None:
            kept = ("torch", "transformers", "safetensors", "tokenizers")
            versions = ", ".join(f"{name} {state.versions[name]}" for name in kept if name in state.versions)
            tried = f"{state.device} {state.device_name}, {state.milliseconds} ms, {state.difference_mm} mm off"
            rows += [("Installed", f"{versions} ({state.when}, for {state.hardware})"), ("Tried", tried)]
    return rows


def _model() -> Rows:
    from ...motionlcm_blender.errors import MotionLCMError
    from ...motionlcm_blender.networks.model_folder import ModelFolder

    try:
        folder = ModelFolder.open(model_choice.chosen().folder)
        return [("Name", folder.name), ("sha256", folder.fingerprint), ("Folder", str(folder.path))]
    except MotionLCMError as error:
        return [("Not read", str(error))]


def _timings() -> Rows:
    return [
        (timing.device, f"{timing.frames} frames, {timing.takes} takes, {timing.seconds:.3f} s")
        for timing in model_session.get().timings
    ]


def _folders() -> Rows:
    where = torch_import.places()
    return [
        ("Log", str(log_file.folder() or "")),
        ("PyTorch of ours", str(where.home) if where is not None else ""),
        ("Python", sys.executable),
    ]


class MOTIONLCM_OT_copy_report(bpy.types.Operator):
    """Copy versions, hardware, model, last errors and timings to the clipboard. Your name is removed"""

    bl_idname = "motionlcm.copy_report"
    bl_label = "Copy Report"
    bl_options = {"INTERNAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        context.window_manager.clipboard = report()
        self.report({"INFO"}, "The report is in the clipboard.")
        return {"FINISHED"}


class MOTIONLCM_OT_open_log_folder(bpy.types.Operator):
    """Open the folder of the extension's log file"""

    bl_idname = "motionlcm.open_log_folder"
    bl_label = "Open Log Folder"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        return log_file.folder() is not None

    def execute(self, _context: bpy.types.Context) -> set[str]:
        folder = log_file.folder()
        assert folder is not None
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            messages.show_message(f"The log folder cannot be created ({error.strerror}).", error=True)
            self.report({"WARNING"}, messages.status.message)
            return {"CANCELLED"}
        bpy.ops.wm.path_open(filepath=str(folder))
        return {"FINISHED"}


CLASSES = (MOTIONLCM_OT_copy_report, MOTIONLCM_OT_open_log_folder)
