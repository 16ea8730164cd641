"""Hooks of mkdocs for the website of the guide (`make guide`; mkdocs.yml names this file)."""

from __future__ import annotations

import re
from typing import Any

OUTSIDE = re.compile(r"(?<!!)\[([^\]]*)\]\(\.\./(?:\.\./)?(?:README|CONTRIBUTING|bundled_models|LICENSE)[^)\s]*\)")
"""Links to files of the repository that the site does not have."""


def on_page_markdown(markdown: str, **_context: Any) -> str:
    """Replace links out of the site by their text, so that strict validation of the other links can pass.

    Args:
        markdown: The source of a page.

    Returns:
        The source without links to files outside of docs/.
    """
    return OUTSIDE.sub(r"\1", markdown)
