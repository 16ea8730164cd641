"""The stages in order, each resumable: pool, vae, teacher, student, path_encoder, control_teacher, control, export."""

from __future__ import annotations

import logging
import time
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import nn

from ...array_types import FloatArray
from ...errors import TrainingDataError
from ...motion.skeleton import MAX_FRAMES
from ...networks.model_folder import ModelFolder
from ...networks.torch_impl.controlnet import ControlNet, TrajectoryEncoder
from ...networks.torch_impl.denoiser import Denoiser
from ...networks.torch_impl.lapped_vae import LappedVAE, vae_of
from ...networks.torch_impl.vae import MotionVAE
from ...text.minilm_files import minilm_folder
from ...text.torch_encoders import MiniLM
from ..config import TrainingConfig
from ..data.captions import CaptionTokens
from ..data.clip_pool import ClipPool, build_clip_pool, mirror_features
from ..data.feature_pool import INDEX_FILE
from ..data.motion_data import MotionData, load_motion_data
from ..data.normalisation import Normalisation, normalisation_of
from ..data.pool import Pool, build_pool
from ..evaluation.evaluation_prompts import evaluation_prompts
from ..growth import grown_weights, may_grow, same_latents
from ..loop import LoopSettings, TrainingLoop, accelerator_for, load_weights, single_writer
from ..precision import Precision, choose_device
from .control_batches import ControlBatches
from .control_stage import (
    ControlledSource,
    ControlledTeacher,
    ControlLosses,
    ControlModel,
    ControlTeacherLosses,
    PathEncoderLosses,
    PhasedControlLosses,
)
from .distillation_stages import StudentLosses, TeacherLosses, zero_student_inputs
from .lapped_stage import LinearPart, RefinerLosses, start_from_components, turn_to_principal_axes
from .latent_batches import Drawer, LatentBatches
from .phased_stage import PhasedLosses
from .teacher_trajectories import TeacherNetwork, Trajectories, TrajectorySource, teacher_trajectories
from .vae_stage import VaeLosses, WindowBatches, encode_pool

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
        """Prepare a run; data may be None once the pools are made. minutes: stop after this time, ready to continue.

        start: a model folder whose weights and normalisation to begin from, instead of noise. Its sizes are the same or
        smaller (`growth`); its denoiser may predict the noise where ours predicts the velocity, which the teacher soon
        learns.
        Raises TrainingDataError if its sizes do not fit, ModelFolderError if it cannot be read.
        """
        folder.mkdir(parents=True, exist_ok=True)
        where = choose_device(device)
        processes = accelerator_for(where)  # several processes: each on the device it is given
        if processes.num_processes > 1:
            where = processes.device
        precision = Precision(where, config.precision)
        logger.info("training on %s in %s", where, precision.name)
        first = None if start is None else ModelFolder.open(start)
        if first is not None and not may_grow(first.architecture, config.architecture):
            raise TrainingDataError(f"The model {first.name} has other sizes than the configuration.")
        deadline = None if minutes is None else time.monotonic() + 60 * minutes
        return cls(config, folder, data, where, precision, deadline, first)

    def begin_from(self, prefix: str, module: nn.Module) -> None:
        """Load the weights of `start` under a prefix, where there is one."""
        if self.start is None:
            return
        weights = {
            n.removeprefix(prefix): torch.from_numpy(w) for n, w in self._start_weights.items() if n.startswith(prefix)
        }
        first, wanted = self.start.architecture, self.config.architecture
        if prefix == "vae." and not same_latents(first, wanted):
            return
        module.load_state_dict(grown_weights(weights, module.state_dict(), first, wanted))

    @cached_property
    def _start_weights(self) -> dict[str, FloatArray]:
        assert self.start is not None
        return self.start.weights()

    @cached_property
    def train_pool(self) -> Pool:
        """The captioned examples, made on first use."""
        folder = self.folder / "pool"
        if not (folder / INDEX_FILE).exists():
            c, held_back = self.config, evaluation_prompts()
            build_pool(self._read_data(), c.pool_seed, held_back, c.pool_shards, c.pool_synthesized).save(folder)
        return Pool.load(folder)

    @cached_property
    def clip_pool(self) -> ClipPool:
        """Whole clips for the VAE, made on first use."""
        folder = self.folder / "clips"
        if not (folder / INDEX_FILE).exists():
            build_clip_pool(self._read_data(), self.config.pool_seed, self.config.pool_shards).save(folder)
        return ClipPool.load(folder)

    def _read_data(self) -> MotionData:
        if self.data is None:
            raise TrainingDataError("This run has no pool yet: name the folder of the training data with --data.")
        return load_motion_data(self.data)

    @cached_property
    def normalisation(self) -> Normalisation:
        """The normalisation of this run, computed once."""
        path = self.folder / "normalisation.npz"
        if not path.exists():
            # Weights to begin from only make sense with the normalisation they were trained with.
            values = self._measured_normalisation()
            if self.start is not None:
                values = values.beginning_with(Normalisation(**self.start.normalisation()))
            np.savez(path, **values.as_dict())
        with np.load(path, allow_pickle=False) as file:
            return Normalisation(**{name: file[name] for name in file.files})

    def _measured_normalisation(self) -> Normalisation:
        pool, generator = self.clip_pool, np.random.default_rng(self.config.pool_seed)
        frames = np.sort(generator.choice(len(pool.features), min(len(pool.features), 200_000), replace=False))
        rows = generator.permutation(len(pool))[:1500]
        # Every second one mirrored, so that left and right have the same statistics.
        features = pool.features[frames].astype(np.float32)
        features[::2] = mirror_features(features[::2])
        motions = [pool.example(int(row))[:MAX_FRAMES] for row in rows]
        motions = [mirror_features(motion) if k % 2 else motion for k, motion in enumerate(motions)]
        return normalisation_of(features[:, : self.config.architecture.features], motions)

    def loop(
        self,
        name: str,
        module: torch.nn.Module,
        steps: int,
        rate: float,
        ema: float,
        matrix_rate: float = 0.0,
        seconds: float = 0.0,
    ) -> TrainingLoop:
        """A loop in this run's folder; long runs warm up for 50 steps, short ones for a tenth."""
        warmup = max(1, min(50, steps // 10))
        every = self.config.checkpoint_seconds
        settings = LoopSettings(
            steps, rate, warmup, ema, checkpoint_seconds=every, matrix_rate=matrix_rate, seconds=seconds
        )
        return TrainingLoop(name, module.to(self.device), settings, self.folder, self.config.seed)

    def train_vae(self) -> bool:
        """Returns whether it is finished."""
        if self.config.architecture.lapped_frames:
            return self._train_lapped_vae()
        s = self.config.vae
        torch.manual_seed(self.config.seed)
        vae = MotionVAE(self.config.architecture)
        vae.query_pos_encoder.start_as_sinusoids(0.5)
        vae.query_pos_decoder.start_as_sinusoids(0.5)
        self.begin_from("vae.", vae)
        loop = self.loop("vae", vae, s.steps, s.learning_rate, s.ema, s.matrix_rate, s.seconds)
        batches = WindowBatches(self.clip_pool, self.normalisation, self.config.architecture.frames_per_token)
        return loop.run(VaeLosses(vae, batches, s, self.precision, self.device), self.deadline)

    def _train_lapped_vae(self) -> bool:
        """Fit the lapped transform, then train the refiner, which leaves the latents as they are."""
        s = replace(self.config.vae, kl_weight=0.0, spread_weight=0.0)
        torch.manual_seed(self.config.seed)
        vae = LappedVAE(self.config.architecture)
        vae.query_pos_decoder.start_as_sinusoids(0.5)
        batches = WindowBatches(self.clip_pool, self.normalisation, self.config.architecture.frames_per_token)
        first = self.start
        if first is not None and same_latents(first.architecture, self.config.architecture):
            self.begin_from("vae.", vae)
        else:
            linear = LinearPart(vae)
            start_from_components(vae, self.clip_pool, self.normalisation, self.config.seed)
            loop = self.loop("lapped", linear, s.lapped_steps, s.lapped_rate, s.ema, seconds=s.lapped_seconds)
            if not loop.run(VaeLosses(linear, batches, s, self.precision, self.device), self.deadline):
                return False
            load_weights(loop.weights_file, linear)
            turn_to_principal_axes(vae, batches, self.config.seed)
        vae.analysis.requires_grad_(False)
        loop = self.loop("vae", vae, s.steps, s.learning_rate, s.ema, s.matrix_rate, s.seconds)
        return loop.run(RefinerLosses(vae, batches, s, self.precision, self.device), self.deadline)

    @cached_property
    def vae(self) -> MotionVAE | LappedVAE:
        """The trained VAE, frozen."""
        vae = vae_of(self.config.architecture)
        load_weights(self.folder / "vae.safetensors", vae)
        return vae.to(self.device).eval().requires_grad_(False)

    def is_newer(self, path: Path, *made_of: str) -> bool:
        """Whether a file is there, and made after those of the run folder that it was made of."""
        sources = [self.folder / name for name in made_of]
        newest = max((file.stat().st_mtime for file in sources if file.exists()), default=0.0)
        return path.exists() and path.stat().st_mtime >= newest

    @cached_property
    def latents(self) -> tuple[FloatArray, FloatArray]:
        """Means and stds of the pool's latents, encoded once for a VAE and a pool."""
        path = self.folder / "latents.npz"
        if not self.is_newer(path, "vae.safetensors", f"pool/{INDEX_FILE}"):
            means, stds = encode_pool(self.vae, self.train_pool, self.normalisation, self.device)
            np.savez(path, means=means, stds=stds)
        with np.load(path, allow_pickle=False) as file:
            return file["means"], file["stds"]

    @cached_property
    def captions(self) -> CaptionTokens:
        """Every caption's text tokens, encoded once."""
        captions = {c for listed in self.train_pool.captions for c in listed}
        encoder = MiniLM(minilm_folder(), str(self.device))
        return CaptionTokens(captions, encoder, self.folder / "captions.npz", self.config.max_states, self.device)

    def batches(self) -> LatentBatches:
        """Batches of latents with captions."""
        return LatentBatches(self.train_pool, Drawer(self.train_pool), self.latents, self.captions, self.device)

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
        """Train the teacher; returns whether it is finished."""
        s = self.config.teacher
        teacher = self.denoiser(student=False)
        self.begin_from("denoiser.", teacher)
        loop = self.loop("teacher", teacher, s.steps, s.learning_rate, s.ema, s.matrix_rate, s.seconds)
        return loop.run(TeacherLosses(teacher, self.batches(), s, self.precision), self.deadline)

    def train_student(self) -> bool:
        """Train the student; returns whether it is finished."""
        s = self.config.student
        student, phased = self.denoiser(student=True), self.config.architecture.phased
        if self._start_is_a_student:
            self.begin_from("denoiser.", student)
        else:
            student.load_state_dict(self.trained("teacher", student=False).state_dict(), strict=False)
            zero_student_inputs(student)
        loop = self.loop("student", student, s.steps, s.learning_rate, s.ema, s.matrix_rate, s.seconds)
        if loop.finished:
            return True
        teacher, batches = self.trained("teacher", student=False), self.batches()
        shown = None
        if s.trajectories:
            source = TrajectorySource(TeacherNetwork(teacher), batches, s, self.precision, phased)
            shown = self.trajectories(source, "trajectories.npz", "teacher.safetensors")
        if phased:
            if shown is None:
                raise TrainingDataError("A phased student needs trajectories of its teacher.")
            phases = PhasedLosses(student, teacher, batches, s, self.precision, shown)
            return loop.run(phases, self.deadline)
        losses = StudentLosses(student, teacher, batches, s, self.precision, shown)
        return loop.run(losses, self.deadline, losses.update_target)

    @property
    def _start_is_a_student(self) -> bool:
        """Whether the student may begin from the model of `start`: it predicts the same of the same latents."""
        if self.start is None:
            return False
        first, wanted = self.start.architecture, self.config.architecture
        return first.velocity == wanted.velocity and first.phased == wanted.phased and same_latents(first, wanted)

    def trajectories(self, source: TrajectorySource, name: str, *made_of: str) -> Trajectories:
        """Trajectories of a file in the run folder, made again where what they are made of has changed."""
        file = self.folder / name
        with accelerator_for(self.device).main_process_first():
            if not self.is_newer(file, "latents.npz", *made_of):
                file.unlink(missing_ok=True)
            return teacher_trajectories(source, self.config.seed, file)

    def control_batches(self) -> ControlBatches:
        """Batches with hints for a ControlNet."""
        return ControlBatches(self.batches(), self.normalisation, self.config.control)

    def train_path_encoder(self) -> bool:
        """Train the path encoder; returns whether it is finished."""
        s = self.config.control
        torch.manual_seed(self.config.seed)
        encoder = TrajectoryEncoder(self.config.architecture)
        encoder.query_pos_encoder.start_as_sinusoids(0.5)
        self.begin_from("traj_encoder.", encoder)
        loop = self.loop(
            "path_encoder", encoder, s.encoder_steps, s.encoder_rate, s.ema, s.encoder_matrix_rate, s.encoder_seconds
        )
        return loop.run(PathEncoderLosses(encoder, self.vae, self.control_batches(), self.precision), self.deadline)

    def control_model(self, student: bool) -> ControlModel:
        """An untrained ControlNet for the teacher or the student, with a trajectory encoder."""
        torch.manual_seed(self.config.seed)
        architecture = replace(self.config.architecture, student=student)
        return ControlModel(ControlNet(architecture), TrajectoryEncoder(architecture)).to(self.device)

    def train_control_teacher(self) -> bool:
        """Train the teacher's ControlNet; returns whether it is finished."""
        s = self.config.control
        teacher, model = self.trained("teacher", student=False), self.control_model(student=False)
        load_weights(self.folder / "path_encoder.safetensors", model.traj_encoder)
        model.start_from(teacher)
        loop = self.loop(
            "control_teacher", model, s.teacher_steps, s.teacher_rate, s.ema, s.teacher_matrix_rate, s.teacher_seconds
        )
        losses = ControlTeacherLosses(model, teacher, self.vae, self.control_batches(), s, self.precision)
        return loop.run(losses, self.deadline)

    def train_control(self) -> bool:
        """Train the student's ControlNet; returns whether it is finished."""
        s = self.config.control
        batches, controlled = self.control_batches(), self.control_model(student=False)
        load_weights(self.folder / "control_teacher.safetensors", controlled)
        source = ControlledSource(
            ControlledTeacher(self.trained("teacher", student=False), controlled),
            batches,
            replace(
                self.config.student,
                trajectories=s.trajectories,
                trajectory_steps=s.trajectory_steps,
                trajectory_chunk=s.trajectory_chunk,
                trajectory_seconds=s.trajectory_seconds,
                guidance=s.guidance,
            ),
            self.precision,
            self.config.architecture.phased,
        )
        shown = self.trajectories(source, "control_trajectories.npz", "control_teacher.safetensors")
        student, model = self.trained("student", student=True), self.control_model(student=True)
        # The zero-initialised layers and the encoder begin as the teacher's; the blocks read the guidance scale too.
        model.load_state_dict(controlled.state_dict(), strict=False)
        zero_student_inputs(model.controlnet)
        loop = self.loop("control", model, s.steps, s.learning_rate, s.ema, s.matrix_rate, s.seconds)
        kind = PhasedControlLosses if self.config.architecture.phased else ControlLosses
        losses = kind(model, student, self.vae, batches, s, self.precision, shown)
        return loop.run(losses, self.deadline)

    def stage(self, name: str) -> bool:
        """Run one stage; returns whether it is finished (False: the time is up, run again to go on)."""
        if name == "export":
            from ..data.vocabulary import write_vocabulary
            from ..export import export_model

            if accelerator_for(self.device).is_main_process:
                export_model(self.folder, self.config, self.folder / "model")
                if self.data is not None:
                    write_vocabulary(self.data, self.folder / "model", self._read_data())
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
