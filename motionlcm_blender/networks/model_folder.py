"""The model folder: all files of one model, in formats that cannot run code.

config.json                sizes, text encoder, guidance, lengths, licence, training data, measured quality
model.safetensors          all weights under the official names, float16 or float32
normalisation.safetensors  mean, std (263,) of features; hint_mean, hint_std (22, 3) of control hints
README.md                  the model card
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ..array_types import AnyArray, FloatArray
from ..errors import ModelFolderError, UnsupportedCheckpoint
from ..files.safetensors_files import read_arrays, read_bytes, sha256, write_arrays, write_bytes
from ..motion.skeleton import JOINT_COUNT, MAX_FRAMES
from .architecture import Architecture
from .int8_quantization import packed, read_weights
from .parameter_shapes import FEATURES, check_shapes

FORMAT = 1
CONFIG, WEIGHTS, NORMALISATION, CARD = "config.json", "model.safetensors", "normalisation.safetensors", "README.md"
TEXT_ENCODERS = ("minilm", "sentence-t5")
NORMALISATION_SHAPES: dict[str, tuple[int, ...]] = {
    "mean": (FEATURES,),
    "std": (FEATURES,),
    "hint_mean": (JOINT_COUNT, 3),
    "hint_std": (JOINT_COUNT, 3),
}
"""Shapes of the published models; others may have more features (`Architecture.features`)."""
BUNDLED_MODELS = Path(__file__).resolve().parents[2] / "bundled_models"


def bundled_models() -> Path:
    """Folder of the models that ship with the extension."""
    inside = Path(__file__).resolve().parents[1] / "bundled_models"
    return inside if inside.is_dir() else BUNDLED_MODELS


@dataclass(frozen=True)
class ModelFolder:
    """An opened model folder. The configuration is read and checked; the weights are read on demand.

    Attributes:
        path: The folder.
        config: Content of config.json.
        architecture: The sizes.
    """

    path: Path
    config: dict[str, Any]
    architecture: Architecture

    @classmethod
    def open(cls, path: str | Path | None = None) -> ModelFolder:
        """Read and check config.json, and check that the other files exist.

        Args:
            path: The folder; None: the bundled model.

        Returns:
            The opened folder.

        Raises:
            ModelFolderError: Something is missing or invalid.
        """
        folder = bundled_models() / "default" if path is None else Path(path)
        if not folder.exists():
            what = "The bundled model" if path is None else "The model folder"
            raise ModelFolderError(f"{what} is not there: {folder}.")
        if not folder.is_dir():
            raise ModelFolderError(f"{folder.name} is a file: choose the model's folder instead.")
        config = _read_config(folder / CONFIG)
        for name in (WEIGHTS, NORMALISATION):
            if not (folder / name).is_file():
                raise ModelFolderError(f"{name} is missing in {folder}.")
        return cls(folder, config, check_config(config))

    @property
    def name(self) -> str:
        """Name of the model."""
        return str(self.config["name"])

    @property
    def text(self) -> dict[str, Any]:
        """Settings of the text encoder.

        kind ("minilm" or "sentence-t5"), name, tokens ("states" or "sentence"), max_states.
        """
        return dict(self.config["text_encoder"])

    @property
    def guidance(self) -> dict[int, float]:
        """Guidance scale by number of steps, where the model has its own."""
        return {int(steps): float(scale) for steps, scale in self.config.get("guidance", {}).items()}

    @property
    def liveliness(self) -> dict[str, Any]:
        """Factors on the noise by the speed of captioned motion (`caption_liveliness`); empty without them."""
        return dict(self.config.get("liveliness", {}))

    @property
    def control_strength(self) -> float:
        """Factor on the ControlNet's residuals for this model, 1 as published."""
        return float(self.config.get("control", {}).get("strength", 1.0))

    @property
    def controlled_joints(self) -> tuple[int, ...]:
        """Joints whose positions the ControlNet was trained to follow; by default the pelvis alone."""
        return tuple(int(j) for j in self.config.get("control", {}).get("joints", [0]))

    @property
    def needs_whole_positions(self) -> bool:
        """Whether the ControlNet was only trained with joints whose height is given, as published ones."""
        return bool(self.config.get("control", {}).get("coordinates") == "xyz")

    @property
    def start_joints(self) -> tuple[int, ...] | None:
        """Joints that the ControlNet was trained with in given first frames; None: all of them."""
        joints = self.config.get("control", {}).get("start_joints")
        return None if joints is None else tuple(int(j) for j in joints)

    @property
    def can_continue(self) -> bool:
        """Whether the ControlNet was trained to continue given first frames."""
        return bool(self.config.get("control", {}).get("start", False))

    @property
    def frames(self) -> tuple[int, int]:
        """Shortest and longest motion, frames at 20 fps."""
        frames = self.config["frames"]
        return int(frames["min"]), int(frames["max"])

    def weights(self) -> dict[str, FloatArray]:
        """Read all weights as float32 under their official names, checked against the architecture.

        Raises:
            ModelFolderError: The file is damaged or does not fit config.json.
            DeviceError: There is not enough memory.
        """
        arrays, digest = read_weights(self.path / WEIGHTS)
        try:
            check_shapes({name: array.shape for name, array in arrays.items()}, self.architecture)
        except UnsupportedCheckpoint as error:
            raise ModelFolderError(f"{WEIGHTS} does not fit {CONFIG}: {error}") from None
        self.__dict__["fingerprint"] = digest
        return arrays

    def normalisation(self) -> dict[str, FloatArray]:
        """Read the normalisation: mean, std (features,), hint_mean, hint_std (22, 3), float32.

        Raises:
            ModelFolderError: The file is missing, damaged or does not fit.
        """
        arrays, _ = read_arrays(self.path / NORMALISATION)
        _check_normalisation(arrays, self.architecture)
        return arrays

    @cached_property
    def fingerprint(self) -> str:
        """sha256 of the weights file, stored in the recipe of every Action."""
        return sha256(self.path / WEIGHTS)


