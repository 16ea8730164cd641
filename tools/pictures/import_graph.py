"""Draw docs/images/rooms.svg: the packages of the project as boxes, their imports as arrows, from the source.

    python tools/pictures/import_graph.py [--root FOLDER] [--output FILE] [--text | --check]

--text prints every arrow instead. --check writes nothing and ends with 1 if the picture is not up to date.
Only the standard library is needed: the source is parsed, never imported.

A box is a package of the engine, of `operators`, or a file beside them; `ui` is one box. Each box is in the lowest row
that lies above everything it imports, so all arrows point down; the Blender side lies above the engine. An arrow is
left out where a chain of others leads to the same box. Imports inside functions count; imports for annotations alone
(TYPE_CHECKING) do not. The program ends with 1 and names the packages if they import each other in a circle.
"""

from __future__ import annotations

import argparse
import ast
import itertools
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PICTURE = Path("docs") / "images" / "rooms.svg"
SPLIT = ("motionlcm_blender", "operators")
"""Folders whose packages are boxes of their own."""
WHOLE = ("ui",)
"""Folders that are one box."""
ENGINE = SPLIT[0]
COLOURS = {"ui": "#f6d8ae", "operators": "#cfe3f7", "motionlcm_blender": "#d5ecd4"}
CAPTIONS = {
    "ui": "ui: panels",
    "operators": "operators: Blender",
    "motionlcm_blender": "motionlcm_blender: the engine, no bpy",
}

Graph = dict[str, set[str]]
"""Box to the boxes that it imports."""

BOX_HEIGHT, ROW_STEP, GAP, MARGIN, LETTER, FONT_SIZE = 26.0, 66.0, 14.0, 20.0, 7.2, 12
SWEEPS = 24
"""Passes that order the boxes of each row, and place them, by their neighbours."""


class CircleFound(Exception):
    """Packages import each other in a circle."""


