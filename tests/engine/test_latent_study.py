"""The study of latent sizes: rows differ by what they say, and a row is trained, measured and kept."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from evaluation_data import Words, write_data  # noqa: E402

from motionlcm_blender.training import latent_study  # noqa: E402
from motionlcm_blender.training.evaluation.caption_states import CaptionStates  # noqa: E402
from motionlcm_blender.training.evaluation.evaluator import EvaluatorSettings  # noqa: E402
from motionlcm_blender.training.evaluation.evaluator_training import train_evaluator  # noqa: E402
from motionlcm_blender.training.motion_data import load_motion_data  # noqa: E402


def test_rows_differ_in_the_latent_alone() -> None:
    base = latent_study.config_for("16 x 32", 10, 20)
    for name, architecture in latent_study.VARIANTS.items():
        config = latent_study.config_for(name, 10, 20)
        assert config.vae.latent_width == config.architecture.latent_width == architecture.latent_width
        assert replace(config, name=base.name, architecture=base.architecture, vae=base.vae) == base
        assert replace(config.vae, latent_width=base.vae.latent_width) == base.vae
        assert (config.architecture.width, config.architecture.vae_layers) == (base.architecture.width, 5)
    again = latent_study.config_for(latent_study.BASE_AGAIN, 10, 20)
    assert again.seed != base.seed and again.architecture == base.architecture


@pytest.mark.slow
def test_a_row_is_trained_measured_and_not_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_data(tmp_path)
    settings = EvaluatorSettings(steps=3, batch=8, warps=0)
    words = CaptionStates(Words())
    train_evaluator(load_motion_data(tmp_path), words, settings).save(tmp_path / "evaluator")
    small = replace(latent_study.BASE, width=32, feedforward=64, vae_layers=3, denoiser_layers=3)
    monkeypatch.setattr(latent_study, "VARIANTS", {"16 x 32": small, "2 x 8": replace(small, latent_tokens=2)})
    monkeypatch.setattr(latent_study, "REPEATS", 2)
    monkeypatch.setattr(latent_study, "TEACHER_STEPS", 2)
    run = tmp_path / "run"
    shown = latent_study.study(tmp_path, run, tmp_path / "evaluator", ["2 x 8"], (2, 2), "cpu")
    assert "| 2 x 8 |" in shown and "Real motion" in shown
    rows = json.loads((run / "table.json").read_text())["rows"]
    assert set(rows["2 x 8"]) == set(latent_study.COLUMNS)
    assert all(len(v) == latent_study.REPEATS for v in rows["2 x 8"].values())
    monkeypatch.setattr(latent_study, "Run", None)  # what is in the table is not trained again
    assert latent_study.study(tmp_path, run, tmp_path / "evaluator", ["2 x 8"], (2, 2), "cpu") == shown
