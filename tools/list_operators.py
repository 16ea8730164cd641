"""The extension's operators and settings as tables in docs/PYTHON.md.

    python tools/list_operators.py [--check]

Run it with the Python of one of tools/blender_environments.py's environments. --check writes nothing and ends with 1 if
the document is not up to date.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import bpy

sys.path.insert(0, str(Path(__file__).resolve().parent))

from checkout_extension import ROOT, part

DOCUMENT = ROOT / "docs" / "PYTHON.md"
OPERATORS, SETTINGS, SHOT = "operators", "settings", "shot"


def value_of(prop: Any) -> str:
    """What a property may be, and what it is by default, in a few words."""
    if prop.type == "BOOLEAN":
        return "True" if prop.default else "False"
    if prop.type == "ENUM":
        names = ", ".join(f"`{item.identifier}`" for item in prop.enum_items)
        return f"{names}; default `{prop.default}`" if prop.default else names
    if prop.type in ("INT", "FLOAT"):
        limits = "" if abs(prop.hard_min) > 1e6 else f", from {prop.hard_min:g}"
        limits += "" if abs(prop.hard_max) > 1e6 else f" to {prop.hard_max:g}"
        return f"{prop.default:g}{limits}"
    if prop.type == "STRING":
        return f"`{prop.default}`" if prop.default else "text"
    return {"POINTER": "object", "COLLECTION": "list"}.get(prop.type, prop.type.lower())


def own_properties(cls: Any) -> list[str]:
    """The names a class declares for others to set; of file dialogs the path as well."""
    declared = getattr(cls, "__annotations__", {})
    names = [name for name, made in declared.items() if "HIDDEN" not in made.keywords.get("options", ())]
    if hasattr(cls, "filename_ext") and "filepath" not in names:
        names.insert(0, "filepath")
    return names


def operator_rows(operators: ModuleType) -> list[str]:
    rows = {}
    for cls in operators.CLASSES:
        if not issubclass(cls, bpy.types.Operator):
            continue
        known = getattr(bpy.ops.motionlcm, cls.bl_idname.split(".")[1]).get_rna_type().properties
        shown = [f"`{name}`: {value_of(known[name])}" for name in own_properties(cls)]
        what = " ".join(cls.__doc__.split())
        rows[cls.bl_idname] = f"| `{cls.bl_idname}` | {what} | {'<br>'.join(shown)} |"
    return [rows[name] for name in sorted(rows)]


def property_rows(cls: Any) -> list[str]:
    rows = []
    for name in own_properties(cls):
        options = cls.__annotations__[name].keywords
        what = options.get("description") or options["name"]
        rows.append(f"| `{name}` | {what} | {value_of(cls.bl_rna.properties[name])} |")
    return rows


def with_tables(text: str, operators: ModuleType, settings: ModuleType, shots: ModuleType) -> str:
    """The document with its tables made anew between their marks."""
    for name, head, rows in (
        (OPERATORS, "| operator | what it does | properties |", operator_rows(operators)),
        (SETTINGS, "| property | what it is | value |", property_rows(settings.MotionLCMSettings)),
        (SHOT, "| property | what it is | value |", property_rows(shots.MotionLCMShot)),
    ):
        begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
        before, rest = text.split(begin)
        text = before + "\n".join([begin, head, "|---|---|---|", *rows, end]) + rest.split(end)[1]
    return text


def main() -> int:
    operators = part("operators")
    operators.register()
    text = DOCUMENT.read_text(encoding="utf-8")
    fresh = with_tables(text, operators, part("operators.settings"), part("operators.shots.shot_list"))
    if fresh == text:
        print(f"{DOCUMENT.name} is up to date.")
        return 0
    if "--check" in sys.argv:
        print(f"{DOCUMENT.name} is not up to date: run tools/list_operators.py.", file=sys.stderr)
        return 1
    DOCUMENT.write_text(fresh, encoding="utf-8")
    print(f"Wrote {DOCUMENT.name}.")
    return 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # Python's own ending may hang Blender while classes are registered
