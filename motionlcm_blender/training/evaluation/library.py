"""Make the prompt library of a model: candidates in, strips out; verdicts in, prompts.json out.

    python -m motionlcm_blender.training.evaluation.library MODEL --out FOLDER [--seeds 3] [--candidates FILE]
    python -m motionlcm_blender.training.evaluation.library MODEL --out FOLDER --write [--into MODEL]

The first draws library_01.png .. with ten prompts a page, the takes of a prompt side by side, and library.json with a
row for each candidate: what was measured of each take, and an empty verdict. Fill in "verdicts", a letter for each
take: r (right), p (partly) or w (wrong). The second reads the verdicts and writes prompts.json and prompts.safetensors
(`text/prompt_library.py`). A prompt is kept if at least two of three takes are right; it is listed as weak if no take
is right and at least half are wrong. "instead" of a row lists prompts to offer for it if it is weak. --kinds is a JSON
list of kinds of other prompts, with what to offer for them. Needs Pillow.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...array_types import FloatArray
from ...errors import InvalidRequest, MotionLCMError, TrainingDataError
from ...files.safetensors_files import write_arrays, write_bytes
from ...generation.generated_motion import GeneratedMotion
from ...generation.pipeline import MotionLCM
from ...generation.request import DEFAULT_STEPS, Request
from ...motion.loop_search import SPEED
from ...motion.loops import find_loop, split_travel
from ...motion.retarget import forward_kinematics, retarget
from ...motion.skeleton import FPS
from ...networks.model_folder import ModelFolder
from ...text.length_suggestion import suggested_seconds
from ...text.prompt_library import CATEGORIES, FILE, VECTORS, LibraryPrompt, PromptKind, PromptLibrary, kinds_of
from ...text.prompt_vocabulary import read_vocabulary
from .obedience_words import head_turns

if TYPE_CHECKING:
    from PIL import Image

CANDIDATES = Path(__file__).with_name("library_candidates.json")
KINDS = Path(__file__).with_name("library_kinds.json")
ROWS_FILE = "library.json"
WIDTH, TAKE_HEIGHT, CAPTION, ROWS, POSES = 1560, 138, 18, 10, 6
"""Pixels, prompts on a page, and figures of a take."""
USUAL_SECONDS, LONGEST_SECONDS = 4.0, 6.0
"""Length where the model suggests none, and the longest: a shorter motion is easier to judge, and to use."""
TRAVELS_M = 0.8
"""Metres between the first and the last place, or half of it as the radius of the way, from which a take travels."""
SEAM_M = 0.09
"""Metres between the ends of the best section, up to which a take loops: the fade of `looped` hides that much."""
KEPT, WRONG = 2 / 3, 0.5
"""Shares of takes that are right for a prompt to be kept, and wrong for a prompt to be listed as weak."""


@dataclass
class Row:
    """One candidate.

    Attributes:
        verdicts: A letter for each take, empty while nobody has watched.
        seen: A remark.
        instead: Prompts to offer if the model does not do this one.
    """

    prompt: str
    category: str
    about: str
    seconds: float
    travelled: list[float] = field(default_factory=list)
    seam: list[float] = field(default_factory=list)
    verdicts: str = ""
    seen: str = ""
    instead: list[str] = field(default_factory=list)

    def count(self, letter: str) -> int:
        """Number of takes with this verdict."""
        return self.verdicts.count(letter)

    @property
    def kept(self) -> bool:
        """Whether the prompt goes into the library."""
        return bool(self.verdicts) and self.count("r") >= KEPT * len(self.verdicts) - 1e-6

    @property
    def weak(self) -> bool:
        """Whether the prompt is listed as one that the model does not do."""
        return bool(self.verdicts) and not self.count("r") and self.count("w") >= WRONG * len(self.verdicts)


def read_candidates(file: Path) -> list[dict[str, Any]]:
    """Rows with prompt, category, about and perhaps seconds. Raises TrainingDataError."""
    try:
        rows = json.loads(file.read_text("utf-8"))
        texts = [row[name] for row in rows for name in ("prompt", "category", "about")]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise TrainingDataError(f"{file.name} holds no candidates.") from error
    if not all(isinstance(text, str) for text in texts):
        raise TrainingDataError(f"{file.name} holds no candidates.")
    return list(rows)


def read_kinds(file: Path, prompts: Sequence[LibraryPrompt]) -> tuple[PromptKind, ...]:
    """Kinds of prompts, without offers that the library does not have. Raises TrainingDataError."""
    try:
        kinds = kinds_of(json.loads(file.read_text("utf-8")))
    except (OSError, ValueError, InvalidRequest) as error:
        raise TrainingDataError(f"{file.name} holds no kinds of prompts.") from error
    names = {prompt.prompt for prompt in prompts}
    kept = [PromptKind(kind.like, tuple(text for text in kind.offers if text in names)) for kind in kinds]
    return tuple(kind for kind in kept if kind.offers)


def suggested(prompt: str, folder: ModelFolder) -> float:
    """Seconds for a prompt: the model's own suggestion within limits."""
    vocabulary = read_vocabulary(folder.path)
    seconds = suggested_seconds(prompt, vocabulary) if vocabulary is not None else None
    shortest, longest = folder.frames
    return float(np.clip(seconds or USUAL_SECONDS, max(2.0, shortest / FPS), min(LONGEST_SECONDS, longest / FPS)))


