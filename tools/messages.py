"""All texts of the extension that Blender can translate: as a PO template, as JSON, or what a language lacks.

    python tools/messages.py                 the template, to be given to translators
    python tools/messages.py --json
    python tools/messages.py --missing de    entries to add to ui/translations_de.py, and stale ones

Read from the source alone, so no Blender is needed. Found are labels and tooltips of classes and properties, texts that
panels draw, texts in `iface_()` and `rpt_()`, and the words a running job shows. Sentences of the engine when
something cannot be done stay English.
"""

from __future__ import annotations

import argparse
import ast
import importlib.util
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DEFAULT, OPERATOR, OWN = "*", "Operator", "MotionLCM"
"""Blender's contexts: operators have one of their own. OWN: of properties whose label Blender translates in another
sense ("Facing"): its own translations have priority over those of an add-on."""
KINDS = {OPERATOR: "OPERATORS", OWN: "OWN"}
"""By the context, the dictionary of a table that holds its messages."""
TABLES = {"de": ROOT / "ui" / "translations_de.py"}
DRAWN = {
    "label": DEFAULT, "prop": DEFAULT, "menu": DEFAULT, "progress": DEFAULT, "operator": OPERATOR,
    "operator_menu_enum": OPERATOR,
}  # fmt: skip
"""Functions of a layout that draw a text, and the context Blender looks it up in."""
TRANSLATING = ("iface_", "rpt_")
WORKING = ("progress", "on_progress", "stage")
"""Names of functions that report the stage of a job."""
HELPERS = {"value_row": 1}
"""Functions of ours that draw one of their arguments as a label."""
SENTENCES = ("LICENCE", "EXPLANATION")
"""Constants whose texts are drawn."""
WORDS_OF = (
    "generation/pipeline.py", "generation/motion_model.py", "generation/long_motion.py", "importing/archives.py",
    "importing/downloads.py", "importing/model_import.py", "torch_install/install.py", "generation_worker.py",
    "job_queue.py", "background_task.py", "official_model.py", "torch_installation.py",
)  # fmt: skip
"""Modules that call these functions."""


@dataclass(frozen=True, order=True)
class Message:
    """context: Blender's. tooltip: whether it is one; else it is a label or another short text."""

    context: str
    text: str
    tooltip: bool = False


def messages() -> dict[Message, list[str]]:
    """Every message, with the places it is at. Raises SystemExit, naming the place, for text that cannot be found."""
    found: dict[Message, list[str]] = {}
    rooms = [path for room in ("operators", "ui") for path in sorted((ROOT / room).rglob("*.py"))]
    for path in rooms:
        if path in TABLES.values():
            continue
        reader = _Reader(ast.parse(path.read_text(encoding="utf-8")), path.parent.name == "ui")
        _collect(path, reader.read(), found)
        if path.name in WORDS_OF:
            _collect(path, reader.words(), found)
    for path in (ROOT / "motionlcm_blender" / name for name in WORDS_OF):
        if path.is_file():
            _collect(path, _Reader(ast.parse(path.read_text(encoding="utf-8"))).words(), found)
    # A text that is both a label and a tooltip is one entry of a table.
    labels = {(message.context, message.text) for message in found if not message.tooltip}
    for message in [m for m in found if m.tooltip and (m.context, m.text) in labels]:
        found[Message(message.context, message.text)] += found.pop(message)
    return dict(sorted(found.items()))


def _collect(path: Path, read: Iterator[tuple[Message, int]], found: dict[Message, list[str]]) -> None:
    for message, line in read:
        if any(letter.isalpha() for letter in message.text):
            found.setdefault(message, []).append(f"{path.relative_to(ROOT).as_posix()}:{line}")


