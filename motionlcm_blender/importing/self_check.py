"""Test of a model folder: one round trip through the VAE and one sample must be plausible human motion.

Weights that load may still be wrong: statistics of another data set, a ControlNet with the wrong denoiser. Bone
lengths and pelvis height of the generated motion show such errors at once.
"""

from __future__ import annotations

import importlib.util
import itertools
from pathlib import Path
from typing import Any

import numpy as np

from ..array_types import FloatArray
from ..errors import ModelFolderError
from ..generation.pipeline import MotionLCM
from ..generation.request import Hints, Request
from ..motion.features import SLICES, features_from_joints, joints_from_features
from ..motion.skeleton import FPS, HUMANML, JOINTS, PARENTS, PELVIS_HEIGHT, Skeleton
from ..networks.model_folder import ModelFolder
from ..text.encoders import sentence_t5
from .sentence_t5_files import FOLDER

PROMPT = "a person walks forward"
FRAMES = 80
TOLERANCE = 0.2
"""Relative tolerance of lengths. HumanML3D's figure differs from the engine's by less than 0.1 in every tested length.
"""
LOOSE = 0.5
"""The same for a model whose text encoder was not tested: the prompt means nothing to it."""
LOWEST_PELVIS, HIGHEST_PELVIS = 0.5, 1.3
"""Metres: limits of the mean height of the pelvis of a walk."""
_SPEED = 1.0
"""Metres per second along the path of the check."""

_BONES = {
    "thigh": (("l_hip", "l_knee"), ("r_hip", "r_knee")),
    "shin": (("l_knee", "l_ankle"), ("r_knee", "r_ankle")),
    "upper arm": (("l_shoulder", "l_elbow"), ("r_shoulder", "r_elbow")),
    "forearm": (("l_elbow", "l_wrist"), ("r_elbow", "r_wrist")),
}
_TRUNK = ("pelvis", "spine1", "spine2", "spine3", "neck", "head")


class _Fixed:
    """Replacement for a text encoder that cannot run here: a constant sentence vector of length 1."""

    def __init__(self, width: int) -> None:
        vector = np.random.default_rng(0).standard_normal(width)
        self._vector = (vector / np.linalg.norm(vector)).astype(np.float32)

    def encode(self, prompt: str) -> FloatArray:  # noqa: ARG002  the encoders' interface
        """Return the constant vector."""
        return self._vector