def travelled(joints: FloatArray) -> float:
    """Metres over which the pelvis gets away: between its ends, or the way's extent if it comes back."""
    way = joints[:, 0][:, [0, 2]]
    extent = float(np.linalg.norm(way.max(axis=0) - way.min(axis=0)))
    return max(float(np.linalg.norm(way[-1] - way[0])), 0.5 * extent)


def seam(motion: GeneratedMotion) -> float:
    """Metres between the poses and velocities at the ends of the section that loops best.

    Root of the mean over the joints; 9 if the take is too short to loop.
    """
    clip = retarget(motion)
    try:
        first, last = find_loop(clip)
    except InvalidRequest:
        return 9.0
    pose = forward_kinematics(split_travel(clip).clip)
    speed = np.gradient(pose, axis=0) * clip.fps
    apart = ((pose[first] - pose[last]) ** 2).sum(-1).mean() + ((SPEED * (speed[first] - speed[last])) ** 2).sum(
        -1
    ).mean()
    return float(np.sqrt(apart))


def draw_row(row: Row, takes: Sequence[GeneratedMotion]) -> Image.Image:
    """The caption and the takes of one prompt, side by side."""
    from PIL import Image, ImageDraw

    from .pose_pictures import INK, MIDDLE, PAPER, draw_take, font

    image = Image.new("RGB", (WIDTH, CAPTION + TAKE_HEIGHT), PAPER)
    pen = ImageDraw.Draw(image)
    pen.text((6, 1), f"{row.category}: {row.prompt}", fill=INK, font=font(14))
    seams = ", ".join(f"{100 * metres:.0f}" for metres in row.seam)
    pen.text((WIDTH * 0.45, 3), f"{row.seconds:g} s. {row.about}. Seam {seams} cm", fill=MIDDLE, font=font(12))
    width = WIDTH // len(takes)
    for number, motion in enumerate(takes):
        take = draw_take(motion.joints, (width - 6, TAKE_HEIGHT), POSES, head_turns(motion))
        image.paste(take, (number * width + 3, CAPTION))
    return image


def save_page(rows: Sequence[Image.Image], file: Path) -> None:
    """Put rows below each other into one picture."""
    from PIL import Image

    from .pose_pictures import PAPER

    sheet = Image.new("RGB", (WIDTH, sum(row.height for row in rows)), PAPER)
    top = 0
    for row in rows:
        sheet.paste(row, (0, top))
        top += row.height
    temporary = file.with_name(f".{file.name}.part.png")
    sheet.save(temporary, optimize=True)
    temporary.replace(file)


def draw(model: MotionLCM, rows: Sequence[Row], seeds: Sequence[int], steps: int, out: Path) -> None:
    """Generate, measure and draw all candidates. Writes pages and measures."""
    pictures: list[Image.Image] = []
    page = 1
    for number, row in enumerate(rows, start=1):
        frames = round(row.seconds * FPS)
        takes = [model.generate(Request(row.prompt, frames, seed=seed, steps=steps))[0] for seed in seeds]
        row.travelled = [round(travelled(take.joints), 2) for take in takes]
        row.seam = [round(seam(take), 3) for take in takes]
        pictures.append(draw_row(row, takes))
        if len(pictures) == ROWS or number == len(rows):
            save_page(pictures, out / f"library_{page:02d}.png")
            print(out / f"library_{page:02d}.png", flush=True)
            pictures, page = [], page + 1


def load_rows(file: Path) -> tuple[dict[str, Any], list[Row]]:
    """The settings and the rows of library.json. Raises TrainingDataError."""
    try:
        content = json.loads(file.read_text("utf-8"))
        rows = [Row(**row) for row in content["rows"]]
        settings = {name: content[name] for name in ("model", "seeds", "steps")}
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise TrainingDataError(f"{file.name} holds no verdicts.") from error
    for row in rows:
        if set(row.verdicts) - set("rpw") or len(row.verdicts) not in (0, len(settings["seeds"])):
            raise TrainingDataError(
                f'{file.name}: the verdicts on "{row.prompt}" must be a letter r, p or w for each take.'
            )
    return settings, rows


def save_rows(file: Path, settings: dict[str, Any], rows: Sequence[Row]) -> None:
    """Write library.json, one candidate a line."""
    head = ", ".join(f"{json.dumps(name)}: {json.dumps(value)}" for name, value in settings.items())
    fields = [{name: value for name, value in asdict(row).items() if value or name != "instead"} for row in rows]
    lines = ",\n".join("  " + json.dumps(row, ensure_ascii=False) for row in fields)
    write_bytes(file, f'{{\n{head},\n"rows": [\n{lines}\n]\n}}\n'.encode())


