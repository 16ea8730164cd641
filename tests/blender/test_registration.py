"""Switching the extension on and off."""

from __future__ import annotations

import subprocess
import sys
import tomllib

import addon_utils
import bpy
import pytest

from tests.blender.support import EXTENSION, PATIENCE_S, REPOSITORY, part, start_of_script


def test_extension_is_imported_under_its_relative_name(extension):
    assert extension.__name__ == EXTENSION
    assert f"{EXTENSION}.operators" in sys.modules
    assert bpy.context.scene.motionlcm.prompt == "a person walks forward"


def test_operators_panels_and_preferences_are_there():
    operators = dir(bpy.ops.motionlcm)
    for name in ("add_character", "draw_path", "finish_path", "generate", "generate_again", "cancel", "dice", "recall"):
        assert name in operators
    for name in ("MOTIONLCM_PT_main", "MOTIONLCM_PT_model"):
        panel = getattr(bpy.types, name)
        assert panel.bl_category == "MotionLCM" and panel.bl_region_type == "UI"
    assert bpy.context.preferences.addons[EXTENSION].preferences.device == "NUMPY"


def test_off_and_on_again_leaves_nothing_behind():
    handlers = bpy.app.handlers
    before = [len(h) for h in (handlers.load_pre, handlers.load_post, handlers.depsgraph_update_post)]
    addon_utils.disable(EXTENSION)
    assert not hasattr(bpy.types.Scene, "motionlcm")
    assert not hasattr(bpy.types, "MOTIONLCM_PT_main")
    addon_utils.enable(EXTENSION, default_set=True)
    assert bpy.context.scene.motionlcm.length == 5.0
    assert [len(h) for h in (handlers.load_pre, handlers.load_post, handlers.depsgraph_update_post)] == before


def test_everything_the_user_sees_has_a_description():
    scene_settings = bpy.context.scene.motionlcm.bl_rna.properties
    for name in ("character", "prompt", "length", "start", "path", "seed", "steps"):
        assert scene_settings[name].description
    for name in dir(bpy.ops.motionlcm):
        assert getattr(bpy.ops.motionlcm, name).get_rna_type().description, name


def test_switching_on_imports_nothing_heavy(tmp_path):
    """In a fresh Blender: no engine, no torch and no tokenizer until something is generated."""
    script = (
        start_of_script(repr(str(tmp_path)))
        + f"""
heavy = [m for m in sys.modules if m.startswith("{EXTENSION}.motionlcm_blender") or m in ("torch", "tokenizers")]
print("HEAVY", heavy)
sys.stdout.flush()
os._exit(0 if not heavy and hasattr(bpy.types.Scene, "motionlcm") else 1)
"""
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == 0, done.stdout + done.stderr


def test_manifest_has_permissions_for_files_and_network():
    manifest = tomllib.loads((REPOSITORY / "blender_manifest.toml").read_text())
    assert manifest["id"] == "motionlcm_blender" and manifest["blender_version_min"] == "4.2.0"
    assert set(manifest["permissions"]) == {"files", "network", "clipboard"}
    assert all(len(text) <= 64 and text[-1].isalnum() for text in manifest["permissions"].values())
    for text in (manifest["tagline"], *manifest["permissions"].values()):
        assert len(text) <= 64 and text[-1].isalnum()


def test_a_failure_on_the_way_leaves_nothing_registered(monkeypatch):
    addon_utils.disable(EXTENSION)
    translations = part("ui.translations")
    before = [len(handlers) for handlers in (bpy.app.handlers.load_pre, bpy.app.handlers.load_post)]

    def broken() -> None:
        raise RuntimeError("no more room")

    with monkeypatch.context() as patch:
        patch.setattr(translations, "register_properties", broken)
        for _ in range(2):
            with pytest.raises(RuntimeError, match=r"^no more room$"):
                sys.modules[EXTENSION].register()
            assert not hasattr(bpy.types.Scene, "motionlcm") and not hasattr(bpy.types, "MOTIONLCM_PT_main")
            assert [len(h) for h in (bpy.app.handlers.load_pre, bpy.app.handlers.load_post)] == before
    addon_utils.enable(EXTENSION, default_set=True)
    assert bpy.context.scene.motionlcm.length == 5.0
