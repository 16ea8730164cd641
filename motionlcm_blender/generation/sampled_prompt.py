"""The prompt that the network gets: that of the request, or the body beneath the gestures that are performed on it."""

from __future__ import annotations

from ..gestures.prompt_gestures import body_prompt
from ..text.gait import is_walk
from .request import Request


def sampled_prompt(request: Request) -> str:
    """The prompt to encode.

    Args:
        request: The request.

    Returns:
        The prompt without spaces around it. With gestures on, the body that they are performed on, as "a person stands
        still"; along a path only a body that walks.
    """
    prompt = request.prompt.strip()
    if not request.gestures:
        return prompt
    body = body_prompt(prompt)
    on_path = request.hints is not None and request.hints.root_xz is not None
    return prompt if on_path and not is_walk(body) else body
