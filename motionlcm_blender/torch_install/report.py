"""Reports that users can pass on: plain text, without the user's name in any path."""

from __future__ import annotations

import getpass
import re
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

FORMS: tuple[Literal["NFC", "NFD"], ...] = ("NFC", "NFD")
"""Accented letters composed, and decomposed as macOS does."""


def composed(sections: Iterable[tuple[str, Sequence[tuple[str, str]]]], home: str | None = None) -> str:
    """Format sections of named values as text, without the user's name."""
    lines = []
    for title, rows in sections:
        lines += [f"{title}:", *(_indented(name, value) for name, value in rows), ""]
    return without_user("\n".join(lines).rstrip() + "\n", home)


def _indented(name: str, value: str) -> str:
    first, *others = value.rstrip().split("\n")
    return "\n".join([f"  {name}: {first}", *(f"    {line}" for line in others)])


def without_user(text: str, home: str | None = None, user: str | None = None) -> str:
    """Replace the home folder by ~, and the user's name in other paths by USER."""
    home = str(Path.home()) if home is None else home
    user = _user() if user is None else user
    if len(home) > len("C:\\"):
        for way in {home, home.replace("\\", "/"), home.replace("\\", "\\\\")}:
            for form in FORMS:
                text = re.sub(re.escape(unicodedata.normalize(form, way)) + r"(?![\w.-])", "~", text, flags=re.I)
    names = {user, re.split(r"[\\/]", home.rstrip("\\/"))[-1]}
    for name in filter(None, names):
        for form in FORMS:
            part = re.escape(unicodedata.normalize(form, name))
            text = re.sub(rf"(?<=[\\/]){part}(?=[\\/\s\"':,]|$)", "USER", text, flags=re.I | re.M)
    return text


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a user unknown to the system
        return ""
