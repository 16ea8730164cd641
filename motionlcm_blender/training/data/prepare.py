"""`motionlcm prepare`: BVH or ASF/AMC files with captions become training data.

Out come joints.npz (one int16 array (T, 22, 3) per clip, in half millimetres, 20 fps, Y up, floor at the feet),
captions.jsonl, clips.json and splits.json, as `motion_data.load_motion_data` reads them.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import json
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ...array_types import FloatArray, IntArray
from ...errors import TrainingDataError
from ...motion.skeleton import FPS, HUMANML, JOINTS, MAX_FRAMES
from .amc_source import CMU_FPS, read_amc
from .bvh_source import SourceMotion, read_bvh
from .joint_names import twenty_two_joints
from .motion_data import UNIT

LONGEST = MAX_FRAMES / FPS
SHORTEST = 1.0
"""Seconds of a captioned segment: what the model can make at most, and what a caption can describe at least."""
_UNITS = {"m": 1.0, "ft": 0.3048, "cmu": 0.0254 / 0.45, "in": 0.0254, "cm": 0.01, "mm": 0.001}
_STANDING = float(HUMANML.bone_lengths[[3, 6, 9, 12, 15]].sum() + HUMANML.bone_lengths[[4, 7]].sum())
"""Metres along the bones from ankle to hip and from pelvis to head; shows the unit of a file."""
_SUFFIXES = (".bvh", ".amc")


@dataclass(frozen=True)
class PrepareOptions:
    """Options of `motionlcm prepare`.

    Attributes:
        metres_per_unit: Metres of one unit of the files; None guesses by the skeleton's height.
        up: "y", "z" or "auto".
        amc_fps: Frame rate of AMC files.
        names: Our joint names -> the names of the files.
        test_share: Fraction of the clips kept for tests.
    """

    metres_per_unit: float | None = None
    up: str = "auto"
    amc_fps: float = CMU_FPS
    names: Mapping[str, str] = field(default_factory=dict)
    test_share: float = 0.1
    seed: int = 0


@dataclass(frozen=True)
class CaptionRow:
    """One captioned segment of a file; end None: to the end of the clip."""

    file: str
    start: float
    end: float | None
    captions: tuple[str, ...]


def guess_metres_per_unit(joints: FloatArray, file: str = "The motion") -> float:
    """The unit in which a figure is about as tall as people are. joints: (T, 22, 3).

    Raises TrainingDataError if no unit makes it 0.6 to 1.7 times a person.
    """

    def length(*chain: int) -> float:
        steps = np.diff(joints[:, list(chain)], axis=1)
        return float(np.median(np.linalg.norm(steps, axis=-1).sum(-1)))

    height = length(0, 3, 6, 9, 12, 15) + (length(1, 4, 7) + length(2, 5, 8)) / 2
    if height > 0:
        unit = min(_UNITS.values(), key=lambda metres: abs(np.log(height * metres / _STANDING)))
        if 0.6 < height * unit / _STANDING < 1.7:
            return unit
    raise TrainingDataError(
        f"{file} has a figure {height:.4g} units tall, which fits no unit of length; give the metres of one unit."
    )


def motion_22(source: SourceMotion, options: PrepareOptions | None = None, file: str = "The motion") -> FloatArray:
    """A captured motion in the form for training: (T, 22, 3) float32, metres, Y up, 20 fps, floor at the feet.

    The floor is where the lower foot joint is on 98 % of the frames or more, so that one bad frame lifts nothing.
    Frames are taken by time (linear between captured ones) from 0 to the last captured frame.
    Raises TrainingDataError.
    """
    options = options or PrepareOptions()
    try:
        joints = twenty_two_joints(source.names, source.parents, source.rest, source.positions, options.names)
    except TrainingDataError as error:
        raise TrainingDataError(f"{file}: {error}") from None
    if _stands_along_z(joints) if options.up == "auto" else options.up == "z":
        joints = np.stack([joints[..., 0], joints[..., 2], -joints[..., 1]], axis=-1)
    metres = options.metres_per_unit or source.metres_per_unit or guess_metres_per_unit(joints, file)
    joints = by_time(joints * metres, source.fps)
    feet = joints[:, [JOINTS.index(n) for n in ("l_ankle", "r_ankle", "l_foot", "r_foot")], 1].min(axis=1)
    joints[..., 1] -= np.quantile(feet, 0.02, method="lower")
    return joints.astype(np.float32)


def by_time(values: FloatArray, fps: float, target_fps: float = FPS) -> FloatArray:
    """Values (T, ...) at fps, taken at target_fps from time 0, linear between frames."""
    last = (len(values) - 1) / fps
    times = np.arange(int(np.floor(last * target_fps + 1e-6)) + 1) / target_fps * fps
    before = np.clip(np.floor(times + 1e-6).astype(int), 0, len(values) - 1)
    after = np.minimum(before + 1, len(values) - 1)
    weight = np.clip(times - before, 0, 1).reshape(-1, *[1] * (values.ndim - 1))
    out: FloatArray = values[before] + weight * (values[after] - values[before])
    return out


def _stands_along_z(joints: FloatArray) -> bool:
    upright = np.median(joints[:, 15] - joints[:, [7, 8]].mean(axis=1), axis=0)
    return bool(upright[2] > 2 * abs(upright[1]) and upright[2] > 2 * abs(upright[0]))


def read_captions(path: Path) -> list[CaptionRow]:
    """Captions from CSV (columns file, start, end, caption) or JSONL (the same names, or a list "captions").

    start and end are seconds; left out, they mean the whole clip. Rows of one segment are put together.
    Raises TrainingDataError naming the line.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise TrainingDataError(f"The captions {path.name} cannot be read: {error}.") from error
    if path.suffix.lower() == ".csv":
        numbered = _csv_rows(text, path.name)
    elif path.suffix.lower() in (".jsonl", ".json"):
        numbered = _json_rows(text, path.name)
    else:
        raise TrainingDataError(f"Captions come as .csv or .jsonl, not as {path.name}.")
    segments: dict[tuple[str, float, float | None], list[str]] = {}
    for number, row in numbered:
        where = f"Line {number} of {path.name}"
        file = str(row.get("file") or row.get("clip") or "").strip()
        raw = row.get("captions", row.get("caption"))
        captions = [str(c).strip() for c in (raw if isinstance(raw, list) else [raw or ""])]
        if not file or not all(captions) or not captions:
            raise TrainingDataError(f"{where} lacks its {'caption' if file else 'file'}.")
        start = _seconds(row.get("start"), where)
        end = _seconds(row.get("end"), where)
        segments.setdefault((file, start or 0.0, end), []).extend(captions)
    if not segments:
        raise TrainingDataError(f"The captions {path.name} are empty.")
    return [CaptionRow(file, start, end, tuple(lines)) for (file, start, end), lines in segments.items()]


