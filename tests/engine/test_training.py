"""Training: augmentation keeps motion natural, losses match their definitions, runs resume, the whole chain works."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from safetensors.numpy import load_file  # noqa: E402
from synthetic_motion import gestures, walk  # noqa: E402
from tiny_model import write_tiny_model  # noqa: E402

from motionlcm_blender import MotionLCM, Request  # noqa: E402
from motionlcm_blender.errors import TrainingDataError  # noqa: E402
from motionlcm_blender.generation.request import Hints  # noqa: E402
from motionlcm_blender.motion import features as motion_features  # noqa: E402
from motionlcm_blender.motion.head_hands import HEAD_HANDS  # noqa: E402
from motionlcm_blender.networks.architecture import Architecture  # noqa: E402
from motionlcm_blender.networks.torch_impl.torch_features import joints_from_features, root_from_features  # noqa: E402
from motionlcm_blender.text.text_tokens import state_tokens  # noqa: E402
from motionlcm_blender.training.config import BUNDLED, TrainingConfig, config_from, load_config  # noqa: E402
from motionlcm_blender.training.data import augmentation  # noqa: E402
from motionlcm_blender.training.data.captions import CaptionTokens  # noqa: E402
from motionlcm_blender.training.data.motion_data import load_motion_data, mirror_caption  # noqa: E402
from motionlcm_blender.training.data.pool import Pool, build_pool  # noqa: E402
from motionlcm_blender.training.loop import LoopSettings, TrainingLoop  # noqa: E402
from motionlcm_blender.training.precision import Precision, bfloat16_pays  # noqa: E402
from motionlcm_blender.training.stages.distillation_stages import consistency, scales  # noqa: E402
from motionlcm_blender.training.stages.run import Run  # noqa: E402
from motionlcm_blender.training.stages.teacher_trajectories import Trajectories  # noqa: E402
from tests.repeated import assert_same_training  # noqa: E402


def travelled(joints: np.ndarray) -> float:
    """Metres the pelvis covers on the floor."""
    return float(np.linalg.norm(np.diff(joints[:, 0][:, [0, 2]], axis=0), axis=-1).sum())


@given(seed=st.integers(0, 1000), frames=st.integers(2, 40))
@settings(max_examples=25, deadline=None)
def test_joints_in_torch_are_those_of_the_engine(seed: int, frames: int) -> None:
    values = np.random.default_rng(seed).normal(0, 0.3, (2, frames, 263)).astype(np.float32)
    expected = motion_features.joints_from_features(values)
    made = joints_from_features(torch.from_numpy(values))
    np.testing.assert_allclose(made.numpy(), expected, atol=2e-4)
    root, _ = root_from_features(torch.from_numpy(values))
    np.testing.assert_allclose(root.numpy(), expected[:, :, 0], atol=2e-4)


@pytest.mark.parametrize(
    ("caption", "mirrored"),
    [
        ("a person turns left.", "a person turns right."),
        ("Left arm up, right leg back", "Right arm up, left leg back"),
        ("walks clockwise", "walks counterclockwise"),
        ("runs right away and stands upright", "runs right away and stands upright"),
    ],
)
def test_mirrored_captions(caption: str, mirrored: str) -> None:
    assert mirror_caption(caption) == mirrored


def test_mirroring_swaps_sides_and_twice_is_nothing() -> None:
    joints, _ = gestures(30, seed=3)
    mirrored = augmentation.mirror(joints)
    np.testing.assert_allclose(mirrored[:, 20, 0], -joints[:, 21, 0])
    np.testing.assert_allclose(augmentation.mirror(mirrored), joints)


def test_gait_goes_on_straight_without_jumps() -> None:
    joints = walk(60, speed=1.3)
    cycle = augmentation.gait_cycle(joints)
    assert cycle is not None
    longer = augmentation.continue_gait(joints, cycle, 190)
    assert len(longer) == 190
    np.testing.assert_allclose(longer[: cycle[1]], joints[: cycle[1]] - joints[0, 0] * [1, 0, 1], atol=0.05)
    steps = np.abs(np.diff(longer, axis=0)).max()
    assert steps < 1.3 * np.abs(np.diff(joints, axis=0)).max()
    speed = travelled(longer) / 189
    assert speed == pytest.approx(travelled(joints) / 59, rel=0.05)
    assert abs(longer[-1, 0, 0]) < 0.1 * longer[-1, 0, 2]


def test_no_gait_in_gestures() -> None:
    joints, _ = gestures(60, seed=1)
    assert augmentation.gait_cycle(joints) is None


@given(turn=st.floats(-1.0, 1.0))
@settings(max_examples=15, deadline=None)
def test_bending_turns_the_walk_and_keeps_its_steps(turn: float) -> None:
    joints = walk(80, speed=1.2)
    bent = augmentation.bend(joints, np.full(80, turn))
    assert travelled(bent) == pytest.approx(travelled(joints), rel=0.02)
    turned_by = augmentation.headings(bent)[-1] - augmentation.headings(joints)[-1]
    assert turned_by == pytest.approx(turn * travelled(joints), abs=0.12)
    bones = np.linalg.norm(bent[:, 4] - bent[:, 1], axis=-1)
    np.testing.assert_allclose(bones, np.linalg.norm(joints[:, 4] - joints[:, 1], axis=-1), atol=1e-4)


@given(speed=st.floats(0.7, 1.4))
@settings(max_examples=15, deadline=None)
def test_time_warp_keeps_ends(speed: float) -> None:
    joints = walk(50)
    warped = augmentation.warp_time(joints, speed)
    assert len(warped) == pytest.approx(1 + 49 / speed, abs=1)
    np.testing.assert_allclose(warped[[0, -1]], joints[[0, -1]], atol=1e-5)


def test_consistency_function_is_the_identity_at_the_start() -> None:
    noisy, epsilon = torch.randn(3, 16, 32), torch.randn(3, 16, 32)
    zero = torch.zeros(3, dtype=torch.long)
    torch.testing.assert_close(consistency(noisy, epsilon, zero), noisy)
    late = torch.full((3,), 799)
    alpha, sigma = scales(late)
    clean = torch.randn(3, 16, 32)
    torch.testing.assert_close(consistency(alpha * clean + sigma * epsilon, epsilon, late), clean, atol=2e-3, rtol=0)


def _quadratic(folder: Path, steps: int, stop_at: int | None = None) -> tuple[TrainingLoop, bool]:
    torch.manual_seed(0)
    module = torch.nn.Linear(4, 4)
    loop = TrainingLoop("toy", module, LoopSettings(steps, 1e-2, warmup=3, log_every=5), folder, seed=7)

    def losses(generator: torch.Generator, step: int) -> dict[str, torch.Tensor]:
        if stop_at is not None and step >= stop_at:
            raise KeyboardInterrupt
        x = torch.randn(8, 4, generator=generator)
        return {"loss": (module(x) - 2 * x).square().mean()}

    try:
        finished = loop.run(losses)
    except KeyboardInterrupt:
        loop.save(0.0)
        finished = False
    return loop, finished


def test_a_resumed_run_gives_the_same_weights(tmp_path: Path) -> None:
    (tmp_path / "whole").mkdir()
    (tmp_path / "parts").mkdir()
    whole, finished = _quadratic(tmp_path / "whole", 20)
    assert finished
    _, finished = _quadratic(tmp_path / "parts", 20, stop_at=9)
    assert not finished
    parts, finished = _quadratic(tmp_path / "parts", 20)
    assert finished and parts.step == 20
    for name, tensor in whole.averaged().items():
        torch.testing.assert_close(parts.averaged()[name], tensor, rtol=1e-5, atol=1e-6)
    lines = (tmp_path / "whole" / "toy.log.jsonl").read_text().splitlines()
    assert json.loads(lines[-1])["step"] == 20
    assert json.loads(lines[-1])["loss"] < json.loads(lines[0])["loss"]


def test_a_loss_that_is_not_a_number_stops_the_run(tmp_path: Path) -> None:
    loop = TrainingLoop("toy", torch.nn.Linear(1, 1), LoopSettings(5, 1e-2), tmp_path, seed=0)
    with pytest.raises(FloatingPointError, match="stage toy"):
        loop.run(lambda generator, step: {"loss": loop.parameters[0].sum() * float("nan")})


def test_precision_is_found_by_trying() -> None:
    assert isinstance(bfloat16_pays(torch.device("cpu")), bool)
    assert Precision(torch.device("cpu"), "float32").name == "float32"
    with Precision(torch.device("cpu"), "bfloat16").autocast():
        assert torch.nn.Linear(4, 4)(torch.ones(2, 4)).dtype == torch.bfloat16


def test_bundled_config_is_read_and_mistakes_are_named() -> None:
    config = load_config(BUNDLED)
    assert config.architecture.text_width == 384
    with pytest.raises(TrainingDataError, match="stepps"):
        config_from({"vae": {"stepps": 3}}, "mine.toml")
    with pytest.raises(TrainingDataError, match="no training configuration"):
        load_config(Path("nowhere.toml"))


@pytest.fixture(scope="module")
def data_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A little data set of synthetic motion in the format of `motionlcm prepare`."""
    folder = tmp_path_factory.mktemp("data")
    clips = {f"walk_{k}": walk(90, speed=0.9 + 0.2 * k) for k in range(3)}
    clips |= {f"gesture_{k}": gestures(70, seed=k)[0] for k in range(3)}
    np.savez(folder / "joints.npz", **{n: np.round(j / 0.0005).astype(np.int16) for n, j in clips.items()})
    rows = []
    for name, joints in clips.items():
        caption = "a person walks forward." if "walk" in name else "a person waves the left arm."
        rows.append({"clip": name, "start": 0.0, "end": (len(joints) - 1) / 20, "captions": [caption]})
    (folder / "captions.jsonl").write_text("\n".join(json.dumps(r) for r in rows))
    (folder / "splits.json").write_text(json.dumps({"train": [], "test": ["walk_2", "gesture_2"]}))
    return folder


