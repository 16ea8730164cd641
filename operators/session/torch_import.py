"""PyTorch on sys.path: found, tried in a process of its own, and imported."""

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
    """Where an installation lies; None when this is not run as an extension. Safe to call from a worker."""
    if _folder is None:
        return None
    from ...motionlcm_blender.torch_install.paths import InstallPaths

    return InstallPaths.under(_folder)


def poll_status() -> InstallStatus | None:
    """Read what is installed; a few small files."""
    global known_condition
    import numpy

    from ...motionlcm_blender.torch_install.state import condition

    where = places()
    known_condition = None if where is None else condition(where, numpy.__version__)
    return known_condition


def usable(device: str) -> tuple[str, str]:
    """The device to ask for and a sentence if it is another: PyTorch is put within reach, and tried before it is
    imported. For a worker.

    Raises DeviceFailed for a device that was chosen by name.
    """
    if device == "numpy":
        return device, ""
    where = places()
    if where is None:
        return device, ""
    current = poll_status()
    ours = current is not None and current.kind == "ready"
    if ours and str(where.packages) not in sys.path:
        sys.path.append(str(where.packages))  # last: nothing of Blender's or of other extensions is shadowed
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
        if state.device == "cpu" and state.sentence:  # the card was tried and did not do
            return "cpu", ""
    return device, ""


def _without(device: str, sentence: str) -> tuple[str, str]:
    """NumPy in place of PyTorch, or DeviceFailed where PyTorch was asked for by name."""
    from ...motionlcm_blender.errors import DeviceFailed

    if device != "auto":
        raise DeviceFailed(sentence)
    return "numpy", sentence


def _imported(where: InstallPaths) -> str:
    """Import our PyTorch; a sentence if Blender ended in the midst of that before, as a crash would do."""
    from ...motionlcm_blender.torch_install.errors import Busy
    from ...motionlcm_blender.torch_install.paths import is_locked, locked
    from ...motionlcm_blender.torch_install.state import mark_failed

    try:
        if where.importing.exists() and not is_locked(where.importing):
            sentence = "Blender closed while it loaded PyTorch, so PyTorch is off: see Check Again in the preferences."
            mark_failed(where, sentence)
            where.importing.unlink()
            poll_status()
            sys.path.remove(str(where.packages))
            return sentence
        with locked(where.importing, 0.0):
            try:
                import torch

                torch.cuda.is_available()
            except Exception as error:  # told where it is used
                log.info("What led to it", exc_info=error)
        where.importing.unlink(missing_ok=True)
    except (OSError, Busy) as error:  # nothing can be noted; another Blender is at it
        log.info("Not noted: %s", error)
    return ""


def _tried(origin: Path, where: InstallPaths) -> str:
    """What is wrong with somebody else's PyTorch, which may crash; remembered for this copy of it."""
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
            _trials.update({str(name): str(told) for name, told in kept.items()})
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
    """Take PyTorch out of reach, and forget what was read of it."""
    global known_condition
    where = places()
    if where is not None and str(where.packages) in sys.path:
        sys.path.remove(str(where.packages))
    known_condition = None
