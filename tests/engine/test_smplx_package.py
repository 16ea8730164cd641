"""The project's body code against the package smplx, on body model files made for the test.

The package is for non-commercial research, education and art (its licence is stated where it is offered), so it is not
among the packages that `make` installs for everybody: `make test-smplx` does, and .ci/run. Without it these tests skip.
"""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from motionlcm_blender.motion import rotations as rot
from motionlcm_blender.motion.motion import Clip
from motionlcm_blender.motion.retarget import forward_kinematics
from motionlcm_blender.motion.skeleton import JOINT_COUNT, SMPL
from motionlcm_blender.smpl.body_model import (
    KINDS,
    joint_positions,
    pose_corrections,
    shaped_vertices,
    skinned_vertices,
)
from motionlcm_blender.smpl.body_model_file import read_body_model
from motionlcm_blender.smpl.body_parameters import (
    BodyMotion,
    body_motion,
    parameters_of,
    rest_joints,
    skeleton_of,
)
from motionlcm_blender.smpl.parameter_file import read_parameters, write_parameters
from tests.synthetic_body import body_arrays

smplx = pytest.importorskip(
    "smplx",
    reason="THE BODY CODE IS NOT COMPARED WITH THE PACKAGE smplx, which is not installed: make test-smplx",
)
torch = pytest.importorskip("torch")

MILLIMETRE = 1e-3
LAYOUTS = {24: "smpl", 52: "smplh", 55: "smplx"}
FRAMES = 5
EXPRESSIONS = 10


class AnyVertex(dict[str, int]):
    """Landmarks of the package, which it finds by numbers of the licensed meshes: here all are vertex 0."""

    def __missing__(self, _name: str) -> int:
        return 0


@pytest.fixture(autouse=True)
def no_numbers_of_licensed_meshes(monkeypatch: pytest.MonkeyPatch) -> None:
    for layout in ("smplh", "smplx"):
        monkeypatch.setitem(smplx.body_models.VERTEX_IDS, layout, AnyVertex())


def model_file(folder: Path, joints: int) -> Path:
    """A body model file with all that smplx reads: poses' shapes, hands, and landmarks of a face."""
    kind = KINDS[joints]
    rng = np.random.default_rng(joints)
    rest = np.zeros((joints, 3))
    rest[: min(joints, 24)] = SMPL.rest[: min(joints, 24)]
    for joint in range(JOINT_COUNT if joints > 24 else 24, joints):
        rest[joint] = rest[kind.parents[joint]] + rng.normal(0.0, 0.03, 3)
    rest += [0.01, -0.3, 0.02]
    arrays: dict[str, Any] = body_arrays(rest, kind.parents, shapes=10 + EXPRESSIONS, corrections=0.004)
    arrays["kintree_table"] = arrays["kintree_table"].copy()
    arrays["kintree_table"][0, 0] = -1
    for side in "lr":
        arrays |= {f"hands_mean{side}": np.zeros(45), f"hands_components{side}": np.eye(45)}
    arrays |= {"lmk_faces_idx": np.zeros(51, int), "lmk_bary_coords": np.full((51, 3), 1.0 / 3.0)}
    arrays["f"] = arrays["f"].astype(np.int64)
    if joints == 24:
        path = folder / "SMPL_NEUTRAL.pkl"
        path.write_bytes(pickle.dumps(arrays, 2))
    else:
        path = folder / f"{LAYOUTS[joints].upper()}_NEUTRAL.npz"
        np.savez(path, **arrays)
    return path


