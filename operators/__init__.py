"""The Blender side: characters, paths, jobs, Actions. Only this package and `ui` import bpy.

Each sub-package lists its modules with classes or properties. These modules are imported here, without the engine.
"""

from importlib import import_module
from types import ModuleType

from .scene import registration

PACKAGES = (
    "scene", "armature", "rigs", "session", "characters", "controls", "generation", "shots", "takes", "timeline",
    "live", "interchange", "setup",
)  # fmt: skip
"""From the lowest to the highest package. A package imports only packages before it."""


def _modules() -> tuple[ModuleType, ...]:
    """The modules to register, in order: a class comes after the classes that its properties point to."""
    found = []
    for package in PACKAGES:
        names = import_module(f".{package}", __package__).REGISTERED
        found += [import_module(f".{package}.{name}", __package__) for name in names]
    return (*found, import_module(".settings", __package__))


MODULES = _modules()
CLASSES = registration.classes_of(MODULES)


def register() -> None:
    registration.register(MODULES)


def unregister() -> None:
    registration.unregister(MODULES)
