"""The evaluator: it learns what belongs together, sees neither padding nor length, and comes back from its files."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from evaluation_data import KINDS, Words, write_data  # noqa: E402

from motionlcm_blender.errors import ModelFolderError, TrainingDataError  # noqa: E402
from motionlcm_blender.training.data.motion_data import MotionData, load_motion_data  # noqa: E402
from motionlcm_blender.training.evaluation import evaluator_training  # noqa: E402
from motionlcm_blender.training.evaluation.caption_states import CaptionStates  # noqa: E402
from motionlcm_blender.training.evaluation.evaluator import Evaluator, EvaluatorNetwork, EvaluatorSettings  # noqa: E402
from motionlcm_blender.training.evaluation.evaluator_training import same_meaning, train_evaluator  # noqa: E402
from motionlcm_blender.training.evaluation.held_out_motions import build_motions  # noqa: E402
from tests.repeated import assert_same_output  # noqa: E402

SMALL = EvaluatorSettings(
    width=32, heads=2, layers=1, embedding=8, steps=60, batch=12, learning_rate=3e-3, dropout=0.0, warps=1, held_out=0.2
)


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> MotionData:
    return load_motion_data(write_data(tmp_path_factory.mktemp("data")))


@pytest.fixture(scope="module")
def evaluator(data: MotionData) -> Evaluator:
    return train_evaluator(data, CaptionStates(Words()), SMALL)


def test_motions_of_a_split(data: MotionData) -> None:
    motions = build_motions(data, mirrored=True, crops=2)
    assert {m.clip for m in motions} == data.test and len(motions) == len(data.test) * 3 * 2
    for motion in motions:
        assert 48 <= motion.frames <= 64 and motion.joints.dtype == np.float32
        np.testing.assert_allclose(motion.joints[0, 0, [0, 2]], 0.0, atol=1e-5)
        across = motion.joints[0, 1] - motion.joints[0, 2] + motion.joints[0, 16] - motion.joints[0, 17]
        assert across[0] > 0.1 and abs(across[2]) < 1e-4  # by hips and shoulders the figure faces +Z
        assert motion.joints[..., 1].min() == pytest.approx(0.0, abs=1e-5)
        assert motion.features().shape == (motion.frames - 1, 263)
    turning = {m.mirrored: m for m in motions if m.clip.startswith("left") and m.frames == 64}
    assert "left" in turning[False].captions[0] and "right" in turning[True].captions[0]
    assert turning[False].joints[-1, 0, 0] == pytest.approx(-turning[True].joints[-1, 0, 0], abs=1e-4)
    assert abs(turning[False].joints[-1, 0, 0]) > 0.5
    train = build_motions(data, test=False, limit=3)
    assert len(train) == 3 and not {m.clip for m in train} & data.test
    with pytest.raises(TrainingDataError, match="test clips"):
        build_motions(MotionData(data.clips, data.segments, frozenset()))


def test_it_learns_which_caption_belongs_to_which_motion(evaluator: Evaluator, data: MotionData) -> None:
    motions = build_motions(data)
    embedded = evaluator.embed_motions([m.features() for m in motions])
    np.testing.assert_allclose(np.linalg.norm(embedded, axis=-1), 1.0, atol=1e-5)
    for wording in range(2):
        texts = evaluator.embed_texts([m.captions[wording] for m in motions])
        np.testing.assert_array_equal((texts @ embedded.T).argmax(1), np.arange(len(motions)))
    assert evaluator.description["real_test_motion"]["r1_of_4"] == 1.0


def test_padding_and_neighbours_change_nothing(evaluator: Evaluator, data: MotionData) -> None:
    features = [m.features()[: 20 + 9 * k] for k, m in enumerate(build_motions(data))]
    together = evaluator.embed_motions(features)
    alone = np.concatenate([evaluator.embed_motions([f]) for f in features])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    captions = ["a person walks.", "someone strolls along the road in the sun."]
    alone = np.concatenate([evaluator.embed_texts([c]) for c in captions])
    np.testing.assert_allclose(evaluator.embed_texts(captions), alone, atol=1e-5)


def test_rotations_and_contacts_are_not_read(evaluator: Evaluator, data: MotionData) -> None:
    features = build_motions(data)[0].features()
    other = features.copy()
    other[:, 67:193] += 1.0
    other[:, 259:] = 7.0
    assert_same_output(evaluator.embed_motions([features]), evaluator.embed_motions([other]), 1e-6)
    other[:, 4:67] += 0.1
    assert np.abs(evaluator.embed_motions([features]) - evaluator.embed_motions([other])).max() > 1e-3


def test_the_same_seed_gives_the_same_evaluator(data: MotionData) -> None:
    short = EvaluatorSettings(width=16, heads=2, layers=1, embedding=4, steps=3, batch=4, warps=1)
    motion = build_motions(data)[0].features()
    one, two, other = (
        train_evaluator(data, CaptionStates(Words()), replace(short, seed=seed)).embed_motions([motion])
        for seed in (71, 71, 72)
    )
    assert_same_output(one, two, 1e-3)
    assert np.abs(one - other).max() > 0.02


def test_saved_and_loaded(evaluator: Evaluator, data: MotionData, tmp_path: Path) -> None:
    evaluator.save(tmp_path / "e")
    again = Evaluator.load(tmp_path / "e", CaptionStates(Words()))
    assert again.settings == evaluator.settings and again.description == evaluator.description
    assert len(again.fingerprint) == 64
    features = [m.features() for m in build_motions(data)]
    np.testing.assert_allclose(again.embed_motions(features), evaluator.embed_motions(features), atol=2e-3)
    described = json.loads((tmp_path / "e" / "evaluator.json").read_text())
    described["settings"]["colour"] = 1
    (tmp_path / "e" / "evaluator.json").write_text(json.dumps(described))
    with pytest.raises(TrainingDataError, match="colour"):
        Evaluator.load(tmp_path / "e", CaptionStates(Words()))
    described["settings"].pop("colour")
    described["settings"]["width"] = 64
    (tmp_path / "e" / "evaluator.json").write_text(json.dumps(described))
    with pytest.raises(TrainingDataError, match="do not fit"):
        Evaluator.load(tmp_path / "e", CaptionStates(Words()))
    (tmp_path / "e" / "evaluator.safetensors").write_bytes(b"nonsense")
    with pytest.raises(ModelFolderError):
        Evaluator.load(tmp_path / "e", CaptionStates(Words()))


def test_captions_are_encoded_once_and_kept(tmp_path: Path) -> None:
    class Counting(Words):
        count = 0

        def encode(self, prompt: str) -> tuple[np.ndarray, np.ndarray]:
            self.count += 1
            return super().encode(prompt)

    encoder, file = Counting(), tmp_path / "captions.npz"
    captions = [c for texts in KINDS.values() for c in texts]
    CaptionStates(encoder, file).prepare([*captions, captions[0]])
    again = CaptionStates(encoder, file)
    tokens, mask = again.batch(captions, most=3)
    assert encoder.count == len(captions)
    # The sentence vector and three words of each; "someone stretches" has but two.
    assert tokens.shape == (len(captions), 4, 384) and mask.sum(1).tolist().count(3) == 2
    states, mean = Words().encode(captions[0])
    np.testing.assert_allclose(tokens[0, 0], mean, atol=1e-6)
    np.testing.assert_allclose(tokens[0, 1:], states[:3], atol=2e-3)


def test_same_meaning_never_joins_left_and_right_or_counts() -> None:
    captions = [
        "a person turns left.", "a person turns right.", "the person turns left.", "a man jumps twice.",
        "a man jumps three times.",
    ]  # fmt: skip
    alike = np.tile(np.eye(1, 4), (len(captions), 1))
    found = same_meaning(captions, alike, 0.85).numpy()
    expected = np.zeros((5, 5), bool)
    expected[0, 2] = expected[2, 0] = True
    np.testing.assert_array_equal(found, expected)
    assert not same_meaning(captions, np.eye(5), 0.85).any()


def test_too_little_data_is_an_error(data: MotionData) -> None:
    one = MotionData(data.clips, data.segments[:1], frozenset())
    with pytest.raises(TrainingDataError, match="four captioned segments"):
        train_evaluator(one, CaptionStates(Words()), SMALL)


def test_checkpoints_beyond_the_gap_are_passed_over(data: MotionData, monkeypatch: pytest.MonkeyPatch) -> None:
    """Held-out R@3 0.7, 0.8, 0.9 ..; on train clips 0.02 more, then 0.2 more: the second is the best within 0.05."""
    held, gaps = [0.7, 0.8, 0.9, 0.91, 0.92, 0.93], [0.02, 0.04, 0.2, 0.2, 0.2, 0.2]
    scores = iter([np.full(3, v) for h, gap in zip(held, gaps, strict=True) for v in (h, h + gap)])
    monkeypatch.setattr(evaluator_training, "_scores", lambda judge, motions: next(scores))
    judge = Evaluator(EvaluatorNetwork(SMALL), SMALL, CaptionStates(Words()), {})
    chosen = evaluator_training._Chosen(judge, build_motions(data), build_motions(data))
    over = []
    for step in range(1, len(held) + 1):
        chosen.look(step, 1.0, 1.0)
        over.append(chosen.over)
    assert (chosen.step, chosen.score) == (2, pytest.approx(0.8))
    assert over == [False] * 5 + [True]


def test_damped_motion_keeps_its_way_and_loses_its_movement() -> None:
    motion = torch.randn(50, 133)
    damped = evaluator_training._damped(motion, 0.25)
    assert torch.equal(damped[:, :4], motion[:, :4])
    torch.testing.assert_close(damped[:, 4:].std(0), 0.25 * motion[:, 4:].std(0))
    torch.testing.assert_close(damped.mean(0), motion.mean(0))
    still, lively = 0.01 * torch.randn(50, 133), torch.randn(50, 133)
    drawn = evaluator_training._livelier([still, lively, still, lively], 2, np.random.default_rng(0))
    assert sorted(drawn.tolist()) == [1, 3]
