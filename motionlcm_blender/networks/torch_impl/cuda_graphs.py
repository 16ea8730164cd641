"""Sampling with CUDA graphs.

For networks this small, launching hundreds of kernels takes longer than running them. A CUDA graph captures the
kernels once and launches all of them together. It fixes shapes and addresses, so requests are padded to a few fixed
shapes: frames and text tokens are padded and masked, which does not change the result.

Captured work must not synchronise with the GPU or copy anything to it. `tests/engine/test_recorded.py` checks both on
PyTorch's device without data, "meta".
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from ...array_types import AnyArray, FloatArray
from ...errors import is_out_of_memory
from ...motion.skeleton import JOINT_COUNT, MAX_FRAMES
from ..samplers import SamplingInput, lcm_sample

log = logging.getLogger(__name__)

MOST_KEYS = 8
"""Number of captured graphs that are kept; the least recently used one is dropped."""
TEXT_TOKENS = 24
"""Text tokens are padded to a multiple of this, which is more than the bundled model has for any prompt."""
AGREEMENT = 1e-2
"""Largest difference, in standard deviations of a feature, between a captured graph and step-by-step sampling.

Far more than a different order of float32 sums causes, far less than a stale or empty tensor.
"""


class GraphKey(NamedTuple):
    """The fixed shapes and numbers of a captured graph. hints: number of different ones, 0: none."""

    takes: int
    steps: int
    text_tokens: int
    hints: int
    guidance: float
    strength: float


def graph_key_of(inputs: SamplingInput) -> GraphKey:
    """Key of the graph for a request."""
    filled = -(-len(inputs.text) // TEXT_TOKENS) * TEXT_TOKENS
    steps, takes = inputs.noise.shape[:2]
    count = 0 if inputs.hints is None else len(inputs.hints)
    return GraphKey(takes, steps, filled, count, float(inputs.guidance), float(inputs.strength))


class Recorder(Protocol):
    """Captures work on fixed tensors: runs it, and returns the result and a function that replays it."""

    def __call__(self, work: Callable[[], Tensor]) -> tuple[Tensor, Callable[[], None]]:
        """Run and capture the work."""
        ...


class CudaRecorder:
    """Captures with torch.cuda.CUDAGraph, for NVIDIA's CUDA and AMD's HIP."""

    def __init__(self, device: str) -> None:
        self.device = torch.device(device)
        self.pool: Any = None
        self.aside: Any = None
        """One stream for all captures: libraries keep memory for each stream that they were used on."""

    def __call__(self, work: Callable[[], Tensor]) -> tuple[Tensor, Callable[[], None]]:
        """Run and capture the work; raises PyTorch's errors if GPU or driver cannot."""
        with torch.cuda.device(self.device):
            if self.pool is None:
                self.pool, self.aside = torch.cuda.graph_pool_handle(), torch.cuda.Stream()
            self.aside.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(self.aside):
                for _ in range(2):  # libraries choose their kernels and allocate their memory in the first runs
                    work()
            torch.cuda.current_stream().wait_stream(self.aside)
            torch.cuda.synchronize()
            graph = torch.cuda.CUDAGraph()
            # A failed capture may leave the wrong stream current; this restores the stream before.
            with torch.cuda.stream(torch.cuda.current_stream()):
                try:
                    # Blender, Cycles and other add-ons use the GPU from other threads and must not break the capture.
                    with torch.cuda.graph(graph, pool=self.pool, stream=self.aside, capture_error_mode="thread_local"):
                        result = work()
                except Exception:
                    self._end_allocating()
                    raise
        return result, graph.replay

    def _end_allocating(self) -> None:
        """Stop the allocator's capture mode, in which PyTorch stays after a failed capture and cannot free memory."""
        with suppress(Exception):  # it was stopped after all, or this PyTorch has other names for it
            index = torch.cuda.current_device() if self.device.index is None else self.device.index
            torch._C._cuda_endAllocateToPool(index, self.pool)
            torch._C._cuda_releasePool(index, self.pool)
        self.pool = None


