"""What the tests in Blender share."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from types import ModuleType

import bpy
import numpy as np
import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
EXTENSION = "bl_ext.user_default.motionlcm_blender"
PATIENCE_S = 600.0
"""After this a test takes what it waits for as hung. A busy machine may need minutes for what else takes a second."""
PARTS = ("__init__.py", "blender_manifest.toml", "motionlcm_blender", "operators", "ui", "bundled_models")


def part(name: str) -> ModuleType:
    """A module of the extension, such as "operators.jobs"."""
    return import_module(f"{EXTENSION}.{name}")


def settings() -> bpy.types.PropertyGroup:
    return bpy.context.scene.motionlcm


def panel_status():
    """What the panel shows: of the running job, or of the last one."""
    return part("operators.scene.messages").status


def add_character() -> bpy.types.Object:
    bpy.ops.motionlcm.add_character()
    return settings().character


def poly_curve(points, cyclic: bool = False, name: str = "Path") -> bpy.types.Object:
    """A poly curve object through the points, (N, 2) or (N, 3), linked to the scene."""
    data = bpy.data.curves.new(name, "CURVE")
    data.dimensions = "3D"
    add_spline(data, points, cyclic)
    obj = bpy.data.objects.new(name, data)
    bpy.context.scene.collection.objects.link(obj)
    return obj


def add_spline(data: bpy.types.Curve, points, cyclic: bool = False) -> bpy.types.Spline:
    spline = data.splines.new("POLY")
    spline.points.add(len(points) - 1)
    for point, position in zip(spline.points, points, strict=True):
        point.co = (*position, *([0.0] * (3 - len(position))), 1.0)
    spline.use_cyclic_u = cyclic
    return spline


def generate(prompt: str = "a person walks", seconds: float = 2.0, path=None, seed: int = 3) -> bpy.types.Action:
    """Press Generate, and return the Action it made."""
    chosen = settings()
    chosen.prompt, chosen.length, chosen.seed, chosen.path = prompt, seconds, seed, path
    assert bpy.ops.motionlcm.generate() == {"FINISHED"}
    return chosen.character.animation_data.action


def refusal(operator=None, **properties) -> str:
    """Run an operator (Generate, if none is given) that must refuse, and return its sentence."""
    status = panel_status()
    with pytest.raises(RuntimeError) as caught:
        (operator or bpy.ops.motionlcm.generate)(**properties)
    assert status.error and status.message in str(caught.value)
    return status.message


def bone_heads(armature: bpy.types.Object, bone: str, frames) -> np.ndarray:
    """World positions (N, 3) of a bone's head on each of the scene's frames."""
    scene = bpy.context.scene
    heads = []
    for frame in frames:
        scene.frame_set(int(np.floor(frame)), subframe=frame - np.floor(frame))
        evaluated = armature.evaluated_get(bpy.context.evaluated_depsgraph_get())
        heads.append(evaluated.matrix_world @ evaluated.pose.bones[bone].head)
    return np.array(heads)


def key_frames(action: bpy.types.Action, armature: bpy.types.Object) -> np.ndarray:
    """Frames of the keys of the action's first curve."""
    curve = part("operators.armature.actions").curves_of(armature)[0]
    return np.array([point.co.x for point in curve.keyframe_points])
