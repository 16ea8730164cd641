"""The two runtimes behind one interface: torch where it is there, NumPy alone where it is not."""

from __future__ import annotations

import gc
import importlib.util
import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ..errors import DeviceError, DeviceFailed, MotionLCMError, OutOfDeviceMemory, is_out_of_memory
from .architecture import Architecture
from .samplers import SamplingInput

if TYPE_CHECKING:
    from .torch_impl.cuda_graphs import CudaGraphSampler

log = logging.getLogger(__name__)

DEVICES = ("auto", "numpy", "cpu", "cuda", "mps", "xpu")


class Backend(Protocol):
    """network: with denoiser, controlnet, traj_encoder and decode; arrays go in by `array` and come out by `numpy`."""

    device: str
    network: Any
    recorded: CudaGraphSampler | None

    def array(self, values: np.ndarray) -> Any: ...
    def numpy(self, values: Any) -> np.ndarray: ...
    def inference_context(self, mode: Any = None) -> Any: ...
    def memory(self) -> int: ...
    def run_cuda_graph(self, asked: SamplingInput) -> np.ndarray | None: ...


class NumpyBackend:
    """Plain NumPy (`portable/`)."""

    device = "numpy"
    recorded: CudaGraphSampler | None = None

    def __init__(self, weights: Mapping[str, np.ndarray], architecture: Architecture) -> None:
        from .numpy_impl.network import PortableNetwork

        self.network = PortableNetwork(weights, architecture)
        self._bytes = sum(values.nbytes for values in weights.values())

    def array(self, values: np.ndarray) -> np.ndarray:
        return values

    def numpy(self, values: np.ndarray) -> np.ndarray:
        return values

    def inference_context(self, mode: Any = None) -> Any:
        return nullcontext()

    def memory(self) -> int:
        """Bytes that the model takes."""
        return self._bytes

    def run_cuda_graph(self, asked: SamplingInput) -> None:
        """Nothing: NumPy samples step by step."""


class TorchBackend:
    """PyTorch on the CPU or a GPU."""

    def __init__(self, weights: Mapping[str, Any], architecture: Architecture | None, device: str) -> None:
        import torch

        from .torch_impl.network import MotionLCMNetwork

        self.torch = torch
        self.device = device
        # Not in inference mode: gradients by the latent may be asked for later, through weights that have none.
        with self.inference_context(torch.no_grad):
            self.network = MotionLCMNetwork.from_weights(weights, architecture).to(device).requires_grad_(False)
        self.recorded: CudaGraphSampler | None = None
        if device.startswith("cuda"):
            from .torch_impl.cuda_graphs import CudaGraphSampler

            self.recorded = CudaGraphSampler(self.network, device)

    def run_cuda_graph(self, asked: SamplingInput) -> np.ndarray | None:
        """(takes, T, 263) normalised, by one CUDA graph; None where there is none. Inside `inference_context`."""
        return None if self.recorded is None else self.recorded(asked)

    def array(self, values: np.ndarray) -> Any:
        return self.torch.from_numpy(np.ascontiguousarray(values)).to(self.device)

    def numpy(self, values: Any) -> np.ndarray:
        result: np.ndarray = values.float().cpu().numpy()
        return result

    @contextmanager
    def inference_context(self, mode: Any = None) -> Iterator[None]:
        """Inference mode, or another such as torch.no_grad; what PyTorch raises becomes one sentence."""
        try:
            with (mode or self.torch.inference_mode)():
                yield
        except MotionLCMError:
            raise
        except (RuntimeError, NotImplementedError) as error:  # PyTorch's own errors are RuntimeErrors
            raise device_error(error, self.device) from error
        except TypeError as error:
            if self.device != "mps":
                raise
            raise device_error(error, self.device) from error  # so Apple's cards refuse a type they lack

    def memory(self) -> int:
        """Bytes that PyTorch holds on the card, or that the model takes on the processor."""
        kind = self.device.partition(":")[0]
        if kind in ("cuda", "xpu"):
            return int(getattr(self.torch, kind).memory_reserved(self.device))
        if kind == "mps":
            return int(self.torch.mps.driver_allocated_memory())
        return sum(values.numel() * values.element_size() for values in self.network.parameters())


