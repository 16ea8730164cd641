"""`MotionLCM`: from a request to motions."""

from __future__ import annotations

import importlib.util
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from .architecture import Architecture
from .backends import Backend, make_backend
from .chaining import generate_chained
from .ending import laid_down
from .errors import Cancelled, DeviceError, InvalidRequest
from .model_folder import ModelFolder
from .motion.clips import Motion
from .motion.continuation import aligned, at_origin, begin_with
from .motion.features import FEATURES, joints_from_features, standing_joints
from .motion.path_correction import resampled_joints
from .motion.quality import foot_skate
from .motion.skeleton import FPS, JOINT_COUNT, JOINTS, MAX_FRAMES
from .refining import refined_noise
from .request import Hints, Request
from .sampling import Asked, default_guidance, lcm_sample, student_timesteps
from .settling import settled
from .text_tokens import state_tokens
from .variations import another_take, blended, mirrored_motion, mirrored_request, retimed_request

Progress = Callable[[float, str], None]
KEPT_PROMPTS = 64


class MotionLCM:
    """A loaded model. Not safe for use by several threads at once; one worker at a time uses it."""

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
        identity = {"mean": np.zeros(FEATURES), "std": np.ones(FEATURES)}
        identity |= {"hint_mean": np.zeros((JOINT_COUNT, 3)), "hint_std": np.ones((JOINT_COUNT, 3))}
        self.stats = {name: np.asarray(v, np.float32) for name, v in {**identity, **(stats or {})}.items()}
        self._text_encoder = text_encoder
        self._prompts: OrderedDict[str, Any] = OrderedDict()

    @classmethod
    def from_folder(cls, path: str | Path | None = None, device: str = "auto") -> MotionLCM:
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
    ) -> MotionLCM:
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
        """Few-step sampling on the runtime's own arrays; see `sampling.lcm_sample`.

        Noise that is not given is drawn with seed 0.
        """
        shape = (text.shape[0], self.architecture.latent_tokens, self.architecture.latent_width)
        drawn = np.random.default_rng(0).standard_normal((steps, *shape), dtype=np.float32)
        latents = self.backend.array(drawn[0]) if latents is None else latents
        noises = self.backend.array(drawn[1:]) if noises is None else noises
        with self.backend.computing():
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
            if self.folder.text["kind"] == "minilm":
                from .text_encoder_files import minilm_folder

                self._text_encoder = self.backend.minilm(minilm_folder())
            else:
                self._text_encoder = sentence_t5(self.folder.path / "text_encoder", self.device)
        return self._text_encoder

    def generate(
        self,
        request: Request,
        progress: Progress | None = None,
        cancel: Callable[[], bool] | None = None,
    ) -> list[Motion]:
        """Make one motion for each take.

        progress(part 0..1, what) and cancel() are called between stages, from this thread. Motions are in the
        request's own frame: first root at the XZ origin, facing +Z. With a ground path the motion is put onto it
        exactly (motion/path_correction.py); the network's own error is in `report`. With a start the first frames are
        exactly those given (motion/continuation.py). More frames than the model makes at a time are made in pieces
        (`chaining`). The same request gives the same
        motion, take k the same as a request for seed + k.
        Raises Cancelled, InvalidRequest (a length the model cannot make, a path for a model without control),
        DeviceError.
        """
        started = time.perf_counter()
        if request.mirror:
            made = self.generate(mirrored_request(request), progress, cancel)
            return [replace(mirrored_motion(motion), request=another_take(request, k)) for k, motion in enumerate(made)]
        if request.speed != 1.0:
            made = self.generate(retimed_request(request), progress, cancel)
            return [_retimed(motion, another_take(request, k), started) for k, motion in enumerate(made)]

        def stage(part: float, what: str) -> None:
            if cancel is not None and cancel():
                raise Cancelled
            if progress is not None:
                progress(part, what)

        if self.folder is not None:
            shortest, longest = self.folder.frames
            chains = self.architecture.control and self.folder.can_continue
            if request.frames < shortest or (request.frames > longest and not chains):
                raise InvalidRequest(
                    f"The model {self.name} makes {shortest / FPS:.1f} to {longest / FPS:.1f} seconds at a time, "
                    f"not {request.frames / FPS:.1f}."
                )
            if request.frames > longest:
                self._check_control(request)
                return generate_chained(self, request, progress, cancel)
        self._check_control(request)
        stage(0.0, "Reading the prompt")
        text = self.encode_prompt(request.prompt.strip(), request.frames)
        try:
            features, refinement = self._features(request, text, stage)
        except MemoryError as error:
            raise DeviceError("There is too little memory for this request; ask for fewer takes.") from error
        if request.end is not None and request.end_anywhere and self.architecture.control:
            return self._ended_anywhere(request, features, progress, cancel)
        stage(0.8, "Settling feet and path")
        return [self._motion(another_take(request, k), features[k], started, refinement) for k in range(request.takes)]

    def _ended_anywhere(
        self, request: Request, features: np.ndarray, progress: Progress | None, cancel: Callable[[], bool] | None
    ) -> list[Motion]:
        """Each take made again towards the end pose, put where the take got without it."""
        path = request.hints.root_xz if request.hints is not None else None
        made = []
        for k in range(request.takes):
            own, joints = another_take(request, k), standing_joints(features[k]).astype(np.float64)
            if request.start is not None:
                joints = aligned(joints, at_origin(request.start.joints))
            assert request.end is not None
            towards = replace(own, end=laid_down(request.end, joints, path), end_anywhere=False)
            made.append(replace(self.generate(towards, progress, cancel)[0], request=own))
        return made

    def warm_up(self) -> None:
        """Do what a first request would wait for: read the text encoder, import, and on a card load and record kernels.

        With official models it takes as long as a few requests. Raises as `generate` does.
        """
        frames = min(self.folder.frames[1], MAX_FRAMES) if self.folder is not None else MAX_FRAMES
        request = Request("a person walks", frames)
        line = np.stack([np.zeros(frames), np.linspace(0.0, frames / FPS, frames)], 1)
        usual = [replace(request, hints=Hints.ground_path(line))] if self.architecture.control else []
        if self.backend.recorded is not None:
            usual = [request, *usual] * 2  # a card records what it is asked for a second time
        for each in usual or [request]:
            self.generate(each)

    def features(self, request: Request) -> np.ndarray:
        """(takes, T, 263) float32, not normalised: what the networks alone make of a request, of the same seeds as
        `generate`. Raises as `generate` does."""
        self._check_control(request)
        text = self.encode_prompt(request.prompt.strip(), request.frames)
        made, _ = self._features(request, text, lambda part, what: None)
        result: np.ndarray = made.astype(np.float32)
        return result

    def _check_control(self, request: Request) -> None:
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

    def _features(
        self, request: Request, text: np.ndarray, stage: Progress
    ) -> tuple[np.ndarray, dict[str, float]]:
        """(takes, T, 263), not normalised, and what refining did."""
        noise = np.stack([_noise_of(request, k, self.architecture) for k in range(request.takes)], 1)
        asked = self._known_hints(request)
        report: dict[str, float] = {}
        shown = None if asked is None else self._shown(request, asked, text, noise, stage)
        if request.refine and asked is not None and shown is not None and self.device != "numpy":
            stage(0.05, "Refining")
            with self.backend.computing(nullcontext):
                noise[0], report = refined_noise(
                    self.network, self.device, self.stats, text, asked, noise[0],
                    self.guidance(1, request.guidance), student_timesteps(self.architecture, 1)[0],
                    self.control_strength, shown,
                )  # fmt: skip
        with self.backend.computing():
            made = self._sampled(text, noise, request, shown, stage)
        return made, report

    def _sampled(
        self, text: np.ndarray, noise: np.ndarray, request: Request, shown: list[Hints] | None, stage: Progress
    ) -> np.ndarray:
        """(takes, T, 263), not normalised, of noise (steps, takes, tokens, latent_width) and of what the ControlNet is
        shown: nothing, hints for all takes, or hints for each. Runs inside `computing`."""
        array, (steps, takes) = self.backend.array, noise.shape[:2]
        guidance, strength = self.guidance(steps, request.guidance), self.control_strength
        asked = Asked(text, noise, request.frames, guidance, strength)
        if shown is not None:
            given = np.stack([each.mask for each in shown])
            positions = np.stack([each.positions for each in shown])
            hints = np.where(given, (positions - self.stats["hint_mean"]) / self.stats["hint_std"], 0)
            asked = replace(asked, hints=hints.astype(np.float32), given=given)
        stage(0.1, "Sampling" if shown is None else "Reading the path")
        decoded = self.backend.at_once(asked)
        if decoded is None:
            condition = None
            if asked.hints is not None and asked.given is not None:
                told = [
                    self.backend.numpy(self.network.traj_encoder(array(one[None]), array(mask[None])))
                    for one, mask in zip(asked.hints, asked.given, strict=True)
                ]
                condition = array(np.repeat(told[0], takes, 0) if len(told) == 1 else np.concatenate(told))
            latents = lcm_sample(
                self.network, array(np.repeat(text[None], takes, 0)), array(noise[0]), array(noise[1:]), steps,
                guidance, condition, strength, on_step=lambda i: stage(0.2 + 0.4 * i / steps, "Sampling"),
            )  # fmt: skip
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
        stage(0.05, "Making it without a path")
        with self.backend.computing():
            free = joints_from_features(self._sampled(text, noise, request, None, _silent))
        return [asked.completed(joints) for joints in free]

    def _motion(
        self, request: Request, features: np.ndarray, started: float, refinement: dict[str, float]
    ) -> Motion:
        joints = standing_joints(features)
        if request.start is not None:
            joints = begin_with(aligned(joints, at_origin(request.start.joints)), request.start.joints)
        contacts = np.clip(features[:, -4:], 0.0, 1.0).astype(np.float32)
        warnings: list[str] = []
        if request.refine and not refinement and request.all_hints is not None:
            warnings.append("Refining needs PyTorch, which is not there: path and pins are met by corrections alone.")
        report = refinement | {"network_foot_skate_cm_s": foot_skate(joints)}
        return settled(request, joints, contacts, report, started, warnings)


def _silent(_share: float, _what: str) -> None:
    pass


def sentence_t5(folder: Path, device: str = "numpy") -> Any:
    """The text encoder of published models: in PyTorch where the networks run in it and transformers is there, else in
    NumPy. Raises ModelFolderError."""
    packages = ("torch", "transformers")
    there = all(importlib.util.find_spec(name) is not None for name in packages)
    if there and (device != "numpy" or not (folder / "tokenizer.json").is_file()):
        from .model.text_encoders import SentenceT5

        return SentenceT5(folder, "cpu" if device == "numpy" else device)
    from .portable.sentence_t5 import PortableSentenceT5

    return PortableSentenceT5(folder)


def _retimed(motion: Motion, request: Request, started: float) -> Motion:
    """A motion played in the frames of a request, its feet, path and pins settled again."""
    at = np.linspace(0.0, motion.frames - 1.0, request.frames)
    joints = resampled_joints(motion.joints.astype(np.float64), at)
    contacts = motion.contacts[np.rint(at).astype(int)]
    return settled(request, joints, contacts, dict(motion.report), started, motion.warnings)


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
