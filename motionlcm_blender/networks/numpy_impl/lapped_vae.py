"""The lapped VAE (`torch_impl.lapped_vae`) in NumPy float32, for inference."""

from __future__ import annotations

import numpy as np

from ...array_types import BoolArray, FloatArray
from ...motion.skeleton import MAX_FRAMES
from ..architecture import Architecture
from .layers import Linear, SkipTransformer, Weights


class PortableLappedVAE:
    """Motion features to a few latent tokens and back; the interface of `PortableVAE`."""

    def __init__(self, weights: Weights, architecture: Architecture) -> None:
        a = architecture
        self._tokens, self._features, self._group = a.latent_tokens, a.features, a.frames_per_token
        self._window, self._hop, self._lead = a.lapped_frames, a.lapped_hop, a.lapped_lead
        self._analysis = Linear.of(weights, "vae.analysis")
        self._synthesis = Linear.of(weights, "vae.synthesis")
        self._std = np.exp(weights["vae.latent_log_std"])
        self._embed, self._final = Linear.of(weights, "vae.skel_embedding"), Linear.of(weights, "vae.final_layer")
        self._positions = weights["vae.query_pos_decoder.pe"][:, 0]
        self._refiner = SkipTransformer(weights, "vae.refiner", a.vae_layers, a.heads)

    def encode(self, features: FloatArray, mask: BoolArray | None = None) -> tuple[FloatArray, FloatArray]:
        """Encode features; what lies outside of the motion is its first or last frame.

        Args:
            features: (B, T, features of a frame) normalised.
            mask: (B, T) bool, True for the first frames of each motion; None: all.

        Returns:
            Mean and std, (B, tokens, latent_width) each.
        """
        features = np.asarray(features, np.float32)
        batch, frames = features.shape[:2]
        lengths = np.full(batch, frames) if mask is None else np.asarray(mask).sum(1)
        starts = np.arange(self._tokens)[:, None] * self._hop - self._lead
        places = starts + np.arange(self._window)
        rows = []
        for item, length in zip(features, lengths, strict=True):
            windows = item[np.clip(places, 0, max(int(length), 1) - 1)].reshape(self._tokens, -1)
            rows.append(self._analysis(windows))
        mean = np.stack(rows)
        return mean, np.broadcast_to(self._std, mean.shape).copy()

    def decode(self, latents: FloatArray, mask: BoolArray) -> FloatArray:
        """Decode latents.

        Args:
            latents: (B, tokens, latent_width).
            mask: (B, T) bool, True for the first frames of each motion.

        Returns:
            (B, T, features of a frame) normalised, zero where masked.
        """
        latents, mask = np.asarray(latents, np.float32), np.asarray(mask)
        decoded = self._linear(latents)[:, : mask.shape[1]]
        features = np.zeros((*mask.shape, self._features), np.float32)
        for i, length in enumerate(mask.sum(1)):
            if length:
                features[i, :length] = self._refined(decoded[i, :length])
        return features

    def _linear(self, latents: FloatArray) -> FloatArray:
        """(B, MAX_FRAMES, features of a frame) by the linear transform alone: windows added where they overlap."""
        batch, hop = len(latents), self._hop
        windows = self._synthesis(latents)
        halves = windows.reshape(batch, self._tokens, 2, hop, self._features)
        summed = np.zeros((batch, self._tokens + 1, hop, self._features), np.float32)
        summed[:, :-1] = halves[:, :, 0]
        summed[:, 1:] += halves[:, :, 1]
        result: FloatArray = summed.reshape(batch, -1, self._features)[:, self._lead : self._lead + MAX_FRAMES]
        return result

    def _refined(self, frames: FloatArray) -> FloatArray:
        """(T, features of a frame) with the correction of the refiner."""
        missing = -len(frames) % self._group
        grouped = np.pad(frames, ((0, missing), (0, 0))).reshape(-1, self._group * self._features)
        queries = self._embed(grouped)[None] + self._positions[: len(grouped)]
        correction = self._final(self._refiner(queries)[0]).reshape(-1, self._features)
        result: FloatArray = frames + correction[: len(frames)]
        return result
