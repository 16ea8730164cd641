"""The benchmark measures what its names describe; times are not tested."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from motionlcm_blender.benchmarks import comparison
from motionlcm_blender.benchmarks import speed as benching
from motionlcm_blender.cli.main import main
from motionlcm_blender.errors import DeviceError
from motionlcm_blender.generation.pipeline import MotionLCM
from motionlcm_blender.networks.numpy_impl import matmul
from tests.tiny_model import TINY, write_tiny_model


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("model") / "tiny").path


def test_every_stage_is_printed_and_written(tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "bench.json"
    arguments = ["bench", "--model", str(tiny), "--device", "numpy", "--frames", "24", "--repeats", "3"]
    arguments += ["--blender", "none"]
    assert main([*arguments, "--json", str(file)]) == 0
    printed = capsys.readouterr().out
    result = json.loads(file.read_text())
    assert [each["products"] for each in result["runs"]] == matmul.ways() and result["writing"] == {}
    run = result["runs"][0]
    assert run["device"] == "numpy" and run["frames"] == 24 and result["repeats"] == 3
    assert set(run["stages"]) == {*benching.STAGES, *benching.WHOLES}
    for name, row in run["stages"].items():
        assert name in printed
        assert 0 < row["best_ms"] <= row["median_ms"] <= row["p90_ms"]
        assert row["ratio"] == pytest.approx(row["median_ms"] / result["reference_ms"])
    assert result["machine"]["cores"] >= 1 and result["machine"]["packages"]["numpy"] == np.__version__
    stages, whole = run["stages"], run["stages"]["request to joints"]["median_ms"]
    assert whole < run["stages"]["request to keys"]["median_ms"]
    inside = ("text", "path", "control", "denoise", "decode", "joints", "correction")
    assert 0.2 < sum(stages[name]["median_ms"] for name in inside) / whole < 5
    assert [p.name for p in tmp_path.iterdir()] == ["bench.json"]


def test_a_model_without_control_has_no_control_stages(tmp_path: Path) -> None:
    blind = write_tiny_model(tmp_path / "blind", replace(TINY, control=False)).path
    result = benching.bench("numpy", blind, repeats=1, warmup=0, frames=16, steps=1)
    stages = result["runs"][0]["stages"]
    assert "control" not in stages and "path" not in stages and "denoise" in stages
    assert f"numpy ({matmul.ways()[0]}): model tiny, 16 frames, 1 step," in benching.report(result)


def test_the_way_of_multiplying_is_the_one_that_is_measured(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    used = []
    plain = matmul._plain
    monkeypatch.setattr(matmul, "_plain", lambda *arrays: used.append(1) or plain(*arrays))
    model = MotionLCM.from_folder(tiny, "numpy")
    for way in matmul.ways():
        used.clear()
        with matmul.multiplied_by(way):
            model.generate(benching.Request("a walk", 24, 5))
        assert bool(used) == (way == matmul.EINSUM)


def test_two_source_trees_are_measured_in_turns(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rounds = []

    def measured(root: Path, options: list[str], processor: bool) -> dict:
        assert processor
        rounds.append(root)
        runs = [{"device": "numpy", "stages": {"keys": {"median_ms": 8.0}, "old": {"median_ms": 1.0}}}]
        if root == comparison.ROOT:
            keys = {"keys": {"median_ms": 4.0}, "new": {"median_ms": 1.0}}
            runs = [{"device": "numpy", "products": way, "stages": keys} for way in ("one", "another")]
        return {"runs": runs}

    monkeypatch.setattr(comparison, "_measured", measured)
    (tmp_path / "motionlcm_blender" / "cli").mkdir(parents=True)
    assert main(["bench", "--against", str(tmp_path), "--repeats", "4"]) != 0
    (tmp_path / "motionlcm_blender" / "cli" / "bench.py").touch()
    assert main(["bench", "--against", str(tmp_path), "--repeats", "4", "--cpu"]) == 0
    assert len(rounds) == 8 and rounds[:4] == [comparison.ROOT, tmp_path.resolve(), tmp_path.resolve(), comparison.ROOT]
    printed = capsys.readouterr().out
    assert (
        "keys" in printed
        and "0.50" in printed
        and "old" not in printed
        and "new" not in printed
        and "another" not in printed
    )


def test_processor_time_leaves_out_what_the_process_waits_for() -> None:
    watch = benching.Stopwatch()
    clock = benching.time.perf_counter
    with benching.processor_time(), watch("waiting"):
        time.sleep(0.2)
    assert watch.seconds["waiting"][0] < 0.1 and benching.time.perf_counter is clock


def test_a_source_tree_against_itself(tiny: Path, tmp_path: Path) -> None:
    options = ["--device", "numpy", "--frames", "24", "--model", str(tiny)]
    result = comparison.compare(comparison.ROOT, options, 1, processor=True)
    assert set(result["runs"]["numpy"]) == {*benching.STAGES, *benching.WHOLES}
    assert all(row["ratio"] > 0 for row in result["runs"]["numpy"].values())


def test_warm_up_is_not_counted(tiny: Path) -> None:
    watch = benching._measure(MotionLCM.from_folder(tiny, "numpy"), repeats=2, warmup=1, frames=16, steps=2)
    assert {len(values) for values in watch.seconds.values()} == {2}


def test_stages_do_what_generate_does(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The joints at the end of the measured stages are those of `generate`, so the right work is measured."""
    model = MotionLCM.from_folder(tiny, "numpy")
    seen = []
    real = benching.retarget
    monkeypatch.setattr(benching, "retarget", lambda motion: seen.append(motion) or real(motion))
    xz = np.stack([np.zeros(40), np.linspace(0, 2, 40)], axis=-1)
    request = benching.Request("a walk", 40, 5, hints=benching.Hints.ground_path(xz))
    watch = benching.Stopwatch()
    benching._stages(model, watch, request, xz)
    (motion,) = model.generate(request)
    drift = (seen[0].joints - motion.joints)[..., [0, 2]]
    assert np.abs(drift).max() < 0.02  # no consistency function and no floor in the stages: close, not equal