class _Reader:
    """Reads one module."""

    def __init__(self, tree: ast.Module, drawing: bool = False) -> None:
        self.tree = tree
        self.drawing = drawing
        self.constants = {
            target.id: node.value
            for node in tree.body
            if isinstance(node, (ast.Assign, ast.AnnAssign))
            for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
            if isinstance(target, ast.Name)
        }

    def read(self) -> Iterator[tuple[Message, int]]:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.ClassDef):
                yield from self._class(node)
            elif isinstance(node, ast.Call):
                yield from self._call(node)
        for name in SENTENCES:
            yield from ((Message(DEFAULT, text), line) for text, line in _texts(self.constants.get(name)))

    def words(self) -> Iterator[tuple[Message, int]]:
        for node in ast.walk(self.tree):
            if not isinstance(node, ast.Call):
                continue
            if isinstance(node.func, ast.Name) and node.func.id in WORKING and len(node.args) == 2:
                yield from ((Message(DEFAULT, text), line) for text, line in _texts(node.args[1]))
            for keyword in node.keywords:
                if keyword.arg == "stage":
                    yield from ((Message(DEFAULT, text), line) for text, line in _texts(keyword.value))

    def _class(self, node: ast.ClassDef) -> Iterator[tuple[Message, int]]:
        operator = any(isinstance(base, ast.Attribute) and base.attr == "Operator" for base in node.bases)
        for statement in node.body:
            if not isinstance(statement, ast.Assign):
                continue
            name = statement.targets[0]
            if isinstance(name, ast.Name) and name.id == "bl_label":
                context = OPERATOR if operator else DEFAULT
                yield from ((Message(context, text), line) for text, line in _texts(statement.value))
        tooltip = ast.get_docstring(node)
        if operator and tooltip:
            yield Message(DEFAULT, tooltip, True), node.lineno

    def _call(self, node: ast.Call) -> Iterator[tuple[Message, int]]:
        given = {keyword.arg: keyword.value for keyword in node.keywords if keyword.arg}
        if isinstance(node.func, ast.Attribute):
            name = node.func.attr
            if name.endswith("Property") and isinstance(node.func.value, ast.Attribute):
                yield from self._property(given)
            elif name in DRAWN and not _is_false(given.get("translate")):
                for key, context in (("text", DRAWN[name]), ("placeholder", DEFAULT)):
                    if _composed(given.get(key)):
                        raise SystemExit(f"Line {node.lineno} draws composed text: put it into iface_() and format it.")
                    yield from ((Message(context, text), line) for text, line in _texts(given.get(key)))
        elif isinstance(node.func, ast.Name):
            at = 0 if node.func.id in TRANSLATING else HELPERS.get(node.func.id, -1)
            if 0 <= at < len(node.args) and (at == 0 or self.drawing):
                yield from ((Message(DEFAULT, text), line) for text, line in _texts(node.args[at]))

    def _property(self, given: dict[str, ast.expr]) -> Iterator[tuple[Message, int]]:
        options = given.get("options")
        if options is not None and any(text == "HIDDEN" for text, _ in _texts(options)):
            return
        context = next((text for text, _ in _texts(given.get("translation_context"))), DEFAULT)
        yield from ((Message(context, text), line) for text, line in _texts(given.get("name")))
        described = given.get("description")
        if isinstance(described, ast.Name):
            described = self.constants.get(described.id)
        yield from ((Message(DEFAULT, text, True), line) for text, line in _texts(described))
        items = given.get("items")
        if isinstance(items, ast.Name):
            items = self.constants.get(items.id)
        if isinstance(items, (ast.Tuple, ast.List)):
            for item in items.elts:
                if isinstance(item, ast.Tuple):
                    yield from ((Message(context, text), line) for text, line in _texts(item.elts[1]))
                    yield from ((Message(DEFAULT, text, True), line) for text, line in _texts(item.elts[2]))


def _texts(node: ast.expr | None) -> Iterator[tuple[str, int]]:
    """The texts an expression may be: itself, either side of a choice, or each of a tuple or set."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value, node.lineno
    elif isinstance(node, ast.IfExp):
        yield from _texts(node.body)
        yield from _texts(node.orelse)
    elif isinstance(node, (ast.Tuple, ast.Set)):
        for each in node.elts:
            yield from _texts(each)


def _composed(node: ast.expr | None) -> bool:
    if isinstance(node, ast.IfExp):
        return _composed(node.body) or _composed(node.orelse)
    return isinstance(node, ast.JoinedStr)


def _is_false(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is False


def table(language: str) -> dict[tuple[str, str], str]:
    """The translations of a language."""
    spec = importlib.util.spec_from_file_location(f"table_{language}", TABLES[language])
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: dict[tuple[str, str], str] = module.MESSAGES
    return found


def missing_and_stale(language: str) -> tuple[list[Message], list[tuple[str, str]]]:
    """Messages a language has no translation for, and translations of messages that are no more."""
    found, translated = messages(), table(language)
    known = {(message.context, message.text) for message in found}
    missing = [message for message in found if (message.context, message.text) not in translated]
    return missing, [key for key in translated if key not in known]


def _kind(message: Message) -> str:
    """Which dictionary of a table holds it."""
    if message.context in KINDS:
        return KINDS[message.context]
    return "TOOLTIPS" if message.tooltip else "LABELS"


def template() -> str:
    """A PO template."""
    lines = ['msgid ""', 'msgstr ""', '"Content-Type: text/plain; charset=UTF-8\\n"', ""]
    for message, places in messages().items():
        lines += [f"#: {' '.join(places)}", f"msgctxt {json.dumps(message.context, ensure_ascii=False)}"]
        lines += [f"msgid {json.dumps(message.text, ensure_ascii=False)}", 'msgstr ""', ""]
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="as JSON instead of a PO template")
    parser.add_argument("--missing", choices=sorted(TABLES), help="what this language lacks, as lines for its table")
    args = parser.parse_args()
    if args.missing:
        missing, stale = missing_and_stale(args.missing)
        for kind in (*KINDS.values(), "LABELS", "TOOLTIPS"):
            texts = [json.dumps(message.text, ensure_ascii=False) for message in missing if _kind(message) == kind]
            print("\n".join([kind, *(f'    {text}: "",' for text in texts)]))
        for key in stale:
            print(f"stale: {key}")
        return 1 if missing or stale else 0
    if args.json:
        entries = [
            {"context": message.context, "text": message.text, "tooltip": message.tooltip, "places": places}
            for message, places in messages().items()
        ]
        print(json.dumps(entries, indent=1, ensure_ascii=False))
    else:
        print(template())
    return 0


if __name__ == "__main__":
    sys.exit(main())
