"""`MotionModel`: the loaded networks, from a request to features, without any post-processing."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import numpy as np

from ..errors import InvalidRequest
from ..motion.features import joints_from_features
from ..motion.skeleton import JOINT_COUNT, JOINTS
from ..networks.architecture import Architecture
from ..networks.backends import Backend, make_backend
from ..networks.model_folder import ModelFolder
from ..networks.samplers import SamplingInput, default_guidance, lcm_sample, student_timesteps
from ..text.encoders import open_text_encoder
from ..text.text_tokens import state_tokens
from .noise_optimization import optimize_noise
from .request import Hints, Request
from .variations import another_take, blended

Progress = Callable[[float, str], None]
KEPT_PROMPTS = 64


@dataclass(frozen=True, eq=False)
class SampledFeatures:
    """features: (takes, T, 263 or 281), not normalised. report: what the optimization of the noise did, else empty."""

    features: np.ndarray
    report: dict[str, float] = field(default_factory=dict)


class MotionModel:
    """Loaded networks. Not safe for use by several threads at once; one worker at a time uses it."""

    def __init__(
        self,
        backend: Backend,
        stats: Mapping[str, np.ndarray] | None = None,
        text_encoder: Any = None,
        folder: ModelFolder | None = None,
    ) -> None:
        self.backend = backend
        self.folder = folder
        self.network = backend.network
        self.architecture: Architecture = backend.network.architecture
        features = self.architecture.features
        identity = {"mean": np.zeros(features), "std": np.ones(features)}
        identity |= {"hint_mean": np.zeros((JOINT_COUNT, 3)), "hint_std": np.ones((JOINT_COUNT, 3))}
        self.stats = {name: np.asarray(v, np.float32) for name, v in {**identity, **(stats or {})}.items()}
        self._text_encoder = text_encoder
        self._prompts: OrderedDict[str, Any] = OrderedDict()

    @classmethod
    def from_folder(cls, path: str | Path | None = None, device: str = "auto") -> Self:
        """Load a model folder; None: the bundled model.

        device: "auto", "numpy", "cpu", "cuda", "mps", "xpu".
        Raises ModelFolderError, UnsupportedCheckpoint, DeviceError.
        """
        folder = ModelFolder.open(path)
        backend = make_backend(folder.weights(), folder.architecture, device)
        return cls(backend, folder.normalisation(), None, folder)

    @classmethod
    def from_state_dict(
        cls,
        state: Mapping[str, Any],
        stats: Mapping[str, np.ndarray] | None = None,
        text_encoder: Any = None,
        device: str = "cpu",
    ) -> Self:
        """Load weights with the official names and shapes, strictly; the sizes are read off the shapes.

        stats: mean, std (263,), hint_mean, hint_std (22, 3); None: no normalisation. text_encoder: with
        encode(prompt), giving one sentence vector or (states, sentence vector). Raises UnsupportedCheckpoint.
        """
        return cls(make_backend(state, None, device), stats, text_encoder)

    @property
    def device(self) -> str:
        """ "numpy", "cpu", "cuda", "mps" or "xpu"."""
        return self.backend.device

    @property
    def name(self) -> str:
        return self.folder.name if self.folder is not None else "state dict"

    @property
    def vae(self) -> Any:
        """encode(features, mask) -> (mean, std); decode(latents, mask) -> features."""
        return self.network.vae

    @property
    def denoiser(self) -> Any:
        return self.network.denoiser

    @property
    def controlnet(self) -> Any:
        return self.network.controlnet

    @property
    def traj_encoder(self) -> Any:
        return self.network.traj_encoder

    def sample(
        self,
        text: Any,
        steps: int = 1,
        guidance: float | None = None,
        condition: Any = None,
        latents: Any = None,
        noises: Any = None,
    ) -> Any:
        """Few-step sampling on the runtime's own arrays; see `samplers.lcm_sample`.

        Noise that is not given is drawn with seed 0.
        """
        shape = (text.shape[0], self.architecture.latent_tokens, self.architecture.latent_width)
        drawn = np.random.default_rng(0).standard_normal((steps, *shape), dtype=np.float32)
        latents = self.backend.array(drawn[0]) if latents is None else latents
        noises = self.backend.array(drawn[1:]) if noises is None else noises
        with self.backend.inference_context():
            return lcm_sample(self.network, text, latents, noises, steps, self.guidance(steps, guidance), condition)

    def guidance(self, steps: int, chosen: float | None = None) -> float:
        """The guidance scale for a number of steps: the chosen one, the model's own, or the published one."""
        if chosen is not None:
            return chosen
        own = self.folder.guidance.get(steps) if self.folder is not None else None
        return default_guidance(self.architecture, steps) if own is None else own

    @property
    def control_strength(self) -> float:
        """Factor on the ControlNet's residuals: the model folder's, else 1."""
        return self.folder.control_strength if self.folder is not None else 1.0

    def encode_prompt(self, prompt: str, frames: int) -> np.ndarray:
        """(text tokens, text_width) float32; the encoder's output is kept by prompt."""
        encoded = self._prompts.get(prompt)
        if encoded is None:
            encoded = self._encoder().encode(prompt)
            self._prompts[prompt] = encoded
            if len(self._prompts) > KEPT_PROMPTS:
                self._prompts.popitem(last=False)
        else:
            self._prompts.move_to_end(prompt)
        if isinstance(encoded, tuple):
            states, mean = encoded
            most = int(self.folder.text.get("max_states", 24)) if self.folder is not None else 24
            return state_tokens(np.asarray(states), np.asarray(mean), frames, most)
        return np.asarray(encoded, np.float32).reshape(1, -1)

    def _encoder(self) -> Any:
        if self._text_encoder is None:
            if self.folder is None:
                raise InvalidRequest("This model was loaded without a text encoder, so it cannot read a prompt.")
            self._text_encoder = open_text_encoder(self.folder, self.device)
        return self._text_encoder

    def features(self, request: Request) -> np.ndarray:
        """Sample the features of a request, with the same seeds as `MotionLCM.generate`.

        Args:
            request: the request; its `start`, `end` and hints are shown to the ControlNet, nothing is post-processed.

        Returns:
            (takes, T, 263 or 281) float32, not normalised.

        Raises:
            InvalidRequest, DeviceError: as `MotionLCM.generate`.
        """
        self.check_control(request)
        text = self.encode_prompt(request.prompt.strip(), request.frames)
        result: np.ndarray = self.sample_features(request, text, _silent).features.astype(np.float32)
        return result

    def check_control(self, request: Request) -> None:
        """Raise InvalidRequest if the model cannot take the hints or the start of a request."""
        if request.hints is None and request.start is None and (request.end is None or request.end_anywhere):
            return
        if not self.architecture.control:
            raise InvalidRequest(f"The model {self.name} cannot follow a path; choose one with a ControlNet.")
        if self.folder is None:
            return
        if request.start is not None and not self.folder.can_continue:
            raise InvalidRequest(f"The model {self.name} was not trained to go on from an earlier motion.")
        if request.hints is not None:
            asked = set(np.flatnonzero(request.hints.mask.any((0, 2))).tolist())
            unknown = sorted(asked - set(self.folder.controlled_joints))
            if unknown:
                where = JOINTS[unknown[0]].replace("l_", "left ").replace("r_", "right ")
                raise InvalidRequest(f"The model {self.name} was not trained to put the {where} anywhere.")

    def _known_hints(self, request: Request) -> Hints | None:
        """What is shown to the ControlNet: of a start or an end, the joints it was trained to see."""
        asked = request.all_hints
        if asked is None or self.folder is None:
            return asked
        mask = asked.mask.copy()
        shown = self.folder.start_joints
        if request.start is not None and shown is not None:
            mask[: request.start.frames, [joint for joint in range(JOINT_COUNT) if joint not in shown]] = False
        if request.end is not None and not request.end_anywhere:
            held = self.folder.controlled_joints
            mask[-request.end.frames :, [joint for joint in range(JOINT_COUNT) if joint not in held]] = False
        return Hints(asked.positions, mask) if mask.any() else None

    def sample_features(self, request: Request, text: np.ndarray, stage: Progress) -> SampledFeatures:
        """Sample the features of all takes of a request.

        Args:
            request: the request; the model must be able to take its hints (`check_control`).
            text: (text tokens, text_width) from `encode_prompt`.
            stage: called with a fraction 0..1 and what is done; it may raise to stop.
        """
        noise = np.stack([_noise_of(request, k, self.architecture) for k in range(request.takes)], 1)
        asked = self._known_hints(request)
        report: dict[str, float] = {}
        shown = None if asked is None else self._shown(request, asked, text, noise, stage)
        if request.refine and asked is not None and shown is not None and self.device != "numpy":
            stage(0.05, "Refining")
            with self.backend.inference_context(nullcontext):
                noise[0], report = optimize_noise(
                    self.network,
                    self.device,
                    self.stats,
                    text,
                    asked,
                    noise[0],
                    self.guidance(1, request.guidance),
                    student_timesteps(self.architecture, 1)[0],
                    self.control_strength,
                    shown,
                )
        with self.backend.inference_context():
            made = self._sampled(text, noise, request, shown, stage)
        return SampledFeatures(made, report)

    def _sampled(
        self, text: np.ndarray, noise: np.ndarray, request: Request, shown: list[Hints] | None, stage: Progress
    ) -> np.ndarray:
        """(takes, T, 263 or 281), not normalised, of noise (steps, takes, tokens, latent_width) and of what the
        ControlNet is shown: nothing, hints for all takes, or hints for each. Runs inside `inference_context`."""
        array, (steps, takes) = self.backend.array, noise.shape[:2]
        guidance, strength = self.guidance(steps, request.guidance), self.control_strength
        asked = SamplingInput(text, noise, request.frames, guidance, strength)
        if shown is not None:
            given = np.stack([each.mask for each in shown])
            positions = np.stack([each.positions for each in shown])
            hints = np.where(given, (positions - self.stats["hint_mean"]) / self.stats["hint_std"], 0)
            asked = replace(asked, hints=hints.astype(np.float32), given=given)
        stage(0.1, "Sampling" if shown is None else "Reading the path")
        decoded = self.backend.run_cuda_graph(asked)
        if decoded is None:
            condition = None
            if asked.hints is not None and asked.given is not None:
                told = [
                    self.backend.numpy(self.network.traj_encoder(array(one[None]), array(mask[None])))
                    for one, mask in zip(asked.hints, asked.given, strict=True)
                ]
                condition = array(np.repeat(told[0], takes, 0) if len(told) == 1 else np.concatenate(told))
            latents = lcm_sample(
                self.network,
                array(np.repeat(text[None], takes, 0)),
                array(noise[0]),
                array(noise[1:]),
                steps,
                guidance,
                condition,
                strength,
                on_step=lambda i: stage(0.2 + 0.4 * i / steps, "Sampling"),
            )
            stage(0.6, "Decoding")
            mask = array(np.ones((takes, request.frames), bool))
            decoded = self.backend.numpy(self.network.decode(latents, mask))
        return decoded * self.stats["std"] + self.stats["mean"]

    def _shown(
        self, request: Request, asked: Hints, text: np.ndarray, noise: np.ndarray, stage: Progress
    ) -> list[Hints]:
        """What the ControlNet is shown of hints: one for all takes or, where it must see whole positions and hints give
        only a part, one for each take. What is not given, such as the height along a path, is then as the take has it
        when it is made of the same noise without hints."""
        if self.folder is None or not self.folder.needs_whole_positions or asked.are_whole:
            return [asked]
        stage(0.05, "Sampling without the path")
        with self.backend.inference_context():
            free = joints_from_features(self._sampled(text, noise, request, None, _silent))
        return [asked.completed(joints) for joints in free]


def _silent(_part: float, _what: str) -> None:
    pass


def _noise(seed: int, steps: int, architecture: Architecture) -> np.ndarray:
    """(steps, tokens, latent_width): the start, then what is injected between steps; the same on every device."""
    shape = (steps, architecture.latent_tokens, architecture.latent_width)
    return np.random.default_rng(seed % 2**63).standard_normal(shape, dtype=np.float32)


def _noise_of(request: Request, take: int, architecture: Architecture) -> np.ndarray:
    """The noise of a take of a request."""
    request = another_take(request, take)
    noise = _noise(request.seed, request.steps, architecture)
    for blend in request.blends:
        noise = blended(noise, _noise(blend.towards, request.steps, architecture), blend.share)
    return noise
