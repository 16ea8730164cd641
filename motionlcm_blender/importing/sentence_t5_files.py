"""Files of sentence-t5-large, the text encoder of published models: weights as safetensors, no pickle."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from ..errors import ModelFolderError
from ..files.safetensors_files import read_bytes, sha256, write_arrays, write_bytes
from .checkpoint_files import CheckpointFile
from .hard_links import have_same_bytes, link_or_copy, link_to_twin

FOLDER = "text_encoder"
DENSE = "2_Dense"
AGAIN = "fetch sentence-t5-large whole and choose its folder"
SAFE, PICKLED = "model.safetensors", "pytorch_model.bin"
COPIED = (
    "config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "spiece.model",
    "modules.json", "sentence_bert_config.json", "1_Pooling/config.json", f"{DENSE}/config.json",
)  # fmt: skip
"""Files of the published folder that running the encoder needs, except the weights."""
_UNUSED = ("decoder.", "lm_head.")
_SHARED, _REPEATED = "shared.weight", "encoder.embed_tokens.weight"
"""Two names of one embedding table."""
MAX_SMALL_FILE = 64 << 20
PUBLISHED_WIDTH, LARGE_WIDTH = 768, 1024
"""Width of the sentence vector, common to all sizes of sentence-t5, and of the large one's states, which is unique."""


def is_sentence_t5(folder: Path) -> bool:
    """Whether a folder has the published sentence-transformers layout of sentence-t5."""
    try:
        return (folder / DENSE / "config.json").is_file() and (folder / "config.json").is_file()
    except OSError:
        return False


def find_sentence_t5(folder: Path) -> Path | None:
    """Find the encoder in a folder: the folder itself, or below it in the hub's layout; None if there is none.

    In the hub's layout each version of a repository has its own folder: models--OWNER--NAME/snapshots/VERSION.
    """
    if is_sentence_t5(folder):
        return folder
    try:
        one = (folder / "snapshots").is_dir()
        repositories = [folder] if one else sorted(folder.glob("models--*sentence-t5-large"))
        for repository in repositories:
            versions = sorted((repository / "snapshots").iterdir())
            main = repository / "refs" / "main"
            if main.is_file() and main.stat().st_size < 200:
                current = repository / "snapshots" / main.read_text(encoding="utf-8", errors="replace").strip()
                versions.sort(key=lambda version: version != current)
            found = next((version for version in versions if is_sentence_t5(version)), None)
            if found is not None:
                return found
    except (OSError, ValueError):
        pass
    return None


def name_of(folder: Path) -> str:
    """Name of an encoder: its folder's name, except for the hub's folders and inside a model folder."""
    if folder.parent.name == "snapshots" and folder.parent.parent.name.startswith("models--"):
        return folder.parent.parent.name.rpartition("--")[2]
    if folder.name == FOLDER:
        try:
            name = json.loads((folder.parent / "config.json").read_text(encoding="utf-8"))["text_encoder"]["name"]
            return str(name)
        except (OSError, ValueError, KeyError, TypeError):
            pass
    return folder.name


def check_sentence_t5(folder: Path, width: int) -> int:
    """Check an encoder.

    Args:
        folder: Its folder.
        width: Width of the sentence vector that the model takes, 768.

    Returns:
        Upper limit of the size of a copy, bytes.

    Raises:
        ModelFolderError: A file is missing, or the encoder is another one.
    """
    for name in ("config.json", f"{DENSE}/config.json"):
        if not (folder / name).is_file():
            raise ModelFolderError(f"{name} of the text encoder is missing in {folder}: {AGAIN}.")
    if not any((folder / name).is_file() for name in ("tokenizer.json", "spiece.model")):
        raise ModelFolderError(f"tokenizer.json of the text encoder is missing in {folder}: {AGAIN}.")
    dense = CheckpointFile.open(_weights(folder / DENSE)).tensors.get("linear.weight")
    last = CheckpointFile.open(_weights(folder)).tensors.get("encoder.final_layer_norm.weight")
    if dense is None or last is None or dense.shape[1:] != last.shape:
        raise ModelFolderError(f"The text encoder in {folder} is not that of sentence-t5: {AGAIN}.")
    if width == PUBLISHED_WIDTH and last.shape != (LARGE_WIDTH,):
        raise ModelFolderError(
            f"The text encoder {name_of(folder)} is {last.shape[0]} wide and sentence-t5-large {LARGE_WIDTH}: it is "
            f"not the one the model was trained with; {AGAIN}."
        )
    if dense.shape[0] != width:
        raise ModelFolderError(
            f"The text encoder in {folder.name} gives {dense.shape[0]} numbers and the model takes {width}: it is not "
            f"the one the model was trained with; {AGAIN}."
        )
    try:
        kind = json.loads((folder / "config.json").read_text(encoding="utf-8-sig")).get("model_type", "t5")
    except (OSError, ValueError, AttributeError) as error:
        raise ModelFolderError(f"config.json of the text encoder in {folder} is damaged: {AGAIN}.") from error
    if kind != "t5":
        raise ModelFolderError(f"The text encoder in {folder.name} is of the kind {kind!r}, not t5: {AGAIN}.")
    return sum(_weights(part).stat().st_size for part in (folder, folder / DENSE)) + MAX_SMALL_FILE


def bytes_in_common(source: Path, beside: Sequence[Path]) -> int:
    """Bytes of a copy by `copy_sentence_t5` that are already in these encoders. Reads the weights."""
    common = 0
    for inside in ("", DENSE):
        weights = _weights(source / inside)
        if any(have_same_bytes(weights, other) for other in _those_of(beside, inside)):
            common += weights.stat().st_size
    return common


def copy_sentence_t5(source: Path, target: Path, beside: Sequence[Path] = ()) -> dict[str, str]:
    """Copy the files that the encoder needs; a pickle is converted to model.safetensors.

    Small files are always copied, because a user may edit them, and most editors write into the file.

    Args:
        source: Folder of the encoder.
        target: The new folder.
        beside: Encoders of other models; equal weights are shared with them by hard links.

    Returns:
        File name -> sha256 of the original weights.

    Raises:
        ModelFolderError: A file is damaged, or a small one cannot be written.
        OSError: The weights cannot be written.
    """
    for name in COPIED:
        if (source / name).is_file():
            _copy(source / name, target / name)
    hashes = {}
    for inside in ("", DENSE):
        weights = _weights(source / inside)
        file = CheckpointFile.open(weights)
        others = _those_of(beside, inside)
        if weights.name == SAFE:
            link_or_copy(weights, target / inside / SAFE, others)
        else:
            wanted = [name for name in file.tensors if not name.startswith(_UNUSED)]
            if _SHARED in wanted and _REPEATED in wanted:
                wanted.remove(_REPEATED)
            write_arrays(target / inside / SAFE, file.arrays(wanted, keep_half=True))
            link_to_twin(target / inside / SAFE, target / inside / SAFE, others)
        hashes[f"{inside}/{weights.name}".lstrip("/")] = sha256(weights)
    return hashes


def _weights(folder: Path) -> Path:
    for name in (SAFE, PICKLED):
        if (folder / name).is_file():
            return folder / name
    raise ModelFolderError(f"{SAFE} of the text encoder is missing in {folder}: {AGAIN}.")


def _those_of(encoders: Sequence[Path], inside: str) -> list[Path]:
    return [encoder / inside / SAFE for encoder in encoders]


def _copy(source: Path, target: Path) -> None:
    if source.stat().st_size > MAX_SMALL_FILE:
        raise ModelFolderError(f"{source.name} of the text encoder is far too large: {AGAIN}.")
    write_bytes(target, read_bytes(source))
