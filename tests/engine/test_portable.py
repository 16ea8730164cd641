"""The NumPy runtime: its layers against their definitions, and the whole against torch on anything hypothesis finds."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr

from motionlcm_blender.errors import UnsupportedCheckpoint
from motionlcm_blender.networks.architecture import Architecture
from motionlcm_blender.networks.numpy_impl.layers import LayerNorm, gelu, silu, softmax_mix
from motionlcm_blender.networks.numpy_impl.network import PortableNetwork
from motionlcm_blender.networks.parameter_shapes import parameter_shapes
from motionlcm_blender.networks.samplers import lcm_sample
from tests.engine.golden import relative_error
from tests.synthetic_weights import synthetic_weights
from tests.tiny_model import TINY

torch = pytest.importorskip("torch")

TINY_V1 = replace(TINY, latent_tokens=1, latent_width=32, adapter=False, text_relu=True, condition_silu=False)
TEACHER = replace(TINY, student=False, control=False, trajectory_layers=9)
ARCHITECTURES = {
    "v2": TINY,
    "v1": TINY_V1,
    "teacher": TEACHER,
    "one block": replace(TINY, vae_layers=1),
    "velocity": replace(TINY, velocity=True),
}
seeds = st.integers(0, 2**32 - 1)


def test_gelu_is_the_exact_one() -> None:
    x = np.concatenate([np.linspace(-40, 40, 200_001), [0.0, -0.0, 1e-30, -1e-30, 1e4, -1e4, 1e9, -1e9]])
    x = x.astype(np.float32)
    exact = x.astype(np.float64) * ndtr(x.astype(np.float64))
    error = np.abs(gelu(x.copy()) - exact)
    assert error[np.abs(x) <= 4].max() < 6e-7
    assert (error <= 2.5e-7 * np.maximum(np.abs(x), 2)).all()


@given(seeds, st.floats(0.01, 30))
@settings(max_examples=30, deadline=None)
def test_layers_follow_their_definitions(seed: int, scale: float) -> None:
    random = np.random.default_rng(seed)
    x = (scale * random.standard_normal((2, 5, 16))).astype(np.float32)
    weight, bias = random.standard_normal((2, 16)).astype(np.float32)
    expected = torch.nn.functional.layer_norm(
        torch.from_numpy(x), (16,), torch.from_numpy(weight), torch.from_numpy(bias)
    )
    assert relative_error(LayerNorm(weight, bias)(x.copy()), expected.numpy()) < 1e-5
    assert relative_error(silu(x), torch.nn.functional.silu(torch.from_numpy(x)).numpy()) < 1e-6
    scores, values = x @ x.swapaxes(1, 2), x
    expected = torch.from_numpy(scores).softmax(-1) @ torch.from_numpy(values)
    assert relative_error(softmax_mix(scores.copy(), values), expected.numpy()) < 1e-5


@cache
def networks(kind: str) -> tuple[PortableNetwork, Any]:
    from motionlcm_blender.networks.torch_impl.network import MotionLCMNetwork

    weights = synthetic_weights(parameter_shapes(ARCHITECTURES[kind]), seed=7)
    return (
        PortableNetwork(weights, ARCHITECTURES[kind]),
        MotionLCMNetwork.from_weights(weights, ARCHITECTURES[kind]),
    )


def _close(portable: np.ndarray, reference: Any) -> None:
    assert portable.dtype == np.float32
    assert relative_error(portable, reference.numpy()) < 2e-5


def _normal(random: np.random.Generator, *shape: int) -> np.ndarray:
    return random.standard_normal(shape, dtype=np.float32)


@given(st.sampled_from(sorted(ARCHITECTURES)), seeds, st.integers(1, 3), st.integers(1, 60), st.booleans())
@settings(max_examples=40, deadline=None)
def test_vae_is_torchs(kind: str, seed: int, batch: int, frames: int, holes: bool) -> None:
    portable, reference = networks(kind)
    random = np.random.default_rng(seed)
    a = portable.architecture
    if holes:
        mask = random.random((batch, frames)) < 0.7
        mask[:, random.integers(frames)] = True
    else:
        mask = np.arange(frames)[None] < random.integers(1, frames + 1, (batch, 1))
    latents, features = _normal(random, batch, a.latent_tokens, a.latent_width), _normal(random, batch, frames, 263)
    for _ in range(2):  # the second time the start of the decoder is known
        _close(portable.decode(latents, mask), reference.decode(torch.from_numpy(latents), torch.from_numpy(mask)))
    assert (portable.decode(latents, mask)[~mask] == 0).all()
    for value, expected in zip(
        portable.vae.encode(features, mask),
        reference.vae.encode(torch.from_numpy(features), torch.from_numpy(mask)),
        strict=True,
    ):
        _close(value, expected)


@given(
    st.sampled_from(sorted(ARCHITECTURES)),
    seeds,
    st.integers(1, 3),
    st.integers(1, 30),
    st.integers(0, 999),
    st.floats(1, 20),
)
@settings(max_examples=40, deadline=None)
def test_denoiser_and_controlnet_are_torchs(
    kind: str, seed: int, batch: int, tokens: int, timestep: int, guidance: float
) -> None:
    portable, reference = networks(kind)
    random = np.random.default_rng(seed)
    a = portable.architecture
    latents = _normal(random, batch, a.latent_tokens, a.latent_width)
    text, condition = _normal(random, batch, tokens, a.text_width), _normal(random, *latents.shape)
    scale = guidance if a.student else None
    given_torch = (torch.from_numpy(latents), timestep, torch.from_numpy(text), scale)
    _close(portable.denoiser(latents, timestep, text, scale), reference.denoiser(*given_torch))
    if not a.control:
        return
    assert portable.controlnet is not None
    residuals = portable.controlnet(latents, timestep, text, scale, condition)
    expected = reference.controlnet(*given_torch, torch.from_numpy(condition))
    assert len(residuals) == len(expected) == a.denoiser_layers
    for value, reference_value in zip(residuals, expected, strict=True):
        _close(value, reference_value)
    _close(
        portable.denoiser(latents, timestep, text, scale, residuals),
        reference.denoiser(*given_torch, expected),
    )


@given(seeds, st.integers(1, 3), st.integers(1, 60), st.floats(0.01, 1))
@settings(max_examples=30, deadline=None)
def test_trajectory_encoder_is_torchs(seed: int, batch: int, frames: int, density: float) -> None:
    portable, reference = networks("v2")
    random = np.random.default_rng(seed)
    hints = _normal(random, batch, frames, 22, 3)
    mask = random.random(hints.shape) < density * (random.random((1, frames, 1, 1)) < density)
    hints[~mask] = np.nan if density > 0.5 else 3.0  # what is not given does not matter
    assert portable.traj_encoder is not None
    expected = reference.traj_encoder(torch.from_numpy(np.where(mask, hints, 0)), torch.from_numpy(mask))
    _close(portable.traj_encoder(hints, mask), expected)


@given(st.sampled_from(["v1", "v2"]), seeds, st.sampled_from([1, 2, 4]), st.booleans())
@settings(max_examples=15, deadline=None)
def test_sampling_is_torchs(kind: str, seed: int, steps: int, control: bool) -> None:
    portable, reference = networks(kind)
    random = np.random.default_rng(seed)
    a = portable.architecture
    shape = (2, a.latent_tokens, a.latent_width)
    latents, noises, condition = _normal(random, *shape), _normal(random, steps, *shape), _normal(random, *shape)
    text = _normal(random, 2, 5, a.text_width)
    value = lcm_sample(portable, text, latents, noises, steps, condition=condition if control else None)
    as_torch = [torch.from_numpy(x) for x in (text, latents, noises)]
    expected = lcm_sample(reference, *as_torch, steps, condition=torch.from_numpy(condition) if control else None)
    assert relative_error(value, expected.numpy()) < 1e-4


def test_takes_can_share_text_and_condition() -> None:
    portable, _ = networks("v2")
    random = np.random.default_rng(0)
    latents, text, condition = (_normal(random, *s) for s in ((3, 4, 8), (1, 6, 384), (1, 4, 8)))
    assert portable.controlnet is not None
    shared = portable.controlnet(latents, 799, text, 8.0, condition)
    apart = portable.controlnet(latents, 799, np.repeat(text, 3, 0), 8.0, np.repeat(condition, 3, 0))
    np.testing.assert_allclose(np.stack(shared), np.stack(apart), atol=1e-5)


def test_a_batch_is_its_items() -> None:
    portable, _ = networks("v2")
    random = np.random.default_rng(0)
    latents, text = _normal(random, 3, 4, 8), _normal(random, 3, 6, 384)
    together = portable.denoiser(latents, 799, text, 8.0)
    for i in range(3):
        alone = portable.denoiser(latents[i : i + 1], 799, text[i : i + 1], 8.0)
        np.testing.assert_allclose(together[i], alone[0], atol=1e-5)


def test_inputs_and_weights_stay_as_they_are() -> None:
    weights = synthetic_weights(parameter_shapes(TINY), seed=3)
    before = {name: array.copy() for name, array in weights.items()}
    network = PortableNetwork(weights, TINY)
    random = np.random.default_rng(0)
    hints, mask = _normal(random, 1, 20, 22, 3), np.ones((1, 20, 22, 3), bool)
    latents, text = _normal(random, 1, 4, 8), _normal(random, 1, 6, 384)
    copies = [hints.copy(), latents.copy(), text.copy()]
    assert network.traj_encoder is not None
    for _ in range(2):
        condition = network.traj_encoder(hints, mask)
        sample = lcm_sample(network, text, latents, None, 1, condition=condition)
        features = network.decode(sample, mask[..., 0, 0])
    assert np.isfinite(features).all()
    for array, copy in zip((hints, latents, text), copies, strict=True):
        np.testing.assert_array_equal(array, copy)
    for name, array in weights.items():
        np.testing.assert_array_equal(array, before[name])


def test_half_precision_and_read_only_weights_are_taken() -> None:
    weights = synthetic_weights(parameter_shapes(TINY), seed=3)
    half = {name: array.astype(np.float16) for name, array in weights.items()}
    for array in half.values():
        array.setflags(write=False)
    latents, mask = np.zeros((1, 4, 8), np.float32), np.ones((1, 12), bool)
    features = PortableNetwork(half).decode(latents, mask)
    assert features.dtype == np.float32 and features.shape == (1, 12, 263)


@pytest.mark.parametrize("damage", ["missing", "shape", "foreign"])
def test_weights_that_do_not_fit_are_refused(damage: str) -> None:
    weights = synthetic_weights(parameter_shapes(TINY), seed=3)
    architecture: Architecture | None = TINY
    if damage == "missing":
        del weights["denoiser.encoder.norm.weight"]
    elif damage == "shape":
        weights["vae.final_layer.bias"] = weights["vae.final_layer.bias"][:-1]
    else:
        weights, architecture = {"layer.weight": np.zeros((2, 2), np.float32)}, None
    with pytest.raises(UnsupportedCheckpoint):
        PortableNetwork(weights, architecture)