def modules(root: Path) -> dict[str, Path]:
    """Dotted names of all modules of the extension, with their files."""
    found = {}
    for folder in (*SPLIT, *WHOLE):
        for path in sorted((root / folder).rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def box_of(module: str) -> str | None:
    """The box that a module lies in; None for what draws no box: the `__init__` of a folder that is split."""
    parts = module.split(".")
    if parts[0] in WHOLE:
        return parts[0]
    return ".".join(parts[:2]) if len(parts) > 1 and parts[1] != "__main__" else None


def imported(path: Path, module: str, known: Iterable[str]) -> Iterator[str]:
    """Modules of the extension that a file imports."""
    known = set(known)
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in _counted(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom):
            parent = package.split(".")
            # The extension's root has no name of its own: an import that climbs above a folder starts from it.
            start = parent[: max(len(parent) - node.level + 1, 0)] if node.level else []
            base = ".".join([*start, *(node.module.split(".") if node.module else [])])
            for alias in node.names:
                deeper = f"{base}.{alias.name}" if base else alias.name
                if deeper in known:
                    yield deeper
                elif base in known:
                    yield base


def _counted(node: ast.AST) -> Iterator[ast.AST]:
    """All nodes outside of `if TYPE_CHECKING`."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING"):
            continue
        yield child
        yield from _counted(child)


def import_graph(root: Path) -> Graph:
    """The boxes and what each of them imports."""
    found = modules(root)
    graph: Graph = {}
    for module, path in found.items():
        box = box_of(module)
        if box is None:
            continue
        others = graph.setdefault(box, set())
        for target in imported(path, module, found):
            other = box_of(target)
            if other is not None and other != box:
                others.add(other)
    return graph


def rows_of(graph: Graph) -> dict[str, int]:
    """The row of each box, 0 at the bottom. Raises CircleFound."""
    rows: dict[str, int] = {}
    open_boxes: list[str] = []
    lowest = 0

    def row(box: str) -> int:
        if box in open_boxes:
            raise CircleFound(" -> ".join([*open_boxes[open_boxes.index(box) :], box]))
        if box not in rows:
            open_boxes.append(box)
            rows[box] = max([lowest, *(1 + row(other) for other in sorted(graph[box]))])
            open_boxes.pop()
        return rows[box]

    engine = [box for box in sorted(graph) if box.split(".")[0] == ENGINE]
    for box in engine:
        row(box)
    lowest = 1 + max((rows[box] for box in engine), default=-1)
    for box in sorted(graph):
        row(box)
    return rows


def without_shortcuts(graph: Graph, rows: dict[str, int]) -> Graph:
    """The arrows that no chain of other arrows replaces."""
    reached: Graph = {}
    for box in sorted(graph, key=lambda name: rows[name]):
        reached[box] = set(graph[box]).union(*(reached[other] for other in graph[box]))
    return {
        box: {other for other in others if not any(other in reached[between] for between in others - {other})}
        for box, others in graph.items()
    }


@dataclass
class Place:
    """Where a box, or a bend of an arrow that passes a row, lies. x: its centre. name: of the box, or None."""

    row: int
    width: float
    name: str | None = None
    x: float = 0.0


class Layout:
    """Boxes in rows. Arrows that pass a row get a bend there, so that they do not cross boxes."""

    def __init__(self, arrows: Graph, rows: dict[str, int]) -> None:
        self.places = {box: Place(row, len(label(box)) * LETTER + 18.0, box) for box, row in sorted(rows.items())}
        self.chains: list[list[Place]] = []
        for box in sorted(arrows):
            for other in sorted(arrows[box], key=lambda name: (rows[name], name)):
                bends = [Place(row, 4.0) for row in range(rows[box] - 1, rows[other], -1)]
                self.chains.append([self.places[box], *bends, self.places[other]])
        self.rows: list[list[Place]] = [[] for _ in range(max(rows.values(), default=0) + 1)]
        for place in self.places.values():
            self.rows[place.row].append(place)
        for chain in self.chains:
            for place in chain[1:-1]:
                self.rows[place.row].append(place)
        self._above: dict[int, list[Place]] = {}
        self._below: dict[int, list[Place]] = {}
        for chain in self.chains:
            for high, low in itertools.pairwise(chain):
                self._below.setdefault(id(high), []).append(low)
                self._above.setdefault(id(low), []).append(high)
        self._arrange()

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of the picture."""
        width = max(place.x + place.width / 2 for row in self.rows for place in row) + MARGIN
        return width, len(self.rows) * ROW_STEP + 2 * MARGIN + 20.0

    def y(self, place: Place) -> float:
        """The middle of a place's row, measured from the top."""
        return MARGIN + (len(self.rows) - 1 - place.row) * ROW_STEP + BOX_HEIGHT / 2

    def _arrange(self) -> None:
        for row in self.rows:
            _spread(row, [0.0] * len(row))
        for sweep in range(SWEEPS):
            order = self.rows if sweep % 2 else self.rows[::-1]
            for row in order:
                beside = self._below if sweep % 2 else self._above
                wanted = [self._middle(place, beside) for place in row]
                ranked = sorted(range(len(row)), key=lambda k: wanted[k])
                row[:] = [row[k] for k in ranked]
                _spread(row, [wanted[k] for k in ranked])
        left = min(place.x - place.width / 2 for row in self.rows for place in row)
        for place in (place for row in self.rows for place in row):
            place.x += MARGIN - left

    @staticmethod
    def _middle(place: Place, beside: dict[int, list[Place]]) -> float:
        neighbours = beside.get(id(place), [])
        return sum(other.x for other in neighbours) / len(neighbours) if neighbours else place.x


def _spread(row: list[Place], wanted: list[float]) -> None:
    """Place a row's members in their order, near where they are wanted, without overlap."""
    lefts: list[float] = []
    at = -1e9
    for place, x in zip(row, wanted, strict=True):
        at = max(at, x - place.width / 2)
        lefts.append(at)
        at += place.width + GAP
    # The pass from the left pushes crowded members to the right; the same from the right, and the mean of both.
    at = 1e9
    for k in range(len(row) - 1, -1, -1):
        at = min(at, wanted[k] + row[k].width / 2)
        right = at
        at -= row[k].width + GAP
        row[k].x = 0.5 * (lefts[k] + row[k].width / 2 + right - row[k].width / 2)


def label(box: str) -> str:
    """What stands in a box: without the folder, which the colour shows."""
    return box.partition(".")[2] or box


def documentation(root: Path, box: str) -> str:
    """The first paragraph of a package's docstring."""
    folder = root.joinpath(*box.split("."))
    file = folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")
    text = ast.get_docstring(ast.parse(file.read_text("utf-8"))) or ""
    return " ".join(text.partition("\n\n")[0].split())


def picture(root: Path) -> str:
    """The picture as SVG. Raises CircleFound."""
    graph = import_graph(root)
    rows = rows_of(graph)
    layout = Layout(without_shortcuts(graph, rows), rows)
    width, height = layout.size
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'font-family="sans-serif" font-size="{FONT_SIZE}">',
        "<title>Packages of MotionLCM for Blender and their imports</title>",
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
        'orient="auto"><path d="M0,0 L8,4 L0,8 z" fill="#555"/></marker></defs>',
        f'<rect width="{width:.0f}" height="{height:.0f}" fill="#ffffff"/>',
    ]
    lines += [_arrow(layout, chain) for chain in layout.chains]
    lines += [_box(layout, place, documentation(root, box)) for box, place in layout.places.items()]
    lines += [*_legend(height), "</svg>", ""]
    return "\n".join(lines)


