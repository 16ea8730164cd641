"""The engine of MotionLCM for Blender: text and a path in, motion of an SMPL skeleton out.

Names are imported on first use, so that importing the package costs nothing inside Blender.

errors         exceptions, each message one sentence
version        version of the extension and of the packages that the engine can use
array_types    names for the types of NumPy arrays
files          atomic writes, locks, JSON fields, safetensors, pickles read as data
motion         motion as arrays: skeleton, rotations, features, retargeting, paths, metrics
gestures       gestures that a prompt names, performed with arms and head on a sampled motion
postprocess    corrections of a sampled motion, as pure functions on arrays
keyframes      keys of a clip: one on each frame, or few within a tolerance
networks       networks, samplers, model folders; the backends PyTorch and NumPy
smpl           body models of the SMPL family
rigs           humanoid armatures of any family
text           text encoders, text tokens, words of the training captions
export         motion to .npz, .bvh and .blend files
generation     from a request to finished motions
live           a motion that follows its inputs while a person changes them
recipes        everything that is needed to generate a motion again
storyboard     several characters with shots and paths in one JSON file
importing      published checkpoints to model folders, downloads
benchmarks     speed of each stage, quality of the motions
torch_install  installation of PyTorch for Blender
training       training and evaluation of the model; not in the zip
cli            the command line, also as `python -m motionlcm_blender` (__main__)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .errors import (
        Cancelled,
        DeviceError,
        InvalidRequest,
        LicenceNotAccepted,
        ModelFolderError,
        MotionLCMError,
        UnsupportedCheckpoint,
    )
    from .generation.pipeline import MotionLCM
    from .generation.request import Hints, Request
    from .importing.model_import import import_model
    from .keyframes.fitting import fit_keys
    from .motion.motion import Clip, Motion
    from .motion.resampling import resample
    from .motion.retarget import retarget
    from .motion.skeleton import HUMANML, SMPL, Skeleton

    __version__: str

_HOMES = {
    "MotionLCM": "generation.pipeline",
    "Request": "generation.request", "Hints": "generation.request",
    "Motion": "motion.motion", "Clip": "motion.motion",
    "fit_keys": "keyframes.fitting", "retarget": "motion.retarget", "resample": "motion.resampling",
    "SMPL": "motion.skeleton", "HUMANML": "motion.skeleton", "Skeleton": "motion.skeleton",
    "MotionLCMError": "errors", "InvalidRequest": "errors", "ModelFolderError": "errors", "DeviceError": "errors",
    "LicenceNotAccepted": "errors", "UnsupportedCheckpoint": "errors", "Cancelled": "errors",
    "import_model": "importing.model_import",
}  # fmt: skip

__all__ = [
    "HUMANML", "SMPL", "Cancelled", "Clip", "DeviceError", "Hints", "InvalidRequest", "LicenceNotAccepted",
    "ModelFolderError", "Motion", "MotionLCM", "MotionLCMError", "Request", "Skeleton", "UnsupportedCheckpoint",
    "fit_keys", "import_model", "resample", "retarget",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from .version import version

        globals()[name] = version()
        return globals()[name]
    if name not in _HOMES:
        raise AttributeError(f"{__name__} has no attribute {name}")
    value = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    globals()[name] = value
    return value
