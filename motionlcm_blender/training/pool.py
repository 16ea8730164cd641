"""The pool of training examples: captioned pieces of motion, augmented once, kept as features."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..motion.body_fit import onto_rig
from ..motion.features import canonical, features_from_joints, joints_from_features
from ..motion.skeleton import FPS, MAX_FRAMES
from . import augmentation
from .composition import compose
from .motion_data import MotionData, Segment, mirror_caption

logger = logging.getLogger(__name__)

SHORTEST = 20
"""Frames; shorter pieces teach no motion."""

_LOCOMOTION = re.compile(r"\b(walk|stride|stroll|step|run|jog|sprint|pace|march)", re.I)
_NOT_PLAIN = re.compile(
    r"\b(turn|then|and (?!swing|arms|both)|stop|brak|jump|leap|hop|kick|sit|climb|bend|duck|crouch|spin|around|in "
    r"place|spot|back|sideway|side|diagonal|circle|curve|veer|cut|dribbl|ball|block|stair|start|slow(s|ing) down|"
    r"left|right|over)",
    re.I,
)
_RARE = (
    (re.compile(r"\bkick", re.I), 3.0),
    (re.compile(r"\b(rais|lift)\w* (the |his |her |their |one )?(left|right)", re.I), 3.0),
    (re.compile(r"\b(side ?step|steps? sideways)", re.I), 4.0),
    (re.compile(r"\b(once|twice|(two|three|four) (times|jumps|hops))", re.I), 2.0),
    (re.compile(r"\b(crouch|squat|duck)", re.I), 1.6),
    (re.compile(r"\bjump|leap|hop", re.I), 2.0),
    (re.compile(r"\bturns? (around|left|right|to the)", re.I), 1.6),
    (re.compile(r"\bbackward", re.I), 2.0),
    (re.compile(r"\bwav(e|es|ing)\b", re.I), 2.0),
    (re.compile(r"\b(sit|sits|sitting)\b", re.I), 1.5),
)
_COMPOSED = {"arm": 320, "kick": 180, "leg": 200, "jump": 400, "sidestep": 220, "around": 150}
"""How many examples of each kind `composition` adds; each counts as one, about four in a hundred draws a kind."""
_SPEEDS = {"walks": (0.85, 1.65), "jogs": (1.7, 2.8), "runs": (2.2, 3.6)}
"""Metres per second below which a gait is said to be slow, above which fast."""
_DANCE = re.compile(r"\b(danc|salsa|ballet)", re.I)
_STILL = re.compile(r"\b(still|motionless|holds?|keeps|statue)\b", re.I)


@dataclass(frozen=True)
class Pool:
    """Examples, one after the other.

    features: (sum of frames, 263) float16, not normalised; starts: (N + 1,) offsets into it;
    captions: N tuples, empty for a whole clip, which may be of any length and teaches the VAE only;
    weights: (N,) how often to draw each; travels: (N,) bool, plain locomotion.
    """

    features: np.ndarray
    starts: np.ndarray
    captions: tuple[tuple[str, ...], ...]
    weights: np.ndarray
    travels: np.ndarray

    def __len__(self) -> int:
        return len(self.captions)

    @property
    def lengths(self) -> np.ndarray:
        """(N,) frames."""
        return np.diff(self.starts)

    @property
    def said(self) -> np.ndarray:
        """(N,) bool: has captions."""
        return np.array([bool(c) for c in self.captions])

    def captioned(self) -> Pool:
        """Only the examples with captions; the features are shared, so it costs nothing."""
        rows = np.flatnonzero(self.said)
        if not (np.diff(rows) == 1).all() or (len(rows) and rows[0] != 0):
            raise ValueError("Examples with captions must come first.")
        count = len(rows)
        return Pool(
            self.features, self.starts[: count + 1], self.captions[:count], self.weights[:count], self.travels[:count]
        )

    def example(self, index: int) -> np.ndarray:
        """(T, 263) float32 features, not normalised."""
        return self.features[self.starts[index] : self.starts[index + 1]].astype(np.float32)

    def save(self, path: Path) -> None:
        temporary = path.with_suffix(".unfinished.npz")
        joined = np.array(["\n".join(c) for c in self.captions])
        np.savez(
            temporary, features=self.features, starts=self.starts, captions=joined, weights=self.weights,
            travels=self.travels,
        )  # fmt: skip
        temporary.replace(path)

    @classmethod
    def load(cls, path: Path) -> Pool:
        with np.load(path, allow_pickle=False) as file:
            captions = tuple(tuple(str(c).split("\n")) if c else () for c in file["captions"])
            return cls(file["features"], file["starts"], captions, file["weights"], file["travels"])


@dataclass(frozen=True)
class _Example:
    joints: np.ndarray
    captions: tuple[str, ...]
    weight: float
    travels: bool = False


def build_pool(data: MotionData, test: bool, seed: int, variations: int = 5) -> Pool:
    """All examples of the train or test clips; the test pool is not augmented."""
    generator = np.random.default_rng(seed)
    features: list[np.ndarray] = []
    kept: list[_Example] = []
    for example in _examples(data, test, generator, variations):
        joints = example.joints[: MAX_FRAMES + 1] if example.captions else example.joints
        if len(joints) < SHORTEST + 1:
            continue
        features.append(features_from_joints(canonical(joints)).astype(np.float16))
        kept.append(example)
    starts = np.concatenate([[0], np.cumsum([len(f) for f in features])])
    logger.info("%s pool: %d examples, %.0f minutes", "test" if test else "train", len(kept), starts[-1] / 1200)
    return Pool(
        np.concatenate(features),
        starts,
        tuple(e.captions for e in kept),
        np.array([e.weight for e in kept]),
        np.array([e.travels for e in kept]),
    )


def _examples(data: MotionData, test: bool, generator: np.random.Generator, variations: int) -> Iterator[_Example]:
    skeletal = {
        name: onto_rig(joints).astype(np.float32)
        for name, joints in data.clips.items()
        if (name in data.test) == test and len(joints) > SHORTEST
    }
    whole = MotionData(skeletal, tuple(s for s in data.segments if s.clip in skeletal), data.test)
    walks: list[np.ndarray] = []
    for segment in whole.segments:
        joints = whole.joints(segment)
        if len(joints) < SHORTEST + 1:
            continue
        weight = _weight(segment.captions)
        if test:
            yield _Example(joints, segment.captions, weight, is_plain_locomotion(segment))
            continue
        mirrored = tuple(mirror_caption(c) for c in segment.captions)
        yield _Example(joints, segment.captions, weight)
        yield _Example(augmentation.mirror(joints), mirrored, weight)
        for _ in range(2):
            warped = augmentation.warp_time(joints, generator.uniform(0.85, 1.18))
            flipped = generator.random() < 0.5
            yield _Example(
                augmentation.mirror(warped) if flipped else warped,
                mirrored if flipped else segment.captions,
                weight / 2,
            )
        if is_plain_locomotion(segment):
            gaits = list(_locomotion(joints, segment.captions, generator, variations))
            walks += [e.joints for e in gaits[:1] if "a person walks." in e.captions]
            yield from gaits
    if not test:
        for made in compose(whole, walks, _COMPOSED, generator):
            yield _Example(made.joints.astype(np.float32), made.captions, 1.0)
        yield from _whole_clips(skeletal, generator)


def _whole_clips(clips: Mapping[str, np.ndarray], generator: np.random.Generator) -> Iterator[_Example]:
    """Every clip in full, for windows of any length and place: as it is, mirrored, slower and faster."""
    for joints in clips.values():
        weight = len(joints) / MAX_FRAMES
        yield _Example(joints, (), weight)
        yield _Example(augmentation.mirror(joints), (), weight)
        for low, high in ((0.8, 0.95), (1.05, 1.25)):
            warped = augmentation.warp_time(joints, generator.uniform(low, high))
            yield _Example(augmentation.mirror(warped) if generator.random() < 0.5 else warped, (), weight / 2)


def is_plain_locomotion(segment: Segment) -> bool:
    """Walks and runs that go on straight, told by their first (plainest) caption."""
    return bool(_LOCOMOTION.search(segment.captions[0])) and not _NOT_PLAIN.search(segment.captions[0])


def _weight(captions: tuple[str, ...]) -> float:
    text = " ".join(captions)
    weight = 1.0
    for pattern, factor in _RARE:
        if pattern.search(text):
            weight = max(weight, factor)
    if _DANCE.search(text):
        weight = min(weight, 0.6)
    if _STILL.search(captions[0]):
        weight *= 0.4
    return weight


def _locomotion(
    joints: np.ndarray, captions: tuple[str, ...], generator: np.random.Generator, variations: int
) -> Iterator[_Example]:
    """Longer, bent and reversed versions of a straight walk or run."""
    cycle = augmentation.gait_cycle(joints)
    if cycle is None:
        return
    verb = "runs" if re.search(r"\b(run|sprint)", captions[0], re.I) else "jogs" if "jog" in captions[0] else "walks"
    plain = (f"a person {verb} forward.", f"a person {verb}.", captions[0])
    for number in range(variations):
        frames = int(generator.integers(60, MAX_FRAMES + 2)) if number else MAX_FRAMES + 1
        gait = augmentation.continue_gait(joints, cycle, frames, start=int(generator.integers(0, cycle[0] + 1)))
        # Three in five at about the captured speed, the others clearly slower and faster.
        low, high = ((0.85, 1.2), (0.85, 1.2), (0.55, 0.75), (1.25, 1.5), (0.85, 1.2))[number % 5]
        gait = augmentation.warp_time(gait, generator.uniform(low, high))
        if len(gait) > MAX_FRAMES + 1:
            gait = gait[: MAX_FRAMES + 1]
        if generator.random() < 0.5:
            gait = augmentation.mirror(gait)
        spoken = _with_speed(gait, verb)
        if number == 0:
            yield _Example(gait, plain, 0.5, True)
            continue
        if spoken:
            yield _Example(gait, spoken, 0.5, True)
        bent, said = _bent(gait, verb, generator)
        # "forward" is straight ahead: what winds is not called that.
        winding = tuple(c for c in spoken if "forward" not in c) or (f"a person {verb}.", f"someone {verb} about.")
        yield _Example(bent, said or winding, 0.5, True)
        if number == 1 and verb == "walks":
            backward = (
                "a person walks backward.",
                "a person walks backwards.",
                "someone steps backward in a straight line.",
            )
            yield _Example(np.ascontiguousarray(gait[::-1]), backward, 0.6, True)
        if number == 2 and verb == "walks":
            yield _Example(
                np.ascontiguousarray(bent[::-1]), ("a person walks backward.", "a person walks backwards."), 0.3, True
            )


def _with_speed(gait: np.ndarray, verb: str) -> tuple[str, ...]:
    """Captions that say a gait is slow or fast, told from its metres per second; none for what is usual."""
    ground = gait[:, 0][:, [0, 2]]
    speed = float(np.linalg.norm(np.diff(ground, axis=0), axis=-1).mean() * FPS)
    slow, fast = _SPEEDS[verb]
    if speed < slow:
        return (f"a person {verb} slowly.", f"a person slowly {verb} forward.", f"someone {verb} at a slow pace.")
    if speed > fast:
        return (f"a person {verb} fast.", f"a person {verb} quickly.", f"someone {verb} briskly forward.")
    return ()


def _bent(gait: np.ndarray, verb: str, generator: np.random.Generator) -> tuple[np.ndarray, tuple[str, ...] | None]:
    """A walk bent along a random arc, circle or S, and what to say of it (None: nothing special)."""
    ground = gait[:, 0][:, [0, 2]]
    travelled = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(ground, axis=0), axis=-1))])
    length = max(travelled[-1], 0.5)
    at = travelled / length
    kind = generator.choice(["circle", "arc", "s", "wander", "eight"], p=[0.3, 0.25, 0.2, 0.15, 0.1])
    side = generator.choice([-1.0, 1.0])  # +1 turns towards +X, the figure's left
    word = "left" if side > 0 else "right"
    if kind == "circle" and length > 4.0:
        total = side * 2 * np.pi * generator.uniform(0.85, 1.15)
        turn = np.full(len(gait), total / length)
        round_way = "counterclockwise" if side > 0 else "clockwise"
        said: tuple[str, ...] | None = (
            f"a person {verb} in a circle.",
            f"a person {verb} in a circle to the {word}.",
            f"a person {verb} {round_way} in a circle.",
        )
    elif kind in ("arc", "circle"):
        total = side * generator.uniform(0.5, 2.4)
        middle, spread = generator.uniform(0.3, 0.7), generator.uniform(0.08, 0.4)
        shape = np.exp(-(((at - middle) / spread) ** 2))
        turn = (
            total
            * shape
            / max(np.trapezoid(shape, travelled) if hasattr(np, "trapezoid") else np.trapz(shape, travelled), 1e-6)
        )
        said = (
            (f"a person {verb} and turns {word}.", f"a person {verb} in a curve to the {word}.")
            if abs(total) > 0.9
            else None
        )
    elif kind == "eight" and length > 6.0:
        turn = side * np.where(at < 0.5, 1.0, -1.0) * 4 * np.pi / length
        said = (f"a person {verb} in a figure eight.",)
    else:
        waves = generator.uniform(0.6, 1.6) if kind == "s" else generator.uniform(0.3, 2.5)
        amount = generator.uniform(0.5, 1.6)
        turn = (
            side * amount * 2 * np.pi * waves / length * np.cos(2 * np.pi * waves * at + generator.uniform(-0.6, 0.6))
        )
        said = None
    return augmentation.bend(gait, turn), said


@dataclass(frozen=True)
class Normalisation:
    """mean, std (263,) of features; hint_mean, hint_std (22, 3) of global joint positions; float32."""

    mean: np.ndarray
    std: np.ndarray
    hint_mean: np.ndarray
    hint_std: np.ndarray

    def as_dict(self) -> dict[str, np.ndarray]:
        return {"mean": self.mean, "std": self.std, "hint_mean": self.hint_mean, "hint_std": self.hint_std}


_GROUPS = (slice(0, 1), slice(1, 3), slice(3, 4), slice(4, 67), slice(67, 193), slice(193, 259), slice(259, 263))


def normalisation_of(pool: Pool, examples: int = 1500, seed: int = 0) -> Normalisation:
    """Mean and std over the pool, std averaged inside each group of features (MODEL.md section 1)."""
    features = pool.features.astype(np.float32)
    mean, std = features.mean(0, dtype=np.float64), features.std(0, dtype=np.float64)
    for group in _GROUPS:
        std[group] = std[group].mean()
    chosen = np.random.default_rng(seed).permutation(len(pool))[:examples]
    joints = np.concatenate([joints_from_features(pool.example(i)) for i in chosen])
    hint_std = joints.std(0, dtype=np.float64)
    hint_std = np.maximum(hint_std, hint_std.mean(0, keepdims=True))
    return Normalisation(
        mean.astype(np.float32), std.astype(np.float32), joints.mean(0).astype(np.float32), hint_std.astype(np.float32)
    )
