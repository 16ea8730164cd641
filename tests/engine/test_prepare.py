"""`motionlcm prepare`: from BVH and AMC files with captions to training data that loads, and every refusal."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import pytest

from motionlcm_blender.errors import TrainingDataError
from motionlcm_blender.training.data import prepare as preparing
from motionlcm_blender.training.data.bvh_source import read_bvh
from motionlcm_blender.training.data.motion_data import load_motion_data
from motionlcm_blender.training.data.prepare import CaptionRow, PrepareOptions, prepare, read_captions, segments_of
from tests import capture_files as capture


@pytest.fixture(scope="module")
def captured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("captured")
    (folder / "cmu").mkdir()
    capture.write_bvh(folder / "walk.bvh", capture.MIXAMO, frames=91, fps=30.0, bend=10.0)
    capture.write_bvh(folder / "turn.BVH", capture.SMPL, frames=25, fps=2.0, bend=5.0, scale=1.0)
    capture.write_bvh(folder / "silent.bvh", capture.SMPL, frames=5)
    capture.write_asf_amc(folder / "cmu", "07_01", frames=181, bend=8.0)
    return folder


def _write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


CSV = """file,start,end,caption
walk.bvh,0,2.5,a person walks
walk.bvh,0,2.5,"someone walks, slowly"
walk.bvh,1.0,3.0,a man walks on
cmu/07_01.amc,,,the person strolls ahead
turn,,,a figure turns for a long time
"""


def test_from_files_to_training_data(captured: Path, tmp_path: Path) -> None:
    captions = _write(tmp_path / "captions.csv", CSV.replace("cmu/07_01.amc", "07_01.amc"))
    lines: list[str] = []
    done = prepare([captured], captions, tmp_path / "out", PrepareOptions(test_share=0.34), lines.append)
    assert done["clips"] == 3 and done["left_out"] == 1 and done["segments"] == 5
    assert any("silent.bvh: no caption" in line for line in lines)
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        "captions.jsonl",
        "clips.json",
        "joints.npz",
        "splits.json",
    ]

    data = load_motion_data(tmp_path / "out")
    assert set(data.clips) == {"walk", "turn", "07_01"} and len(data.test) == 1
    splits = json.loads((tmp_path / "out" / "splits.json").read_text())
    assert sorted(splits["train"] + splits["test"]) == ["07_01", "turn", "walk"]
    walk = data.clips["walk"]
    assert walk.shape == (61, 22, 3)
    source = read_bvh(captured / "walk.bvh")
    pelvis = source.positions[:, source.names.index("mixamorig:Hips")] / 100
    travel = walk[:, 0] - walk[0, 0]
    np.testing.assert_allclose(travel[::2], pelvis[::3] - pelvis[0], atol=1e-3)  # half millimetres
    captions_of = {(s.clip, s.start, s.end): s.captions for s in data.segments}
    assert captions_of["walk", 0.0, 2.5] == ("a person walks", "someone walks, slowly")
    assert captions_of["07_01", 0.0, 1.5] == ("the person strolls ahead",)
    assert ("turn", 0.0, 6.0) in captions_of and ("turn", 6.0, 12.0) in captions_of  # 12 s: two pieces
    assert {data.joints(s).shape[0] for s in data.segments if s.clip == "walk"} == {51, 41}


def test_travel_far_from_the_origin_fits(tmp_path: Path) -> None:
    capture.write_bvh(tmp_path / "far.bvh", capture.SMPL, frames=121, fps=30.0, bend=5.0, scale=100.0, travel=7.0)
    captions = _write(tmp_path / "c.jsonl", json.dumps({"file": "far.bvh", "captions": ["a run", "a sprint"]}))
    prepare([tmp_path / "far.bvh"], captions, tmp_path / "out")
    far = load_motion_data(tmp_path / "out").clips["far"]
    assert np.linalg.norm(far[-1, 0] - far[0, 0]) == pytest.approx(7.0 * 4 * np.hypot(0.2, 1.0), rel=1e-3)
    capture.write_bvh(tmp_path / "far.bvh", capture.SMPL, frames=121, fps=30.0, bend=5.0, travel=12.0)
    with pytest.raises(TrainingDataError, match="spans more than 32 metres"):
        prepare([tmp_path / "far.bvh"], captions, tmp_path / "again")
    assert not (tmp_path / "again").exists()


def test_one_bad_frame_does_not_lift_the_floor(captured: Path) -> None:
    joints = preparing.read_motion(captured / "walk.bvh", PrepareOptions())
    feet = joints[:, [7, 8, 10, 11], 1].min(axis=1)
    assert (feet < -1e-6).mean() <= 0.02 and np.sort(feet)[len(feet) // 50] == pytest.approx(0.0, abs=1e-6)


def test_files_of_one_name_stay_apart(tmp_path: Path) -> None:
    for sub in ("a", "b"):
        (tmp_path / sub).mkdir()
        (tmp_path / sub / "walk.bvh").write_text("")
    assert sorted(preparing.find_motion_files([tmp_path])) == ["a_walk", "b_walk"]
    with pytest.raises(TrainingDataError, match="Two motion files"):
        preparing.find_motion_files([tmp_path / "a" / "walk.bvh", tmp_path / "b" / "walk.bvh"])


def test_bad_captions_end_in_one_sentence(tmp_path: Path) -> None:
    cases = {
        "a.csv": [
            ("Line 2 of a.csv lacks its caption", "file,start,end,caption\nx.bvh,0,1,\n"),
            ("Line 2 of a.csv lacks its file", "file,start,end,caption\n,0,1,walk\n"),
            ("must begin with the columns", "x.bvh,0,1,walk\n"),
            ("too many commas", "file,start,end,caption\nx.bvh,0,2,walks, then runs\n"),
            ("not a number of seconds: 'soon'", "file,start,end,caption\nx.bvh,soon,2,walks\n"),
            ("not a number of seconds: '-1'", "file,start,end,caption\nx.bvh,-1,2,walks\n"),
            ("not a number of seconds: 'nan'", "file,start,end,caption\nx.bvh,nan,2,walks\n"),
            ("are empty", "file,start,end,caption\n"),
        ],
        "a.jsonl": [
            ("Line 2 of a.jsonl is not JSON", '{"file": "x", "caption": "walk"}\n{"file": "x"'),
            ("not a JSON object", "[1]"),
            ("lacks its caption", '{"file": "x", "captions": []}'),
        ],
        "a.txt": [(".csv or .jsonl", "")],
    }
    for name, rows in cases.items():
        for sentence, text in rows:
            with pytest.raises(TrainingDataError) as error:
                read_captions(_write(tmp_path / name, text))
            assert sentence in str(error.value), str(error.value)
    with pytest.raises(TrainingDataError, match="cannot be read"):
        read_captions(tmp_path / "missing.csv")


def test_segments_outside_the_motion_are_refused() -> None:
    for start, end, sentence in (
        (0.0, 6.0, "after the motion does"),
        (5.0, None, "after the motion does"),
        (1.0, 1.5, "or more"),
        (4.5, None, "or more"),
        (2.0, 1.0, "or more"),
    ):
        with pytest.raises(TrainingDataError, match=sentence):
            segments_of(CaptionRow("x.bvh", start, end, ("walk",)), "x", 5.0)
    with pytest.raises(TrainingDataError, match=r"makes 9\.8 s at most"):
        segments_of(CaptionRow("x.bvh", 0.0, 10.5, ("walk",)), "x", 20.0)
    pieces = segments_of(CaptionRow("x.bvh", 1.0, None, ("walk",)), "x", 30.0)
    assert len(pieces) == 3 and pieces[0]["start"] == 1.0 and pieces[-1]["end"] == 30.0
    assert all(p["end"] - p["start"] <= 9.8 for p in pieces)


def test_what_does_not_fit_is_refused_and_nothing_is_written(captured: Path, tmp_path: Path) -> None:
    captions = _write(tmp_path / "c.csv", "file,start,end,caption\nwalk.bvh,0,2,a walk\n")
    unknown = _write(tmp_path / "u.csv", "file,start,end,caption\nrun.bvh,0,2,a run\n")
    out = tmp_path / "out"
    for sources, file, share, sentence in (
        ([captured], unknown, 0.1, "run.bvh, which is not among the files"),
        ([captured / "nowhere"], captions, 0.1, "no file or folder"),
        ([captions], captions, 0.1, "neither BVH nor AMC"),
        ([tmp_path], captions, 0.1, "no .bvh or .amc"),
        ([captured / "walk.bvh"], captions, 1.0, "share of test clips"),
    ):
        with pytest.raises(TrainingDataError, match=sentence):
            prepare(sources, file, out, PrepareOptions(test_share=share))
    assert not out.exists()


def test_command_options(captured: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    preparing.add_arguments(parser)
    captions = _write(tmp_path / "c.csv", "file,start,end,caption\nwalk.bvh,0,2,a walk\n")
    names = _write(tmp_path / "names.json", '{"l_hip": "mixamorig:LeftUpLeg"}')
    base = [str(captured / "walk.bvh"), "--captions", str(captions), "--out", str(tmp_path / "out")]
    arguments = [*base, "--joint-names", str(names), "--up", "y", "--metres-per-unit", "0.02"]
    assert preparing.run(parser.parse_args(arguments)) == 0
    assert "1 clips" in capsys.readouterr().out
    twice = load_motion_data(tmp_path / "out").clips["walk"]
    assert preparing.run(parser.parse_args(base)) == 0
    once = load_motion_data(tmp_path / "out").clips["walk"]
    np.testing.assert_allclose(twice[:, 15, 1], 2 * once[:, 15, 1], atol=2e-3)
    for extra, sentence in (
        (["--joint-names", str(captions)], "cannot be read"),
        (["--joint-names", str(_write(tmp_path / "n.json", "[1]"))], "must hold names"),
        (["--amc-fps", "0"], "frame rate of AMC files"),
        (["--metres-per-unit", "nan"], "metres of one unit"),
    ):
        with pytest.raises(TrainingDataError, match=sentence):
            preparing.run(parser.parse_args([*base, *extra]))
