"""All networks of a MotionLCM model in PyTorch, under their official names."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

from ...array_types import FloatArray
from ...errors import UnsupportedCheckpoint
from ..architecture import Architecture
from .controlnet import ControlNet, TrajectoryEncoder
from .denoiser import Denoiser
from .lapped_vae import vae_of


class MotionLCMNetwork(nn.Module):
    """All networks: `vae`, `denoiser` and, with control, `controlnet` and `traj_encoder`."""

    controlnet: ControlNet | None
    traj_encoder: TrajectoryEncoder | None

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.architecture = architecture
        self.vae = vae_of(architecture)
        self.denoiser = Denoiser(architecture)
        self.controlnet = ControlNet(architecture) if architecture.control else None
        self.traj_encoder = TrajectoryEncoder(architecture) if architecture.control else None

    def decode(self, latents: Tensor, mask: Tensor) -> Tensor:
        """Decode latents, as `vae.decode`; the NumPy network has the same method."""
        return self.vae.decode(latents, mask)

    @classmethod
    def from_weights(
        cls, weights: Mapping[str, FloatArray | Tensor], architecture: Architecture | None = None
    ) -> MotionLCMNetwork:
        """Build the networks and load weights strictly, in evaluation mode.

        Args:
            weights: All parameters by official name.
            architecture: The sizes; None: inferred from the shapes.

        Returns:
            The networks.

        Raises:
            UnsupportedCheckpoint: Names or shapes differ.
        """
        architecture = architecture or Architecture.from_shapes({n: tuple(w.shape) for n, w in weights.items()})
        network = cls(architecture)
        state = {
            n: torch.as_tensor(np.array(w) if isinstance(w, np.ndarray) else w).float() for n, w in weights.items()
        }
        try:
            network.load_state_dict(state, strict=True)
        except RuntimeError as error:
            problem = str(error).strip().splitlines()[-1].strip()
            raise UnsupportedCheckpoint(f"The weights do not fit the model they claim to be: {problem}") from error
        return network.eval().requires_grad_(False)
