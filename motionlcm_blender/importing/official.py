"""Import of an official model from the user's files, with optional download of missing ones, to a folder of models."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ..errors import LicenceNotAccepted, ModelFolderError
from .archives import is_archive, unpack
from .downloads import fetch_all
from .model_import import Imported, Progress, import_model, lacking, models_in
from .sentence_t5_files import find_sentence_t5
from .source_list import Source, read_sources
from .statistics_files import FILES

TEXT_ENCODER, STATISTICS, CHECKPOINT = "text encoder", "statistics", "checkpoint"
DOWNLOADS = ".downloads"
LEFT_S = 86_400
"""Seconds after which an unfinished folder counts as left over, and is removed."""
HUB_NAME = "models--sentence-transformers--sentence-t5-large"


@dataclass(frozen=True)
class Wanted:
    """Input of the import.

    Attributes:
        home: Folder of the models.
        chosen: A checkpoint, an archive or a folder on disk; None: download.
        statistics: Folder of the statistics, if not beside `chosen`.
        text_encoder: Folder of the text encoder, if not beside `chosen`.
        control: As in `import_model`.
        fetch: Whether missing files may be downloaded.
        accept_licence: As in `import_model`.
        accept_unverified: As in `downloads.fetch`.
    """

    home: Path
    chosen: Path | None = None
    statistics: Path | None = None
    text_encoder: Path | None = None
    control: str | None = None
    fetch: bool = False
    accept_licence: bool = False
    accept_unverified: bool = False


def get_official_model(
    wanted: Wanted, progress: Progress | None = None, cancel: Callable[[], bool] | None = None
) -> Imported:
    """Make a model folder in `wanted.home`, named after the chosen file.

    A missing text encoder is taken from an earlier import, or from the hub's folder of this machine, before it is
    downloaded. Unpacked files are removed in any case, downloads after success.

    Args:
        wanted: The input.
        progress: As in `import_model`.
        cancel: As in `import_model`.

    Raises:
        MotionLCMError: As `import_model` and `downloads.fetch`.
    """
    part = partial(_part_of, progress)
    if not wanted.accept_licence:
        raise LicenceNotAccepted("The model is imported once its licence is accepted: tick that you accept it.")
    if wanted.chosen is None and not wanted.fetch:
        raise ModelFolderError("Choose a checkpoint, an archive or a folder.")
    downloads, scratch = wanted.home / DOWNLOADS, None
    made_home = not wanted.home.exists()
    try:
        wanted.home.mkdir(parents=True, exist_ok=True)
        _clear_away(wanted.home)
        chosen = wanted.chosen
        if chosen is not None and is_archive(chosen):
            scratch = Path(tempfile.mkdtemp(prefix=".unpacked-", dir=wanted.home))
            unpack(chosen, scratch, part(0.0, 0.1), cancel)
            chosen = scratch
        sources = [] if chosen is None else [chosen]
        statistics = [] if wanted.statistics is None else [wanted.statistics]
        if chosen is not None and chosen.is_file():
            statistics += _statistics_beside(chosen)
        encoder = _completed(wanted, sources, statistics, part(0.1, 0.4), cancel)
        imported = import_model(
            sources,
            _free_name(wanted),
            statistics=statistics,
            text_encoder=encoder,
            control=wanted.control,
            accept_licence=True,
            progress=part(0.4, 1.0),
            cancel=cancel,
        )
        shutil.rmtree(downloads, ignore_errors=True)
        return imported
    except OSError as error:
        why = error.strerror or error
        raise ModelFolderError(f"{wanted.home} cannot be written ({why}): see to that, then try again.") from error
    finally:
        if scratch is not None:
            shutil.rmtree(scratch, ignore_errors=True)
        if made_home:
            with suppress(OSError):
                wanted.home.rmdir()  # only if the import left nothing


def _completed(
    wanted: Wanted,
    sources: list[Path],
    statistics: list[Path],
    progress: Progress,
    cancel: Callable[[], bool] | None,
) -> Path | None:
    """Download missing files, add them to `sources` and `statistics`, and return the text encoder."""
    encoder = wanted.text_encoder
    missing = lacking(sources, statistics, encoder, wanted.control)
    if TEXT_ENCODER in missing:
        encoder = _known_text_encoder(wanted.home)
        missing -= set() if encoder is None else {TEXT_ENCODER}
    if missing and wanted.fetch:
        downloads = wanted.home / DOWNLOADS
        fetched = _fetch(missing, downloads, wanted.accept_unverified, progress, cancel)
        statistics += sorted({file.parent for source, file in fetched if source.kind == STATISTICS})
        sources += [file for source, file in fetched if source.kind == CHECKPOINT]
        if TEXT_ENCODER in missing:
            name = next(source.name for source, _ in fetched if source.kind == TEXT_ENCODER)
            encoder = downloads / name.partition("/")[0]
    return encoder


def _part_of(progress: Progress | None, first: float, last: float) -> Progress:
    """A progress function whose 0..1 is first..last of another one."""

    def report(part: float, what: str) -> None:
        if progress is not None:
            progress(first + (last - first) * part, what)

    return report


def _fetch(
    kinds: set[str], downloads: Path, accept_unverified: bool, progress: Progress, cancel: Callable[[], bool] | None
) -> list[tuple[Source, Path]]:
    """Download all files of some kinds, each with its place."""
    listed = [source for source in read_sources() if source.kind in kinds]
    files = fetch_all(listed, downloads, accept_unverified=accept_unverified, progress=progress, cancel=cancel)
    return list(zip(listed, files, strict=True))


def remove_model(folder: Path, home: Path) -> None:
    """Delete an imported model.

    Raises:
        ModelFolderError: The folder is not an imported model, or cannot be removed; then it is still complete.
    """
    if folder.resolve().parent != home.resolve() or folder not in models_in(home):
        raise ModelFolderError(f"{folder.name} is not a model that was imported here: remove it where it lies.")
    doomed = home / f".removed-{folder.name}.{os.getpid()}"
    try:
        folder.replace(doomed)  # a single operation, so that a folder in use stays complete
    except OSError as error:
        why = error.strerror or error
        sentence = f"{folder.name} cannot be removed ({why}): choose another model, then try again."
        raise ModelFolderError(sentence) from error
    shutil.rmtree(doomed, ignore_errors=True)


def _known_text_encoder(home: Path) -> Path | None:
    """Folder of sentence-t5-large in an earlier import, or in the hub's folder of this machine."""
    for model in models_in(home):
        if find_sentence_t5(model / "text_encoder") is not None:
            return model / "text_encoder"
    for variable, below in (("HF_HUB_CACHE", ""), ("HF_HOME", "hub"), ("XDG_CACHE_HOME", "huggingface/hub")):
        if os.environ.get(variable):
            return find_sentence_t5(Path(os.environ[variable], below, HUB_NAME))
    try:
        return find_sentence_t5(Path.home() / ".cache" / "huggingface" / "hub" / HUB_NAME)
    except RuntimeError:  # no home folder
        return None


