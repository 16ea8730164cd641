"""The list of files for download, `sources.json`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import DownloadError
from .connections import may_be_fetched

SOURCES = Path(__file__).with_name("sources.json")
FORMAT = 1
KINDS = ("checkpoint", "statistics", "text encoder")
MAX_BYTES = 8 << 30
"""Largest size of a file with unknown size; no published checkpoint is as large."""
_PATH = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Source:
    """One file for download.

    Attributes:
        name: Path below the folder for downloads.
        kind: One of KINDS.
        urls: Addresses of the same file on several servers.
        page: Page where a user finds the file, if the download fails.
        sha256: Expected sha256, None if unknown.
        bytes: Expected size, None if unknown.
        licence: Licence of the file.
    """

    name: str
    kind: str
    urls: tuple[str, ...]
    page: str
    sha256: str | None
    bytes: int | None
    licence: str


def read_sources(path: str | Path = SOURCES) -> tuple[Source, ...]:
    """Read the list of files.

    Raises:
        DownloadError: The list is damaged or has a path out of its folder; the sentence names the entry.
    """
    try:
        listed = json.loads(Path(path).read_text(encoding="utf-8-sig"))
        if listed["format"] != FORMAT:
            raise ValueError("format")
        return tuple(_source(each) for each in listed["files"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DownloadError(f"The list of files to fetch is damaged ({error}): reinstall the extension.") from error


def _source(entry: Mapping[str, Any]) -> Source:
    source = Source(
        entry["name"],
        entry["kind"],
        tuple(entry["urls"]),
        entry["page"],
        entry["sha256"],
        entry["bytes"],
        entry["licence"],
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
