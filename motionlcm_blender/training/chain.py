"""The stages in order, each resumable: pool, vae, teacher, student, path_encoder, control, export."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch

from ..model.vae import MotionVAE
from .config import TrainingConfig
from .loop import LoopSettings, TrainingLoop, load_weights
from .motion_data import load_motion_data
from .pool import Normalisation, Pool, build_pool, normalisation_of
from .precision import Precision, choose_device
from .vae_stage import Drawer, VaeLosses, encode_pool

logger = logging.getLogger(__name__)

STAGES = ("vae", "teacher", "student", "path_encoder", "control", "export")


@dataclass
class Run:
    """A run folder and what its stages share."""

    config: TrainingConfig
    folder: Path
    data: Path | None
    device: torch.device
    precision: Precision
    deadline: float | None = None

    @classmethod
    def open(
        cls, config: TrainingConfig, folder: Path, data: Path | None, device: str = "auto", minutes: float | None = None
    ) -> Run:
        """data may be None once the pools are made. minutes: stop, ready to go on, after that long."""
        folder.mkdir(parents=True, exist_ok=True)
        where = choose_device(device)
        precision = Precision(where, config.precision)
        logger.info("training on %s in %s", where, precision.name)
        return cls(config, folder, data, where, precision, None if minutes is None else time.monotonic() + 60 * minutes)

    def pool(self, test: bool = False) -> Pool:
        """The pool, made on first use."""
        path = self.folder / f"pool_{'test' if test else 'train'}.npz"
        if not path.exists():
            if self.data is None:
                raise FileNotFoundError("This run has no pool yet: name the folder of the training data.")
            build_pool(load_motion_data(self.data), test, self.config.pool_seed).save(path)
        return Pool.load(path)

    @cached_property
    def train_pool(self) -> Pool:
        return self.pool()

    @cached_property
    def normalisation(self) -> Normalisation:
        path = self.folder / "normalisation.npz"
        if not path.exists():
            values = normalisation_of(self.train_pool)
            np.savez(path, **values.as_dict())
            return values
        with np.load(path, allow_pickle=False) as file:
            return Normalisation(**{name: file[name] for name in file.files})

    def loop(self, name: str, module: torch.nn.Module, steps: int, rate: float, ema: float) -> TrainingLoop:
        """A loop in this run's folder; long runs warm up for 100 steps, short ones for a tenth."""
        settings = LoopSettings(steps, rate, warmup=max(1, min(100, steps // 10)), ema=ema)
        return TrainingLoop(name, module.to(self.device), settings, self.folder, self.config.seed)

    def train_vae(self) -> bool:
        """Returns whether it is finished."""
        s = self.config.vae
        torch.manual_seed(self.config.seed)
        vae = MotionVAE(self.config.architecture)
        vae.query_pos_encoder.start_as_sinusoids(0.5)
        vae.query_pos_decoder.start_as_sinusoids(0.5)
        loop = self.loop("vae", vae, s.steps, s.learning_rate, s.ema)
        drawer = Drawer(self.train_pool, self.normalisation, s.travel_share)
        return loop.run(VaeLosses(vae, drawer, s, self.precision, self.device), self.deadline)

    @cached_property
    def vae(self) -> MotionVAE:
        """The trained VAE, frozen."""
        vae = MotionVAE(self.config.architecture)
        load_weights(self.folder / "vae.safetensors", vae)
        return vae.to(self.device).eval().requires_grad_(False)

    @cached_property
    def latents(self) -> tuple[np.ndarray, np.ndarray]:
        """Means and stds of the pool's latents, encoded once."""
        path = self.folder / "latents.npz"
        if not path.exists():
            means, stds = encode_pool(self.vae, self.train_pool, self.normalisation, self.device)
            np.savez(path, means=means, stds=stds)
        with np.load(path, allow_pickle=False) as file:
            return file["means"], file["stds"]
