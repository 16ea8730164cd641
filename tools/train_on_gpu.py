#!/usr/bin/env python3
"""Training in a quarter of an hour on a machine with a GPU that has no network and takes small files only.

    python tools/train_on_gpu.py pack --data FOLDER --pool RUN/pool       # on this machine: two files in build/gpu
    python tools/train_on_gpu.py train --minutes 6.5 --out $OUT           # on the GPU machine; --resume FOLDER
    python tools/train_on_gpu.py export --checkpoints FOLDER --run RUN    # on this machine: writes the model folder

docs/TRAINING.md, "A quarter of an hour on a GPU".
"""

from __future__ import annotations

import argparse
import io
import json
import logging
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import numpy as np
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from motionlcm_blender.errors import ModelFolderError, MotionLCMError
from motionlcm_blender.networks.model_folder import bundled_models
from motionlcm_blender.text import minilm_files
from motionlcm_blender.text.tokenizer_file import TOKENIZER
from motionlcm_blender.training.command import STAGES
from motionlcm_blender.training.config import TrainingConfig, load_config
from motionlcm_blender.training.data.feature_pool import INDEX_FILE
from motionlcm_blender.training.data.packed_data import pack_data, unpack_data

logger = logging.getLogger("train_on_gpu")

DATA, ENCODER, LOGS = "data.zip", "encoder.zip", "logs.zip"
CONFIG = ROOT / "motionlcm_blender" / "training" / "configs" / "gpu.toml"
EMBEDDINGS = "embeddings.word_embeddings.weight"
UNKNOWN = 100
"""Number of [UNK] in MiniLM's vocabulary."""
COPY_SECONDS = 60.0
"""Seconds between two copies of checkpoints."""
BENCH_SECONDS = 90.0
"""Seconds after which `motionlcm bench` is stopped."""
SMALL = 16 * 2**20
"""Bytes: the largest file that leaves the machine."""


# On this machine, before


def pack(data: Path, pool: Path, folder: Path) -> None:
    """Write the data and the text encoder as two small files.

    Args:
        data: Folder of training data.
        pool: A pool made of this data; its captions decide which rows of the encoder's table are kept.
        folder: Where to write.
    """
    folder.mkdir(parents=True, exist_ok=True)
    size = pack_data(data, folder / DATA)
    captions = {c for listed in json.loads((pool / INDEX_FILE).read_text("utf-8"))["captions"] for c in listed}
    with tempfile.TemporaryDirectory() as made:
        encoder = minilm_files.write_eight_bits(Path(made) / "encoder")
        keep_words(encoder, tokens_of(captions))
        with zipfile.ZipFile(folder / ENCODER, "w", zipfile.ZIP_BZIP2, compresslevel=9) as packed:
            for file in sorted(encoder.iterdir()):
                packed.write(file, file.name)
    logger.info("%s %.1f MB, %s %.1f MB", DATA, size / 1e6, ENCODER, (folder / ENCODER).stat().st_size / 1e6)


