"""The text that the network gets for a request, by the rewrites of the model folder."""

from __future__ import annotations

import logging
from pathlib import Path

from ..errors import ModelFolderError
from ..text.prompt_rewriting import Rewriting, Rewritten, read_rewriting
from .plain_body import plain_body
from .request import Request

logger = logging.getLogger(__name__)


class PromptRewriter:
    """Rewrites the prompts of requests. The files of the model folder are read at the first request."""

    def __init__(self, folder: Path | None) -> None:
        """folder: The model folder; None: no prompt is rewritten."""
        self._folder = folder
        self._rewriting: Rewriting | None = None

    def find(self, request: Request) -> Rewritten | None:
        """The caption that replaces the prompt of a request and the shape of its path, None if none does.

        Rewrites that cannot be read are named in the log; prompts then stay as they are.
        """
        if not request.rewrite or self._folder is None:
            return None
        if self._rewriting is None:
            try:
                self._rewriting = read_rewriting(self._folder)
            except ModelFolderError as error:
                logger.warning("Prompts are not rewritten: %s", error)
                self._rewriting = Rewriting((), frozenset())
        return self._rewriting.find(request.prompt.strip())

    def text(self, request: Request) -> str:
        """The text that the network gets.

        It is the caption of the request, else the plain body beneath its actions, else the caption of its rewrite, else
        its prompt. The caption of a row with a path does not name its shape, so a request without a path keeps its
        prompt; it gets the path before (`prompt_path`), or is directed by pins, a facing or poses.
        """
        if request.caption is not None:
            return request.caption
        if (body := plain_body(request)) is not None:
            return body
        found = self.find(request)
        if found is None or (found.free if request.has_path else found.path is not None):
            return request.prompt.strip()
        return found.caption
