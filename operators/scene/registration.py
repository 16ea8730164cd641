"""Registration of modules: their classes, then their additions to Blender. A failure undoes the whole registration.

A module may have CLASSES, register_properties and unregister_properties.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from types import ModuleType

import bpy

log = logging.getLogger(__name__)


def classes_of(modules: Sequence[ModuleType]) -> tuple[type, ...]:
    """The classes of modules, in the order in which Blender must register them."""
    return tuple(cls for module in modules for cls in getattr(module, "CLASSES", ()))


def register(modules: Sequence[ModuleType]) -> None:
    """Register the classes of all modules, then the properties of each module. A failure undoes all earlier steps."""
    with ExitStack() as undo:
        for cls in classes_of(modules):
            bpy.utils.register_class(cls)
            undo.callback(_attempt, bpy.utils.unregister_class, cls)
        for module in modules:
            # Added before the call: a module that fails half-way may have registered a part already.
            undo.callback(_attempt, getattr(module, "unregister_properties", _nothing))
            getattr(module, "register_properties", _nothing)()
        undo.pop_all()


def unregister(modules: Sequence[ModuleType]) -> None:
    """Undo `register`, in reverse order."""
    for module in reversed(modules):
        getattr(module, "unregister_properties", _nothing)()
    for cls in reversed(classes_of(modules)):
        bpy.utils.unregister_class(cls)


def _nothing() -> None:
    pass


def _attempt(step: Callable[..., object], *arguments: object) -> None:
    """Undo one step. A failure is logged, so that the remaining steps are undone too."""
    try:
        step(*arguments)
    except Exception as error:
        log.info("A step was not undone: %s", error, exc_info=error)
