"""`motionlcm bench`: duration of each stage on this machine, from a request to keys within 10 mm.

Times are the minimum, the median and the 90th percentile of several repeats after a warm-up. Because machines differ
in speed and load, each median is also given as a ratio to fixed reference work in NumPy, run between the stages.
NumPy is measured with each way of multiplying matrices that there is: its own BLAS, OpenBLAS, and neither.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from ..array_types import FloatArray
from ..errors import MotionLCMError
from ..export.blender_process import find_blender
from ..generation.pipeline import MotionLCM
from ..generation.postprocessing import postprocess_motion
from ..generation.request import DEFAULT_STEPS, Hints, Request
from ..keyframes.fitting import fit_keys
from ..motion.features import contacts_from_features, standing_joints
from ..motion.ground_path import named_path, natural_length, timed
from ..motion.motion import Clip, Motion
from ..motion.resampling import resample
from ..motion.retarget import retarget
from ..motion.skeleton import FPS, MAX_FRAMES
from ..motion.world_transform import canonicalise
from ..networks.backends import resolve_device
from ..networks.numpy_impl import matmul
from ..networks.samplers import lcm_sample
from ..postprocess.path_following import follow_path
from ..version import package_versions
from .writing import NO_BLENDER, SCRIPT, writing_milliseconds

PROMPT = "a person walks forward and waves"
SCENE_FPS, HIGH_FPS = 24.0, 240.0
STAGES = ("text", "text, kept", "noise", "path", "control", "denoise", "decode", "network", "joints", "correction",
          "post-processing", "retarget", "resample", "keys", "keys, 240 fps")  # fmt: skip
NETWORK = ("path", "control", "denoise", "decode")
"""The stages that `network` sums up."""
WHOLES = ("request to joints", "request to joints, text kept", "request to keys", "request to keys, text kept")
REFERENCE = "4 products of 256 x 256 float32 matrices in NumPy"


@contextmanager
def processor_time() -> Iterator[None]:
    """Measure the processor time of this process in place of the clock's, as a context; the writing is not changed."""
    clock = time.perf_counter
    time.perf_counter = time.process_time
    try:
        yield
    finally:
        time.perf_counter = clock


class Stopwatch:
    """Seconds by stage, and of the reference work, which runs now and then between the stages."""

    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = {}
        self.reference: list[float] = []

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        """Measure the time of a stage, as a context."""
        started = time.perf_counter()
        yield
        self.seconds.setdefault(stage, []).append(time.perf_counter() - started)

    def add_network(self) -> None:
        """Sum up the stages of the networks, each repeat by itself."""
        there = [self.seconds[stage] for stage in NETWORK if stage in self.seconds]
        self.seconds["network"] = [sum(parts) for parts in zip(*there, strict=True)]

    def table(self, reference: float) -> dict[str, dict[str, float]]:
        """best_ms, median_ms, p90_ms and ratio (median divided by the reference's) of each stage."""
        out = {}
        for stage, values in self.seconds.items():
            best, median, p90 = (float(value) for value in np.percentile(values, [0, 50, 90]))
            out[stage] = {
                "best_ms": 1e3 * best, "median_ms": 1e3 * median, "p90_ms": 1e3 * p90, "ratio": median / reference,
            }  # fmt: skip
        return out


