"""The words of code: no verb of speech or wish for data and programs, in names, docstrings, comments and messages.

Only people tell, say, ask and know (CONTRIBUTING.md, English). The list is short, so that each hit is an error.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("motionlcm_blender", "operators", "ui", "tools", "tests")
SPEECH = frozenset(
    ("told", "tell", "tells", "say", "says", "said", "ask", "asks", "asked", "asking", "know", "knows", "knew")
    + ("want", "wants", "speak", "speaks", "spoke", "spoken")
)
OF_LANGUAGE = ("motionlcm_blender/text/word_lists.py", "tests/engine/test_words.py")
"""Files that hold such words as English."""
CAPTIONS = ("motionlcm_blender/training/", "tests/")
"""Folders whose strings are captions, or sentences of other programs."""


def words_of(text: str) -> set[str]:
    """Words in small letters; the parts of a name, such as `told_up` and `LastTold`, are words."""
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text.replace("_", " "))
    return set(re.findall(r"[a-z]+", parted.lower()))


def names_of(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and name of everything that a module defines or assigns."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.lineno, node.name
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.attr


def texts_of(tree: ast.Module, with_messages: bool) -> Iterator[tuple[int, str]]:
    """Line and text of docstrings, those of constants included, and of all other strings if `with_messages`."""
    documented = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and (with_messages or id(node) in documented):
            yield node.lineno, node.value


def comments_of(text: str) -> Iterator[tuple[int, str]]:
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def speech_in(text: str, with_messages: bool) -> list[str]:
    """Lines with a verb of speech in a module's text, each with the words."""
    if not words_of(text) & SPEECH:  # most modules: without the time of the parser
        return []
    tree = ast.parse(text)
    found = [*names_of(tree), *texts_of(tree, with_messages), *comments_of(text)]
    return [f"{line}: {', '.join(sorted(words))}" for line, each in found if (words := words_of(each) & SPEECH)]


@pytest.mark.parametrize("room", ROOMS)
def test_data_and_programs_do_not_speak(room: str) -> None:
    found, files = [], 0
    for file in sorted((ROOT / room).rglob("*.py")):
        name = file.relative_to(ROOT).as_posix()
        if name not in OF_LANGUAGE:
            files += 1
            lines = speech_in(file.read_text(encoding="utf-8"), not name.startswith(CAPTIONS))
            found += [f"{name}:{line}" for line in lines]
    assert files > 10 and found == []


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("def f(told_up): ...", "1: told"),
        ("class LastSaid: ...", "1: said"),
        ("x = 1\nself.says = 2", "2: says"),
        ('"""A module\n\nthat knows."""', "1: knows"),
        ('LIMIT = 1\n"""As many as are asked."""', "2: asked"),
        ("x = 1  # the file tells", "1: tells"),
        ('raise ValueError(f"It wants {x}.")', "1: wants"),
    ],
)
def test_a_verb_of_speech_is_found(text: str, line: str) -> None:
    assert speech_in(text, with_messages=True) == [line]


def test_captions_and_calls_of_others_are_not_names() -> None:
    assert speech_in('caption = "a person says hello"\nplace = file.tell()', with_messages=False) == []
