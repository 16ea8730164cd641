"""PyTorch on sys.path: find it, test it in its own process, and import it."""

from __future__ import annotations

import importlib.util
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import bpy

from ..scene import addon

if TYPE_CHECKING:
    from ...motionlcm_blender.torch_install.paths import InstallPaths
    from ...motionlcm_blender.torch_install.state import InstallStatus

log = logging.getLogger(__name__)

known_condition: InstallStatus | None = None
_folder: Path | None = None
_trials: dict[str, str] = {}


def places() -> InstallPaths | None:
    """The folders of an installation; None when this is not run as an extension. Workers may call it."""
    if _folder is None:
        return None
    from ...motionlcm_blender.torch_install.paths import InstallPaths

    return InstallPaths.under(_folder)


def poll_status() -> InstallStatus | None:
    """Read the state of the installation from a few small files."""
    global known_condition
    import numpy

    from ...motionlcm_blender.torch_install.state import condition

    where = places()
    known_condition = None if where is None else condition(where, numpy.__version__)
    return known_condition


def usable(device: str) -> tuple[str, str]:
    """The device to use, and a warning if it differs from the request. PyTorch is added to sys.path and tested before
    the import. For a worker.

    Raises DeviceFailed for a device that the user chose by name.
    """
    if device == "numpy":
        return device, ""
    where = places()
    if where is None:
        return device, ""
    current = poll_status()
    ours = current is not None and current.kind == "ready"
    if ours and str(where.packages) not in sys.path:
        sys.path.append(
            str(where.packages)
        )  # last in sys.path, so that it shadows no package of Blender or other extensions
        importlib.invalidate_caches()
    loaded = getattr(sys.modules.get("torch"), "__file__", None)
    if loaded is not None and not ours and Path(loaded).is_relative_to(where.packages):
        return _without(device, "The files of the loaded PyTorch were removed: restart Blender to use PyTorch again.")
    if "torch" not in sys.modules:
        spec = importlib.util.find_spec("torch")
        if spec is None or spec.origin is None:
            return device, ""
        if not Path(spec.origin).is_relative_to(where.packages):
            sentence = _tried(Path(spec.origin), where)
            return _without(device, sentence) if sentence else (device, "")
        sentence = _imported(where)
        if sentence:
            return _without(device, sentence)
    if device == "auto" and ours and current is not None and current.state is not None:
        state = current.state
        if state.device == "cpu" and state.sentence:  # the test of the graphics card failed
            return "cpu", ""
    return device, ""


def _without(device: str, sentence: str) -> tuple[str, str]:
    """NumPy in place of PyTorch, or DeviceFailed if the user chose PyTorch by name."""
    from ...motionlcm_blender.errors import DeviceFailed

    if device != "auto":
        raise DeviceFailed(sentence)
    return "numpy", sentence


def _imported(where: InstallPaths) -> str:
    """Import our PyTorch; returns a sentence if Blender closed during an earlier import, as after a crash."""
    from ...motionlcm_blender.files.file_locks import crash_note, crashed_within
    from ...motionlcm_blender.torch_install.state import mark_failed

    try:
        if crashed_within(where.importing):
            sentence = "Blender closed while it loaded PyTorch, so PyTorch is off: see Check Again in the preferences."
            mark_failed(where, sentence)
            where.importing.unlink()
            poll_status()
            sys.path.remove(str(where.packages))
            return sentence
    except OSError as error:
        log.info("The note of a failed import was not removed: %s", error)
    with crash_note(where.importing):
        try:
            import torch

            torch.cuda.is_available()
        except Exception as error:  # the caller reports the error
            log.info("Cause of the failed import", exc_info=error)
    return ""


def _tried(origin: Path, where: InstallPaths) -> str:
    """The error of an external PyTorch, which may crash; the result is stored for this copy of PyTorch."""
    import json

    from ...motionlcm_blender.torch_install.state import write_json
    from ...motionlcm_blender.torch_install.trial import import_in_process

    try:
        key = f"{origin} {origin.stat().st_mtime_ns}"
    except OSError:
        key = str(origin)
    if key not in _trials:
        try:
            kept = json.loads(where.trials.read_text(encoding="utf-8"))
            _trials.update({str(name): str(result) for name, result in kept.items()})
        except (OSError, ValueError, AttributeError):
            pass
    if key not in _trials:
        _trials[key] = import_in_process([folder for folder in sys.path if folder])
        try:
            write_json(where.trials, dict(_trials))
        except OSError as error:
            log.info("The result of the test was not saved: %s", error)
    return _trials[key]


def register_properties() -> None:
    """Find the folder of an installation; None when this is not run as an extension."""
    global _folder
    try:
        _folder = Path(bpy.utils.extension_path_user(addon.ROOT_PACKAGE, create=False))
    except ValueError:
        _folder = None


def unregister_properties() -> None:
    """Remove PyTorch from sys.path, and drop its cached state."""
    global known_condition
    where = places()
    if where is not None and str(where.packages) in sys.path:
        sys.path.remove(str(where.packages))
    known_condition = None
