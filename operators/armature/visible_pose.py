"""The visible pose of bones on several frames: Actions, NLA tracks, constraints and drivers included."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import bpy
import numpy as np

from ...motionlcm_blender.motion import rotations as rot
from ..scene.evaluation import evaluated_object
from ..scene.scene_time import shown_at


@dataclass(frozen=True, eq=False)
class VisiblePoses:
    """N frames of B bones.

    turns: (N, B, 4) unit quaternions, rotation of each bone from its rest pose, armature space. root: (N, 3) head of
    the first bone, world space. objects: (N, 4) rotation of the armature object.
    """

    turns: np.ndarray
    root: np.ndarray
    objects: np.ndarray


def visible_poses(
    context: bpy.types.Context, obj: bpy.types.Object, bones: Sequence[str], at: np.ndarray
) -> VisiblePoses:
    """Step the scene through frames of keys (N,) and read bones. The shown frame is restored.

    Raises InvalidRequest if Blender does not evaluate the object.
    """
    turns, root, objects = [], [], []
    for _ in shown_at(context, [float(moment) for moment in at]):
        shown = evaluated_object(context, obj)
        posed = [shown.pose.bones[name] for name in bones]
        turns.append([bone.matrix.to_quaternion() for bone in posed])
        root.append(shown.matrix_world @ posed[0].head)
        objects.append(shown.matrix_world.to_quaternion())
    rests = np.array([obj.data.bones[name].matrix_local.to_quaternion() for name in bones], np.float64)
    turned = rot.multiply(rot.normalise(np.array(turns, np.float64)), rot.inverse(rot.normalise(rests)))
    return VisiblePoses(turned, np.array(root, np.float64), rot.normalise(np.array(objects, np.float64)))
