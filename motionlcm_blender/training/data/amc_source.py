"""Reading Acclaim motion: a skeleton (.asf) and its movement (.amc), in CMU's conventions.

A bone turns by C M inverse(C), where C is its `axis` and M its degrees of freedom, the first listed applied first;
its end lies `length` along `direction` from its start. Lengths are inches divided by the file's `length` unit.
Source: the Acclaim format as described with the CMU Graphics Lab Motion Capture Database.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...array_types import FloatArray
from ...errors import TrainingDataError
from .bvh_source import SourceMotion, axis_rotations

CMU_FPS = 120.0
"""AMC files do not contain their frame rate; CMU captured at 120 (a few subjects at 60)."""
METRES_PER_INCH = 0.0254
_TURNS = ("rx", "ry", "rz")
_ROOT_ORDER = ("tx", "ty", "tz", "rx", "ry", "rz")


@dataclass(frozen=True, eq=False)
class _Bone:
    name: str
    parent: str
    vector: FloatArray
    axis: FloatArray
    dof: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class _Skeleton:
    bones: list[_Bone]
    root_order: tuple[str, ...]
    root_axis: FloatArray
    root_position: FloatArray
    metres_per_unit: float
    degrees: bool


def find_skeleton(amc: Path) -> Path:
    """The .asf of an .amc: of the same name, or of its part before "_", or the only one in the folder."""
    folder = [p for p in sorted(amc.parent.iterdir()) if p.suffix.lower() == ".asf"]
    for stem in (amc.stem, amc.stem.rsplit("_", 1)[0], amc.stem.split("_", 1)[0]):
        for candidate in folder:
            if candidate.stem.lower() == stem.lower():
                return candidate
    if len(folder) == 1:
        return folder[0]
    raise TrainingDataError(f"{amc.name} has no skeleton beside it: an .asf file of the same name is needed.")


def read_amc(amc: Path | str, asf: Path | str | None = None, fps: float = CMU_FPS) -> SourceMotion:
    """Read one movement. asf: its skeleton, None to look beside it. fps: the capture's frame rate.

    Joints are the starts of bones, under the bones' names, and the free ends. Raises TrainingDataError.
    """
    amc = Path(amc)
    skeleton_path = Path(asf) if asf is not None else find_skeleton(amc)
    skeleton = _read_asf(skeleton_path)
    values, degrees = _read_frames(amc, skeleton)
    return _forward(skeleton, values, degrees, fps)


def _lines(path: Path) -> list[list[str]]:
    try:
        text = path.read_text(encoding="utf-8-sig", errors="replace")
    except OSError as error:
        raise TrainingDataError(f"{path.name} cannot be read: {error.strerror or error}.") from error
    return [row for row in (line.split("#", 1)[0].split() for line in text.splitlines()) if row]


def _axis_matrix(angles: list[float], order: str, degrees: bool) -> FloatArray:
    """The turn by three angles, the first letter of `order` applied first."""
    matrix = np.eye(3)
    for angle, letter in zip(angles, order.lower(), strict=True):
        matrix = axis_rotations(letter, np.asarray(angle if degrees else np.degrees(angle))) @ matrix
    return matrix


def _read_asf(path: Path) -> _Skeleton:
    sections: dict[str, list[list[str]]] = {}
    current: list[list[str]] | None = None
    for row in _lines(path):
        if row[0].startswith(":"):
            current = sections.setdefault(row[0].lower(), [])
            if len(row) > 1:
                current.append(row[1:])
        elif current is not None:
            current.append(row)
    for needed in (":root", ":bonedata", ":hierarchy"):
        if needed not in sections:
            raise TrainingDataError(f"{path.name} is not a whole ASF skeleton: there is no {needed} section.")
    try:
        units = {row[0].lower(): row[1].lower() for row in sections.get(":units", []) if len(row) > 1}
        scale = float(units.get("length", "1"))
        if not (np.isfinite(scale) and scale > 0):
            raise ValueError(f"length unit {scale}")
        degrees = units.get("angle", "deg").startswith("deg")
        root = {row[0].lower(): row[1:] for row in sections[":root"]}
        parents = {}
        for row in sections[":hierarchy"]:
            if row[0].lower() not in ("begin", "end"):
                parents.update(dict.fromkeys(row[1:], row[0]))
        bones = _read_bones(sections[":bonedata"], parents, degrees, path.name)
        orientation = [float(v) for v in root.get("orientation", ["0", "0", "0"])[:3]]
        return _Skeleton(
            bones=_parents_first(bones, path.name),
            root_order=tuple(v.lower() for v in root.get("order", list(_ROOT_ORDER))),
            root_axis=_axis_matrix(orientation, root.get("axis", ["XYZ"])[0], degrees),
            root_position=np.array([float(v) for v in root.get("position", ["0", "0", "0"])[:3]]),
            metres_per_unit=METRES_PER_INCH / scale,
            degrees=degrees,
        )
    except (ValueError, IndexError, KeyError) as error:
        raise TrainingDataError(f"{path.name} is damaged: its skeleton cannot be read ({error}).") from error


def _read_bones(rows: list[list[str]], parents: dict[str, str], degrees: bool, file: str) -> list[_Bone]:
    bones: list[_Bone] = []
    entry: dict[str, list[str]] | None = None
    for row in rows:
        word = row[0].lower()
        if word == "begin":
            entry = {}
        elif word == "end" and entry is not None:
            name = entry["name"][0]
            direction = np.array([float(v) for v in entry["direction"][:3]])
            axis = entry.get("axis", ["0", "0", "0", "XYZ"])
            dof = tuple(v.lower() for v in entry.get("dof", []))
            if set(dof) - set(_TURNS):
                raise TrainingDataError(f"{file} has a bone that stretches ({name}), which is not understood.")
            if name not in parents:
                raise TrainingDataError(f"{file} is damaged: the bone {name} hangs on nothing.")
            matrix = _axis_matrix([float(v) for v in axis[:3]], axis[3] if len(axis) > 3 else "XYZ", degrees)
            length = float(entry["length"][0])
            unit = direction / (np.linalg.norm(direction) or 1.0)
            bones.append(_Bone(name, parents[name], unit * length, matrix, dof))
            entry = None
        elif entry is not None:
            entry.setdefault(word, row[1:])
    if not bones:
        raise TrainingDataError(f"{file} holds no bones.")
    return bones


def _parents_first(bones: list[_Bone], file: str) -> list[_Bone]:
    done, out, waiting = {"root"}, [], list(bones)
    while waiting:
        ready = [bone for bone in waiting if bone.parent in done]
        if not ready:
            raise TrainingDataError(f"{file} is damaged: the bone {waiting[0].name} does not hang on the root.")
        out += ready
        done |= {bone.name for bone in ready}
        waiting = [bone for bone in waiting if bone.name not in done]
    return out


def _read_frames(path: Path, skeleton: _Skeleton) -> tuple[dict[str, FloatArray], bool]:
    wanted = {"root": len(skeleton.root_order), **{b.name: len(b.dof) for b in skeleton.bones if b.dof}}
    frames: list[dict[str, list[float]]] = []
    degrees = skeleton.degrees
    for row in _lines(path):
        if row[0].startswith(":"):
            degrees = degrees if row[0].upper() not in (":RADIANS", ":DEGREES") else row[0].upper() == ":DEGREES"
        elif len(row) == 1 and row[0].isdigit():
            frames.append({})
        elif not frames:
            raise TrainingDataError(f"{path.name} is not an AMC file: it does not begin with a frame number.")
        elif row[0] not in wanted:
            raise TrainingDataError(f"{path.name} moves {row[0]!r}, which its skeleton does not have.")
        else:
            try:
                frames[-1][row[0]] = [float(v) for v in row[1:]]
            except ValueError as error:
                raise TrainingDataError(
                    f"{path.name} is damaged: frame {len(frames)} holds something that is not a number."
                ) from error
    if not frames:
        raise TrainingDataError(f"{path.name} holds no motion.")
    for number, frame in enumerate(frames, 1):
        for name, count in wanted.items():
            if len(frame.get(name, ())) != count:
                raise TrainingDataError(
                    f"{path.name} is damaged or cut off: frame {number} of {len(frames)} gives "
                    f"{len(frame.get(name, ()))} numbers for {name}, not {count}."
                )
    values = {name: np.array([frame[name] for frame in frames]) for name in wanted}
    if not all(np.isfinite(v).all() for v in values.values()):
        raise TrainingDataError(f"{path.name} holds numbers that are not finite.")
    return values, degrees


def _turn(values: FloatArray, dof: tuple[str, ...], axis: FloatArray, degrees: bool) -> FloatArray:
    """(T, 3, 3): C M inverse(C)."""
    matrix = np.broadcast_to(np.eye(3), (len(values), 3, 3))
    for column, name in enumerate(dof):
        if name in _TURNS:
            angle = values[:, column] if degrees else np.degrees(values[:, column])
            matrix = axis_rotations(name[1], angle) @ matrix
    return axis @ matrix @ axis.T


def _forward(skeleton: _Skeleton, values: dict[str, FloatArray], degrees: bool, fps: float) -> SourceMotion:
    root = values["root"]
    start = np.tile(skeleton.root_position, (len(root), 1))
    for column, name in enumerate(skeleton.root_order):
        if name in ("tx", "ty", "tz"):
            start[:, "xyz".index(name[1])] += root[:, column]
    turns = {"root": _turn(root, skeleton.root_order, skeleton.root_axis, degrees)}
    ends, rest_ends = {"root": start}, {"root": skeleton.root_position}
    names, parents, positions, rest = ["root"], [-1], [start], [skeleton.root_position]
    index = {"root": 0}
    for bone in skeleton.bones:
        names.append(bone.name)
        parents.append(index[bone.parent])
        index[bone.name] = len(names) - 1
        positions.append(ends[bone.parent])
        rest.append(rest_ends[bone.parent])
        turn = turns[bone.parent]
        if bone.dof:
            turn = turn @ _turn(values[bone.name], bone.dof, bone.axis, degrees)
        turns[bone.name] = turn
        ends[bone.name] = positions[-1] + turn @ bone.vector
        rest_ends[bone.name] = rest[-1] + bone.vector
    with_children = {bone.parent for bone in skeleton.bones}
    for bone in skeleton.bones:
        if bone.name not in with_children:
            names.append("")
            parents.append(index[bone.name])
            positions.append(ends[bone.name])
            rest.append(rest_ends[bone.name])
    metres = skeleton.metres_per_unit
    return SourceMotion(names, parents, np.stack(rest), np.stack(positions, axis=1), fps, metres)
