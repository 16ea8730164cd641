"""The two backends behind one interface: PyTorch where it is installed, else NumPy."""

from __future__ import annotations

import gc
import importlib.util
import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ..array_types import AnyArray, FloatArray
from ..errors import DeviceError, DeviceFailed, MotionLCMError, OutOfDeviceMemory, is_out_of_memory
from .architecture import Architecture
from .samplers import SamplingInput

if TYPE_CHECKING:
    from .torch_impl.cuda_graphs import CudaGraphSampler

log = logging.getLogger(__name__)

DEVICES = ("auto", "numpy", "cpu", "cuda", "mps", "xpu")


class Backend(Protocol):
    """Interface of the backends.

    `network` has denoiser, controlnet, traj_encoder and decode. Arrays are converted to the backend's own by `array`
    and back by `numpy`.
    """

    device: str
    network: Any
    recorded: CudaGraphSampler | None

    def array(self, values: AnyArray) -> Any:
        """Convert an array of NumPy to one of the backend."""
        ...

    def numpy(self, values: Any) -> FloatArray:
        """Convert an array of the backend to one of NumPy."""
        ...

    def inference_context(self, mode: Any = None) -> Any:
        """Context for inference, or for another mode of PyTorch."""
        ...

    def memory(self) -> int:
        """Memory of the model, bytes."""
        ...

    def run_cuda_graph(self, inputs: SamplingInput) -> FloatArray | None:
        """Sample with one CUDA graph; None where there is none."""
        ...


class NumpyBackend:
    """NumPy (`numpy_impl`)."""

    device = "numpy"
    recorded: CudaGraphSampler | None = None

    def __init__(self, weights: Mapping[str, FloatArray], architecture: Architecture) -> None:
        from .numpy_impl.network import PortableNetwork

        self.network = PortableNetwork(weights, architecture)
        self._bytes = sum(values.nbytes for values in weights.values())

    def array(self, values: AnyArray) -> AnyArray:
        """Convert an array of NumPy to one of the backend."""
        return values

    def numpy(self, values: FloatArray) -> FloatArray:
        """Convert an array of the backend to one of NumPy."""
        return values

    def inference_context(self, mode: Any = None) -> Any:  # noqa: ARG002  the backends' interface
        """Context for inference; does nothing here."""
        return nullcontext()

    def memory(self) -> int:
        """Size of the model, bytes."""
        return self._bytes

    def run_cuda_graph(self, inputs: SamplingInput) -> None:
        """Return None: NumPy samples step by step."""


class TorchBackend:
    """PyTorch on the CPU or a GPU."""

    def __init__(self, weights: Mapping[str, Any], architecture: Architecture | None, device: str) -> None:
        import torch

        from .torch_impl.network import MotionLCMNetwork

        self.torch = torch
        self.device = device
        # Not in inference mode: the noise optimization needs gradients through these weights, which have none
        # themselves.
        with self.inference_context(torch.no_grad):
            self.network = MotionLCMNetwork.from_weights(weights, architecture).to(device).requires_grad_(False)
        self.recorded: CudaGraphSampler | None = None
        if device.startswith("cuda"):
            from .torch_impl.cuda_graphs import CudaGraphSampler

            self.recorded = CudaGraphSampler(self.network, device)

    def run_cuda_graph(self, inputs: SamplingInput) -> FloatArray | None:
        """Sample with one CUDA graph, inside `inference_context`.

        Returns (takes, T, 263) normalised features, or None if there is no graph for this input.
        """
        return None if self.recorded is None else self.recorded(inputs)

    def array(self, values: AnyArray) -> Any:
        """Convert an array of NumPy to a tensor on the device."""
        return self.torch.from_numpy(np.ascontiguousarray(values)).to(self.device)

    def numpy(self, values: Any) -> FloatArray:
        """Convert a tensor to an array of NumPy."""
        result: FloatArray = values.float().cpu().numpy()
        return result

    @contextmanager
    def inference_context(self, mode: Any = None) -> Iterator[None]:
        """Inference mode, or another one such as torch.no_grad; converts PyTorch's errors.

        Args:
            mode: Another context of PyTorch.

        Raises:
            DeviceError: PyTorch failed on the device.
        """
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
            raise device_error(error, self.device) from error  # raised by Apple's GPUs for a type that they lack

    def memory(self) -> int:
        """Memory that PyTorch holds on the GPU, or size of the model on the CPU, bytes."""
        kind = self.device.partition(":")[0]
        if kind in ("cuda", "xpu"):
            return int(getattr(self.torch, kind).memory_reserved(self.device))
        if kind == "mps":
            return int(self.torch.mps.driver_allocated_memory())
        return sum(values.numel() * values.element_size() for values in self.network.parameters())


