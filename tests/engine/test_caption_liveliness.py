"""The noise of the sampler follows how much captured motion of such captions moves."""

from __future__ import annotations

import json
import logging
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from motionlcm_blender import Hints, MotionLCM, Request
from motionlcm_blender.errors import ModelFolderError
from motionlcm_blender.files.safetensors_files import write_arrays
from motionlcm_blender.generation.caption_liveliness import noise_factor_at
from motionlcm_blender.motion.features import joints_from_features
from motionlcm_blender.motion.visible_measures import body_speeds
from motionlcm_blender.networks.model_folder import ModelFolder
from motionlcm_blender.text.caption_speed import FASTEST, FILE, SLOWEST, CaptionSpeed, read_caption_speed
from tests.repeated import JOINTS_M, assert_same_output

BUNDLED = ModelFolder.open(None)
TABLE = {"speeds": [0.2, 0.5], "noise": [0.8, 1.2]}
QUIET, LIVELY = "a person stands still", "a person dances wildly"


def layers(networks: int = 2, width: int = 6, hidden: int = 3) -> dict[str, np.ndarray]:
    drawn = np.random.default_rng(1)
    return {
        "weight_0": drawn.standard_normal((networks, width, hidden)), "bias_0": np.zeros((networks, hidden)),
        "weight_1": drawn.standard_normal((networks, hidden, 1)), "bias_1": np.full((networks, 1), -1.0),
    }  # fmt: skip


@pytest.fixture(scope="module")
def model() -> MotionLCM:
    return MotionLCM.from_folder(None, "numpy")


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    return Path(shutil.copytree(BUNDLED.path, tmp_path / "copied"))


def speed_of(model: MotionLCM, prompt: str) -> float:
    found = read_caption_speed(BUNDLED.path).body_speeds(model.encode_prompt(prompt, 80)[1][None])
    return float(found[0])


@pytest.mark.parametrize(
    ("slower", "faster"),
    [
        ("a person stands still", "a person walks forward"),
        ("a person waits for the bus", "a person dances"),
        ("a woman talks on the phone", "a woman does jumping jacks"),
        ("a person walks forward", "a person runs forward fast"),
        ("an old man shuffles along", "a boy runs and jumps"),
    ],
)
def test_livelier_captions_are_predicted_to_be_faster(model: MotionLCM, slower: str, faster: str) -> None:
    assert speed_of(model, slower) * 1.2 < speed_of(model, faster)


def test_predictions_are_averaged_in_the_logarithm() -> None:
    both, vectors = layers(2), np.random.default_rng(2).standard_normal((5, 6))
    one, other = (CaptionSpeed({n: a[k : k + 1] for n, a in both.items()}).body_speeds(vectors) for k in (0, 1))
    np.testing.assert_allclose(CaptionSpeed(both).body_speeds(vectors), np.sqrt(one * other), rtol=1e-4)


@given(st.floats(1.0, 1e4))
def test_predictions_are_limited(scale: float) -> None:
    speeds = CaptionSpeed(layers()).body_speeds(scale * np.random.default_rng(3).standard_normal((8, 6)))
    assert (speeds > 0.999 * SLOWEST).all() and (speeds < 1.001 * FASTEST).all()


@pytest.mark.parametrize(
    "damage",
    [
        lambda a: a.pop("bias_1"),
        lambda a: a.update(weight_2=np.zeros((2, 1, 1))),
        lambda a: a.update(weight_1=np.zeros((2, 4, 1))),
        lambda a: a.update(weight_1=np.zeros((2, 3, 2)), bias_1=np.zeros((2, 2))),
        lambda a: a.update(bias_0=np.zeros(3)),
        lambda a: a.update(weight_0=np.zeros((6, 3))),
        lambda a: a.clear(),
    ],
)
def test_layers_that_do_not_fit_are_refused(damage: object) -> None:
    damaged = layers()
    damage(damaged)  # type: ignore[operator]
    with pytest.raises(ModelFolderError, match=FILE):
        CaptionSpeed(damaged)


def test_vectors_of_another_width_are_refused() -> None:
    with pytest.raises(ModelFolderError, match="6 numbers, not 5"):
        CaptionSpeed(layers()).body_speeds(np.zeros((1, 5)))


def test_the_factor_is_that_of_the_table_at_its_ends_and_beyond() -> None:
    for speed, factor in ((0.01, 0.8), (0.2, 0.8), (0.5, 1.2), (2.0, 1.2), (np.sqrt(0.1), np.sqrt(0.96))):
        assert noise_factor_at(speed, TABLE) == pytest.approx(factor)


@given(st.floats(0.02, 3.0), st.floats(0.02, 3.0))
def test_the_factor_rises_with_the_speed(one: float, other: float) -> None:
    slow, fast = sorted((one, other))
    assert noise_factor_at(slow, TABLE) <= noise_factor_at(fast, TABLE) + 1e-12


