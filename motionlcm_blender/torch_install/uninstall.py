"""Removal of an installation: renamed first, so that nothing finds it any more, then deleted."""

from __future__ import annotations

import shutil
import uuid
from dataclasses import replace
from pathlib import Path

from .errors import of_system
from .paths import InstallPaths, locked
from .state import State, read_state, write_state


def remove(places: InstallPaths) -> bool:
    """Remove packages, leftovers, installer and cache.

    Returns:
        Whether everything is gone; else `sweep` deletes the rest later.

    Raises:
        Busy: Another Blender is working on the installation.
        RuntimeProblem: A folder cannot be renamed.
    """
    try:
        with locked(places.lock):
            return _remove(places)
    except OSError as error:
        raise of_system(error, str(places.home)) from error


def _remove(places: InstallPaths) -> bool:
    try:
        state = read_state(places)
    except ValueError:
        state = None
    write_state(places, replace(state or State("removing"), step="removing"))
    for folder in (places.packages, *places.unfinished):
        try:
            put_away(places, folder)
        except OSError:
            return False  # Windows keeps files in use; the record requests the rest of the removal
    _delete_removed(places)
    for folder in (places.cache, places.tools, places.home / "temporary"):
        shutil.rmtree(folder, ignore_errors=True)
    for file in (places.trials, places.importing, places.home / "left_out.txt", places.state):
        file.unlink(missing_ok=True)
    return not places.removed


def sweep(places: InstallPaths) -> None:
    """Delete folders that were renamed before and could not be deleted then."""
    _delete_removed(places)


def finish_removal(places: InstallPaths) -> bool:
    """Continue, at start, a removal that was interrupted by files in use or by the end of Blender.

    Returns:
        Whether there was something to do.
    """
    try:
        state = read_state(places)
    except ValueError:
        return False
    if state is not None and state.step == "removing":
        remove(places)
        return True
    if places.removed:
        sweep(places)
        return True
    return False


def put_away(places: InstallPaths, folder: Path) -> None:
    """Rename a folder and delete it as far as possible; OSError if it cannot be renamed."""
    if not folder.exists():
        return
    folder.replace(places.home / f"removed-{uuid.uuid4().hex[:8]}")
    _delete_removed(places)


def _delete_removed(places: InstallPaths) -> None:
    for folder in places.removed:
        shutil.rmtree(folder, ignore_errors=True)
