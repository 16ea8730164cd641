"""Registration of modules: their classes, then what they add to Blender; all of it, or nothing.

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
    """The classes of modules, in the order in which Blender has to know them."""
    return tuple(cls for module in modules for cls in getattr(module, "CLASSES", ()))


def register(modules: Sequence[ModuleType]) -> None:
    """Register the classes of all modules, then the properties of each. What was registered is undone on failure."""
    with ExitStack() as undo:
        for cls in classes_of(modules):
            bpy.utils.register_class(cls)
            undo.callback(_attempt, bpy.utils.unregister_class, cls)
        for module in modules:
            # Before it is called: a module that fails half-way may have added something already.
            undo.callback(_attempt, getattr(module, "unregister_properties", _nothing))
            getattr(module, "register_properties", _nothing)()
        undo.pop_all()


def unregister(modules: Sequence[ModuleType]) -> None:
    """Undo `register`, in the opposite order."""
    for module in reversed(modules):
        getattr(module, "unregister_properties", _nothing)()
    for cls in reversed(classes_of(modules)):
        bpy.utils.unregister_class(cls)


def _nothing() -> None:
    pass


def _attempt(step: Callable[..., object], *arguments: object) -> None:
    """Undo one step; what cannot be undone must not keep the rest registered."""
    try:
        step(*arguments)
    except Exception as error:
        log.info("Not undone: %s", error, exc_info=error)
