"""The Blender side: characters, paths, jobs, Actions. Only this package and `ui` import bpy.

Each sub-package lists its modules with classes or properties. These modules are imported here, without the engine.

scene        what every other part needs of Blender: scene time, objects found again, messages, operator base class
armature     the armature of a character, its Actions, and what is stored on them
rigs         armatures of any family: their description for the engine, and motions written onto them
session      the loaded model, the job queue, background tasks
characters   Add Character, Add SMPL Body
controls     paths, pins, facing, ground
generation   settings or a recipe to a job input, a result to Actions
shots        the shot list, the motion of each shot, the NLA track
takes        the takes list, the contact sheet
timeline     shots as strips in the timeline and the dope sheet
live         the motion follows while its inputs change
interchange  recipe files, storyboards
setup        PyTorch, models, keymap, log, report
scripts      scripts for a child Blender; the extension imports none of them
settings     property groups of the scene
api          public functions for scripts
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
