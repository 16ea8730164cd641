"""Search of the user's files and folders for checkpoints, statistics and text encoders."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..errors import ModelFolderError
from ..networks.model_folder import CONFIG, NORMALISATION
from .sentence_t5_files import is_sentence_t5

SUFFIXES = (".ckpt", ".pt", ".pth", ".safetensors")
MAX_DEPTH, MAX_FOLDERS = 6, 2000


@dataclass(frozen=True)
class FoundSources:
    """Result of the search.

    Attributes:
        checkpoints: File -> whether the user named it.
        folders: Folders that may contain statistics.
        encoders: Folders of sentence-t5.
    """

    checkpoints: dict[Path, bool]
    folders: list[Path]
    encoders: list[Path]


def search_sources(sources: Iterable[Path]) -> FoundSources:
    """Search files and folders.

    Args:
        sources: Absolute paths of checkpoints and folders.

    Returns:
        The checkpoints, folders and text encoders found.

    Raises:
        ModelFolderError: A source does not exist, there are too many folders, or there is no checkpoint.
    """
    found = FoundSources({}, [], [])
    for source in sources:
        if source.is_file():
            found.checkpoints[source] = True
            if source.parent not in found.folders:
                found.folders.append(source.parent)
            with suppress(OSError):
                found.encoders.extend(folder for folder in sorted(source.parent.iterdir()) if is_sentence_t5(folder))
        elif source.is_dir():
            if is_sentence_t5(source):
                found.encoders.append(source)
                continue
            for folder, names in _walk(source, found.encoders):
                found.folders.append(folder)
                for name in names:
                    if name.lower().endswith(SUFFIXES):
                        found.checkpoints.setdefault(folder / name, False)
        else:
            raise ModelFolderError(f"There is no file or folder {source}: choose another.")
    if not found.checkpoints:
        raise ModelFolderError(f"There is no checkpoint ({', '.join(SUFFIXES)}) in these folders: choose where one is.")
    return found


def _walk(top: Path, encoders: list[Path]) -> Iterator[tuple[Path, list[str]]]:
    """Folders and their file names, in order of name; skips text encoders, hidden folders and model folders."""
    for count, (name, below, files) in enumerate(os.walk(top)):
        folder = Path(name)
        if count >= MAX_FOLDERS:
            raise ModelFolderError(f"{top} holds too many folders to look through: name the checkpoints.")
        if {CONFIG, NORMALISATION} <= set(files):
            below.clear()
            continue
        if len(folder.relative_to(top).parts) >= MAX_DEPTH:
            below.clear()
        encoders += [folder / inner for inner in sorted(below) if is_sentence_t5(folder / inner)]
        below[:] = sorted(d for d in below if not d.startswith(".") and folder / d not in encoders)
        yield folder, sorted(files)
