"""Training in two processes: each draws its own batch, both end with the same weights, one writes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from safetensors.numpy import load_file  # noqa: E402

from motionlcm_blender.training import loop as training_loop  # noqa: E402
from tests.repeated import assert_same_training  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = """
import os, sys
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

sys.path[:0] = [{root!r}, {tests!r}]
from motionlcm_blender.networks.architecture import Architecture
from motionlcm_blender.networks.torch_impl.vae import MotionVAE
from motionlcm_blender.training.config import VaeSettings
from motionlcm_blender.training.loop import LoopSettings, TrainingLoop
from motionlcm_blender.training.data.clip_pool import ClipPool
from motionlcm_blender.training.data.motion_piece import MotionPiece
from motionlcm_blender.training.data.normalisation import normalisation_of
from motionlcm_blender.training.precision import Precision
from motionlcm_blender.training.stages.vae_stage import VaeLosses, WindowBatches
from synthetic_motion import walk

torch.set_num_threads(1)
folder, rank = Path({folder!r}), int(os.environ.get("RANK", 0))
features = [MotionPiece.of(walk(60, speed=0.8 + 0.2 * k)).features().astype(np.float16) for k in range(4)]
starts = np.concatenate([[0], np.cumsum([len(f) for f in features])])
pool = ClipPool(np.concatenate(features), starts, np.ones(4))
statistics = normalisation_of(pool.features[:, :263].astype(np.float32), [pool.example(k) for k in range(4)])
torch.manual_seed(rank)  # other weights in each process, to see that they are made equal
vae = MotionVAE(Architecture(width=32, feedforward=64, vae_layers=3, heads=4))
settings = VaeSettings(steps={steps}, frames_per_batch=256)
losses = VaeLosses(vae, WindowBatches(pool, statistics), settings, Precision(torch.device("cpu"), "float32"),
                   torch.device("cpu"))
drawn = []

def watched(generator, step):
    drawn.append(generator.initial_seed())
    return losses(generator, step)

loop = TrainingLoop("vae", vae, LoopSettings({steps}, 1e-3, warmup=2, log_every=1), folder, seed=3)
written = []
real = torch.save
torch.save = lambda *a, **k: (written.append(1), real(*a, **k))
assert loop.run(watched)
state = {{name: value.detach().clone().contiguous() for name, value in vae.state_dict().items()}}
state["drawn"] = torch.tensor(drawn)
state["written"] = torch.tensor(len(written))
save_file(state, folder / f"process_{{rank}}.safetensors")
"""


def run(folder: Path, steps: int, processes: int) -> list[dict[str, np.ndarray]]:
    """Train in a process of its own, or in several under torchrun, which Accelerate's launcher uses as well."""
    folder.mkdir(exist_ok=True)
    script = folder / "train.py"
    script.write_text(SCRIPT.format(root=str(ROOT), tests=str(ROOT / "tests"), folder=str(folder), steps=steps))
    command = [sys.executable]
    if processes > 1:
        command += ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", str(processes)]
    environment = {**os.environ, "ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*command, str(script)], env=environment, capture_output=True, text=True, timeout=900, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return [load_file(folder / f"process_{rank}.safetensors") for rank in range(processes)]


def weights_of(process: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: values for name, values in process.items() if name not in ("drawn", "written")}


@pytest.mark.slow
def test_two_processes_end_with_the_same_weights_and_one_writes(tmp_path: Path) -> None:
    first, second = run(tmp_path / "two", 4, 2)
    assert_same_training(weights_of(first), weights_of(second))
    assert not set(first["drawn"].tolist()) & set(second["drawn"].tolist())
    assert int(first["written"]) == 1 and int(second["written"]) == 0
    assert len((tmp_path / "two" / "vae.log.jsonl").read_text().splitlines()) == 4
    # What is written goes on in one process, whose share of the examples is the first process's.
    (alone,) = run(tmp_path / "two", 6, 1)
    assert alone["drawn"].tolist() == [3 * 1_000_003 + step for step in (4, 5)]
    (other,) = run(tmp_path / "one", 4, 1)
    assert other["drawn"].tolist() == first["drawn"].tolist()
    assert any((other[name] != first[name]).any() for name in first if name.endswith("weight"))


@pytest.mark.slow
def test_the_same_run_twice_gives_the_same_weights(tmp_path: Path) -> None:
    (once,), (again,) = run(tmp_path / "once", 5, 1), run(tmp_path / "again", 5, 1)
    assert once["drawn"].tolist() == again["drawn"].tolist() and once["written"] == again["written"]
    assert_same_training(weights_of(once), weights_of(again))
    assert_same_training(*(load_file(tmp_path / name / "vae.safetensors") for name in ("once", "again")))


def test_gradients_are_averaged_over_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is subtracted is the mean of both processes' gradients; an unused parameter counts as zero."""
    module = torch.nn.ParameterDict({"used": torch.nn.Parameter(torch.ones(2)), "other": torch.ones(3)})
    loop = training_loop.TrainingLoop("toy", module, training_loop.LoopSettings(1, 1e-3), tmp_path, seed=0)
    loop.several = True
    module["used"].grad = torch.tensor([2.0, 4.0])
    elsewhere = torch.tensor([0.0, 0.0, 6.0, 6.0, 6.0])
    order = [p.numel() for p in loop.parameters]
    if order == [3, 2]:
        elsewhere = torch.tensor([6.0, 6.0, 6.0, 0.0, 0.0])
    monkeypatch.setattr(loop.accelerator, "reduce", lambda own, how: (own + elsewhere) / 2)
    loop._share_gradients()
    assert module["used"].grad.tolist() == [1.0, 2.0] and module["other"].grad.tolist() == [3.0, 3.0, 3.0]
