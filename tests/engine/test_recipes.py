"""Recipes as values and as files: everything comes back exactly, and each error is one sentence."""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from motionlcm_blender.cli import main
from motionlcm_blender.errors import InvalidRequest, MotionLCMError
from motionlcm_blender.export.clip_output import EndPose, StartPose
from motionlcm_blender.generation.pipeline import MotionLCM
from motionlcm_blender.generation.request import Blend, Request
from motionlcm_blender.motion.loops import Travel
from motionlcm_blender.motion.motion import Motion
from motionlcm_blender.motion.skeleton import JOINT_COUNT, SMPL
from motionlcm_blender.motion.world_transform import Placement
from motionlcm_blender.postprocess.foot_lock import FootLock
from motionlcm_blender.postprocess.terrain import HeightField, PathHeights
from motionlcm_blender.recipes import fields as recipe_fields
from motionlcm_blender.recipes import replay, serialization
from motionlcm_blender.recipes.recipe import Origin, Recipe, hints_of
from motionlcm_blender.recipes.serialization import from_flat, from_json, recipe_from, to_json, values_of
from tests.repeated import assert_same_motion
from tests.tiny_model import write_tiny_model

NUMBER = st.floats(-1e4, 1e4, allow_nan=False)
POSITIVE = st.floats(0.01, 100.0)


def arrays(*shape: int, dtype: Any = np.float64) -> st.SearchStrategy[np.ndarray]:
    width = 32 if dtype == np.float32 else 64
    return hnp.arrays(dtype, shape, elements=st.floats(-100, 100, width=width), fill=st.just(dtype(0.5)))


@st.composite
def some_recipe(draw: st.DrawFn) -> Recipe:
    frames = draw(st.integers(8, 40))
    maybe = st.booleans()
    placement = Placement(draw(arrays(3)), draw(NUMBER))
    path = draw(arrays(frames, 2)) if draw(maybe) else None
    pinned = None
    if draw(maybe):
        mask = np.zeros((frames, JOINT_COUNT, 3), bool)
        for _ in range(draw(st.integers(1, 4))):
            mask[draw(st.integers(0, frames - 1)), draw(st.integers(0, JOINT_COUNT - 1))] = True
        pinned = draw(arrays(frames, JOINT_COUNT, 3)), mask
    start = None
    if draw(maybe):
        n = draw(st.integers(2, 6))
        start = Motion(draw(arrays(n, JOINT_COUNT, 3, dtype=np.float32)), draw(arrays(n, 4, dtype=np.float32)))
    end = None
    if draw(maybe):
        n = draw(st.integers(1, 1 if start is not None else 3))
        end = Motion(draw(arrays(n, JOINT_COUNT, 3, dtype=np.float32)), np.zeros((n, 4), np.float32))
    blends = draw(st.lists(st.builds(Blend, st.integers(0, 2**31 + 5), st.floats(0, 1)), max_size=2))
    steps = draw(st.sampled_from((1, 2, 4)))
    request = Request(
        draw(st.text(min_size=1).filter(lambda text: bool(text.strip()))),
        frames,
        seed=draw(st.integers(-(2**40), 2**40)),
        steps=steps,
        guidance=draw(st.none() | st.floats(1, 30)),
        liveliness=draw(st.floats(0.5, 1.5)),
        hints=hints_of(path, pinned, placement),
        start=start,
        end=end,
        end_anywhere=end is not None and draw(maybe),
        feet=draw(st.sampled_from(FootLock)),
        facing=draw(st.none() | arrays(frames)),
        refine=steps == 1 and draw(maybe),
        blends=tuple(blends),
        mirror=draw(maybe),
        gestures=draw(maybe),
        rewrite=draw(maybe),
        speed=1.0 if start is not None or end is not None else draw(st.floats(0.25, 4.0)),
    )
    ground: Any = None
    if draw(maybe):
        size = draw(st.integers(2, 5)), draw(st.integers(2, 5))
        ground = HeightField(draw(arrays(2)), draw(POSITIVE), draw(arrays(*size)))
    elif draw(maybe):
        size = (draw(st.integers(2, 5)),) * 2
        ground = PathHeights(draw(arrays(size[0], 2)), draw(arrays(size[0])))
    seam = None
    if start is not None:
        seam = StartPose(start.frames - 1, draw(arrays(3)), np.tile([1.0, 0.0, 0.0, 0.0], (len(SMPL), 1)))
    landing = None
    if end is not None and draw(maybe):
        landing = EndPose(draw(st.none() | arrays(3)), np.tile([0.5, 0.5, -0.5, 0.5], (len(SMPL), 1)))
    return Recipe(
        request,
        placement,
        draw(POSITIVE),
        draw(st.integers(-1000, 1000)),
        scene_fps=draw(POSITIVE),
        units_per_metre=draw(POSITIVE),
        path=draw(st.text()),
        path_xz=path,
        ground=ground,
        ground_name=draw(st.text()),
        standing=draw(st.none() | st.builds(Placement, arrays(3), NUMBER)),
        travel=draw(st.sampled_from(Travel)),
        loop=draw(maybe),
        key_tolerance=draw(st.none() | st.floats(0.5, 500)),
        seam=seam,
        landing=landing,
        scene_frames=draw(st.none() | st.integers(2, 100)),
        origin=Origin("m", "f" * 64, "CC0-1.0", "", "1"),
    )


