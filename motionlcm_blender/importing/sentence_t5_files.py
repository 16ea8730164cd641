"""The text encoder of published models, sentence-t5-large, into a model folder: weights as safetensors, no pickle."""

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
"""Of the published folder, everything but the weights that running it needs."""
_UNUSED = ("decoder.", "lm_head.")
_SHARED, _REPEATED = "shared.weight", "encoder.embed_tokens.weight"
"""One table of words under two names."""
MAX_SMALL_FILE = 64 << 20
PUBLISHED_WIDTH, LARGE_WIDTH = 768, 1024
"""Of the sentence vector, which all sizes of sentence-t5 have, and of the large one's states, which no other has."""


def is_sentence_t5(folder: Path) -> bool:
    """Whether a folder has the published sentence-transformers layout of sentence-t5."""
    try:
        return (folder / DENSE / "config.json").is_file() and (folder / "config.json").is_file()
    except OSError:
        return False


def find_sentence_t5(folder: Path) -> Path | None:
    """The encoder in a folder: the folder itself, or below it in the hub's layout, where each version of a repository
    has a folder of its own (models--OWNER--NAME/snapshots/VERSION); None if there is none."""
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
    """What an encoder is called: its folder's name, but for the hub's folders and for one inside a model folder."""
    if folder.parent.name == "snapshots" and folder.parent.parent.name.startswith("models--"):
        return folder.parent.parent.name.rpartition("--")[2]
    if folder.name == FOLDER:
        try:
            told = json.loads((folder.parent / "config.json").read_text(encoding="utf-8"))["text_encoder"]["name"]
            return str(told)
        except (OSError, ValueError, KeyError, TypeError):
            pass
    return folder.name


def check_sentence_t5(folder: Path, width: int) -> int:
    """How many bytes the copy will have at most.

    width: what the model takes, 768. Raises ModelFolderError if a file is missing or the encoder is another.
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
        kind = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("model_type", "t5")
    except (OSError, ValueError, AttributeError) as error:
        raise ModelFolderError(f"config.json of the text encoder in {folder} is damaged: {AGAIN}.") from error
    if kind != "t5":
        raise ModelFolderError(f"The text encoder in {folder.name} is of the kind {kind!r}, not t5: {AGAIN}.")
    return sum(_weights(part).stat().st_size for part in (folder, folder / DENSE)) + MAX_SMALL_FILE


def bytes_in_common(source: Path, beside: Sequence[Path]) -> int:
    """How much of what `copy_sentence_t5` writes is in these encoders already. Reads the weights."""
    common = 0
    for inside in ("", DENSE):
        weights = _weights(source / inside)
        if any(have_same_bytes(weights, other) for other in _those_of(beside, inside)):
            common += weights.stat().st_size
    return common


def copy_sentence_t5(source: Path, target: Path, beside: Sequence[Path] = ()) -> dict[str, str]:
    """Copy what running the encoder needs; a pickle becomes model.safetensors. Returns file name -> sha256 of the
    weights it was made from.

    beside: encoders of other models; weights that are there already, byte for byte, are shared with them by hard links.
    The small files are copied in any case: a person may edit them, and most editors write into the file.
    Raises ModelFolderError if a file is damaged or a small one cannot be written, OSError if the weights cannot.
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