def _clear_away(home: Path) -> None:
    """Remove files of aborted imports; those of the last day may belong to an import in another Blender."""
    for folder in home.glob(".*"):
        with suppress(OSError):
            if folder.name != DOWNLOADS and folder.is_dir() and time.time() - folder.stat().st_mtime > LEFT_S:
                shutil.rmtree(folder, ignore_errors=True)


def _statistics_beside(file: Path) -> list[Path]:
    """Folders beside a checkpoint that contain statistics, like the folders of their data sets."""
    try:
        folders = sorted(folder for folder in file.parent.iterdir() if folder.is_dir())
        return [folder for folder in folders if any((folder / name).is_file() for name in FILES.values())]
    except OSError:
        return []


def _free_name(wanted: Wanted) -> Path:
    """A new folder named after the chosen file or folder."""
    chosen = wanted.chosen or Path("motionlcm")
    name = chosen.stem if chosen.is_file() else chosen.name
    name = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40] or "motionlcm"
    if wanted.control in ("pelvis", "joints", "start") and wanted.control not in name:
        name = f"{name}-{wanted.control}"
    number = 1
    while (wanted.home / (name if number == 1 else f"{name}-{number}")).exists():
        number += 1
    return wanted.home / (name if number == 1 else f"{name}-{number}")
