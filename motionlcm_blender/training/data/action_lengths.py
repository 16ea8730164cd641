"""How long captured actions take, by verb, for the suggestion of a length (`text.length_suggestion`)."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from ...array_types import FloatArray
from ...motion.skeleton import FPS
from ...motion.smoothing import smooth
from ...text.prompt_vocabulary import Vocabulary, tokens, verb_lemmas
from ...text.word_lists import LIGHT
from .caption_families import family
from .motion_data import MotionData

LEAST = 6
"""Segments with a verb below which it gets no duration."""
LASTING = frozenset(("walk", "run", "turn", "around", "backward", "sideways", "style", "dance", "idle"))
"""Families of actions that go on for as long as one likes: the capture ended them, by the walls of a room."""
LASTING_SECONDS = 5.0
ONCE = 20.0
"""Percentile of the durations that counts as one action: most captured segments show an action several times."""
ACTIVE, AROUND = 0.25, 0.4
"""Share of a segment's fastest movement above which the figure acts, and seconds kept before and after."""


def action_seconds(joints: FloatArray) -> float:
    """Duration of the action in a segment, without the standing before and after it.

    Args:
        joints: (T, 22, 3) metres, 20 fps.

    Returns:
        Seconds.
    """
    if len(joints) < 10:
        return len(joints) / FPS
    joints = np.asarray(joints, np.float64)
    local = joints - joints[:, :1] * (1.0, 0.0, 1.0)
    travel = np.linalg.norm(np.gradient(joints[:, 0], axis=0), axis=-1)
    speed = smooth(np.linalg.norm(np.gradient(local, axis=0), axis=-1).mean(-1) + 0.3 * travel, 3.0) * FPS
    acting = np.flatnonzero(speed > max(ACTIVE * np.percentile(speed, 95), 0.05))
    if not len(acting):
        return len(joints) / FPS
    return min(float(acting[-1] - acting[0] + 1) / FPS + 2.0 * AROUND, len(joints) / FPS)


def verb_seconds(data: MotionData, vocabulary: Vocabulary) -> dict[str, float]:
    """Usual duration of one action of the training clips by the lemma of its verb.

    Args:
        data: Captioned clips.
        vocabulary: Vocabulary of the same captions; it decides which words are verbs.

    Returns:
        Seconds, rounded to 0.1, of the verbs with enough segments.
    """
    found: defaultdict[str, list[float]] = defaultdict(list)
    lasting: defaultdict[str, list[bool]] = defaultdict(list)
    for segment in data.segments:
        if segment.clip in data.test or segment.prop or segment.unclear or not segment.captions:
            continue
        seconds = action_seconds(data.joints(segment))
        if family(segment) in LASTING:
            seconds = max(seconds, LASTING_SECONDS)
        # The first verb of a caption is what the segment shows; later ones are often parts of it.
        named = set()
        for caption in segment.captions:
            verbs = [v for v in verb_lemmas(tokens(caption), vocabulary) if v is not None and v not in LIGHT]
            named |= set(verbs[:1])
        for verb in named:
            found[verb].append(seconds)
            lasting[verb].append(family(segment) in LASTING)
    return {
        verb: round(float(np.percentile(each, 50.0 if np.mean(lasting[verb]) > 0.5 else ONCE)), 1)
        for verb, each in found.items()
        if len(each) >= LEAST
    }