def write_model_folder(
    path: str | Path,
    config: Mapping[str, Any],
    weights: Mapping[str, FloatArray],
    normalisation: Mapping[str, FloatArray],
    card: str,
    eight_bits: bool = False,
) -> ModelFolder:
    """Write a model folder, or replace the model in one; other files in the folder stay.

    Args:
        path: The folder.
        config: Configuration as `check_config` accepts it; "format" is added.
        weights: Arrays by official name; float16 is stored as float16, everything else as float32.
        normalisation: mean, std, hint_mean, hint_std.
        card: Text of the model card.
        eight_bits: Store matrices as int8 with a scale for each row, a quarter of the size of float32.

    Returns:
        The opened folder.

    Raises:
        ModelFolderError: Something does not fit; then nothing was written.
    """
    folder = Path(path)
    complete = {"format": FORMAT, **config}
    architecture = check_config(complete)
    stored = {n: w if w.dtype == np.float16 else np.asarray(w, dtype=np.float32) for n, w in weights.items()}
    for name, array in stored.items():
        if not np.isfinite(array).all():
            raise ModelFolderError(f"{name} holds numbers that are not finite (in {array.dtype}).")
    try:
        check_shapes({name: array.shape for name, array in stored.items()}, architecture)
    except UnsupportedCheckpoint as error:
        raise ModelFolderError(f"The weights do not fit the configuration: {error}") from None
    statistics = {name: np.asarray(array, dtype=np.float32) for name, array in normalisation.items()}
    _check_normalisation(statistics, architecture)
    written: dict[str, AnyArray] = dict(stored)
    if eight_bits:
        written |= packed({n: w.astype(np.float32) for n, w in stored.items() if w.ndim == 2})
    write_arrays(folder / WEIGHTS, written)
    write_arrays(folder / NORMALISATION, statistics)
    write_bytes(folder / CARD, card.encode())
    write_bytes(folder / CONFIG, (json.dumps(complete, indent=2, ensure_ascii=False) + "\n").encode())
    return ModelFolder.open(folder)


