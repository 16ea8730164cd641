"""Batched generation gives the same as one at a time; reconstruction errors of known size."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from evaluation_data import Words, write_data  # noqa: E402
from safetensors.torch import save_file  # noqa: E402
from synthetic_motion import gestures, walk  # noqa: E402
from tiny_model import TINY, write_tiny_model  # noqa: E402

from motionlcm_blender import MotionLCM, Request  # noqa: E402
from motionlcm_blender.errors import ModelFolderError, TrainingDataError  # noqa: E402
from motionlcm_blender.motion.features import canonical, features_from_joints, joints_from_features  # noqa: E402
from motionlcm_blender.networks.samplers import ddim_sample  # noqa: E402
from motionlcm_blender.networks.torch_impl.denoiser import Denoiser  # noqa: E402
from motionlcm_blender.training.data.motion_data import load_motion_data  # noqa: E402
from motionlcm_blender.training.evaluation import reconstruction  # noqa: E402
from motionlcm_blender.training.evaluation.generation import (  # noqa: E402
    Prompt,
    generate_features,
    generate_joints,
    load_teacher,
    reconstruct,
    student_sampler,
    teacher_sampler,
    text_batch,
)
from tests.repeated import NETWORK, assert_same_output  # noqa: E402

PROMPTS = [
    Prompt("a person walks forward and waves with both arms.", 30),
    Prompt("jump", 52),
    Prompt("a person sits down.", 24),
]


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> MotionLCM:
    folder = write_tiny_model(tmp_path_factory.mktemp("tiny"))
    loaded = MotionLCM.from_folder(folder.path, "cpu")
    return MotionLCM(loaded.backend, loaded.stats, Words(), folder)


@pytest.fixture(scope="module")
def teacher_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(3)
    file = tmp_path_factory.mktemp("teacher") / "teacher.safetensors"
    save_file(Denoiser(replace(TINY, student=False)).state_dict(), file)
    return file


@pytest.mark.parametrize("steps", [1, 2, 4])
def test_a_batch_gives_what_single_requests_give(model: MotionLCM, steps: int) -> None:
    made = generate_features(model, PROMPTS, student_sampler(steps), seed=5, batch=2)
    for k, prompt in enumerate(PROMPTS):
        noise = np.random.default_rng((5, k)).standard_normal((4, 4, 8), dtype=np.float32)
        text = torch.from_numpy(model.encode_prompt(prompt.caption, prompt.frames)[None])
        start, others = torch.from_numpy(noise[:1]), torch.from_numpy(noise[1:, None])
        latents = model.sample(text, steps, latents=start, noises=others)
        decoded = model.vae.decode(latents, torch.ones(1, prompt.frames, dtype=torch.bool))[0].numpy()
        expected = decoded * model.stats["std"] + model.stats["mean"]
        assert made[k].shape == (prompt.frames, 263)
        np.testing.assert_allclose(made[k], expected, atol=2e-5)
    joints = generate_joints(model, PROMPTS, student_sampler(steps), seed=5)
    np.testing.assert_allclose(joints[1], joints_from_features(made[1]), atol=1e-4)


def test_seeds_decide(model: MotionLCM) -> None:
    one, same, other = (generate_features(model, PROMPTS, student_sampler(1), seed)[0] for seed in (1, 1, 2))
    assert_same_output(one, same)
    assert np.abs(one - other).max() > 10 * NETWORK * np.abs(one).max()


def test_the_teacher_is_guided_away_from_the_empty_prompt(model: MotionLCM, teacher_file: Path) -> None:
    teacher = load_teacher(teacher_file, model, steps=10, guidance=7.5)
    noise = torch.randn(4, 3, 4, 8, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        together = teacher_sampler(teacher)(model, PROMPTS, noise)
        for k, prompt in enumerate(PROMPTS):
            text, null = (
                torch.from_numpy(model.encode_prompt(caption, prompt.frames)[None]) for caption in (prompt.caption, "")
            )
            alone = ddim_sample(teacher, text, null, noise[0, k : k + 1], 10, 7.5)
            torch.testing.assert_close(together[k : k + 1], alone, atol=2e-4, rtol=1e-3)
        unguided = teacher_sampler(replace(teacher, guidance=1.0))(model, PROMPTS, noise)
    assert (together - unguided).abs().max() > 1e-2
    null_text, null_mask = text_batch(model, [Prompt("", 30), Prompt("", 52)])
    assert null_text.shape == (2, 2, 384) and null_mask.all()  # the length and the sentence vector, no words
    assert not torch.equal(null_text[0, 0], null_text[1, 0])


def test_only_this_models_teacher_is_taken(model: MotionLCM, tmp_path: Path) -> None:
    save_file(model.denoiser.state_dict(), tmp_path / "student.safetensors")
    with pytest.raises(TrainingDataError, match=r"student\.safetensors does not hold the teacher"):
        load_teacher(tmp_path / "student.safetensors", model)
    with pytest.raises(ModelFolderError, match="missing"):
        load_teacher(tmp_path / "none.safetensors", model)


def test_numpy_is_refused(model: MotionLCM) -> None:
    assert model.folder is not None
    portable = MotionLCM.from_folder(model.folder.path, "numpy")
    with pytest.raises(TrainingDataError, match="PyTorch"):
        generate_features(portable, PROMPTS, student_sampler(1), 0)


def test_reconstruction_in_batches(model: MotionLCM) -> None:
    features = [features_from_joints(canonical(j)) for j in (walk(50), gestures(35, seed=1)[0], walk(41))]
    together = reconstruct(model, features, batch=2)
    for one, expected in zip(features, together, strict=True):
        np.testing.assert_allclose(reconstruct(model, [one])[0], expected, atol=2e-4)
    drawn = reconstruct(model, features, np.random.default_rng(0))
    assert np.abs(drawn[0] - together[0]).max() > 1e-4


def test_errors_of_a_shifted_pelvis(model: MotionLCM, monkeypatch: pytest.MonkeyPatch) -> None:
    """The root 10 cm too high moves the pelvis alone, since the other heights are given over the floor."""
    features = [features_from_joints(canonical(j)) for j in (walk(50), walk(30))]

    def higher(model: MotionLCM, features: list[np.ndarray], generator: object) -> list[np.ndarray]:
        made = [f.copy() for f in features]
        for f in made:
            f[:, 3] += 0.1
        return made

    monkeypatch.setattr(reconstruction, "reconstruct", higher)
    found = reconstruction.measure_reconstruction(model, features)
    expected = {"mpjpe_mm": 100 / 22, "pelvis_mm": 100.0, "mpjpe_root_mm": 100 * 21 / 22}
    assert found == pytest.approx(expected, abs=1e-3)


def test_whole_clips_are_cut(tmp_path: Path) -> None:
    data = load_motion_data(write_data(tmp_path, each=2))
    data.clips["slow_1"] = walk(196 + 100)
    data.clips["fast_1"] = walk(196 + 15)
    lengths = sorted(len(f) for f in reconstruction.whole_clips(data, test=True))
    # 296 frames: 196 and 99 steps; 211: 196, and a rest that is too short; left_1 and wave_1 have 61 frames.
    assert lengths == [60, 60, 99, 196, 196]
    assert len(reconstruction.whole_clips(data, test=False, limit=2)) == 2
    data.clips.clear()
    with pytest.raises(TrainingDataError, match="too short"):
        reconstruction.whole_clips(data, test=True)


def test_the_networks_own_result_is_what_generate_starts_from(model: MotionLCM) -> None:
    """The request's seeds, not the evaluation's: what the control and quality measures read."""
    from motionlcm_blender.motion.features import standing_joints
    from motionlcm_blender.motion.metrics import foot_skate

    shown = MotionLCM(model.backend, model.stats, Words(), model.folder)
    request = Request("a person walks.", 40, seed=3)
    raw, finished = shown.features(request), shown.generate(request)[0]
    assert raw.shape == (1, 40, 263)
    assert finished.report["network_foot_skate_cm_s"] == pytest.approx(foot_skate(standing_joints(raw[0])))
