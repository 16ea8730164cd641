"""Strips of the watched prompts, to be judged by eye.

    python -m motionlcm_blender.training.evaluation.watch_strips MODEL --out FOLDER [--seeds 2] [--kinds turns,idle]
    python -m motionlcm_blender.training.evaluation.watch_strips MODEL --out FOLDER --tally

The first draws watched_01.png .. with eight prompts a page, the takes of a prompt side by side, and judgements.json
with a verdict to fill in for each ("right", "partly" or "wrong", and a reason). The second reads the verdicts, writes
WATCHED.md and puts their shares into evaluation.json and EVALUATION.md. Needs Pillow.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import MotionLCMError, TrainingDataError
from ...files.safetensors_files import write_bytes
from ...generation.pipeline import MotionLCM
from ...generation.request import DEFAULT_STEPS, Request
from ...motion.skeleton import FPS
from ...networks.model_folder import ModelFolder
from . import watched
from .obedience_words import head_turns
from .results import FIGURES, REPORT
from .watched import Watched

if TYPE_CHECKING:
    from PIL import Image

WIDTH, TAKE_HEIGHT, CAPTION, ROWS = 1720, 158, 20, 8
"""Pixels, and prompts on a page."""
POSES = 8
SETTINGS = "watched.json"


def draw_prompt(model: MotionLCM, prompt: Watched, seeds: Sequence[int], steps: int) -> Image.Image:
    """The caption and the takes of one prompt, two side by side."""
    from PIL import Image, ImageDraw

    from .pose_pictures import INK, MIDDLE, PAPER, draw_take, font

    shortest, longest = model.folder.frames if model.folder is not None else (1, 196)
    frames = int(np.clip(round(prompt.seconds * FPS), shortest, longest))
    lines = -(-len(seeds) // 2)
    image = Image.new("RGB", (WIDTH, CAPTION + lines * TAKE_HEIGHT), PAPER)
    pen = ImageDraw.Draw(image)
    pen.text((6, 3), prompt.prompt, fill=INK, font=font(14))
    pen.text((WIDTH * 0.36, 5), f"{prompt.seconds:g} s. Right: {prompt.right}", fill=MIDDLE, font=font(12))
    for number, seed in enumerate(seeds):
        motion = model.generate(Request(prompt.prompt, frames, seed=seed, steps=steps))[0]
        take = draw_take(motion.joints, (WIDTH // 2 - 8, TAKE_HEIGHT), POSES, head_turns(motion))
        image.paste(take, ((number % 2) * WIDTH // 2 + 4, CAPTION + (number // 2) * TAKE_HEIGHT))
    return image


def pages(model: MotionLCM, prompts: Sequence[Watched], seeds: Sequence[int], steps: int, out: Path) -> list[Path]:
    """Draw all prompts, `ROWS` on a page. Returns the files."""
    from PIL import Image

    from .pose_pictures import PAPER

    files = []
    for number, first in enumerate(range(0, len(prompts), ROWS), start=1):
        rows = [draw_prompt(model, prompt, seeds, steps) for prompt in prompts[first : first + ROWS]]
        sheet = Image.new("RGB", (WIDTH, sum(row.height for row in rows)), PAPER)
        top = 0
        for row in rows:
            sheet.paste(row, (0, top))
            top += row.height
        file = out / f"watched_{number:02d}.png"
        temporary = file.with_name(f".{file.name}.part.png")
        sheet.save(temporary, optimize=True)
        temporary.replace(file)
        files.append(file)
    return files


def tally(folder: ModelFolder, out: Path) -> str:
    """WATCHED.md and the section `watched` from the verdicts in `out`, into `out`; returns the page."""
    from .evaluate import earlier_results
    from .report import markdown

    judgements = watched.load_judgements(out / watched.JUDGEMENTS)
    settings = json.loads((out / SETTINGS).read_text("utf-8")) if (out / SETTINGS).exists() else {}
    section = watched.tally(judgements, len(settings.get("seeds", ())))
    results = earlier_results(out / FIGURES, folder).with_section("watched", section)
    results.save(out / FIGURES)
    write_bytes(out / REPORT, markdown(results).encode())
    text = watched.page(judgements, watched.watched_prompts())
    write_bytes(out / watched.PAGE, text.encode())
    return text


def main(arguments: Sequence[str] | None = None) -> int:
    """0, or 1 with a sentence on what is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", type=Path, help="a model folder (default: bundled)")
    parser.add_argument("--out", type=Path, required=True, help="folder for strips and verdicts")
    parser.add_argument("--seeds", type=int, default=2, help="takes of each prompt (default %(default)s)")
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument(
        "--steps", type=int, default=DEFAULT_STEPS, help="sampler steps: 1, 2 or 4 (default %(default)s)"
    )
    parser.add_argument("--kinds", help="only these kinds of prompts, by the beginnings of their names")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--tally", action="store_true", help="read the verdicts instead of drawing")
    args = parser.parse_args(arguments)
    try:
        return _run(args)
    except MotionLCMError as error:
        print(error, file=sys.stderr)
        return 1


def _run(args: Any) -> int:
    folder = ModelFolder.open(args.model)
    if args.tally:
        print(tally(folder, args.out), end="")
        return 0
    if importlib.util.find_spec("PIL") is None:
        raise TrainingDataError("Strips need Pillow: pip install pillow, then try again.")
    kinds = tuple(k.strip() for k in args.kinds.split(",")) if args.kinds else ("",)
    prompts = [p for p in watched.watched_prompts() if p.kind.startswith(kinds)]
    if not prompts:
        raise TrainingDataError(f"No watched prompt is of the kind {args.kinds}.")
    args.out.mkdir(parents=True, exist_ok=True)
    model = MotionLCM.from_folder(folder.path, args.device)
    seeds = range(args.first_seed, args.first_seed + args.seeds)
    for file in pages(model, prompts, seeds, args.steps, args.out):
        print(file)
    settings = {"model": folder.fingerprint, "seeds": list(seeds), "steps": args.steps}
    write_bytes(args.out / SETTINGS, (json.dumps(settings) + "\n").encode())
    print(watched.write_blank(args.out, watched.watched_prompts()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
