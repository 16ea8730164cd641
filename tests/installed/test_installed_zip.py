"""From the zip to keys, in a Blender that has never seen the extension; run by tools/test_blender.py."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import bpy
import numpy as np
import pytest
from isolation import isolate

EXTENSION = "bl_ext.user_default.motionlcm_blender"
PROFILE = Path(os.environ["BLENDER_USER_RESOURCES"])


@pytest.fixture(scope="module", autouse=True)
def installed():
    isolate(PROFILE)
    archive = os.environ["MOTIONLCM_ZIP"]
    done = bpy.ops.extensions.package_install_files(filepath=archive, repo="user_default", enable_on_install=True)
    assert done == {"FINISHED"}
    assert EXTENSION in bpy.context.preferences.addons, "the extension was not enabled"
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)


def draw_s(size: float = 3.0) -> bpy.types.Object:
    """An S on the floor, from the origin towards Blender's front (-Y)."""
    data = bpy.data.curves.new("S", "CURVE")
    data.dimensions = "2D"
    spline = data.splines.new("POLY")
    along = np.linspace(0.0, 1.0, 33)
    spline.points.add(len(along) - 1)
    for point, t in zip(spline.points, along, strict=True):
        point.co = (0.25 * size * np.sin(2.0 * np.pi * t), -size * t, 0.0, 1.0)
    curve = bpy.data.objects.new("S", data)
    bpy.context.scene.collection.objects.link(curve)
    return curve


def pelvis_positions(character: bpy.types.Object, first: int, last: int) -> np.ndarray:
    positions = []
    for frame in range(first, last + 1):
        bpy.context.scene.frame_set(frame)
        evaluated = character.evaluated_get(bpy.context.evaluated_depsgraph_get())
        positions.append(evaluated.matrix_world @ evaluated.pose.bones["pelvis"].head)
    return np.array(positions)


def tool(name: str) -> ModuleType:
    """A module of tools/, by its file: the repository itself stays out of reach."""
    spec = spec_from_file_location(name, Path(__file__).resolve().parents[2] / "tools" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def test_the_zip_has_its_wheels_for_its_platform_and_all_pythons_and_every_licence():
    tool("licences")
    assert tool("zip_contents").problems(Path(os.environ["MOTIONLCM_ZIP"])) == []


def test_nothing_of_the_repository_is_importable():
    with pytest.raises(ModuleNotFoundError):
        import_module("motionlcm_blender")


def test_model_and_text_encoder_lie_in_the_extension():
    home = (PROFILE / "extensions" / "user_default" / "motionlcm_blender").resolve()
    folder = import_module(f"{EXTENSION}.motionlcm_blender.networks.model_folder").ModelFolder.open()
    assert Path(folder.path).resolve() == home / "bundled_models" / "default"
    words = import_module(f"{EXTENSION}.motionlcm_blender.text.prompt_vocabulary").read_vocabulary(folder.path)
    assert words is not None and words.verbs["walk"] > 200
    encoder = import_module(f"{EXTENSION}.motionlcm_blender.text.minilm_files").minilm_folder()
    assert encoder.resolve().parent == home / "bundled_models"
    assert not (home / "motionlcm_blender" / "training").exists()


def test_openblas_is_loaded_from_the_zip():
    openblas = import_module(f"{EXTENSION}.motionlcm_blender.networks.numpy_impl.openblas")
    path, _ = openblas.find_library()
    assert path.resolve().is_relative_to(PROFILE.resolve())
    assert openblas.library() is not None and openblas.reason() == ""


def test_prompt_and_path_give_keys_along_the_path(tmp_path):
    bpy.ops.motionlcm.add_character()
    settings = bpy.context.scene.motionlcm
    settings.prompt, settings.length, settings.seed = "a person walks forward", 4.0, 7
    settings.path = draw_s()
    assert bpy.ops.motionlcm.generate() == {"FINISHED"}

    character = settings.character
    action = character.animation_data.action
    assert action["motionlcm_prompt"] == "a person walks forward" and action["motionlcm_seed"] == 7
    first, last = (round(frame) for frame in action.frame_range)
    assert abs((last - first) / bpy.context.scene.render.fps - 4.0) < 0.1
    pelvis = pelvis_positions(character, first, last)
    assert np.isfinite(pelvis).all()
    assert np.linalg.norm(pelvis[0, :2]) < 0.1
    assert np.linalg.norm(pelvis[-1, :2] - (0.0, -3.0)) < 0.1
    curve = np.array([[0.75 * np.sin(2.0 * np.pi * t), -3.0 * t] for t in np.linspace(0.0, 1.0, 400)])
    distance = np.linalg.norm(pelvis[:, None, :2] - curve[None], axis=2).min(axis=1)
    assert distance.mean() < 0.02 and distance.max() < 0.05
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "kept.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "kept.blend"))
    again = bpy.context.scene.motionlcm.character
    assert np.allclose(pelvis_positions(again, first, last), pelvis, atol=1e-4)


def test_a_refusal_is_one_sentence_and_changes_nothing():
    settings = bpy.context.scene.motionlcm
    before = set(bpy.data.actions.keys())
    settings.prompt = "   "
    with pytest.raises(RuntimeError, match="prompt is empty"):
        bpy.ops.motionlcm.generate()
    assert set(bpy.data.actions.keys()) == before


def test_uninstalling_leaves_nothing_behind():
    repositories = [repository.module for repository in bpy.context.preferences.extensions.repos]
    index = repositories.index("user_default")
    bpy.ops.extensions.package_uninstall(repo_directory="", repo_index=index, pkg_id="motionlcm_blender")
    assert not hasattr(bpy.types.Scene, "motionlcm")
    assert not (PROFILE / "extensions" / "user_default" / "motionlcm_blender").exists()