def release_cached_memory() -> None:
    """Release the GPU memory that PyTorch caches for unloaded models."""
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is None:
        return
    try:
        _empty_caches(torch)
    except RuntimeError as error:  # for example while a CUDA graph is being captured
        log.info("Memory was not given back: %s", error)


def _empty_caches(torch: Any) -> None:
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        torch.cuda.empty_cache()
    elif torch.backends.mps.is_available():
        torch.mps.empty_cache()
    elif hasattr(torch, "xpu") and torch.xpu.is_available():
        torch.xpu.empty_cache()


def device_error(error: Exception, device: str) -> DeviceError:
    """Convert an exception of PyTorch to an error with one sentence for the user.

    Args:
        error: The exception.
        device: The device.

    Returns:
        The error to raise.
    """
    message = str(error).strip()
    if is_out_of_memory(error):
        return OutOfDeviceMemory(
            f"The device {device} has too little free memory for this; close other programs or choose the CPU."
        )
    if "no kernel image" in message or "not compatible with the current PyTorch" in message:
        return DeviceFailed(f"The installed PyTorch does not support this graphics card ({device}).")
    first = message.splitlines()[0].rstrip(".") if message else type(error).__name__
    return DeviceFailed(f"PyTorch failed on the device {device} ({first}).")


def resolve_device(device: str) -> str:
    """Resolve "auto" to a device: CUDA (NVIDIA and AMD), Apple's GPU, Intel's GPU or the CPU with PyTorch, else NumPy.

    Args:
        device: One of `DEVICES`.

    Returns:
        Name of an available device.

    Raises:
        DeviceError: The device is not available.
        DeviceFailed: PyTorch is installed but cannot be imported.
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
    except Exception as error:  # a library that PyTorch needs is missing or built for another machine
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise DeviceFailed(f"PyTorch is installed, but cannot be used ({lines[0].rstrip('.')}).") from error

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
    """Device to try after a failure: the CPU after a GPU, NumPy after PyTorch; None after NumPy."""
    if device == "auto":  # it failed before "auto" was resolved
        return "cpu" if "torch" in sys.modules else "numpy"
    return {"numpy": None, "cpu": "numpy"}.get(device, "cpu")


def make_backend(weights: Mapping[str, Any], architecture: Architecture | None, device: str) -> Backend:
    """Load weights into the backend for a device.

    Args:
        weights: Arrays by official name.
        architecture: The sizes; None: inferred from the shapes.
        device: As in `resolve_device`.

    Returns:
        The backend.

    Raises:
        DeviceError: The device is not available or has too little memory.
        UnsupportedCheckpoint: The weights do not fit the architecture.
    """
    resolved = resolve_device(device)
    try:
        if resolved == "numpy":
            arrays = {name: np.asarray(values, dtype=np.float32) for name, values in weights.items()}
            shapes = {name: tuple(values.shape) for name, values in arrays.items()}
            return NumpyBackend(arrays, architecture or Architecture.from_shapes(shapes))
        return TorchBackend(weights, architecture, resolved)
    except ImportError as error:  # PyTorch imports its parts lazily
        if resolved == "numpy":
            raise
        raise DeviceFailed(f"A part of PyTorch is missing ({error.name or error}).") from error
    except MemoryError as error:
        raise DeviceError("There is too little memory to load the model.") from error