def check_model(path: str | Path) -> dict[str, float]:
    """Load a folder, encode and decode a standing figure, and sample once, with a ControlNet also along a path.

    Runs in NumPy, except for a text encoder without tokenizer.json, which needs PyTorch and transformers. Without
    these a random vector replaces it, unlike any in the training data: then sampled motion may be strange, but not
    impossible.

    Args:
        path: The model folder.

    Returns:
        Measurements: pelvis_height_m; text_encoder, 1 if it was tested.

    Raises:
        ModelFolderError: The motion is implausible; the sentence names the reason.
    """
    folder = ModelFolder.open(path)
    encoder, tried = _encoder(folder)
    loaded = MotionLCM.from_folder(path, "numpy")
    model = MotionLCM(loaded.backend, loaded.stats, encoder, folder)
    check_motion(_standing(model), "A standing person after the VAE")
    features = model.features(Request(PROMPT, FRAMES))[0]
    height = check_motion(features, "The sampled motion", strict=tried)
    if folder.architecture.control:
        path_of = next(iter(folder.controlled_joints), None)
        if path_of is not None:
            features = model.features(Request(PROMPT, FRAMES, hints=_path(path_of)))[0]
            check_motion(features, "The motion along a path", strict=tried)
        else:
            start = model.generate(Request(PROMPT, FRAMES // 2))[0]
            features = model.features(Request(PROMPT, 2 * FRAMES, start=start))[0]
            check_motion(features, "The motion that goes on from another", strict=tried)
    return {"pelvis_height_m": height, "text_encoder": float(tried)}


def _standing(model: MotionLCM) -> FloatArray:
    """(T, 263) features, not normalised: a standing figure with hanging arms, encoded and decoded."""
    offsets = HUMANML.offsets.copy()
    for joint, name in enumerate(JOINTS):
        if name.endswith(("elbow", "wrist")):
            offsets[joint] = [0.0, -HUMANML.bone_lengths[joint], 0.0]
    pose = Skeleton(JOINTS, PARENTS, offsets).rest + [0.0, PELVIS_HEIGHT, 0.0]
    joints = np.repeat(pose[None], FRAMES + 1, 0)
    normalised = (features_from_joints(joints) - model.stats["mean"]) / model.stats["std"]
    mask = np.ones((1, FRAMES), bool)
    latent, _ = model.network.vae.encode(normalised[None].astype(np.float32), mask)
    decoded: FloatArray = model.network.decode(latent, mask)[0] * model.stats["std"] + model.stats["mean"]
    return decoded


def check_motion(features: FloatArray, what: str, strict: bool = True) -> float:
    """Check the plausibility of features.

    Args:
        features: (T, 263), not normalised.
        what: Description of the motion, for the message.
        strict: Limits of a fifth for lengths and 0.5 to 1.3 m for the pelvis; else half, and any pelvis height.

    Returns:
        Median height of the pelvis, metres.

    Raises:
        ModelFolderError: A number is not finite, or limbs, trunk or pelvis are outside the limits.
    """
    if not np.isfinite(features).all():
        raise ModelFolderError(
            f"{what} holds numbers that are not finite: fetch weights that are whole and belong together."
        )
    joints = joints_from_features(features).astype(np.float64)
    lengths = {name: _median_length(joints, bones) for name, bones in _BONES.items()}
    expected = {name: _median_length(HUMANML.rest[None], bones) for name, bones in _BONES.items()}
    trunk = tuple(itertools.pairwise(_TRUNK))
    lengths["trunk"] = sum(_median_length(joints, (bone,)) for bone in trunk)
    expected["trunk"] = sum(_median_length(HUMANML.rest[None], (bone,)) for bone in trunk)
    for name, length in lengths.items():
        if abs(length - expected[name]) > (TOLERANCE if strict else LOOSE) * expected[name]:
            raise ModelFolderError(
                f"{what} has a {name} of {100 * length:.0f} cm instead of about {100 * expected[name]:.0f}: weights "
                "and Mean.npy, Std.npy do not belong together; name those that do."
            )
    height = float(np.median(features[:, SLICES["root_height"]]))
    if strict and not LOWEST_PELVIS <= height <= HIGHEST_PELVIS:
        raise ModelFolderError(
            f"{what} has its pelvis {height:.2f} m above the floor: weights and Mean.npy, Std.npy do not belong "
            "together; name those that do."
        )
    return height


def _median_length(joints: FloatArray, bones: tuple[tuple[str, str], ...]) -> float:
    ends = np.array([[JOINTS.index(name) for name in bone] for bone in bones])
    return float(np.median(np.linalg.norm(joints[:, ends[:, 1]] - joints[:, ends[:, 0]], axis=-1)))


def _path(joint: int) -> Hints:
    """A straight path at walking speed, at the joint's height in the rest pose."""
    positions = np.zeros((FRAMES, len(JOINTS), 3), np.float32)
    mask = np.zeros(positions.shape, bool)
    positions[:, joint] = HUMANML.rest[joint] + [0.0, PELVIS_HEIGHT, 0.0]
    positions[:, joint, 2] += _SPEED * np.arange(FRAMES) / FPS
    mask[:, joint] = True
    return Hints(positions, mask)


def _encoder(folder: ModelFolder) -> tuple[Any, bool]:
    """The folder's own text encoder and True, or a replacement and False."""
    packages = ("torch", "transformers")
    there = all(importlib.util.find_spec(name) is not None for name in packages)
    if not there and not (folder.path / FOLDER / "tokenizer.json").is_file():
        return _Fixed(folder.architecture.text_width), False
    encoder = sentence_t5(folder.path / FOLDER)
    vector = encoder.encode(PROMPT)
    if vector.shape != (folder.architecture.text_width,) or not np.isfinite(vector).all():
        raise ModelFolderError("The text encoder makes no sentence vector the model can take: fetch it again.")
    return encoder, True
