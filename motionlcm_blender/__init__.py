"""MotionLCM for Blender: the engine. Text and a path in, motion of an SMPL skeleton out.

Names are imported on first use, so that importing the package costs nothing inside Blender.
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
    from .importing.model_import import import_model
    from .motion.clips import Clip, Motion
    from .motion.key_fitting import fit_keys
    from .motion.resampling import resample
    from .motion.retarget import retarget
    from .motion.skeleton import HUMANML, SMPL, Skeleton
    from .request import Hints, Request
    from .sampler import MotionLCM

    __version__: str

_HOMES = {
    "MotionLCM": "sampler",
    "Request": "request", "Hints": "request",
    "Motion": "motion.clips", "Clip": "motion.clips",
    "fit_keys": "motion.key_fitting", "retarget": "motion.retarget", "resample": "motion.resampling",
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