def test_pool_holds_augmented_motion_and_comes_back_from_its_file(data_folder: Path, tmp_path: Path) -> None:
    data = load_motion_data(data_folder)
    pool = build_pool(data, seed=0)
    captions = {caption for of_piece in pool.captions for caption in of_piece}
    assert {"a person waves the right arm.", "a person walks backward."} <= captions
    assert pool.travels.any() and not pool.travels.all()
    assert pool.lengths.max() == 196
    pool.save(tmp_path / "pool")
    again = Pool.load(tmp_path / "pool")
    assert again.captions == pool.captions
    np.testing.assert_array_equal(again.example(5), pool.example(5))
    assert pool.weights.sum() == pytest.approx(1.0)
    assert np.isnan(pool.example(0)[:, HEAD_HANDS]).all()  # this data has no head and hands


def test_caption_tokens_come_back_from_their_file_and_are_padded(tmp_path: Path) -> None:
    class Encoder:
        def encode(self, prompt: str) -> tuple[np.ndarray, np.ndarray]:
            words = prompt.split()
            return np.arange(len(words) * 4, dtype=np.float32).reshape(-1, 4) + 1, np.full(4, len(words) + 1.0)

    class Silent:
        def encode(self, prompt: str) -> tuple[np.ndarray, np.ndarray]:
            raise AssertionError("everything was in the file")

    file = tmp_path / "captions.npz"
    captions = ["a person walks", "jump"]
    first = CaptionTokens(captions, Encoder(), file, 8).batch([*captions, ""], [40, 80, 40])
    again = CaptionTokens(captions, Silent(), file, 8).batch([*captions, ""], [40, 80, 40])
    assert first[1].sum(1).tolist() == [5, 3, 2]
    for mine, saved in zip(first, again, strict=True):
        torch.testing.assert_close(mine, saved)
    # The tokens of the training are those that the engine makes of the same prompt.
    for row, (caption, frames) in enumerate(zip([*captions, ""], [40, 80, 40], strict=True)):
        states, mean = Encoder().encode(caption)
        expected = state_tokens(states, mean, frames, 8)
        np.testing.assert_allclose(first[0][row, : len(expected)].numpy(), expected, atol=1e-3)
        assert not first[0][row, len(expected) :].any()