def test_devices() -> None:
    assert benching.bench_devices("numpy") == ["numpy"]
    assert benching.bench_devices("auto")[0] == "numpy"
    with pytest.raises(DeviceError):
        benching.bench_devices("abacus")
    times = benching.reference_seconds(3)
    assert len(times) == 3 and min(times) > 0


def test_training_steps_are_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("torch")
    config = tmp_path / "small.toml"
    config.write_text(
        'name = "small"\nprecision = "float32"\n[architecture]\nwidth = 16\nfeedforward = 32\nvae_layers = 3\n'
        "[vae]\nframes_per_batch = 128\n"
    )
    file = tmp_path / "training.json"
    assert main(["bench", "--training", "--config", str(config), "--repeats", "2", "--json", str(file)]) == 0
    printed, result = capsys.readouterr().out, json.loads(file.read_text())
    ours, published, alike = result["variants"].values()
    assert (ours["layers"], published["layers"], alike["layers"]) == (3, 9, 3)
    assert ours["ratio"] == 1.0 and published["ratio"] == pytest.approx(published["median_ms"] / ours["median_ms"])
    # The variant with our layers has our parameters, so that the ratio compares the same network.
    assert alike["parameters"] == pytest.approx(ours["parameters"], rel=0.03) and published["parameters"] > 2 * 10**4
    for name, row in result["variants"].items():
        assert name in printed and 0 < row["best_ms"] <= row["median_ms"]


