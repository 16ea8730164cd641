"""The field's measures of text-to-motion, on embeddings of an evaluator.

FID: Heusel et al., NeurIPS 2017. R-precision, multimodal distance, diversity, multimodality: Guo et al., CVPR 2022
("Generating Diverse and Natural 3D Human Motions from Text"), whose protocol is followed: Euclidean distances, groups
of 32, a group's rest is dropped. Embeddings are (N, width) float arrays; row i of motion and text belong together.
"""

from __future__ import annotations

import numpy as np

from ...array_types import FloatArray, IntArray

GROUP = 32
"""Motions among which a caption has to find its own."""

TOP = 3
DIVERSITY_PAIRS = 300
MULTIMODALITY_PAIRS = 10


def frechet_distance(first: FloatArray, second: FloatArray) -> float:
    """Squared Frechet distance between Gaussians fitted to two sets (Heusel et al. 2017), at least 0.

    first (N, width), second (M, width), N and M at least 2. |m1 - m2|^2 + tr(C1) + tr(C2) - 2 tr((C1 C2)^(1/2)), the
    last term from the eigenvalues of the symmetric C1^(1/2) C2 C1^(1/2): unlike a general matrix root this never turns
    complex or fails where a covariance is singular, as it is with fewer samples than dimensions.
    Raises ValueError for other shapes or numbers that are not finite.
    """
    a, b = _checked(first, 2), _checked(second, 2)
    if a.shape[1] != b.shape[1]:
        raise ValueError(f"embeddings of different width: {a.shape[1]} and {b.shape[1]}")
    c1, c2 = np.atleast_2d(np.cov(a, rowvar=False)), np.atleast_2d(np.cov(b, rowvar=False))
    values, vectors = np.linalg.eigh(c1)
    root = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
    cross = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ c2 @ root), 0.0)).sum()
    means = float(((a.mean(0) - b.mean(0)) ** 2).sum())
    return max(0.0, means + float(np.trace(c1) + np.trace(c2) - 2.0 * cross))


def frechet_floor(embeddings: FloatArray, generator: np.random.Generator) -> float:
    """The Frechet distance between two random halves of one set (N, width): what sampling alone gives.

    Each half has half the samples, so this is more than a perfect model would get against the whole set.
    Smaller differences mean nothing. Raises ValueError with fewer than 4 rows.
    """
    rows = _checked(embeddings, 4)
    order = generator.permutation(len(rows))
    half = len(rows) // 2
    return frechet_distance(rows[order[:half]], rows[order[half : 2 * half]])


def r_precision(
    motion: FloatArray, text: FloatArray, generator: np.random.Generator, group: int = GROUP, top: int = TOP
) -> FloatArray:
    """Share of captions whose own motion is among the nearest 1, 2 .. `top` of its group (Guo et al. 2022).

    motion, text: (N, width). The rows are shuffled and cut into groups; with N < group all are one group. Another
    motion at exactly the same distance counts as nearer, so embeddings that have collapsed score nothing.
    Returns (top,), rising. Raises ValueError for other shapes.
    """
    motion, text = _pair(motion, text)
    group = min(group, len(motion))
    order = generator.permutation(len(motion))[: len(motion) // group * group]
    ranks = [_ranks(motion[rows], text[rows]) for rows in order.reshape(-1, group)]
    return _shares(np.concatenate(ranks), range(1, top + 1))


def retrieval(motion: FloatArray, text: FloatArray, among: tuple[int, ...] = (1, 2, 3, 5, 10)) -> dict[str, float]:
    """R@k over the whole set, and the median rank (from 1): text to motion, as TMR reports it (Petrovich et al. 2023).

    motion, text: (N, width). Keys "r1", "r2" .., "median_rank".
    """
    ranks = _ranks(*_pair(motion, text))
    shares = {f"r{k}": float(v) for k, v in zip(among, _shares(ranks, among), strict=True)}
    return shares | {"median_rank": float(np.median(ranks) + 1)}


def multimodal_distance(motion: FloatArray, text: FloatArray) -> float:
    """Mean Euclidean distance between a caption's embedding and its motion's, (N, width) each (Guo et al. 2022)."""
    motion, text = _pair(motion, text)
    return float(np.linalg.norm(motion - text, axis=-1).mean())


def diversity(motion: FloatArray, generator: np.random.Generator, pairs: int = DIVERSITY_PAIRS) -> float:
    """Mean Euclidean distance between the members of random pairs of motions (N, width) (Guo et al. 2022).

    Both sides are drawn without putting back; with N < pairs there are N pairs.
    """
    rows = _checked(motion, 2)
    count = min(pairs, len(rows))
    first, second = (generator.permutation(len(rows))[:count] for _ in range(2))
    return float(np.linalg.norm(rows[first] - rows[second], axis=-1).mean())


def multimodality(motion: FloatArray, generator: np.random.Generator, pairs: int = MULTIMODALITY_PAIRS) -> float:
    """Mean distance between motions made for the same caption (Guo et al. 2022).

    motion: (captions, takes, width). For each caption two sets of `pairs` takes are drawn and compared in order; with
    fewer takes than that, as many as there are. Raises ValueError for other shapes or fewer than two takes.
    """
    motion = np.asarray(motion, dtype=np.float64)
    if motion.ndim != 3 or motion.shape[0] < 1 or motion.shape[1] < 2:
        raise ValueError(f"motion must have shape (captions, takes, width), two takes or more, not {motion.shape}")
    takes = motion.shape[1]
    count = min(pairs, takes)
    numbers = np.tile(np.arange(takes), (len(motion), 1))
    first, second = (
        np.take_along_axis(motion, generator.permuted(numbers, axis=1)[:, :count, None], axis=1) for _ in range(2)
    )
    return float(np.linalg.norm(first - second, axis=-1).mean())


def _ranks(motion: FloatArray, text: FloatArray) -> IntArray:
    """(N,) for each caption, how many other motions are at least as near as its own."""
    distances = np.linalg.norm(text[:, None] - motion[None], axis=-1)
    own = np.diagonal(distances)[:, None]
    near = distances <= own
    np.fill_diagonal(near, False)
    ranks: IntArray = near.sum(1)
    return ranks


def _shares(ranks: IntArray, among: range | tuple[int, ...]) -> FloatArray:
    return np.array([(ranks < k).mean() for k in among])


def _pair(motion: FloatArray, text: FloatArray) -> tuple[FloatArray, FloatArray]:
    a, b = _checked(motion, 1), _checked(text, 1)
    if a.shape != b.shape:
        raise ValueError(f"motion and text must be of one shape, not {a.shape} and {b.shape}")
    return a, b


def _checked(embeddings: FloatArray, least: int) -> FloatArray:
    rows = np.asarray(embeddings, dtype=np.float64)
    if rows.ndim != 2 or len(rows) < least or not np.isfinite(rows).all():
        raise ValueError(f"embeddings must be at least {least} rows of finite numbers, not of shape {rows.shape}")
    return rows