def _csv_rows(text: str, name: str) -> list[tuple[int, dict[str, Any]]]:
    reader = csv.DictReader(text.splitlines(), skipinitialspace=True)
    columns = [c.strip().lower() for c in reader.fieldnames or []]
    if not {"file", "caption"} <= set(columns):
        raise TrainingDataError(f"The captions {name} must begin with the columns file,start,end,caption.")
    reader.fieldnames = columns
    rows = []
    for row in reader:
        if None in row:
            raise TrainingDataError(f'Line {reader.line_num} of {name} has too many commas: put the caption in "".')
        rows.append((reader.line_num, dict(row)))
    return rows


def _json_rows(text: str, name: str) -> list[tuple[int, dict[str, Any]]]:
    rows = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise TrainingDataError(f"Line {number} of {name} is not JSON.") from error
        if not isinstance(row, dict):
            raise TrainingDataError(f"Line {number} of {name} is not a JSON object.")
        rows.append((number, row))
    return rows


def _seconds(value: object, where: str) -> float | None:
    if value is None or str(value).strip() == "":
        return None
    try:
        number = float(str(value))
    except ValueError:
        number = float("nan")
    if not (np.isfinite(number) and number >= 0):
        raise TrainingDataError(f"{where} has a time that is not a number of seconds: {value!r}.")
    return number