def machine() -> dict[str, Any]:
    """Description of the machine, without anything that identifies the machine or its user."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    versions = {name: version for name, version in package_versions().items() if version}
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    return {
        "cpu": _cpu_name(),
        "cores": cores,
        "load": load,
        "threads": os.environ.get("OMP_NUM_THREADS", "default"),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "packages": versions,
    }


def _cpu_name() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass  # not Linux: platform has less information
    return platform.processor() or platform.machine()


def reference_seconds(repeats: int) -> list[float]:
    """Measure the fixed work to which ratios are taken, in seconds."""
    a = np.random.default_rng(0).standard_normal((256, 256), dtype=np.float32) / 16
    out = []
    for _ in range(repeats):
        started = time.perf_counter()
        b = a @ (a @ (a @ (a @ a)))
        out.append(time.perf_counter() - started)
        if not np.isfinite(b).all():
            raise ArithmeticError("the reference work went wrong")
    return out


def bench_devices(device: str) -> list[str]:
    """Resolve "auto" to NumPy and, if PyTorch is installed, its best device; other names stay."""
    if device != "auto":
        return [resolve_device(device)]
    found = ["numpy"]
    if importlib.util.find_spec("torch") is not None:
        import torch

        found.append("cpu")
        best = resolve_device("auto")
        found += [best] if best != "cpu" else []
        del torch
    return found


def bench(
    device: str = "auto",
    model: str | Path | None = None,
    repeats: int = 20,
    warmup: int = 3,
    frames: int = MAX_FRAMES,
    steps: int = DEFAULT_STEPS,
    on_line: Callable[[str], None] = lambda _line: None,
    blender: str | None = NO_BLENDER,
) -> dict[str, Any]:
    """Measure every stage.

    Args:
        device: Device, or "auto".
        model: Model folder; None: the bundled model.
        repeats: Number of measured repeats.
        warmup: Number of repeats before them.
        frames: Length of the motion, frames at 20 fps.
        steps: Sampler steps.
        on_line: Called with a line about each device.
        blender: Blender, or Python with bpy, that writes the Action; None: searched; NO_BLENDER: not measured.

    Returns:
        machine, reference_ms, runs (one for each device and way of multiplying) and writing, for `report`.

    Raises:
        MotionLCMError: Loading or generating failed.
    """
    measured = _measured(device, model, repeats, warmup, frames, steps, on_line)
    base = float(np.median([s for _, _, _, watch in measured for s in watch.reference]))
    runs = [
        {
            "device": sampler.device,
            "products": way,
            "model": sampler.name,
            "frames": frames,
            "steps": steps,
            "load_ms": 1e3 * load,
            "recorded": "" if sampler.backend.recorded is None else sampler.backend.recorded.summary,
            "stages": watch.table(base),
        }
        for sampler, way, load, watch in measured
    ]
    return {
        "machine": machine(),
        "reference": REFERENCE,
        "reference_ms": 1e3 * base,
        "repeats": repeats,
        "runs": runs,
        "writing": writing_table(model, blender, repeats, frames, base, on_line),
    }


def _measured(
    device: str,
    model: str | Path | None,
    repeats: int,
    warmup: int,
    frames: int,
    steps: int,
    on_line: Callable[[str], None],
) -> list[tuple[MotionLCM, str, float, Stopwatch]]:
    """Each device and way of multiplying: its model, the way, seconds to load, and the times."""
    measured = []
    for name in bench_devices(device):
        started = time.perf_counter()
        sampler = MotionLCM.from_folder(model, name)
        load = time.perf_counter() - started
        for turn, way in enumerate(matmul.ways() if name == "numpy" else [""]):
            on_line(f"Measuring {name}{f' ({way})' if way else ''} ...")
            with matmul.multiplied_by(way):
                measured.append(
                    (sampler, way, load, _measure(sampler, repeats, warmup, frames, steps, 10 + 1000 * turn))
                )
    return measured


def writing_table(
    model: str | Path | None,
    blender: str | None,
    repeats: int,
    frames: int,
    reference: float,
    on_line: Callable[[str], None],
) -> dict[str, float]:
    """The row of the writing, as in `Stopwatch.table`; empty if it is not measured.

    The Action is that of a walk along the S-shaped path, `frames` long.
    """
    if blender == NO_BLENDER:
        return {}
    try:
        where = find_blender(blender, SCRIPT)
    except MotionLCMError as error:
        on_line(f"Writing is not measured. {error}")
        return {}
    on_line(f"Measuring the writing in {where.program} ...")
    sampler = MotionLCM.from_folder(model, "numpy")
    xz, _ = canonicalise(timed(named_path("s", natural_length("s", frames / FPS)), frames))
    hints = Hints.ground_path(xz) if sampler.architecture.control else None
    (motion,) = sampler.generate(Request(PROMPT, frames, 0, hints=hints))
    seconds = [1e-3 * value for value in writing_milliseconds(retarget(motion), where, repeats)]
    watch = Stopwatch()
    watch.seconds["writing"] = seconds
    return watch.table(reference)["writing"]


def _measure(model: MotionLCM, repeats: int, warmup: int, frames: int, steps: int, first: int = 10) -> Stopwatch:
    """Measure a model. first: number in the first prompt; each prompt has another one, so that no cache applies."""
    control = model.architecture.control
    path = timed(named_path("s", natural_length("s", frames / FPS)), frames)
    xz, _ = canonicalise(path)
    hints = Hints.ground_path(xz) if control else None
    numbers = count(first)
    watch = Stopwatch()
    for repeat in range(warmup + repeats):
        if repeat == warmup:
            watch = Stopwatch()
        watch.reference += reference_seconds(3)
        _stages(model, watch, Request(f"{PROMPT} {next(numbers)}", frames, repeat, steps=steps, hints=hints), xz)
        for kept in (False, True):
            suffix = ", text kept" if kept else ""
            prompt = f"{PROMPT} {first if kept else next(numbers)}"
            request = Request(prompt, frames, repeat, steps=steps, hints=hints)
            if kept:
                model.encode_prompt(prompt, frames)
            with watch("request to keys" + suffix):
                with watch("request to joints" + suffix):
                    (motion,) = model.generate(request)
                fit_keys(resample(retarget(motion), SCENE_FPS))
    watch.add_network()
    return watch


class _TimedNetwork:
    """A network that measures the seconds of its ControlNet and its denoiser, added up over the steps."""

    def __init__(self, network: Any, finished: Callable[[Any], Any]) -> None:
        """finished: waits until an array of the backend is there."""
        self.architecture, self._network, self._finished = network.architecture, network, finished
        self.seconds: dict[str, float] = {}

    def controlnet(self, *inputs: Any) -> Any:
        """As the network's, measured as "control"."""
        started = time.perf_counter()
        residuals = self._network.controlnet(*inputs)
        self._finished(residuals[-1])
        self._add("control", started)
        return residuals

    def denoiser(self, *inputs: Any) -> Any:
        """As the network's, measured as "denoise"."""
        started = time.perf_counter()
        epsilon = self._network.denoiser(*inputs)
        self._finished(epsilon)
        self._add("denoise", started)
        return epsilon

    def _add(self, stage: str, started: float) -> None:
        self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - started


