"""Captured motion to measure against: captioned pieces of the clips that training never saw (or of those it did)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ...array_types import FloatArray
from ...errors import TrainingDataError
from ...motion.body_fit import onto_rig
from ...motion.features import canonical, features_from_joints
from ...motion.skeleton import MAX_FRAMES
from ..data.augmentation import mirror
from ..data.motion_data import MotionData, Segment, mirror_caption
from .segment_flags import NO_FLAGS, Flags, Key

SHORTEST, LONGEST = 20, MAX_FRAMES
"""Frames of a piece; longer ones are cut at the end."""

DEEPEST_CROP = 0.25
"""A crop leaves at least three quarters, so that the captions still fit."""


@dataclass(frozen=True, eq=False)
class TestMotion:
    """A captioned piece of captured motion.

    joints: (T, 22, 3) float32 metres, 20 fps, on the model's skeleton, canonical: first root at the XZ origin, facing
    +Z, lowest joint at y = 0. captions: one or more. clip: the clip it is from.
    mirrored: left and right were swapped, in joints and captions. flags: its other fields in the captions file.
    """

    __test__: ClassVar[bool] = False  # pytest takes classes of this name for tests

    joints: FloatArray
    captions: tuple[str, ...]
    clip: str
    mirrored: bool
    flags: Flags = NO_FLAGS

    @property
    def frames(self) -> int:
        """T, at 20 fps."""
        return len(self.joints)

    def features(self) -> FloatArray:
        """(T - 1, 263) float32 HumanML3D features, not normalised."""
        return features_from_joints(self.joints)


def build_motions(
    data: MotionData,
    test: bool = True,
    mirrored: bool = False,
    crops: int = 0,
    seed: int = 0,
    limit: int | None = None,
    flags: Mapping[Key, Flags] | None = None,
) -> list[TestMotion]:
    """The captioned segments of the test clips (or of the others), in the order of the captions file.

    mirrored: also each one's mirror image. crops: so many random crops of each besides, drawn from `seed`, each at
    least three quarters as long. limit: at most so many segments, drawn from `seed`, before mirroring and cropping.
    flags: as `load_flags` gives them, to be kept with the motions.
    Raises TrainingDataError if there are none.
    """
    generator = np.random.default_rng(seed)
    segments = [s for s in data.segments if (s.clip in data.test) == test and s.captions]
    if limit is not None and limit < len(segments):
        chosen = np.sort(generator.permutation(len(segments))[:limit])
        segments = [segments[k] for k in chosen]
    # The skeleton is fitted to whole clips: a shrug held through a short segment would be taken for the actor's shape.
    names = {s.clip for s in segments}
    fitted = {n: onto_rig(joints).astype(np.float32) for n, joints in data.clips.items() if n in names and len(joints)}
    whole = MotionData(fitted, data.segments, data.test)
    motions: list[TestMotion] = []
    for segment in segments:
        flags_here = (flags or {}).get(_key(segment), NO_FLAGS)
        joints = whole.joints(segment)[:LONGEST]
        if len(joints) < SHORTEST:
            continue
        for piece in (joints, *_crops(joints, crops, generator)):
            motions.append(_motion(piece, segment.captions, segment.clip, False, flags_here))
            if mirrored:
                mirrored_captions = tuple(mirror_caption(c) for c in segment.captions)
                motions.append(_motion(mirror(piece), mirrored_captions, segment.clip, True, flags_here))
    if not motions:
        raise TrainingDataError(f"No captioned segment belongs to the {'test' if test else 'train'} clips.")
    return motions


def _crops(joints: FloatArray, count: int, generator: np.random.Generator) -> Iterator[FloatArray]:
    for _ in range(count):
        length = max(SHORTEST, round(len(joints) * (1.0 - DEEPEST_CROP * generator.random())))
        first = int(generator.integers(0, max(0, len(joints) - length) + 1))
        yield joints[first : first + length]


def _key(segment: Segment) -> Key:
    return segment.clip, segment.start, segment.end


def _motion(joints: FloatArray, captions: tuple[str, ...], clip: str, mirrored: bool, flags: Flags) -> TestMotion:
    return TestMotion(canonical(joints).astype(np.float32), captions, clip, mirrored, flags)
