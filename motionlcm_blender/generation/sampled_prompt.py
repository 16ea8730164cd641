"""The prompt that the network gets: that of the request, or a plain one for a body on which the action is completed."""

from __future__ import annotations

from ..gestures.prompt_gestures import body_prompt
from ..text.gait import is_walk
from ..text.named_hop import named_hop
from ..text.named_kick import named_kick
from .request import Request


def sampled_prompt(request: Request) -> str:
    """The prompt to encode.

    Args:
        request: The request.

    Returns:
        The prompt without spaces around it. With gestures on, the body that they are performed on, as "a person stands
        still", or the plain prompt of a kick or hop; along a path only a body that walks.
    """
    prompt = request.prompt.strip()
    if not request.gestures:
        return prompt
    body = body_prompt(prompt)
    if body == prompt and (kick := named_kick(prompt)) is not None and kick.plain:
        body = kick.plain
    if body == prompt and (hop := named_hop(prompt)) is not None and hop.plain:
        body = hop.plain
    on_path = request.hints is not None and request.hints.root_xz is not None
    return prompt if on_path and not is_walk(body) else body
