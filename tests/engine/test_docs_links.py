"""The documents cite files that exist: links, paths from the repository's root, and names of source files."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = ("README.md", "CONTRIBUTING.md", *(f"docs/{file.name}" for file in sorted((ROOT / "docs").glob("*.md"))))
FOLDERS = ("bundled_models", "docs", "motionlcm_blender", "operators", "requirements", "tests", "tools", "ui")
"""A path that begins with one of these is a path from the repository's root."""
ABBREVIATIONS = {"E/": "motionlcm_blender/", "O/": "operators/"}
"""Of docs/ARCHITECTURE.md."""

LINK = re.compile(r"\]\(([^)\s]+)\)")
SPAN = re.compile(r"`([^`\n]+)`")
FROM_ROOT = re.compile(rf"(?<![\w/.<-])(?:{'|'.join(FOLDERS)})/(?:[\w-][\w./*-]*)?")
SOURCE = re.compile(r"[\w./-]+\.(?:py|toml|sh)")
"""A whole code span that is the name of a file, perhaps with some of its folders."""


@cache
def files() -> frozenset[str]:
    """Paths of the files in the repository's folders, as "/tests/engine/golden.py", and of those beside them."""
    inside = (file for folder in FOLDERS for file in (ROOT / folder).rglob("*"))
    beside = (file for file in ROOT.iterdir() if file.is_file())
    return frozenset(f"/{file.relative_to(ROOT).as_posix()}" for file in (*inside, *beside))


def missing_links(text: str, folder: Path) -> list[str]:
    """Targets of relative links that do not exist."""
    targets = (target.partition("#")[0] for target in LINK.findall(text) if ":" not in target)
    return [target for target in targets if target and not (folder / target).exists()]


def missing_paths(text: str) -> list[str]:
    """Paths from the root, anywhere in the text, at which there is no file or folder."""
    for short, full in ABBREVIATIONS.items():
        text = text.replace(f"`{short}", f"`{full}")
    found = (path.rstrip(".") for path in FROM_ROOT.findall(text))
    return [path for path in found if not any(ROOT.glob(path.rstrip("/")))]


def missing_sources(text: str) -> list[str]:
    """Code spans that name a source file which lies nowhere in the repository."""
    for short, full in ABBREVIATIONS.items():
        text = text.replace(f"`{short}", f"`{full}")
    names = [span for span in SPAN.findall(text) if SOURCE.fullmatch(span)]
    return [name for name in names if not any(file.endswith(f"/{name.removeprefix('./')}") for file in files())]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_what_a_document_cites_exists(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    assert missing_links(text, (ROOT / document).parent) == []
    assert missing_paths(text) == []
    assert missing_sources(text) == []


def test_what_does_not_exist_is_found() -> None:
    assert missing_links("[a](README.md#two) [b](https://a.org/b.md) [c](NONE.md)", ROOT) == ["NONE.md"]
    text = "`tools/gone/build.py`, `python tests/none.py X`, `ui/`, `O/gone.py`, https://a.org/docs/no.md, tests/*/*.py"
    assert missing_paths(text) == ["tools/gone/build.py", "tests/none.py", "operators/gone.py"]
    assert missing_sources("`golden.py`, `engine/golden.py`, `engine/none.py`, `E/errors.py`") == ["engine/none.py"]
