from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from motionlcm_blender.errors import InvalidRequest
from motionlcm_blender.motion.ground_path import (
    NAMES,
    GroundPath,
    Timing,
    fastest,
    load_path,
    named_path,
    natural_length,
    speed,
    speed_warning,
    suggested_frames,
    timed,
)
from motionlcm_blender.motion.smoothing import frames_to_nearest

numbers = st.floats(-20.0, 20.0, allow_subnormal=False)


@st.composite
def ground_paths(draw, weighted: bool = False) -> GroundPath:
    count = draw(st.integers(2, 12))
    points = draw(arrays(np.float64, (count, 2), elements=numbers))
    points[-1] += points[0] - points[-1] + (1.5, 0.5)  # so that there is some length
    weights = draw(arrays(np.float64, count, elements=st.floats(0.0, 2.0))) if weighted else None
    if weights is not None:
        weights[0] = max(weights[0], 0.5)
    return GroundPath(points, draw(st.booleans()), weights)


def arc_position(path: GroundPath, xz: np.ndarray) -> np.ndarray:
    """Distance from each point to the polyline."""
    start, along = path.vertices[:-1], np.diff(path.vertices, axis=0)
    offset = xz[:, None] - start
    share = np.clip((offset * along).sum(-1) / np.maximum((along**2).sum(-1), 1e-30), 0, 1)
    return np.linalg.norm(offset - share[..., None] * along, axis=-1).min(axis=1)


@given(ground_paths(), st.integers(2, 196))
@settings(max_examples=60, deadline=None)
def test_even_timing_covers_equal_arcs(path, frames):
    xz = timed(path, frames)
    assert xz.shape == (frames, 2)
    np.testing.assert_array_equal(xz[[0, -1]], path.vertices[[0, -1]])
    assert arc_position(path, xz).max() < 1e-9
    # No chord is longer than the even arc between two frames, and their sum falls short only by the corners cut.
    step = path.length / (frames - 1)
    assert np.linalg.norm(np.diff(xz, axis=0), axis=-1).max() <= step + 1e-9


@given(ground_paths(weighted=True), st.integers(2, 196))
@settings(max_examples=60, deadline=None)
def test_weighted_timing_stays_on_the_path_and_never_turns_back(path, frames):
    xz = timed(path, frames)
    np.testing.assert_array_equal(xz[[0, -1]], path.vertices[[0, -1]])
    assert arc_position(path, xz).max() < 1e-9
    # The same weights on a straight path of the same arc lengths: distance must rise.
    lengths = np.linalg.norm(np.diff(path.vertices, axis=0), axis=-1)
    arc = np.concatenate([[0.0], np.cumsum(lengths)])
    weights = np.append(path.weights, path.weights[0]) if path.cyclic else path.weights
    straight = timed(GroundPath(np.stack([0 * arc, arc], axis=-1), weights=weights), frames)
    assert np.diff(straight[:, 1]).min() >= -1e-9


@given(ground_paths(), st.integers(3, 120), st.floats(0.3, 1.9))
@settings(max_examples=30, deadline=None)
def test_equal_weights_are_even_speed(path, frames, weight):
    weighted = GroundPath(path.points, path.cyclic, np.full(len(path.points), weight))
    np.testing.assert_allclose(timed(weighted, frames), timed(path, frames), atol=1e-6)


def test_a_stop_is_eased_into_and_out_of():
    path = GroundPath(np.array([[0, 0], [0, 2], [0, 4.0]]), weights=np.array([1.0, 0.0, 1.0]))
    steps = np.diff(timed(path, 101)[:, 1])
    middle = len(steps) // 2
    assert steps[middle - 1 : middle + 1].max() < 0.15 * steps.max()
    assert (np.diff(steps[:middle]) < 1e-6).all() and (np.diff(steps[middle:]) > -1e-6).all()
    assert np.abs(np.diff(steps)).max() < 0.1 * steps.max()


def test_a_stop_does_not_depend_on_how_densely_the_curve_is_sampled():
    def walk(count):
        s = np.linspace(0, 4, count)
        return timed(GroundPath(np.stack([0 * s, s], -1), weights=np.abs(s - 2) / 2), 61)

    np.testing.assert_allclose(walk(3), walk(401), atol=0.02)


def test_half_the_weight_is_half_the_speed():
    path = GroundPath(np.array([[0, 0], [0, 2], [0, 2.01], [0, 4.0]]), weights=np.array([1.0, 1.0, 0.5, 0.5]))
    steps = np.diff(timed(path, 200)[:, 1])
    assert steps[10] / steps[-10] == pytest.approx(2.0, rel=0.01)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("length", [0.5, 4.0, 12.0])
