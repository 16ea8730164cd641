"""From the poses of an armature's bones, as they are shown, to a clip of its body: whatever moved the bones.

The inverse of `bone_channels` by places and turns instead of channels, so constraints, drivers and layers are in it.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..array_types import FloatArray
from ..motion import rotations as rot
from ..motion.motion import Clip
from ..motion.skeleton import JOINTS
from .bone_channels import to_armature_turn
from .figure import Figure, figure_of
from .mapped_joints import ANKLES, COLLARS, ELBOWS, HEAD, HIPS, KNEES, NECK, SHOULDERS, TOES, TRUNK, WRISTS
from .rig_body import ENGINE_TO_WORLD, RigBody, TurningBone
from .rig_retarget import clip_of

LIMBS = {*HIPS, *KNEES, *ANKLES, *TOES, *SHOULDERS, *ELBOWS, *WRISTS}
_NEXT = dict(
    zip((*HIPS, *KNEES, *ANKLES, *COLLARS, *SHOULDERS, *ELBOWS),
        (*KNEES, *ANKLES, *TOES, *SHOULDERS, *ELBOWS, *WRISTS), strict=True)
) | {TRUNK[0]: TRUNK[1], TRUNK[1]: TRUNK[2], TRUNK[2]: NECK, NECK: HEAD}  # fmt: skip
"""The joint towards which the bone of a joint points; other bones of the trunk point up."""
_NEAR = 0.04
"""Metres from a control to a deforming bone that begins at the same joint."""
_TRUNK = 0.2
"""Metres from the middle of the hips to the bone of the pelvis."""


def showing_body(body: RigBody) -> RigBody:
    """The same body with the bones in which its pose shows, whatever moves them.

    In a control rig these are the deforming bones where the joints' controls are: controls that a rig does not use at
    present, such as FK controls in IK, do not move.

    Args:
        body: The body of a mapped armature.

    Returns:
        The body. Its first bone is the pelvis's; a joint for which no bone was found has none.
    """
    if not body.mapping.switches:
        return body
    figure = figure_of(body.description)
    reach = _NEAR * body.alignment.size
    deforming = [number for number, bone in enumerate(body.description.bones) if bone.deform]
    if not deforming:
        return body
    heads = np.array([body.description.bones[number].head for number in deforming])
    bones = []
    for each in body.bones[1:]:
        if each.share < 1.0:
            continue
        away = np.linalg.norm(heads - body.description.bones[each.bone].head, axis=-1)
        near = [deforming[at] for at in np.flatnonzero(away < reach)]
        best, number = max(((_fit(figure, body, number, each.joint), -number) for number in near), default=(-1.0, 0))
        if best > 0.0:
            bones.append(TurningBone(-number, each.joint))
        elif each.joint not in LIMBS:
            bones.append(each)
    pelvis = _pelvis_bone(figure, body, [number for number in deforming if number not in {b.bone for b in bones}])
    return replace(body, bones=(body.bones[0] if pelvis < 0 else TurningBone(pelvis, 0), *bones))


def _pelvis_bone(figure: Figure, body: RigBody, bones: list[int]) -> int:
    """The lowest bone of the trunk near the hips that points up, -1 for none."""
    up, hips = body.alignment.axes[:, 1], body.alignment.points[list(HIPS)].mean(0)
    heights = {number: float((body.description.bones[number].head - hips) @ up) for number in bones}
    near = [
        number
        for number, height in heights.items()
        if abs(height) < _TRUNK * body.alignment.size
        and np.linalg.norm(body.description.bones[number].head - hips) < _TRUNK * body.alignment.size
        and not figure.names[number].side
        and _fit(figure, body, number, 0) > 0.0
    ]
    return min(near, key=lambda number: (heights[number], number), default=-1)


def _fit(figure: Figure, body: RigBody, number: int, joint: int) -> float:
    """How well a bone at the place of a joint turns as the joint does: by its name, and by where it points."""
    name, bone = figure.names[number], body.description.bones[number]
    side = {"l_": "l", "r_": "r"}.get(JOINTS[joint][:2], "")
    if (name.side and name.side != side) or name.kinds & {"twist", "finger", "face", "other"}:
        return -1.0
    part = JOINTS[joint].removeprefix("l_").removeprefix("r_").rstrip("123")
    points = body.alignment.points
    ahead = _NEXT.get(joint)
    along = points[ahead] - points[joint] if ahead is not None else body.alignment.axes[:, 1]
    direction = bone.tail - bone.head
    cosine = float(direction @ along / max(np.linalg.norm(direction) * np.linalg.norm(along), 1e-12))
    return name.parts.get(part, 0.0) + (cosine - 0.3 if cosine < 0.9 else 1.0)


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
    world = completed_turns(found, body, len(poses))
    pelvis = body.description.bones[body.bones[0].bone]
    turned = rot.multiply(turns[:, 0], rot.inverse(rot.from_matrix(pelvis.matrix)))
    place = poses[:, 0, :3, 3] - rot.rotate(turned, pelvis.head - body.alignment.points[0])
    shown = (worlds[:, :3, :3] @ place[..., None])[..., 0] + worlds[:, :3, 3]
    root = shown @ ENGINE_TO_WORLD / body.units_per_metre
    return clip_of(world, root, fps, body.skeleton)


def completed_turns(found: dict[int, FloatArray], body: RigBody, frames: int) -> FloatArray:
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