def find_motion_files(sources: Iterable[Path]) -> dict[str, Path]:
    """Clip names and motion files of folders (searched through) and files. Raises TrainingDataError if none."""
    found: list[tuple[Path, Path]] = []
    for source in sources:
        if source.is_dir():
            found += [(p.relative_to(source), p) for p in sorted(source.rglob("*")) if p.suffix.lower() in _SUFFIXES]
        elif not source.exists():
            raise TrainingDataError(f"There is no file or folder {source}.")
        elif source.suffix.lower() in _SUFFIXES:
            found.append((Path(source.name), source))
        else:
            raise TrainingDataError(f"{source.name} is neither BVH nor AMC.")
    if not found:
        raise TrainingDataError("There is no .bvh or .amc file to prepare.")
    stems = [relative.stem for relative, _ in found]
    clips: dict[str, Path] = {}
    for relative, path in found:
        name = relative.stem if stems.count(relative.stem) == 1 else "_".join(relative.with_suffix("").parts)
        if name in clips:
            raise TrainingDataError(f"Two motion files would both be the clip {name}: {clips[name]} and {path}.")
        clips[name] = path
    return clips


def read_motion(path: Path, options: PrepareOptions) -> FloatArray:
    """One motion file as (T, 22, 3) float32. Raises TrainingDataError with the file's name."""
    source = read_bvh(path) if path.suffix.lower() == ".bvh" else read_amc(path, fps=options.amc_fps)
    return motion_22(source, options, path.name)


def segments_of(row: CaptionRow, clip: str, seconds: float) -> list[dict[str, Any]]:
    """The rows of captions.jsonl for one captioned segment.

    Without an end, a segment goes to the clip's end, in equal pieces no longer than the model makes.
    Raises TrainingDataError if the segment is too short, too long or outside the clip.
    """
    end = seconds if row.end is None else row.end
    what = f"The caption {row.captions[0]!r} of {row.file}"
    if end > seconds + 1.5 / FPS or row.start >= seconds:
        raise TrainingDataError(f"{what} ends at {end:g} s, after the motion does ({seconds:.2f} s).")
    end = min(end, seconds)
    length = end - row.start
    if length < SHORTEST - 1e-6:
        raise TrainingDataError(f"{what} covers {max(length, 0):.2f} s; it must cover {SHORTEST:g} s or more.")
    if row.end is not None and length > LONGEST + 1e-6:
        raise TrainingDataError(f"{what} covers {length:.2f} s; the model makes {LONGEST:g} s at most, so cut it.")
    pieces = int(np.ceil(length / LONGEST - 1e-6))
    marks = np.linspace(row.start, end, max(pieces, 1) + 1)
    return [
        {"clip": clip, "start": round(float(a), 3), "end": round(float(b), 3), "captions": list(row.captions)}
        for a, b in itertools.pairwise(marks)
    ]


def _quantised(joints: FloatArray, clip: str) -> IntArray:
    """(T, 22, 3) int16 half millimetres, the travelled ground around the origin."""
    root = joints[:, 0]
    centre = (root.min(axis=0) + root.max(axis=0)) / 2
    units = np.rint((joints - centre * [1, 0, 1]) / UNIT)
    if np.abs(units).max() > np.iinfo(np.int16).max:
        raise TrainingDataError(f"The clip {clip} spans more than 32 metres: cut it into shorter files.")
    result: IntArray = units.astype(np.int16)
    return result


def prepare(
    sources: Sequence[Path],
    captions: Path,
    out: Path,
    options: PrepareOptions | None = None,
    on_line: Callable[[str], None] = lambda _line: None,
) -> dict[str, float]:
    """Write training data for all captioned motion files. Returns what was done: clips, segments, minutes, left_out.

    Files without a caption are left out and listed; everything else that does not fit raises TrainingDataError, and
    nothing is written.
    """
    options = options or PrepareOptions()
    if not 0 <= options.test_share < 1:
        raise TrainingDataError(f"The share of test clips must be 0 or more and below 1, not {options.test_share:g}.")
    files = find_motion_files(sources)
    by_file: dict[str, list[CaptionRow]] = {}
    lookup = {name: name for name in files}
    for name, path in files.items():
        lookup.setdefault(path.name, name)
        lookup.setdefault(path.as_posix(), name)
    for row in read_captions(captions):
        key = next((k for k in (row.file, Path(row.file).as_posix(), Path(row.file).stem) if k in lookup), None)
        if key is None:
            raise TrainingDataError(f"{captions.name} has a caption for {row.file}, which is not among the files.")
        by_file.setdefault(lookup[key], []).append(row)

    arrays: dict[str, IntArray] = {}
    rows: list[dict[str, Any]] = []
    clips: dict[str, dict[str, Any]] = {}
    for count, (name, path) in enumerate(files.items(), 1):
        if name not in by_file:
            on_line(f"{count}/{len(files)} {path.name}: no caption, left out")
            continue
        joints = read_motion(path, options)
        seconds = (len(joints) - 1) / FPS
        for row in by_file[name]:
            rows += segments_of(row, name, seconds)
        arrays[name] = _quantised(joints, name)
        clips[name] = {"seconds": round(len(joints) / FPS, 2), "source_format": path.suffix[1:].lower()}
        on_line(f"{count}/{len(files)} {path.name}: {seconds:.1f} s")
    if not arrays:
        raise TrainingDataError("No motion file has a caption.")

    order = np.random.default_rng(options.seed).permutation(sorted(arrays))
    test = sorted(order[: round(len(order) * options.test_share)].tolist())
    splits = {"train": sorted(set(arrays) - set(test)), "test": test}
    _write_all(out, arrays, rows, clips, splits)
    minutes = sum(len(a) for a in arrays.values()) / FPS / 60
    return {"clips": len(arrays), "segments": len(rows), "minutes": minutes, "left_out": len(files) - len(arrays)}