def test_named_paths_have_their_length_and_start_ahead(name, length):
    path = named_path(name, length)
    assert path.length == pytest.approx(length, rel=1e-3)
    np.testing.assert_allclose(path.points[0], 0.0, atol=1e-12)
    first = path.points[1] - path.points[0]
    assert np.degrees(np.arctan2(first[0], first[1])) == pytest.approx(0.0, abs=1.0)
    assert path.cyclic == (name in ("circle", "eight"))
    turns = np.diff(np.unwrap(np.arctan2(*np.diff(path.vertices, axis=0).T)))
    if name != "line":
        assert turns[3] > 0  # left first
        assert np.abs(turns).max() < 0.1  # no corners


def test_named_paths_have_the_shape_of_their_name():
    quarter = timed(named_path("quarter", 3.0), 50)
    np.testing.assert_allclose(quarter[-1], np.full(2, 3.0 / (0.5 * np.pi)), rtol=1e-3)
    circle = timed(named_path("circle", 6.0), 61)
    np.testing.assert_allclose(np.linalg.norm(circle - (6 / (2 * np.pi), 0), axis=-1), 6 / (2 * np.pi), rtol=1e-3)
    s = timed(named_path("s", 6.0), 61)
    np.testing.assert_allclose(s + s[::-1], np.broadcast_to(s[-1], s.shape), atol=0.01)  # point symmetric
    eight = timed(named_path("eight", 8.0), 81)
    np.testing.assert_allclose(eight[40], 0.0, atol=1e-6)  # back at the crossing half way
    assert eight[1:40, 0].min() >= 0 >= eight[41:-1, 0].max()  # left loop, then right loop


@pytest.mark.parametrize(
    ("points", "sentence"),
    [
        ([], "no points"),
        ([[0, 0]], "one point"),
        ([[1, 1], [1, 1]], "no length"),
        ([[0, 0], [float("nan"), 1]], "not finite"),
        ([[0, 0], [float("inf"), 1]], "not finite"),
        ([[0, 0, 0], [1, 1, 1]], "two numbers"),
        ([0, 1, 2], "two numbers"),
        ([["a", 0], [1, 1]], "two numbers"),
        ([[0, 0], [1]], "two numbers"),
    ],
)
def test_bad_points_are_refused_in_a_sentence(points, sentence):
    with pytest.raises(InvalidRequest, match=sentence):
        GroundPath(points)


@pytest.mark.parametrize(
    ("weights", "sentence"),
    [([1.0], "each point"), ([1, -1], "not negative"), ([1, np.nan], "finite"), ([0, 0], "all zero"), ("ab", "number")],
)
def test_bad_weights_are_refused_in_a_sentence(weights, sentence):
    with pytest.raises(InvalidRequest, match=sentence):
        GroundPath(np.array([[0, 0], [0, 1.0]]), weights=weights)


def test_bad_names_lengths_and_frames_are_refused():
    for call in (
        lambda: named_path("spiral", 3.0),
        lambda: named_path("line", 0.0),
        lambda: named_path("line", float("nan")),
        lambda: natural_length("spiral", 3.0),
        lambda: natural_length("line", -1.0),
        lambda: timed(named_path("line", 1.0), 1),
        lambda: speed(named_path("line", 1.0), 1),
    ):
        with pytest.raises(InvalidRequest):
            call()


def test_load_path_turns_blender_axes(tmp_path):
    file = tmp_path / "path.json"
    file.write_text(json.dumps({"points": [[0, 0], [1, -2], [3, -4]], "cyclic": True, "weights": [1, 0.5, 1]}))
    path = load_path(file)
    np.testing.assert_array_equal(path.points, [[0, 0], [1, 2], [3, 4]])  # ahead is Blender's -Y
    assert path.cyclic
    np.testing.assert_array_equal(path.weights, [1, 0.5, 1])


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "not valid JSON"),
        ("[[0, 0], [1, 1]]", "must hold"),
        ('{"points": 3}', "must hold"),
        ('{"points": []}', "no points"),
        ('{"points": [[0, 0]]}', "one point"),
        ('{"points": [[0, 0], [1]]}', "two numbers"),
        ('{"points": [[0, 0], [1, true]]}', "two numbers"),
        ('{"points": [[0, 0], [1, NaN]]}', "not finite"),
        ('{"points": [[0, 0], [1, 1]], "cyclic": "yes"}', "true or false"),
        ('{"points": [[0, 0], [1, 1]], "weights": [1]}', "each point"),
        ('{"points": [[0, 0], [1, 1]], "weights": "fast"}', "list of numbers"),
        ('{"points": [[0, 0], [1, 1]], "closed": true}', "unknown: closed"),
    ],
)
def test_bad_path_files_are_refused_by_name(tmp_path, text, sentence):
    file = tmp_path / "path.json"
    file.write_text(text)
    with pytest.raises(InvalidRequest, match=sentence) as raised:
        load_path(file)
    assert "path.json" in str(raised.value)


