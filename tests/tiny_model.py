"""A small random model folder: everything a real one has, made in milliseconds, moving near the rest pose."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from motionlcm_blender.motion.skeleton import HUMANML, PELVIS_HEIGHT
from motionlcm_blender.networks.architecture import Architecture
from motionlcm_blender.networks.model_folder import ModelFolder, write_model_folder
from motionlcm_blender.networks.parameter_shapes import parameter_shapes
from tests.synthetic_weights import synthetic_weights

TINY = Architecture(
    latent_tokens=4,
    latent_width=8,
    width=32,
    feedforward=64,
    heads=2,
    vae_layers=3,
    denoiser_layers=5,
    trajectory_layers=3,
    text_width=384,
)


def write_tiny_model(
    folder: str | Path, architecture: Architecture = TINY, seed: int = 1, half: bool = True
) -> ModelFolder:
    """Write the folder and open it. Text goes through the real MiniLM; half: weights in float16."""
    weights = synthetic_weights(parameter_shapes(architecture), seed)
    if half:
        weights = {name: array.astype(np.float16) for name, array in weights.items()}
    config = {
        "name": "tiny",
        "version": "0",
        "architecture": architecture.to_json(),
        "text_encoder": {"kind": "minilm", "name": "all-MiniLM-L6-v2", "tokens": "states", "max_states": 24},
        "guidance": {"1": 8.0, "2": 12.5, "4": 13.5},
        "frames": {"min": 8, "max": 196},
        "control": {"coordinates": "xz", "joints": [0, 10, 11, 15, 20, 21], "start": True},
        "licence": "CC0-1.0",
        "attribution": "",
        "training_data": "none: random numbers",
        "quality": {},
    }
    return write_model_folder(folder, config, weights, near_rest(), "# Tiny\n\nRandom numbers, for tests.\n")


def near_rest() -> dict[str, np.ndarray]:
    """Statistics that turn standard normal features into a figure that stands and trembles."""
    mean, std = np.zeros(263, np.float32), np.full(263, 0.01, np.float32)
    rest = HUMANML.rest
    mean[3] = PELVIS_HEIGHT
    mean[4:67] = (rest[1:] + [0.0, PELVIS_HEIGHT, 0.0]).ravel()
    mean[67:193] = np.tile([1, 0, 0, 0, 1, 0], 21)
    mean[259:263], std[259:263] = 0.5, 0.5
    hint_mean = (rest + [0.0, PELVIS_HEIGHT, 0.0]).astype(np.float32)
    return {"mean": mean, "std": std, "hint_mean": hint_mean, "hint_std": np.ones((22, 3), np.float32)}
