"""Whole clips as features, for the VAE: as captured, slower, faster and bent.

The VAE mirrors them as it draws them (`mirror_features`), so the pool does not hold mirror images.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator

import numpy as np

from ...array_types import FloatArray, IntArray
from ...motion import head_hands
from ...motion.body_fit import onto_rig
from ...motion.features import FEATURES, SLICES
from ...motion.skeleton import FPS, MIRROR
from .feature_pool import FeaturePool
from .motion_data import MotionData, Segment
from .motion_piece import MotionPiece
from .shards import made_in_processes, part_of

logger = logging.getLogger(__name__)

SHORTEST = 20
"""Frames; shorter pieces teach no motion."""
STILL, LIVELY = 0.12, 0.5
"""Metres per second, mean speed of the joints seen from the pelvis: bounds of what counts less and more."""


class ClipPool(FeaturePool):
    """Clips, and how often to draw a window of each."""


def pieces_of(data: MotionData, test: bool) -> dict[str, MotionPiece]:
    """The train or test clips on the model's skeleton."""
    prop = {segment.clip for segment in data.segments if segment.prop}
    pieces = {}
    for name, joints in data.clips.items():
        if (name in data.test) != test or len(joints) <= SHORTEST:
            continue
        turns = data.head_hands.get(name)
        known = None if turns is None else head_hands.to_features(turns)
        pieces[name] = MotionPiece.of(onto_rig(joints), known, name in prop)
    return pieces


def segment_piece(clip: MotionPiece, segment: Segment) -> MotionPiece:
    """The frames of a captioned segment of a clip."""
    first = max(0, round(segment.start * FPS))
    cut = clip.cut(first, round(segment.end * FPS) + 1)
    return MotionPiece(cut.joints, cut.head_hands, segment.prop)


def build_clip_pool(data: MotionData, seed: int, shards: int = 1) -> ClipPool:
    """The train clips, slower and faster ones, and their captioned segments as they begin and end.

    Args:
        data: Captured motion with captions.
        seed: Of all choices.
        shards: Parts that are made with a generator each, in processes of their own where the system allows it.

    Returns:
        The pool.
    """

    def part(shard: int) -> list[tuple[FloatArray, float]]:
        generator = np.random.default_rng([seed, 2, shard])
        return _featured(_examples(part_of(data, shard, shards), generator))

    if shards == 1:
        made = _featured(_examples(data, np.random.default_rng(seed)))
    else:
        made = [each for listed in made_in_processes(part, shards) for each in listed]
    starts = np.concatenate([[0], np.cumsum([len(features) for features, _ in made])])
    logger.info("clip pool: %d examples, %.0f minutes", len(made), starts[-1] / 1200)
    return ClipPool(np.concatenate([features for features, _ in made]), starts, np.array([w for _, w in made]))


def _featured(examples: Iterable[tuple[MotionPiece, float]]) -> list[tuple[FloatArray, float]]:
    return [(piece.features().astype(np.float16), weight) for piece, weight in examples]


def _examples(data: MotionData, generator: np.random.Generator) -> Iterator[tuple[MotionPiece, float]]:
    clips = pieces_of(data, test=False)
    for name, piece in clips.items():
        weight = len(piece) * _interest(piece.joints) * (0.6 if name in data.coarse else 1.0)
        yield piece, weight
        for low, high in ((0.75, 0.95), (1.05, 1.3)):
            yield piece.warp(generator.uniform(low, high)), 0.5 * weight
    for segment in data.segments:
        if segment.clip in clips:
            piece = segment_piece(clips[segment.clip], segment)
            if len(piece) > SHORTEST:
                coarse = 0.6 if segment.clip in data.coarse else 1.0
                yield piece, 1.5 * len(piece) * _interest(piece.joints) * coarse


def liveliness(joints: FloatArray) -> float:
    """Metres per second: mean speed of all joints (T, 22, 3), seen from the pelvis."""
    seen = joints - joints[:, :1]
    return float(np.linalg.norm(np.diff(seen, axis=0), axis=-1).mean() * FPS)


def _interest(joints: FloatArray) -> float:
    """0.3 for long stills, 2 for the liveliest."""
    speed = liveliness(joints)
    if speed < STILL:
        return max(0.3, speed / STILL)
    return float(np.clip(speed / LIVELY, 1.0, 2.0))


def _mirror_tables() -> tuple[IntArray, FloatArray]:
    """Where each of the 281 features comes from in the mirror, and its sign."""
    source, sign = np.arange(FEATURES), np.ones(FEATURES, np.float32)
    sign[SLICES["yaw_velocity"]] = -1.0
    sign[SLICES["root_velocity"].start] = -1.0
    others = np.array(MIRROR[1:]) - 1
    for name, joints, width, flips in (
        ("positions", others, 3, (-1.0, 1.0, 1.0)),
        ("rotations", others, 6, (1.0, -1.0, -1.0, -1.0, 1.0, 1.0)),
        ("velocities", np.array(MIRROR), 3, (-1.0, 1.0, 1.0)),
    ):
        part = SLICES[name]
        source[part] = part.start + (joints[:, None] * width + np.arange(width)).ravel()
        sign[part] = np.tile(np.array(flips, np.float32), len(joints))
    first = SLICES["contacts"].start
    source[SLICES["contacts"]] = first + np.array([2, 3, 0, 1])
    extra = head_hands.mirrored(np.arange(1, head_hands.WIDTH + 1).astype(np.float32))
    source = np.concatenate([source, FEATURES + np.abs(extra).astype(int) - 1])
    return source, np.concatenate([sign, np.sign(extra).astype(np.float32)])


_MIRROR_SOURCE, _MIRROR_SIGN = _mirror_tables()


def mirror_features(features: FloatArray) -> FloatArray:
    """Features (T, 281) of the motion with left and right swapped."""
    result: FloatArray = features[:, _MIRROR_SOURCE] * _MIRROR_SIGN
    return result
