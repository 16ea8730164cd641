"""Reading BVH motion: any hierarchy, any order of channels.

Source of the format: Biovision's BVH; rotations are applied in the order their channels are listed, and a
joint's position channels stand in place of its offset, as Blender and MotionBuilder write them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ...array_types import FloatArray
from ...errors import TrainingDataError
from ...files.file_kinds import other_kind


@dataclass(frozen=True, eq=False)
class SourceMotion:
    """Joints of a captured figure, in the file's own unit and frame.

    names: N joint names, "" for the end of a last bone. parents: N, -1 for a root, parents first.
    rest: (N, 3) positions with all channels at zero. positions: (T, N, 3). fps: frames per second.
    metres_per_unit: as given in the file, or None.
    """

    names: list[str]
    parents: list[int]
    rest: FloatArray
    positions: FloatArray
    fps: float
    metres_per_unit: float | None = None


@dataclass
class _Joint:
    name: str
    parent: int
    offset: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])
    channels: list[str] = field(default_factory=list)


LONGEST_FRAME = 1.0
"""Seconds; no capture has fewer frames than one a second."""
_CHANNELS = ("xposition", "yposition", "zposition", "xrotation", "yrotation", "zrotation")


def read_bvh(path: Path | str) -> SourceMotion:
    """Read one BVH file. Raises TrainingDataError, with the file's name, if it is no whole BVH file."""
    path = Path(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise TrainingDataError(f"{path.name} cannot be read: {error.strerror or error}.") from error
    other = "is compressed or an archive: unpack it first" if content[:2] == b"PK" else other_kind(content)
    if other:
        raise TrainingDataError(f"{path.name} {other}.")
    text = content.decode("utf-8-sig", errors="replace").lstrip("\ufeff").rstrip("\0 \r\n\t")
    lines = text.replace("{", "\n{\n").replace("}", "\n}\n").splitlines()
    rows = [line.split() for line in lines if line.strip()]
    if "\0" in text[:1000]:
        raise TrainingDataError(f"{path.name} is not text in UTF-8: save it in this encoding.")
    if not rows or rows[0][0].upper() != "HIERARCHY":
        raise TrainingDataError(f"{path.name} is not a BVH file: it does not begin with HIERARCHY.")
    start = next((k for k, row in enumerate(rows) if row[0].upper() == "MOTION"), None)
    if start is None:
        raise TrainingDataError(f"{path.name} holds no motion: there is no MOTION section.")
    joints = _read_hierarchy(rows[1:start], path.name)
    values, fps = _read_motion(rows[start + 1 :], sum(len(j.channels) for j in joints), path.name)
    positions = _forward(joints, values)
    rest = _forward([_Joint(j.name, j.parent, j.offset) for j in joints], np.zeros((1, 0)))[0]
    return SourceMotion([j.name for j in joints], [j.parent for j in joints], rest, positions, fps)


def _read_hierarchy(rows: list[list[str]], file: str) -> list[_Joint]:
    joints: list[_Joint] = []
    open_joints: list[int] = []
    pending: _Joint | None = None
    roots = 0
    try:
        for row in rows:
            word = row[0].upper()
            if word in ("ROOT", "JOINT", "END"):
                roots += word == "ROOT"
                name = "" if word == "END" else " ".join(row[1:])
                pending = _Joint(name, open_joints[-1] if open_joints else -1)
            elif word == "{":
                if pending is None:
                    raise TrainingDataError(f"{file} is damaged: a brace opens without a joint.")
                open_joints.append(len(joints))
                joints.append(pending)
                pending = None
            elif word == "}":
                open_joints.pop()
            elif word == "OFFSET":
                joints[open_joints[-1]].offset = [float(v) for v in row[1:4]]
                if len(row) < 4:
                    raise TrainingDataError(f"{file} is damaged: an OFFSET has less than three numbers.")
            elif word == "CHANNELS":
                channels = [c.lower() for c in row[2:]]
                unknown = [c for c in channels if c not in _CHANNELS]
                if unknown or len(channels) != int(row[1]):
                    raise TrainingDataError(f"{file} has channels that are not understood: {' '.join(row)}.")
                joints[open_joints[-1]].channels = channels
            else:
                raise TrainingDataError(f"{file} is damaged: {row[0]!r} in the hierarchy is not understood.")
    except (IndexError, ValueError) as error:
        if "," in str(error):
            raise TrainingDataError(f"{file} has decimal commas: write its numbers with points.") from error
        raise TrainingDataError(f"{file} is damaged: its hierarchy cannot be read ({error}).") from error
    if open_joints:
        raise TrainingDataError(f"{file} is damaged: its hierarchy is not closed.")
    if roots != 1:
        raise TrainingDataError(f"{file} holds {roots} figures; it must hold one.")
    return joints


def _read_motion(rows: list[list[str]], channels: int, file: str) -> tuple[FloatArray, float]:
    if any("," in value for row in rows[:3] for value in row):
        raise TrainingDataError(f"{file} has decimal commas: write its numbers with points.")
    try:
        header = " ".join(rows[0] + rows[1]).lower().replace(":", " : ").split()
        frames = int(header[header.index("frames") + 2])
        frame_time = float(header[header.index("time") + 2])
    except (IndexError, ValueError) as error:
        raise TrainingDataError(f"{file} is damaged: its number of frames or frame time is missing.") from error
    if not (np.isfinite(frame_time) and frame_time > 0):
        raise TrainingDataError(f"{file} has a frame time of {frame_time:g} seconds.")
    if frame_time > LONGEST_FRAME:
        raise TrainingDataError(
            f"{file} has a frame time of {frame_time:g} seconds; frame times are in seconds, so write "
            f"{frame_time / 1000.0:g} if milliseconds are meant."
        )
    try:
        values = np.array([value for row in rows[2:] for value in row], dtype=np.float64)
    except ValueError as error:
        raise TrainingDataError(f"{file} is damaged: its motion holds something that is not a number.") from error
    if frames < 1 or channels == 0 or len(values) == 0:
        raise TrainingDataError(f"{file} holds no motion.")
    if len(values) > frames * channels and len(values) % channels == 0:
        values = values[: frames * channels]  # some tools announce one frame less than they write
    if len(values) != frames * channels:
        raise TrainingDataError(
            f"{file} is damaged or cut off: {frames} frames of {channels} numbers are announced, "
            f"{len(values) / channels:.6g} are there."
        )
    if not np.isfinite(values).all():
        raise TrainingDataError(f"{file} holds numbers that are not finite.")
    return values.reshape(frames, channels), 1.0 / frame_time


def axis_rotations(axis: str, degrees: FloatArray) -> FloatArray:
    """(T, 3, 3) matrices turning about the axis x, y or z by (T,) degrees."""
    angle = np.radians(degrees)
    cos, sin = np.cos(angle), np.sin(angle)
    out = np.zeros((*angle.shape, 3, 3))
    a = "xyz".index(axis)
    b, c = (a + 1) % 3, (a + 2) % 3
    out[..., a, a] = 1.0
    out[..., b, b] = out[..., c, c] = cos
    out[..., c, b], out[..., b, c] = sin, -sin
    return out


def _forward(joints: list[_Joint], values: FloatArray) -> FloatArray:
    frames = len(values)
    turn = np.empty((len(joints), frames, 3, 3))
    positions = np.empty((frames, len(joints), 3))
    column = 0
    for index, joint in enumerate(joints):
        local = np.broadcast_to(np.eye(3), (frames, 3, 3))
        offset = np.tile(np.asarray(joint.offset), (frames, 1))
        for channel in joint.channels:
            if channel.endswith("position"):
                offset[:, "xyz".index(channel[0])] = values[:, column]
            else:
                local = local @ axis_rotations(channel[0], values[:, column])
            column += 1
        if joint.parent < 0:
            turn[index], positions[:, index] = local, offset
        else:
            parent = turn[joint.parent]
            turn[index] = parent @ local
            positions[:, index] = positions[:, joint.parent] + np.einsum("tij,tj->ti", parent, offset)
    return positions
