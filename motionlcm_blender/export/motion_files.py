"""Export of motion: .npz for programs, .bvh for any animation tool, .blend for Blender."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..array_types import AnyArray, FloatArray
from ..errors import InvalidRequest
from ..files.atomic_write import write_aside
from ..motion.motion import Clip, Motion
from ..motion.resampling import resample
from ..motion.retarget import retarget
from ..motion.skeleton import FPS
from ..motion.world_transform import Placement, place_clip, place_joints

SUFFIXES = (".npz", ".bvh", ".blend")
HIGHEST_FPS = 1000.0


@dataclass(frozen=True, eq=False)
class Shot:
    """One take, placed in the world, at the frame rate of the file.

    Attributes:
        joints: (T, 22, 3) float32, the model's joints, metres, Y up.
        clip: T frames for the SMPL skeleton.
        prompt: The prompt of the motion.
        seed: The seed of the motion.
        path: (T, 2) float32, target of the root on each frame, x and z in the axes of `joints`, or None.
        liveliness: Factor on the noise that the motion was made from.
    """

    joints: FloatArray
    clip: Clip
    prompt: str
    seed: int
    path: FloatArray | None = None
    liveliness: float = 1.0

    @property
    def fps(self) -> float:
        """Frames per second."""
        return self.clip.fps


def make_shot(
    motion: Motion,
    placement: Placement | None = None,
    xz: FloatArray | None = None,
    fps: float = FPS,
    prompt: str = "",
    seed: int = 0,
    liveliness: float = 1.0,
) -> Shot:
    """Retarget a motion, place it in the world and resample it.

    Joints and path are interpolated linearly; at 20 fps they are unchanged.

    Args:
        motion: The motion.
        placement: Placement from `canonicalise`; None: leave the motion where it is.
        xz: (T, 2) metres, the timed path in the world, one point per frame of the motion.
        fps: Frame rate of the result.
        prompt: Prompt of the motion, stored in the file.
        seed: Seed of the motion, stored in the file.
        liveliness: Factor on the noise, stored in the file.

    Returns:
        The shot.

    Raises:
        InvalidRequest: The frame rate is not possible.
    """
    check_fps(fps)
    clip, joints = retarget(motion), motion.joints
    if placement is not None:
        clip, joints = place_clip(clip, placement), place_joints(joints, placement)
    if fps != clip.fps:
        clip = resample(clip, fps)
    times = np.arange(clip.frames) / clip.fps
    path = None if xz is None else _at(np.asarray(xz, np.float32), motion.fps, times)
    return Shot(_at(joints, motion.fps, times), clip, prompt, seed, path, liveliness)


def check_fps(fps: float) -> None:
    """Check a frame rate.

    Raises:
        InvalidRequest: The frame rate is not possible.
    """
    if not (np.isfinite(fps) and 1.0 <= fps <= HIGHEST_FPS):
        raise InvalidRequest(f"The frame rate must be 1 to {HIGHEST_FPS:g} frames per second, not {fps:g}.")


def _at(values: FloatArray, fps: float, times: FloatArray) -> FloatArray:
    """Interpolate values (T, ...) at `fps` linearly at times in seconds; constant beyond the last frame."""
    where = np.clip(times * fps, 0, len(values) - 1)
    before = np.minimum(np.floor(where + 1e-9).astype(int), max(len(values) - 2, 0))
    after = np.minimum(before + 1, len(values) - 1)
    fraction = (where - before).reshape(-1, *[1] * (values.ndim - 1))
    out: FloatArray = (values[before] + fraction * (values[after] - values[before])).astype(np.float32)
    return out


def check_output(file: Path) -> None:
    """Check before any work that a file can be written.

    Raises:
        InvalidRequest: The format or the folder is not possible.
    """
    if file.suffix.lower() not in SUFFIXES:
        raise InvalidRequest(f"A motion is written as .npz, .bvh or .blend, not as {file.name!r}.")
    check_folder(file)
    if file.suffix.lower() == ".blend":
        from .blender_process import find_blender

        find_blender()


def check_folder(file: Path) -> None:
    """Check that a file of this name can be created in its folder.

    Raises:
        InvalidRequest: It cannot.
    """
    if file.is_dir():
        raise InvalidRequest(f"{file} is a folder.")
    if not file.parent.is_dir():
        raise InvalidRequest(f"There is no folder {file.parent}.")
    if not os.access(file.parent, os.W_OK):
        raise InvalidRequest(f"The folder {file.parent} may not be written to.")


def save(shot: Shot, file: Path) -> None:
    """Write a shot in the format of the file's suffix.

    Raises:
        MotionLCMError: The file cannot be written.
    """
    writers = {".npz": save_npz, ".bvh": save_bvh, ".blend": save_blend}
    if file.suffix.lower() not in writers:
        check_output(file)
    writers[file.suffix.lower()](shot, file)


def save_npz(shot: Shot, file: Path) -> None:
    """Write arrays for NumPy.

    joints (T, 22, 3) float32; fps; translation (T, 3) and rotations (T, 24, 4), w first, local, of the SMPL armature,
    with bone names in `names`; prompt; seed; liveliness; and, if there is one, path (T, 2): the root's x and z on
    the path. Nothing in the file is pickled.

    Args:
        shot: The shot.
        file: The .npz file.

    Raises:
        MotionLCMError: The file cannot be written.
    """
    arrays: dict[str, AnyArray] = {
        "joints": shot.joints,
        "fps": np.array(shot.fps, np.float64),
        "translation": shot.clip.translation,
        "rotations": shot.clip.rotations,
        "names": np.array(shot.clip.skeleton.names),
        "prompt": np.array(shot.prompt),
        "seed": np.array(shot.seed, np.int64),
        "liveliness": np.array(shot.liveliness, np.float64),
    }
    if shot.path is not None:
        arrays["path"] = shot.path
    write_aside(file, lambda temporary: _savez(temporary, arrays))


def _savez(file: Path, arrays: dict[str, AnyArray]) -> None:
    with file.open("wb") as stream:
        np.savez_compressed(stream, **arrays)


def save_bvh(shot: Shot, file: Path) -> None:
    """Write a BVH file, see `motion/bvh.py`.

    Raises:
        MotionLCMError: The file cannot be written.
    """
    from ..motion.bvh import write_bvh

    write_aside(file, lambda temporary: write_bvh(shot.clip, temporary))


def save_blend(shot: Shot, file: Path) -> None:
    """Write a Blender file with the animated character, by a Blender on this machine.

    Raises:
        MotionLCMError: There is no Blender, or it fails.
    """
    from .blender_process import find_blender, write_blend

    blender = find_blender()
    with tempfile.TemporaryDirectory(prefix="motionlcm-") as folder:
        clip = Path(folder) / "clip.npz"
        save_npz(shot, clip)
        write_aside(file, lambda temporary: write_blend(clip, temporary, blender))
