"""Record of the installation, written atomically, and its status without importing anything."""

from __future__ import annotations

import json
import uuid
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..files.atomic_write import replace_bytes
from ..files.file_locks import is_locked
from .paths import InstallPaths

FORMAT = 1


@dataclass(frozen=True)
class State:
    """Record of an installation.

    Attributes:
        step: "installing", "checking", "ready", "failed" or "removing".
        install: Identity of this installation.
        hardware: Kind of the hardware.
        source: Source of the packages.
        numpy: Version of Blender's NumPy in the test.
        versions: Versions of the installed packages.
        device: Device found by the test.
        device_name: Name of the device.
        difference_mm: Largest difference to NumPy in the test.
        milliseconds: Time of a generation in the test.
        sentence: Reason of the failure, or a note.
        when: Time of the record.
        format: Version of this format.
    """

    step: str
    install: str = field(default_factory=lambda: uuid.uuid4().hex)
    hardware: str = ""
    source: str = ""
    numpy: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    device: str = ""
    device_name: str = ""
    difference_mm: float = 0.0
    milliseconds: float = 0.0
    sentence: str = ""
    when: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    format: int = FORMAT


@dataclass(frozen=True)
class InstallStatus:
    """Status of an installation.

    Attributes:
        kind: "absent", "busy", "unfinished", "broken" or "ready".
        sentence: Sentence for the user.
        state: The record, if there is one.
    """

    kind: str
    sentence: str = ""
    state: State | None = None


def write_json(path: Path, values: dict[str, Any]) -> None:
    """Write a JSON file atomically; OSError if that fails."""
    replace_bytes(path, json.dumps(values, indent=1, ensure_ascii=False).encode())


def write_state(places: InstallPaths, state: State) -> None:
    """Write the record; OSError if that fails."""
    write_json(places.state, asdict(state))


def read_state(places: InstallPaths) -> State | None:
    """Read the record; None if there is none.

    Raises:
        ValueError: The record is damaged.
    """
    try:
        values = json.loads(places.state.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ValueError(str(error)) from error
    if not isinstance(values, dict) or values.get("format") != FORMAT:
        raise ValueError("another format")
    try:
        return State(**values)
    except TypeError as error:
        raise ValueError(str(error)) from error


def mark_failed(places: InstallPaths, sentence: str) -> None:
    """Mark the installation as unusable until the next successful check; OSError if that fails."""
    try:
        state = read_state(places)
    except ValueError:
        return
    if state is not None:
        write_state(places, replace(state, step="failed", sentence=sentence))


def condition(places: InstallPaths, numpy: str) -> InstallStatus:
    """Status of an installation; reads a few small files. numpy: version in this Blender."""
    try:
        state = read_state(places)
    except ValueError:
        return InstallStatus("broken", "The record of the installation is damaged: install again or remove it.")
    if state is None:
        if places.unfinished or places.packages.exists():
            return InstallStatus(
                "broken", "Parts of an installation lie here without its record: install again or remove."
            )
        return InstallStatus("absent")
    if is_locked(places.lock):
        return InstallStatus("busy", "PyTorch is being installed or removed: wait until that has ended.", state)
    if state.step in ("installing", "checking"):
        return InstallStatus("unfinished", "The installation was not finished: go on, or remove it.", state)
    if state.step == "removing":
        return InstallStatus("unfinished", "The removal was not finished: remove it again.", state)
    if state.step == "failed":
        return InstallStatus("broken", state.sentence, state)
    if not (places.packages / "torch" / "__init__.py").is_file():
        return InstallStatus("broken", "Files of PyTorch are missing: install again or remove it.", state)
    if state.numpy.split(".")[0] != numpy.split(".")[0]:
        return InstallStatus(
            "broken", "It was tried with another NumPy than Blender's present one: check it again.", state
        )
    return InstallStatus("ready", "", state)
