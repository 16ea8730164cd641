"""`motionlcm bench --live`: how often a motion follows a path that is dragged, without a window.

A point of the path moves sixty times a second, as under a mouse. Each state is offered to the worker of Live; the
newest one wins. Counted are the motions that come back, and the time from a change to its motion.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ..array_types import FloatArray
from ..errors import DeviceError
from ..generation.pipeline import MotionLCM
from ..generation.request import DEFAULT_STEPS, Hints, Request
from ..live.newest_request import NewestRequest
from ..motion.ground_path import GroundPath, timed
from ..motion.motion import Clip
from ..motion.resampling import resample
from ..motion.retarget import retarget
from ..motion.skeleton import FPS
from ..motion.world_transform import Placement, canonicalise, place_clip
from .speed import SCENE_FPS, bench_devices, machine

PROMPT = "a person walks forward"
TURNS = 60.0
"""Changes a second."""
SECONDS = 5.0
"""Seconds for which the path is dragged."""
PATIENCE = 120.0

Change = tuple[float, Request, Placement]


def bench_live(
    device: str = "auto",
    model: str | Path | None = None,
    frames: int = 100,
    steps: int = DEFAULT_STEPS,
    seconds: float = SECONDS,
    on_line: Callable[[str], None] = lambda _line: None,
) -> dict[str, Any]:
    """Drag a path and count the motions that follow.

    Args:
        device: Device, or "auto" for all there are.
        model: Model folder; None: the bundled model.
        frames: Length of the motion, frames at 20 fps.
        steps: Sampler steps.
        seconds: Seconds for which the path is dragged.
        on_line: Called with a line about each device.

    Returns:
        machine and runs, one for each device, for `live_report`.

    Raises:
        MotionLCMError: Loading or generating failed.
    """
    runs = []
    for name in bench_devices(device):
        on_line(f"{name} ...")
        loaded = MotionLCM.from_folder(model, device=name)
        loaded.generate(_change(0.0, frames, steps)[1])
        if loaded.backend.recorded is not None:
            loaded.generate(_change(0.1, frames, steps)[1])  # a GPU captures a graph on the second use
        runs.append({"device": loaded.device, "model": loaded.name, **_dragged(loaded, frames, steps, seconds)})
    return {"machine": machine(), "frames": frames, "steps": steps, "seconds": seconds, "runs": runs}


def live_report(result: dict[str, Any]) -> str:
    """The result as lines of text."""
    described = result["machine"]
    load = "unknown" if described["load"] is None else f"{described['load']:.1f}"
    lines = [
        f"{described['cpu']}, {described['cores']} cores, load {load}",
        f"A path of {result['frames'] / FPS:.1f} s is dragged for {result['seconds']:.1f} s, {result['steps']} steps:",
    ]
    lines += [
        f"{run['device']}: {run['motions_per_second']:.1f} motions a second; from a change to its motion "
        f"{run['latency_ms']:.0f} ms, at most {run['worst_latency_ms']:.0f}; the processor works "
        f"{run['processor_ms']:.0f} ms for a motion; a state is read in {run['reading_ms']:.1f} ms"
        for run in result["runs"]
    ]
    return "\n".join(lines)


def _path(passed: float) -> GroundPath:
    """The path after so many seconds: one of its points is dragged about."""
    points = np.array([[0.0, 0.0], [0.7, 1.2], [-0.7, 2.6], [0.0, 3.8]])
    points[2] += [0.4 * np.sin(2.0 * passed), 0.2 * np.sin(3.1 * passed)]
    at, whole = np.linspace(0.0, 1.0, 48), np.linspace(0.0, 1.0, len(points))
    return GroundPath(np.stack([np.interp(at, whole, points[:, axis]) for axis in (0, 1)], axis=-1))


def _change(passed: float, frames: int, steps: int) -> Change:
    """What the main thread does for a change: the path, timed and in the model's frame, as a request."""
    path: FloatArray = timed(_path(passed), frames)
    in_frame, placement = canonicalise(path)
    return passed, Request(PROMPT, frames, steps=steps, hints=Hints.ground_path(in_frame)), placement


def _dragged(model: MotionLCM, frames: int, steps: int, seconds: float) -> dict[str, float]:
    """Drag for a while; returns the measures."""
    processor: list[float] = []

    def work(change: Change, cancelled: Callable[[], bool]) -> Clip:
        began = time.thread_time()
        motion = model.generate(change[1], cancel=cancelled)[0]
        clip = resample(place_clip(retarget(motion), change[2]), SCENE_FPS)
        processor.append(time.thread_time() - began)
        return clip

    worker: NewestRequest[Change, Clip] = NewestRequest(work, "Live benchmark")
    latencies: list[float] = []
    reading: list[float] = []
    began = time.perf_counter()
    while (passed := time.perf_counter() - began) < seconds or (not latencies and passed < PATIENCE):
        change = _change(passed, frames, steps)
        reading.append(time.perf_counter() - began - passed)
        worker.offer(change)
        answer = worker.take()
        if answer is not None:
            if isinstance(answer.outcome, BaseException):
                raise answer.outcome
            latencies.append(time.perf_counter() - began - answer.request[0])
        time.sleep(max(0.0, 1.0 / TURNS - (time.perf_counter() - began - passed)))
    motions, lasted = worker.counts.answered, time.perf_counter() - began
    worker.wait(PATIENCE)
    worker.stop(PATIENCE)
    if not latencies:
        raise DeviceError(f"No motion was made in {PATIENCE:.0f} seconds on {model.device}.")
    return {
        "motions_per_second": motions / lasted,
        "latency_ms": 1e3 * float(np.median(latencies)),
        "worst_latency_ms": 1e3 * max(latencies),
        "processor_ms": 1e3 * float(np.median(processor)),
        "reading_ms": 1e3 * float(np.median(reading)),
    }
