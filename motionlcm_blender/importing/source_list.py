"""The list of files that can be fetched, `sources.json`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import DownloadError
from .connections import may_be_fetched

SOURCES = Path(__file__).with_name("sources.json")
FORMAT = 1
KINDS = ("checkpoint", "statistics", "text encoder")
MAX_BYTES = 8 << 30
"""Of a file whose size is not known; no published checkpoint has as much."""
_PATH = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Source:
    """One file to fetch. name: where it goes, below the folder for downloads. urls: the same file on several servers.

    page: where a person finds it, if a program cannot fetch it. sha256, bytes: None if they are not known.
    """

    name: str
    kind: str
    urls: tuple[str, ...]
    page: str
    sha256: str | None
    bytes: int | None
    licence: str


def read_sources(path: str | Path = SOURCES) -> tuple[Source, ...]:
    """The list of files. Raises DownloadError, naming the entry, if it is damaged or leads out of its folder."""
    try:
        listed = json.loads(Path(path).read_text(encoding="utf-8"))
        if listed["format"] != FORMAT:
            raise ValueError("format")
        return tuple(_source(each) for each in listed["files"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DownloadError(f"The list of files to fetch is damaged ({error}): reinstall the extension.") from error


def _source(told: Mapping[str, Any]) -> Source:
    source = Source(
        told["name"], told["kind"], tuple(told["urls"]), told["page"], told["sha256"], told["bytes"], told["licence"]
    )
    right = (
        _PATH.fullmatch(source.name) is not None
        and source.kind in KINDS
        and all(may_be_fetched(url) for url in source.urls)
        and (source.sha256 is None or _SHA256.fullmatch(source.sha256) is not None)
        and (source.bytes is None or (type(source.bytes) is int and 0 < source.bytes <= MAX_BYTES))
    )
    if not right:
        raise ValueError(source.name)
    return source


def unverified(sources: Sequence[Source]) -> list[str]:
    """Names of the files that cannot be verified, because what they must be is not known."""
    return [source.name for source in sources if source.sha256 is None]
