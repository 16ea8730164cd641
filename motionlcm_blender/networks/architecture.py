"""Sizes of a model, inferred from its weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ..errors import UnsupportedCheckpoint
from ..motion.skeleton import MAX_FRAMES


@dataclass(frozen=True)
class Architecture:
    """Everything needed to build the networks before loading weights (docs/MODEL.md sections 2 to 5).

    Attributes:
        latent_tokens: Tokens of the latent, 16 in V2, 1 in V1.
        latent_width: Width of the latent, 32 in V2, 256 in V1.
        width: Width of every transformer block.
        feedforward: Width of the feed-forward layer of every transformer block.
        heads: Attention heads of every transformer block.
        vae_layers: Blocks of the VAE's skip transformers, an odd number.
        denoiser_layers: Blocks of the denoiser, an odd number.
        trajectory_layers: Blocks of the trajectory encoder, an odd number.
        text_width: Width of a text token, 768 for sentence-t5-large, 384 for MiniLM.
        adapter: V2's latent adapter and Op1, linear maps between latent_width and width.
        text_relu: V1's ReLU before the text projection.
        condition_silu: V2's SiLU between the layers that embed the control condition.
        student: The denoiser takes the guidance scale.
        velocity: The denoiser's last layer predicts v = alpha * noise - sigma * x0 (Salimans and Ho 2022), from which
            the noise is computed; False: the noise itself, as in the published models.
        control: The model has a ControlNet and a trajectory encoder.
        features: Features of a frame, 263 as published; 281 with head and hands after them (`motion.head_hands`).
        frames_per_token: Frames that enter and leave the VAE, and enter the trajectory encoder, as one token; 1 as
            published.
        hint_flags: The trajectory encoder also reads which coordinates are given, not only their values.
        lapped_frames: Frames of a window of the lapped transform that stands for the VAE's encoder and cross-attention
            (`lapped_vae`), an even number; `vae_layers` are then the blocks of its refiner. 0: the VAE as published.
        phased: The student is distilled in phases: it also reads the number of steps, and each step ends where the
            next begins (`noise_schedule.PHASED_TIMESTEPS`). False: latent consistency, with new noise between steps.
    """

    latent_tokens: int = 16
    latent_width: int = 32
    width: int = 256
    feedforward: int = 1024
    heads: int = 4
    vae_layers: int = 9
    denoiser_layers: int = 9
    trajectory_layers: int = 9
    text_width: int = 768
    adapter: bool = True
    text_relu: bool = False
    condition_silu: bool = True
    student: bool = True
    control: bool = True
    velocity: bool = False
    features: int = 263
    frames_per_token: int = 1
    hint_flags: bool = False
    lapped_frames: int = 0
    phased: bool = False

    @property
    def lapped_hop(self) -> int:
        """Frames from the beginning of one window of the lapped transform to that of the next."""
        return self.lapped_frames // 2

    @property
    def lapped_lead(self) -> int:
        """Frames of the first window before the first frame of the longest motion, which lies in the middle."""
        return (self.lapped_hop * (self.latent_tokens + 1) - MAX_FRAMES) // 2

    def to_json(self) -> dict[str, Any]:
        """The sizes as JSON values by name."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Architecture:
        """Make an architecture from JSON values.

        Raises:
            UnsupportedCheckpoint: A name is unknown, or a value is not a number.
        """
        unknown = set(values) - set(cls.__dataclass_fields__)
        if unknown:
            raise UnsupportedCheckpoint(f"The model's configuration holds unknown sizes: {', '.join(sorted(unknown))}.")
        return cls(**values)

    @classmethod
    def from_shapes(cls, shapes: Mapping[str, tuple[int, ...]], heads: int = 4) -> Architecture:
        """Infer the sizes from the names and shapes of parameters, as in docs/MODEL.md section 5.

        The shapes do not show heads, velocity and the grouping of frames; the grouping is assumed as published.

        Args:
            shapes: Shapes by official parameter name.
            heads: Attention heads.

        Returns:
            The architecture.

        Raises:
            UnsupportedCheckpoint: These are not the parameters of a MotionLCM model.
        """
        try:
            adapter = "vae.latent_pre.weight" in shapes
            tokens2, width = shapes["vae.global_motion_token"]
            control = "controlnet.controlnet_cond_embedding.0.weight" in shapes
            return cls(
                latent_tokens=tokens2 // 2,
                latent_width=shapes["vae.latent_pre.weight"][0] if adapter else width,
                width=width,
                feedforward=shapes["vae.encoder.middle_block.linear1.weight"][0],
                heads=heads,
                vae_layers=_layers(shapes, "vae.encoder."),
                denoiser_layers=_layers(shapes, "denoiser.encoder."),
                trajectory_layers=_layers(shapes, "traj_encoder.encoder.") if control else 9,
                text_width=shapes["denoiser.emb_proj.1.weight"][1],
                adapter=adapter,
                text_relu=not adapter,
                condition_silu=adapter,
                student="denoiser.time_embedding.cond_proj.weight" in shapes,
                control=control,
            )
        except (KeyError, IndexError, ValueError) as error:
            raise UnsupportedCheckpoint(f"These weights are not a MotionLCM model: {error} is not there.") from None


def _layers(shapes: Mapping[str, tuple[int, ...]], prefix: str) -> int:
    names = {n[len(prefix) :].split(".")[1] for n in shapes if n.startswith(prefix + "input_blocks.")}
    return 2 * len(names) + 1
