"""The two runtimes behind one interface: torch where it is there, NumPy alone where it is not."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from .architecture import Architecture
from .errors import DeviceError

DEVICES = ("auto", "numpy", "cpu", "cuda", "mps")


class Backend(Protocol):
    """network: with denoiser, controlnet, traj_encoder and decode; arrays go in by `array` and come out by `numpy`."""

    device: str
    network: Any

    def array(self, values: np.ndarray) -> Any: ...
    def numpy(self, values: Any) -> np.ndarray: ...
    def minilm(self, folder: Path) -> Any: ...
    def computing(self, mode: Any = None) -> Any: ...


class NumpyBackend:
    """Plain NumPy (`portable/`)."""

    device = "numpy"

    def __init__(self, weights: Mapping[str, np.ndarray], architecture: Architecture) -> None:
        from .portable.network import PortableNetwork

        self.network = PortableNetwork(weights, architecture)

    def array(self, values: np.ndarray) -> np.ndarray:
        return values

    def numpy(self, values: np.ndarray) -> np.ndarray:
        return values

    def minilm(self, folder: Path) -> Any:
        from .portable.text_encoder import PortableMiniLM

        return PortableMiniLM(folder)

    def computing(self, mode: Any = None) -> Any:
        return nullcontext()


class TorchBackend:
    """PyTorch on the CPU or a GPU."""

    def __init__(self, weights: Mapping[str, Any], architecture: Architecture | None, device: str) -> None:
        import torch

        from .model.network import MotionLCMNetwork

        self.torch = torch
        self.device = device
        # Not in inference mode: gradients by the latent may be asked for later, through weights that have none.
        with self.computing(torch.no_grad):
            self.network = MotionLCMNetwork.from_weights(weights, architecture).to(device).requires_grad_(False)

    def array(self, values: np.ndarray) -> Any:
        return self.torch.from_numpy(np.ascontiguousarray(values)).to(self.device)

    def numpy(self, values: Any) -> np.ndarray:
        result: np.ndarray = values.float().cpu().numpy()
        return result

    def minilm(self, folder: Path) -> Any:
        # MiniLM runs once a prompt and is kept; the portable one starts at once, transformers takes seconds to import.
        from .portable.text_encoder import PortableMiniLM

        return PortableMiniLM(folder)

    @contextmanager
    def computing(self, mode: Any = None) -> Iterator[None]:
        """Inference mode, or another such as torch.no_grad; memory running out becomes one sentence."""
        try:
            with (mode or self.torch.inference_mode)():
                yield
        except self.torch.OutOfMemoryError as error:
            raise DeviceError(
                f"The device {self.device} has too little free memory for this; close other programs or choose the CPU."
            ) from error


def resolve_device(device: str) -> str:
    """What "auto" means here: CUDA, Apple's GPU or the CPU with torch, else NumPy.

    Raises DeviceError if the named device is not there.
    """
    if device not in DEVICES and not device.startswith("cuda:"):
        raise DeviceError(f"There is no device called {device}: choose one of {', '.join(DEVICES)}.")
    if device == "numpy":
        return device
    if importlib.util.find_spec("torch") is None:
        if device == "auto":
            return "numpy"
        raise DeviceError(f"The device {device} needs PyTorch, which is not installed; choose auto or numpy.")
    import torch

    has_mps = torch.backends.mps.is_available()
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "mps" if has_mps else "cpu"
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise DeviceError("There is no CUDA device that PyTorch can use here; choose auto or cpu.")
    if device == "mps" and not has_mps:
        raise DeviceError("There is no Apple GPU that PyTorch can use here; choose auto or cpu.")
    return device


def make_backend(weights: Mapping[str, Any], architecture: Architecture | None, device: str) -> Backend:
    """Load weights into the runtime for a device. Raises DeviceError, UnsupportedCheckpoint."""
    resolved = resolve_device(device)
    try:
        if resolved == "numpy":
            arrays = {name: np.asarray(values, dtype=np.float32) for name, values in weights.items()}
            shapes = {name: tuple(values.shape) for name, values in arrays.items()}
            return NumpyBackend(arrays, architecture or Architecture.from_shapes(shapes))
        return TorchBackend(weights, architecture, resolved)
    except MemoryError as error:
        raise DeviceError("There is too little memory to load the model.") from error
