"""What can be translated is found, and the German table holds all of it and nothing else."""

from __future__ import annotations

import ast
import importlib.util
import json
import string
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOL = ROOT / "tools" / "messages.py"


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("messages_tool", TOOL)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["messages_tool"] = module
    spec.loader.exec_module(module)
    return module


def test_german_has_every_message_and_no_other(tool: ModuleType) -> None:
    missing, stale = tool.missing_and_stale("de")
    advice = "run `python tools/messages.py --missing de` and see to ui/translations_de.py"
    assert not missing and not stale, f"{advice}: {missing} {stale}"


def test_no_text_is_in_the_table_twice(tool: ModuleType) -> None:
    tree = ast.parse((ROOT / "ui" / "translations_de.py").read_text(encoding="utf-8"))
    for node in (node for node in ast.walk(tree) if isinstance(node, ast.Dict)):
        keys = [key.value for key in node.keys if isinstance(key, ast.Constant)]
        assert len(set(keys)) == len(keys)


def test_translations_have_the_same_numbers_in_them_and_end_alike(tool: ModuleType) -> None:
    def numbers(text: str) -> list[tuple[str | None, str | None]]:
        return sorted((name or "", form or "") for _, name, form, _ in string.Formatter().parse(text) if name)

    for (context, text), german in tool.table("de").items():
        assert german.strip() == german and german, text
        assert numbers(german) == numbers(text), text
        assert german.endswith(".") == text.endswith("."), text
        assert context in ("*", "Operator", "MotionLCM")


def test_composed_text_is_not_overlooked(tool: ModuleType) -> None:
    reader = tool._Reader(ast.parse('layout.label(text=f"{a} frames")'))
    with pytest.raises(SystemExit, match="composed"):
        list(reader.read())
    fine = ast.parse('layout.label(text=f"{a}", translate=False); x(iface_("{a} frames"))')
    assert [message.text for message, _ in tool._Reader(fine).read()] == ["{a} frames"]


def test_contexts_are_blenders(tool: ModuleType) -> None:
    found = {(message.context, message.text): message.tooltip for message in tool.messages()}
    assert found["Operator", "Generate"] is False and found["*", "Prompt"] is False
    assert ("MotionLCM", "Facing") in found and ("*", "Facing") not in found  # Blender's own is the front of a face
    assert ("MotionLCM", "Fixed") in found and found["*", "Direction or object that the character faces"] is True
    assert found["*", "Choose another seed at random"] is True
    assert ("*", "Sampling") in found and ("*", "BEZIER") not in found and ("*", "1") not in found


def test_the_template_can_be_printed() -> None:
    printed = subprocess.run([sys.executable, str(TOOL)], capture_output=True, text=True, encoding="utf-8", check=True)
    assert 'msgctxt "Operator"\nmsgid "Generate"\nmsgstr ""' in printed.stdout
    assert "#: operators/generation/generate.py:" in printed.stdout
    run = subprocess.run([sys.executable, str(TOOL), "--json"], capture_output=True, encoding="utf-8", check=True)
    assert {"context", "text", "tooltip", "places"} == set(json.loads(run.stdout)[0])
    assert subprocess.run([sys.executable, str(TOOL), "--missing", "de"], capture_output=True).returncode == 0
