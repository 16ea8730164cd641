"""Weights of a smaller model as the beginning of a larger one (`training.growth`)."""

from __future__ import annotations

from dataclasses import replace

import pytest

torch = pytest.importorskip("torch")

from motionlcm_blender.networks.architecture import Architecture  # noqa: E402
from motionlcm_blender.networks.torch_impl.controlnet import TrajectoryEncoder  # noqa: E402
from motionlcm_blender.networks.torch_impl.denoiser import Denoiser  # noqa: E402
from motionlcm_blender.networks.torch_impl.vae import MotionVAE  # noqa: E402
from motionlcm_blender.training.growth import grown_weights, may_grow  # noqa: E402

SMALL = Architecture(
    latent_tokens=4,
    latent_width=16,
    width=32,
    feedforward=64,
    heads=4,
    vae_layers=3,
    denoiser_layers=3,
    trajectory_layers=3,
    text_width=24,
    velocity=True,
    student=False,
)
FRAMES = 48


def grown(network: type, wanted: Architecture) -> tuple[torch.nn.Module, torch.nn.Module]:
    """A small network with a motion-like output, and the larger one made of it."""
    torch.manual_seed(0)
    first = network(SMALL).eval()
    for parameter in first.parameters():
        if parameter.ndim == 1:  # norms and biases of trained networks are not 1 and 0
            parameter.data += 0.2 * torch.randn(parameter.shape)
    larger = network(wanted).eval()
    larger.load_state_dict(grown_weights(first.state_dict(), larger.state_dict(), SMALL, wanted))
    return first, larger


def relative(difference: torch.Tensor, value: torch.Tensor) -> float:
    return float(difference.norm() / value.norm())


def test_more_features_change_nothing_in_the_known_ones() -> None:
    first, larger = grown(MotionVAE, replace(SMALL, features=281))
    latents = torch.randn(2, 4, 16)
    mask = torch.ones(2, FRAMES, dtype=torch.bool)
    torch.testing.assert_close(larger.decode(latents, mask)[..., :263], first.decode(latents, mask))
    features = torch.randn(2, FRAMES, 263)
    more = torch.cat([features, torch.zeros(2, FRAMES, 18)], -1)
    with torch.no_grad():
        known = first.encode(features)[0]
        assert relative(larger.encode(more)[0] - known, known) < 1e-5  # 0 is the mean of the new features


@pytest.mark.parametrize("layers", [5, 9])
def test_a_deeper_denoiser_predicts_nearly_the_same(layers: int) -> None:
    first, larger = grown(Denoiser, replace(SMALL, denoiser_layers=layers))
    latents, text = torch.randn(3, 4, 16), torch.randn(3, 5, 24)
    with torch.no_grad():
        made, known = larger(latents, 400, text), first(latents, 400, text)
        fresh = Denoiser(replace(SMALL, denoiser_layers=layers)).eval()(latents, 400, text)
    assert relative(made - known, known) < 0.3 * relative(fresh - known, known)


def test_a_token_of_four_frames_starts_with_the_poses_of_one_frame_tokens() -> None:
    first, larger = grown(MotionVAE, replace(SMALL, frames_per_token=4))
    assert larger.final_layer.weight.shape[0] == 4 * 263
    torch.testing.assert_close(larger.final_layer.weight[263:526], first.final_layer.weight)
    torch.testing.assert_close(
        larger.query_pos_decoder.pe[3, 0], first.query_pos_decoder.pe[12:16, 0].mean(0)
    )  # frames 12 to 15
    tokens = first.global_motion_token.shape[0]
    torch.testing.assert_close(larger.query_pos_encoder.pe[:tokens], first.query_pos_encoder.pe[:tokens])
    # A constant motion enters as before, up to the small random part of the new inputs.
    pose = torch.randn(263)
    old, new = first.skel_embedding(pose), larger.skel_embedding(pose.repeat(4))
    assert relative(new.detach() - old.detach(), old.detach()) < 0.3


def test_hint_flags_start_almost_unread() -> None:
    first, larger = grown(TrajectoryEncoder, replace(SMALL, hint_flags=True))
    hints = torch.randn(2, FRAMES, 22, 3)
    mask = torch.rand(2, FRAMES, 22, 3) < 0.3
    with torch.no_grad():
        known = first(hints, mask)
        assert relative(larger(hints, mask) - known, known) < 0.3


def test_only_larger_architectures_may_begin_from_one() -> None:
    assert may_grow(SMALL, replace(SMALL, features=281, frames_per_token=4, vae_layers=9, latent_width=24))
    for other in (
        replace(SMALL, latent_width=8),
        replace(SMALL, width=64),
        replace(SMALL, vae_layers=1),
        replace(SMALL, features=131),
    ):
        assert not may_grow(SMALL, other)
    assert not may_grow(replace(SMALL, frames_per_token=4), replace(SMALL, frames_per_token=2))