def _arrow(layout: Layout, chain: list[Place]) -> str:
    points = [(place.x, layout.y(place)) for place in chain]
    points[0] = points[0][0], points[0][1] + BOX_HEIGHT / 2
    points[-1] = points[-1][0], points[-1][1] - BOX_HEIGHT / 2
    path = f"M{points[0][0]:.1f},{points[0][1]:.1f}"
    for (x0, y0), (x1, y1) in itertools.pairwise(points):
        middle = 0.5 * (y0 + y1)
        path += f" C{x0:.1f},{middle:.1f} {x1:.1f},{middle:.1f} {x1:.1f},{y1:.1f}"
    return f'<path d="{path}" fill="none" stroke="#777" stroke-width="1" marker-end="url(#tip)"/>'


def _box(layout: Layout, place: Place, text: str) -> str:
    assert place.name is not None
    x, y = place.x - place.width / 2, layout.y(place) - BOX_HEIGHT / 2
    colour = COLOURS[place.name.split(".")[0]]
    return (
        f"<g><title>{escape(place.name)}: {escape(text)}</title>"
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{place.width:.1f}" height="{BOX_HEIGHT:.0f}" rx="4" '
        f'fill="{colour}" stroke="#666"/>'
        f'<text x="{place.x:.1f}" y="{y + 17:.1f}" text-anchor="middle">{escape(label(place.name))}</text></g>'
    )


def _legend(height: float) -> Iterator[str]:
    x = MARGIN
    for folder, text in CAPTIONS.items():
        yield f'<rect x="{x:.0f}" y="{height - 24:.0f}" width="14" height="14" fill="{COLOURS[folder]}" stroke="#666"/>'
        yield f'<text x="{x + 20:.0f}" y="{height - 12:.0f}">{escape(text)}</text>'
        x += 20 + len(text) * LETTER + 24


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, default=ROOT, help="the checkout to read; default: this one")
    parser.add_argument("--output", type=Path, help=f"default: {PICTURE} in the checkout")
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--text", action="store_true", help="print every arrow, draw nothing")
    kind.add_argument("--check", action="store_true", help="end with 1 if the picture is not up to date")
    arguments = parser.parse_args()
    root = arguments.root.resolve()
    output = arguments.output or root / PICTURE
    try:
        if arguments.text:
            for box, others in sorted(import_graph(root).items()):
                print(f"{box}: {', '.join(sorted(others)) or '-'}")
            return 0
        drawn = picture(root)
    except CircleFound as circle:
        print(f"These packages import each other in a circle: {circle}", file=sys.stderr)
        return 1
    if arguments.check:
        fresh = output.is_file() and output.read_text("utf-8") == drawn
        if not fresh:
            print(f"{output.name} is not up to date: run this program without --check.", file=sys.stderr)
        return 0 if fresh else 1
    output.write_text(drawn, "utf-8")
    print(f"Written: {output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