def release_cached_memory() -> None:
    """Give cards back what PyTorch keeps of models that were let go of."""
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is None:
        return
    try:
        _empty_caches(torch)
    except RuntimeError as error:  # not while a CUDA graph is being recorded, for one
        log.info("Memory was not given back: %s", error)


def _empty_caches(torch: Any) -> None:
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        torch.cuda.empty_cache()
    elif torch.backends.mps.is_available():
        torch.mps.empty_cache()
    elif hasattr(torch, "xpu") and torch.xpu.is_available():
        torch.xpu.empty_cache()


def device_error(error: Exception, device: str) -> DeviceError:
    """One sentence for what PyTorch raised on a device."""
    said = str(error).strip()
    if is_out_of_memory(error):
        return OutOfDeviceMemory(
            f"The device {device} has too little free memory for this; close other programs or choose the CPU."
        )
    if "no kernel image" in said or "not compatible with the current PyTorch" in said:
        return DeviceFailed(f"The installed PyTorch does not support this graphics card ({device}).")
    first = said.splitlines()[0].rstrip(".") if said else type(error).__name__
    return DeviceFailed(f"PyTorch failed on the device {device} ({first}).")


def resolve_device(device: str) -> str:
    """What "auto" means here: CUDA (NVIDIA and AMD), Apple's GPU, Intel's or the CPU with torch, else NumPy.

    Raises DeviceError if the named device is not there, DeviceFailed if torch is there and cannot be imported.
    """
    if device not in DEVICES and not device.startswith("cuda:"):
        raise DeviceError(f"There is no device called {device}: choose one of {', '.join(DEVICES)}.")
    if device == "numpy":
        return device
    if importlib.util.find_spec("torch") is None:
        if device == "auto":
            return "numpy"
        raise DeviceError(f"The device {device} needs PyTorch, which is not installed; choose auto or numpy.")
    try:
        import torch
    except Exception as error:  # a library it needs is missing, or not for this machine
        said = str(error).strip().splitlines() or [type(error).__name__]
        raise DeviceFailed(f"PyTorch is installed, but cannot be used ({said[0].rstrip('.')}).") from error

    there = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "xpu": hasattr(torch, "xpu") and torch.xpu.is_available(),
    }
    if device == "auto":
        return next((name for name, is_there in there.items() if is_there), "cpu")
    kind = device.partition(":")[0]
    if not there.get(kind, True):
        what = {"cuda": "CUDA device", "mps": "Apple GPU", "xpu": "Intel GPU"}[kind]
        raise DeviceError(f"There is no {what} that PyTorch can use here; choose auto or cpu.")
    return device


def fallback_device(device: str) -> str | None:
    """What to fall back to from a device that failed: from a card to the processor, from PyTorch to NumPy."""
    if device == "auto":  # it failed before it was known what that means
        return "cpu" if "torch" in sys.modules else "numpy"
    return {"numpy": None, "cpu": "numpy"}.get(device, "cpu")


def make_backend(weights: Mapping[str, Any], architecture: Architecture | None, device: str) -> Backend:
    """Load weights into the runtime for a device. Raises DeviceError, UnsupportedCheckpoint."""
    resolved = resolve_device(device)
    try:
        if resolved == "numpy":
            arrays = {name: np.asarray(values, dtype=np.float32) for name, values in weights.items()}
            shapes = {name: tuple(values.shape) for name, values in arrays.items()}
            return NumpyBackend(arrays, architecture or Architecture.from_shapes(shapes))
        return TorchBackend(weights, architecture, resolved)
    except ImportError as error:  # PyTorch imports in parts
        if resolved == "numpy":
            raise
        raise DeviceFailed(f"A part of PyTorch is missing ({error.name or error}).") from error
    except MemoryError as error:
        raise DeviceError("There is too little memory to load the model.") from error
