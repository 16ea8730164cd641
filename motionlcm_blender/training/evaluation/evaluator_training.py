"""Training of the evaluator on the train clips, by a contrastive loss; a held-out part of them picks the checkpoint.

A checkpoint is chosen by its score on the held-out clips among those that are hardly better on clips trained on: an
evaluator that overfits its training motion prefers motion like it. Damped versions of lively motion are wrong
answers in training: without them nothing makes the evaluator read how much a motion moves.
"""

from __future__ import annotations

import logging
import math
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ...array_types import FloatArray, IntArray
from ...errors import TrainingDataError
from ...motion.features import SLICES, canonical, features_from_joints
from ...text.minilm import PortableMiniLM
from ...text.minilm_files import minilm_folder
from ..data.augmentation import mirror, warp_time
from ..data.motion_data import MotionData, mirror_caption
from .caption_states import CaptionStates
from .evaluator import DESCRIPTION, READ, Evaluator, EvaluatorNetwork, EvaluatorSettings, padded
from .held_out_motions import LONGEST, SHORTEST, TestMotion, build_motions
from .text_metrics import r_precision, retrieval

logger = logging.getLogger(__name__)

CHECKS, PATIENCE = 12, 4
"""How often, during training, the held-out clips are looked at; after so many looks in a row beyond the gap it ends."""
DEEPEST_DAMPING, LIVELIER = 0.5, 0.5
"""Damped motion keeps at most this share of its movement; only the livelier share of a batch is damped, since damping
a motion that hardly moves changes nothing."""

_ROOT = 4
"""The first features are the root's own: turn, travel, height."""

_DIRECTIONS = re.compile(
    r"\b(left|right|forward|ahead|back|backward|up|down|clockwise|counterclockwise|anticlockwise|sideways|once|twice|"
    r"one|two|three|four|five|six)(?:s|wards?)?\b",
    re.I,
)


@dataclass(frozen=True)
class _Example:
    """One captioned motion in several versions.

    Attributes:
        versions: [side][k]: (T, 133), the features that are read, not normalised; side 1 is mirrored, k 0 is the
            captured motion, the others are warped in time.
        captions: [side]: the caption.
    """

    versions: tuple[tuple[FloatArray, ...], tuple[FloatArray, ...]]
    captions: tuple[tuple[str, ...], tuple[str, ...]]
    clip: str


def open_captions(folder: Path) -> CaptionStates:
    """MiniLM, with the captions that were encoded for the evaluator in a folder."""
    return CaptionStates(PortableMiniLM(minilm_folder()), folder / "captions.npz")


def open_evaluator(
    folder: Path, data: MotionData, settings: EvaluatorSettings | None = None, captions: CaptionStates | None = None
) -> Evaluator:
    """The evaluator in a folder; trained first if there is none. captions: as `open_captions` gives them."""
    captions = captions or open_captions(folder)
    if not (folder / DESCRIPTION).exists():
        train_evaluator(data, captions, settings or EvaluatorSettings()).save(folder)
    return Evaluator.load(folder, captions)


