"""From a request to motions: the same everywhere, and every mistake in one sentence."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tiny_model import TINY, write_tiny_model

from motionlcm_blender import Cancelled, DeviceError, Hints, InvalidRequest, MotionLCM, Request
from motionlcm_blender.motion.metrics import path_error
from motionlcm_blender.networks.backends import resolve_device
from motionlcm_blender.networks.samplers import lcm_sample
from motionlcm_blender.text.text_tokens import length_token, state_tokens
from tests.repeated import assert_same_motion, assert_same_output

DEVICES = ["numpy", "cpu"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "tiny"
    write_tiny_model(path)
    return path


@pytest.fixture(scope="module", params=DEVICES)
def model(request: pytest.FixtureRequest, folder: Path) -> MotionLCM:
    if request.param == "cpu":
        pytest.importorskip("torch")
    return MotionLCM.from_folder(folder, request.param)


def straight(frames: int = 60, metres: float = 3.0) -> Hints:
    return Hints.ground_path(np.stack([np.zeros(frames), np.linspace(0, metres, frames)], -1))


@pytest.mark.parametrize("steps", [1, 2, 4])
def test_motion_has_the_requested_shape(model: MotionLCM, steps: int) -> None:
    (motion,) = model.generate(Request("a person walks", 60, steps=steps))
    assert motion.joints.shape == (60, 22, 3) and motion.joints.dtype == np.float32
    assert motion.contacts.shape == (60, 4)
    assert np.isfinite(motion.joints).all()
    assert motion.fps == 20 and motion.request is not None and motion.report["seconds"] > 0


def test_same_request_same_motion_other_seed_other_motion(model: MotionLCM) -> None:
    first, again, other = (model.generate(Request("a person jumps", 48, seed=s))[0].joints for s in (5, 5, 6))
    assert_same_motion(first, again)
    assert np.abs(first - other).max() > 1e-2


def test_a_take_is_a_request_of_its_own_with_a_later_seed(model: MotionLCM) -> None:
    takes = model.generate(Request("a person waves", 40, seed=3, takes=3, steps=2, hints=straight(40)))
    seeds = [take.seed for take in takes]
    assert seeds[0] == 3 and seeds == sorted(set(seeds))
    alone = model.generate(takes[2].request)[0]
    assert alone.seed == seeds[2]
    np.testing.assert_allclose(takes[2].joints, alone.joints, atol=2e-4)


def test_torch_and_numpy_agree(folder: Path) -> None:
    pytest.importorskip("torch")
    request = Request("a person turns left", 64, seed=1, steps=4, hints=straight(64))
    motions = [MotionLCM.from_folder(folder, device).generate(request)[0] for device in DEVICES]
    np.testing.assert_allclose(motions[0].joints, motions[1].joints, atol=1e-3)


def test_prompt_length_path_and_guidance_all_matter(model: MotionLCM) -> None:
    base = Request("a person walks", 60)
    joints = model.generate(base)[0].joints
    for change in ({"prompt": "a person kicks a ball"}, {"hints": straight()}, {"guidance": 2.0}):
        changed = model.generate(replace(base, **change))[0].joints
        assert np.abs(changed - joints).max() > 1e-3, change
    tokens = [model.encode_prompt("a person walks", frames) for frames in (60, 120)]
    assert np.abs(tokens[0][0] - tokens[1][0]).max() > 0.1
    assert_same_output(tokens[0][1:], tokens[1][1:])


def test_the_path_is_kept_and_its_error_reported(model: MotionLCM) -> None:
    hints = straight()
    (motion,) = model.generate(Request("a person walks", 60, hints=hints))
    assert hints.root_xz is not None
    error = path_error(motion.joints, hints.root_xz)
    assert motion.report["path_mean_cm"] == pytest.approx(100 * error.mean)
    assert error.mean < 0.02 and error.max < 0.05
    assert motion.report["network_path_mean_cm"] > motion.report["path_mean_cm"]


def test_control_strength_scales_what_the_path_does(model: MotionLCM) -> None:
    array = model.backend.array
    generator = np.random.default_rng(0)
    a = model.architecture
    text = array(generator.normal(size=(1, 4, a.text_width)).astype(np.float32))
    start, condition = (
        array(generator.normal(size=(1, a.latent_tokens, a.latent_width)).astype(np.float32)) for _ in range(2)
    )
    with model.backend.inference_context():
        free = lcm_sample(model.network, text, start)
        made = [
            model.backend.numpy(lcm_sample(model.network, text, start, condition=condition, strength=strength))
            for strength in (0.0, 0.5, 1.0)
        ]
    free = model.backend.numpy(free)
    np.testing.assert_allclose(made[0], free, atol=1e-5)
    assert 0 < np.abs(made[1] - free).max() < np.abs(made[2] - free).max()


def test_progress_rises_and_cancel_stops(model: MotionLCM) -> None:
    parts: list[float] = []
    model.generate(Request("a person walks", 40, steps=4), progress=lambda part, what: parts.append(part))
    assert parts == sorted(parts) and parts[0] == 0.0 and parts[-1] <= 1.0 and len(parts) >= 6
    calls = []

    def cancel() -> bool:
        calls.append(1)
        return len(calls) > 3

    with pytest.raises(Cancelled):
        model.generate(Request("a person walks", 40, steps=4), cancel=cancel)
    assert len(calls) == 4


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"prompt": "   "}, "prompt is empty"),
        ({"frames": 1201}, "seconds long"),
        ({"frames": 2}, "seconds long"),
        ({"steps": 3}, "1, 2 or 4"),
        ({"takes": 0}, "takes"),
        ({"guidance": float("nan")}, "guidance"),
        ({"hints": straight(30)}, "30 frames"),
    ],
)
def test_bad_requests_are_refused_in_a_sentence(change: dict, sentence: str) -> None:
    with pytest.raises(InvalidRequest, match=sentence):
        replace(Request("a person walks", 60), **change)


def test_bad_hints_are_refused_in_a_sentence() -> None:
    with pytest.raises(InvalidRequest, match="not finite"):
        Hints.ground_path(np.array([[0.0, np.nan], [1.0, 1.0]]))
    with pytest.raises(InvalidRequest, match="22 joints"):
        Hints(np.zeros((3, 2, 3)), np.ones((3, 2, 3), bool))
    with pytest.raises(InvalidRequest, match="no position"):
        Hints(np.zeros((3, 22, 3)), np.zeros((3, 22, 3), bool))


def test_a_path_needs_a_model_with_control(tmp_path: Path) -> None:
    write_tiny_model(tmp_path / "plain", replace(TINY, control=False))
    model = MotionLCM.from_folder(tmp_path / "plain", "numpy")
    assert model.generate(Request("a person walks", 60))[0].joints.shape == (60, 22, 3)
    with pytest.raises(InvalidRequest, match="cannot follow a path"):
        model.generate(Request("a person walks", 60, hints=straight()))


def test_unknown_and_missing_devices_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DeviceError, match="no device called"):
        resolve_device("abacus")
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(DeviceError, match="CUDA"):
        resolve_device("cuda")
    import importlib.util

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert resolve_device("auto") == "numpy"
    with pytest.raises(DeviceError, match="needs PyTorch"):
        resolve_device("cpu")


def test_no_memory_is_a_sentence(model: MotionLCM, monkeypatch: pytest.MonkeyPatch) -> None:
    error = MemoryError if model.device == "numpy" else pytest.importorskip("torch").OutOfMemoryError

    def fail(*args: object, **kwargs: object) -> None:
        raise error

    monkeypatch.setattr(model.network, "decode", fail)
    with pytest.raises(DeviceError, match="too little"):
        model.generate(Request("a person walks", 60))


def test_state_dict_without_text_encoder_samples_but_reads_no_prompt(folder: Path) -> None:
    pytest.importorskip("torch")
    from motionlcm_blender.networks.model_folder import ModelFolder

    opened = ModelFolder.open(folder)
    model = MotionLCM.from_state_dict(opened.weights(), opened.normalisation())
    text = model.backend.array(np.ones((2, 3, model.architecture.text_width), np.float32))
    assert tuple(model.sample(text, steps=2).shape) == (2, TINY.latent_tokens, TINY.latent_width)
    with pytest.raises(InvalidRequest, match="without a text encoder"):
        model.generate(Request("a person walks", 60))


def test_text_tokens_are_length_sentence_and_states() -> None:
    generator = np.random.default_rng(0)
    states, mean = generator.normal(size=(7, 384)), generator.normal(size=384)
    tokens = state_tokens(states, mean, 80, max_states=5)
    assert tokens.shape == (7, 384)
    np.testing.assert_allclose((tokens**2).mean(-1), 1.0, atol=1e-4)
    np.testing.assert_allclose(tokens[0], length_token(80, 384), atol=1e-6)
    assert state_tokens(np.zeros((0, 384)), mean, 80, 5).shape == (2, 384)


def test_pins_beside_a_path_are_met_and_the_path_still_kept() -> None:
    model = MotionLCM.from_folder(None, "numpy")
    path = straight(80)
    free = model.generate(Request("a person walks", 80, hints=path))[0].joints
    positions, mask = path.positions.copy(), path.mask.copy()
    wrist = 21
    positions[40:44, wrist] = free[42, 16] + [0.0, 0.3, 0.3]
    mask[40:44, wrist] = True
    (motion,) = model.generate(Request("a person walks", 80, hints=Hints(positions, mask)))
    assert motion.report["pin_max_cm"] < 2.0
    assert motion.report["path_mean_cm"] < 2.0 and motion.report["path_max_cm"] < 5.0
    assert motion.warnings == ()
    positions[40:44, wrist, 1] = 6.0
    (motion,) = model.generate(Request("a person walks", 80, hints=Hints(positions, mask)))
    assert len(motion.warnings) == 2 and "right wrist" in motion.warnings[0]
    assert motion.report["pin_max_cm"] > 100.0


def test_refining_brings_the_network_nearer_its_path(folder: Path) -> None:
    pytest.importorskip("torch")
    model = MotionLCM.from_folder(folder, "cpu")
    hints = straight(40, 1.5)
    plain = Request("a person walks", 40, seed=2, hints=hints)
    refined = replace(plain, refine=True)
    (before,), (after,) = model.generate(plain), model.generate(refined)
    assert after.report["refine_passes"] <= 20
    assert after.report["refine_after_cm"] < 0.7 * after.report["refine_before_cm"]
    assert after.report["network_path_mean_cm"] < before.report["network_path_mean_cm"]
    assert_same_motion(model.generate(refined)[0].joints, after.joints, 1e-3)
    assert after.warnings == ()
    (portable,) = MotionLCM.from_folder(folder, "numpy").generate(refined)
    assert "needs PyTorch" in portable.warnings[0]
    assert_same_motion(model.generate(replace(refined, steps=1))[0].joints, after.joints, 1e-3)  # one step in any case
