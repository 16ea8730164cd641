"""The check of operators and panels against Blender's stubs: what it reports of mypy's messages."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))

import check_extension_types as check

UNION = "Armature | Camera | <1 more item>"


def row(message: str, code: str = "attr-defined", line: int = 3, severity: str = "error") -> dict[str, Any]:
    file = f"{check.PACKAGE}/operators/a.py"
    return {"file": file, "line": line, "message": message, "code": code, "severity": severity}


def reported(*rows: dict[str, Any]) -> list[str]:
    return [problem for problem in check.problems(rows) if not problem.startswith("ACCEPTED")]


def test_a_misspelt_attribute_is_reported_with_its_place() -> None:
    found = reported(row('"Scene" has no attribute "fram_start"'))
    assert found == ['operators/a.py:3: "Scene" has no attribute "fram_start"  [attr-defined]']


def test_accepted_messages_other_codes_and_notes_are_not_reported() -> None:
    assert reported(row('"Scene" has no attribute "motionlcm"')) == []
    assert reported(row("wrong", code="override"), row("see", severity="note")) == []


@pytest.mark.parametrize(("lacking", "reports"), [(("Armature", "Camera"), 0), (("Armature", "Camera", "Mesh"), 1)])
def test_an_attribute_is_missing_if_no_part_of_a_union_has_it(lacking: tuple[str, ...], reports: int) -> None:
    union = UNION.replace("item>", "items>")
    rows = [row(f'Item "{name}" of "{union}" has no attribute "bones"', code="union-attr") for name in lacking]
    assert len(reported(*rows)) == reports


def test_a_pattern_without_a_message_is_reported() -> None:
    unused = list(check.problems([row('"Scene" has no attribute "motionlcm"')]))
    assert len(unused) == len(check.ACCEPTED) - 1 and all(re.match("ACCEPTED: ", problem) for problem in unused)