def test_missing_and_binary_path_files_are_refused(tmp_path):
    with pytest.raises(InvalidRequest, match="no path file"):
        load_path(tmp_path / "nothing.json")
    with pytest.raises(InvalidRequest, match="cannot be read"):
        load_path(tmp_path)
    binary = tmp_path / "binary.json"
    binary.write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(InvalidRequest, match="not text in UTF-8"):
        load_path(binary)


def test_speed_and_its_warning():
    path = named_path("line", 6.0)
    assert speed(path, 121) == pytest.approx(1.0)
    assert speed_warning(path, 121) is None
    assert "faster" in (speed_warning(path, 21) or "")
    assert "slower" in (speed_warning(named_path("line", 1.0), 121) or "")
    for name in NAMES:
        assert speed_warning(named_path(name, natural_length(name, 6.0)), 121) is None


@given(st.floats(0.0, 2.0), st.floats(0.0, 2.0), st.integers(60, 196))
@settings(max_examples=40, deadline=None)
def test_eases_start_and_end_gently_and_still_arrive(ease_in: float, ease_out: float, frames: int) -> None:
    path = named_path("line", 6.0)
    xz = timed(path, frames, Timing(ease_in, ease_out))
    steps = np.diff(xz[:, 1])
    assert (steps >= -1e-9).all()
    np.testing.assert_allclose(xz[[0, -1], 1], [0.0, 6.0], atol=1e-9)
    even = 6.0 / (frames - 1)
    for ease, first, second in ((ease_in, steps[0], steps[1]), (ease_out, steps[-1], steps[-2])):
        if ease > 0.3:
            assert first < 0.6 * even and first < second
    assert steps.max() < 2.1 * even


@given(st.integers(10, 60), st.integers(80, 140), st.floats(0.0, 0.6))
@settings(max_examples=40, deadline=None)
def test_points_are_reached_on_their_frames(first: int, second: int, ease: float) -> None:
    points = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 2.5], [2.0, 2.5], [2.0, 4.0]])
    path = GroundPath(points)
    xz = timed(path, 160, Timing(ease, ease, ((1, first), (3, second))))
    np.testing.assert_allclose(xz[first], points[1], atol=1e-6)
    np.testing.assert_allclose(xz[second], points[3], atol=1e-6)
    arc = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(xz, axis=0), axis=-1))])
    assert arc[-1] < path.length + 1e-6  # never back and forth
    assert np.abs(np.diff(arc, n=2)).max() < 0.08


def test_arrivals_that_cannot_be_are_refused() -> None:
    path = named_path("line", 4.0)
    with pytest.raises(InvalidRequest, match="must rise"):
        Timing(arrivals=((1, 40.0), (2, 20.0)))
    with pytest.raises(InvalidRequest, match="no point 7"):
        timed(path, 80, Timing(arrivals=((7, 20.0),)))
    with pytest.raises(InvalidRequest, match="outside"):
        timed(path, 80, Timing(arrivals=((1, 200.0),)))
    with pytest.raises(InvalidRequest, match="ease"):
        Timing(ease_in=float("nan"))


def test_a_length_is_suggested_from_the_path() -> None:
    assert suggested_frames(named_path("line", 6.0)) == 101  # 6 m at 1.2 m/s are 5 s
    slow = GroundPath(np.array([[0.0, 0.0], [0.0, 3.0], [0.0, 6.0]]), weights=np.array([1.0, 0.25, 1.0]))
    assert suggested_frames(slow) > 120
    with pytest.raises(InvalidRequest, match="pace"):
        suggested_frames(slow, 0.0)
    assert fastest(timed(named_path("line", 4.0), 81)) == pytest.approx(1.0)


@given(st.integers(1, 60), st.sets(st.integers(0, 59), min_size=1))
def test_frames_to_the_nearest_of_some_frames(frames: int, marks: set[int]) -> None:
    found = frames_to_nearest(np.array(sorted(marks)), frames)
    assert found.tolist() == [min(abs(frame - mark) for mark in marks) for frame in range(frames)]
