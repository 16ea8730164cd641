"""The extension in a real Blender (the `bpy` package), enabled as an extension under its relative package name."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

os.environ["BLENDER_USER_RESOURCES"] = tempfile.mkdtemp(prefix="blender_user_")  # before bpy: keeps the user's own out
os.environ.setdefault("OMP_NUM_THREADS", "1")

import bpy
import pytest

from tests.blender.support import EXTENSION, REPOSITORY, add_character, generate, part, settings, takes
from tests.tiny_model import write_tiny_model

sys.path.append(str(REPOSITORY / "tools"))

import checkout_extension

EACH_BLENDER = {
    "test_character", "test_files_of_version_0_1", "test_fitted_keys", "test_generate", "test_keymap", "test_panels",
    "test_paths", "test_examples", "test_first_motion", "test_registration", "test_smpl_body", "test_takes",
    "test_translations",
}  # fmt: skip
"""What leans on parts of Blender that differ from version to version: Actions and their slots, curves and handles, NLA,
armatures and meshes, files, registration, panels, keymaps. Single tests of other files are marked where they stand."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).resolve().parent
    gone = sorted(name for name in EACH_BLENDER if not (here / f"{name}.py").is_file())
    if gone:
        raise pytest.UsageError(f"EACH_BLENDER names files that are not there: {', '.join(gone)}")
    for item in items:
        if item.path.stem in EACH_BLENDER:
            item.add_marker(pytest.mark.each_blender)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    session.config._status = int(exitstatus)


def pytest_unconfigure(config: pytest.Config) -> None:
    # Python's own ending crashes Blender 4.2 and hangs 4.5 while classes are registered.
    if hasattr(config, "_status"):
        shutil.rmtree(os.environ["BLENDER_USER_RESOURCES"], ignore_errors=True)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(config._status)


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "tiny"
    write_tiny_model(folder)
    return folder


@pytest.fixture(scope="session")
def extension() -> ModuleType:
    """The extension's root module, enabled from links to the repository."""
    checkout_extension.enable(EXTENSION)
    assert EXTENSION in bpy.context.preferences.addons, "the extension could not be enabled"
    return import_module(EXTENSION)


@pytest.fixture(autouse=True)
def empty_file(extension: ModuleType, model_folder: Path) -> Iterator[None]:
    """Each test starts in an empty file, with the tiny model chosen and no job running.

    Keys are dense, so that no tolerance hides what a test checks; `test_fitted_keys` sets few keys.
    The tiny model is random: one sampler step leaves its bodies closest to real ones, four are for trained models.
    """
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    prefs = bpy.context.preferences.addons[EXTENSION].preferences
    prefs.model_folder, prefs.device = str(model_folder), "NUMPY"
    assert bpy.context.scene.motionlcm.steps == "4"
    bpy.context.scene.motionlcm.key_mode, bpy.context.scene.motionlcm.steps = "DENSE", "1"
    yield
    part("operators.session.job_queue").get().cancel_owner()


@pytest.fixture
def three() -> list[bpy.types.Action]:
    """Three takes of one generation."""
    add_character()
    settings().takes = 3
    generate(seed=5)
    return takes()