@pytest.mark.parametrize("missing", ["joints.npz", "captions.jsonl", "splits.json"])
def test_missing_data_is_named(data_folder: Path, tmp_path: Path, missing: str) -> None:
    for file in data_folder.iterdir():
        if file.name != missing:
            (tmp_path / file.name).write_bytes(file.read_bytes())
    with pytest.raises(TrainingDataError, match=missing):
        load_motion_data(tmp_path)


@pytest.fixture
def small_config() -> TrainingConfig:
    sizes = Architecture(
        width=32,
        feedforward=64,
        vae_layers=3,
        denoiser_layers=3,
        trajectory_layers=3,
        text_width=384,
        heads=4,
        velocity=True,
    )
    config = TrainingConfig(name="small", architecture=sizes, precision="float32", max_states=8)
    return replace(
        config,
        vae=replace(config.vae, steps=6, frames_per_batch=256),
        teacher=replace(config.teacher, steps=4, batch=8),
        student=replace(config.student, steps=4, batch=8, trajectories=10, trajectory_steps=10),
        control=replace(
            config.control,
            encoder_steps=3,
            teacher_steps=3,
            steps=4,
            frames_per_batch=256,
            trajectories=8,
            trajectory_steps=10,
        ),
    )


@pytest.mark.slow
def test_the_whole_chain_from_data_to_a_motion(data_folder: Path, tmp_path: Path, small_config: TrainingConfig) -> None:
    run = Run.open(small_config, tmp_path / "run", data_folder, "cpu")
    for stage in ("vae", "teacher", "student", "path_encoder", "control_teacher", "control", "export"):
        assert run.stage(stage), stage
    path = np.stack([np.zeros(40), np.linspace(0, 2, 40)], -1)
    request = Request("a person walks forward.", 40, hints=Hints.ground_path(path), steps=2)
    motions = [
        MotionLCM.from_folder(tmp_path / "run" / "model", device).generate(request)[0] for device in ("cpu", "numpy")
    ]
    assert motions[0].joints.shape == (40, 22, 3)
    np.testing.assert_allclose(motions[0].joints, motions[1].joints, atol=1e-3)
    assert len(Trajectories.load(tmp_path / "run" / "trajectories.npz")) == 10
    # The same seeds and settings give the same weights again.
    again = Run.open(small_config, tmp_path / "again", data_folder, "cpu")
    assert again.stage("vae")
    first, second = (load_file(tmp_path / name / "vae.safetensors") for name in ("run", "again"))
    assert_same_training(first, second)


