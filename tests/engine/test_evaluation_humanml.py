"""HumanML3D's protocol on made-up files of the right layout: what is read, what is refused, what comes out."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from evaluation_data import Words  # noqa: E402
from synthetic_motion import gestures, walk  # noqa: E402
from tiny_model import write_tiny_model  # noqa: E402

from motionlcm_blender import MotionLCM  # noqa: E402
from motionlcm_blender.errors import TrainingDataError  # noqa: E402
from motionlcm_blender.motion.features import canonical, features_from_joints  # noqa: E402
from motionlcm_blender.training.evaluation import humanml  # noqa: E402
from motionlcm_blender.training.evaluation.humanml_data import (  # noqa: E402
    WordVectors,
    read_motions,
    read_plain_pickle,
    read_statistics,
)
from motionlcm_blender.training.evaluation.humanml_networks import PARTS, HumanMLNetworks  # noqa: E402

VOCABULARY = ["sos", "eos", "unk", "a", "person", "walk", "left", "slow"]


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("humanml")
    generator = np.random.default_rng(0)
    vectors, texts, glove = root / "HumanML3D/new_joint_vecs", root / "HumanML3D/texts", root / "glove"
    meta, model = root / "t2m/Comp_v6_KLD005/meta", root / "t2m/text_mot_match/model"
    for path in (vectors, texts, glove, meta, model):
        path.mkdir(parents=True)
    clips = {f"{k:06d}": walk(60 + 20 * k, speed=0.4 + 0.2 * k) for k in range(5)}
    clips |= {"M000007": gestures(120, seed=1)[0], "000008": walk(30), "000009": walk(220)}
    for name, joints in clips.items():
        np.save(vectors / f"{name}.npy", features_from_joints(canonical(joints)))
        lines = ["a person walks.#a/DET person/NOUN walk/VERB#0.0#0.0", "slow#slow/ADJ zigzag/NOUN#nan#nan"]
        if name == "M000007":
            lines += ["one part#a/DET person/NOUN#1.0#4.0", "too short#a/DET#1.0#2.0"]
        (texts / f"{name}.txt").write_text("\n".join(lines) + "\n")
    (root / "HumanML3D/test.txt").write_text("\n".join([*clips, "never_released"]) + "\n")
    np.save(glove / "our_vab_data.npy", generator.normal(size=(len(VOCABULARY), 300)))
    (glove / "our_vab_words.pkl").write_bytes(pickle.dumps(VOCABULARY))
    (glove / "our_vab_idx.pkl").write_bytes(pickle.dumps({w: k for k, w in enumerate(VOCABULARY)}))
    np.save(meta / "mean.npy", generator.normal(size=263))
    np.save(meta / "std.npy", generator.uniform(0.5, 2.0, 263))
    torch.manual_seed(0)
    networks = HumanMLNetworks()
    torch.nn.init.normal_(networks.motion_encoder.hidden)
    checkpoint = {part: getattr(networks, part).state_dict() for part in PARTS} | {"epoch": 3}
    torch.save(checkpoint, model / "finest.tar", _use_new_zipfile_serialization=False)
    return root


def test_parameters_have_their_published_names_and_shapes() -> None:
    shapes = {n: tuple(p.shape) for n, p in HumanMLNetworks().named_parameters()}
    for name, shape in {
        "movement_encoder.main.0.weight": (512, 259, 4),
        "movement_encoder.main.3.weight": (512, 512, 4),
        "movement_encoder.out_net.weight": (512, 512),
        "text_encoder.pos_emb.weight": (300, 15),
        "text_encoder.input_emb.weight": (512, 300),
        "text_encoder.hidden": (2, 1, 512),
        "text_encoder.gru.weight_ih_l0_reverse": (1536, 512),
        "text_encoder.output_net.0.weight": (512, 1024),
        "text_encoder.output_net.1.weight": (512,),
        "motion_encoder.input_emb.weight": (1024, 512),
        "motion_encoder.gru.weight_hh_l0": (3072, 1024),
        "motion_encoder.output_net.3.weight": (512, 1024),
        "motion_encoder.hidden": (2, 1, 1024),
    }.items():
        assert shapes[name] == shape


def test_whole_motions_and_captioned_parts(folder: Path) -> None:
    motions = read_motions(folder)
    # 30 and 220 frames are outside 40..199; the part of three seconds stands before the whole it is from.
    assert [len(m.features) for m in motions] == [59, 79, 99, 119, 139, 60, 119]
    assert motions[5].texts == (("one part", ("a/DET", "person/NOUN")),)
    assert [caption for caption, _ in motions[0].texts] == ["a person walks.", "slow"]
    np.testing.assert_array_equal(motions[5].features, motions[6].features[20:80])


def test_words_and_their_kinds(folder: Path) -> None:
    words = WordVectors(folder)
    assert [int(words(t)[1].argmax()) for t in ("a/DET", "walk/VERB", "left/ADV", "slow/ADJ", "zigzag/NOUN")] == [
        2,
        12,
        9,
        13,
        14,
    ]
    np.testing.assert_array_equal(words("zigzag/NOUN")[0], words("unk/OTHER")[0])
    assert int(words("person/XYZ")[1].argmax()) == 14
    vectors, kinds = words.sentence(("a/DET",) * 30)
    assert vectors.shape == (22, 300) and kinds.shape == (22, 15)
    np.testing.assert_array_equal(vectors[[0, -1]], [words("sos/OTHER")[0], words("eos/OTHER")[0]])


def test_a_pickle_that_would_run_something_is_refused(tmp_path: Path) -> None:
    class Harm:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(tmp_path / "harm"),)

    for held in (Harm(), [Harm()], np.zeros(2)):
        (tmp_path / "words.pkl").write_bytes(pickle.dumps(held))
        with pytest.raises(TrainingDataError, match=r"words\.pkl is no pickle of plain words"):
            read_plain_pickle(tmp_path / "words.pkl")
    torch.save({"movement_encoder": Harm()}, tmp_path / "finest.tar")
    with pytest.raises(TrainingDataError, match=r"finest\.tar does not hold"):
        HumanMLNetworks.load(tmp_path / "finest.tar")
    assert not (tmp_path / "harm").exists()
    (tmp_path / "words.pkl").write_bytes(pickle.dumps({"a": 1, "b": [2.5, "c"]}))
    assert read_plain_pickle(tmp_path / "words.pkl") == {"a": 1, "b": [2.5, "c"]}


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    for read, name in ((read_motions, "test.txt"), (WordVectors, "our_vab_data.npy"), (read_statistics, "mean.npy")):
        with pytest.raises(TrainingDataError, match=f"There is no .*{name}"):
            read(tmp_path)


def test_the_rows_of_the_published_table(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(humanml, "MULTIMODAL_CAPTIONS", 2)
    monkeypatch.setattr(humanml, "MULTIMODAL_TAKES", 3)
    loaded = MotionLCM.from_folder(write_tiny_model(tmp_path / "model").path, "cpu")
    model = MotionLCM(loaded.backend, loaded.stats, Words(), loaded.folder)
    section = humanml.HumanMLSection(model, folder)
    assert section.about["test_motions"] == 7
    found = section.measure(0)
    rows = {key.split("/")[0] for key in found}
    assert rows == {"real", "vae", "student_1", "student_2", "student_4"}
    assert all(np.isfinite(v) for v in found.values())
    # The tiny model trembles in place: it is farther from the motion than another crop of the same motion is.
    assert found["student_1/fid"] > 3 * found["real/fid"] and found["vae/fid"] > 3 * found["real/fid"]
    assert found == section.measure(0) and found != section.measure(1)


def test_neither_neighbours_nor_order_change_an_embedding(folder: Path, tmp_path: Path) -> None:
    model = MotionLCM.from_folder(write_tiny_model(tmp_path / "model").path, "cpu")
    section = humanml.HumanMLSection(model, folder)
    features = [m.features[: len(m.features) // 4 * 4] for m in section.motions]
    tokens = [m.texts[k % len(m.texts)][1] for k, m in enumerate(section.motions)]
    for embed, items in ((section._motions, features), (section._texts, tokens)):
        together = embed(items)  # type: ignore[operator]
        alone = np.concatenate([embed([item]) for item in items[::-1]])[::-1]  # type: ignore[operator]
        np.testing.assert_allclose(together, alone, atol=1e-5)
