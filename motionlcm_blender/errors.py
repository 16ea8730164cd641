"""What can go wrong, each as one sentence that can be shown to an animator as it is."""

from __future__ import annotations


class MotionLCMError(Exception):
    """Base of every error this package raises on purpose; `str(error)` is one clear sentence."""


class InvalidRequest(MotionLCMError, ValueError):
    """The request itself cannot be met: empty prompt, NaN in a path, a length the model cannot make."""


class ModelFolderError(MotionLCMError):
    """A model folder, or a file in it, is missing, truncated or of the wrong kind."""


class UnsupportedCheckpoint(MotionLCMError):
    """The weights are not those of a MotionLCM model this package knows."""


class LicenceNotAccepted(MotionLCMError):
    """Weights under terms of their own are imported only by someone who accepts these."""


class DownloadError(MotionLCMError):
    """A file cannot be fetched, or is not the one that was published."""


class DeviceError(MotionLCMError):
    """The chosen device is not there, or has too little memory."""


class OutOfDeviceMemory(DeviceError):
    """The device has too little free memory for this request; a smaller one may do."""


class DeviceFailed(DeviceError):
    """The device, or PyTorch on it, does not work here; the next request would not fare better."""


class TrainingDataError(MotionLCMError):
    """Training data is missing, malformed or empty."""


class Cancelled(MotionLCMError):
    """The user cancelled the job; nothing was written."""

    def __init__(self, message: str = "Cancelled.") -> None:
        super().__init__(message)


OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "not enough memory")
"""In the messages of devices, and of their libraries, that raise no type of their own for it."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether a device had too little memory, by the type's name and the message, for PyTorch need not be there."""
    said = str(error).lower()
    return type(error).__name__ == "OutOfMemoryError" or any(sign in said for sign in OUT_OF_MEMORY)
