"""From the poses of an armature's bones, as they are shown, to a clip of its body: whatever moved the bones.

The inverse of `bone_channels` by places and turns instead of channels, so constraints, drivers and layers are in it.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..array_types import FloatArray
from ..errors import MotionLCMError
from ..motion import rotations as rot
from ..motion.motion import Clip
from .bone_channels import to_armature_turn
from .description import RigBone, RigDescription
from .recognition import recognise
from .rig_body import ENGINE_TO_WORLD, RigBody, rig_body
from .rig_retarget import clip_of


def deforming_body(description: RigDescription) -> RigBody | None:
    """The body of an armature by its deforming bones alone, in which the pose of a control rig shows.

    Args:
        description: A control rig.

    Returns:
        The body; its description has the deforming bones alone. None if they are not recognised.
    """
    kept: dict[int, int] = {}
    bones: list[RigBone] = []
    for number, bone in enumerate(description.bones):
        if not bone.deform:
            continue
        above = bone.parent
        while above >= 0 and above not in kept:
            above = description.bones[above].parent
        kept[number] = len(bones)
        parent = kept.get(above, -1)
        bones.append(replace(bone, parent=parent, constraints=(), properties={}, hidden=False, custom_shape=False))
    if len(bones) == len(description.bones):
        return None
    alone = replace(description, bones=tuple(bones))
    try:
        return rig_body(alone, recognise(alone))
    except MotionLCMError:
        return None


def shown_clip(body: RigBody, poses: FloatArray, worlds: FloatArray, fps: float) -> Clip:
    """The clip that an armature shows.

    Args:
        body: The body whose bones show the pose.
        poses: (T, B, 4, 4) poses of the bones of `body.bones`, armature space.
        worlds: (T, 4, 4) the armature object's matrix_world on each frame.
        fps: Frames per second.

    Returns:
        A clip on `body.skeleton`, placed in the world, in engine axes and metres of the body.
    """
    turns = rot.from_matrix(_orthogonal(poses[..., :3, :3]))
    outside = rot.inverse(np.array([to_armature_turn(world) for world in worlds]))
    found: dict[int, FloatArray] = {}
    for number, each in enumerate(body.bones):
        if each.share < 1.0:
            continue
        rest = rot.from_matrix(body.description.bones[each.bone].matrix)
        turned = rot.multiply(turns[:, number], rot.inverse(rest))
        back = rot.inverse(body.alignment.turns[each.joint])
        found[each.joint] = rot.multiply(rot.multiply(outside, turned), back)
    world = completed(found, body, len(poses))
    pelvis = body.description.bones[body.bones[0].bone]
    turned = rot.multiply(turns[:, 0], rot.inverse(rot.from_matrix(pelvis.matrix)))
    place = poses[:, 0, :3, 3] - rot.rotate(turned, pelvis.head - body.alignment.points[0])
    shown = (worlds[:, :3, :3] @ place[..., None])[..., 0] + worlds[:, :3, 3]
    root = shown @ ENGINE_TO_WORLD / body.units_per_metre
    return clip_of(world, root, fps, body.skeleton)


def completed(found: dict[int, FloatArray], body: RigBody, frames: int) -> FloatArray:
    """World rotations of all joints of a body from those of the joints that have bones.

    Args:
        found: Joint -> (T, 4) world rotations, relative to the T-pose.
        body: The body.
        frames: T.

    Returns:
        (T, J, 4): a joint without a bone turns half as far as the next one below, or with its parent.
    """
    parents = body.skeleton.parents
    world = np.empty((frames, len(parents), 4))
    for joint, parent in enumerate(parents):
        if joint in found:
            world[:, joint] = found[joint]
            continue
        below = [child for child, above in enumerate(parents) if above == joint and child in found]
        if len(below) == 1:
            world[:, joint] = rot.slerp(world[:, parent], found[below[0]], np.full(frames, 0.5))
        else:
            world[:, joint] = world[:, parent]
    return world


def _orthogonal(matrices: FloatArray) -> FloatArray:
    """The rotations nearest to matrices (..., 3, 3) with scale or shear."""
    left, _, right = np.linalg.svd(matrices)
    result: FloatArray = left @ right
    return result
