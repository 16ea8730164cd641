"""Body speeds of captured motion by kind (`motion_kinds`); `training/captured_speeds.py` computes the numbers."""

from __future__ import annotations

BODY_SPEEDS: dict[str, float] = {
    "floor": 0.323,
    "dance": 0.435,
    "acrobatics": 0.919,
    "jump": 0.378,
    "run": 0.756,
    "fight": 0.411,
    "throw": 0.201,
    "exercise": 0.261,
    "wave": 0.257,
    "sit": 0.207,
    "sneak": 0.251,
    "walk": 0.318,
    "turn": 0.266,
    "talk": 0.101,
    "stand": 0.085,
    "other": 0.176,
}
"""m/s: median over the captioned segments of the training clips of the mean speed of the joints against the pelvis."""