class CapturedGraph:
    """One captured graph: the tensors that it reads, and the one that it writes."""

    def __init__(self, network: Any, plan: GraphKey, device: str, recorder: Recorder) -> None:
        a = network.architecture
        self.plan = plan

        def zeros(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
            return torch.zeros(shape, dtype=dtype, device=device)

        self.text = zeros(plan.takes, plan.text_tokens, a.text_width)
        self.text_there = zeros(plan.takes, plan.text_tokens, dtype=torch.bool)
        self.text_there[:, 0] = True
        self.noise = zeros(plan.steps, plan.takes, a.latent_tokens, a.latent_width)
        self.frames = zeros(plan.takes, MAX_FRAMES, dtype=torch.bool)
        self.frames[:, 0] = True
        self.hints = zeros(plan.hints, MAX_FRAMES, JOINT_COUNT, 3) if plan.hints else None
        self.given = zeros(plan.hints, MAX_FRAMES, JOINT_COUNT, 3, dtype=torch.bool) if plan.hints else None
        self._network = network
        self.made, self.again = recorder(self.work)

    def work(self) -> Tensor:
        """Features of all takes, (takes, MAX_FRAMES, 263) normalised, from the current content of the tensors."""
        condition = None
        if self.hints is not None:
            condition = self._network.traj_encoder(self.hints, self.given)
            condition = condition.expand(self.plan.takes, -1, -1)
        masked = MaskedNetwork(self._network, self.text_there)
        latents = lcm_sample(
            masked,
            self.text,
            self.noise[0],
            self.noise[1:],
            self.plan.steps,
            self.plan.guidance,
            condition,
            self.plan.strength,
        )
        decoded: Tensor = self._network.decode(latents, self.frames)
        return decoded

    def fill(self, inputs: SamplingInput) -> None:
        """Copy the input to the tensors that the graph reads."""
        tokens, frames = len(inputs.text), inputs.frames
        text = np.zeros(self.text.shape[1:], np.float32)
        text[:tokens] = inputs.text
        _put(self.text, np.broadcast_to(text, self.text.shape))
        _put(self.text_there, np.broadcast_to(np.arange(self.plan.text_tokens) < tokens, self.text_there.shape))
        _put(self.noise, inputs.noise)
        _put(self.frames, np.broadcast_to(np.arange(MAX_FRAMES) < frames, self.frames.shape))
        if self.hints is not None and self.given is not None:
            assert inputs.hints is not None and inputs.given is not None
            after = ((0, 0), (0, MAX_FRAMES - frames), (0, 0), (0, 0))
            _put(self.hints, np.pad(inputs.hints, after))
            _put(self.given, np.pad(inputs.given, after))

    def __call__(self, inputs: SamplingInput) -> FloatArray:
        """Replay the graph; returns (takes, T, 263) normalised features."""
        self.fill(inputs)
        self.again()
        result: FloatArray = self.made[:, : inputs.frames].float().cpu().numpy()
        return result


def _put(target: Tensor, values: AnyArray) -> None:
    target.copy_(torch.from_numpy(np.array(values, order="C")))


class MaskedNetwork:
    """Denoiser and ControlNet with a mask of the text tokens."""

    def __init__(self, network: Any, there: Tensor) -> None:
        self.architecture, self._network, self._there = network.architecture, network, there

    def denoiser(self, latents: Tensor, timestep: int, text: Tensor, guidance: Any, residuals: Any = None) -> Tensor:
        """Predict the noise, as `Denoiser`."""
        predicted: Tensor = self._network.denoiser(latents, timestep, text, guidance, residuals, self._there)
        return predicted

    def controlnet(self, latents: Tensor, timestep: int, text: Tensor, guidance: Any, condition: Tensor) -> Any:
        """Compute the residuals, as `ControlNet`."""
        return self._network.controlnet(latents, timestep, text, guidance, condition, self._there)


class CudaGraphSampler:
    """Samples with captured graphs.

    A graph is captured on the second use of its key and compared with step-by-step sampling. The first failure ends
    capturing, and sampling continues step by step; too little memory ends it for that key only.
    """

    def __init__(self, network: Any, device: str, recorder: Recorder | None = None) -> None:
        self._network, self._device = network, device
        self._recorder = CudaRecorder(device) if recorder is None else recorder
        self._pieces: OrderedDict[GraphKey, CapturedGraph] = OrderedDict()
        self._requested: set[GraphKey] = set()
        self._too_large: set[GraphKey] = set()
        self.trouble = ""
        """Why nothing is captured any more."""

    @property
    def count(self) -> int:
        """Number of captured graphs."""
        return len(self._pieces)

    @property
    def summary(self) -> str:
        """State for a report."""
        if self.trouble:
            return f"CUDA graphs not used: {self.trouble}"
        return "1 CUDA graph" if self.count == 1 else f"{self.count} CUDA graphs"

    def __call__(self, inputs: SamplingInput) -> FloatArray | None:
        """Sample; returns (takes, T, 263) normalised features, or None for step-by-step sampling."""
        if self.trouble or inputs.frames > MAX_FRAMES:
            return None
        plan = graph_key_of(inputs)
        if plan in self._too_large:
            return None
        if plan not in self._requested:
            self._requested.add(plan)
            return None
        try:
            if plan not in self._pieces:
                self._pieces[plan] = self._recorded(plan, inputs)
            self._pieces.move_to_end(plan)
            if len(self._pieces) > MOST_KEYS:
                self._pieces.popitem(last=False)
            return self._pieces[plan](inputs)
        except Exception as error:
            self._pieces.clear()
            cause = error.__context__ or error  # an error at the end of a capture hides the first cause
            if is_out_of_memory(cause):
                self._too_large.add(plan)  # step-by-step sampling may just fit
                return None
            message = str(cause).strip().splitlines() or [type(cause).__name__]
            self.trouble = message[0].rstrip(".")
            log.warning("CUDA graphs are not used: %s.", self.trouble)
            log.info("What led to it", exc_info=error)
            return None

    def _recorded(self, plan: GraphKey, inputs: SamplingInput) -> CapturedGraph:
        piece = CapturedGraph(self._network, plan, self._device, self._recorder)
        captured = piece(inputs)
        expected = piece.work()[:, : inputs.frames].float().cpu().numpy()
        apart = float(np.abs(captured - expected).max())
        if not apart <= AGREEMENT:  # also for NaN
            raise ArithmeticError(f"a recorded piece is {apart:.2g} off what it recorded")
        return piece
