"""The golden vectors (MODEL.md section 6), and each of their values worked out again by a network."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from motionlcm_blender.motion.features import joints_from_features
from motionlcm_blender.networks.architecture import Architecture
from motionlcm_blender.networks.noise_schedule import ddim_timesteps
from motionlcm_blender.networks.samplers import ddim_sample, default_guidance, lcm_sample, student_timesteps
from tests.synthetic_weights import synthetic_weights

DATA = Path(__file__).parent / "data"
VERSIONS = ("v1", "v2")
INPUTS = {"seed", "lengths", "features", "text_emb", "uncond_text_emb", "hint", "hint_mask", "latents", "noises"}


@cache
def golden(version: str) -> dict[str, np.ndarray]:
    with np.load(DATA / f"golden_{version}.npz") as file:
        return dict(file)


@cache
def official_weights(version: str) -> dict[str, np.ndarray]:
    shapes = json.loads((DATA / f"keys_{version}.json").read_text())
    return synthetic_weights({name: tuple(shape) for name, shape in shapes.items()}, int(golden(version)["seed"]))


@cache
def official_architecture(version: str) -> Architecture:
    return Architecture.from_shapes({name: array.shape for name, array in official_weights(version).items()})


def teacher_weights(version: str) -> tuple[dict[str, np.ndarray], Architecture]:
    """The same denoiser without the guidance projection, and without ControlNet."""
    weights = {n: w for n, w in official_weights(version).items() if n.startswith(("vae.", "denoiser."))}
    del weights["denoiser.time_embedding.cond_proj.weight"]
    return weights, replace(official_architecture(version), student=False, control=False)


def recomputed(
    version: str, student: Any, teacher: Any, array: Callable[[np.ndarray], Any]
) -> Iterator[tuple[str, Any]]:
    """(key, value) for every output in the golden file. array: NumPy to what the networks take."""
    g = golden(version)
    text, latents, noises = array(g["text_emb"]), array(g["latents"]), array(g["noises"])
    mask = array(np.arange(g["features"].shape[1])[None] < g["lengths"][:, None])
    architecture = student.architecture

    yield from zip(("vae_mu", "vae_std"), student.vae.encode(array(g["features"]), mask), strict=True)
    yield "vae_decode", student.vae.decode(latents, mask)
    condition = student.traj_encoder(array(g["hint"]), array(g["hint_mask"] != 0))
    yield "traj_cond", condition

    timestep, guidance = student_timesteps(architecture, 1)[0], default_guidance(architecture, 1)
    yield "eps", student.denoiser(latents, timestep, text, guidance)
    residuals = student.controlnet(latents, timestep, text, guidance, condition)
    yield from ((f"residual_{i}", residual) for i, residual in enumerate(residuals))
    yield "eps_ctrl", student.denoiser(latents, timestep, text, guidance, residuals)

    for steps in (1, 2, 4):
        yield f"timesteps_{steps}", np.array(student_timesteps(architecture, steps))
        yield f"guidance_{steps}", np.array(default_guidance(architecture, steps))
        yield f"latents_{steps}", lcm_sample(student, text, latents, noises, steps)
        controlled = lcm_sample(student, text, latents, noises, steps, condition=condition)
        yield f"latents_{steps}_ctrl", controlled
    yield "decoded_4_ctrl", student.decode(controlled, mask)

    yield "ddim_timesteps", np.array(ddim_timesteps(50))
    null_text = array(np.repeat(g["uncond_text_emb"], len(g["text_emb"]), 0))
    yield "latents_ddim50", ddim_sample(teacher, text, null_text, latents)
    yield "joints_from_features", joints_from_features(g["features"])


def relative_error(value: np.ndarray, reference: np.ndarray) -> float:
    assert value.shape == reference.shape
    scale = max(float(np.abs(reference).max()), 1e-30)
    return float(np.abs(value.astype(np.float64) - reference).max()) / scale
