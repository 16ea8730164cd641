"""The sections energy, spread and paths, the look-up and the flags, on motion and models whose figures are known."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from evaluation_data import Words, write_data  # noqa: E402
from synthetic_actions import standing  # noqa: E402
from synthetic_motion import walk  # noqa: E402
from tiny_model import write_tiny_model  # noqa: E402

from motionlcm_blender import MotionLCM  # noqa: E402
from motionlcm_blender.errors import TrainingDataError  # noqa: E402
from motionlcm_blender.generation.generated_motion import GeneratedMotion  # noqa: E402
from motionlcm_blender.generation.request import Request  # noqa: E402
from motionlcm_blender.motion.features import features_from_joints, joints_from_features  # noqa: E402
from motionlcm_blender.training.data.motion_data import MotionData, Segment, load_motion_data  # noqa: E402
from motionlcm_blender.training.evaluation import energy_section, path_section, spread_section  # noqa: E402
from motionlcm_blender.training.evaluation.energy_section import EnergySection, compared, energies  # noqa: E402
from motionlcm_blender.training.evaluation.held_out_motions import build_motions  # noqa: E402
from motionlcm_blender.training.evaluation.lookup import Lookup  # noqa: E402
from motionlcm_blender.training.evaluation.motion_measures import joints_of  # noqa: E402
from motionlcm_blender.training.evaluation.path_section import PathSection, drawn_paths, feet_figures  # noqa: E402
from motionlcm_blender.training.evaluation.segment_flags import Flags, load_flags  # noqa: E402
from motionlcm_blender.training.evaluation.spread_section import SpreadSection, families  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("data"), each=4)


@pytest.fixture(scope="module")
def data(folder: Path) -> MotionData:
    return load_motion_data(folder)


@pytest.fixture(scope="module")
def lookup(data: MotionData) -> Lookup:
    return Lookup(data, Words())


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> MotionLCM:
    folder = write_tiny_model(tmp_path_factory.mktemp("tiny"))
    loaded = MotionLCM.from_folder(folder.path, "cpu")
    return MotionLCM(loaded.backend, loaded.stats, Words(), folder)


def test_halved_movement_is_half_the_energy() -> None:
    motions = [walk(60, speed) for speed in (0.5, 0.8, 1.1, 1.4, 1.7, 2.0)]
    halved = []
    for joints in motions:
        local = joints - joints[:, :1]
        halved.append(joints[:, :1] + local.mean(0) + 0.5 * (local - local.mean(0)))
    captured = energies(motions)
    found = compared(energies(halved), captured)
    for part in ("all", "quiet", "medium", "lively"):
        for name in energy_section.QUANTITIES:
            assert [found[f"{part}/{name}{how}"] for how in ("", "_each")] == pytest.approx([0.5, 0.5], abs=1e-3)
    assert found["rank_correlation"] == pytest.approx(1.0)
    swapped = compared(energies(motions[::-1]), captured)
    assert swapped["rank_correlation"] == pytest.approx(-1.0)
    assert swapped["quiet/body"] > 1.2 and swapped["lively/body"] < 0.85


def test_thirds_are_by_captured_speed() -> None:
    parts = energy_section.thirds_of(np.array([5.0, 1.0, 4.0, 2.0, 3.0, 6.0]))
    assert [sorted(parts[name].tolist()) for name in ("quiet", "medium", "lively")] == [[1, 3], [2, 4], [0, 5]]
    assert sorted(parts["all"].tolist()) == list(range(6))


def test_columns_behind_the_263_are_not_read() -> None:
    features = features_from_joints(walk(40))
    wider = np.concatenate([features, np.full((len(features), 18), 7.0, np.float32)], axis=1)
    np.testing.assert_array_equal(joints_of(wider), joints_from_features(features))


def test_the_energy_of_a_model(model: MotionLCM, data: MotionData, lookup: Lookup) -> None:
    motions = build_motions(data)
    unclear = replace(motions[0], flags=Flags(unclear=True))
    section = EnergySection(model, [*motions, unclear], None, lookup)
    assert section.about["segments"] == len(motions)
    found = section.measure(0)
    rows = {key.split("/")[0] for key in found}
    assert rows == {"captured", "vae", "student_1", "student_2", "student_4", "final", "lookup"}
    assert found["lookup/all/body"] == pytest.approx(1.0, abs=0.25), "motion of the same kind moves as much"
    assert found == section.measure(0) and found != section.measure(1)


def test_the_nearest_caption_is_of_the_same_kind_and_never_of_a_test_clip(data: MotionData, lookup: Lookup) -> None:
    for prompt, kind in (
        ("a person walks slowly", "slow"),
        ("someone hurries along", "fast"),
        ("someone stretches", "wave"),
    ):
        nearest = lookup.nearest(prompt, 3)
        assert {s.clip.split("_")[0] for s in nearest} == {kind} and len({s.clip for s in nearest}) == 3
    assert not {s.clip for s in lookup.segments} & data.test
    made = lookup.generate(Request("a person walks slowly", 30, seed=5, takes=2))
    assert [m.frames for m in made] == [30, 30] and made[1].seed == 6
    assert not np.array_equal(made[0].joints, made[1].joints)
    assert abs(float(np.diff(made[0].joints[:, 0, 2]).mean() * 20) - 0.5) < 0.15
    assert lookup.features([("someone hurries along", 25)])[0].shape == (25, 263)
    with pytest.raises(TrainingDataError, match="train clips"):
        Lookup(MotionData(data.clips, data.segments, frozenset(data.clips)), Words())


def test_the_vectors_of_captions_are_kept(data: MotionData, tmp_path: Path) -> None:
    class Counting(Words):
        count = 0

        def encode(self, prompt: str) -> tuple[np.ndarray, np.ndarray]:
            self.count += 1
            return super().encode(prompt)

    encoder = Counting()
    first = Lookup(data, encoder, tmp_path / "e" / "lookup.npz")
    encoded = encoder.count
    again = Lookup(data, encoder, tmp_path / "e" / "lookup.npz")
    assert encoded == encoder.count == 8
    np.testing.assert_allclose(first.vectors, again.vectors, atol=1e-3)
    fewer = MotionData(data.clips, data.segments[:6], data.test)
    assert len(Lookup(fewer, encoder, tmp_path / "e" / "lookup.npz").captions) < len(first.captions)


def test_captured_motions_of_one_caption_are_a_family(model: MotionLCM, data: MotionData, lookup: Lookup) -> None:
    found = families(build_motions(data), lookup)
    assert sorted(f.captured[0].shape[1:] for f in found) == [(22, 3)] * 4
    assert {f.kind for f in found} == {"walk", "other"} and all(len(f.captured) == 4 for f in found)
    section = SpreadSection(model, build_motions(data), None, lookup)
    figures = section.measure(0)
    assert figures["spread/captured/cm"] > 1.0
    share = figures["spread/student_1/cm"] / figures["spread/captured/cm"]
    assert figures["spread/student_1/share"] == pytest.approx(share)
    turned = replace(build_motions(data)[0], captions=("a person walks and turns right.",))
    assert not families([turned], lookup), "left is not right"
    assert SpreadSection(model, [turned], None, lookup).measure(0) == {}


class Follower:
    """Follows a path exactly, facing along it or the other way; the network alone is 10 cm beside it."""

    def __init__(self, turned: float = 0.0) -> None:
        self.turned = turned

    def _joints(self, request: Request, beside: float) -> np.ndarray:
        if request.hints is None:
            return np.repeat(standing()[:1], request.frames, axis=0).astype(np.float32)
        path = request.hints.root_xz
        assert path is not None
        ahead = np.gradient(path, axis=0)
        heading = np.unwrap(np.arctan2(ahead[:, 0], ahead[:, 1])) + np.radians(self.turned)
        local = standing()[0] - standing()[0, :1] * [1.0, 0.0, 1.0]
        sin, cos = np.sin(heading)[:, None], np.cos(heading)[:, None]
        x, z = local[:, 0] * cos + local[:, 2] * sin, local[:, 2] * cos - local[:, 0] * sin
        joints = np.stack([x, np.broadcast_to(local[:, 1], x.shape), z], axis=-1)
        return (joints + np.stack([path[:, 0] + beside, 0 * heading, path[:, 1]], axis=-1)[:, None]).astype(np.float32)

    def generate(self, request: Request) -> list[GeneratedMotion]:
        joints = self._joints(request, 0.0)
        return [GeneratedMotion(joints, np.zeros((len(joints), 4), np.float32), request=request)]

    def features(self, request: Request) -> np.ndarray:
        joints = self._joints(request, 0.1)
        return features_from_joints(np.concatenate([joints, joints[-1:]]))[None]


def test_a_follower_faces_along_every_path(data: MotionData) -> None:
    found = PathSection(Follower(), build_motions(data)).measure(0)
    assert found["forward/all/final_facing_deg"] < 4.0 and found["forward/line/final_facing_max_deg"] < 1.0
    assert found["backward/all/final_facing_deg"] > 170.0
    assert found["left/line/final_facing_deg"] == pytest.approx(90.0, abs=1.0)
    assert found["forward/all/final_path_cm"] == pytest.approx(0.0, abs=0.01)
    sideways = PathSection(Follower(-90.0), build_motions(data)).measure(0)
    assert sideways["left/all/final_facing_deg"] < 4.0 < 170.0 < sideways["right/all/final_facing_deg"]
    free = PathSection(Follower(), build_motions(data), controlled=False).measure(0)
    assert {key.split("/")[0] for key in free} == {"feet"}


def test_results_of_the_network_count(data: MotionData) -> None:
    class Reporting(Follower):
        def generate(self, request: Request) -> list[GeneratedMotion]:
            return [replace(m, report={"network_path_mean_cm": 31.0}) for m in super().generate(request)]

    found = PathSection(Reporting(), build_motions(data)).measure(0)
    assert found["forward/s/network_path_cm"] == 31.0


def test_the_drawn_paths() -> None:
    paths = drawn_paths()
    assert list(paths) == ["line", "quarter", "s", "circle", "eight", "small_circle", "hairpin"]
    for name, path in paths.items():
        assert 6.0 < path.length < 7.6, name
        first = np.diff(path.vertices[:2], axis=0)[0]
        assert first[1] > 0.0, "all begin ahead"
    middle = np.array([path_section.SMALL_RADIUS, 0.0])
    np.testing.assert_allclose(np.linalg.norm(paths["small_circle"].points - middle, axis=-1), 0.6, atol=1e-6)
    assert paths["hairpin"].points[-1] == pytest.approx([0.6, 0.0])
    assert drawn_paths(0.5)["hairpin"].length == pytest.approx(0.5 * paths["hairpin"].length, rel=0.02)


def test_shares_of_takes_that_sink_or_drag() -> None:
    good = np.repeat(standing()[:1], 80, axis=0)
    good = good - [0.0, good[..., 1].min(), 0.0]
    sunk, dragged = good - [0.0, 0.05, 0.0], good.copy()
    dragged[:15, :, 0] += np.linspace(0.3, 0.0, 15)[:, None]
    assert feet_figures([good, sunk, dragged, good]) == pytest.approx(
        {"below_floor_share": 0.25, "below_floor_worst_cm": 5.0, "drag_ends_share": 0.25, "drag_inside_share": 0.0}
    )


def test_flags_of_segments(folder: Path, data: MotionData, tmp_path: Path) -> None:
    assert load_flags(folder) == {}
    rows = [
        {"clip": "slow_3", "start": 0.0, "end": 3.0, "captions": ["a"], "prop": True, "tags": ["walk"]},
        {"clip": "slow_3", "start": 1.0, "end": 2.5, "captions": ["b"], "unclear": True},
        {"clip": "slow_3", "start": 0.5, "end": 3.0, "captions": ["c"]},
    ]
    (tmp_path / "captions.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    flags = load_flags(tmp_path)
    assert flags == {("slow_3", 0.0, 3.0): Flags(prop=True, tags=("walk",)), ("slow_3", 1.0, 2.5): Flags(unclear=True)}
    segments = tuple(Segment(r["clip"], r["start"], r["end"], tuple(r["captions"])) for r in rows)  # type: ignore[arg-type]
    motions = build_motions(MotionData(data.clips, segments, data.test), flags=flags)
    assert [m.flags.prop for m in motions] == [True, False, False] and motions[1].flags.unclear
    with pytest.raises(TrainingDataError, match=r"captions\.jsonl"):
        load_flags(tmp_path / "none")


def test_kinds_follow_from_verbs() -> None:
    family = spread_section.Family("a boxer throws a punch", 40, ())
    assert family.kind == "strike" and replace(family, caption="a man jogs").kind == "run"
