"""Modules of the training, which an installation may lack."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .errors import MotionLCMError

if TYPE_CHECKING:

    pass


def training_module(module: str) -> Any:
    """A module of the training, imported now. Raises MotionLCMError if it or what it needs is not installed."""
    from importlib import import_module

    try:
        part: Any = import_module(f".training.{module}", __package__)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if missing.startswith(f"{__package__}.training"):
            raise MotionLCMError("Training is not part of this installation: it is in the full source tree.") from error
        raise MotionLCMError(f"Training needs the package {missing}, which is not installed.") from error
    return part
