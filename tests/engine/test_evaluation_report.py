"""Mean and interval, the report, and `motionlcm evaluate` from folders to files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from evaluation_data import write_data  # noqa: E402
from tiny_model import write_tiny_model  # noqa: E402

from motionlcm_blender.cli.main import main  # noqa: E402
from motionlcm_blender.errors import TrainingDataError  # noqa: E402
from motionlcm_blender.networks.model_folder import ModelFolder  # noqa: E402
from motionlcm_blender.text.minilm import PortableMiniLM  # noqa: E402
from motionlcm_blender.text.minilm_files import minilm_folder  # noqa: E402
from motionlcm_blender.training.data.motion_data import load_motion_data  # noqa: E402
from motionlcm_blender.training.evaluation import control_metrics  # noqa: E402
from motionlcm_blender.training.evaluation.caption_states import CaptionStates  # noqa: E402
from motionlcm_blender.training.evaluation.command import chosen_sections  # noqa: E402
from motionlcm_blender.training.evaluation.evaluator import EvaluatorSettings  # noqa: E402
from motionlcm_blender.training.evaluation.evaluator_training import train_evaluator  # noqa: E402
from motionlcm_blender.training.evaluation.report import BLIND, markdown, target_table  # noqa: E402
from motionlcm_blender.training.evaluation.results import Figure, Results, Section, aggregate  # noqa: E402

MODEL = {"name": "m", "version": "1", "fingerprint": "abc"}


pytestmark = pytest.mark.usefixtures("one_thread")


def test_mean_and_interval_as_in_a_textbook() -> None:
    """Ten values with mean 5.5 and standard deviation 3.0277: t(0.975, 9) = 2.2622."""
    found = aggregate([{"a/x": float(k)} | ({"once": 2.0} if k == 1 else {}) for k in range(1, 11)])
    assert found["a/x"].mean == pytest.approx(5.5)
    assert found["a/x"].interval == pytest.approx(2.2622 * 3.02765 / np.sqrt(10), rel=1e-4)
    assert found["a/x"].repeats == 10
    assert found["once"] == Figure(2.0, None, 1)
    assert aggregate([{"a": 1.0}, {"a": float("nan")}, {"a": 3.0}])["a"].mean == 2.0


def test_the_interval_holds_the_mean_in_nineteen_of_twenty_cases() -> None:
    generator = np.random.default_rng(0)
    hits = 0
    for _ in range(400):
        figure = aggregate([{"x": float(v)} for v in generator.normal(3.0, 2.0, 6)])["x"]
        assert figure.interval is not None
        hits += abs(figure.mean - 3.0) <= figure.interval
    assert 0.92 < hits / 400 < 0.98


def test_results_come_back_from_their_file(tmp_path: Path) -> None:
    results = Results(MODEL, {"text": Section({"real/r1": Figure(0.5, 0.01, 10)}, {"date": "2030-01-01"})})
    results.save(tmp_path / "deeper" / "evaluation.json")
    assert Results.load(tmp_path / "deeper" / "evaluation.json") == results
    assert [f.name for f in (tmp_path / "deeper").iterdir()] == ["evaluation.json"]
    for damaged in ("", "[]", '{"format": 9}', '{"format": 1, "model": {}, "sections": {"text": 3}}'):
        (tmp_path / "bad.json").write_text(damaged)
        with pytest.raises(TrainingDataError, match=r"bad\.json"):
            Results.load(tmp_path / "bad.json")


def test_the_report_holds_rows_tables_and_targets() -> None:
    text = {
        "real/r1": Figure(0.5, 0.01, 10), "real/r3": Figure(0.9, 0.01, 10), "teacher_50/r1": Figure(0.25, 0.02, 10),
        "ratio/r3_student_4_to_real": Figure(0.86, 0.01, 10), "ratio/fid_student_4_to_teacher": Figure(1.31, None, 1),
    }  # fmt: skip
    control = {"raw/pelvis/error_cm": Figure(12.25, None, 1), "final/pelvis/error_cm": Figure(0.5, None, 1)}
    results = Results(MODEL, {"text": Section(text), "control": Section(control | {"alone": Figure(123.456, None, 1)})})
    report = markdown(results)
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in report.splitlines() if "|" in line]
    assert ["Real motion, test clips", "0.500 ± 0.010", "", "0.900 ± 0.010", "", "", "", ""] in cells
    assert ["Teacher, 50 steps", "0.250 ± 0.020", "", "", "", "", "", ""] in cells
    assert ["", "error_cm"] in cells and ["raw/pelvis", "12.25"] in cells and ["final/pelvis", "0.500"] in cells
    assert ["alone", "123.5"] in cells
    assert report.count("0.860 ± 0.010") == 2  # among the text figures and among the goals
    assert report.index("## Goals") < report.index("## Path control") < report.index("## Text to motion")
    assert BLIND in report
    targets = "\n".join(target_table(results))
    assert "at least 0.85 | 0.860 ± 0.010 | met" in targets
    assert "at most 1.3   | 1.310         | not met" in targets
    assert "student 4 steps / teacher | at least 0.9" not in targets  # not measured


def test_sections_are_chosen_by_name() -> None:
    assert chosen_sections(None)[0] == "energy" and chosen_sections(None)[-1] == "text"
    assert chosen_sections("text, quality") == ("quality", "text")
    for wrong in ("texts", ""):
        with pytest.raises(TrainingDataError, match="--only takes some of"):
            chosen_sections(wrong)


def test_evaluate_writes_and_keeps_what_was_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data").mkdir()
    data_folder = write_data(tmp_path / "data", each=3)
    folder = write_tiny_model(tmp_path / "model")
    small = EvaluatorSettings(width=16, heads=2, layers=1, embedding=4, steps=4, batch=4, warps=1)
    captions = CaptionStates(PortableMiniLM(minilm_folder()))
    train_evaluator(load_motion_data(data_folder), captions, small).save(tmp_path / "evaluator")
    common = ["--data", str(data_folder), "--evaluator", str(tmp_path / "evaluator"), "--threads", "1"]
    model = str(folder.path)

    assert main(["evaluate", model, *common, "--repeats", "2", "--only", "reconstruction,text"]) == 0
    assert capsys.readouterr().out == (folder.path / "EVALUATION.md").read_text("utf-8")
    written = json.loads((folder.path / "evaluation.json").read_text("utf-8"))
    assert written["model"]["fingerprint"] == folder.fingerprint
    text = written["sections"]["text"]
    rows = {key.split("/")[0] for key in text["figures"] if key.endswith("/fid")}
    assert rows == {"real", "train", "lookup", "vae", "student_1", "student_2", "student_4"}
    assert text["about"]["test_motions"] == 8 and text["figures"]["student_1/r1"]["repeats"] == 2
    assert len(text["about"]["evaluator"]) == 64 and text["about"]["evaluator_settings"]["steps"] == 4
    assert written["sections"]["reconstruction"]["figures"]["test/mpjpe_mm"]["mean"] > 0
    # The model's folder is still one, and the same command measures the same.
    assert ModelFolder.open(folder.path).fingerprint == folder.fingerprint
    out = tmp_path / "again"
    assert main(["evaluate", model, *common, "--repeats", "2", "--only", "text", "--out", str(out)]) == 0
    again = json.loads((out / "evaluation.json").read_text("utf-8"))["sections"]["text"]["figures"]
    for key, figure in text["figures"].items():
        assert again[key]["mean"] == pytest.approx(figure["mean"], rel=1e-3, abs=1e-4), key

    # A section of its own joins the others; its figures lose the section's name.
    monkeypatch.setattr(control_metrics, "measure", lambda model, motions, repeat, **_: {"control/x/e": float(repeat)})
    assert main(["evaluate", model, *common, "--repeats", "3", "--only", "control"]) == 0
    joined = json.loads((folder.path / "evaluation.json").read_text("utf-8"))["sections"]
    assert list(joined) == ["reconstruction", "text", "control"]
    assert joined["control"]["figures"]["x/e"]["mean"] == 1.0 and joined["text"] == text

    # Other weights in the folder: nothing measured before is true of them.
    write_tiny_model(folder.path, seed=2)
    assert main(["evaluate", model, *common, "--repeats", "1", "--only", "control"]) == 0
    assert list(json.loads((folder.path / "evaluation.json").read_text("utf-8"))["sections"]) == ["control"]


def test_errors_are_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate"]) == 1
    assert "Name the folder of captured motion with --data." in capsys.readouterr().err
    assert main(["evaluate", "--data", str(tmp_path), "--repeats", "0"]) == 1
    assert "repeats must be 1 or more" in capsys.readouterr().err
    assert main(["evaluate", "--data", str(tmp_path), "--only", "reconstruction"]) == 1
    assert "The training data lacks joints.npz." in capsys.readouterr().err
