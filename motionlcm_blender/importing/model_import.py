"""Import of published checkpoints, HumanML3D's statistics and sentence-t5 to one model folder, atomically."""

from __future__ import annotations

import datetime
import errno
import gc
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..array_types import FloatArray
from ..errors import Cancelled, LicenceNotAccepted, ModelFolderError, UnsupportedCheckpoint
from ..files.safetensors_files import sha256
from ..motion.skeleton import MAX_FRAMES
from ..networks.model_folder import CONFIG, ModelFolder, write_model_folder
from ..networks.noise_schedule import LCM_GUIDANCE
from ..networks.samplers import default_guidance
from ..version import version
from . import licence
from .checkpoint_files import CheckpointFile
from .checkpoint_parts import CONTROLS, Joined, Recognised, control_settings, join, recognise
from .self_check import check_model
from .sentence_t5_files import FOLDER as TEXT_ENCODER
from .sentence_t5_files import (
    bytes_in_common,
    check_sentence_t5,
    copy_sentence_t5,
    find_sentence_t5,
    name_of,
)
from .source_search import FoundSources, search_sources
from .statistics_files import read_statistics

Progress = Callable[[float, str], None]
SHORTEST = 40
"""Frames: the shortest motion of the published models' training (docs/MODEL.md section 2)."""
_FEW_BYTES = 8 << 20


@dataclass(frozen=True)
class Imported:
    """A finished import.

    Attributes:
        folder: The model folder.
        recognised: Description of each checkpoint.
        notes: Sentences for the user.
    """

    folder: ModelFolder
    recognised: dict[str, str]
    notes: tuple[str, ...]


def import_model(
    sources: Sequence[str | Path],
    out: str | Path,
    *,
    statistics: Sequence[str | Path] = (),
    text_encoder: str | Path | None = None,
    control: str | None = None,
    accept_licence: bool = False,
    progress: Progress | None = None,
    cancel: Callable[[], bool] | None = None,
) -> Imported:
    """Make a model folder from published files on disk.

    Needs no PyTorch; nothing from a file is run (`pickle_reader`). The folder is created under another name beside
    `out`, loaded and tested (`self_check`), and moved into place; after an exception nothing of it is left.

    Args:
        sources: Checkpoints, or folders to search for them.
        out: The model folder, which must not exist or be empty.
        statistics: Folders with HumanML3D's statistics, searched before those beside and below the sources.
        text_encoder: Folder of sentence-t5-large; None: search. Equal weights beside `out` are hard-linked.
        control: "pelvis", "joints" or "start" to choose a ControlNet, "none" for none, None for the only one.
        accept_licence: Whether the user accepts the licence of the weights.
        progress: Called with a fraction 0..1 and the name of the stage, from this thread.
        cancel: Called between stages, from this thread; True stops.

    Returns:
        The import.

    Raises:
        LicenceNotAccepted: `accept_licence` is False.
        ModelFolderError: A file is missing, damaged or hostile, the model is implausible, or the disk is full.
        UnsupportedCheckpoint: The weights are unknown, or parts are missing or ambiguous.
        DeviceError: There is not enough memory.
        Cancelled: `cancel` returned True.
    """
    stage = _cancellable(progress, cancel)
    if not accept_licence:
        raise LicenceNotAccepted(licence.QUESTION)
    _check_control(control)
    target = Path(out).absolute()
    _check_target(target)
    stage(0.0, "Looking for checkpoints")
    paths = [Path(source).absolute() for source in sources]
    found = search_sources(paths)
    recognised, notes = _recognise_all(found)
    joined = join(recognised, control)
    folders = [*(Path(folder).absolute() for folder in statistics), *found.folders]
    normalisation, statistics_files = read_statistics(folders, joined.architecture.control)
    encoder = _text_encoder(None if text_encoder is None else Path(text_encoder), found)
    needed = 4 * joined.parameters + check_sentence_t5(encoder, joined.architecture.text_width) + _FEW_BYTES
    beside = [model / TEXT_ENCODER for model in models_in(target.parent) if model != target]
    _check_space(target, needed, lambda: bytes_in_common(encoder, beside))

    with _folder_in_the_making(target) as temporary:
        _write(temporary, joined, normalisation, statistics_files, encoder, beside, stage)
        stage(0.7, "Testing the model")
        notes += _tested(temporary)
        stage(0.95, "Moving the model into place")
    return Imported(ModelFolder.open(target), _words(recognised), (*notes, *joined.notes))


