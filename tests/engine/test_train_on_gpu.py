"""Training in minutes: stages that end by time or go on from averaged weights, pools in parts, copied checkpoints."""

from __future__ import annotations

import importlib.util
import itertools
import os
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from evaluation_data import write_data  # noqa: E402
from safetensors.numpy import load_file, save_file  # noqa: E402

from motionlcm_blender.training import loop as loop_module  # noqa: E402
from motionlcm_blender.training.config import load_config  # noqa: E402
from motionlcm_blender.training.data.clip_pool import build_clip_pool  # noqa: E402
from motionlcm_blender.training.data.motion_data import MotionData, load_motion_data  # noqa: E402
from motionlcm_blender.training.data.pool import Pool, build_pool  # noqa: E402
from motionlcm_blender.training.loop import LoopSettings, TrainingLoop  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
FEATURES = 1e-2
"""What rounding to float16 may do to a feature."""


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("train_on_gpu_tool", ROOT / "tools" / "train_on_gpu.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> MotionData:
    return load_motion_data(write_data(tmp_path_factory.mktemp("data"), each=4))


def toy(folder: Path, steps: int, seconds: float = 0.0) -> TrainingLoop:
    torch.manual_seed(0)
    settings = LoopSettings(steps, 1e-2, warmup=4, log_every=5, seconds=seconds)
    return TrainingLoop("teacher", torch.nn.Linear(4, 4), settings, folder, seed=7)


def train(loop: TrainingLoop, deadline: float | None = None) -> bool:
    def losses(generator: torch.Generator, step: int) -> dict[str, torch.Tensor]:
        x = torch.randn(8, 4, generator=generator)
        return {"loss": (loop.module(x) - 2 * x).square().mean()}

    return loop.run(losses, deadline)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second passes with each look at the clock."""
    seconds = itertools.count()
    monkeypatch.setattr(loop_module, "time", SimpleNamespace(monotonic=lambda: float(next(seconds))))


@pytest.mark.usefixtures("clock")
def test_a_stage_ends_after_its_seconds_with_the_lowest_rate(tmp_path: Path) -> None:
    rates = []
    loop = toy(tmp_path, 100_000, seconds=80.0)
    following = loop.optimizer.set_rate
    loop.optimizer.set_rate = lambda part: (rates.append(part), following(part))[1]  # type: ignore[method-assign]
    assert train(loop)
    assert 4 < loop.step < 100
    assert max(rates) > 0.9 and rates[-1] < 0.05
    assert rates[:4] == sorted(rates[:4]) and rates[4:] == sorted(rates[4:], reverse=True)
    assert toy(tmp_path, 100_000, seconds=80.0).finished


@pytest.mark.usefixtures("clock")
def test_a_stage_without_its_state_goes_on_from_the_averaged_weights(tmp_path: Path) -> None:
    first = toy(tmp_path, 30)
    assert not train(first, deadline=20.0)
    assert 0 < first.step < 30
    first.state_file.unlink()
    again = toy(tmp_path, 30)
    assert again.step == first.step
    for name, values in again.module.state_dict().items():
        torch.testing.assert_close(values, first.averaged()[name])
    assert again.learning_rate_factor(again.step) < 0.5 * again.learning_rate_factor(again.step + 3)
    assert train(again)
    # A file that no loop has written, of a model folder for example, is not gone on from.
    again.state_file.unlink()
    save_file(load_file(again.weights_file), again.weights_file)
    assert toy(tmp_path, 30).step == 0


def pools_are_the_same(one: Pool, other: Pool) -> bool:
    return (
        one.features.shape == other.features.shape
        and np.allclose(one.features, other.features, atol=FEATURES, equal_nan=True)
        and one.captions == other.captions
    )


def holds(pool: Pool, features: np.ndarray) -> bool:
    examples = (pool.example(k) for k in range(len(pool)))
    return any(
        each.shape == features.shape and np.allclose(each, features, atol=FEATURES, equal_nan=True) for each in examples
    )


@pytest.mark.slow
def test_pools_in_parts_depend_on_the_parts_alone(data: MotionData, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {0, 1}, raising=False)
    in_processes, clips = build_pool(data, 0, shards=3, synthesized=0.004), build_clip_pool(data, 0, shards=3)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {0}, raising=False)
    assert pools_are_the_same(in_processes, build_pool(data, 0, shards=3, synthesized=0.004))
    np.testing.assert_allclose(clips.features, build_clip_pool(data, 0, shards=3).features, atol=FEATURES)
    whole, whole_clips = build_pool(data, 0, synthesized=0.004), build_clip_pool(data, 0)
    assert not pools_are_the_same(in_processes, whole)
    # Segments as captured are in both, whichever part they were in.
    for one, other in ((in_processes, whole), (clips, whole_clips)):
        found = sum(holds(other, one.example(k)) for k in range(len(one)))
        assert found >= len(data.clips) - len(data.test)
    assert len(clips) == len(whole_clips)


def test_the_configuration_for_a_gpu_is_of_the_bundled_model_and_fits_its_time(tool: ModuleType) -> None:
    config = load_config(tool.CONFIG)
    assert config.architecture == load_config().architecture
    c, s = config.control, config.student
    seconds = [config.teacher.seconds, s.seconds, s.trajectory_seconds, c.encoder_seconds, c.teacher_seconds]
    seconds += [c.trajectory_seconds, c.seconds]
    assert all(seconds) and sum(seconds) == 560.0


def test_copied_checkpoints_continue_the_run_elsewhere(tmp_path: Path, tool: ModuleType) -> None:
    run, out, other = tmp_path / "run", tmp_path / "out", tmp_path / "other"
    run.mkdir()
    loop = toy(run, 6)
    assert train(loop)
    np.savez(run / "normalisation.npz", mean=np.zeros(3))
    with tool.CheckpointCopier(run, out):
        pass
    assert len(list(out.iterdir())) <= 8
    tool.restore_run(out, other)
    assert (other / "normalisation.npz").exists() and (other / "teacher.log.jsonl").exists()
    again = toy(other, 6)
    assert again.finished
    for name, values in loop.averaged().items():
        torch.testing.assert_close(again.module.state_dict()[name], values, atol=1e-3, rtol=1e-3)


def test_words_that_no_caption_has_are_read_as_unknown(tmp_path: Path, tool: ModuleType) -> None:
    generator = np.random.default_rng(0)
    table = generator.integers(-127, 128, (300, 8)).astype(np.int8)
    others = {"encoder.layer.0.weight": generator.normal(size=(4, 4)).astype(np.float32)}
    save_file({tool.EMBEDDINGS: table, **others}, tmp_path / "model.safetensors")
    tool.keep_words(tmp_path, [0, 101, 250])
    kept = load_file(tmp_path / "model.safetensors")
    for row, values in enumerate(kept[tool.EMBEDDINGS]):
        np.testing.assert_array_equal(values, table[row if row in (0, 101, 250) else tool.UNKNOWN])
    np.testing.assert_array_equal(kept["encoder.layer.0.weight"], others["encoder.layer.0.weight"])
