"""Prompts in the form of asset names ("Walk_Injured_LeftLeg_01") as words ("walk injured left leg").

Text encoders split such names into pieces that no caption contains.
"""

from __future__ import annotations

import re

_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+(?:'[a-z]+)?|\d+")
_NO_ACTION = frozenset(
    ["anim", "animation", "loop", "looped", "cycle", "clip", "rm", "inplace", "mocap", "fbx", "bvh", "v"]
)
"""Parts of asset names that describe the file."""
_DEGREES = frozenset(["45", "90", "135", "180", "270", "360"])


def spelled_out(prompt: str) -> str:
    """Write a prompt in the form of an asset name as words.

    Args:
        prompt: English text, or a name of words that are joined by "_" or begin with capital letters.

    Returns:
        The words in lower case without numbers and words for files; angles of turns become degrees. A prompt in other
        form is returned as it is.
    """
    name = prompt.strip()
    if not name or re.search(r"\s", name) or not (("_" in name) or re.search(r"[a-z][A-Z]", name)):
        return prompt
    words = []
    for part in (each.lower() for each in _PARTS.findall(name)):
        if part in _DEGREES and "turn" in words:
            words.append(f"{part} degrees")
        elif not part.isdigit() and part not in _NO_ACTION:
            words.append(part)
    return " ".join(words) if words else prompt