def _write_all(
    out: Path,
    arrays: dict[str, IntArray],
    rows: list[dict[str, Any]],
    clips: dict[str, dict[str, Any]],
    splits: dict[str, list[str]],
) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out, prefix=".writing-") as folder:
            there = Path(folder)
            np.savez_compressed(there / "joints.npz", **arrays)
            lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
            (there / "captions.jsonl").write_text(lines, encoding="utf-8")
            (there / "clips.json").write_text(json.dumps(clips, indent=1), encoding="utf-8")
            (there / "splits.json").write_text(json.dumps(splits, indent=1), encoding="utf-8")
            for name in ("joints.npz", "captions.jsonl", "clips.json", "splits.json"):
                (there / name).replace(out / name)
    except OSError as error:
        raise TrainingDataError(f"The training data cannot be written to {out}: {error.strerror or error}.") from error


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `motionlcm prepare`."""
    parser.add_argument("sources", nargs="+", type=Path, metavar="FILE", help="BVH or AMC files, or folders of them")
    parser.add_argument(
        "--captions", type=Path, required=True, metavar="FILE.csv|.jsonl", help="columns: file, start, end, caption"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="folder for the training data")
    parser.add_argument("--metres-per-unit", type=float, help="default: guessed by the figure's height")
    parser.add_argument("--up", choices=("auto", "y", "z"), default="auto", help="the axis that points up")
    parser.add_argument("--amc-fps", type=float, default=CMU_FPS, help="frame rate of AMC files (default 120)")
    parser.add_argument(
        "--joint-names", type=Path, metavar="FILE.json", help='joints that are not found by name: {"l_hip": "Leg_L_01"}'
    )
    parser.add_argument("--test-share", type=float, default=0.1, help="share of clips kept for tests (default 0.1)")
    parser.add_argument("--seed", type=int, default=0, help="chooses the test clips")


def run(args: argparse.Namespace) -> int:
    """Run the command with its options. Raises TrainingDataError."""
    names: dict[str, str] = {}
    if args.joint_names is not None:
        try:
            names = json.loads(args.joint_names.read_text(encoding="utf-8-sig"))
        except (OSError, ValueError) as error:
            raise TrainingDataError(f"The joint names {args.joint_names} cannot be read: {error}.") from error
        if not isinstance(names, dict) or not all(isinstance(v, str) for v in names.values()):
            raise TrainingDataError(f'{args.joint_names.name} must hold names of joints: {{"l_hip": "Leg_L_01"}}.')
    for value, what in ((args.metres_per_unit, "metres of one unit"), (args.amc_fps, "frame rate of AMC files")):
        if value is not None and not (np.isfinite(value) and value > 0):
            raise TrainingDataError(f"The {what} must be a positive number, not {value:g}.")
    options = PrepareOptions(args.metres_per_unit, args.up, args.amc_fps, names, args.test_share, args.seed)
    done = prepare(args.sources, args.captions, args.out, options, lambda line: print(line, file=sys.stderr))
    print(
        f"Wrote {args.out}: {done['clips']:.0f} clips, {done['minutes']:.1f} minutes, "
        f"{done['segments']:.0f} captioned segments"
        + (f"; {done['left_out']:.0f} files have no caption." if done["left_out"] else ".")
    )
    return 0
