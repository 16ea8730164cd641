"""The command line from end to end on a small random model: files, placement, refusals, exit statuses."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from motionlcm_blender import __version__
from motionlcm_blender.cli import main
from motionlcm_blender.cli.sampler_steps import SAMPLER_STEPS
from motionlcm_blender.errors import TrainingDataError
from motionlcm_blender.generation.pipeline import MotionLCM
from motionlcm_blender.generation.request import Request
from motionlcm_blender.generation.take_selection import sample_count
from motionlcm_blender.motion.features import facing
from motionlcm_blender.motion.ground_path import named_path, natural_length
from motionlcm_blender.motion.rotations import rotate
from motionlcm_blender.motion.skeleton import FPS
from motionlcm_blender.training.data import prepare as preparing
from tests.repeated import assert_same_motion
from tests.tiny_model import TINY, write_tiny_model

ROOT = Path(__file__).resolve().parents[2]
PROMPT = "a person walks forward and waves"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("model") / "tiny").path


def run(*arguments: object) -> int:
    return main.main([str(a) for a in arguments])


def generate(tiny: Path, *arguments: object) -> int:
    return run("generate", PROMPT, "--model", tiny, "--device", "numpy", *arguments)


def load(file: Path) -> dict[str, np.ndarray]:
    with np.load(file, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}


def test_generate_along_a_path(tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert generate(tiny, "--path", "circle", "--seconds", 5, "--seed", 3, "--out", tmp_path / "walk.npz") == 0
    out = load(tmp_path / "walk.npz")
    assert out["joints"].shape == (100, 22, 3) and out["path"].shape == (100, 2)
    assert out["rotations"].shape == (100, 24, 4) and out["translation"].shape == (100, 3)
    assert str(out["prompt"]) == PROMPT and int(out["seed"]) == 3 and float(out["fps"]) == FPS
    away = np.linalg.norm(out["joints"][:, 0][:, [0, 2]] - out["path"], axis=-1)
    assert away.mean() < 0.02 and away.max() < 0.05
    circle = named_path("circle", natural_length("circle", 5.0))
    middle = np.array([circle.length / (2 * np.pi), 0.0])
    np.testing.assert_allclose(np.linalg.norm(out["path"] - middle, axis=-1), middle[0], rtol=1e-3)
    printed = capsys.readouterr()
    assert "path error mean" in printed.out and "network alone" in printed.out and "foot skate" in printed.out
    assert "Time" in printed.out and "walk.npz (100 frames, 20 per second)" in printed.out and printed.err == ""


def test_the_same_seed_gives_the_same_file_and_another_does_not(tiny: Path, tmp_path: Path) -> None:
    for name, seed in (("a", 4), ("b", 4), ("c", 5)):
        assert generate(tiny, "--seconds", 2, "--seed", seed, "--out", tmp_path / f"{name}.npz") == 0
    a, b, c = (load(tmp_path / f"{name}.npz") for name in "abc")
    assert "path" not in a
    assert_same_motion(a["rotations"], b["rotations"])
    assert_same_motion(a["joints"], b["joints"])
    assert np.abs(a["joints"] - c["joints"]).max() > 1e-2


def test_takes_are_numbered_and_name_their_seeds(tiny: Path, tmp_path: Path) -> None:
    assert generate(tiny, "--seconds", 2, "--seed", 4, "--takes", 3, "--out", tmp_path / "w.npz") == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["w_1.npz", "w_2.npz", "w_3.npz"]
    seeds = [int(load(tmp_path / f"w_{k}.npz")["seed"]) for k in (1, 2, 3)]
    assert seeds[0] == 4 and seeds == sorted(set(seeds)) and seeds[-1] < 4 + sample_count(3)
    lively = float(load(tmp_path / "w_2.npz")["liveliness"])
    alone = ("--seed", seeds[1], "--liveliness", lively, "--out", tmp_path / "alone.npz")
    assert generate(tiny, "--seconds", 2, *alone) == 0
    np.testing.assert_allclose(load(tmp_path / "w_2.npz")["joints"], load(tmp_path / "alone.npz")["joints"], atol=1e-4)


def test_a_path_file_is_in_blender_axes_and_the_figure_starts_along_it(tiny: Path, tmp_path: Path) -> None:
    path = tmp_path / "path.json"
    path.write_text(json.dumps({"points": [[2.0, 3.0], [2.0, 5.0], [2.0, 8.0]], "cyclic": False}))  # away, Blender's +Y
    out = tmp_path / "w.npz"
    assert generate(tiny, "--path", path, "--seconds", 4, "--steps", 2, "--fps", 24, "--out", out) == 0
    got = load(out)
    assert float(got["fps"]) == 24.0 and len(got["joints"]) == len(got["path"]) == len(got["translation"])
    assert abs((len(got["joints"]) - 1) / 24 - 79 / 20) <= 1 / 24 + 1e-9
    np.testing.assert_allclose(got["path"][0], [2.0, -3.0], atol=1e-6)
    np.testing.assert_allclose(got["path"][-1], [2.0, -8.0], atol=1e-6)
    np.testing.assert_allclose(got["joints"][0, 0, [0, 2]], [2.0, -3.0], atol=0.05)
    ahead = rotate(_inverse(facing(got["joints"])[:1]), np.array([0.0, 0.0, 1.0]))[0]
    assert ahead[2] < -0.8  # engine -Z is Blender's +Y


def _inverse(quaternions: np.ndarray) -> np.ndarray:
    return quaternions * [1, -1, -1, -1]


def test_without_out_it_only_measures(
    tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert generate(tiny, "--seconds", 2) == 0
    assert "--out" in capsys.readouterr().out and list(tmp_path.iterdir()) == []


def test_a_speed_people_do_not_have_is_reported(tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "path.json"
    path.write_text(json.dumps({"points": [[0, 0], [0, 30]]}))
    assert generate(tiny, "--path", path, "--seconds", 2) == 0
    assert "faster than people run" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["generate", "  "], "The prompt is empty"),
        (["generate", PROMPT, "--seconds", "90"], "not 90.0"),
        (["generate", PROMPT, "--seconds", "nan"], "positive number of seconds"),
        (["generate", PROMPT, "--seconds", "-1"], "positive number of seconds"),
        (["generate", PROMPT, "--steps", "3"], "1, 2 or 4 steps"),
        (["generate", PROMPT, "--takes", "0"], "number of takes"),
        (["generate", PROMPT, "--fps", "0"], "frame rate"),
        (["generate", PROMPT, "--fps", "nan"], "frame rate"),
        (["generate", PROMPT, "--path", "zigzag"], "There is no path 'zigzag'"),
        (["generate", PROMPT, "--path", "missing.json"], "no path file"),
        (["generate", PROMPT, "--path", "one.json"], "one point"),
        (["generate", PROMPT, "--path", "nan.json"], "not finite"),
        (["generate", PROMPT, "--path", "text.json"], "not valid JSON"),
        (["generate", PROMPT, "--out", "walk.fbx"], "not as 'walk.fbx'"),
        (["generate", PROMPT, "--out", "nowhere/walk.npz"], "There is no folder nowhere"),
        (["generate", PROMPT], "model folder is not there"),
        (["info", "nowhere"], "model folder is not there"),
        (["bench", "--frames", "2"], "seconds long"),
        (["bench", "--repeats", "0"], "number of repeats"),
        (["bench", "--json", "nowhere/b.json"], "There is no folder nowhere"),
    ],
)
def test_what_cannot_be_done_ends_in_one_sentence_before_the_model_is_loaded(
    arguments: list[str],
    sentence: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("one.json").write_text('{"points": [[0, 0]]}')
    Path("nan.json").write_text('{"points": [[0, 0], [NaN, 1]]}')
    Path("text.json").write_text("points")

    def never(*_: object, **__: object) -> None:
        raise AssertionError("the model was loaded")

    monkeypatch.setattr(MotionLCM, "from_folder", never)
    model = [] if arguments[0] == "info" else ["--model", "nowhere"]
    assert run(*arguments, *model) == 1
    printed = capsys.readouterr()
    assert printed.out == "" and printed.err.startswith("motionlcm: ") and sentence in printed.err
    assert printed.err.count("\n") == 1 and "Traceback" not in printed.err


def test_model_limits_are_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from dataclasses import replace

    blind = write_tiny_model(tmp_path / "blind", replace(TINY, control=False)).path
    config = json.loads((blind / "config.json").read_text())
    (blind / "config.json").write_text(json.dumps(config | {"frames": {"min": 40, "max": 100}}))
    assert generate(blind, "--seconds", 1) == 1
    assert "makes at least 2 seconds, not 1." in capsys.readouterr().err
    assert generate(blind, "--seconds", 3, "--path", "line") == 1
    assert "cannot follow a path" in capsys.readouterr().err
    assert run("generate", PROMPT, "--model", blind, "--seconds", 3, "--device", "abacus") == 1
    assert "no device called abacus" in capsys.readouterr().err
    (blind / "model.safetensors").write_bytes((blind / "model.safetensors").read_bytes()[:2000])
    assert generate(blind, "--seconds", 3) == 1
    printed = capsys.readouterr().err
    assert printed.count("\n") == 1 and "Traceback" not in printed
    assert run("info", blind) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_wrong_usage_ends_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (
        [],
        ["dance"],
        ["generate"],
        ["generate", PROMPT, "--seed", "x"],
        ["generate", PROMPT, "--what"],
        ["generate", PROMPT, "--seed", "9" * 40],
    ):
        with pytest.raises(SystemExit) as left:
            run(*arguments)
        assert left.value.code == 2
    for arguments in (["--help"], ["generate", "--help"], ["info", "--help"], ["bench", "--help"]):
        with pytest.raises(SystemExit) as left:
            run(*arguments)
        assert left.value.code == 0
    capsys.readouterr()
    with pytest.raises(SystemExit):
        run("--version")
    assert capsys.readouterr().out == f"motionlcm {__version__}\n"


def test_interrupting_ends_with_130(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(MotionLCM, "generate", interrupted)
    assert generate(tiny, "--out", tmp_path / "w.npz") == 130
    assert "Traceback" not in capsys.readouterr().err and list(tmp_path.iterdir()) == []


def test_info_names_the_authors_of_the_model(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("info", tiny) == 0
    printed = capsys.readouterr().out
    for part in ("tiny", "CC0-1.0", "random numbers", "all-MiniLM-L6-v2", "0.4 to 9.8 s", "denoiser", "MiB", "numpy"):
        assert part in printed, part
    assert run("info", tiny, "--json", "--devices") == 0
    content = json.loads(capsys.readouterr().out)
    assert content["model"]["licence"] == "CC0-1.0" and "numpy" in content["devices"]
    assert content["model"]["parameters"] == sum(content["model"]["parameters_by_part"].values()) > 1000
    assert len(content["model"]["sha256"]) == 64


def test_as_a_module_and_without_torch(tiny: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "motionlcm_blender",
            "generate",
            PROMPT,
            "--model",
            str(tiny),
            "--seconds",
            "2",
            "--device",
            "numpy",
            "--path",
            "line",
            "--out",
            str(tmp_path / "walk.npz"),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert load(tmp_path / "walk.npz")["joints"].shape == (40, 22, 3)
    code = (
        "import sys; from motionlcm_blender.cli.main import main; "
        f"status = main(['info', {str(tiny)!r}]) or main(['generate', 'a walk', '--seconds', '1', '--device', 'numpy', "
        f"'--model', {str(tiny)!r}]); "
        "heavy = {'torch', 'transformers', 'scipy', 'bpy'} & set(sys.modules); sys.exit(str(heavy or '') or status)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_prepare_is_hooked_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seen = {}

    def stand_in(args: object) -> int:
        seen.update(vars(args))  # type: ignore[call-overload]
        raise TrainingDataError("No motion.")

    monkeypatch.setattr(preparing, "run", stand_in)
    assert run("prepare", tmp_path, "--captions", "c.csv", "--out", tmp_path / "data", "--up", "z") == 1
    assert capsys.readouterr().err == "motionlcm: No motion.\n"
    assert seen["sources"] == [tmp_path] and seen["up"] == "z"


def test_training_is_hooked_up(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        run("train", "--help")
    assert left.value.code == 0 and "usage: motionlcm train" in capsys.readouterr().out


def test_where_training_is_left_out_an_error_names_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [n for n in sys.modules if n.startswith("motionlcm_blender.training")]:
        monkeypatch.delitem(sys.modules, name)
    for blocked, sentence in (("motionlcm_blender.training", "full source tree"), ("numpy", "needs the package")):
        with monkeypatch.context() as patch:
            patch.setattr(sys, "meta_path", [_Blocks(blocked), *sys.meta_path])
            if blocked == "numpy":
                patch.delitem(sys.modules, "numpy")
            assert run("prepare", "x") == 1
            assert sentence in capsys.readouterr().err


class _Blocks:
    """An importer to which one package is not installed."""

    def __init__(self, name: str) -> None:
        self.name = name

    def find_spec(self, name: str, *_: object) -> None:
        if name == self.name:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def test_the_default_number_of_steps_is_that_of_a_request() -> None:
    assert Request("a person walks", 40).steps == SAMPLER_STEPS
