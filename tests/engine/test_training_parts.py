"""Parts of training by themselves: the optimizer, the hints shown, the losses of control."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from synthetic_motion import walk  # noqa: E402
from tiny_model import TINY  # noqa: E402

from motionlcm_blender.motion.features import canonical, features_from_joints  # noqa: E402
from motionlcm_blender.motion.skeleton import CONTROLLED_JOINTS  # noqa: E402
from motionlcm_blender.networks.torch_impl.torch_features import joints_from_features  # noqa: E402
from motionlcm_blender.networks.torch_impl.vae import MotionVAE  # noqa: E402
from motionlcm_blender.training.data.hint_patterns import PatternShares, hint_mask, packed_hints, unpacked_hints  # noqa: E402
from motionlcm_blender.training.optimizer import Muon, make_optimizer, orthogonalised  # noqa: E402
from motionlcm_blender.training.stages.control_stage import hint_loss, standing_loss  # noqa: E402
from motionlcm_blender.training.stages.latent_batches import guidance_scales  # noqa: E402
from motionlcm_blender.training.stages.vae_stage import feature_weights  # noqa: E402


@given(rows=st.integers(2, 24), columns=st.integers(2, 24), seed=st.integers(0, 99))
@settings(max_examples=25, deadline=None)
def test_orthogonalised_matrices_keep_their_singular_vectors(rows: int, columns: int, seed: int) -> None:
    matrix = torch.randn(2, rows, columns, generator=torch.Generator().manual_seed(seed))
    u, values, v = torch.linalg.svd(matrix, full_matrices=False)
    made = orthogonalised(matrix)
    inside = u.mT @ made @ v.mT
    diagonal = inside.diagonal(dim1=-2, dim2=-1)
    torch.testing.assert_close(inside, torch.diag_embed(diagonal), atol=1e-3, rtol=0)
    large = values > 0.05 * values.max()
    assert (diagonal[large] > 0.5).all() and (diagonal[large] < 1.3).all()


def test_muon_solves_a_least_squares_problem_and_splits_packed_projections() -> None:
    generator = torch.Generator().manual_seed(0)
    wanted = torch.randn(24, 8, generator=generator)
    parameter = torch.nn.Parameter(torch.zeros(24, 8))
    optimizer = Muon([parameter], lr=0.1)
    first = None
    for step in range(200):
        loss = (parameter - wanted).square().mean()
        first = first or float(loss.detach())
        optimizer.zero_grad()
        loss.backward()
        optimizer.param_groups[0]["lr"] = 0.1 * (1 - step / 200)
        optimizer.step()
    assert float(loss.detach()) < 0.01 * first
    alone = torch.nn.Parameter(torch.zeros(8, 8))
    packed = torch.nn.Parameter(torch.zeros(24, 8))
    gradient = torch.randn(24, 8, generator=generator)
    packed.grad, alone.grad = gradient.clone(), gradient[8:16].clone()
    Muon([packed], lr=0.1).step()
    Muon([alone], lr=0.1).step()
    torch.testing.assert_close(packed.detach()[8:16], alone.detach(), atol=1e-6, rtol=1e-4)


def test_the_optimizer_takes_every_parameter_once_and_comes_back() -> None:
    vae = MotionVAE(TINY)
    together = make_optimizer(vae, 1e-3, 1e-2)
    taken = [p for group in together.param_groups for p in group["params"]]
    assert len(taken) == len({id(p) for p in taken}) == len(list(vae.parameters()))
    matrices = {id(p) for p in together.optimizers[1].param_groups[0]["params"]}
    names = {n for n, p in vae.named_parameters() if id(p) in matrices}
    assert "encoder.middle_block.linear1.weight" in names and "final_layer.weight" not in names
    together.set_rate(0.5)
    assert [g["lr"] for g in together.param_groups] == [5e-4, 5e-3]
    for p in vae.parameters():
        p.grad = torch.ones_like(p)
    together.step()
    again = make_optimizer(vae, 1e-3, 1e-2)
    again.load_state_dict(together.state_dict())
    assert again.state_dict()["optimizers"][1]["state"].keys() == together.state_dict()["optimizers"][1]["state"].keys()
    assert len(make_optimizer(vae, 1e-3, 0.0).optimizers) == 1


@given(seed=st.integers(0, 10_000), length=st.integers(20, 196))
@settings(max_examples=40, deadline=None)
def test_every_motion_gets_hints_inside_its_length(seed: int, length: int) -> None:
    frames = torch.arange(196)[None] < torch.tensor([[length], [196], [20]])
    straight = np.array([True, False, seed % 2 == 0])
    mask = hint_mask(frames, straight, PatternShares(), torch.Generator().manual_seed(seed))
    assert mask.flatten(1).any(1).all()
    assert not mask[~frames].any()
    assert torch.equal(unpacked_hints(packed_hints(mask), 196), mask)


def test_all_patterns_are_shown() -> None:
    frames = torch.ones(400, 60, dtype=torch.bool)
    shares, generator = PatternShares(), torch.Generator().manual_seed(1)
    path = hint_mask(frames, np.ones(400, bool), shares, generator).numpy()
    six = list(CONTROLLED_JOINTS)
    start = path[:, :2, six].all((1, 2, 3))
    plain = ~path[:, :, 1:].any((1, 2, 3)) & ~path[:, :, 0, 1].any(1)  # a path alone never gives a height
    dense = path[:, :, 0, 0].all(1)
    assert path[:, 0, 0, 0].all() and path[:, -1, 0, 2].all()  # a path is given of each, its ends always
    assert 80 < start.sum() < 180 and 180 < plain.sum() < 270 and 300 < dense.sum() < 400
    assert (~start & ~plain).sum() > 30
    other = hint_mask(frames, np.zeros(400, bool), shares, generator).numpy()
    start = other[:, :2, six].all((1, 2, 3))
    assert 150 < start.sum() < 260 and other[start].any((2, 3)).sum(1).max() > 30
    single = other[~start]
    outside = [j for j in range(22) if j not in CONTROLLED_JOINTS]
    assert not single[:, :, outside].any() and (single.all(-1) == single.any(-1)).all()
    assert {1, 2, 5, 15, 60} <= set(single.any((2, 3)).sum(1).tolist())


def test_guidance_covers_its_range_with_more_at_the_low_end() -> None:
    scales = guidance_scales((1.0, 15.0), 4000, torch.Generator().manual_seed(0))
    assert float(scales.min()) < 1.1 and float(scales.max()) > 14.5
    assert float(scales.median()) == pytest.approx(1 + 14 * 0.25, abs=0.4)


def test_control_losses_are_zero_for_the_truth_and_see_what_they_should() -> None:
    features = torch.from_numpy(features_from_joints(canonical(walk(41)))[None].astype(np.float32))
    joints = joints_from_features(features)
    frames = torch.ones(1, 40, dtype=torch.bool)
    mask = torch.zeros(1, 40, 22, 3, dtype=torch.bool)
    mask[:, 5, 20] = True
    loss, metres = hint_loss(joints, joints, mask)
    assert float(loss) == 0.0 and float(metres) == 0.0
    moved = joints + torch.tensor([0.3, 0.0, 0.4])
    assert float(hint_loss(moved, joints, mask)[1]) == pytest.approx(0.5, abs=1e-5)
    sliding = joints + torch.arange(40)[None, :, None, None] * torch.tensor([0.05, 0.0, 0.0])
    still, slid = standing_loss(features, joints, frames), standing_loss(features, sliding, frames)
    assert float(slid) == pytest.approx(1.0, abs=0.4) and float(still) < 0.35


def test_root_and_joints_count_more_than_rotations() -> None:
    weights = feature_weights()
    assert weights.shape == (281,) and weights[0] > weights[10] > weights[200] > weights[100]
    assert 0.5 < weights.mean() < 1.5