def _cancellable(progress: Progress | None, cancel: Callable[[], bool] | None) -> Progress:
    """A progress function that raises Cancelled once `cancel` returns True."""

    def stage(part: float, what: str) -> None:
        if cancel is not None and cancel():
            raise Cancelled
        if progress is not None:
            progress(part, what)

    return stage


def _tested(folder: Path) -> list[str]:
    """Test the model; returns notes for the user."""
    measured = check_model(folder)
    gc.collect()  # the text encoder may map its file, and Windows moves no folder with a mapped file in it
    if measured["text_encoder"]:
        return []
    return ["The text encoder has no tokenizer.json, so prompts need PyTorch and transformers; it was not tried."]


def _check_control(control: str | None) -> None:
    if control not in (None, "none", *CONTROLS):
        raise UnsupportedCheckpoint(
            f"There is no ControlNet called {control!r}: choose one of {', '.join(CONTROLS)} or none."
        )


def _write(
    folder: Path,
    joined: Joined,
    normalisation: dict[str, FloatArray],
    statistics_files: Sequence[Path],
    encoder: Path,
    beside: Sequence[Path],
    stage: Progress,
) -> None:
    """Write all files of the model to a folder. beside: text encoders of other models, to share files with."""
    stage(0.1, "Reading weights")
    weights = joined.weights()
    stage(0.4, "Copying the text encoder")
    encoder_hashes = copy_sentence_t5(encoder, folder / TEXT_ENCODER, beside)
    stage(0.6, "Writing the model")
    encoder_files = {f"{name_of(encoder)}/{name}": digest for name, digest in encoder_hashes.items()}
    config = _config(joined, encoder, _sources(joined, statistics_files, encoder_files))
    write_model_folder(folder, config, weights, normalisation, _card(config, joined))


