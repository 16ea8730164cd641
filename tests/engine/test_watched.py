"""The watched list, its verdicts, and strips that show what they should."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from motionlcm_blender.errors import TrainingDataError
from motionlcm_blender.training.evaluation import watched
from motionlcm_blender.training.evaluation.watched import Judgement, Watched

DATA = os.environ.get("MOTIONLCM_DATA")
"""A folder as `motionlcm prepare` writes it, if there is one."""


def test_the_list_is_complete() -> None:
    prompts = watched.watched_prompts()
    assert len(prompts) == len({p.prompt for p in prompts}) == 300
    groups = Counter(watched.fresh_group(p) for p in prompts)
    assert groups == {
        None: 80,
        "fresh": 40,
        "second fresh": 40,
        "third fresh": 40,
        "fourth fresh": 60,
        "fifth fresh": 40,
    }
    kinds = Counter(p.kind for p in prompts if watched.fresh_group(p) is None)
    assert sum(kinds.values()) == 80
    assert len(kinds) == 17 and min(kinds.values()) >= 3
    for prompt in prompts:
        assert 2.0 <= prompt.seconds <= 9.8 and prompt.right and not prompt.right.endswith(".")


@pytest.mark.skipif(DATA is None, reason="needs captured motion: set MOTIONLCM_DATA to its folder")
def test_no_watched_prompt_is_a_caption() -> None:
    assert DATA is not None
    lines = (Path(DATA) / "captions.jsonl").read_text("utf-8").splitlines()
    captions = {c.lower().strip(" .") for line in lines if line for c in json.loads(line)["captions"]}
    assert captions and not captions & {p.prompt.lower().strip(" .") for p in watched.watched_prompts()}


def test_verdicts_are_filled_in_and_counted(tmp_path: Path) -> None:
    prompts = watched.watched_prompts()[:4]
    file = watched.write_blank(tmp_path, prompts)
    rows = json.loads(file.read_text())
    assert [row["prompt"] for row in rows] == [p.prompt for p in prompts]
    with pytest.raises(TrainingDataError, match="judged"):
        watched.tally(watched.load_judgements(file), 2)
    for row, verdict in zip(rows, ("right", "right", "wrong"), strict=False):
        row |= {"verdict": verdict, "reason": "as seen."}
    file.write_text(json.dumps(rows))
    watched.write_blank(tmp_path, watched.watched_prompts())
    judged = watched.load_judgements(file)
    assert len(judged) == 300 and [j.verdict for j in judged[:4]] == ["right", "right", "wrong", ""]
    section = watched.tally(judged, 2)
    assert {name: figure.mean for name, figure in section.figures.items()} == pytest.approx(
        {"right": 2 / 3, "partly": 0.0, "wrong": 1 / 3}
    )
    page = watched.page(judged, watched.watched_prompts())
    assert "Of 3: 2 right, 0 partly, 1 wrong." in page and f"- *{prompts[2].prompt}*: **wrong**. as seen." in page
    rows[0]["verdict"] = "perfect"
    file.write_text(json.dumps(rows))
    with pytest.raises(TrainingDataError, match="right, partly, wrong"):
        watched.load_judgements(file)


def test_a_page_names_only_what_was_judged() -> None:
    prompts = [Watched("a", "turns", 3.0, "x"), Watched("b", "idle", 3.0, "y")]
    page = watched.page([Judgement("a", "partly", "Half."), Judgement("b")], prompts)
    assert "## Turns" in page and "## Idle" not in page and page.endswith("- *a*: **partly**. Half.\n")


def test_a_strip_shows_left_in_red_and_every_pose() -> None:
    pytest.importorskip("PIL")
    from motionlcm_blender.training.evaluation.pose_pictures import draw_take
    from tests.synthetic_actions import raising_arm, standing

    def red(joints: np.ndarray) -> np.ndarray:
        """Red pixels above the shoulders of each of the seven cells."""
        image = np.asarray(draw_take(joints, (860, 158), 7)).astype(int)
        colour = (image[..., 0] > 150) & (image[..., 1] < 110) & (image[..., 2] < 110)
        return np.array([cell[:30].sum() for cell in np.array_split(colour[:, : 860 - 158], 7, axis=1)])

    up = red(raising_arm())
    assert up[3] > 3, "the left arm is up in the middle"
    assert red(standing()).max() == 0 and up[[0, 6]].max() == 0


def test_a_turned_head_moves_the_nose() -> None:
    pytest.importorskip("PIL")
    from motionlcm_blender.training.evaluation.pose_pictures import _nose
    from tests.synthetic_actions import standing

    pose = standing()[0]
    ahead = _nose(pose, None)
    assert ahead[2] > 0.9
    np.testing.assert_allclose(_nose(pose, np.array([1.0, 0.0, 0.0, 0.0])), ahead, atol=1e-9)
    left = _nose(pose, np.array([np.cos(0.5), 0.0, np.sin(0.5), 0.0]))  # one radian about +Y, towards the left
    assert left[0] == pytest.approx(np.sin(1.0), abs=0.05)


def test_strips_of_a_model(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    from motionlcm_blender.training.evaluation import watch_strips
    from tests.tiny_model import write_tiny_model

    folder = write_tiny_model(tmp_path / "model")
    out = tmp_path / "out"
    arguments = [str(folder.path), "--out", str(out)]
    assert watch_strips.main([*arguments, "--kinds", "crawl", "--device", "numpy", "--seeds", "2"]) == 0
    with image.open(out / "watched_01.png") as sheet:
        assert sheet.width == watch_strips.WIDTH and sheet.height == 3 * (
            watch_strips.TAKE_HEIGHT + watch_strips.CAPTION
        )
    assert sorted(f.name for f in out.iterdir()) == ["judgements.json", "watched.json", "watched_01.png"]
    assert watch_strips.main([*arguments, "--kinds", "flying"]) == 1
    rows = json.loads((out / "judgements.json").read_text())
    rows[0]["verdict"] = "right"
    (out / "judgements.json").write_text(json.dumps(rows))
    pytest.importorskip("torch")
    assert watch_strips.main([*arguments, "--tally"]) == 0
    written = json.loads((out / "evaluation.json").read_text())["sections"]["watched"]
    assert written["figures"]["right"]["mean"] == 1.0 and written["about"]["seeds"] == 2
    assert "watched prompts that are right" in (out / "EVALUATION.md").read_text()
    assert "Of 1: 1 right" in (out / "WATCHED.md").read_text()


def test_fresh_prompts_are_counted_apart() -> None:
    prompts = watched.watched_prompts()
    second = next(p for p in prompts if watched.fresh_group(p) == "second fresh")
    judged = [Judgement(prompts[0].prompt, "wrong", ""), Judgement(second.prompt, "right", "")]
    figures = watched.tally(judged, 2).figures
    assert figures["right"].mean == 0.5 and figures["second fresh/right"].mean == 1.0
    assert not any(name.startswith("fresh/") for name in figures)
    assert "Of the 1 second fresh ones among them: 1 right, 0 partly, 0 wrong." in watched.page(judged, prompts)
