"""HumanML3D's normalisation: Mean.npy, Std.npy of features, and Mean_raw.npy, Std_raw.npy of joint positions."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from pathlib import Path

import numpy as np

from ..array_types import FloatArray
from ..errors import ModelFolderError
from ..networks.model_folder import NORMALISATION_SHAPES

FILES = {"mean": "Mean.npy", "std": "Std.npy", "hint_mean": "Mean_raw.npy", "hint_std": "Std_raw.npy"}
"""File names of HumanML3D for the features (Guo et al. 2022) and of OmniControl for the positions (Xie et al. 2024)."""

AGAIN = "fetch it again from HumanML3D"


def read_statistics(folders: Sequence[Path], with_hints: bool) -> tuple[dict[str, FloatArray], list[Path]]:
    """Read the statistics.

    Args:
        folders: Folders to search, each by itself and in this order; both files of a pair come from one folder.
        with_hints: False: hint_mean is 0 and hint_std 1, for a model without ControlNet.

    Returns:
        mean, std (263,), hint_mean, hint_std (22, 3), float32, and their files.

    Raises:
        ModelFolderError: A pair is missing, or has numbers that are not finite or deviations that are not positive.
    """
    mean, std, files = _pair(folders, "mean", "std")
    hint_mean = np.zeros(NORMALISATION_SHAPES["hint_mean"], np.float32)
    hint_std = np.ones(NORMALISATION_SHAPES["hint_std"], np.float32)
    if with_hints:
        hint_mean, hint_std, hint_files = _pair(folders, "hint_mean", "hint_std")
        files = files + hint_files
    return {"mean": mean, "std": std, "hint_mean": hint_mean, "hint_std": hint_std}, files


def _pair(folders: Sequence[Path], mean: str, std: str) -> tuple[FloatArray, FloatArray, list[Path]]:
    """The first pair of the right size. Data sets of other skeletons have files of the same names, so size decides."""
    wrong: ModelFolderError | None = None
    for folder in folders:
        files = [folder / FILES[mean], folder / FILES[std]]
        if not all(_is_there(file) for file in files):
            continue
        try:
            return _read(files[0], mean), _read(files[1], std), files
        except ModelFolderError as error:
            wrong = wrong or error
    if wrong is not None:
        raise wrong
    what = "of joint positions, which the ControlNet needs," if mean.startswith("hint") else "of HumanML3D"
    raise ModelFolderError(
        f"{FILES[mean]} and {FILES[std]} {what} are not there: put them beside the checkpoint or name their folder."
    )


def _is_there(file: Path) -> bool:
    """Whether a file of exactly this name exists; on a case-insensitive system mean.npy is the evaluator's."""
    try:
        return file.is_file() and any(entry.name == file.name for entry in file.parent.glob("*.npy"))
    except OSError:
        return False


def _read(file: Path, name: str) -> FloatArray:
    """Read one array; only as many bytes as expected are read, whatever the header declares."""
    shape = NORMALISATION_SHAPES[name]
    count = prod(shape)
    try:
        with file.open("rb") as stream:
            if np.lib.format.read_magic(stream)[0] != 1:
                raise ValueError("version")
            found, _, kind = np.lib.format.read_array_header_1_0(stream)
            if kind.kind != "f" or kind.hasobject:
                raise ModelFolderError(f"{file.name} in {file.parent.name} does not hold numbers: {AGAIN}.")
            if prod(found) != count:
                raise ModelFolderError(
                    f"{file.name} in {file.parent.name} holds {prod(found)} numbers instead of {count} and "
                    f"is not HumanML3D's: {AGAIN}."
                )
            values = np.frombuffer(stream.read(count * kind.itemsize), kind).reshape(shape).astype(np.float32)
    except (ValueError, EOFError, SyntaxError, TypeError) as error:
        raise ModelFolderError(f"{file.name} in {file.parent.name} is damaged: {AGAIN}.") from error
    except OSError as error:
        raise ModelFolderError(
            f"{file} cannot be read ({error.strerror or error}): see to that, or {AGAIN}."
        ) from error
    if not np.isfinite(values).all() or (name.endswith("std") and not (values > 0).all()):
        raise ModelFolderError(f"{file.name} in {file.parent.name} holds numbers that are not possible: {AGAIN}.")
    return values
