"""From a repository's address to keys, and on to its next version; run by tools/test_blender.py.

MOTIONLCM_REPOSITORY: a folder that tools/release.py made. It is served on this machine alone.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import threading
import zipfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from pathlib import Path

import bpy
import pytest

NAME = "motionlcm_blender"
MODULE = "motionlcm"
EXTENSION = f"bl_ext.{MODULE}.{NAME}"
GENERATOR = Path(bpy.utils.system_resource("SCRIPTS")) / "addons_core" / "bl_pkg" / "cli" / "blender_ext.py"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_) -> None:
        pass


def write_index(folder: Path) -> None:
    command = [sys.executable, str(GENERATOR), "server-generate", "--repo-dir", str(folder)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def as_version(archive: Path, version: str, target: Path) -> None:
    """A copy of a zip with another version."""
    with zipfile.ZipFile(archive) as old, zipfile.ZipFile(target, "w") as new:
        for entry in old.infolist():
            content = old.read(entry)
            if entry.filename == "blender_manifest.toml":
                content = re.sub(rb'(?m)^version = ".*"$', f'version = "{version}"'.encode(), content)
            new.writestr(entry, content)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory):
    """A copy of the repository, and its address."""
    folder = Path(shutil.copytree(os.environ["MOTIONLCM_REPOSITORY"], tmp_path_factory.mktemp("served") / "repository"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield folder, f"http://127.0.0.1:{server.server_port}/index.json"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def repository(served) -> int:
    """The index, among Blender's repositories, of ours, added by its address as a user does."""
    bpy.context.preferences.system.use_online_access = True
    repositories = bpy.context.preferences.extensions.repos
    for other in repositories:
        other.use_sync_on_startup = False
    added = repositories.new(name="MotionLCM", module=MODULE, remote_url=served[1])
    added.use_cache = False
    return list(repositories).index(added)


def installed_version() -> str:
    ours = next(each for each in bpy.context.preferences.extensions.repos if each.module == MODULE)
    home = Path(ours.directory) / NAME
    found = re.search(r'(?m)^version = "(.*)"$', (home / "blender_manifest.toml").read_text())
    assert found is not None
    return found[1]


def test_the_extension_is_found_installed_and_enabled(repository: int):
    assert bpy.ops.extensions.repo_sync(repo_index=repository) == {"FINISHED"}
    done = bpy.ops.extensions.package_install(repo_index=repository, pkg_id=NAME, enable_on_install=True)
    assert done == {"FINISHED"}
    assert EXTENSION in bpy.context.preferences.addons


def test_it_makes_keys(repository: int):
    bpy.ops.motionlcm.add_character()
    settings = bpy.context.scene.motionlcm
    settings.prompt, settings.length = "a person walks forward", 2.0
    assert bpy.ops.motionlcm.generate() == {"FINISHED"}
    assert settings.character.animation_data.action["motionlcm_prompt"] == "a person walks forward"


def test_the_next_version_is_an_update(served, repository: int):
    folder, _ = served
    version = installed_version()
    assert import_module(f"{EXTENSION}.motionlcm_blender").__version__ == version
    for archive in sorted(folder.glob("*.zip")):
        if "linux-x64" in archive.name:
            as_version(archive, "99.0.0", folder / archive.name.replace(version, "99.0.0"))
        archive.unlink()
    write_index(folder)
    assert bpy.ops.extensions.repo_sync(repo_index=repository) == {"FINISHED"}
    assert bpy.ops.extensions.package_upgrade_all() == {"FINISHED"}
    assert installed_version() == "99.0.0"
    assert EXTENSION in bpy.context.preferences.addons
