"""The stages in order, each resumable: pool, vae, teacher, student, path_encoder, control, export."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from filelock import FileLock, Timeout
from torch import Tensor, nn

from ..architecture import Architecture
from ..errors import TrainingDataError
from ..model.controlnet import ControlNet, TrajectoryEncoder
from ..model.denoiser import Denoiser
from ..model.vae import MotionVAE
from ..model_folder import ModelFolder
from ..portable.text_encoder import PortableMiniLM
from ..text.minilm_files import minilm_folder
from .captions import CaptionTokens
from .config import TrainingConfig
from .control_stage import ControlLosses, ControlModel, PathBatches, PathEncoderLosses
from .latent_stages import LatentBatches, StudentLosses, TeacherLosses
from .loop import LoopSettings, TrainingLoop, accelerator_for, load_weights
from .motion_data import load_motion_data
from .pool import Normalisation, Pool, build_pool, normalisation_of
from .precision import Precision, choose_device
from .trajectories import teacher_trajectories
from .vae_stage import Drawer, VaeLosses, encode_pool

logger = logging.getLogger(__name__)


@dataclass
class Run:
    """A run folder and what its stages share."""

    config: TrainingConfig
    folder: Path
    data: Path | None
    device: torch.device
    precision: Precision
    deadline: float | None = None
    start: ModelFolder | None = None

    @classmethod
    def open(
        cls,
        config: TrainingConfig,
        folder: Path,
        data: Path | None,
        device: str = "auto",
        minutes: float | None = None,
        start: Path | None = None,
    ) -> Run:
        """data may be None once the pools are made. minutes: stop, ready to go on, after that long.

        start: a model folder of the same sizes whose weights and normalisation to begin from, instead of noise; its
        denoiser may say the noise where ours says the velocity, which the teacher soon learns, and its latent may be
        narrower (`widened`).
        Raises TrainingDataError if its sizes are others, ModelFolderError if it cannot be read.
        """
        folder.mkdir(parents=True, exist_ok=True)
        where = choose_device(device)
        processes = accelerator_for(where)  # several processes: each on the device it is given
        if processes.num_processes > 1:
            where = processes.device
        precision = Precision(where, config.precision)
        logger.info("training on %s in %s", where, precision.name)
        first = None if start is None else ModelFolder.open(start)
        if first is not None and not _may_begin_from(first.architecture, config.architecture):
            raise TrainingDataError(f"The model {first.name} has other sizes than the configuration asks for.")
        deadline = None if minutes is None else time.monotonic() + 60 * minutes
        return cls(config, folder, data, where, precision, deadline, first)

    def begin_from(self, prefix: str, module: nn.Module) -> None:
        """Load the weights of `start` under a prefix, where there is one."""
        if self.start is None:
            return
        weights = {
            n.removeprefix(prefix): torch.from_numpy(w) for n, w in self._start_weights.items() if n.startswith(prefix)
        }
        wanted = module.state_dict()
        module.load_state_dict({n: widened(w, wanted[n]) for n, w in weights.items() if n in wanted})

    @cached_property
    def _start_weights(self) -> dict[str, np.ndarray]:
        assert self.start is not None
        return self.start.weights()

    def pool(self, test: bool = False) -> Pool:
        """The pool, made on first use."""
        path = self.folder / f"pool_{'test' if test else 'train'}.npz"
        if not path.exists():
            if self.data is None:
                raise TrainingDataError("This run has no pool yet: name the folder of the training data with --data.")
            build_pool(load_motion_data(self.data), test, self.config.pool_seed).save(path)
        return Pool.load(path)

    @cached_property
    def train_pool(self) -> Pool:
        return self.pool()

    @cached_property
    def normalisation(self) -> Normalisation:
        path = self.folder / "normalisation.npz"
        if not path.exists():
            # Weights to begin from only make sense with the normalisation they were trained with.
            known = None if self.start is None else Normalisation(**self.start.normalisation())
            values = known or normalisation_of(self.train_pool.captioned())
            np.savez(path, **values.as_dict())
            return values
        with np.load(path, allow_pickle=False) as file:
            return Normalisation(**{name: file[name] for name in file.files})

    def loop(
        self, name: str, module: torch.nn.Module, steps: int, rate: float, ema: float, matrix_rate: float = 0.0
    ) -> TrainingLoop:
        """A loop in this run's folder; long runs warm up for 50 steps, short ones for a tenth."""
        warmup = max(1, min(50, steps // 10))
        settings = LoopSettings(steps, rate, warmup=warmup, ema=ema, matrix_rate=matrix_rate)
        return TrainingLoop(name, module.to(self.device), settings, self.folder, self.config.seed)

    def train_vae(self) -> bool:
        """Returns whether it is finished."""
        s = self.config.vae
        torch.manual_seed(self.config.seed)
        vae = MotionVAE(self.config.architecture)
        vae.query_pos_encoder.start_as_sinusoids(0.5)
        vae.query_pos_decoder.start_as_sinusoids(0.5)
        self.begin_from("vae.", vae)
        loop = self.loop("vae", vae, s.steps, s.learning_rate, s.ema, s.matrix_rate)
        drawer = Drawer(self.train_pool, self.normalisation, s.travel_share, s.whole_share)
        return loop.run(VaeLosses(vae, drawer, s, self.precision, self.device), self.deadline)

    @cached_property
    def vae(self) -> MotionVAE:
        """The trained VAE, frozen."""
        vae = MotionVAE(self.config.architecture)
        load_weights(self.folder / "vae.safetensors", vae)
        return vae.to(self.device).eval().requires_grad_(False)

    def is_newer(self, path: Path, *made_of: str) -> bool:
        """Whether a file is there, and made after those of the run folder that it was made of."""
        sources = [self.folder / name for name in made_of]
        newest = max((file.stat().st_mtime for file in sources if file.exists()), default=0.0)
        return path.exists() and path.stat().st_mtime >= newest

    @cached_property
    def latents(self) -> tuple[np.ndarray, np.ndarray]:
        """Means and stds of the pool's latents, encoded once for a VAE and a pool."""
        path = self.folder / "latents.npz"
        if not self.is_newer(path, "vae.safetensors", "pool_train.npz"):
            means, stds = encode_pool(self.vae, self.train_pool.captioned(), self.normalisation, self.device)
            np.savez(path, means=means, stds=stds)
        with np.load(path, allow_pickle=False) as file:
            return file["means"], file["stds"]

    @cached_property
    def captions(self) -> CaptionTokens:
        """Every caption's text tokens, encoded once."""
        captions = {c for said in self.train_pool.captions for c in said}
        encoder = PortableMiniLM(minilm_folder())
        return CaptionTokens(captions, encoder, self.folder / "captions.npz", self.config.max_states)

    def batches(self, travel_share: float) -> LatentBatches:
        pool = self.train_pool.captioned()
        drawer = Drawer(pool, self.normalisation, travel_share)
        return LatentBatches(pool, drawer, self.latents, self.captions, self.device)

    def denoiser(self, student: bool) -> Denoiser:
        """A new denoiser on this run's device."""
        torch.manual_seed(self.config.seed)
        denoiser = Denoiser(replace(self.config.architecture, student=student)).to(self.device)
        denoiser.query_pos.start_as_sinusoids(0.2)
        return denoiser

    def trained(self, name: str, student: bool) -> Denoiser:
        """The averaged weights of a finished stage, "teacher" or "student"."""
        denoiser = self.denoiser(student)
        load_weights(self.folder / f"{name}.safetensors", denoiser)
        return denoiser.eval()

    def train_teacher(self) -> bool:
        s = self.config.teacher
        teacher = self.denoiser(student=False)
        self.begin_from("denoiser.", teacher)
        loop = self.loop("teacher", teacher, s.steps, s.learning_rate, s.ema, s.matrix_rate)
        return loop.run(TeacherLosses(teacher, self.batches(s.travel_share), s, self.precision), self.deadline)

    def train_student(self) -> bool:
        s = self.config.student
        student = self.denoiser(student=True)
        if self.start is None or self.start.architecture.velocity != self.config.architecture.velocity:
            student.load_state_dict(self.trained("teacher", student=False).state_dict(), strict=False)
            nn.init.zeros_(student.time_embedding.cond_proj.weight)
        else:
            self.begin_from("denoiser.", student)
        loop = self.loop("student", student, s.steps, s.learning_rate, s.ema, s.matrix_rate)
        teacher, batches = self.trained("teacher", student=False), self.batches(s.travel_share)
        shown = None
        if s.trajectories:
            file = self.folder / "trajectories.npz"
            with accelerator_for(self.device).main_process_first():
                if not self.is_newer(file, "teacher.safetensors", "latents.npz"):
                    file.unlink(missing_ok=True)
                shown = teacher_trajectories(teacher, batches, s, self.config.seed, self.precision, file)
        losses = StudentLosses(student, teacher, batches, s, self.precision, shown)
        return loop.run(losses, self.deadline, losses.update_target)

    def path_batches(self) -> PathBatches:
        s = self.config.control
        return PathBatches(self.batches(s.travel_share), self.normalisation, s)

    def train_path_encoder(self) -> bool:
        s = self.config.control
        torch.manual_seed(self.config.seed)
        encoder = TrajectoryEncoder(self.config.architecture)
        encoder.query_pos_encoder.start_as_sinusoids(0.5)
        self.begin_from("traj_encoder.", encoder)
        loop = self.loop("path_encoder", encoder, s.encoder_steps, s.encoder_rate, s.ema, s.encoder_matrix_rate)
        return loop.run(PathEncoderLosses(encoder, self.vae, self.path_batches(), self.precision), self.deadline)

    def train_control(self) -> bool:
        s = self.config.control
        student = self.trained("student", student=True)
        encoder = TrajectoryEncoder(self.config.architecture)
        load_weights(self.folder / "path_encoder.safetensors", encoder)
        torch.manual_seed(self.config.seed)
        model = ControlModel(ControlNet(self.config.architecture), encoder)
        model.start_from(student)
        self.begin_from("controlnet.", model.controlnet)
        loop = self.loop("control", model, s.steps, s.learning_rate, s.ema, s.matrix_rate)
        losses = ControlLosses(model, student, self.vae, self.path_batches(), s, self.precision)
        return loop.run(losses, self.deadline)

    def stage(self, name: str) -> bool:
        """Run one stage; returns whether it is finished (False: the time is up, run again to go on)."""
        if name == "export":
            from .export import export_model
            from .vocabulary import write_vocabulary

            if accelerator_for(self.device).is_main_process:
                export_model(self.folder, self.config, self.folder / "model")
                if self.data is not None:
                    write_vocabulary(self.data, self.folder / "model")
            return True
        with single_writer(self.folder) if accelerator_for(self.device).is_main_process else nullcontext():
            self.prepare(name)
            finished: bool = getattr(self, f"train_{name}")()
        return finished

    def prepare(self, name: str) -> None:
        """Make what the stage reads beside weights, in the first process while the others wait."""
        with accelerator_for(self.device).main_process_first():
            _ = self.normalisation
            if name != "vae":
                _ = self.latents, self.captions


def _may_begin_from(first: Architecture, wanted: Architecture) -> bool:
    same = replace(first, velocity=wanted.velocity, latent_width=wanted.latent_width)
    return same == wanted and first.latent_width <= wanted.latent_width


def widened(weights: Tensor, fresh: Tensor) -> Tensor:
    """Weights of a model with a narrower latent as a beginning for one with a wider latent.

    fresh: the new module's initial values, of at least the size of weights. Rows that make new channels start as they
    are there; columns that read them start at a tenth, so that what is known already is hardly disturbed.
    """
    if weights.shape == fresh.shape:
        return weights
    joined = fresh.detach().to(weights.dtype) * (1.0 if len(fresh) > len(weights) else 0.1)
    joined[tuple(slice(0, size) for size in weights.shape)] = weights
    return joined


@contextmanager
def single_writer(folder: Path) -> Iterator[None]:
    """Keep a second training run out of the folder. Raises TrainingDataError if one is there."""
    try:
        with FileLock(folder / ".lock", timeout=0):
            yield
    except Timeout:
        raise TrainingDataError(f"Another training run is using {folder}.") from None
