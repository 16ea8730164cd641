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


def start_of_script(user_folder: str) -> str:
    """First lines of a script for a Blender of its own, with the extension enabled from links.

    user_folder: Python expression of the folder of its preferences.
    """
    return f"""
import os, sys
os.environ["BLENDER_USER_RESOURCES"] = {user_folder}
import bpy, addon_utils
from importlib import import_module
from pathlib import Path
sys.path.append({str(REPOSITORY / "tools")!r})
import checkout_extension
checkout_extension.enable("{EXTENSION}")
"""


def part(name: str) -> ModuleType:
    """A module of the extension, such as "operators.jobs"."""
    return import_module(f"{EXTENSION}.{name}")


def settings() -> bpy.types.PropertyGroup:
    return bpy.context.scene.motionlcm


def panel_status():
    """What the panel shows: of the running job, or of the last one."""
    return part("operators.scene.messages").status


def takes() -> list[bpy.types.Action]:
    """The takes of the chosen character, as the list shows them."""
    return part("operators.takes.takes").takes_of(settings().character, settings().take_sort)


def turning_clip(skeleton, frames: int = 12, seed: int = 5):
    """A clip in which every joint turns about an axis of its own while the root walks and rises."""
    clips, rotations = part("motionlcm_blender.motion.motion"), part("motionlcm_blender.motion.rotations")
    rng = np.random.default_rng(seed)
    angles = np.linspace(0.2, 1, frames)[:, None] * rng.uniform(-1.3, 1.3, len(skeleton))
    turns = rotations.from_axis_angle(rng.standard_normal((len(skeleton), 3))[None], angles)
    root = np.stack([np.linspace(0, 2, frames), np.linspace(0.9, 1.0, frames), np.linspace(3, 1, frames)], axis=1)
    return clips.Clip(24.0, root, turns, skeleton)


def write_clip(armature: bpy.types.Object, clip) -> None:
    """Write a clip onto an armature with SMPL bones as an Action, a key on each frame from frame 1."""
    rig, actions = part("operators.armature.smpl_rig"), part("operators.armature.actions")
    read = rig.read_rig(armature)
    pose = rig.pose_channels(clip, armature, read, rig.units_per_metre(armature, read))
    actions.new_action(armature, "Test", 1.0 + np.arange(clip.frames), actions.channels_of(armature, pose), {})


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
