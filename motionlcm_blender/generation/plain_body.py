"""The plain prompt for a body on which gestures, kicks and hops of the user's prompt are completed."""

from __future__ import annotations

from ..gestures.prompt_gestures import body_prompt
from ..text.gait import is_walk
from ..text.named_hop import named_hop
from ..text.named_kick import named_kick
from .request import Request


def plain_body(request: Request) -> str | None:
    """The prompt that the network gets in place of that of a request, so that it does not mix in its own attempt.

    Args:
        request: The request.

    Returns:
        With gestures on, the body that they are performed on, as "a person stands still", or the plain prompt of a kick
        or hop; along a path only a body that walks. None: the network gets another text.
    """
    if not request.gestures:
        return None
    body = body_without_path(request.prompt)
    return None if body is None or (request.has_path and not is_walk(body)) else body


def body_without_path(prompt: str) -> str | None:
    """The plain prompt for the body of a prompt, None if it has none."""
    prompt = prompt.strip()
    body = body_prompt(prompt)
    if body != prompt:
        return body
    if (kick := named_kick(prompt)) is not None and kick.plain:
        return kick.plain
    if (hop := named_hop(prompt)) is not None and hop.plain:
        return hop.plain
    return None
