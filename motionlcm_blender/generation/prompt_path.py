"""Prompts that name the shape of a path: the motion follows such a path.

A network that was trained on captions of a few seconds makes a curve of "in a zigzag", and seldom comes back on
"back and forth". On a path it goes exactly where the path goes.
"""

from __future__ import annotations

from dataclasses import replace

from ..motion.ground_path import rounded_corners, timed
from ..motion.path_shapes import shaped_path
from ..motion.skeleton import FPS
from ..motion.world_transform import canonicalise
from ..text.gait import is_run
from ..text.prompt_rewriting import Rewritten
from .generated_motion import GeneratedMotion
from .request import Hints, Request

WALK, RUN = 1.15, 2.5
"""Metres per second on a path that a prompt names."""


def on_named_path(request: Request, found: Rewritten | None) -> Request | None:
    """Put a request on the path that its prompt names.

    Args:
        request: The request.
        found: What replaces its prompt.

    Returns:
        The request with the path; None: the prompt names none, or path, start, end or facing are given.
    """
    if found is None or found.path is None or request.hints is not None or request.facing is not None:
        return None
    if request.start is not None or request.end is not None:
        return None
    pace = RUN if is_run(found.caption) else WALK
    path = shaped_path(found.path, pace * request.frames / FPS, found.to_right)
    xz, _ = canonicalise(rounded_corners(timed(path, request.frames)))
    return replace(request, caption=found.caption, hints=Hints.ground_path(xz))


def without_named_path(motion: GeneratedMotion) -> GeneratedMotion:
    """A motion of `on_named_path` with the request as it was given, without measures of the path."""
    report = {name: value for name, value in motion.report.items() if "path" not in name}
    return replace(motion, request=replace(motion.request, caption=None, hints=None), report=report)
