"""The lapped VAE: PyTorch and NumPy agree, its transform can be fitted and turned, its sizes are checked."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from motionlcm_blender.motion.skeleton import MAX_FRAMES  # noqa: E402
from motionlcm_blender.networks.numpy_impl.network import PortableNetwork  # noqa: E402
from motionlcm_blender.networks.parameter_shapes import check_shapes  # noqa: E402
from motionlcm_blender.networks.torch_impl.denoiser import Denoiser  # noqa: E402
from motionlcm_blender.networks.torch_impl.lapped_vae import LappedVAE  # noqa: E402
from motionlcm_blender.networks.torch_impl.network import MotionLCMNetwork  # noqa: E402
from motionlcm_blender.training.bench import random_pool  # noqa: E402
from motionlcm_blender.training.growth import grown_weights, may_grow  # noqa: E402
from motionlcm_blender.training.stages.lapped_stage import (  # noqa: E402
    LinearPart,
    start_from_components,
    turn_to_principal_axes,
)
from motionlcm_blender.training.stages.vae_stage import WindowBatches  # noqa: E402
from tests.engine.test_frame_groups import SMALL as GROUPED  # noqa: E402

SMALL = replace(GROUPED, latent_tokens=17, lapped_frames=24)


@pytest.fixture(scope="module")
def networks() -> tuple[MotionLCMNetwork, PortableNetwork]:
    torch.manual_seed(0)
    network = MotionLCMNetwork(SMALL).eval()
    torch.nn.init.normal_(network.vae.final_layer.weight, std=0.1)  # so that the refiner does something
    weights = {name: value.detach().numpy() for name, value in network.state_dict().items()}
    check_shapes({name: value.shape for name, value in weights.items()}, SMALL)
    return network, PortableNetwork(weights, SMALL)


@given(frames=st.integers(1, MAX_FRAMES), seed=st.integers(0, 100))
@settings(max_examples=15, deadline=None)
def test_numpy_and_pytorch_agree(networks: tuple[MotionLCMNetwork, PortableNetwork], frames: int, seed: int) -> None:
    network, portable = networks
    features = np.random.default_rng(seed).standard_normal((2, MAX_FRAMES, 281)).astype(np.float32)
    mask = np.arange(MAX_FRAMES)[None] < np.array([[frames], [max(1, frames // 2)]])
    with torch.no_grad():
        mean, std = network.vae.encode(torch.from_numpy(features), torch.from_numpy(mask))
        decoded = network.vae.decode(mean, torch.from_numpy(mask[:, :frames]))
    own_mean, own_std = portable.vae.encode(features, mask)
    np.testing.assert_allclose(own_mean, mean, atol=1e-4)
    np.testing.assert_allclose(own_std, std, atol=1e-6)
    np.testing.assert_allclose(portable.vae.decode(own_mean, mask[:, :frames]), decoded, atol=1e-4)
    assert not decoded[1, max(1, frames // 2) :].any()


def test_frames_beyond_the_end_change_no_latent(networks: tuple[MotionLCMNetwork, PortableNetwork]) -> None:
    vae = networks[0].vae
    features = torch.randn(1, 100, 281)
    mask = torch.arange(100)[None] < 60
    with torch.no_grad():
        torch.testing.assert_close(vae.encode(features, mask)[0], vae.encode(features[:, :60])[0])


def test_every_frame_lies_in_a_window() -> None:
    starts = np.arange(SMALL.latent_tokens) * SMALL.lapped_hop - SMALL.lapped_lead
    covered = {int(frame) for start in starts for frame in range(start, start + SMALL.lapped_frames)}
    assert set(range(MAX_FRAMES)) <= covered
    assert SMALL.lapped_lead >= 0


def test_the_transform_starts_near_what_it_must_keep() -> None:
    pool, normalisation = random_pool(281)
    # Motion of twelve kinds that changes slowly, so that it fits into a short code.
    generator = np.random.default_rng(3)
    slow = np.cumsum(generator.standard_normal((len(pool.features), 12)), 0) * 0.002
    pool.features[:] = (slow - slow.mean(0)) @ generator.standard_normal((12, 281))
    vae = LappedVAE(replace(SMALL, latent_width=40))
    start_from_components(vae, pool, normalisation, 0)
    linear = LinearPart(vae)
    features = torch.from_numpy(pool.features[None, :60].astype(np.float32) / normalisation.std)
    mask = torch.ones(1, 60, dtype=torch.bool)
    with torch.no_grad():
        decoded = linear.decode(linear.encode(features, mask)[0], mask)
    inner = slice(12, 48)
    error = (decoded - features)[:, inner].square().mean() / features[:, inner].square().mean()
    assert error < 0.1


def test_turned_latents_decode_to_the_same_motion() -> None:
    torch.manual_seed(1)
    pool, normalisation = random_pool(281)
    vae, batches = LappedVAE(SMALL).eval(), WindowBatches(pool, normalisation, 4)
    vae.analysis.weight.data *= torch.arange(1, 9)[:, None]
    features, _, mask = batches.draw(torch.Generator().manual_seed(2), 1200, MAX_FRAMES)
    with torch.no_grad():
        before = vae.linear(vae.encode(features, mask)[0])
        turn_to_principal_axes(vae, batches, 3)
        latents = vae.encode(features, mask)[0]
        torch.testing.assert_close(vae.linear(latents), before, atol=2e-4, rtol=1e-3)
    # Strong axes first, mean square about 1.
    deviation = latents.flatten(0, 1).std(0)
    assert deviation[0] > 1.5 * deviation[-1]
    assert 0.3 < float(latents.square().mean()) < 3.0


def test_a_denoiser_keeps_its_blocks_when_the_latents_change() -> None:
    first = replace(SMALL, latent_tokens=16, lapped_frames=0, student=False)
    wanted = replace(SMALL, student=False)
    assert may_grow(first, wanted)
    small, large = Denoiser(first), Denoiser(wanted)
    grown = grown_weights(small.state_dict(), large.state_dict(), first, wanted)
    large.load_state_dict(grown)
    torch.testing.assert_close(large.encoder.middle_block.linear1.weight, small.encoder.middle_block.linear1.weight)
    assert not torch.equal(large.latent_pre.weight, small.latent_pre.weight)
    torch.testing.assert_close(large.query_pos.pe[17:40], small.query_pos.pe[16:39])  # time and text keep theirs
