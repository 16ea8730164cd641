"""Motions as parameters of SMPL, SMPL-H and SMPL-X in .npz files: those of AMASS and of research code.

What is written has the fields of AMASS: `poses`, `trans`, `betas`, `gender`, the frame rate under both of its names,
and of SMPL-X the parts `root_orient`, `pose_body`, `pose_hand`, `pose_jaw`, `pose_eye`. Two more fields make the file
exact for this project: `rest_joints` and `up_axis`.

What is read: one array `poses`, or its parts under the names of AMASS or of the package smplx. Nothing is unpickled.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..array_types import AnyArray, FloatArray
from ..errors import InvalidRequest
from ..files.atomic_write import write_aside
from ..files.file_kinds import other_kind
from ..files.npz_arrays import NpzArrays, Pickled
from ..files.pickle_arrays import Refused
from ..files.user_file import content_of
from ..motion import rotations as rot
from ..motion.skeleton import JOINT_COUNT, SMPL
from .body_model import KINDS
from .body_parameters import UPWARD, BodyParameters, guess_up

MOST_FRAMES = 200_000
"""28 minutes at 120 frames per second."""
FASTEST = 1000.0
"""Highest frame rate."""
GENDERS = ("neutral", "male", "female")
RATES = ("mocap_framerate", "mocap_frame_rate", "mocap_fps", "fps", "frame_rate", "framerate")
WHOLE = ("poses", "full_pose", "fullpose", "pose")
TRANSLATIONS = ("trans", "transl")
ROOTS, BODIES = ("root_orient", "global_orient"), ("pose_body", "body_pose")
_HANDS, _LEFT, _RIGHT = ("pose_hand", "hand_pose"), ("left_hand_pose",), ("right_hand_pose",)
_JAWS, _EYES, _LEFT_EYE, _RIGHT_EYE = ("pose_jaw", "jaw_pose"), ("pose_eye",), ("leye_pose",), ("reye_pose",)
_WIDTHS = {22: KINDS[24], **KINDS}
"""The layout by number of joints in `poses`; 22 joints are a body without hands."""
_OWN = ("translation", "rotations", "names", "fps")
"""Fields of the motions that `motionlcm generate --out FILE.npz` writes."""
_EVEN = 1e-3
"""Largest difference of a rotation matrix from an orthonormal one."""


def read_parameters(path: Path, fps: float = 0.0, up: str = "") -> BodyParameters:
    """Read a motion.

    Args:
        path: The .npz file.
        fps: Frames per second of a file without a frame rate; 0: refuse such a file.
        up: The axis of the file that points up, one of `UPWARD`; empty: as the file states, or as the body stands.

    Returns:
        The parameters.

    Raises:
        InvalidRequest: The file is missing, damaged, or holds no such motion; one sentence with the reason.
    """
    content = _content(path)
    other = other_kind(content)
    if other:
        raise InvalidRequest(f"{path.name} {other}.")
    try:
        return _read(NpzArrays(content, "motion"), fps, up)
    except Pickled:
        raise InvalidRequest(
            f"{path.name} stores arrays as Python objects, which may run code when they are read: "
            "save the arrays as plain numbers."
        ) from None
    except Refused as problem:
        raise InvalidRequest(f"{path.name} {problem}.") from None
    except MemoryError:
        raise InvalidRequest(f"{path.name} does not fit into memory.") from None


def write_parameters(parameters: BodyParameters, path: Path) -> None:
    """Write a motion in the layout of its joints; see the module for the fields.

    Raises:
        InvalidRequest: The file name does not end in .npz.
        MotionLCMError: The file cannot be written.
    """
    if path.suffix.lower() != ".npz":
        raise InvalidRequest(f"SMPL parameters are written as .npz, not as {path.name!r}.")
    arrays = _fields(parameters)

    def write(temporary: Path) -> None:
        with temporary.open("wb") as stream:
            np.savez_compressed(stream, **arrays)

    write_aside(path, write)


def _fields(parameters: BodyParameters) -> dict[str, AnyArray]:
    vectors = rot.to_rotation_vector(parameters.rotations)
    poses = vectors.reshape(len(vectors), -1)
    fps = np.array(parameters.fps, np.float64)
    fields: dict[str, AnyArray] = {
        "poses": poses,
        "trans": np.asarray(parameters.translation, np.float64),
        "betas": np.asarray(parameters.betas, np.float64),
        "gender": np.array(parameters.gender),
        "mocap_framerate": fps,
        "mocap_frame_rate": fps,
        "surface_model_type": np.array(parameters.kind.name.lower().replace("-", "")),
        "up_axis": np.array(parameters.up),
        "prompt": np.array(parameters.prompt),
    }
    if parameters.kind is KINDS[55]:
        fields |= {
            "num_betas": np.array(len(parameters.betas)),
            "mocap_time_length": np.array(len(poses) / parameters.fps),
            "root_orient": poses[:, :3],
            "pose_body": poses[:, 3:66],
            "pose_jaw": poses[:, 66:69],
            "pose_eye": poses[:, 69:75],
            "pose_hand": poses[:, 75:],
        }
    if parameters.rest is not None:
        fields["rest_joints"] = np.asarray(parameters.rest, np.float64)
    return fields


def _content(path: Path) -> bytes:
    if path.suffix.lower() == ".pkl":
        raise InvalidRequest(f"{path.name} is a pickle, which may run code when it is read: save its arrays as .npz.")
    if path.suffix.lower() != ".npz":
        raise InvalidRequest(f"{path.name or 'This'} is no motion of SMPL parameters: choose a .npz file.")
    return content_of(path, "motion")


def _read(arrays: NpzArrays, fps: float, up: str) -> BodyParameters:
    """Raises Refused if the arrays are no motion."""
    if all(name in arrays for name in _OWN):
        return _own_motion(arrays)
    turns, warnings = _rotations(arrays)
    frames = len(turns)
    translation = _numbers(arrays, _name(arrays, TRANSLATIONS, "the place of the body"))
    if translation.shape != (frames, 3):
        raise Refused(f"holds {frames} poses but translations of the shape {_shape(translation)}")
    if np.abs(translation).max(initial=0.0) > 1e5:
        raise Refused("holds translations that are not metres")
    kind = _WIDTHS[turns.shape[1]]
    if turns.shape[1] == JOINT_COUNT:
        hands = np.tile(rot.IDENTITY, (frames, len(SMPL) - JOINT_COUNT, 1))
        turns = np.concatenate([turns, hands], axis=1)
    chosen_up = up or _text(arrays, "up_axis").upper()
    rest, rest_warning = _rest(arrays)
    betas, betas_warning = _betas(arrays, frames)
    gender, gender_warning = _gender(arrays)
    all_warnings = (*warnings, betas_warning, gender_warning, rest_warning)
    return BodyParameters(
        kind,
        turns,
        translation,
        _rate(arrays, fps),
        chosen_up if chosen_up in UPWARD else guess_up(turns[:, 0]),
        betas,
        gender,
        rest,
        _text(arrays, "prompt"),
        tuple(sentence for sentence in all_warnings if sentence),
    )


def _rotations(arrays: NpzArrays) -> tuple[FloatArray, tuple[str, ...]]:
    """(T, J, 4) rotations of a whole pose or of its parts, and warnings."""
    whole = next((name for name in WHOLE if name in arrays), None)
    if whole is not None:
        turns = _turns(arrays, whole)
        if turns.shape[1] not in _WIDTHS:
            raise Refused(
                f"holds poses of {3 * turns.shape[1]} numbers: bodies have 72 (SMPL), 156 (SMPL-H) or 165 (SMPL-X)"
            )
        return turns, ()
    if not any(name in arrays for name in ROOTS):
        raise Refused("holds neither poses nor root_orient, so it is no motion of SMPL parameters")
    root = _turns(arrays, _name(arrays, ROOTS, "the rotation of the body"))
    body = _turns(arrays, _name(arrays, BODIES, "the pose of the body"))
    if root.shape[1] != 1 or body.shape[1] not in (21, 23):
        raise Refused(f"holds a body of {3 * body.shape[1]} numbers: bodies have 63, or 69 with hands")
    parts = [root, body]
    warning = ""
    if body.shape[1] == 21:
        fingers, warning = _fingers(arrays, len(body))
        face = _face(arrays, len(body))
        parts += [part for part in (face, fingers) if part is not None]
        if face is not None and fingers is None:
            parts.append(np.tile(rot.IDENTITY, (len(body), 30, 1)))
    if len({len(part) for part in parts}) != 1:
        raise Refused("holds parts of poses with different numbers of frames")
    return np.concatenate(parts, axis=1), (warning,)


def _fingers(arrays: NpzArrays, frames: int) -> tuple[FloatArray | None, str]:
    """(T, 30, 4) rotations of fingers, left then right, or None; and a warning."""
    both = [next((name for name in names if name in arrays), None) for names in (_LEFT, _RIGHT)]
    hands = next((name for name in _HANDS if name in arrays), None)
    if hands is not None:
        turns = _turns(arrays, hands)
    elif both[0] is not None and both[1] is not None:
        sides = [_numbers(arrays, name) for name in both if name is not None]
        if any(side.reshape(len(side), -1).shape[1] < 45 for side in sides if len(side)):
            return None, "The hands are components of the body model's own, so the fingers keep their rest pose."
        turns = np.concatenate([_turns(arrays, name) for name in both if name is not None], axis=1)
    else:
        return None, ""
    if turns.shape != (frames, 30, 4):
        raise Refused(f"holds hands of {3 * turns.shape[1]} numbers: both have 90")
    return turns, ""


def _face(arrays: NpzArrays, frames: int) -> FloatArray | None:
    """(T, 3, 4) rotations of jaw and eyes, or None if the file has none of them."""

    def found(names: tuple[str, ...], joints: int) -> FloatArray | None:
        name = next((name for name in names if name in arrays), None)
        turns = None if name is None else _turns(arrays, name)
        if turns is not None and turns.shape != (frames, joints, 4):
            raise Refused("holds a jaw or eyes of the wrong shape")
        return turns

    jaw, eyes, left, right = found(_JAWS, 1), found(_EYES, 2), found(_LEFT_EYE, 1), found(_RIGHT_EYE, 1)
    if jaw is None and eyes is None and left is None and right is None:
        return None
    still = np.tile(rot.IDENTITY, (frames, 1, 1))
    both = (left if left is not None else still, right if right is not None else still)
    parts = (jaw if jaw is not None else still, *((eyes,) if eyes is not None else both))
    result: FloatArray = np.concatenate(parts, axis=1)
    return result


def _turns(arrays: NpzArrays, name: str) -> FloatArray:
    """(T, J, 4) quaternions from rotation vectors (T, 3 J) or (T, J, 3), or from matrices (T, J, 3, 3)."""
    values = _numbers(arrays, name)
    if values.ndim == 4 and values.shape[2:] == (3, 3):
        if np.abs(np.swapaxes(values, -1, -2) @ values - np.eye(3)).max(initial=0.0) > _EVEN:
            raise Refused(f"holds {name} with matrices that are no rotations")
        _check_frames(len(values))
        return rot.from_matrix(values)
    if values.ndim == 3 and values.shape[2] == 3:
        values = values.reshape(len(values), -1)
    if values.ndim != 2 or values.shape[1] % 3 or not values.shape[1]:
        raise Refused(f"holds {name} of the shape {_shape(values)}, which are no rotations of joints")
    _check_frames(len(values))
    if np.abs(values).max() > 100.0:
        raise Refused(f"holds {name} with angles that are not radians")
    return rot.from_rotation_vector(values.reshape(len(values), -1, 3))


def _check_frames(frames: int) -> None:
    if frames == 0:
        raise Refused("holds no frame")
    if frames > MOST_FRAMES:
        raise Refused(f"holds {frames} frames, more than {MOST_FRAMES}: cut it first")


def _rate(arrays: NpzArrays, instead: float) -> float:
    """Frames per second."""
    name = next((name for name in RATES if name in arrays), None)
    if name is None:
        if instead > 0.0:
            return instead
        raise Refused("has no frame rate (mocap_framerate): enter it")
    value = _numbers(arrays, name).ravel()
    if len(value) != 1 or not 0.0 < value[0] <= FASTEST:
        raise Refused(f"holds a {name} that is no frame rate")
    return float(value[0])


def _betas(arrays: NpzArrays, frames: int) -> tuple[FloatArray, str]:
    """(B,) shape parameters, and a warning."""
    if "betas" not in arrays:
        return np.zeros(10), ""
    values = _numbers(arrays, "betas")
    if values.ndim > 2 or (values.ndim == 2 and len(values) not in (1, frames)):
        raise Refused(f"holds betas of the shape {_shape(values)}: one row of numbers is needed")
    rows = np.atleast_2d(values)
    if np.ptp(rows, axis=0).max(initial=0.0) < 1e-6:
        return rows[0], ""
    return rows.mean(0), "The body changes its shape from frame to frame: the mean of its shapes is used."


def _gender(arrays: NpzArrays) -> tuple[str, str]:
    if "gender" not in arrays:
        return GENDERS[0], ""
    stated = _text(arrays, "gender").lower()
    found = next((gender for gender in GENDERS if stated and gender.startswith(stated)), None)
    if found is None:
        return GENDERS[0], "The gender of the body is not readable: neutral is used."
    return found, ""


def _rest(arrays: NpzArrays) -> tuple[FloatArray | None, str]:
    """The joints without a pose, where this project wrote the file; and a warning."""
    if "rest_joints" not in arrays:
        return None, ""
    rest = _numbers(arrays, "rest_joints")
    lengths = np.linalg.norm(rest[1:] - rest[list(SMPL.parents[1:])], axis=-1) if rest.shape == (len(SMPL), 3) else None
    if lengths is None or not 1e-3 < lengths[[3, 4, 6, 7]].min() < 100.0:
        return None, "The rest joints of the body are not readable: its size is estimated."
    return rest, ""


def _own_motion(arrays: NpzArrays) -> BodyParameters:
    """A motion that `motionlcm generate` wrote: rotations of the engine's skeleton, Y up."""
    turns, translation = _numbers(arrays, "rotations"), _numbers(arrays, "translation")
    names = tuple(str(name) for name in arrays.read("names", text=True).ravel())
    if names != SMPL.names or turns.shape != (len(translation), len(SMPL), 4) or translation.shape[1:] != (3,):
        raise Refused("holds a motion of other joints than SMPL's")
    _check_frames(len(turns))
    return BodyParameters(
        KINDS[24], rot.normalise(turns), translation, _rate(arrays, 0.0), "Y", rest=SMPL.rest,
        prompt=_text(arrays, "prompt"),
    )  # fmt: skip


def _name(arrays: NpzArrays, names: tuple[str, ...], meaning: str) -> str:
    found = next((name for name in names if name in arrays), None)
    if found is None:
        raise Refused(f"holds no {names[0]} ({meaning}), so it is no motion of SMPL parameters")
    return found


def _numbers(arrays: NpzArrays, name: str) -> FloatArray:
    result = np.array(arrays.read(name), dtype=np.float64)
    if not np.isfinite(result).all():
        raise Refused(f"holds {name} with numbers that are not finite")
    return result


def _text(arrays: NpzArrays, name: str) -> str:
    """A short text; empty if it is missing or something else."""
    if name not in arrays:
        return ""
    try:
        values = arrays.read(name, text=True).ravel()
    except Refused:
        return ""
    if len(values) != 1 or values.dtype.kind not in "US":
        return ""
    value = values[0]
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return text.strip()[:1000]


def _shape(values: AnyArray) -> str:
    return " x ".join(str(size) for size in values.shape) or "a single number"