@contextmanager
def _folder_in_the_making(target: Path) -> Iterator[Path]:
    """A temporary folder beside the target that becomes the target, or is removed on an exception.

    Raises:
        ModelFolderError: The folder cannot be written.
    """
    temporary = target.with_name(f".{target.name}.{os.getpid()}.part")
    made_for_it = [folder for folder in target.parents if not folder.exists()]
    try:
        shutil.rmtree(temporary, ignore_errors=True)
        yield temporary
        with suppress(OSError):
            target.rmdir()  # an empty folder, which Windows does not replace
        temporary.replace(target)
    except OSError as error:
        raise _disk_error(target, error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        for folder in made_for_it:
            with suppress(OSError):
                folder.rmdir()  # only removes empty folders: nothing if the model is there


def lacking(
    sources: Sequence[Path], statistics: Sequence[Path], text_encoder: Path | None, control: str | None = None
) -> set[str]:
    """Find out which of "checkpoint", "statistics" and "text encoder" `import_model` would not find.

    Raises:
        ModelFolderError: A source does not exist or cannot be searched.
    """
    missing = set() if sources else {"checkpoint"}
    found = search_sources([source.absolute() for source in sources]) if sources else FoundSources({}, [], [])
    if text_encoder is None and not found.encoders:
        missing.add("text encoder")
    try:
        read_statistics([*statistics, *found.folders], with_hints=control != "none")
    except ModelFolderError:
        missing.add("statistics")
    return missing


# Finding


def models_in(home: Path) -> list[Path]:
    """Imported model folders in a folder, by name."""
    try:
        found = sorted(home.iterdir())
    except OSError:
        return []
    return [folder for folder in found if not folder.name.startswith(".") and (folder / CONFIG).is_file()]


def _recognise_all(found: FoundSources) -> tuple[list[Recognised], list[str]]:
    """Recognise every checkpoint. Other files found in a folder give a note; a file that the user named must be one."""
    recognised: list[Recognised] = []
    notes: list[str] = []
    reason: UnsupportedCheckpoint | None = None
    for path, named in found.checkpoints.items():
        try:
            recognised.append(recognise(CheckpointFile.open(path)))
        except UnsupportedCheckpoint as error:
            if named:
                raise
            reason = reason or error
            notes.append(f"{path.name} was left out: {error}")
    if not recognised:
        raise reason or UnsupportedCheckpoint("These files hold no MotionLCM model: choose others.")
    return recognised, notes


def _words(recognised: Sequence[Recognised]) -> dict[str, str]:
    """File name, with its folder's if two are equal -> description of its content."""
    names = [file.path.name for file in recognised]
    return {
        file.path.name if names.count(file.path.name) == 1 else f"{file.path.parent.name}/{file.path.name}": (
            file.description
        )
        for file in recognised
    }


def _text_encoder(chosen: Path | None, found: FoundSources) -> Path:
    if chosen is not None:
        if not chosen.is_dir():
            raise ModelFolderError(f"There is no folder {chosen}: choose that of the text encoder.")
        return find_sentence_t5(chosen.absolute()) or chosen.absolute()
    if not found.encoders:
        raise ModelFolderError(
            "The text encoder sentence-t5-large is not there: put its folder beside the checkpoint or name it "
            "(--text-encoder)."
        )
    return found.encoders[0]


# Writing


def _check_target(target: Path) -> None:
    try:
        if target.is_dir() and not any(target.iterdir()):
            return
        there = target.exists() or target.is_symlink()
    except OSError as error:
        raise _disk_error(target, error) from error
    if there:
        raise ModelFolderError(f"{target} is there already: choose another name for the model's folder.")


def _check_space(target: Path, needed: int, in_common: Callable[[], int]) -> None:
    """Check the free space; `in_common` returns the bytes that are already there, which takes seconds."""
    place = next(folder for folder in target.parents if folder.exists())
    try:
        free = shutil.disk_usage(place).free
    except OSError as error:
        raise _disk_error(target, error) from error
    if free < needed:
        needed -= in_common()
    if free < needed:
        raise ModelFolderError(
            f"There is not enough space for the model in {place}: it takes {needed >> 20} MiB and {free >> 20} MiB are "
            "free: free some."
        )


def _disk_error(target: Path, error: OSError) -> ModelFolderError:
    if error.errno == errno.ENOSPC:
        return ModelFolderError(f"There is not enough space for the model in {target.parent}: free some.")
    return ModelFolderError(f"{target} cannot be written ({error.strerror or error}): see to that, then try again.")


def _sources(joined: Joined, statistics: Sequence[Path], encoder: dict[str, str]) -> dict[str, dict[str, Any]]:
    """File name -> sha256 and the parts taken from it; two files of one name get their folder's name."""
    out: dict[str, dict[str, Any]] = {}
    for part, file in joined.parts.items():
        name = file.path.name
        if name in out and out[name]["sha256"] != file.file.sha256:
            name = f"{file.path.parent.name}/{name}"
        out.setdefault(name, {"sha256": file.file.sha256, "holds": []})["holds"].append(part)
    for path in statistics:
        out[path.name] = {"sha256": sha256(path), "holds": ["statistics"]}
    return out | {name: {"sha256": digest, "holds": ["text encoder"]} for name, digest in encoder.items()}


def _config(joined: Joined, encoder: Path, sources: dict[str, dict[str, Any]]) -> dict[str, Any]:
    model_version = next(iter(joined.parts.values())).version
    config: dict[str, Any] = {
        "name": f"MotionLCM {model_version}",
        "version": datetime.date.today().isoformat(),
        "architecture": joined.architecture.to_json(),
        "text_encoder": {"kind": "sentence-t5", "name": name_of(encoder), "tokens": "sentence"},
        "guidance": {str(steps): default_guidance(joined.architecture, steps) for steps in LCM_GUIDANCE},
        "frames": {"min": SHORTEST, "max": MAX_FRAMES},
        "licence": licence.NAME,
        "licence_terms": licence.TEXT,
        "licence_accepted": datetime.date.today().isoformat(),
        "attribution": licence.ATTRIBUTION,
        "training_data": licence.TRAINING_DATA,
        "quality": {},
        "imported_by": f"motionlcm {version()}",
        "sources": sources,
    }
    if joined.architecture.control:
        config["control"] = control_settings(joined.control)
    return config


def _card(config: dict[str, Any], joined: Joined) -> str:
    a = joined.architecture
    control = CONTROLS[joined.control or "pelvis"] if a.control else "no ControlNet"
    rows = "\n".join(
        f"- {name}: {', '.join(about['holds'])}; sha256 {about['sha256']}" for name, about in config["sources"].items()
    )
    return f"""# Model card: {config["name"]}

Published weights, imported on {config["version"]} as they are, in float32.

- Licence: {config["licence"]}. {licence.TEXT}
- {config["attribution"]}
- Training data: {config["training_data"]}
- Sizes: {a.latent_tokens} x {a.latent_width} latents, width {a.width}, layers: VAE {a.vae_layers}, denoiser
  {a.denoiser_layers}; {control}

## Sources

{rows}
"""
