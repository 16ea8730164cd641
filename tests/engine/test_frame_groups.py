"""Several frames in one token: PyTorch and NumPy agree, one frame a token is the published layout."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from motionlcm_blender.networks.architecture import Architecture  # noqa: E402
from motionlcm_blender.networks.numpy_impl.network import PortableNetwork  # noqa: E402
from motionlcm_blender.networks.parameter_shapes import parameter_shapes  # noqa: E402
from motionlcm_blender.networks.torch_impl.frame_groups import group_frames, hold_last_frame, split_frames, token_mask  # noqa: E402
from motionlcm_blender.networks.torch_impl.network import MotionLCMNetwork  # noqa: E402

SMALL = Architecture(
    latent_tokens=4,
    latent_width=8,
    width=16,
    feedforward=32,
    heads=2,
    vae_layers=3,
    denoiser_layers=3,
    trajectory_layers=3,
    text_width=12,
    features=281,
    frames_per_token=4,
    hint_flags=True,
    velocity=True,
)


@given(frames=st.integers(1, 30), group=st.integers(1, 5))
@settings(max_examples=40, deadline=None)
def test_frames_come_back_from_their_tokens(frames: int, group: int) -> None:
    values = torch.arange(2 * frames * 3, dtype=torch.float32).view(2, frames, 3)
    tokens = group_frames(values, group)
    assert tokens.shape == (2, -(-frames // group), 3 * group)
    assert torch.equal(split_frames(tokens, frames, group), values)
    mask = torch.arange(frames)[None] < torch.tensor([[frames], [max(1, frames // 2)]])
    there = token_mask(mask, group)
    assert there.sum(1).tolist() == [-(-frames // group), -(-max(1, frames // 2) // group)]
    held = hold_last_frame(values, mask, group)
    last = max(1, frames // 2)
    end = -(-last // group) * group
    assert torch.equal(held[1, last:end], values[1, last - 1].expand(end - last, 3))
    assert not held[1, end:].any()


def test_both_runtimes_agree_on_any_length() -> None:
    network = MotionLCMNetwork(SMALL).eval()
    generator = torch.Generator().manual_seed(3)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.3, generator=generator)
    weights = {name: value.numpy() for name, value in network.state_dict().items()}
    assert {name: value.shape for name, value in weights.items()} == parameter_shapes(SMALL)
    portable = PortableNetwork(weights, SMALL)
    random = np.random.default_rng(0)
    features = random.standard_normal((2, 30, 281)).astype(np.float32)
    mask = np.arange(30)[None] < np.array([[30], [17]])
    hints = random.standard_normal((2, 30, 22, 3)).astype(np.float32)
    given = random.random((2, 30, 22, 3)) < 0.02
    with torch.no_grad():
        mean, std = network.vae.encode(torch.from_numpy(features), torch.from_numpy(mask))
        decoded = network.vae.decode(mean, torch.from_numpy(mask))
        condition = network.traj_encoder(torch.from_numpy(hints), torch.from_numpy(given))
    np.testing.assert_allclose(portable.vae.encode(features, mask)[0], mean.numpy(), atol=1e-5)
    np.testing.assert_allclose(portable.vae.encode(features, mask)[1], std.numpy(), atol=1e-5)
    np.testing.assert_allclose(portable.vae.decode(mean.numpy(), mask), decoded.numpy(), atol=1e-5)
    np.testing.assert_allclose(portable.traj_encoder(hints, given), condition.numpy(), atol=1e-5)
    # What lies behind the end of a motion does not matter.
    features[1, 17:] = 7.0
    np.testing.assert_allclose(portable.vae.encode(features, mask)[0][1], mean.numpy()[1], atol=1e-5)


def test_the_trajectory_encoder_distinguishes_a_hint_at_the_mean_from_none() -> None:
    network = MotionLCMNetwork(SMALL).eval()
    hints, given = torch.zeros(1, 8, 22, 3), torch.zeros(1, 8, 22, 3, dtype=torch.bool)
    given[0, 3, 0] = True
    other = given.clone()
    other[0, 3, 20] = True
    with torch.no_grad():
        assert not torch.allclose(network.traj_encoder(hints, given), network.traj_encoder(hints, other), atol=1e-4)


def test_published_sizes_have_the_published_layout() -> None:
    published = Architecture()
    assert parameter_shapes(published)["vae.skel_embedding.weight"] == (256, 263)
    assert parameter_shapes(published)["traj_encoder.skel_embedding.weight"] == (256, 66)
    grouped = parameter_shapes(replace(published, frames_per_token=4, hint_flags=True, features=281))
    assert grouped["vae.final_layer.weight"] == (4 * 281, 256)
    assert grouped["traj_encoder.skel_embedding.weight"] == (256, 4 * 132)
