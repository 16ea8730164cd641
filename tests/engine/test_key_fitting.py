"""Few keys, and every joint within the tolerance, whatever the clip."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motionlcm_blender.errors import InvalidRequest
from motionlcm_blender.keyframes import high_rates, key_search
from motionlcm_blender.keyframes.fitting import fit_keys
from motionlcm_blender.keyframes.keys import BezierKeys, SparseKeys
from motionlcm_blender.motion import rotations as rot
from motionlcm_blender.motion.euler_angles import euler_angles, euler_quaternions
from motionlcm_blender.motion.motion import Clip, Motion
from motionlcm_blender.motion.resampling import resample
from motionlcm_blender.motion.retarget import forward_kinematics, retarget
from motionlcm_blender.motion.skeleton import FOOT_JOINTS, Skeleton
from motionlcm_blender.motion.world_transform import Placement, place_clip
from tests.synthetic_motion import gestures, walk


def clip_of(joints: np.ndarray) -> Clip:
    return retarget(Motion(joints.astype(np.float32), np.zeros((len(joints), 4), np.float32)))


WALK = clip_of(walk(100))


def evaluated(keys: SparseKeys, skeleton) -> Clip:
    """The keys on every scene frame, as Blender plays them."""
    first = keys.location.times[0]
    frames = first + np.arange(keys.frames)
    channels = [bone.evaluate(frames) for bone in keys.rotations]
    turns = [
        euler_quaternions(c) if mode == "XYZ" else rot.normalise(c)
        for c, mode in zip(channels, keys.rotation_modes, strict=True)
    ]
    return Clip(keys.fps, keys.location.evaluate(frames), np.stack(turns, axis=1), skeleton)


def error_mm(keys: SparseKeys, clip: Clip, seen: Clip | None = None) -> float:
    apart = forward_kinematics(seen or evaluated(keys, clip.skeleton)) - forward_kinematics(clip)
    return float(np.linalg.norm(apart, axis=-1).max() * 1000.0)


def random_clip(seed: int, frames: int, wild: float) -> Clip:
    generator = np.random.default_rng(seed)
    turns = rot.normalise(WALK.rotations[:frames] + wild * generator.normal(size=WALK.rotations[:frames].shape))
    translation = WALK.translation[:frames] + 0.1 * wild * generator.normal(size=(frames, 3))
    return Clip(20.0, translation, rot.continuous(turns), WALK.skeleton)


@given(st.integers(0, 2**32 - 1), st.integers(1, 60), st.sampled_from([0.0, 0.02, 0.3]), st.floats(1.0, 50.0))
@settings(max_examples=25, deadline=None)
def test_the_bound_holds_for_any_clip(seed: int, frames: int, wild: float, tolerance: float) -> None:
    clip = random_clip(seed, frames, wild)
    keys = fit_keys(clip, tolerance)
    assert error_mm(keys, clip) <= tolerance + 1e-6
    assert error_mm(keys, clip) == pytest.approx(keys.max_error_mm, abs=1e-3)
    for track in (keys.location, *keys.rotations):
        assert (np.diff(track.times) >= 1.0).all() and (track.times == np.round(track.times)).all()
        assert track.times[0] == 1.0 and track.times[-1] == float(frames)


@given(st.sampled_from([3.0, 10.0, 25.0]), st.sampled_from([None, 24.0, 29.97, 60.0]), st.floats(-50.0, 500.0))
@settings(max_examples=12, deadline=None)
def test_at_any_rate_from_any_frame(tolerance: float, fps: float | None, first: float) -> None:
    first = float(round(first))
    keys = fit_keys(WALK, tolerance, first, fps)
    dense = WALK if fps is None else resample(WALK, fps)
    assert keys.frames == dense.frames and keys.location.times[0] == first
    assert error_mm(keys, dense) <= tolerance + 1e-6


@pytest.mark.parametrize("fps", [100.0, 120.0, 240.0, 250.0, 480.0])
def test_a_high_frame_rate_needs_hardly_more_keys_and_keeps_the_bound(fps: float) -> None:
    few, keys = fit_keys(WALK, 10.0, scene_fps=60.0), fit_keys(WALK, 10.0, scene_fps=fps)
    clip = resample(WALK, fps)
    assert keys.frames == clip.frames and keys.location.times[-1] == keys.location.times[0] + clip.frames - 1
    assert error_mm(keys, clip) <= 10.0 + 1e-3
    assert keys.keys_per_second <= 1.4 * few.keys_per_second


def test_key_times_are_searched_on_a_limited_number_of_frames(monkeypatch) -> None:
    searched = []
    search = high_rates.fewest_keys
    monkeypatch.setattr(high_rates, "fewest_keys", lambda target: (searched.append(target.frames), search(target))[1])
    fit_keys(WALK, 10.0, scene_fps=480.0)
    assert searched == [pytest.approx(40.0 * WALK.frames / WALK.fps, abs=4)]


@pytest.mark.parametrize("mode", ["QUATERNION", "XYZ"])
@pytest.mark.parametrize("wild", [0.0, 0.02, 0.3])
def test_what_lies_between_the_searched_frames_is_kept_too(wild: float, mode: str) -> None:
    clip = replace(random_clip(5, 60, wild), fps=240.0)
    keys = fit_keys(clip, 10.0, rotation_mode=mode)
    assert error_mm(keys, clip) <= 10.0 + 1e-3
    assert keys.max_error_mm == pytest.approx(error_mm(keys, clip), abs=1e-3)


@pytest.mark.parametrize(("seed", "wild"), [(0, 0.1), (2, 0.1), (3, 0.2)])
def test_errors_between_the_searched_frames_need_no_fit_to_all_frames(seed: int, wild: float, monkeypatch) -> None:
    """Here inserted keys uncover the errors of other bones on frames where these bones have keys already."""
    monkeypatch.delattr(high_rates, "_fitted_to_all")  # its cost depends on the frames
    clip = random_clip(seed, 60, wild)
    keys = fit_keys(clip, 10.0, scene_fps=240.0)
    assert error_mm(keys, resample(clip, 240.0)) <= 10.0 + 1e-3


@pytest.mark.parametrize("frames", [121, 122, 127, 128])
def test_a_loop_at_a_high_rate_ends_as_it_begins(frames: int) -> None:
    turn = 2.0 * np.pi * np.arange(frames) / (frames - 1)
    axis = np.array([0.0, 0.0, 1.0])
    rotations = np.repeat(WALK.rotations[:1], frames, axis=0)
    rotations[:, 16] = rot.multiply(rot.from_axis_angle(axis, 0.8 * np.sin(turn)), rotations[:, 16])
    clip = Clip(120.0, np.repeat(WALK.translation[:1], frames, axis=0), rotations, WALK.skeleton)
    keys = fit_keys(clip, 10.0, loops=True)
    assert error_mm(keys, clip) <= 10.0 + 1e-3
    arm = keys.rotations[16]
    np.testing.assert_allclose(arm.values[0], arm.values[-1], atol=1e-9)
    out, into = arm.right[0, :, 1] - arm.values[0], arm.values[-1] - arm.left[-1, :, 1]
    lengths = arm.right[0, 0, 0] - arm.times[0], arm.times[-1] - arm.left[-1, 0, 0]
    np.testing.assert_allclose(out / lengths[0], into / lengths[1], atol=1e-9)


@pytest.mark.parametrize("tolerance", [5.0, 12.0])
def test_feet_that_rest_are_kept_four_times_as_close(tolerance: float) -> None:
    joints = walk(120).astype(np.float64)
    joints[50:80] = joints[50]  # both feet stand for a second and a half
    clip = clip_of(joints)
    dense, seen = forward_kinematics(clip), forward_kinematics(evaluated(fit_keys(clip, tolerance), clip.skeleton))
    feet = list(FOOT_JOINTS)
    away = 1000.0 * np.linalg.norm(seen - dense, axis=-1)
    assert away[53:77, feet].max() <= tolerance / 4.0 + 1e-6
    assert away.max() > tolerance / 4.0  # all else may be further off


@pytest.mark.parametrize("joints", [walk(120), walk(120, 1.0, 0.6), gestures(120, seed=3)[0]])
def test_far_fewer_keys_than_frames(joints: np.ndarray) -> None:
    clip = clip_of(joints)
    counts = [fit_keys(clip, tolerance).count for tolerance in (5.0, 10.0, 20.0, 40.0)]
    assert counts == sorted(counts, reverse=True)
    keys = fit_keys(clip, 10.0)
    assert keys.dense_count > 6 * keys.count
    assert keys.keys_per_second == pytest.approx(keys.count / (119 / 20))


def test_what_does_not_move_has_two_keys() -> None:
    still = Clip(20.0, np.repeat(WALK.translation[:1], 50, 0), np.repeat(WALK.rotations[:1], 50, 0), WALK.skeleton)
    keys = fit_keys(still, 10.0)
    assert {track.count for track in (keys.location, *keys.rotations)} == {2}


def test_where_it_happens_changes_little() -> None:
    moved = place_clip(WALK, Placement(np.array([3.0, 0.0, -7.0]), 1.2))
    assert fit_keys(moved, 10.0).count == pytest.approx(fit_keys(WALK, 10.0).count, rel=0.1)


def test_curves_are_those_of_a_bezier_that_solves_for_time() -> None:
    keys = fit_keys(WALK, 10.0).rotations[1]
    for k in range(keys.count - 1):
        u = np.linspace(0.0, 1.0, 9)[:, None]
        v = 1.0 - u
        for channel in range(4):
            points = [
                np.array([keys.times[k], keys.values[k, channel]]), keys.right[k, channel],
                keys.left[k + 1, channel], np.array([keys.times[k + 1], keys.values[k + 1, channel]]),
            ]  # fmt: skip
            curve = v**3 * points[0] + 3 * v * v * u * points[1] + 3 * v * u * u * points[2] + u**3 * points[3]
            np.testing.assert_allclose(keys.evaluate(curve[:, 0])[:, channel], curve[:, 1], atol=1e-9)
    # No corners: both handles of a key lie on one line.
    out, into = keys.right[1:-1] - np.stack([np.repeat(keys.times[1:-1, None], 4, 1), keys.values[1:-1]], -1), keys.left
    back = np.stack([np.repeat(keys.times[1:-1, None], 4, 1), keys.values[1:-1]], -1) - into[1:-1]
    np.testing.assert_allclose(out[..., 1] / out[..., 0], back[..., 1] / back[..., 0], atol=1e-9)


def test_euler_keys_keep_the_bound_and_do_not_jump() -> None:
    keys = fit_keys(WALK, 10.0, rotation_mode="XYZ")
    assert {bone.values.shape[1] for bone in keys.rotations} == {3}
    assert error_mm(keys, WALK) <= 10.0 + 1e-6
    spin = np.stack([np.linspace(0.0, 4.0 * np.pi, 80), np.zeros(80), np.zeros(80)], -1)
    np.testing.assert_allclose(euler_angles(euler_quaternions(spin)), spin, atol=1e-9)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_eulers_and_quaternions_are_the_same_turn(seed: int) -> None:
    q = rot.normalise(np.random.default_rng(seed).normal(size=(5, 3, 4)))
    again = euler_quaternions(euler_angles(q))
    np.testing.assert_allclose(np.abs((again * q).sum(-1)), 1.0, atol=1e-6)


def test_bones_own_axes_give_their_channels() -> None:
    generator = np.random.default_rng(0)
    outer, inner = rot.normalise(generator.normal(size=(2, 24, 4)))
    keys = fit_keys(WALK, 10.0, axes=(outer, inner))
    seen = rot.normalise(keys.rotations[4].evaluate(np.array([50.0])))[0]
    wanted = rot.multiply(rot.multiply(outer[4], WALK.rotations[49, 4]), inner[4])
    assert abs(float((seen * wanted).sum())) > 0.999


@given(st.integers(0, 2**32 - 1), st.sampled_from([1, 3]), st.sampled_from([0.0, 1000.0]))
@settings(max_examples=15, deadline=None)
def test_any_skeleton_anywhere_in_eulers_of_its_own_axes(seed: int, bones: int, far: float) -> None:
    generator = np.random.default_rng(seed)
    chain = Skeleton(("a", "b", "c")[:bones], (-1, 0, 1)[:bones], np.array([[0, 0, 0], [0, 1, 0], [0, 1, 0]])[:bones])
    wander = np.cumsum(0.1 * generator.normal(size=(40, bones, 4)), axis=0)
    turns = rot.continuous(rot.normalise(generator.normal(size=(1, bones, 4)) + wander))
    clip = Clip(20.0, far + np.cumsum(0.03 * generator.normal(size=(40, 3)), axis=0), turns, chain)
    outer, inner = rot.normalise(generator.normal(size=(2, bones, 4)))
    keys = fit_keys(clip, 10.0, rotation_mode="XYZ", axes=(outer, inner))
    seen = evaluated(keys, chain)
    local = rot.multiply(rot.multiply(rot.inverse(outer), seen.rotations), rot.inverse(inner))
    assert error_mm(keys, clip, replace(seen, rotations=local)) <= 10.0 + 1e-6


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"tolerance_mm": 0.0}, "tolerance"),
        ({"tolerance_mm": float("nan")}, "tolerance"),
        ({"first_frame": float("inf")}, "first frame"),
        ({"rotation_mode": "ZYX"}, "rotation modes"),
        ({"scene_fps": -1.0}, "frame rate"),
    ],
)
def test_what_cannot_be_is_refused(change: dict, sentence: str) -> None:
    with pytest.raises(InvalidRequest, match=sentence):
        fit_keys(WALK, **change)


def test_a_broken_clip_is_refused() -> None:
    broken = WALK.rotations.copy()
    broken[3, 2, 0] = np.nan
    with pytest.raises(InvalidRequest, match="not finite"):
        fit_keys(replace(WALK, rotations=broken))


def test_keys_from_slopes_pass_through_their_values() -> None:
    times, values, slopes = np.array([1.0, 5.0]), np.array([[0.0], [2.0]]), np.array([[0.0], [0.0]])
    (keys,) = BezierKeys.of_tracks(times, values, slopes, np.zeros(1, int), [1])
    np.testing.assert_allclose(keys.evaluate(np.array([0.0, 1.0, 3.0, 5.0, 9.0]))[:, 0], [0.0, 0.0, 1.0, 2.0, 2.0])


def test_each_bone_in_a_mode_of_its_own() -> None:
    modes = ["XYZ" if bone % 3 else "QUATERNION" for bone in range(len(WALK.skeleton.names))]
    keys = fit_keys(WALK, 10.0, rotation_mode=modes)
    assert keys.rotation_modes == tuple(modes) and error_mm(keys, WALK) <= 10.0 + 1e-6
    assert [track.values.shape[1] for track in keys.rotations] == [3 if mode == "XYZ" else 4 for mode in modes]
    assert keys.dense_count / keys.count > 4.0
    with pytest.raises(InvalidRequest, match="rotation modes"):
        fit_keys(WALK, 10.0, rotation_mode=modes[:-1])


@pytest.mark.parametrize("refits", [0, 2])
def test_inserted_keys_keep_the_bound(refits: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rough clip needs insertions; without the fits before them it needs more keys."""
    monkeypatch.setattr(key_search, "_REFITS", refits)
    insert, inserted = key_search.with_inserted_keys, []

    def counted(target, fit, most):  # type: ignore[no-untyped-def]
        before = fit.count
        fit = insert(target, fit, most)
        inserted.append(fit.count - before)
        return fit

    monkeypatch.setattr(key_search, "with_inserted_keys", counted)
    clip = random_clip(3, 60, 0.03)
    keys = fit_keys(clip, 5.0)
    assert error_mm(keys, clip) <= 5.0 + 1e-6
    assert inserted and (inserted[0] > 0 or refits), inserted
