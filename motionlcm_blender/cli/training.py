"""Access to the modules of the training, which an installation may lack."""

from __future__ import annotations

from typing import Any

from ..errors import MotionLCMError


def training_module(module: str) -> Any:
    """Import a module of the training.

    Raises:
        MotionLCMError: The module or a package that it needs is not installed.
    """
    from importlib import import_module

    root = (__package__ or "").rpartition(".")[0]
    try:
        part: Any = import_module(f"..training.{module}", __package__)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if missing.startswith(f"{root}.training"):
            raise MotionLCMError("Training is not part of this installation: it is in the full source tree.") from error
        raise MotionLCMError(f"Training needs the package {missing}, which is not installed.") from error
    return part
