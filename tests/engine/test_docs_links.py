"""The documents cite what exists: links, paths from the repository's root, source files, functions, goals of make."""

from __future__ import annotations

import io
import re
from contextlib import redirect_stdout
from functools import cache
from pathlib import Path

import pytest

from motionlcm_blender.cli.main import main

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


NAME = re.compile(r"[A-Za-z_]\w+")
"""A whole code span that is the name of a function, a class or a constant."""
GOAL = re.compile(r"\bmake ([a-z][a-z-]*)(?=`| |$)", re.MULTILINE)
"""In code: a goal of the Makefile."""
MACHINE = re.compile(r"(?<![\w.<*])/(?:root|work|home|opt|srv)/\w+|\bpypi\.org/simple\b")
"""Paths of one machine, and addresses of package registries."""


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


def undefined_names(row: str) -> list[str]:
    """Names of a table's row that occur in none of the source files of this row."""
    for short, full in ABBREVIATIONS.items():
        row = row.replace(f"`{short}", f"`{full}")
    spans = SPAN.findall(row)
    sources = [span for span in spans if SOURCE.fullmatch(span)]
    paths = {ROOT / file[1:] for file in files() for name in sources if file.endswith(f"/{name}")}
    text = "\n".join(path.read_text(encoding="utf-8") for path in sorted(paths))
    return [span for span in spans if paths and NAME.fullmatch(span) and not re.search(rf"\b{span}\b", text)]


def rows_of_index() -> list[str]:
    text = (ROOT / "docs/ARCHITECTURE.md").read_text(encoding="utf-8")
    index = text.split("## Where to find it")[1].split("\n## ")[0]
    return [line for line in index.splitlines() if line.startswith("|")][2:]


def test_the_index_of_the_architecture_names_functions_of_its_files() -> None:
    rows = rows_of_index()
    assert len(rows) > 40
    assert {row: names for row in rows if (names := undefined_names(row))} == {}
    assert undefined_names("| a | `E/errors.py` `MotionLCMError`, `no_name` |") == ["no_name"]


@pytest.mark.parametrize("room", ["motionlcm_blender", "operators"])
def test_the_architecture_has_a_row_for_each_package(room: str) -> None:
    text = (ROOT / "docs/ARCHITECTURE.md").read_text(encoding="utf-8")
    packages = {file.parent.name for file in (ROOT / room).glob("*/__init__.py")} - {room}
    cells = " ".join(line.split("|")[1] for line in text.splitlines() if line.startswith("| `"))
    assert len(packages) > 8 and [name for name in sorted(packages) if f"`{name}/`" not in cells] == []


def test_the_architecture_has_each_tool_and_the_testing_guide_each_fixture_module() -> None:
    architecture, testing = (
        (ROOT / f"docs/{name}.md").read_text(encoding="utf-8") for name in ("ARCHITECTURE", "TESTING")
    )
    tools = {file.name for ending in ("py", "sh") for file in (ROOT / "tools").rglob(f"*.{ending}")}
    assert len(tools) > 20 and [name for name in sorted(tools) if name not in architecture] == []
    beside = (file for folder in ("tests", "tests/blender", "tests/engine") for file in (ROOT / folder).glob("*.py"))
    modules = {file.name for file in beside if not re.match("test_|conftest|__init__", file.name)}
    assert len(modules) > 10 and [name for name in sorted(modules) if name not in testing] == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_goals_of_make_exist(document: str) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    text = (ROOT / document).read_text(encoding="utf-8")
    code = "\n".join([*SPAN.findall(text), *re.findall(r"^ {4}.*$", text, re.MULTILINE)])
    goals = set(GOAL.findall(code))
    assert [
        goal for goal in sorted(goals) if not re.search(rf"^(?:\.PHONY:.* )?{goal}\b.*:", makefile, re.MULTILINE)
    ] == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_no_document_names_a_machine(document: str) -> None:
    assert MACHINE.findall((ROOT / document).read_text(encoding="utf-8")) == []
    assert MACHINE.findall("in /home/jane, /root/x") == ["/home/jane", "/root/x"]


def commands_of(text: str) -> list[str]:
    """Commands in code spans and indented blocks; a block's line may go on in the next one, further indented."""
    blocks = re.findall(r"^ {4}(\S.*(?:\n {8,}\S.*)*)", text, re.MULTILINE)
    return [" ".join(part.split()) for part in (*blocks, *SPAN.findall(text))]


@cache
def help_of(command: str) -> str:
    """What `motionlcm COMMAND --help` prints."""
    output = io.StringIO()
    with redirect_stdout(output), pytest.raises(SystemExit):
        main([command, "--help"])
    return output.getvalue()


def unknown_options(command: str) -> list[str]:
    """Options of a command that its program does not have."""
    if found := re.search(r"(?:motionlcm|-m motionlcm_blender) ([a-z]+)\b", command):
        text = help_of(found[1])
    elif found := re.search(r"-m (motionlcm_blender\.[\w.]+)", command):
        text = (ROOT / f"{found[1].replace('.', '/')}.py").read_text(encoding="utf-8")
    elif found := re.search(r"python3? (tools/[\w/]+\.py)", command):
        text = (ROOT / found[1]).read_text(encoding="utf-8")
    else:
        return []
    options = re.findall(r"(?<!\S)\[?(--[a-z][a-z-]*)", command[found.end() :])
    return [option for option in options if not re.search(rf"{option}(?![\w-])", text)]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_commands_have_their_options(document: str) -> None:
    commands = commands_of((ROOT / document).read_text(encoding="utf-8"))
    assert {command: missing for command in commands if (missing := unknown_options(command))} == {}


def test_an_option_that_does_not_exist_is_found() -> None:
    assert unknown_options("motionlcm bench --cpu --none") == ["--none"]
    assert unknown_options("python tools/test_gui.py --zip FILE --no-such FILE") == ["--no-such"]
    assert commands_of("so `a --b`:\n\n    c --d\n        --e\n") == ["c --d --e", "a --b"]
