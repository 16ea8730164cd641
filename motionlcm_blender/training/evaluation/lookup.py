"""The baseline that generates nothing: the captured train motion whose caption is nearest to the prompt.

Nearest is by the cosine of MiniLM's sentence vectors. A model that is worth its weights does better than this, above
all where words differ little and motions much (left and right have a cosine of 0.95).
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...array_types import FloatArray, IntArray
from ...errors import TrainingDataError
from ...generation.generated_motion import GeneratedMotion
from ...generation.request import Request
from ...motion.body_fit import onto_rig
from ...motion.features import canonical, features_from_joints
from ...motion.foot_contacts import foot_contacts
from ..data.motion_data import MotionData, Segment
from .held_out_motions import LONGEST, SHORTEST

logger = logging.getLogger(__name__)

ROW = "lookup"
"""Its name in the tables."""


class Lookup:
    """Captured motion by nearest train caption; it also generates, as a `Generates`."""

    def __init__(self, data: MotionData, encoder: Any, file: Path | None = None) -> None:
        """encoder: with encode(caption) -> (states, sentence vector). file: where the vectors of captions are kept.

        Raises TrainingDataError if no train clip has a captioned segment that is long enough.
        """
        self.data, self.encoder = data, encoder
        self.segments: list[Segment] = [
            s for s in data.segments if s.clip not in data.test and len(data.joints(s)) >= SHORTEST and s.captions
        ]
        if not self.segments:
            raise TrainingDataError("No captioned segment belongs to the train clips.")
        self.captions = [c for s in self.segments for c in s.captions]
        self.owner = np.repeat(np.arange(len(self.segments)), [len(s.captions) for s in self.segments])
        self.vectors = _vectors(self.captions, encoder, file)
        self._rigged: dict[str, FloatArray] = {}
        self._ranked: dict[str, IntArray] = {}

    def nearest(self, prompt: str, count: int = 1) -> list[Segment]:
        """The `count` train segments with the nearest captions, nearest first, none twice; fewer if there are fewer."""
        return [self.segments[k] for k in self._order(prompt)[:count]]

    def similarity(self, prompt: str) -> FloatArray:
        """(segments,) cosine between the prompt and the nearest caption of each segment."""
        best = np.full(len(self.segments), -1.0)
        np.maximum.at(best, self.owner, self.vectors @ self.sentence(prompt))
        return best

    def joints(self, segment: Segment, frames: int | None = None) -> FloatArray:
        """(T, 22, 3) metres of a segment on the model's skeleton, canonical, cut to `frames` if it is longer."""
        if segment.clip not in self._rigged:
            self._rigged[segment.clip] = onto_rig(self.data.clips[segment.clip]).astype(np.float32)
        whole = MotionData(self._rigged, (), frozenset()).joints(segment)[: LONGEST + 1]
        return canonical(whole[:frames]).astype(np.float32)

    def features(self, prompts: Sequence[tuple[str, int]]) -> list[FloatArray]:
        """(T, 263) each, not normalised, of (prompt, frames) pairs; shorter where the captured motion is."""
        return [features_from_joints(self.joints(self.nearest(p)[0], frames + 1)) for p, frames in prompts]

    def generate(self, request: Request) -> list[GeneratedMotion]:
        """Take k is the segment with the k-th nearest caption; the seed changes nothing.

        Paths, starts and lengths are not met: a motion is at most `frames` long.
        """
        found = self.nearest(request.prompt, request.takes)
        made = []
        for k in range(request.takes):
            joints = self.joints(found[k % len(found)], request.frames)
            contacts = foot_contacts(joints).astype(np.float32)
            made.append(GeneratedMotion(joints, contacts, request=request, seed=request.seed + k))
        return made

    def _order(self, prompt: str) -> IntArray:
        if prompt not in self._ranked:
            self._ranked[prompt] = np.argsort(-self.similarity(prompt), kind="stable")
        return self._ranked[prompt]

    def sentence(self, prompt: str) -> FloatArray:
        """(width,) float32 of length 1, the vector of a prompt."""
        return np.asarray(self.encoder.encode(prompt)[1], np.float32)


def _vectors(captions: Sequence[str], encoder: Any, file: Path | None) -> FloatArray:
    """(captions, width) float32 sentence vectors, encoded once for a set of captions."""
    mark = hashlib.sha256("\n".join(captions).encode()).hexdigest()
    if file is not None and file.exists():
        with np.load(file, allow_pickle=False) as saved:
            if str(saved["mark"]) == mark:
                kept: FloatArray = saved["vectors"].astype(np.float32)
                return kept
    logger.info("encoding %d train captions for the look-up", len(captions))
    known = {c: np.asarray(encoder.encode(c)[1], np.float32) for c in dict.fromkeys(captions)}
    vectors = np.stack([known[c] for c in captions])
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        temporary = file.with_suffix(".unfinished.npz")
        np.savez(temporary, mark=mark, vectors=vectors.astype(np.float16))
        temporary.replace(file)
    return vectors