def train_evaluator(data: MotionData, captions: CaptionStates, settings: EvaluatorSettings) -> Evaluator:
    """Train on the train clips. The same data and settings give the same evaluator on the same machine.

    Raises TrainingDataError if there are too few segments, FloatingPointError if the loss stops being a number.
    """
    s, started = settings, time.monotonic()
    generator = np.random.default_rng(s.seed)
    torch.manual_seed(s.seed)
    train, held_out = _split(build_motions(data, test=False), s, generator)
    examples = [_example(m, s, generator) for m in train]
    captions.prepare({c for m in (*train, *held_out) for listed in (m.captions, _mirrored(m.captions)) for c in listed})
    logger.info("evaluator: %d segments, %d held out, ready in %.0f s", len(train), len(held_out), _since(started))

    network = EvaluatorNetwork(s, captions.width)
    mean, std = _statistics([e.versions[side][0] for e in examples for side in (0, 1)])
    network.mean.copy_(torch.from_numpy(mean))
    network.std.copy_(torch.from_numpy(std))
    averaged = EvaluatorNetwork(s, captions.width)
    averaged.load_state_dict(network.state_dict())
    decayed = [p for p in network.parameters() if p.ndim > 1]
    plain = [p for p in network.parameters() if p.ndim <= 1]
    optimizer = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": s.weight_decay}, {"params": plain, "weight_decay": 0.0}], s.learning_rate
    )
    judge = Evaluator(averaged, s, captions, {})
    chosen = _Chosen(judge, held_out, [train[k] for k in generator.permutation(len(train))[: len(held_out)]])
    for step in range(s.steps):
        network.train()
        loss = _loss(network, _draw(examples, network, captions, s, generator))
        if not torch.isfinite(loss):
            raise FloatingPointError(f"The evaluator's loss is not a number at step {step}.")
        for group in optimizer.param_groups:
            group["lr"] = s.learning_rate * _rate(step, s.steps)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        decay = min(s.ema, (1 + step) / (10 + step))
        with torch.no_grad():
            torch._foreach_lerp_(list(averaged.parameters()), list(network.parameters()), 1 - decay)
        if (step + 1) % max(1, s.steps // CHECKS) == 0 or step + 1 == s.steps:
            chosen.look(step + 1, loss.item(), _since(started))
            if chosen.over:
                break
    averaged.load_state_dict({n: t.half().float() for n, t in chosen.best.items()})
    averaged.eval().requires_grad_(False)
    described: dict[str, Any] = {
        "text_encoder": "all-MiniLM-L6-v2",
        "segments": {"train": len(train), "held_out": len(held_out)},
        "best_step": chosen.step,
        "held_out_score": chosen.score,
        "seconds": round(_since(started), 1),
    }
    judge = replace(judge, description=described)
    test = build_motions(data, test=True) if data.test & set(data.clips) else held_out
    same_many = [train[k] for k in generator.permutation(len(train))[: len(test)]]
    scores = {"real_test_motion": real_scores(judge, test), "real_train_motion": real_scores(judge, same_many)}
    return replace(judge, description={**described, **scores})


class _Chosen:
    """The best checkpoint so far: the highest score on held-out clips among those within the gap.

    best: its weights; score: mean over R@1, 2, 3 on the held-out clips; step: when. over: whether the last `PATIENCE`
    checkpoints were all beyond the gap, so that going on only widens it.
    """

    def __init__(self, judge: Evaluator, held_out: Sequence[TestMotion], trained: Sequence[TestMotion]) -> None:
        self.judge = judge
        self.held_out, self.trained = ([(m.features(), m.captions) for m in part] for part in (held_out, trained))
        self.best, self.score, self.step = _copy(judge.network), -1.0, 0
        self._within, self._beyond = False, 0

    @property
    def over(self) -> bool:
        return self._within and self._beyond >= PATIENCE

    def look(self, step: int, loss: float, seconds: float) -> None:
        """Score the averaged weights as they are now, and keep them if they are the best."""
        held, trained = (_scores(self.judge, motions) for motions in (self.held_out, self.trained))
        gap = float(trained[-1] - held[-1])
        within = gap <= self.judge.settings.most_gap
        self._beyond = 0 if within else self._beyond + 1
        logger.info(
            "evaluator %d  loss %.3f  held out %.4f, R@3 %.3f, train %.3f  %.2f s/step",
            step,
            loss,
            held.mean(),
            held[-1],
            trained[-1],
            seconds / step,
        )
        if (within, held.mean()) >= (self._within, self.score):
            self.best, self.score, self.step = _copy(self.judge.network), float(held.mean()), step
            self._within = within


def real_scores(evaluator: Evaluator, motions: Sequence[TestMotion], repeats: int = 20) -> dict[str, float]:
    """Retrieval on captured motion: R@1, 2, 3 in groups of 32 (mean over `repeats`), and over the whole set.

    Each repeat draws a caption for each motion anew.
    """
    embedded = evaluator.embed_motions([m.features() for m in motions])
    generator = np.random.default_rng(0)
    groups, whole = [], []
    for _ in range(repeats):
        texts = evaluator.embed_texts([m.captions[generator.integers(len(m.captions))] for m in motions])
        groups.append(r_precision(embedded, texts, generator))
        whole.append(retrieval(embedded, texts))
    scores = {f"r{k + 1}_of_32": float(v) for k, v in enumerate(np.mean(groups, 0))}
    return scores | {f"{k}_of_{len(motions)}": float(np.mean([w[k] for w in whole])) for k in whole[0]}


def _since(started: float) -> float:
    return time.monotonic() - started


def _rate(step: int, steps: int) -> float:
    warmup = max(1, min(100, steps // 10))
    if step < warmup:
        return (step + 1) / warmup
    return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))


def _copy(network: EvaluatorNetwork) -> dict[str, Tensor]:
    return {n: t.detach().clone() for n, t in network.state_dict().items()}


def _split(
    motions: list[TestMotion], s: EvaluatorSettings, generator: np.random.Generator
) -> tuple[list[TestMotion], list[TestMotion]]:
    """By clip, so that no held-out motion overlaps one trained on."""
    clips = sorted({m.clip for m in motions})
    if len(clips) < 2 or len(motions) < 4:
        raise TrainingDataError("The evaluator needs at least four captioned segments of two train clips.")
    count = min(len(clips) - 1, max(1, round(s.held_out * len(clips))))
    held = set(generator.permutation(clips)[:count].tolist())
    return [m for m in motions if m.clip not in held], [m for m in motions if m.clip in held]


def _mirrored(captions: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(mirror_caption(c) for c in captions)


def _example(motion: TestMotion, s: EvaluatorSettings, generator: np.random.Generator) -> _Example:
    sides = []
    for joints in (motion.joints, mirror(motion.joints)):
        warped = [warp_time(joints, generator.uniform(*s.speeds))[:LONGEST] for _ in range(s.warps)]
        sides.append(tuple(features_from_joints(canonical(j))[:, READ] for j in (joints, *warped)))
    return _Example((sides[0], sides[1]), (motion.captions, _mirrored(motion.captions)), motion.clip)


def _statistics(features: Sequence[FloatArray]) -> tuple[FloatArray, FloatArray]:
    """Mean and standard deviation of what is read, (133,) each; the latter averaged inside each kind of feature."""
    frames = np.concatenate(features)
    mean, std = frames.mean(0), frames.std(0)
    for part in SLICES.values():
        same = np.isin(READ, np.arange(part.start, part.stop))
        if same.any():
            std[same] = std[same].mean()
    return mean.astype(np.float32), np.maximum(std, 1e-3).astype(np.float32)


def _draw(
    examples: Sequence[_Example],
    network: EvaluatorNetwork,
    captions: CaptionStates,
    s: EvaluatorSettings,
    generator: np.random.Generator,
) -> tuple[Tensor, ...]:
    """Draw a batch.

    Returns:
        Features and mask of B motions and E damped ones of them, text tokens and their mask, which pairs (B, B) are no
        negatives, and of which motions (E,) the last E are damped versions.
    """
    chosen = generator.permutation(len(examples))[: s.batch]
    motions, texts = [], []
    for k in chosen:
        side = int(generator.integers(2))
        versions = examples[k].versions[side]
        whole = versions[int(generator.integers(len(versions)))]
        length = max(min(SHORTEST, len(whole)), round(len(whole) * (1.0 - s.deepest_crop * generator.random())))
        first = int(generator.integers(0, len(whole) - length + 1))
        motions.append(network.normalised(whole[first : first + length], read=True))
        choices = examples[k].captions[side]
        texts.append(choices[int(generator.integers(len(choices)))])
    rows = _livelier(motions, round(s.damped * len(motions)), generator)
    motions += [_damped(motions[k], generator.uniform(0.0, DEEPEST_DAMPING)) for k in rows]
    features, mask = padded(motions)
    if s.noise:
        features = features + s.noise * torch.randn(features.shape) * mask[..., None]
    tokens, words = captions.batch(texts, s.text_states)
    kept = torch.rand(words.shape) >= s.word_dropout
    kept[:, 0] = True  # the sentence vector stays, so that nothing is ever empty
    same = same_meaning(texts, captions.sentences(texts), s.same_meaning)
    return features, mask, tokens, words & kept, same, torch.from_numpy(rows)


def _livelier(motions: Sequence[Tensor], count: int, generator: np.random.Generator) -> IntArray:
    """(count,) which motions to damp, drawn from the livelier half."""
    moves = np.array([float(m[:, _ROOT:].std(0, unbiased=False).mean()) for m in motions])
    lively = np.argsort(moves)[len(motions) - max(1, round(LIVELIER * len(motions))) :]
    return generator.permutation(lively)[:count]


def _damped(motion: Tensor, share: float) -> Tensor:
    """(T, 133) with this share of its movement about the mean pose left; the root travels and turns as before."""
    result = motion.clone()
    mean = motion[:, _ROOT:].mean(0)
    result[:, _ROOT:] = mean + share * (motion[:, _ROOT:] - mean)
    return result


def same_meaning(captions: Sequence[str], sentences: FloatArray, threshold: float) -> Tensor:
    """(N, N) bool, False on the diagonal: captions with the same meaning: neither is a wrong match of the other.

    sentences: (N, width) of length 1. MiniLM gives "turns left" and "turns right" a cosine of 0.95, so captions that
    differ in directions or counts are never taken for the same.
    """
    close = sentences @ sentences.T > threshold
    keys = [directions(c) for c in captions]
    numbers = {key: k for k, key in enumerate(dict.fromkeys(keys))}
    which = np.array([numbers[k] for k in keys])
    close &= which[:, None] == which[None]
    np.fill_diagonal(close, False)
    return torch.from_numpy(close)


def directions(caption: str) -> tuple[str, ...]:
    """The words for sides, ways and counts in a caption, sorted: sentence vectors hardly distinguish them."""
    return tuple(sorted(word.lower() for word in _DIRECTIONS.findall(caption)))


def _loss(network: EvaluatorNetwork, batch: tuple[Tensor, ...]) -> Tensor:
    """Symmetric InfoNCE (van den Oord et al. 2018) over the batch, without false negatives (TMR, section 3.3).

    Damped motion is a wrong answer to every caption, its own among them, and has no caption to look for.
    """
    features, mask, tokens, words, same, damped = batch
    motion = F.normalize(network.motion(features, mask), dim=-1)
    text = F.normalize(network.text(tokens, words), dim=-1)
    scores = (motion @ text.T) * network.log_scale.exp().clamp(max=50.0)
    scores = scores.masked_fill(torch.cat([same, same[damped]]), -torch.inf)
    count = len(text)
    own = torch.arange(count)
    return 0.5 * (F.cross_entropy(scores[:count], own) + F.cross_entropy(scores.T, own))


def _scores(evaluator: Evaluator, motions: Sequence[tuple[FloatArray, tuple[str, ...]]]) -> FloatArray:
    """R@1, 2, 3 in groups of 32, all captions, ten shuffles: smooth enough to compare checkpoints by.

    motions: features (T, 263) and captions of each.
    """
    generator = np.random.default_rng(1)
    embedded = evaluator.embed_motions([features for features, _ in motions])
    most = max(len(captions) for _, captions in motions)
    scores = []
    for k in range(most):
        texts = evaluator.embed_texts([captions[k % len(captions)] for _, captions in motions])
        scores += [r_precision(embedded, texts, generator) for _ in range(10)]
    mean: FloatArray = np.mean(scores, axis=0)
    return mean
