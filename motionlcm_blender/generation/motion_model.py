"""`MotionModel`: the loaded networks, from a request to features, without post-processing."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import numpy as np

from ..array_types import FloatArray
from ..errors import InvalidRequest
from ..motion.features import joints_from_features
from ..motion.skeleton import JOINT_COUNT, JOINTS
from ..motion.token_seams import without_token_seams
from ..networks.architecture import Architecture
from ..networks.backends import Backend, make_backend
from ..networks.model_folder import ModelFolder
from ..networks.samplers import SamplingInput, default_guidance, lcm_sample, student_timesteps
from ..text.encoders import open_text_encoder
from ..text.text_tokens import state_tokens
from .caption_liveliness import CaptionLiveliness
from .initial_noise import noise_of
from .noise_optimization import optimize_noise
from .prompt_rewriter import PromptRewriter
from .request import Hints, Request
from .sample_cache import SampleCache
from .straight_path import straightened_hints
from .variations import another_take

Progress = Callable[[float, str], None]
KEPT_PROMPTS = 64


@dataclass(frozen=True, eq=False)
class SampledFeatures:
    """Sampled features of all takes.

    Attributes:
        features: (takes, T, 263 or 281), not normalised.
        report: Measurements of the noise optimization, empty without it.
    """

    features: FloatArray
    report: dict[str, float] = field(default_factory=dict)


class MotionModel:
    """Loaded networks. Not thread-safe: only one worker may use an instance at a time."""

    def __init__(
        self,
        backend: Backend,
        stats: Mapping[str, FloatArray] | None = None,
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
        self._text_encoder, self.walks = text_encoder, SampleCache()
        self._prompts: OrderedDict[str, Any] = OrderedDict()
        self.rewriter = PromptRewriter(folder.path if folder is not None else None)
        self.caption_liveliness = CaptionLiveliness(folder)

    @classmethod
    def from_folder(cls, path: str | Path | None = None, device: str = "auto") -> Self:
        """Load a model folder.

        Args:
            path: The folder; None: the bundled model.
            device: "auto", "numpy", "cpu", "cuda", "mps" or "xpu".

        Returns:
            The model.

        Raises:
            ModelFolderError: The folder is not a valid model.
            UnsupportedCheckpoint: The weights have an unknown architecture.
            DeviceError: The device is not available.
        """
        folder = ModelFolder.open(path)
        backend = make_backend(folder.weights(), folder.architecture, device)
        return cls(backend, folder.normalisation(), None, folder)

    @classmethod
    def from_state_dict(
        cls,
        state: Mapping[str, Any],
        stats: Mapping[str, FloatArray] | None = None,
        text_encoder: Any = None,
        device: str = "cpu",
    ) -> Self:
        """Load weights with the official names and shapes, strictly; the architecture is inferred from the shapes.

        Args:
            state: Arrays by name.
            stats: mean, std (263,), hint_mean, hint_std (22, 3); None: no normalisation.
            text_encoder: Has encode(prompt), which returns one sentence vector or (states, sentence vector).
            device: As in `from_folder`.

        Returns:
            The model.

        Raises:
            UnsupportedCheckpoint: A name or shape is missing or unknown.
        """
        return cls(make_backend(state, None, device), stats, text_encoder)

    @property
    def device(self) -> str:
        """Name of the device: "numpy", "cpu", "cuda", "mps" or "xpu"."""
        return self.backend.device

    @property
    def name(self) -> str:
        """Name of the model, for sentences and reports."""
        return self.folder.name if self.folder is not None else "state dict"

    @property
    def vae(self) -> Any:
        """The VAE: encode(features, mask) returns (mean, std); decode(latents, mask) returns features."""
        return self.network.vae

    @property
    def denoiser(self) -> Any:
        """The denoiser network."""
        return self.network.denoiser

    @property
    def controlnet(self) -> Any:
        """The ControlNet."""
        return self.network.controlnet

    @property
    def traj_encoder(self) -> Any:
        """The trajectory encoder, which embeds hints for the ControlNet."""
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
        """Sample latents in few steps, on the backend's own arrays; see `samplers.lcm_sample`.

        Missing noise is drawn with seed 0.
        """
        shape = (text.shape[0], self.architecture.latent_tokens, self.architecture.latent_width)
        drawn = np.random.default_rng(0).standard_normal((steps, *shape), dtype=np.float32)
        latents = self.backend.array(drawn[0]) if latents is None else latents
        noises = self.backend.array(drawn[1:]) if noises is None else noises
        with self.backend.inference_context():
            return lcm_sample(self.network, text, latents, noises, steps, self.guidance(steps, guidance), condition)

    def guidance(self, steps: int, chosen: float | None = None) -> float:
        """Guidance scale for a number of steps: the chosen one, else the model's own, else the published one."""
        if chosen is not None:
            return chosen
        own = self.folder.guidance.get(steps) if self.folder is not None else None
        return default_guidance(self.architecture, steps) if own is None else own

    @property
    def control_strength(self) -> float:
        """Factor on the ControlNet's residuals: the model folder's, else 1."""
        return self.folder.control_strength if self.folder is not None else 1.0

    def encode_prompt(self, prompt: str, frames: int) -> FloatArray:
        """Encode a prompt, with a cache by prompt.

        Args:
            prompt: English text.
            frames: Length of the motion.

        Returns:
            (text tokens, text_width) float32.

        Raises:
            InvalidRequest: The model has no text encoder.
        """
        encoded = self._encoded(prompt)
        if isinstance(encoded, tuple):
            states, mean = encoded
            most = int(self.folder.text.get("max_states", 24)) if self.folder is not None else 24
            return state_tokens(np.asarray(states), np.asarray(mean), frames, most)
        return np.asarray(encoded, np.float32).reshape(1, -1)

    def sentence_vector(self, prompt: str) -> FloatArray:
        """Encode a prompt as one vector, to compare what prompts mean; the cache is that of `encode_prompt`.

        Args:
            prompt: English text.

        Returns:
            (width,) float32.

        Raises:
            InvalidRequest: The model has no text encoder.
        """
        encoded = self._encoded(prompt.strip())
        vector = encoded[1] if isinstance(encoded, tuple) else encoded
        return np.asarray(vector, np.float32).reshape(-1)

    def _encoded(self, prompt: str) -> Any:
        """What the text encoder returns for a prompt, cached."""
        encoded = self._prompts.get(prompt)
        if encoded is None:
            encoded = self._encoder().encode(prompt)
            self._prompts[prompt] = encoded
            if len(self._prompts) > KEPT_PROMPTS:
                self._prompts.popitem(last=False)
        else:
            self._prompts.move_to_end(prompt)
        return encoded

    def _encoder(self) -> Any:
        if self._text_encoder is None:
            if self.folder is None:
                raise InvalidRequest("This model was loaded without a text encoder, so it cannot read a prompt.")
            self._text_encoder = open_text_encoder(self.folder, self.device)
        return self._text_encoder

    def features(self, request: Request) -> FloatArray:
        """Sample the features of a request, with the same seeds as `MotionLCM.generate`.

        Args:
            request: The request. Its `start`, `end` and hints condition the ControlNet; nothing is post-processed.

        Returns:
            (takes, T, 263 or 281) float32, not normalised.

        Raises:
            InvalidRequest: As `MotionLCM.generate`.
            DeviceError: As `MotionLCM.generate`.
        """
        self.check_control(request)
        text = self.encode_prompt(self.rewriter.text(request), request.frames)
        result: FloatArray = self.sample_features(request, text, silent).features.astype(np.float32)
        return result

    def check_control(self, request: Request) -> None:
        """Check that the model can use the hints, the start and the end of a request.

        Raises:
            InvalidRequest: The model cannot use them.
        """
        if request.hints is None and request.start is None and (request.end is None or request.end_anywhere):
            return
        if not self.architecture.control:
            raise InvalidRequest(f"The model {self.name} cannot follow a path; choose one with a ControlNet.")
        if self.folder is None:
            return
        if request.start is not None and not self.folder.can_continue:
            raise InvalidRequest(f"The model {self.name} was not trained to go on from an earlier motion.")
        if request.hints is not None:
            pinned = set(np.flatnonzero(request.hints.mask.any((0, 2))).tolist())
            unknown = sorted(pinned - set(self.folder.controlled_joints))
            if unknown:
                where = JOINTS[unknown[0]].replace("l_", "left ").replace("r_", "right ")
                raise InvalidRequest(f"The model {self.name} was not trained to put the {where} anywhere.")

    def _known_hints(self, request: Request) -> Hints | None:
        """Hints for the ControlNet: the straightened path, and the joints of start and end known in training."""
        hints = straightened_hints(request)
        if hints is None or self.folder is None:
            return hints
        mask = hints.mask.copy()
        shown = self.folder.start_joints
        if request.start is not None and shown is not None:
            mask[: request.start.frames, [joint for joint in range(JOINT_COUNT) if joint not in shown]] = False
        if request.end is not None and not request.end_anywhere:
            held = self.folder.controlled_joints
            mask[-request.end.frames :, [joint for joint in range(JOINT_COUNT) if joint not in held]] = False
        return Hints(hints.positions, mask) if mask.any() else None

    def sample_features(
        self, request: Request, text: FloatArray, stage: Progress, samples: Sequence[Request] | None = None
    ) -> SampledFeatures:
        """Sample the features of all takes of a request.

        Args:
            request: The request; the model must support its hints (`check_control`).
            text: (text tokens, text_width) from `encode_prompt`.
            stage: Called with a fraction 0..1 and the name of the stage; it may raise to stop.
            samples: Requests of single takes that give the noise of each; None: the takes of the request.

        Returns:
            The features.
        """
        drawn = samples or [another_take(request, k) for k in range(request.takes)]
        noise = np.stack([noise_of(each, self.architecture) for each in drawn], 1)
        noise[0] *= np.float32(self.caption_liveliness.noise_factor(request, text))
        hints = self._known_hints(request)
        report: dict[str, float] = {}
        shown = None if hints is None else self._shown(request, hints, text, noise, stage)
        if request.refine and hints is not None and shown is not None and self.device != "numpy":
            stage(0.05, "Refining")
            with self.backend.inference_context(nullcontext):
                noise[0], report = optimize_noise(
                    self.network,
                    self.device,
                    self.stats,
                    text,
                    hints,
                    noise[0],
                    self.guidance(1, request.guidance),
                    student_timesteps(self.architecture, 1)[0],
                    self.control_strength,
                    shown,
                )
            if not self.architecture.phased:  # new noise between the steps would undo it
                noise = noise[:1]
        with self.backend.inference_context():
            features = self._sampled(text, noise, request, shown, stage)
        return SampledFeatures(features, report)

    def _sampled(
        self, text: FloatArray, noise: FloatArray, request: Request, shown: list[Hints] | None, stage: Progress
    ) -> FloatArray:
        """(takes, T, 263 or 281) features, not normalised, sampled from noise (steps, takes, tokens, latent_width).

        shown: hints for the ControlNet, none, one for all takes, or one for each. Must run inside `inference_context`.
        """
        array, (steps, takes) = self.backend.array, noise.shape[:2]
        guidance, strength = self.guidance(steps, request.guidance), self.control_strength
        inputs = SamplingInput(text, noise, request.frames, guidance, strength)
        if shown is not None:
            given = np.stack([each.mask for each in shown])
            positions = np.stack([each.positions for each in shown])
            hints = np.where(given, (positions - self.stats["hint_mean"]) / self.stats["hint_std"], 0)
            inputs = replace(inputs, hints=hints.astype(np.float32), given=given)
        stage(0.1, "Sampling" if shown is None else "Reading the path")
        decoded = self.backend.run_cuda_graph(inputs)
        if decoded is None:
            condition = None
            if inputs.hints is not None and inputs.given is not None:
                encoded = [
                    self.backend.numpy(self.network.traj_encoder(array(one[None]), array(mask[None])))
                    for one, mask in zip(inputs.hints, inputs.given, strict=True)
                ]
                condition = array(np.repeat(encoded[0], takes, 0) if len(encoded) == 1 else np.concatenate(encoded))
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
        features = decoded * self.stats["std"] + self.stats["mean"]
        a = self.architecture
        return features if a.lapped_frames else without_token_seams(features, a.frames_per_token)

    def _shown(
        self, request: Request, hints: Hints, text: FloatArray, noise: FloatArray, stage: Progress
    ) -> list[Hints]:
        """Hints for the ControlNet: one for all takes or one for each.

        A model that needs whole positions gets one for each take if the hints give only a part. The missing
        coordinates, such as the height along a path, are those of the take sampled from the same noise without hints.
        """
        if self.folder is None or not self.folder.needs_whole_positions or hints.are_whole:
            return [hints]
        stage(0.05, "Sampling without the path")
        with self.backend.inference_context():
            free = joints_from_features(self._sampled(text, noise, request, None, silent))
        return [hints.completed(joints) for joints in free]


def silent(_part: float, _what: str) -> None:
    """Progress of sampling that nobody sees."""