def tokens_of(captions: Iterable[str]) -> set[int]:
    """Numbers of the tokens that the text encoder reads of captions."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(minilm_files.minilm_folder() / TOKENIZER))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return {number for encoded in tokenizer.encode_batch(sorted(captions)) for number in encoded.ids}


def keep_words(encoder: Path, tokens: Iterable[int]) -> None:
    """Replace the rows of all other tokens by that of [UNK], so that they take no place when compressed."""
    weights = load_file(encoder / minilm_files.WEIGHTS)
    others = np.ones(len(weights[EMBEDDINGS]), bool)
    others[list(tokens)] = False
    for name, values in weights.items():
        if name.startswith(EMBEDDINGS):
            values[others] = values[UNKNOWN]
    save_file(weights, encoder / minilm_files.WEIGHTS)


# On the GPU machine


def unpack(archive: Path, data: Path, encoder: Path) -> None:
    """Unpack the packed data, and the text encoder where none is installed."""
    if not (data / "splits.json").exists():
        unpack_data(archive / DATA, data)
    try:
        minilm_files.minilm_folder()
    except ModelFolderError:
        with zipfile.ZipFile(archive / ENCODER) as packed:
            packed.extractall(encoder)


class CheckpointCopier:
    """Copies checkpoints, in float16, and logs of a run to a folder every `COPY_SECONDS`, in a thread."""

    def __init__(self, run: Path, folder: Path) -> None:
        self.run, self.folder = run, folder
        self._seen: dict[str, float] = {}
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._repeat, daemon=True)

    def __enter__(self) -> CheckpointCopier:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()
        self.copy()

    def _repeat(self) -> None:
        while not self._done.wait(COPY_SECONDS):
            try:
                self.copy()
            except OSError as error:
                logger.warning("The checkpoints were not copied this time: %s", error)

    def copy(self) -> None:
        """Copy what has changed."""
        for stage in STAGES:
            file = self.run / f"{stage}.safetensors"
            if file.exists() and self._seen.get(stage) != file.stat().st_mtime:
                self._seen[stage] = file.stat().st_mtime
                with safe_open(file, "numpy") as opened:
                    made = opened.metadata()
                half = {name: values.astype(np.float16) for name, values in load_file(file).items()}
                written = self.folder / file.name
                save_file(half, written.with_suffix(".unfinished"), made)
                written.with_suffix(".unfinished").replace(written)
                if written.stat().st_size > SMALL:
                    logger.warning("%s is too large to leave the machine", file.name)
        logs = io.BytesIO()
        with zipfile.ZipFile(logs, "w", zipfile.ZIP_DEFLATED) as packed:
            for file in [*self.run.glob("*.jsonl"), *self.run.glob("normalisation.npz"), *self.run.glob("bench*")]:
                packed.write(file, file.name)
        (self.folder / LOGS).write_bytes(logs.getvalue())


def restore_run(folder: Path, run: Path) -> None:
    """Copy checkpoints and logs of an earlier call into a run folder that lacks them."""
    run.mkdir(parents=True, exist_ok=True)
    for file in folder.glob("*.safetensors"):
        if not (run / file.name).exists():
            shutil.copy(file, run)
    with zipfile.ZipFile(folder / LOGS) as packed:
        for name in packed.namelist():
            if not (run / name).exists():
                packed.extract(name, run)


def train(options: argparse.Namespace) -> int:
    """Run the stages until they are finished or the time is up. Returns 0 if they are finished, 3 if not."""
    started, run = time.monotonic(), options.run
    if options.resume:
        restore_run(options.resume, run)
    data = run / "data"
    unpack(options.packed, data, bundled_models() / minilm_files.NAME)
    config = load_config(options.config)
    if options.smoke:
        config = for_a_smoke_run(config)
        only_some_clips(data, options.smoke)
    from motionlcm_blender.training.stages.run import Run

    # The pools are made by forked processes, before anything of the GPU is there to be inherited.
    pools = Run.open(config, run, data, "cpu")
    report("unpacked", started)
    _ = pools.clip_pool, pools.train_pool
    report("pools made", started)
    with CheckpointCopier(run, options.out) as copier:
        minutes = options.minutes - (time.monotonic() - started) / 60
        training = Run.open(config, run, data, options.device, minutes, options.start)
        finished = all(_timed(training, stage, started, copier) for stage in options.stage or STAGES)
        if options.bench:
            bench(run, options.device)
            report("measured", started)
    return 0 if finished else 3


def _timed(training: Any, stage: str, started: float, copier: CheckpointCopier) -> bool:
    finished: bool = training.stage(stage)
    report(f"stage {stage} {'finished' if finished else 'ran out of time'}", started)
    copier.copy()
    return finished


def report(what: str, started: float) -> None:
    """Log what is done, and the seconds since the start."""
    logger.info("[%.0f s] %s", time.monotonic() - started, what)


def bench(run: Path, device: str) -> None:
    """`motionlcm bench` of the exported model, or of the bundled one, on the device; the report goes to bench.txt."""
    command = [sys.executable, "-m", "motionlcm_blender", "bench", "--device", device, "--repeats", "10"]
    command += ["--json", str(run / "bench.json")]
    if (run / "model" / "config.json").exists():
        command += ["--model", str(run / "model")]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=BENCH_SECONDS, check=False)
        shown = done.stdout + done.stderr
    except subprocess.TimeoutExpired:
        shown = f"motionlcm bench took more than {BENCH_SECONDS:.0f} seconds."
    (run / "bench.txt").write_text(shown, "utf-8")
    print(shown)


# For a smoke run on a CPU


def for_a_smoke_run(config: TrainingConfig) -> TrainingConfig:
    """The same with a few steps of small batches."""
    few = {"trajectories": 8, "trajectory_chunk": 8}
    control = replace(config.control, encoder_steps=2, teacher_steps=2, steps=2, frames_per_batch=800, **few)
    return replace(
        config,
        pool_shards=2,
        pool_synthesized=0.01,
        vae=replace(config.vae, frames_per_batch=800),
        teacher=replace(config.teacher, steps=2, batch=8),
        student=replace(config.student, steps=2, batch=8, **few),
        control=control,
    )


def only_some_clips(data: Path, count: int) -> None:
    """Leave `count` clips in a folder of training data, evenly chosen."""
    with np.load(data / "joints.npz") as stored:
        names = stored.files[:: max(1, len(stored.files) // count)]
        kept = {name: stored[name] for name in names}
    np.savez(data / "joints.npz", **kept)


def export(options: argparse.Namespace) -> int:
    """Write the model folder from checkpoints of the GPU machine."""
    from motionlcm_blender.training.export import export_model

    restore_run(options.checkpoints, options.run)
    export_model(options.run, load_config(options.config), options.run / "model")
    logger.info("%s", options.run / "model")
    return 0


def make_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    packing = commands.add_parser("pack", help="write the files that the GPU machine needs")
    packing.add_argument("--data", type=Path, required=True, help="folder of training data")
    packing.add_argument("--pool", type=Path, required=True, help="a pool of this data, as a run holds it")
    packing.add_argument("--out", type=Path, default=ROOT / "build" / "gpu")
    training = commands.add_parser("train", help="train with the packed files")
    training.add_argument("--packed", type=Path, default=ROOT / "build" / "gpu")
    training.add_argument("--run", type=Path, default=ROOT / "runs" / "gpu")
    training.add_argument("--config", type=Path, default=CONFIG)
    training.add_argument("--start", type=Path, help="begin from this model folder")
    training.add_argument(
        "--stage", choices=STAGES, action="append", help="only this stage; may be given more than once"
    )
    training.add_argument("--minutes", type=float, default=6.5, help="in all, without `bench`")
    training.add_argument("--device", default="cuda")
    training.add_argument("--resume", type=Path, help="checkpoints of an earlier call to continue from")
    training.add_argument("--out", type=Path, required=True, help="folder for checkpoints and logs")
    training.add_argument("--bench", action="store_true", help="then measure the speed of the model")
    training.add_argument("--smoke", type=int, metavar="CLIPS", help="so many clips, two steps a stage: does it run?")
    exporting = commands.add_parser("export", help="write the model folder from checkpoints")
    exporting.add_argument("--checkpoints", type=Path, required=True, help="--out of the training")
    exporting.add_argument("--run", type=Path, required=True)
    exporting.add_argument("--config", type=Path, default=CONFIG)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s  %(message)s", datefmt="%H:%M:%S", stream=sys.stdout)
    options = make_parser().parse_args(arguments)
    try:
        if options.command == "pack":
            pack(options.data, options.pool, options.out)
            return 0
        return train(options) if options.command == "train" else export(options)
    except MotionLCMError as error:
        logger.error("%s", error)
        return 1


if __name__ == "__main__":
    sys.exit(main())
