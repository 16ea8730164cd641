"""The results in a model card: measures of visible quality first, R@3 and FID after them."""

from __future__ import annotations

import re
from pathlib import Path

from ...files.safetensors_files import write_bytes
from .report import BLIND, row_name, shown, table, target_table
from .results import Results

HEADING = "## Measured"
CARD = "README.md"
_ENERGY_ROWS = ("vae", "teacher_50", "student_1", "student_2", "student_4", "final", "lookup")
_ENERGY = {
    "lively/body_each": "lively: body", "lively/wrist_peak_each": "wrist peaks",
    "lively/ankle_peak_each": "ankle peaks", "quiet/body_each": "quiet: body", "rank_correlation": "rank correlation",
}  # fmt: skip
_TEXT_ROWS = ("real", "train", "lookup", "vae", "teacher_50", "student_1", "student_2", "student_4")


def measured(results: Results) -> str:
    """The section as Markdown, from what was measured; begins with its heading."""
    lines = [
        HEADING, "",
        "`EVALUATION.md` beside this file is `motionlcm evaluate` on the test clips; `evaluation.json` has all of it.",
        "",
    ]  # fmt: skip
    goals = target_table(results)
    lines += [*goals, ""] if goals else []
    energy = results.sections.get("energy")
    if energy is not None:
        rows = [row for row in _ENERGY_ROWS if f"{row}/all/body" in energy.figures]
        cells = [[row_name(row), *(shown(energy.figures.get(f"{row}/{key}")) for key in _ENERGY)] for row in rows]
        lines += ["Movement against captured motion of the same captions; 1 is right.", ""]
        lines += [*table(["", *_ENERGY.values()], cells), ""]
    text = results.sections.get("text")
    if text is not None:
        rows = [row for row in _TEXT_ROWS if f"{row}/r3" in text.figures]
        cells = [[row_name(row), *(shown(text.figures.get(f"{row}/{key}")) for key in ("r3", "fid"))] for row in rows]
        lines += [*table(["", "R@3", "FID"], cells), "", BLIND, ""]
    return "\n".join(lines)


def write_card(folder: Path, results: Results) -> bool:
    """Put the section into the card of a model folder, in place of the one that is there, else at its end.

    Returns False, and writes nothing, if the folder has no card. Raises ModelFolderError if the disk refuses.
    """
    file = folder / CARD
    if not file.exists():
        return False
    card, section = file.read_text("utf-8"), measured(results)
    found = re.search(rf"^{re.escape(HEADING)}$.*?(?=^## |\Z)", card, re.M | re.S)
    before, behind = (card[: found.start()], card[found.end() :]) if found else (card.rstrip() + "\n\n", "")
    card = before + section.rstrip() + "\n\n" + behind
    write_bytes(file, (card.rstrip() + "\n").encode())
    return True