def reference(path: Path, joints: int, betas: np.ndarray, poses: np.ndarray, trans: np.ndarray) -> tuple[Any, Any]:
    """Vertices (T, V, 3) and joints (T, J, 3) that smplx computes. poses: (T, 3 J) rotation vectors."""
    count = len(poses)
    options: dict[str, Any] = {} if joints == 24 else {"use_pca": False, "flat_hand_mean": True, "ext": "npz"}
    if joints == 55:
        options |= {"use_face_contour": False, "num_expression_coeffs": EXPRESSIONS}
    body = smplx.create(str(path), model_type=LAYOUTS[joints], batch_size=count, num_betas=10, **options)

    def tensor(values: np.ndarray) -> Any:
        return torch.tensor(values, dtype=torch.float32)

    parts = {"global_orient": poses[:, :3], "body_pose": poses[:, 3 : 72 if joints == 24 else 66]}
    if joints == 55:
        parts |= {"jaw_pose": poses[:, 66:69], "leye_pose": poses[:, 69:72], "reye_pose": poses[:, 72:75]}
    if joints > 24:
        parts |= {"left_hand_pose": poses[:, -90:-45], "right_hand_pose": poses[:, -45:]}
    with torch.no_grad():
        out = body(
            betas=tensor(np.tile(betas, (count, 1))),
            transl=tensor(trans),
            **{name: tensor(value) for name, value in parts.items()},
        )
    return out.vertices.numpy(), out.joints.numpy()[:, :joints]


@pytest.mark.parametrize("joints", LAYOUTS)
def test_joints_and_skin_agree_within_a_millimetre(joints: int, tmp_path: Path) -> None:
    path = model_file(tmp_path, joints)
    rng = np.random.default_rng(1)
    betas = rng.uniform(-3.0, 3.0, 10)
    vectors = rng.uniform(-1.0, 1.0, (FRAMES, joints, 3))
    trans = rng.uniform(-2.0, 2.0, (FRAMES, 3))
    vertices, places = reference(path, joints, betas, vectors.reshape(FRAMES, -1), trans)
    model = read_body_model(path, with_corrections=True)
    shaped = shaped_vertices(model, betas)
    rest = joint_positions(model, shaped)
    for frame in range(FRAMES):
        turns = rot.from_rotation_vector(vectors[frame])
        corrected = shaped + pose_corrections(model, turns)
        mine = skinned_vertices(model, corrected, rest, turns, rest[0] + trans[frame])
        assert np.linalg.norm(mine - vertices[frame], axis=1).max() < MILLIMETRE
        uncorrected = skinned_vertices(model, shaped, rest, turns, rest[0] + trans[frame])
        assert np.linalg.norm(uncorrected - vertices[frame], axis=1).max() > 5 * MILLIMETRE  # the test can fail
        if joints == 24:
            clip = Clip(20.0, (rest[0] + trans[frame])[None], turns[None], skeleton_of(rest))
            mine_joints = forward_kinematics(clip)[0]
            assert np.linalg.norm(mine_joints - places[frame], axis=1).max() < MILLIMETRE


@pytest.mark.parametrize("joints", LAYOUTS)
def test_a_written_file_moves_the_joints_as_the_clip_does(joints: int, tmp_path: Path) -> None:
    """A clip, its file in Y-up axes, the file's numbers through smplx: the joints are those of the clip."""
    path = model_file(tmp_path, joints)
    rest = rest_joints(read_body_model(path))
    rng = np.random.default_rng(2)
    turns = rot.from_rotation_vector(rng.uniform(-1.0, 1.0, (FRAMES, 24, 3)))
    clip = Clip(24.0, rng.uniform(-2.0, 2.0, (FRAMES, 3)), turns, skeleton_of(rest))
    out = tmp_path / "motion.npz"
    write_parameters(parameters_of(BodyMotion(clip), KINDS[joints], rest[0], up="Y"), out)
    with np.load(out, allow_pickle=False) as stored:
        _, places = reference(path, joints, np.zeros(10), stored["poses"], stored["trans"])
    expected = forward_kinematics(clip)[:, :JOINT_COUNT]
    assert np.linalg.norm(places[:, :JOINT_COUNT] - expected, axis=-1).max() < MILLIMETRE
    back = body_motion(read_parameters(out)).clip
    np.testing.assert_allclose(forward_kinematics(back)[:, :JOINT_COUNT], expected, atol=1e-6)
