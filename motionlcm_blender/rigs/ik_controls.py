"""IK controls of a limb: where its pole has to be, and few keys for a control that moves by itself.

Armature space unless stated. The method for the pole is the usual one of FK to IK snapping: the pole lies in the plane
of the bent limb, as far from its middle joint as at rest. A straight limb has no plane; there the pole is carried by
the upper bone.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from ..array_types import FloatArray, IntArray
from ..keyframes.fitting import fit_keys
from ..keyframes.keys import BezierKeys
from ..motion import rotations as rot
from ..motion.motion import Clip
from ..motion.skeleton import Skeleton
from ..motion.smoothing import smoothstep
from .euler_orders import ORDERS, as_xyz

_BENT = (0.01, 0.05)
"""Distance of the middle joint from the straight line of the limb, as a part of its length, from which the plane of the
limb begins to count, and from which it decides."""
_ALONE = Skeleton(("control",), (-1,), np.zeros((1, 3)))


@dataclass(frozen=True, eq=False)
class RestLimb:
    """A limb at rest: (3,) places of its three joints and of its pole."""

    root: FloatArray
    middle: FloatArray
    end: FloatArray
    pole: FloatArray


def pole_places(
    roots: FloatArray, middles: FloatArray, ends: FloatArray, turns: FloatArray, rest: RestLimb
) -> FloatArray:
    """Compute where the pole of a limb has to be.

    Args:
        roots: (T, 3) shoulder or hip.
        middles: (T, 3) elbow or knee.
        ends: (T, 3) wrist or ankle.
        turns: (T, 4) turn of the upper bone from its rest pose.
        rest: The limb at rest.

    Returns:
        (T, 3) places of the pole.
    """
    along = rot.unit(ends - roots, (0.0, 0.0, 1.0))
    lever = middles - roots
    aside = lever - (lever * along).sum(-1, keepdims=True) * along
    length = np.linalg.norm(rest.middle - rest.root) + np.linalg.norm(rest.end - rest.middle)
    weight = smoothstep(np.linalg.norm(aside, axis=-1) / max(float(length), 1e-12), *_BENT)[:, None]
    carried = rot.rotate(turns, rest.pole - rest.middle)
    carried = carried - (carried * along).sum(-1, keepdims=True) * along
    carried = rot.unit(carried, (0.0, -1.0, 0.0))
    plane = np.where(weight > 0.0, rot.unit(aside, (0.0, -1.0, 0.0)), carried)
    direction = rot.unit(weight * plane + (1.0 - weight) * carried, (0.0, -1.0, 0.0))
    result: FloatArray = middles + np.linalg.norm(rest.pole - rest.middle) * direction
    return result


def pole_correction(
    roots: FloatArray, ends: FloatArray, wanted: FloatArray, shown: FloatArray, limb_length: float
) -> float:
    """Find by what angle a rig turns a limb beside its pole.

    Args:
        roots: (T, 3) shoulder or hip.
        ends: (T, 3) wrist or ankle.
        wanted: (T, 3) where elbow or knee should be.
        shown: (T, 3) where the rig puts it.
        limb_length: Length of the straight limb.

    Returns:
        Radians about the line from root to end by which the pole has to be turned: the median of the frames on which
        the limb is bent; 0 without any.
    """
    along = rot.unit(ends - roots, (0.0, 0.0, 1.0))
    asides = []
    for middles in (shown, wanted):
        lever = middles - roots
        asides.append(lever - (lever * along).sum(-1, keepdims=True) * along)
    before, after = asides
    bent = np.minimum(np.linalg.norm(before, axis=-1), np.linalg.norm(after, axis=-1)) > _BENT[1] * limb_length
    if not bent.any():
        return 0.0
    sine, cosine = (np.cross(before, after) * along).sum(-1), (before * after).sum(-1)
    return float(np.median(np.arctan2(sine, cosine)[bent]))


def turned_poles(roots: FloatArray, ends: FloatArray, poles: FloatArray, angle: float) -> FloatArray:
    """Poles (T, 3) turned by an angle in radians about the lines from roots to ends, (T, 3) each."""
    along = rot.unit(ends - roots, (0.0, 0.0, 1.0))
    turns = rot.from_axis_angle(along, np.full(len(along), angle))
    result: FloatArray = roots + rot.rotate(turns, poles - roots)
    return result


def fit_control(
    locations: FloatArray,
    turns: FloatArray,
    units: float,
    tolerance_mm: float,
    first_frame: float,
    mode: str,
    fps: float,
) -> tuple[BezierKeys, BezierKeys | None]:
    """Fit few keys to the channels of one control.

    Args:
        locations: (T, 3) values of its location, Blender units.
        turns: (T, 4) its rotation, quaternions w first without sign flips.
        units: Blender units of the armature in a metre of the body.
        tolerance_mm: Largest distance, millimetres of the body, of the control and of a point 10 cm from it.
        first_frame: Scene frame of the first values.
        mode: The rotation mode of the bone.
        fps: Frames per second.

    Returns:
        Keys of the location, and of the rotation in its mode; None for modes that need a key on every frame.
    """
    order = mode if mode in ORDERS else ""
    clip = Clip(fps, locations / units, turns[:, None], _ALONE)
    axes = None
    if order:
        relabel = as_xyz(order)[0]
        axes = relabel[None], rot.inverse(relabel)[None]
    keys = fit_keys(clip, tolerance_mm, first_frame, rotation_mode="XYZ" if order else "QUATERNION", axes=axes)
    rotation: BezierKeys | None = keys.rotations[0]
    if order and rotation is not None:
        _, about, sign = as_xyz(order)
        rotation = rotation.mapped(partial(_reordered, back=np.argsort(about), sign=sign))
    return keys.location.mapped(lambda v: v * units), None if mode == "AXIS_ANGLE" else rotation


def _reordered(angles: FloatArray, back: IntArray, sign: float) -> FloatArray:
    result: FloatArray = sign * angles[:, back]
    return result
