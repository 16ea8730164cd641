"""Test whether PyTorch generates the same motion as the NumPy backend, in a process of its own, since it may crash."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..errors import Cancelled, DeviceError
from .errors import RuntimeProblem
from .subprocesses import ChildEnded, run_task

TOLERANCE_MM = 20.0
"""Largest accepted distance of a joint; GPUs compute with less precision, and wrong results are far beyond."""
PATIENCE = 180.0
"""Seconds that the import of PyTorch may take; on a slow disk the first import is long."""
OURS = "update the graphics card's driver, then press Check Again"
OTHERS = "install it again where it comes from, or remove it"
"""Remedies for a PyTorch installed by this extension, and for one installed by other means."""
PROMPT, FRAMES, SEED = "a person walks forward", 60, 1


def check_in_process(
    packages: Path | None,
    host_packages: tuple[str, ...],
    model: str | None,
    cancelled: Callable[[], bool],
    log: int | None,
) -> dict[str, Any]:
    """Generate with the PyTorch in `packages`, searched after all other folders as in Blender, and compare with NumPy.

    Args:
        packages: Folder of the packages, or None.
        host_packages: Folders of Blender's packages.
        model: The model folder; None: the bundled model.
        cancelled: True stops.
        log: File descriptor for the child's error output.

    Returns:
        The measurements of `compared`.

    Raises:
        Cancelled: `cancelled` returned True.
        RuntimeProblem: PyTorch does not work.
    """
    task = {"do": "check", "model": model, "paths": [*host_packages, *([str(packages)] if packages else [])]}
    try:
        return run_task(task, lambda fraction, what: None, cancelled, log)
    except ChildEnded as ended:
        raise RuntimeProblem(crashed(ended.code, OURS)) from ended


def import_in_process(paths: list[str], patience: float = PATIENCE) -> str:
    """Import PyTorch in a process of its own; returns a sentence about the failure, or ""."""
    until = time.monotonic() + patience
    try:
        run_task({"do": "import", "paths": paths}, lambda fraction, what: None, lambda: time.monotonic() > until)
    except Cancelled:
        return f"PyTorch does not start here within {patience:.0f} seconds and is not used: {OTHERS}."
    except ChildEnded as ended:
        return crashed(ended.code, OTHERS)
    except (RuntimeProblem, OSError) as error:
        return str(error)
    return ""


def crashed(code: int, remedy: str) -> str:
    """Make a sentence about a crashed child."""
    return f"PyTorch crashes here (exit status {code}), so NumPy makes the motions: {remedy}."


def imported() -> dict[str, Any]:
    """In the child: import PyTorch and use it once.

    Raises:
        RuntimeProblem: PyTorch does not work.
    """
    try:
        import torch

        torch.zeros(1).sum().item()
        return {"torch": str(torch.__version__)}
    except Exception as error:
        raise _unusable(error) from error


def compared(model: Path | None) -> dict[str, Any]:
    """In the child: generate the same motion with both backends, with the CPU as a fallback for the GPU.

    Raises:
        RuntimeProblem: PyTorch does not work.
    """
    import numpy as np

    from ..generation.pipeline import MotionLCM
    from ..generation.request import Request

    imported()
    import torch

    from ..networks.backends import resolve_device

    request = Request(PROMPT, FRAMES, seed=SEED)
    expected = MotionLCM.from_folder(model, device="numpy").features(request)
    note = ""
    first = resolve_device("auto")
    for device in dict.fromkeys((first, "cpu")):
        try:
            runtime = MotionLCM.from_folder(model, device=device)
            # the first is slower, the second captures a graph
            for _ in range(1 if runtime.backend.recorded is None else 2):
                runtime.generate(request)
            started = time.perf_counter()
            runtime.generate(request)
            milliseconds = 1e3 * (time.perf_counter() - started)
            difference = 1e3 * _apart(expected, runtime.features(request))
            if not difference <= TOLERANCE_MM:  # also for NaN
                raise DeviceError(f"The device {device} calculates wrongly: {difference:.0f} mm off.")
        except Exception as error:
            if device == "cpu":
                raise _unusable(error) from error
            reason = _reason(error).rstrip(".")
            note = f"The processor is used, not the graphics card ({reason}): with another driver, press Check Again."
            continue
        return {
            "device": device,
            "device_name": _name(torch, device),
            "milliseconds": milliseconds,
            "difference_mm": float(difference),
            "note": note,
            "numpy": np.__version__,
            "torch": str(torch.__version__),
            "from": os.path.dirname(str(torch.__file__)),
        }
    raise AssertionError


def _apart(one: Any, other: Any) -> float:
    """Largest distance between two sets of joints, metres."""
    import numpy as np

    from ..generation.pipeline import standing_joints

    return float(np.abs(standing_joints(one[0]) - standing_joints(other[0])).max())


def _name(torch: Any, device: str) -> str:
    if device in ("cuda", "xpu"):
        return str(getattr(torch, device).get_device_name(0))
    return {"mps": "Apple GPU"}.get(device, "processor")


def _reason(error: BaseException) -> str:
    if isinstance(error, DeviceError):
        return str(error)
    return f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else 'no reason given'}."


def _unusable(error: BaseException) -> RuntimeProblem:
    print(f"{sys.executable}: {sys.path}", file=sys.stderr)
    import traceback

    traceback.print_exception(error)
    if isinstance(error, ModuleNotFoundError):
        return RuntimeProblem(f"PyTorch cannot be used, as {error.name} is missing: install it again.")
    reason = _reason(error).rstrip(".")
    return RuntimeProblem(f"PyTorch cannot be used ({reason}): see to the graphics card's driver, or install it again.")
