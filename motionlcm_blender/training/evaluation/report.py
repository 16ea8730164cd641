"""The results as Markdown: the usual table for text, plain lists for the rest, and the targets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .results import Figure, Results, Section

_COLUMNS = (
    ("r1", "R@1"), ("r2", "R@2"), ("r3", "R@3"), ("fid", "FID"), ("mm_distance", "MM distance"),
    ("diversity", "Diversity"), ("multimodality", "Multimodality"),
)  # fmt: skip
_ROW_NAMES = {
    "real": "Real motion", "vae": "VAE reconstruction", "student_1": "Student, 1 step", "student_2": "Student, 2 steps",
    "student_4": "Student, 4 steps",
}  # fmt: skip
_TITLES = {
    "reconstruction": "Reconstruction", "text": "Text to motion", "control": "Path control", "obedience": "Obedience",
    "quality": "Motion quality", "humanml": "Text to motion, HumanML3D's protocol",
}  # fmt: skip
_NOTES = {
    "text": "R@k: share of captions whose own motion is among the k nearest of 32. FID of real motion is its floor: "
    "the distance between two halves of it (half the samples, so a model can be below it). The evaluator was trained "
    "for this table on the train clips; its figures compare with each other and not with those of other data sets.",
    "humanml": "Groups of 32, diversity over 300 pairs, HumanML3D's published evaluator networks.",
    "reconstruction": "Whole clips, cut at 196 frames. mpjpe_root: the pelvis of each frame taken off on both sides.",
}


@dataclass(frozen=True)
class Target:
    """section and key of a figure; bound: what it should reach; at_most: whether less is better; what: in words."""

    section: str
    key: str
    bound: float
    at_most: bool
    what: str

    def met(self, figure: Figure) -> bool:
        return figure.mean <= self.bound if self.at_most else figure.mean >= self.bound


TARGETS = (
    Target("text", "ratio/r3_student_1_to_real", 0.85, False, "R@3, student 1 step / real motion"),
    Target("text", "ratio/fid_student_1_to_teacher", 1.3, True, "FID, student 1 step / teacher"),
    Target("text", "ratio/r3_student_1_to_teacher", 0.9, False, "R@3, student 1 step / teacher"),
)


def markdown(results: Results) -> str:
    """The whole report; also readable as it is on a console."""
    model = results.model
    lines = [
        f"# Evaluation: {model['name']} {model.get('version') or ''}".rstrip(),
        "",
        "Mean over the repeats ± the 95 % interval of that mean. Each repeat draws captions, noise and shuffles anew; "
        "the test motions stay the same, so the intervals do not tell how other test motions would score.",
        "",
        f"Weights sha256 `{model['fingerprint']}`. Everything here is in `evaluation.json` too.",
        "",
    ]
    for name, section in results.sections.items():
        lines += [f"## {_TITLES.get(name, name.capitalize())}", ""]
        if name in _NOTES:
            lines += [_NOTES[name], ""]
        if name in ("text", "humanml"):
            lines += [*text_table(section), ""]
        lines += [*figure_tables(section, leave_out_table=name in ("text", "humanml")), ""]
        lines += [_about(section.about), ""]
    met = target_table(results)
    if met:
        lines += ["## Targets", "", *met, ""]
    return "\n".join(lines).rstrip() + "\n"


def text_table(section: Section) -> list[str]:
    """Rows and columns as in the papers."""
    rows = list(dict.fromkeys(key.split("/")[0] for key in section.figures if key.endswith("/r1")))
    shown = [[_row_name(row), *(_shown(section.figures.get(f"{row}/{key}")) for key, _ in _COLUMNS)] for row in rows]
    return table(["", *(title for _, title in _COLUMNS)], shown)


def figure_tables(section: Section, leave_out_table: bool = False) -> list[str]:
    """The other figures: those of one kind ("a/fid", "b/fid") as rows of one table, the rest one by one."""
    columns = {key for key, _ in _COLUMNS} if leave_out_table else set()
    rows: dict[str, dict[str, Figure]] = {}
    for key, figure in section.figures.items():
        row, _, name = key.rpartition("/")
        if not (row and name in columns):
            rows.setdefault(row, {})[name] = figure
    kinds: dict[tuple[str, ...], list[str]] = {}
    for row, figures in rows.items():
        kinds.setdefault(tuple(sorted(figures)), []).append(row)
    single = [row for same in kinds.values() if len(same) == 1 for row in same]
    lines: list[str] = []
    for same in kinds.values():
        if len(same) > 1:
            names = list(rows[same[0]])
            shown = [[row, *(_shown(rows[row][name]) for name in names)] for row in same]
            lines += [*table(["", *names], shown), ""]
    alone = [
        [f"{row}/{name}".lstrip("/"), _shown(figure)]
        for row in rows
        if row in single
        for name, figure in rows[row].items()
    ]
    return [*lines, *table(["Figure", "Mean"], alone)] if alone else lines[:-1]


def target_table(results: Results) -> list[str]:
    """Each target whose figure is there: bound, figure, met or not."""
    rows = []
    for target in TARGETS:
        figure = (
            results.sections[target.section].figures.get(target.key) if target.section in results.sections else None
        )
        if figure is not None:
            bound = f"{'at most' if target.at_most else 'at least'} {target.bound:g}"
            rows.append([target.what, bound, _shown(figure), "met" if target.met(figure) else "not met"])
    return table(["Target", "Bound", "Measured", ""], rows) if rows else []


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A Markdown table whose columns line up on a console."""
    widths = [max(len(row[k]) for row in (head, *rows)) for k in range(len(head))]

    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)) + " |"

    return [line(head), "|" + "|".join("-" * (width + 2) for width in widths) + "|", *(line(row) for row in rows)]


def _row_name(row: str) -> str:
    if row.startswith("teacher_"):
        return f"Teacher, {row.removeprefix('teacher_')} steps"
    return _ROW_NAMES.get(row, row)


def _shown(figure: Figure | None) -> str:
    if figure is None:
        return ""
    mean = _number(figure.mean)
    return mean if figure.interval is None else f"{mean} ± {_number(figure.interval)}"


def _number(value: float) -> str:
    if value == 0:
        return "0"
    return f"{value:.1f}" if abs(value) >= 100 else f"{value:.2f}" if abs(value) >= 10 else f"{value:.3f}"


def _about(about: dict[str, Any]) -> str:
    """When, how often and where; the rest is in the JSON."""
    machine = about.get("machine", {})
    where = ", ".join(str(machine[k]) for k in ("cpu", "system") if machine.get(k))
    return f"{about.get('repeats', '?')} repeats, {about.get('seconds', 0):.0f} s, {about.get('date', '')}, {where}."