def _stages(model: MotionLCM, watch: Stopwatch, request: Request, xz: FloatArray) -> None:
    """The stages of `MotionLCM.generate`, each finished before the next starts; control and denoising in all steps.

    Where `generate` uses a CUDA graph, the stages add up to more than the whole.
    """
    backend, network, stats, a = model.backend, model.network, model.stats, model.architecture
    array, numpy = backend.array, backend.numpy
    guidance = model.guidance(request.steps)
    shape = (request.steps, 1, a.latent_tokens, a.latent_width)
    with watch("text"):
        text = model.encode_prompt(request.prompt, request.frames)
    with watch("text, kept"):
        model.encode_prompt(request.prompt, request.frames)
    with watch("noise"):
        noise = np.random.default_rng(request.seed).standard_normal(shape, np.float32)
    with backend.inference_context():
        tokens, condition = array(text[None]), None
        if request.hints is not None:
            with watch("path"):
                given = request.hints.mask
                values = (request.hints.positions - stats["hint_mean"]) / stats["hint_std"]
                normalised = np.where(given, values, 0).astype(np.float32)
                condition = network.traj_encoder(array(normalised[None]), array(given[None]))
                numpy(condition)
        timed_network = _TimedNetwork(network, numpy)
        latents = lcm_sample(
            timed_network,
            tokens,
            array(noise[0]),
            array(noise[1:]),
            request.steps,
            guidance,
            condition,
            model.control_strength,
        )
        numpy(latents)
        for stage, seconds in timed_network.seconds.items():
            watch.seconds.setdefault(stage, []).append(seconds)
        mask = array(np.ones((1, request.frames), bool))
        with watch("decode"):
            decoded = numpy(network.decode(latents, mask))
    with watch("joints"):
        features = decoded[0] * stats["std"] + stats["mean"]
        joints = standing_joints(features)
    contacts = contacts_from_features(features)
    with watch("correction"):
        joints = follow_path(joints, contacts, xz).joints
    with watch("post-processing"):
        postprocess_motion(request, standing_joints(features), contacts, {}, 0.0)
    with watch("retarget"):
        clip: Clip = retarget(Motion(joints, contacts))
    with watch("resample"):
        scene = resample(clip, SCENE_FPS)
    with watch("keys"):
        fit_keys(scene)
    dense = resample(clip, HIGH_FPS)
    with watch("keys, 240 fps"):
        fit_keys(dense)


def report(result: dict[str, Any]) -> str:
    """Format the measurements as the lines that `motionlcm bench` prints."""
    about = result["machine"]
    load = f", load {about['load']:.1f}" if about["load"] is not None else ""
    lines = [
        f"{about['cpu']}, {about['cores']} cores (threads: {about['threads']}{load}), {about['system']}, "
        f"Python {about['python']}",
        ", ".join(f"{name} {version}" for name, version in about["packages"].items()),
        f"Reference: {result['reference']}, {result['reference_ms']:.2f} ms",
    ]
    for run in result["runs"]:
        way = f" ({run['products']})" if run["products"] else ""
        plural = "s" if run["steps"] > 1 else ""
        lines += [
            "",
            f"{run['device']}{way}: model {run['model']}, {run['frames']} frames, {run['steps']} step{plural}, "
            f"{result['repeats']} repeats; loaded in {run['load_ms']:.0f} ms"
            + (f"; {run['recorded']}" if run["recorded"] else ""),
            f"  {'stage':<30}{'best ms':>10}{'median ms':>11}{'p90 ms':>10}{'ratio':>9}",
        ]
        for stage in (*STAGES, *WHOLES):
            if stage in run["stages"]:
                row = run["stages"][stage]
                numbers = f"{row['best_ms']:>10.2f}{row['median_ms']:>11.2f}{row['p90_ms']:>10.2f}{row['ratio']:>9.3g}"
                per_step = f" ({run['steps']} steps)" if run["steps"] > 1 and stage in ("control", "denoise") else ""
                lines.append(f"  {stage + per_step:<30}{numbers}")
    if result["writing"]:
        row = result["writing"]
        numbers = f"{row['best_ms']:>10.2f}{row['median_ms']:>11.2f}{row['p90_ms']:>10.2f}{row['ratio']:>9.3g}"
        lines += ["", f"  {'writing the Action in Blender':<30}{numbers}"]
    return "\n".join(lines)
