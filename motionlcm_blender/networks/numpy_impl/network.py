"""A whole MotionLCM model in NumPy float32, for inference, with the interface of the PyTorch networks.

Sources: docs/MODEL.md sections 2 to 4 (MLD, Chen et al. 2023; MotionLCM, Dai et al. 2024; ControlNet, Zhang et al.
2023). Masked positions are left out of the computation instead of being weighted with zero: the result is the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ...array_types import AnyArray, BoolArray, FloatArray, IntArray
from ..architecture import Architecture
from ..noise_schedule import TRAIN_STEPS, alpha_sigma, guidance_embedding, time_embedding
from ..parameter_shapes import check_shapes
from .lapped_vae import PortableLappedVAE
from .layers import Linear, SkipTransformer, Weights, silu

KEPT_TIMES, KEPT_LENGTHS = 256, 16


class PortableNetwork:
    """All networks by their official names: `vae`, `denoiser` and, with control, `controlnet` and `traj_encoder`.

    Args:
        weights: All parameters, float32, official names.
        architecture: The sizes; None: inferred from the shapes.

    Raises:
        UnsupportedCheckpoint: Names or shapes differ.
    """

    vae: PortableVAE | PortableLappedVAE
    controlnet: PortableControlNet | None
    traj_encoder: PortableTrajectoryEncoder | None

    def __init__(self, weights: Mapping[str, FloatArray], architecture: Architecture | None = None) -> None:
        shapes = {name: tuple(array.shape) for name, array in weights.items()}
        self.architecture = Architecture.from_shapes(shapes) if architecture is None else architecture
        check_shapes(shapes, self.architecture)
        weights = {name: np.ascontiguousarray(array, dtype=np.float32) for name, array in weights.items()}
        lapped = self.architecture.lapped_frames > 0
        self.vae = (PortableLappedVAE if lapped else PortableVAE)(weights, self.architecture)
        self.denoiser = PortableDenoiser(weights, self.architecture)
        self.controlnet = self.traj_encoder = None
        if self.architecture.control:
            self.controlnet = PortableControlNet(weights, self.architecture)
            self.traj_encoder = PortableTrajectoryEncoder(weights, self.architecture)

    def decode(self, latents: FloatArray, mask: BoolArray) -> FloatArray:
        """Decode latents, as `vae.decode`."""
        return self.vae.decode(latents, mask)


class PortableVAE:
    """The motion VAE: motion features to latent tokens and back."""

    def __init__(self, weights: Weights, architecture: Architecture) -> None:
        a = architecture
        self._tokens, self._features, self._group = a.latent_tokens, a.features, a.frames_per_token
        self._global_tokens = weights["vae.global_motion_token"]
        self._embed, self._final = Linear.of(weights, "vae.skel_embedding"), Linear.of(weights, "vae.final_layer")
        self._narrow = Linear.of(weights, "vae.latent_pre") if a.adapter else None
        self._widen = Linear.of(weights, "vae.latent_post") if a.adapter else None
        self._encoder_positions = weights["vae.query_pos_encoder.pe"][:, 0]
        self._decoder_positions = weights["vae.query_pos_decoder.pe"][:, 0]
        self._encoder = SkipTransformer(weights, "vae.encoder", a.vae_layers, a.heads)
        self._decoder = SkipTransformer(weights, "vae.decoder", a.vae_layers, a.heads)
        self._starts: dict[bytes, FloatArray] = {}

    def encode(self, features: FloatArray, mask: BoolArray | None = None) -> tuple[FloatArray, FloatArray]:
        """Encode features.

        Args:
            features: (B, T, features of a frame) normalised.
            mask: (B, T) bool, True for frames; None: all.

        Returns:
            Mean and std, (B, tokens, latent_width) each.
        """
        features = _float32(features)
        keep = _keep(mask, features.shape[:2])
        rows = []
        for item, frames in zip(features, keep, strict=True):
            if self._group > 1:
                # A token that is only partly motion is filled with the last frame.
                whole = np.minimum(np.arange(-(-len(frames) // self._group) * self._group), len(frames) - 1)
                item, frames = _grouped(item[frames[whole]], self._group), np.arange(len(whole) // self._group)
            x = _with_tokens(self._global_tokens, self._embed(item[frames]), frames, self._encoder_positions)
            rows.append(self._encoder(x, first=2 * self._tokens)[0])
        x = np.stack(rows)
        if self._narrow is not None:
            x = self._narrow(x)
        return x[:, : self._tokens], np.exp(np.float32(0.5) * x[:, self._tokens :])

    def decode(self, latents: FloatArray, mask: BoolArray) -> FloatArray:
        """Decode latents.

        Args:
            latents: (B, tokens, latent_width).
            mask: (B, T) bool, True for frames.

        Returns:
            (B, T, features of a frame) normalised, zero where masked.
        """
        latents = _float32(latents)
        memory = latents if self._widen is None else self._widen(latents)
        keep = _keep(mask, mask.shape)
        features = np.zeros((*mask.shape, self._features), np.float32)
        for i, frames in enumerate(keep):
            if frames.size:
                tokens = np.unique(frames // self._group)
                queries = self._decoder_positions[tokens][None]
                x = self._decoder(queries, memory[i : i + 1], attended=self._start(tokens, queries))
                decoded = self._final(x[0]).reshape(-1, self._features)
                at = np.searchsorted(tokens, frames // self._group) * self._group + frames % self._group
                features[i, frames] = decoded[at]
        return features

    def _start(self, frames: IntArray, queries: FloatArray) -> FloatArray:
        """First self-attention of the decoder: it depends on positions only, so it is cached by length."""
        key = frames.tobytes()
        start = self._starts.get(key)
        if start is None:
            start = self._decoder.blocks[0].attend(queries)
            if len(self._starts) >= KEPT_LENGTHS:
                self._starts.clear()
            self._starts[key] = start
        return start


class _LatentTransformer:
    """The token sequence of denoiser and ControlNet: latents, time, text."""

    def __init__(self, weights: Weights, name: str, architecture: Architecture) -> None:
        a = architecture
        self._tokens, self._text_relu = a.latent_tokens, a.text_relu
        self._adapter = Linear.of(weights, f"{name}.latent_pre") if a.adapter else None
        self._time_1 = Linear.of(weights, f"{name}.time_embedding.linear_1")
        self._time_2 = Linear.of(weights, f"{name}.time_embedding.linear_2")
        guidance = f"{name}.time_embedding.cond_proj"
        self._guidance = Linear.of(weights, guidance) if f"{guidance}.weight" in weights else None
        self._steps = weights.get(f"{name}.time_embedding.steps_proj.weight")
        self._text = Linear.of(weights, f"{name}.emb_proj.1")
        self._positions = weights[f"{name}.query_pos.pe"][:, 0]
        self._transformer = SkipTransformer(weights, f"{name}.encoder", a.denoiser_layers, a.heads)
        self._times: dict[tuple[int, float | None], FloatArray] = {}

    def _time(self, timestep: int, guidance: float | None) -> FloatArray:
        """(width,) time token; cached, because samplers use few different ones."""
        token = self._times.get((timestep, guidance))
        if token is None:
            x = time_embedding(timestep % TRAIN_STEPS)
            if self._steps is not None:
                x = x + self._steps[:, timestep // TRAIN_STEPS]
            if self._guidance is not None and guidance is not None:
                x = x + self._guidance(guidance_embedding(guidance)[None])[0]
            token = self._time_2(silu(self._time_1(x[None])))[0]
            if len(self._times) >= KEPT_TIMES:
                self._times.clear()
            self._times[timestep, guidance] = token
        return token

    def _sequence(self, latents: FloatArray, timestep: int, text: FloatArray, guidance: float | None) -> FloatArray:
        """(B, all tokens, width) embedded sequence."""
        batch, n = latents.shape[0], self._tokens
        text = _float32(text)
        text = self._text(np.maximum(text, 0) if self._text_relu else text)
        x = np.empty((batch, n + 1 + text.shape[1], text.shape[2]), np.float32)
        x[:, :n] = latents if self._adapter is None else self._adapter(latents)
        x[:, n] = self._time(int(timestep), None if guidance is None else float(np.float32(guidance)))
        x[:, n + 1 :] = text
        x += self._positions[: x.shape[1]]
        return x


class PortableDenoiser(_LatentTransformer):
    """Predicts the noise in a noisy latent."""

    def __init__(self, weights: Weights, architecture: Architecture) -> None:
        super().__init__(weights, "denoiser", architecture)
        self._out = Linear.of(weights, "denoiser.latent_post") if architecture.adapter else None
        self._velocity = architecture.velocity

    def __call__(
        self,
        latents: FloatArray,
        timestep: int,
        text: FloatArray,
        guidance: float | None = None,
        residuals: Sequence[FloatArray] | None = None,
    ) -> FloatArray:
        """Predict the noise.

        Args:
            latents: (B, tokens, latent_width).
            timestep: Timestep, 0..999.
            text: (B or 1, text tokens, text_width), without padding.
            guidance: Guidance scale w, None for a teacher.
            residuals: Output of the ControlNet.

        Returns:
            Noise, (B, tokens, latent_width).
        """
        latents = _float32(latents)
        x = self._sequence(latents, timestep, text, guidance)
        x = self._transformer(x, first=self._tokens, residuals=residuals)
        x = x if self._out is None else self._out(x)
        if self._velocity:
            alpha, sigma = alpha_sigma(int(timestep))
            x = np.float32(alpha) * x + np.float32(sigma) * latents
        return x


class PortableControlNet(_LatentTransformer):
    """The ControlNet: reads a condition and adds one residual to each block of the denoiser."""

    def __init__(self, weights: Weights, architecture: Architecture) -> None:
        super().__init__(weights, "controlnet", architecture)
        self._silu = architecture.condition_silu
        stride = 2 if self._silu else 1
        self._condition = [Linear.of(weights, f"controlnet.controlnet_cond_embedding.{i * stride}") for i in range(3)]
        self._residual_layers = [
            Linear.of(weights, f"controlnet.controlnet_down_mid_blocks.{i}")
            for i in range(architecture.denoiser_layers)
        ]

    def __call__(
        self, latents: FloatArray, timestep: int, text: FloatArray, guidance: float | None, condition: FloatArray
    ) -> list[FloatArray]:
        """Compute the residuals.

        Args:
            latents: As for the denoiser.
            timestep: As for the denoiser.
            text: As for the denoiser.
            guidance: As for the denoiser.
            condition: (B or 1, tokens, latent_width) from the trajectory encoder.

        Returns:
            One residual (B, all tokens, width) for each block of the denoiser.
        """
        embedded = _float32(condition)
        for layer in self._condition[:2]:
            embedded = layer(embedded)
            if self._silu:
                embedded = silu(embedded)
        noisy = _float32(latents) + self._condition[2](embedded)
        residuals: list[FloatArray] = []
        x = self._sequence(noisy, timestep, text, guidance)
        self._transformer(x, tap=lambda i, output: residuals.append(self._residual_layers[i](output)))
        return residuals


class PortableTrajectoryEncoder:
    """Encodes hints over the frames to as many tokens as the latent has."""

    def __init__(self, weights: Weights, architecture: Architecture) -> None:
        a = architecture
        self._group, self._flags = a.frames_per_token, a.hint_flags
        self._tokens = weights["traj_encoder.global_motion_token"]
        self._embed = Linear.of(weights, "traj_encoder.skel_embedding")
        self._out = Linear.of(weights, "traj_encoder.latent_proj") if a.adapter else None
        self._positions = weights["traj_encoder.query_pos_encoder.pe"][:, 0]
        self._transformer = SkipTransformer(weights, "traj_encoder.encoder", a.trajectory_layers, a.heads)

    def __call__(self, hints: FloatArray, hint_mask: BoolArray) -> FloatArray:
        """Encode hints. Frames without any hint are masked.

        Args:
            hints: (B, T, 22, 3) normalised.
            hint_mask: (B, T, 22, 3) bool, True where given.

        Returns:
            (B, tokens, latent_width).
        """
        given = np.asarray(hint_mask) != 0
        flat = np.where(given, hints, 0).astype(np.float32).reshape(*given.shape[:2], -1)
        there = given.any((2, 3))
        if self._flags:
            flat = np.concatenate([flat, given.reshape(flat.shape).astype(np.float32)], axis=-1)
        if self._group > 1:
            missing = -flat.shape[1] % self._group
            flat = np.stack([_grouped(row, self._group) for row in np.pad(flat, ((0, 0), (0, missing), (0, 0)))])
            there = np.pad(there, ((0, 0), (0, missing))).reshape(len(flat), -1, self._group).any(-1)
        keep = _keep(there, there.shape)
        rows = []
        for item, frames in zip(flat, keep, strict=True):
            x = _with_tokens(self._tokens, self._embed(item[frames]), frames, self._positions)
            rows.append(self._transformer(x, first=len(self._tokens))[0])
        x = np.stack(rows)
        return x if self._out is None else self._out(x)


def _grouped(frames: FloatArray, group: int) -> FloatArray:
    """Reshape (T, n) to (T / group, group * n)."""
    return frames.reshape(len(frames) // group, -1)


def _keep(mask: BoolArray | None, shape: tuple[int, ...]) -> list[IntArray]:
    """Indices of the real frames of each item."""
    if mask is None:
        return [np.arange(shape[1])] * shape[0]
    return [np.flatnonzero(row) for row in np.asarray(mask)]


def _with_tokens(tokens: FloatArray, embedded: FloatArray, frames: IntArray, positions: FloatArray) -> FloatArray:
    """(1, tokens + frames, width): learned tokens, then frames, each with its position in the unmasked sequence."""
    n = len(tokens)
    result: FloatArray = np.concatenate([tokens + positions[:n], embedded + positions[n + frames]])[None]
    return result


def _float32(array: AnyArray) -> FloatArray:
    result: FloatArray = np.asarray(array, dtype=np.float32)
    return result