def check_config(config: Mapping[str, Any]) -> Architecture:
    """Check a configuration and read the architecture from it.

    Raises:
        ModelFolderError: Something is missing or of the wrong kind.
    """
    if config.get("format") != FORMAT:
        raise ModelFolderError(f"{CONFIG} has the format {config.get('format')!r}; this version reads {FORMAT}.")
    for key, kind in (("name", str), ("architecture", dict), ("text_encoder", dict), ("frames", dict)):
        if not isinstance(config.get(key), kind):
            raise ModelFolderError(f'{CONFIG} lacks "{key}", or it is of the wrong kind.')
    architecture = _check_architecture(config["architecture"])
    text, frames, guidance = config["text_encoder"], config["frames"], config.get("guidance", {})
    if text.get("kind") not in TEXT_ENCODERS:
        raise ModelFolderError(f"{CONFIG} names the text encoder {text.get('kind')!r}, which is unknown.")
    if text.get("tokens", "sentence") not in ("states", "sentence"):
        raise ModelFolderError(f'{CONFIG}: "tokens" must be "states" or "sentence", not {text.get("tokens")!r}.')
    if text.get("tokens") == "states" and not _is_count(text.get("max_states")):
        raise ModelFolderError(f'{CONFIG}: "max_states" must be a whole number of at least 1.')
    if not (_is_count(frames.get("min")) and _is_count(frames.get("max")) and frames["min"] <= frames["max"]):
        raise ModelFolderError(f'{CONFIG}: "frames" must give whole numbers "min" and "max".')
    control = config.get("control", {})
    if not isinstance(control, dict) or not _is_number(control.get("strength", 1.0)):
        raise ModelFolderError(f'{CONFIG}: "control" must be a table, its "strength" a number.')
    if not isinstance(guidance, dict) or not all(
        str(steps).isdecimal() and _is_number(scale) for steps, scale in guidance.items()
    ):
        raise ModelFolderError(f'{CONFIG}: "guidance" must give a number for each number of steps.')
    _check_liveliness(config.get("liveliness", {}))
    return architecture


def _check_liveliness(table: Any) -> None:
    if table == {}:
        return
    rows = [table.get(name) for name in ("speeds", "noise")] if isinstance(table, dict) else []
    pairs = [row for row in rows if isinstance(row, list) and len(row) == 2 and all(_is_number(n) for n in row)]
    if len(pairs) != 2 or not all(n > 0.0 for row in pairs for n in row) or pairs[0][0] >= pairs[0][1]:
        raise ModelFolderError(
            f'{CONFIG}: "liveliness" must give "speeds" and "noise", two numbers above 0 each, the lower speed first.'
        )


def _check_architecture(values: Mapping[str, Any]) -> Architecture:
    try:
        architecture = Architecture.from_json(values)
    except UnsupportedCheckpoint as error:
        raise ModelFolderError(f"{CONFIG}: {error}") from None
    for name, value in architecture.to_json().items():
        default = Architecture.__dataclass_fields__[name].default
        right = isinstance(value, bool) if isinstance(default, bool) else _is_count(value) or value == default == 0
        if not right:
            raise ModelFolderError(f'{CONFIG}: "{name}" is {value!r}, which is not possible.')
        if name.endswith("_layers") and value % 2 == 0:
            raise ModelFolderError(f'{CONFIG}: "{name}" must be odd, not {value}.')
    if architecture.lapped_frames and (architecture.lapped_frames % 2 or architecture.lapped_lead < 0):
        raise ModelFolderError(f'{CONFIG}: the windows of "lapped_frames" do not cover {MAX_FRAMES} frames.')
    if architecture.width % architecture.heads:
        raise ModelFolderError(f'{CONFIG}: "width" must be a multiple of "heads".')
    return architecture


def _check_normalisation(arrays: Mapping[str, FloatArray], architecture: Architecture) -> None:
    features = (architecture.features,)
    shapes = {**NORMALISATION_SHAPES, "mean": features, "std": features}
    for name, shape in shapes.items():
        if name not in arrays:
            raise ModelFolderError(f"{NORMALISATION} lacks {name}.")
        if arrays[name].shape != shape:
            raise ModelFolderError(f"{name} in {NORMALISATION} has the shape {arrays[name].shape} instead of {shape}.")
        if not np.isfinite(arrays[name]).all() or (name.endswith("std") and not (arrays[name] > 0).all()):
            raise ModelFolderError(f"{name} in {NORMALISATION} holds numbers that are not possible.")


def _read_config(path: Path) -> dict[str, Any]:
    try:
        config = json.loads(read_bytes(path).decode())
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ModelFolderError(f"{CONFIG} in {path.parent} is damaged: it is no JSON.") from error
    if not isinstance(config, dict):
        raise ModelFolderError(f"{CONFIG} in {path.parent} does not describe a model.")
    return config


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and bool(np.isfinite(value))