def library_of(settings: dict[str, Any], rows: Sequence[Row]) -> PromptLibrary:
    """The library of judged rows. Raises TrainingDataError if none is kept."""
    seeds = tuple(settings["seeds"])
    kept = sorted((row for row in rows if row.kept), key=_place)
    if not kept:
        raise TrainingDataError("No candidate was judged right.")
    prompts = []
    for row in kept:
        right = [number for number, letter in enumerate(row.verdicts) if letter == "r"]
        loops = sum(row.seam[number] <= SEAM_M for number in right) * 2 > len(right)
        best = min(right, key=lambda number: row.seam[number]) if loops else right[0]
        travels = float(np.median([row.travelled[number] for number in right])) >= TRAVELS_M
        prompts.append(LibraryPrompt(row.prompt, row.category, row.about, row.seconds, loops, travels, seeds[best]))
    weak, names = [row for row in rows if row.weak], {prompt.prompt for prompt in prompts}
    instead = {row.prompt: tuple(text for text in row.instead if text in names) for row in weak if row.instead}
    return PromptLibrary(tuple(prompts), tuple(row.prompt for row in weak), seeds, settings["steps"], instead=instead)


def _place(row: Row) -> int:
    return CATEGORIES.index(row.category) if row.category in CATEGORIES else len(CATEGORIES)


def write_library(library: PromptLibrary, model: MotionLCM, into: Path) -> PromptLibrary:
    """Write prompts.json and prompts.safetensors; returns the library with its sentence vectors."""
    complete = library.with_vectors(model.sentence_vector)
    assert complete.vectors is not None
    vectors = {"embeddings": complete.vectors.astype(np.float16)}
    if complete.kind_vectors is not None:
        vectors["kinds"] = complete.kind_vectors.astype(np.float16)
    write_arrays(into / VECTORS, vectors)
    write_bytes(into / FILE, complete.to_json().encode())
    return complete


def main(arguments: Sequence[str] | None = None) -> int:
    """0, or 1 with a sentence on what is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", type=Path, help="a model folder (default: bundled)")
    parser.add_argument("--out", type=Path, required=True, help="folder for strips and verdicts")
    parser.add_argument("--candidates", type=Path, default=CANDIDATES, help="a JSON list of prompts to try")
    parser.add_argument("--kinds", type=Path, default=KINDS, help="a JSON list of kinds of prompts")
    parser.add_argument("--kept-of", type=Path, help="verdicts on another model: try only what was kept or weak there")
    parser.add_argument("--seeds", type=int, default=3, help="takes of each prompt (default %(default)s)")
    parser.add_argument("--steps", type=int, default=DEFAULT_STEPS, help="sampler steps (default %(default)s)")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--write", action="store_true", help="read the verdicts and write the library")
    parser.add_argument("--into", type=Path, help="where to write it (default: the model folder)")
    args = parser.parse_args(arguments)
    try:
        return _run(args)
    except MotionLCMError as error:
        print(error, file=sys.stderr)
        return 1


def _run(args: Any) -> int:
    folder = ModelFolder.open(args.model)
    file = args.out / ROWS_FILE
    if args.write:
        settings, rows = load_rows(file)
        if settings["model"] != folder.fingerprint:
            raise TrainingDataError("The verdicts are on takes of another model: draw the strips of this one.")
        library = library_of(settings, rows)
        library = replace(library, kinds=read_kinds(args.kinds, library.prompts))
        write_library(library, MotionLCM.from_folder(folder.path, "numpy"), args.into or folder.path)
        for category in library.categories:
            print(f"{category}: {len(library.of_category(category))}")
        print(f"{len(library.prompts)} prompts, {len(library.weak)} weak")
        return 0
    if importlib.util.find_spec("PIL") is None:
        raise TrainingDataError("Strips need Pillow: pip install pillow, then try again.")
    candidates = read_candidates(args.candidates)
    if args.kept_of is not None:
        wanted = {row.prompt for row in load_rows(args.kept_of)[1] if row.kept or row.weak}
        candidates = [row for row in candidates if row["prompt"] in wanted]
    args.out.mkdir(parents=True, exist_ok=True)
    rows = [
        Row(
            c["prompt"],
            c["category"],
            c["about"],
            c.get("seconds") or suggested(c["prompt"], folder),
            instead=c.get("instead", []),
        )
        for c in candidates
    ]
    draw(MotionLCM.from_folder(folder.path, args.device), rows, range(args.seeds), args.steps, args.out)
    save_rows(file, {"model": folder.fingerprint, "seeds": list(range(args.seeds)), "steps": args.steps}, rows)
    print(file)
    return 0


if __name__ == "__main__":
    sys.exit(main())
