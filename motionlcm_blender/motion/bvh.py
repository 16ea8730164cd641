"""Clips as Biovision hierarchy (BVH) files, the text format that animation programs exchange motion in.

Axes are the engine's (Y up, facing +Z), which are BVH's usual ones; lengths are in centimetres, as most files have
them: in Blender, import with scale 0.01 for a figure of its true size. The rest pose is the T-pose of the skeleton.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np

from . import rotations as rot
from .motion import Clip
from .skeleton import Skeleton

CENTIMETRES = 100.0
_CHANNELS = "Zrotation Xrotation Yrotation"


def write_bvh(clip: Clip, path: str | os.PathLike[str]) -> None:
    """Write a clip as a BVH file. An existing file is replaced only when the new one is complete.

    The root has six channels (its position, then its rotation), every other joint three: Z, X, Y rotations in degrees,
    the matrix being Z X Y. Raises OSError when the file cannot be written.
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
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "w", encoding="ascii", newline="\n") as file:
            file.write("\n".join(lines) + "\n")
        os.chmod(temporary, 0o644)  # mkstemp makes files that only their owner can read
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def zxy_angles(q: np.ndarray) -> np.ndarray:
    """(T, ..., 3) radians (z, x, y) with rotation = Z(z) X(x) Y(y), of unit quaternions (T, ..., 4).

    x lies in -pi/2..pi/2; z and y are continuous over the first axis, so they may leave -pi..pi.
    """
    m = rot.to_matrix(q)
    x = np.arcsin(np.clip(m[..., 2, 1], -1.0, 1.0))
    locked = np.abs(m[..., 2, 1]) > 1.0 - 1e-12  # z and y turn about one axis: give all of it to z
    z = np.where(locked, np.arctan2(m[..., 1, 0], m[..., 0, 0]), np.arctan2(-m[..., 0, 1], m[..., 1, 1]))
    y = np.where(locked, 0.0, np.arctan2(-m[..., 2, 0], m[..., 2, 2]))
    return np.stack([np.unwrap(z, axis=0), x, np.unwrap(y, axis=0)], axis=-1)


def _children(skeleton: Skeleton, joint: int) -> list[int]:
    return [child for child, parent in enumerate(skeleton.parents) if parent == joint]


def _depth_first(skeleton: Skeleton, joint: int = 0) -> list[int]:
    """The order in which a BVH file lists the joints."""
    order = [joint]
    for child in _children(skeleton, joint):
        order += _depth_first(skeleton, child)
    return order


def _hierarchy(skeleton: Skeleton, joint: int = 0, depth: int = 0) -> list[str]:
    indent, inner = "\t" * depth, "\t" * (depth + 1)

    def offset(v: np.ndarray) -> str:
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
        # The last bone goes on as far again, so that programs that draw bones have something to draw.
        lines += [inner + "End Site", inner + "{", f"{inner}\t{offset(skeleton.offsets[joint])}", inner + "}"]
    return [*lines, indent + "}"]
