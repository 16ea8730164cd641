"""Training data in one small file: `python -m motionlcm_blender.training.data.packed_data FOLDER --out FILE`.

For a machine that large files do not reach. The file is a zip with bzip2. Joints are stored relative to the parent
joint, as second differences over time, with the sign in the lowest bit, high and low bytes apart. Head and hands are
stored likewise. Unpacking restores every int16 exactly. Captions, splits and clips.json are stored as they are.
"""

from __future__ import annotations

import argparse
import json
import sys
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ...array_types import IntArray
from ...errors import MotionLCMError, TrainingDataError
from ...motion.skeleton import PARENTS

ARRAYS = ("joints", "head_hands")
TEXTS = ("captions.jsonl", "splits.json", "clips.json")
LAYOUT = "layout.json"
HIGH, LOW = ".high", ".low"
_FORMAT = 1


def pack_data(folder: Path, file: Path) -> int:
    """Write a folder of training data as one file.

    Args:
        folder: What `motion_data.load_motion_data` reads.
        file: The zip to write.

    Returns:
        The size of the file in bytes.

    Raises:
        TrainingDataError: Joints, captions or splits are missing or damaged.
    """
    temporary = file.with_name(file.name + ".unfinished")
    try:
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_BZIP2, compresslevel=9) as packed:
            layout: dict[str, object] = {"format": _FORMAT}
            for name in ARRAYS:
                source = folder / f"{name}.npz"
                if name == "joints" or source.exists():
                    with np.load(source, allow_pickle=False) as stored:
                        clips = {clip: stored[clip] for clip in stored.files}
                    layout[name] = {clip: list(values.shape) for clip, values in clips.items()}
                    for suffix, plane in zip((HIGH, LOW), packed_planes(list(clips.values()), name), strict=True):
                        packed.writestr(name + suffix, plane)
            for text in TEXTS:
                if text != "clips.json" or (folder / text).exists():
                    packed.writestr(text, (folder / text).read_bytes())
            packed.writestr(LAYOUT, json.dumps(layout))
        temporary.replace(file)
    except (OSError, ValueError) as error:
        raise TrainingDataError(f"The training data cannot be packed: {error}") from error
    finally:
        temporary.unlink(missing_ok=True)
    return file.stat().st_size


def unpack_data(file: Path, folder: Path) -> None:
    """Write the folder that `pack_data` read; rotations.npz, which training does not read, is not in it.

    Args:
        file: The zip.
        folder: The folder to write; it is created if it does not exist.

    Raises:
        TrainingDataError: The file is missing or damaged.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with zipfile.ZipFile(file) as packed:
            layout = json.loads(packed.read(LAYOUT))
            if layout["format"] != _FORMAT:
                raise ValueError("it was written by another version")
            for name in ARRAYS:
                if name in layout:
                    planes = packed.read(name + HIGH), packed.read(name + LOW)
                    shapes: Mapping[str, Sequence[int]] = layout[name]
                    clips = unpacked_planes(planes, [tuple(shape) for shape in shapes.values()], name)
                    np.savez(folder / f"{name}.npz", **dict(zip(shapes, clips, strict=True)))
            for text in set(TEXTS) & set(packed.namelist()):
                (folder / text).write_bytes(packed.read(text))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise TrainingDataError(f"The packed training data {file.name} cannot be read: {error}") from error


def packed_planes(clips: Sequence[IntArray], kind: str) -> tuple[bytes, bytes]:
    """The high and the low bytes of clips, one number of one clip after the other over time.

    Args:
        clips: int16 (T, 22, 3) joints, or (T, 3, 4) quaternions of head and hands.
        kind: "joints" or "head_hands".

    Returns:
        Two byte strings, each with one byte for each number of the clips.

    Raises:
        ValueError: A clip is not int16.
    """
    columns = []
    for clip in clips:
        if clip.dtype != np.int16:
            raise ValueError("the numbers are not int16")
        numbers = clip.astype(np.int64)
        if kind == "joints":
            numbers[:, 1:] -= numbers[:, list(PARENTS[1:])].copy()
        numbers = numbers.reshape(len(numbers), -1)
        for _ in range(2):
            numbers = np.diff(numbers, axis=0, prepend=np.zeros((1, numbers.shape[1]), np.int64))
        # All arithmetic is modulo 65536, so a difference that overflows comes back as it was.
        numbers = numbers.astype(np.int16).astype(np.int32)
        columns.append(((numbers << 1) ^ (numbers >> 31)).astype(np.uint16).T.ravel())
    joined = np.concatenate(columns) if columns else np.zeros(0, np.uint16)
    return (joined >> 8).astype(np.uint8).tobytes(), (joined & 255).astype(np.uint8).tobytes()


def unpacked_planes(planes: tuple[bytes, bytes], shapes: Sequence[tuple[int, ...]], kind: str) -> list[IntArray]:
    """What `packed_planes` made of clips.

    Args:
        planes: The high and the low bytes.
        shapes: The shape of each clip.
        kind: "joints" or "head_hands".

    Returns:
        The clips, int16.

    Raises:
        ValueError: The number of bytes is not the one of the shapes.
    """
    high, low = (np.frombuffer(plane, np.uint8).astype(np.uint16) for plane in planes)
    joined = ((high << 8) | low).astype(np.int32)
    signed = (joined >> 1) ^ -(joined & 1)
    ends = np.cumsum([0, *(int(np.prod(shape)) for shape in shapes)])
    if len(signed) != ends[-1]:
        raise ValueError("its numbers do not fit its list of clips")
    clips: list[IntArray] = []
    for start, end, shape in zip(ends[:-1], ends[1:], shapes, strict=True):
        numbers = signed[start:end].reshape(-1, shape[0]).T.astype(np.int64)
        numbers = numbers.cumsum(axis=0).cumsum(axis=0).reshape(shape)
        if kind == "joints":
            for joint, parent in list(enumerate(PARENTS))[1:]:
                numbers[:, joint] += numbers[:, parent]
        clips.append(numbers.astype(np.int16))
    return clips


def main(arguments: Sequence[str] | None = None) -> int:
    """Pack or unpack by the command line; returns the exit status."""
    parser = argparse.ArgumentParser(description="Pack a folder of training data into one file, or unpack it.")
    parser.add_argument("source", type=Path, help="folder of training data, or a packed file")
    parser.add_argument("--out", type=Path, required=True, help="the file to write, or the folder")
    options = parser.parse_args(arguments)
    try:
        if options.source.is_dir():
            size = pack_data(options.source, options.out)
            print(f"{options.out}: {size / 1e6:.1f} MB")
        else:
            unpack_data(options.source, options.out)
    except MotionLCMError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