def test_quiet_motion_becomes_calmer_and_lively_motion_livelier(model: MotionLCM) -> None:
    def speed(prompt: str, by_caption: bool) -> float:
        made = model.features(Request(prompt, 80, seed=5, takes=4, caption_liveliness=by_caption))
        return float(np.mean([body_speeds(joints_from_features(take)) for take in made]))

    assert speed(QUIET, True) < 0.95 * speed(QUIET, False)
    assert speed(LIVELY, True) > 1.05 * speed(LIVELY, False)


def test_it_is_a_factor_on_the_liveliness_of_the_request(model: MotionLCM) -> None:
    factor = noise_factor_at(speed_of(model, LIVELY), BUNDLED.liveliness)
    by_caption = model.features(Request(LIVELY, 40, seed=2))
    by_request = model.features(Request(LIVELY, 40, seed=2, liveliness=factor, caption_liveliness=False))
    assert factor > 1.05
    assert_same_output(by_caption, by_request)


@pytest.mark.parametrize("prompt", [LIVELY, "a person runs forward"])
def test_motion_on_a_path_takes_the_speed_of_the_path(model: MotionLCM, prompt: str) -> None:
    line = np.stack([np.zeros(60), np.linspace(0.0, 6.0, 60)], axis=1)
    request = Request(prompt, 60, seed=2, hints=Hints.ground_path(line))
    by_caption, without = (
        model.generate(replace(request, caption_liveliness=chosen))[0].joints for chosen in (True, False)
    )
    np.testing.assert_allclose(by_caption, without, atol=JOINTS_M)


def test_a_model_without_a_table_samples_as_before(model: MotionLCM, copied: Path) -> None:
    config = json.loads((copied / "config.json").read_text())
    del config["liveliness"]
    (copied / "config.json").write_text(json.dumps(config))
    plain = MotionLCM.from_folder(copied, "numpy").features(Request(LIVELY, 40, seed=2))
    assert_same_output(plain, model.features(Request(LIVELY, 40, seed=2, caption_liveliness=False)))


@pytest.mark.parametrize("how", ["missing", "damaged", "of another width"])
def test_a_predictor_that_cannot_be_used_is_named_in_the_log(
    model: MotionLCM, copied: Path, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    if how == "missing":
        (copied / FILE).unlink()
    elif how == "damaged":
        (copied / FILE).write_bytes(b"no numbers")
    else:
        write_arrays(copied / FILE, layers())
    with caplog.at_level(logging.WARNING):
        made = MotionLCM.from_folder(copied, "numpy").features(Request(LIVELY, 40, seed=2))
    assert [r for r in caplog.records if "Liveliness does not depend on the prompt" in r.getMessage()]
    assert_same_output(made, model.features(Request(LIVELY, 40, seed=2, caption_liveliness=False)))


@pytest.mark.parametrize(
    "table",
    [
        3,
        {"speeds": [0.2, 0.5]},
        {"speeds": [0.5, 0.2], "noise": [1.0, 1.0]},
        {"speeds": [0.2, 0.5], "noise": [0.0, 1.0]},
        {"speeds": [0.2, 0.5], "noise": [1.0, "1"]},
        {"speeds": [0.2, 0.3, 0.5], "noise": [1.0, 1.0]},
    ],
)
def test_a_table_of_the_wrong_kind_is_refused(copied: Path, table: object) -> None:
    config = json.loads((copied / "config.json").read_text()) | {"liveliness": table}
    (copied / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelFolderError, match="liveliness"):
        ModelFolder.open(copied)


def test_a_fit_finds_what_the_speed_depends_on(monkeypatch: pytest.MonkeyPatch, one_thread: None) -> None:
    pytest.importorskip("torch")
    from motionlcm_blender.training import caption_speed_fit as fitting
    from motionlcm_blender.training.evaluation.motion_measures import rank_correlation

    monkeypatch.setattr(fitting, "STEPS", 300)
    drawn = np.random.default_rng(4)
    vectors = drawn.standard_normal((600, 12)).astype(np.float32)
    speeds = 0.3 * np.exp(0.5 * vectors[:, 0] - 0.3 * vectors[:, 1])
    clips = [f"clip {k // 3}" for k in range(600)]
    examples = fitting.Examples(clips, speeds, np.ones(600), clips)
    assert fitting.held_out_correlation(examples, vectors) > 0.9
    shuffled = fitting.Examples(clips, drawn.permutation(speeds), np.ones(600), clips)
    assert abs(fitting.held_out_correlation(shuffled, vectors)) < 0.5
    found = fitting.fit(vectors, speeds, np.ones(600))
    assert rank_correlation(found.body_speeds(vectors), speeds) > 0.9