def assert_equal(one: Any, two: Any, where: str = "recipe") -> None:
    """Exactly, arrays with their kind of number."""
    if is_dataclass(one):
        assert type(one) is type(two), where
        for field in fields(one):
            assert_equal(getattr(one, field.name), getattr(two, field.name), f"{where}.{field.name}")
    elif isinstance(one, np.ndarray):
        assert isinstance(two, np.ndarray) and one.dtype == two.dtype, where
        np.testing.assert_array_equal(one, two, err_msg=where)
    elif isinstance(one, tuple):
        assert len(one) == len(two), where
        for a, b in zip(one, two, strict=True):
            assert_equal(a, b, where)
    else:
        assert one == two, where


FEW = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


@FEW
@given(some_recipe())
def test_a_recipe_comes_back_exactly(recipe: Recipe) -> None:
    # The model keeps no sign of zero, so the test compares none.
    assert_equal(from_json(to_json([recipe]))[0], recipe)
    assert_equal(from_flat(serialization.flat_values(recipe)), recipe)
    for value in serialization.flat_values(recipe).values():  # what an Action can carry
        assert isinstance(value, (str, bool, int, float)) or all(type(v) is float for v in value)
        assert not isinstance(value, int) or -(2**31) <= value < 2**31


@pytest.mark.parametrize("value", ["text", 3.0, [], [1.0] * 3, [["a"]], {"a": 1}, None])
@pytest.mark.parametrize("name", ["pins", "path_xz", "ground_grid", "ground_columns", "seed", "loop"])
def test_what_was_changed_in_an_action_is_refused_or_read(name: str, value: Any) -> None:
    flat = serialization.flat_values(recipe_from(plain()))
    try:
        from_flat(flat | {name: value})
    except InvalidRequest:
        return
    assert name in ("ground_columns", "loop", "seed")


@FEW
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner),
        max_leaves=10,
    ),
    st.sampled_from(list(recipe_fields.FIELDS)),
)
def test_whatever_a_field_holds_it_is_read_or_refused(value: Any, name: str) -> None:
    try:
        from_json(json.dumps({"motionlcm_recipe": 1, "recipes": [plain() | {name: value}]}))
        from_json(json.dumps(value))
    except InvalidRequest as error:
        assert str(error).endswith((".", "update."))


def plain(**values: Any) -> dict[str, Any]:
    return {
        "prompt": "a person walks",
        "frames": 40,
        "seed": 3,
        "steps": 1,
        "seconds": 2.0,
        "first_frame": 1,
        "origin": [0.0, 0.0, 0.0],
        "heading": 0.0,
        "units_per_metre": 1.0,
    } | values


def text(*written: Any, **others: Any) -> str:
    return json.dumps({"motionlcm_recipe": 1, "recipes": list(written)} | others)


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in plain().items() if key != name}


