"""The watched list: prompts that a person judges on strips, and the verdicts.

`watched_prompts.json` holds the prompts, none of them a caption of the training data. `watch_strips` draws the takes
and writes judgements.json with an empty verdict for each prompt; once those are filled in, `tally` makes the report's
section.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from ...errors import TrainingDataError
from ...files.safetensors_files import write_bytes
from .results import Figure, Section

FRESH = ("fresh", "second fresh", "third fresh", "fourth fresh", "fifth fresh")
"""Groups of prompts that are counted apart; "fresh: " begins the kinds of the first. The first group was written after
the captions got other words (`caption_variations`), the second after the synthesized gestures (`gesture_synthesis`),
the third after gestures were performed on the sampled motion (`gestures`), the fourth after prompts were rewritten and
actions made in turn (`rewrites.toml`, `action_sequence`), the fifth after the noise followed the prompt
(`caption_liveliness`), each without a look at those."""
LISTS = ("watched", *FRESH)
PROMPT_FILES = tuple(Path(__file__).with_name(f"{name.replace(' ', '_')}_prompts.json") for name in LISTS)
JUDGEMENTS, PAGE = "judgements.json", "WATCHED.md"
VERDICTS = ("right", "partly", "wrong")


@dataclass(frozen=True)
class Watched:
    """prompt; kind of action; seconds a person would give it; right: description of a right motion, in one clause."""

    prompt: str
    kind: str
    seconds: float
    right: str


@dataclass(frozen=True)
class Judgement:
    """verdict: one of `VERDICTS`, or "" before anybody has watched; reason: what the watcher saw."""

    prompt: str
    verdict: str = ""
    reason: str = ""


def watched_prompts() -> list[Watched]:
    """The whole list, by kind; the fresh prompts are last."""
    return [Watched(**row) for file in PROMPT_FILES for row in json.loads(file.read_text("utf-8"))]


def fresh_group(prompt: Watched) -> str | None:
    """The group of `FRESH` that a prompt belongs to."""
    return next((group for group in FRESH if prompt.kind.startswith(f"{group}: ")), None)


def write_blank(folder: Path, prompts: Sequence[Watched]) -> Path:
    """judgements.json with empty verdicts; verdicts that are there already are kept. Raises TrainingDataError."""
    file = folder / JUDGEMENTS
    known = {j.prompt: j for j in load_judgements(file)} if file.exists() else {}
    rows = [asdict(known.get(p.prompt, Judgement(p.prompt))) for p in prompts]
    text = "[\n" + ",\n".join("  " + json.dumps(row) for row in rows) + "\n]\n"
    write_bytes(file, text.encode())
    return file


def load_judgements(file: Path) -> list[Judgement]:
    """Raises TrainingDataError if the file is missing or holds another verdict."""
    try:
        found = [Judgement(**row) for row in json.loads(file.read_text("utf-8"))]
    except (OSError, ValueError, TypeError) as error:
        raise TrainingDataError(f"{file.name} holds no judgements.") from error
    for judgement in found:
        if judgement.verdict not in ("", *VERDICTS):
            raise TrainingDataError(
                f'{file.name}: the verdict on "{judgement.prompt}" must be {", ".join(VERDICTS)}, '
                f'not "{judgement.verdict}".'
            )
    return found


def tally(judgements: Sequence[Judgement], seeds: int) -> Section:
    """Shares of the prompts judged that are right, partly right and wrong, and of the fresh ones among them.

    Raises TrainingDataError if none is judged.
    """
    groups = {prompt.prompt: fresh_group(prompt) for prompt in watched_prompts()}
    judged = [j for j in judgements if j.verdict]
    if not judged:
        raise TrainingDataError("No prompt has been judged yet.")
    figures = _shares("", judged)
    for group in FRESH:
        figures |= _shares(f"{group}/", [j for j in judged if groups.get(j.prompt) == group])
    count = len(judged)
    return Section(figures, {"prompts": count, "seeds": seeds, "repeats": 1})


def _shares(prefix: str, judged: Sequence[Judgement]) -> dict[str, Figure]:
    verdicts = Counter(j.verdict for j in judged)
    return {prefix + v: Figure(verdicts[v] / len(judged), None, 1) for v in VERDICTS} if judged else {}


def _counted(judged: Iterable[Judgement]) -> str:
    counts = Counter(j.verdict for j in judged)
    return ", ".join(f"{counts[verdict]} {verdict}" for verdict in VERDICTS)


def page(judgements: Sequence[Judgement], prompts: Sequence[Watched]) -> str:
    """WATCHED.md: a line for each prompt that was judged, by kind, and the counts."""
    by_prompt = {j.prompt: j for j in judgements if j.verdict}
    lines = [
        "# Watched", "",
        "Prompts from outside the training captions, watched as strips (`watch_strips`), judged by the prompt.",
        "", f"Of {len(by_prompt)}: {_counted(by_prompt.values())}.",
    ]  # fmt: skip
    for group in FRESH:
        fresh = [by_prompt[p.prompt] for p in prompts if fresh_group(p) == group and p.prompt in by_prompt]
        if fresh:
            lines += ["", f"Of the {len(fresh)} {group} ones among them: {_counted(fresh)}."]
    for kind in dict.fromkeys(p.kind for p in prompts):
        rows = [by_prompt[p.prompt] for p in prompts if p.kind == kind and p.prompt in by_prompt]
        if rows:
            lines += ["", f"## {kind.capitalize()}", ""]
            lines += [f"- *{row.prompt}*: **{row.verdict}**. {row.reason}".rstrip() for row in rows]
    return "\n".join(lines) + "\n"
