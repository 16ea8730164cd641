"""The real PyTorch, from a wheel on the disk: installed, tried and used inside a Blender of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.blender.support import EXTENSION, start_of_script

SCRIPT = (
    start_of_script("sys.argv[1]")
    + f"""
wheels = sys.argv[2]
names = ("setup.torch_installation", "session.torch_import", "session.model_session", "scene.messages")
runtime, torch_import, engine, messages = (import_module(f"{EXTENSION}.operators.{{name}}") for name in names)
session = engine.get()
prefs, chosen = bpy.context.preferences.addons["{EXTENSION}"].preferences, bpy.context.scene.motionlcm
bpy.ops.motionlcm.add_character()
chosen.prompt, chosen.length, chosen.key_mode = "a person walks forward", 3.0, "DENSE"

def made():
    assert bpy.ops.motionlcm.generate() == {{"FINISHED"}}
    assert not messages.status.error and not messages.status.warnings, messages.status
    curves = import_module("{EXTENSION}.operators.armature.actions").curves_of(chosen.character)
    return [point.co.y for curve in curves for point in curve.keyframe_points]

prefs.device = "AUTO"
by_numpy = made()
assert session.in_use.device == "numpy" and "torch" not in sys.modules
numpy_file, before = sys.modules["numpy"].__file__, list(sys.path)
prefs.wheel_folder = wheels
assert bpy.ops.motionlcm.enable_gpu() == {{"FINISHED"}}, runtime.status
state = torch_import.poll_status().state
print("STATE", state)
assert state.step == "ready" and state.difference_mm < 1.0 and state.versions["torch"].startswith("2.13.0")
by_torch = made()
import torch
assert Path(torch.__file__).is_relative_to(torch_import.places().packages) and torch.__version__.startswith("2.13.0")
assert session.in_use.device in ("cpu", "cuda") and session.in_use.bytes > 1e6, session.in_use
assert sys.path == [*before, str(torch_import.places().packages)] and sys.modules["numpy"].__file__ == numpy_file
assert torch.from_numpy(sys.modules["numpy"].ones(3)).sum().item() == 3.0
apart = max(abs(a - b) for a, b in zip(by_numpy, by_torch, strict=True))
print("APART", apart)
assert 0.0 < apart < 0.01
assert session.unload() and session.in_use is None
assert made() == by_torch
assert bpy.ops.motionlcm.disable_gpu() == {{"FINISHED"}} and torch_import.poll_status().kind == "absent"
assert bpy.ops.motionlcm.generate() == {{"FINISHED"}} and session.in_use.device == "numpy"
assert "restart Blender" in messages.status.warnings[0]
print("DONE")
sys.stdout.flush()
os._exit(0)
"""
)


def torch_wheel() -> Path | None:
    """The wheel for this Python in pip's folders of wheels; never fetched, because it is too large."""
    tag = f"cp{sys.version_info[0]}{sys.version_info[1]}"
    for folder in os.environ.get("PIP_FIND_LINKS", "").split():
        found = sorted(Path(folder).glob(f"torch-2.13.0*-{tag}-{tag}-*.whl"))
        if found:
            return found[0]
    return None


@pytest.mark.slow
@pytest.mark.parametrize("installer", ["uv", "pip"])
def test_installed_and_used_inside_blender(tmp_path, installer):
    wheel = torch_wheel()
    if wheel is None:
        pytest.skip("no wheel of PyTorch on this machine's disk")
    wheels = tmp_path / "Räder"
    pip = [sys.executable, "-m", "pip", "-q", "download", "--only-binary", ":all:", "-d", str(wheels)]
    wanted = [str(wheel), "transformers==5.23.0", "numpy<3", *(["uv==0.13.9"] if installer == "uv" else [])]
    if subprocess.run([*pip, *wanted], check=False).returncode:
        pytest.skip("the packages that PyTorch needs cannot be fetched")
    command = [sys.executable, "-c", SCRIPT, str(tmp_path / "user"), str(wheels)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=900)
    finally:
        for folder in (wheels, tmp_path / "user"):  # pytest keeps folders, and these are large
            shutil.rmtree(folder, ignore_errors=True)
    print(done.stdout)
    assert done.returncode == 0 and "DONE" in done.stdout, done.stdout[-4000:] + done.stderr[-4000:]