START = np.zeros((3, JOINT_COUNT, 3)).tolist()
BAD = {
    "no JSON": ("{", "not JSON"),
    "nothing": ("", "not JSON"),
    "too deep": ("[" * 100_000, "not JSON"),
    "huge number": ('{"motionlcm_recipe": ' + "9" * 5000 + "}", "not JSON"),
    "other JSON": ("[1, 2]", "no recipe of MotionLCM"),
    "no version": ('{"recipes": []}', "no recipe of MotionLCM"),
    "newer": (text(plain(), motionlcm_recipe=2), "version 2"),
    "odd version": (text(plain(), motionlcm_recipe="1"), "no version"),
    "no recipes": (text(), 'no list "recipes"'),
    "too many": (text(*[plain()] * 65), "at most 64"),
    "stray": (text(plain(), more=1), 'field "more"'),
    "no dict": (text(3), "no list of named values"),
    "unknown": (text(plain(colour="red")), '"colour" that is not known'),
    "missing": (text(without("prompt")), 'no "prompt"'),
    "second": (text(plain(), without("seed")), 'Recipe 2: The recipe has no "seed"'),
    "not a number": (text(plain(heading=float("nan"))), "holds NaN"),
    "infinite": (text(plain(heading=float("-inf"))), "holds -Infinity"),
    "overflow": (text(plain()).replace('"heading": 0.0', '"heading": 1e999'), '"heading" must be a finite number'),
    "overflow in a list": (text(plain()).replace("[0.0, 0.0, 0.0]", "[0, 0, 1e999]"), "not finite"),
    "text for a number": (text(plain(seed="3")), '"seed" must be a finite number'),
    "part of a frame": (text(plain(frames=40.5)), '"frames" must be a whole number'),
    "true for a number": (text(plain(steps=True)), '"steps" must be a finite number'),
    "number for text": (text(plain(prompt=3)), '"prompt" must be text'),
    "number for a switch": (text(plain(loop=1)), '"loop" must be true or false'),
    "empty prompt": (text(plain(prompt=" ")), "prompt is empty"),
    "long prompt": (text(plain(prompt="a" * 5000)), "longer than 4000"),
    "long": (text(plain(frames=5000)), "must be 8 to 1200"),
    "steps": (text(plain(steps=3)), "1, 2 or 4 steps"),
    "feet": (text(plain(feet="bare")), "one of off, auto, ground"),
    "travel": (text(plain(travel="train")), "one of hips"),
    "flat list": (text(plain(path_xz=[0.0] * 80)), "any x 2 numbers"),
    "ragged list": (text(plain(path_xz=[[0, 0], [0]])), "must be a list of numbers"),
    "text in a list": (text(plain(path_xz=[["0", "0"]])), "must be a list of numbers"),
    "short path": (text(plain(path_xz=[[0, 0]] * 39)), "each of its frames"),
    "facing": (text(plain(facing=[0.0] * 3)), "one finite angle"),
    "pin": (text(plain(pins=[[40, 20, 0, 0, 0]])), "one of its frames and a joint"),
    "half a pin": (text(plain(pins=[[0.5, 20, 0, 0, 0]])), "one of its frames and a joint"),
    "start": (text(plain(start=START[:1])), "at least 2"),
    "contacts": (text(plain(start=START, start_contacts=[[0] * 4])), "each frame of its start"),
    "half a seam": (text(plain(seam_frame=2)), "needs seam_frame, seam_translation, seam_turns"),
    "no turns": (text(plain(seam_frame=2, seam_translation=[0] * 3, seam_turns=[[0] * 4] * 24)), "no turns"),
    "few turns": (text(plain(seam_frame=2, seam_translation=[0] * 3, seam_turns=[[1, 0, 0, 0]])), "24 quaternions"),
    "ground": (text(plain(ground_grid=[[0, 0], [0, 0]])), "a corner and a step"),
    "levels": (text(plain(ground_points=[[0, 0], [1, 1]], ground_levels=[0])), "one level for each"),
    "units": (text(plain(units_per_metre=0)), "units_per_metre must be a positive"),
    "far": (text(plain(origin=[1e12, 0, 0])), "too large"),
    "many digits": (text(plain(seed=10**400)), '"seed" must be a finite number'),
    "rate": (text(plain(scene_fps=0)), "frame rate"),
    "blend": (text(plain(blends=[[0.5, 0.5]])), "whole seeds"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BAD)
def test_errors_of_a_file_are_one_sentence(kind: str, tmp_path: Path) -> None:
    written, sentence = BAD[kind]
    file = tmp_path / "bad.json"
    file.write_text(written)
    with pytest.raises(InvalidRequest) as error:
        serialization.read(file)
    assert sentence in str(error.value) and "bad.json cannot be read: " in str(error.value)
    assert "\n" not in str(error.value) and str(error.value).endswith((".", "update."))


def test_files_that_cannot_be_read_or_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "r.json"
    for made, sentence in ((None, "No such file"), (b"\xff\xfe\x00", "not JSON"), (b" " * 200, "larger than 0 MB")):
        if made is not None:
            file.write_bytes(made)
            if "larger" in sentence:
                monkeypatch.setattr(serialization, "LARGEST_FILE", 100)
        with pytest.raises(InvalidRequest, match=sentence):
            serialization.read(file)
    with pytest.raises(InvalidRequest, match="cannot be read"):
        serialization.read(tmp_path)
    with pytest.raises(MotionLCMError, match="cannot be written"):
        serialization.write(tmp_path / "nowhere" / "r.json", [recipe_from(plain())])
    serialization.write(file, [recipe_from(plain())] * 2)
    monkeypatch.undo()
    assert len(serialization.read(file)) == 2 and sorted(p.name for p in tmp_path.iterdir()) == ["r.json"]


def test_for_another_size_the_world_is_the_same() -> None:
    way = np.cumsum(np.full((40, 2), 0.05), axis=0)
    grown = recipe_from(plain(path_xz=way.tolist(), origin=[0.05, 0, 0.05], standing=[1, 0, 2, 0.3])).for_size(2.0)
    np.testing.assert_allclose(grown.path_xz * 2.0, way)
    np.testing.assert_allclose(grown.request.hints.root_xz * 2.0, way - way[0], atol=1e-6)
    assert grown.for_size(2.00001) is grown and grown.standing.origin[2] == 1.0


# On the command line


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("model") / "tiny").path