def test_the_plain_loop_trains_and_hides_what_is_padded() -> None:
    torch = pytest.importorskip("torch")
    from motionlcm_blender.training.bench import PlainVae
    from motionlcm_blender.training.config import TrainingConfig

    vae = PlainVae(TrainingConfig(architecture=replace(TINY, latent_width=32)), 3).eval()
    features, mask = torch.randn(2, 12, 263), torch.ones(2, 12, dtype=torch.bool)
    mask[1, 8:] = False
    other = features.clone()
    other[1, 8:] = 5.0
    made = [vae.decode(vae.encode(x, mask)[0], mask) for x in (features, other)]
    torch.testing.assert_close(made[0], made[1])
    assert made[0].shape == (2, 12, 263) and not made[0][1, 8:].any() and made[0][1, :8].any()


def test_quality_is_measured_raw_and_final(tmp_path, monkeypatch) -> None:
    from motionlcm_blender.benchmarks import goals, quality
    from tests.tiny_model import write_tiny_model

    write_tiny_model(tmp_path / "tiny")
    monkeypatch.setattr(quality, "SECONDS", 2.0)
    monkeypatch.setattr(quality, "PROMPTS", ("a person walks",))
    monkeypatch.setattr(quality, "measure_goals", lambda model, seeds, on_line: {"knees_rad_s2": 100.0, "other": 2.0})
    result = quality.bench_quality("numpy", tmp_path / "tiny", seeds=1)
    assert set(result["rows"]) == {"prompts", "pins", *(f"path {n}" for n in quality.NAMES)}
    line = result["rows"]["path line"]
    assert line["final"]["path_mean_cm"] < 2.0 < line["raw"]["path_mean_cm"]
    assert result["rows"]["pins"]["final"]["pin_max_cm"] < 2.0
    assert line["final"]["key_error_mm"] <= 10.0
    table = quality.report(result)
    assert all(label in table for _, label in quality.COLUMNS)
    assert "| 100 | met |" in table and "| other | 2 |" in table
    assert table.count("**missed**") == len(goals.GOALS) - 1, "what is not measured is not met"


@pytest.mark.slow
def test_each_section_measures_what_its_goals_name(tmp_path, monkeypatch) -> None:
    from motionlcm_blender.benchmarks import goal_paths, goal_sequences, goal_takes, goals
    from motionlcm_blender.generation.pipeline import MotionLCM
    from tests.tiny_model import write_tiny_model

    write_tiny_model(tmp_path / "tiny")
    kinds = goal_paths.path_kinds
    few = ("eight", "zigzag with stops")
    monkeypatch.setattr(goal_paths, "path_kinds", lambda length: {name: kinds(length)[name] for name in few})
    for module, name, value in (
        (goal_paths, "SECONDS", 3.0), (goal_paths, "WALKS", (1.1,)), (goal_paths, "RUNS", (2.8,)),
        (goal_takes, "FREE", ("a person walks", "a person waves")), (goal_takes, "FLOOR", ("a person falls",)),
        (goal_takes, "SECONDS", 2.0), (goal_takes, "SPREADS", (("a person waves", 16.7),)),
        (goal_takes, "LOOPED", ("a person walks forward",)), (goal_sequences, "LONG", ("a person jogs",)),
        (goal_sequences, "TRAVELS", ("a person jogs",)), (goal_sequences, "LONG_SECONDS", 12.0),
        (goal_sequences, "SHOTS", (("a person stands", "a person walks"),)),
    ):  # fmt: skip
        monkeypatch.setattr(module, name, value)
    figures = goals.measure_goals(MotionLCM.from_folder(tmp_path / "tiny"), seeds=1)
    assert {goal.key for goal in goals.GOALS} <= set(figures)
    assert "| now |" in goals.goals_report(figures)


def test_a_goal_is_met_within_its_bounds() -> None:
    from motionlcm_blender.benchmarks.goals import Goal

    lean = Goal("lean", "lean", least=0.2, most=0.4)
    assert [lean.met(value) for value in (0.1, 0.2, 0.4, 0.5, float("nan"))] == [False, True, True, False, False]
    assert lean.bound == "at least 0.2 and at most 0.4"
