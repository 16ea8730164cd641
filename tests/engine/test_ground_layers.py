"""Which surface is the ground where several lie above each other."""

from __future__ import annotations

import numpy as np
import pytest

from motionlcm_blender.motion import ground_layers
from motionlcm_blender.motion.ground_layers import (
    SampledHeights,
    followed_ground,
    near_way,
    solid_tops,
    stands_inside,
)

WAY = np.array([[k, 2] for k in range(30)])


def layers(*surfaces, width: int = 30) -> list[list[np.ndarray]]:
    """Surfaces as functions of x and z, or constants; NaN where there is none."""
    made = []
    for i in range(width):
        row = []
        for j in range(5):
            found = [surface(i, j) if callable(surface) else surface for surface in surfaces]
            row.append(np.array(sorted((h for h in found if not np.isnan(h)), reverse=True)))
        made.append(row)
    return made


def ground(*surfaces, way: np.ndarray = WAY, floor: float = 0.0) -> np.ndarray:
    return followed_ground(layers(*surfaces), way, floor, 0.1)


def test_one_surface_is_the_ground_at_any_height() -> None:
    hill = ground(lambda i, j: 0.3 * i)
    np.testing.assert_allclose(hill[:, 2], 0.3 * np.arange(30))
    assert (ground(5.0) == 5.0).all() and (ground(-3.0) == -3.0).all()


def test_ceilings_bridges_and_tables_are_not_the_ground() -> None:
    assert (ground(0.0, 2.6) == 0.0).all()
    assert (ground(0.0, 1.0) == 0.0).all()
    bridge = ground(0.0, lambda i, j: 2.5 if 10 < i < 20 else np.nan)
    table = ground(0.0, lambda i, j: 0.75 if 10 < i < 20 else np.nan)
    assert (bridge == 0.0).all() and (table == 0.0).all()


def test_the_same_bridge_is_the_ground_of_who_starts_on_it() -> None:
    assert (ground(0.0, 2.5, floor=2.5) == 2.5).all()


def test_stairs_lead_to_the_upper_floor_and_stay_there() -> None:
    stairs = ground(0.0, lambda i, j: min(0.17 * max(i - 5, 0), 2.55) if i > 5 else np.nan)
    assert stairs[0, 2] == 0.0 and (stairs[20:, 2] == 2.55).all()
    roofed = ground(0.0, lambda i, j: min(0.17 * max(i - 5, 0), 2.55) if i > 5 else np.nan, 6.0)
    np.testing.assert_array_equal(roofed, stairs)


def test_holes_have_no_ground_and_carry_it_across() -> None:
    found = ground(lambda i, j: np.nan if 10 < i < 14 else 0.0, 2.6)
    assert (found[:10] == 0.0).all() and (found[14:] == 0.0).all()
    assert np.isnan(found[11:14]).all()  # the ceiling is no ground
    assert np.isnan(ground(lambda i, j: np.nan if 10 < i < 14 else 0.0)[11:14]).all()


def test_undersides_are_no_ground_whichever_way_the_mesh_faces() -> None:
    heights = np.array([2.8, 2.6, 0.0, -0.2])
    slabs = solid_tops(heights, np.array([True, False, True, False]))
    np.testing.assert_array_equal(slabs, [2.8, 0.0])
    inward = solid_tops(np.array([2.6, 0.0]), np.array([False, True]))  # a room seen from inside
    np.testing.assert_array_equal(inward, [2.6, 0.0])


def test_a_cube_is_a_room_for_who_stands_in_it_and_a_block_for_others() -> None:
    heights, up = np.array([2.6, 0.0]), np.array([True, False])  # a cube whose faces look out
    assert stands_inside(heights, up, 0.0) and stands_inside(heights, up, 0.3)
    assert not stands_inside(heights, up, 2.6)  # on its top
    assert not stands_inside(heights, up, 1.5)  # on nothing: no floor is near
    assert not stands_inside(np.array([1.0, 0.0]), up, 0.0)  # a crate, to step or climb onto
    slabs = np.array([2.8, 2.6, 0.0, -0.2])
    assert not stands_inside(slabs, np.array([True, False, True, False]), 0.0)
    assert not stands_inside(heights, ~up, 0.0) and not stands_inside(np.array([]), np.array([], bool), 0.0)


def test_one_surface_everywhere_is_found_without_a_search(monkeypatch: pytest.MonkeyPatch) -> None:
    def hill(i: int, j: int) -> float:
        return float(0.4 * np.sin(0.3 * i) + 0.1 * j)

    below = [[np.append(heights, -9.0) for heights in row] for row in layers(hill)]
    searched = followed_ground(below, WAY, 0.0, 0.1)
    monkeypatch.setattr(ground_layers, "_beside", None)
    np.testing.assert_array_equal(followed_ground(layers(hill), WAY, 0.0, 0.1), searched)


def test_a_step_above_the_head_is_searched() -> None:
    cliff = ground(lambda i, j: 5.0 if i > 20 else 0.0)
    assert (cliff[:21] == 0.0).all() and np.isnan(cliff[21:]).all()


def test_points_without_samples_have_no_ground_and_change_nothing_else() -> None:
    for surfaces in ((lambda i, j: 0.1 * i,), (lambda i, j: 0.1 * i, -1.0)):
        whole = layers(*surfaces)
        near = near_way(WAY, (30, 5), 1.0)
        assert near[:, 1:4].all() and not near[:, [0, 4]].any()
        part = [[whole[i][j] if near[i, j] else None for j in range(5)] for i in range(30)]
        found = followed_ground(part, WAY, 0.0, 0.1)
        np.testing.assert_array_equal(found[near], followed_ground(whole, WAY, 0.0, 0.1)[near])
        assert np.isnan(found[~near]).all()


@pytest.mark.parametrize("most", [1, 2])
def test_samples_are_taken_once_and_give_the_ground_of_a_search(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    rng = np.random.default_rng(3)
    surfaces = {
        (i, j): np.sort(rng.uniform(-0.6, 0.6, rng.integers(0, most + 1)))[::-1]
        for i in range(-10, 40)
        for j in range(-10, 20)
    }
    taken: list[tuple[int, int]] = []

    def sample(i: int, j: int) -> np.ndarray:
        taken.append((i, j))
        return surfaces[i, j]

    samples = SampledHeights()
    for first in ((0, 0), (-4, 3), (5, -2), (0, 0)):
        near = near_way(WAY, (30, 5), 1.5)
        found = samples.ground(np.array(first), near, WAY, 0.1, 0.1, sample)
        grid = [[surfaces[first[0] + i, first[1] + j] if near[i, j] else None for j in range(5)] for i in range(30)]
        with monkeypatch.context() as searching:
            searching.setattr(ground_layers, "_needs_no_search", lambda *_: False)
            np.testing.assert_allclose(found, followed_ground(grid, WAY, 0.1, 0.1), atol=1e-9)
    assert len(taken) == len(set(taken)), "no point is sampled twice"


def test_a_hole_below_a_cliff_is_searched() -> None:
    def cliff(i: int, j: int) -> np.ndarray:
        return np.array([] if i == 15 else [5.0 if i > 15 else 0.0])

    samples, near = SampledHeights(), np.ones((30, 5), bool)
    found = samples.ground(np.zeros(2, int), near, WAY, 0.0, 0.1, cliff)
    assert (found[:15] == 0.0).all() and np.isnan(found[15:]).all()