def run(*arguments: object) -> int:
    return main.main(["generate", *(str(a) for a in arguments)])


def test_the_command_line_makes_a_file_of_recipes(tiny: Path, tmp_path: Path, capsys: Any) -> None:
    file, out = tmp_path / "walk.json", tmp_path / "walk.npz"
    way = np.stack([np.zeros(40), np.linspace(0, 2, 40)], axis=1)
    first = recipe_from(plain(path_xz=way.tolist(), scene_fps=24.0, mirror=True))
    serialization.write(file, [first, recipe_from(plain(seed=4, model="other", model_sha256="0" * 64))])
    assert run("--recipe", file, "--model", tiny, "--device", "numpy", "--out", out) == 0
    printed = capsys.readouterr()
    assert "recipe 2 was made by another model, other" in printed.err and "Wrote" in printed.out
    with np.load(tmp_path / "walk_1.npz") as made:
        motion = MotionLCM.from_folder(tiny, "numpy").generate(first.request)[0]
        shot = replay.shot_of(motion, first, 24.0)
        for name, expected in (("joints", shot.joints), ("rotations", shot.clip.rotations), ("path", shot.path)):
            assert_same_motion(made[name], expected)
        np.testing.assert_allclose(made["path"][-1], [0, 2], atol=1e-6)
        assert float(made["fps"]) == 24.0 and made["path"].shape[0] == made["joints"].shape[0]
    with np.load(tmp_path / "walk_2.npz") as made:
        assert int(made["seed"]) == 4 and float(made["fps"]) == 20.0
    assert values_of(first)["prompt"] == "a person walks"


@pytest.mark.parametrize(
    ("arguments", "sentence", "status"),
    [
        ((), "give a PROMPT", 2),
        (("a person walks", "--recipe", "r.json"), "leave them out", 2),
        (("--recipe", "r.json", "--seed", "3"), "leave them out", 2),
        (("--recipe", "r.json"), "r.json cannot be read: No such file", 1),
    ],
)
def test_the_command_line_refuses(arguments: tuple[str, ...], sentence: str, status: int, capsys: Any) -> None:
    try:
        left = run(*arguments)
    except SystemExit as leaving:
        left = leaving.code
    assert left == status and sentence in capsys.readouterr().err
