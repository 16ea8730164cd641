"""Exceptions of the engine; the message of each is one sentence that can be shown to an animator."""

from __future__ import annotations


class MotionLCMError(Exception):
    """Base of every error that this package raises on purpose; `str(error)` is one clear sentence."""


class InvalidRequest(MotionLCMError, ValueError):
    """The request cannot be met: an empty prompt, NaN in a path, a length that the model cannot generate."""


class ModelFolderError(MotionLCMError):
    """A model folder, or a file in it, is missing, truncated or of the wrong kind."""


class UnsupportedCheckpoint(MotionLCMError):
    """The weights are not those of a known MotionLCM model."""


class LicenceNotAccepted(MotionLCMError):
    """The user has not accepted the licence of the weights."""


class DownloadError(MotionLCMError):
    """A file cannot be downloaded, or is not the published one."""


class DeviceError(MotionLCMError):
    """The chosen device is not available, or has too little memory."""


class OutOfDeviceMemory(DeviceError):
    """The device has too little free memory for this request; a smaller request may fit."""


class DeviceFailed(DeviceError):
    """The device, or PyTorch on it, does not work here; the next request would fail as well."""


class TrainingDataError(MotionLCMError):
    """Training data is missing, malformed or empty."""


class Cancelled(MotionLCMError):
    """The user cancelled the job; nothing was written."""

    def __init__(self, message: str = "Cancelled.") -> None:
        super().__init__(message)


OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "not enough memory")
"""Texts in the messages of devices and libraries that have no exception type for it."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether a device had too little memory, by type name and message, because PyTorch may be absent."""
    message = str(error).lower()
    return type(error).__name__ == "OutOfMemoryError" or any(sign in message for sign in OUT_OF_MEMORY)
