"""The gait that a prompt names, against the speed of its path."""

from __future__ import annotations

import re

FASTEST_WALK = 2.3
"""Metres per second above which people run."""
_WALKS = re.compile(r"\b(walk(?:s|ing|ed)?|stroll(?:s|ing|ed)?|stride(?:s)?|striding|pace(?:s|d)?|pacing)\b", re.I)
_RUNS = re.compile(r"\b(run|runs|running|ran|jog|jogs|jogging|sprint\w*|dash\w*|rac(?:e|es|ing)|gallop\w*)\b", re.I)
_ENDINGS = {"ing": "running", "ed": "ran", "s": "runs"}


def is_walk(prompt: str) -> bool:
    """Whether a prompt names a walk and no faster gait."""
    return bool(_WALKS.search(prompt)) and not _RUNS.search(prompt)


def is_run(prompt: str) -> bool:
    """Whether a prompt names a run and no walk."""
    return bool(_RUNS.search(prompt)) and not _WALKS.search(prompt)


def as_run(prompt: str) -> str:
    """Replace the walk of a prompt by a run: "a person walks slowly" gives "a person runs slowly"."""
    return _WALKS.sub(_run_form, prompt)


def walk_warning(prompt: str, speed: float) -> str | None:
    """Make one sentence if the prompt is a walk and its path needs a higher speed.

    Args:
        prompt: English text.
        speed: Mean speed along the path, m/s.

    Returns:
        The sentence, or None.
    """
    if speed <= FASTEST_WALK or not is_walk(prompt):
        return None
    return f"Nobody walks at {speed:.1f} m/s: make it a run, or give it more time."


def _run_form(found: re.Match[str]) -> str:
    word = found.group(0)
    run = next((form for ending, form in _ENDINGS.items() if word.lower().endswith(ending)), "run")
    return run.capitalize() if word[0].isupper() else run
