"""The results as Markdown: goals first, then measures of visible quality, at the end the usual table for text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .results import SECTIONS, Figure, Results, Section

_COLUMNS = (
    ("r1", "R@1"), ("r2", "R@2"), ("r3", "R@3"), ("fid", "FID"), ("mm_distance", "MM distance"),
    ("diversity", "Diversity"), ("multimodality", "Multimodality"),
)  # fmt: skip
_ROW_NAMES = {
    "real": "Real motion, test clips", "train": "Real motion, train clips", "lookup": "Nearest caption looked up",
    "vae": "VAE reconstruction", "student_1": "Student, 1 step", "student_2": "Student, 2 steps",
    "student_4": "Student, 4 steps", "final": "Handed over, 4 steps",
}  # fmt: skip
_TITLES = {
    "energy": "Energy and spread", "paths": "Drawn paths, and feet", "long": "Long motion", "watched": "Watched",
    "reconstruction": "Reconstruction", "text": "Text to motion", "control": "Path control", "obedience": "Obedience",
    "quality": "Motion quality", "humanml": "Text to motion, HumanML3D's protocol",
}  # fmt: skip
BLIND = (
    "R@k and FID read what kind of motion it is. They hardly see how strongly it moves (captured motion with its "
    "movement halved has R@3 0.78 for 0.80), and not at all whether feet slide or sink, whether a figure on a path "
    "faces along it, whether takes differ, or whether a long motion dies; and captions that retrieve generated motion "
    "better than captured motion only mean that what is made is the typical case. The sections above are for that."
)
_NOTES = {
    "energy": "Generated to captured, on the captioned segments of the test clips: 1 is right, below 1 is damped. "
    "`_each`: mean over segments of each one's ratio; without it: ratio of the means. quiet, medium, lively: thirds "
    "of the segments by captured body speed. body: mean speed of the joints against the pelvis; peaks: 98th "
    "percentile of the faster wrist or ankle. rank_correlation: Spearman's, of body speed. `final` is as handed "
    "over in the default number of steps, the other rows are the networks alone, `lookup` is the captured train "
    "motion with the nearest caption. spread: mean distance per joint "
    "between eight takes of a caption, by that between captured motions with the same caption.",
    "paths": "Six seconds on each path. facing: degrees between facing and travel, less the wanted 0, 180, 90 or -90. "
    "network: the network alone; final: as handed over. below_floor_share: takes with an ankle or toe more than 3 cm "
    "under the floor; drag_ends_share: takes in which a standing toe slides more than 12 cm in the first or last "
    "second. "
    "feet/free: takes of test captions without a path; feet/captured: the same of captured motion.",
    "long": "Last third to first third: 1 is right.",
    "obedience": "Shares of takes that do what the word means; style: words of `obedience_words`; lookup: the captured "
    "motion of the nearest train captions, measured in the same way.",
    "text": "R@k: share of captions whose own motion is among the k nearest of 32. FID is against all test segments "
    "and their mirror images; that of real test motion is between two halves of it, that of train clips is the floor "
    "for motion that is real. " + BLIND + " The evaluator was trained for this table on the train clips; its figures "
    "compare "
    "with each other and not with those of other data sets.",
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
        """Whether a figure is within the bound."""
        return figure.mean <= self.bound if self.at_most else figure.mean >= self.bound


TARGETS = (
    Target("watched", "right", 0.6, False, "watched prompts that are right"),
    Target("watched", "wrong", 0.15, True, "watched prompts that are wrong"),
    Target("energy", "final/lively/body_each", 0.85, False, "lively segments: body speed against captured"),
    Target("energy", "final/lively/wrist_peak_each", 0.85, False, "lively segments: wrist peaks"),
    Target("energy", "final/lively/ankle_peak_each", 0.8, False, "lively segments: ankle peaks"),
    Target("energy", "final/quiet/body_each", 1.3, True, "quiet segments: body speed"),
    Target("energy", "final/rank_correlation", 0.75, False, "rank correlation of body speed with captured"),
    Target("energy", "vae/all/body", 0.95, False, "VAE: body speed kept"),
    Target("energy", "spread/student_4/share", 0.6, False, "eight takes differ, share of captured spread"),
    Target("obedience", "left_right", 0.97, False, "left and right obeyed"),
    Target("obedience", "forward_backward", 0.97, False, "forward and backward obeyed"),
    Target("obedience", "speed", 0.97, False, "speed obeyed"),
    Target("obedience", "look_around/left_deg", 40.0, False, "looks around: head to the left, degrees"),
    Target("obedience", "look_around/right_deg", 40.0, False, "looks around: head to the right, degrees"),
    Target("long", "walk_60/travel_kept", 0.9, False, "60 s walk: last third against first"),
    Target("reconstruction", "test/mpjpe_root_mm", 30.0, True, "VAE: root-relative MPJPE on test clips, mm"),
    Target("text", "ratio/r3_train_minus_test", 0.06, True, "evaluator: R@3 on train clips less that on test clips"),
    Target("text", "ratio/r3_student_4_to_real", 0.85, False, "R@3, student 4 steps / real motion"),
    Target("text", "ratio/fid_student_4_to_teacher", 1.3, True, "FID, student 4 steps / teacher"),
    Target("text", "ratio/r3_student_4_to_teacher", 0.9, False, "R@3, student 4 steps / teacher"),
)


def markdown(results: Results) -> str:
    """The whole report; also readable as it is on a console."""
    model = results.model
    lines = [
        f"# Evaluation: {model['name']} {model.get('version') or ''}".rstrip(),
        "",
        "Mean over the repeats ± the 95 % interval of that mean. Each repeat draws captions, noise and shuffles anew; "
        "the test motions stay the same, so the intervals do not show how other test motions would score.",
        "",
        f"Weights sha256 `{model['fingerprint']}`. Everything here is in `evaluation.json` too.",
        "",
    ]
    met = target_table(results)
    if met:
        lines += ["## Goals", "", *met, ""]
    for name, section in in_order(results):
        lines += [f"## {_TITLES.get(name, name.capitalize())}", ""]
        if name in _NOTES:
            lines += [_NOTES[name], ""]
        if name in ("text", "humanml"):
            lines += [*text_table(section), ""]
        lines += [*figure_tables(section, leave_out_table=name in ("text", "humanml")), ""]
        lines += [_about(section.about), ""]
    return "\n".join(lines).rstrip() + "\n"


def in_order(results: Results) -> list[tuple[str, Section]]:
    """The sections as the report has them: what was watched, then as `results.SECTIONS` names them, then others."""
    order = ["watched", *SECTIONS]
    return sorted(results.sections.items(), key=lambda item: order.index(item[0]) if item[0] in order else len(order))


def text_table(section: Section) -> list[str]:
    """Rows and columns as in the papers."""
    rows = list(dict.fromkeys(key.split("/")[0] for key in section.figures if key.endswith("/r1")))
    cells = [[row_name(row), *(shown(section.figures.get(f"{row}/{key}")) for key, _ in _COLUMNS)] for row in rows]
    return table(["", *(title for _, title in _COLUMNS)], cells)


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
            cells = [[row, *(shown(rows[row][name]) for name in names)] for row in same]
            lines += [*table(["", *names], cells), ""]
    alone = [
        [f"{row}/{name}".lstrip("/"), shown(figure)]
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
            rows.append([target.what, bound, shown(figure), "met" if target.met(figure) else "not met"])
    return table(["Target", "Bound", "Measured", ""], rows) if rows else []


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A Markdown table whose columns line up on a console."""
    widths = [max(len(row[k]) for row in (head, *rows)) for k in range(len(head))]

    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)) + " |"

    return [line(head), "|" + "|".join("-" * (width + 2) for width in widths) + "|", *(line(row) for row in rows)]


def row_name(row: str) -> str:
    """As the tables call a row."""
    if row.startswith("teacher_"):
        return f"Teacher, {row.removeprefix('teacher_')} steps"
    return _ROW_NAMES.get(row, row)


def shown(figure: Figure | None) -> str:
    """Mean and interval, or nothing."""
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
