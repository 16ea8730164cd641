"""Export of clips as Biovision hierarchy (BVH) files, a text format that animation programs read.

Axes are the engine's (Y up, facing +Z), which are also the usual ones of BVH. Lengths are in centimetres, as in most
BVH files; in Blender, import with scale 0.01 for a figure of true size. The rest pose is the T-pose of the skeleton.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np

from ..array_types import FloatArray
from . import rotations as rot
from .motion import Clip
from .skeleton import Skeleton

CENTIMETRES = 100.0
_CHANNELS = "Zrotation Xrotation Yrotation"


def write_bvh(clip: Clip, path: str | os.PathLike[str]) -> None:
    """Write a clip as a BVH file.

    The root has six channels (position, then rotation), every other joint three: Z, X and Y rotations in degrees, with
    the matrix Z X Y. An existing file is replaced only after the new one is complete.

    Args:
        clip: Clip in engine axes, metres.
        path: Destination file.

    Raises:
        OSError: The file cannot be written.
    """
    path = Path(path)
    values = np.concatenate(
        [
            np.asarray(clip.translation, dtype=np.float64) * CENTIMETRES,
            np.degrees(zxy_angles(clip.rotations))[:, _depth_first(clip.skeleton)].reshape(clip.frames, -1),
        ],
        axis=1,
    )
    lines = ["HIERARCHY", *_hierarchy(clip.skeleton)]
    lines += ["MOTION", f"Frames: {clip.frames}", f"Frame Time: {1.0 / clip.fps:.8f}"]
    lines += [" ".join(f"{value:.6f}" for value in row) for row in values.tolist()]
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="ascii", newline="\n") as file:
            file.write("\n".join(lines) + "\n")
        temporary.chmod(0o644)  # mkstemp creates files that only their owner can read
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def zxy_angles(q: FloatArray) -> FloatArray:
    """Convert quaternions to ZXY Euler angles, where rotation = Z(z) X(x) Y(y).

    Args:
        q: (T, ..., 4) unit quaternions (w, x, y, z).

    Returns:
        (T, ..., 3) radians (z, x, y). x lies in -pi/2..pi/2; z and y are unwrapped over the first axis, so they may
        leave -pi..pi.
    """
    m = rot.to_matrix(q)
    x = np.arcsin(np.clip(m[..., 2, 1], -1.0, 1.0))
    locked = np.abs(m[..., 2, 1]) > 1.0 - 1e-12  # gimbal lock, z and y share one axis: assign the whole angle to z
    z = np.where(locked, np.arctan2(m[..., 1, 0], m[..., 0, 0]), np.arctan2(-m[..., 0, 1], m[..., 1, 1]))
    y = np.where(locked, 0.0, np.arctan2(-m[..., 2, 0], m[..., 2, 2]))
    return np.stack([np.unwrap(z, axis=0), x, np.unwrap(y, axis=0)], axis=-1)


def _children(skeleton: Skeleton, joint: int) -> list[int]:
    return [child for child, parent in enumerate(skeleton.parents) if parent == joint]


def _depth_first(skeleton: Skeleton, joint: int = 0) -> list[int]:
    """Joint indices in the order in which a BVH file lists the joints."""
    order = [joint]
    for child in _children(skeleton, joint):
        order += _depth_first(skeleton, child)
    return order


def _hierarchy(skeleton: Skeleton, joint: int = 0, depth: int = 0) -> list[str]:
    indent, inner = "\t" * depth, "\t" * (depth + 1)

    def offset(v: FloatArray) -> str:
        return "OFFSET " + " ".join(f"{part * CENTIMETRES:.6f}" for part in v)

    lines = [
        f"{indent}{'JOINT' if depth else 'ROOT'} {skeleton.names[joint]}",
        indent + "{",
        inner + offset(skeleton.offsets[joint]),
        inner + (f"CHANNELS 3 {_CHANNELS}" if depth else f"CHANNELS 6 Xposition Yposition Zposition {_CHANNELS}"),
    ]
    for child in _children(skeleton, joint):
        lines += _hierarchy(skeleton, child, depth + 1)
    if not _children(skeleton, joint):
        # BVH needs an end site to draw a leaf bone: give it the length of the bone before.
        lines += [inner + "End Site", inner + "{", f"{inner}\t{offset(skeleton.offsets[joint])}", inner + "}"]
    return [*lines, indent + "}"]