def test_a_run_may_begin_from_a_model_folder(data_folder: Path, tmp_path: Path, small_config: TrainingConfig) -> None:
    tiny = write_tiny_model(tmp_path / "tiny", small_config.architecture)
    config = replace(small_config, vae=replace(small_config.vae, steps=1, learning_rate=0.0))
    run = Run.open(config, tmp_path / "run", data_folder, "cpu", start=tmp_path / "tiny")
    assert run.stage("vae")
    noise = replace(config, architecture=replace(config.architecture, velocity=False))
    Run.open(noise, tmp_path / "noise", data_folder, "cpu", start=tmp_path / "tiny")
    trained = load_file(tmp_path / "run" / "vae.safetensors")
    for name, values in trained.items():
        np.testing.assert_allclose(values, tiny.weights()["vae." + name], rtol=1e-6)
    np.testing.assert_array_equal(run.normalisation.mean, tiny.normalisation()["mean"])
    with pytest.raises(TrainingDataError, match="other sizes"):
        Run.open(load_config(), tmp_path / "other", data_folder, "cpu", start=tmp_path / "tiny")


def test_a_run_may_begin_from_a_narrower_latent(
    data_folder: Path, tmp_path: Path, small_config: TrainingConfig
) -> None:
    tiny = write_tiny_model(tmp_path / "tiny", small_config.architecture)
    wider = replace(
        small_config,
        architecture=replace(small_config.architecture, latent_width=48),
        vae=replace(small_config.vae, steps=1, learning_rate=0.0, latent_width=48),
    )
    run = Run.open(wider, tmp_path / "run", data_folder, "cpu", start=tmp_path / "tiny")
    assert run.stage("vae")
    trained, known = load_file(tmp_path / "run" / "vae.safetensors"), tiny.weights()
    grown = {"latent_pre.weight", "latent_pre.bias", "latent_post.weight"}
    for name, values in trained.items():
        old = known["vae." + name]
        assert (values.shape != old.shape) == (name in grown)
        np.testing.assert_allclose(values[tuple(slice(0, n) for n in old.shape)], old, rtol=1e-6)
    assert np.abs(trained["latent_pre.weight"][32:]).max() > 3 * np.abs(trained["latent_post.weight"][:, 32:]).max() > 0
    with pytest.raises(TrainingDataError, match="other sizes"):
        Run.open(small_config, tmp_path / "other", data_folder, "cpu", start=_wide_model(tmp_path, small_config))


def _wide_model(folder: Path, config: TrainingConfig) -> Path:
    """A model whose latent is wider than the configuration's: nothing can begin from that."""
    write_tiny_model(folder / "wide", replace(config.architecture, latent_width=40))
    return folder / "wide"


def test_a_stage_whose_time_is_up_goes_on_later(
    data_folder: Path, tmp_path: Path, small_config: TrainingConfig
) -> None:
    assert not Run.open(small_config, tmp_path, data_folder, "cpu", minutes=0.0).stage("vae")
    assert Run.open(small_config, tmp_path, data_folder, "cpu").stage("vae")


def test_the_command_line_runs_a_stage_and_names_what_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from motionlcm_blender.cli.main import main

    assert main(["train", "--stage", "export", "--run", str(tmp_path)]) == 1
    assert "stage vae has not been trained" in capsys.readouterr().err
    assert main(["train", "--stage", "vae", "--run", str(tmp_path)]) == 1
    assert "--data" in capsys.readouterr().err
