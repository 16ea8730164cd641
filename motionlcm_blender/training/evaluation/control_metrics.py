"""How well the motion passes through the positions it was given: OmniControl's measures.

Definitions of Xie et al. 2024 (OmniControl, arXiv 2310.08580, section 4), after GMD: the distance of a hinted joint to
its hint on each hinted frame (key location); a trajectory fails at 20 or 50 cm if any of its key locations is further
off; key locations fail by themselves; the average error is the mean distance over key locations. Hints are the true
positions of captured motion, given on 1, 2 or 5 random frames, a quarter of them, or all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ...array_types import FloatArray, IntArray
from ...generation.request import DEFAULT_STEPS, Hints, Request
from ...motion.metrics import skating_ratio
from ...motion.motion import Motion
from ...motion.skeleton import CONTROLLED_JOINTS, FPS, JOINT_COUNT, JOINTS
from .held_out_motions import TestMotion
from .measured_model import Measured
from .motion_measures import joints_of

DENSITIES: tuple[int | float, ...] = (1, 2, 5, 0.25, 1.0)
"""An int is a number of frames, a float a share of them."""
THRESHOLDS_CM = (20, 50)
INITIAL_SHARE = 0.25
KINDS = ("raw", "final")
"""Of the network alone, and with the engine's post-processing."""


@dataclass(frozen=True, eq=False)
class Trial:
    """One controlled motion: its request, and the captured joints (T, 22, 3) that the hints are taken from."""

    request: Request
    truth: FloatArray


@dataclass(frozen=True, eq=False)
class Outcome:
    """How far off the hints were, and how the feet slid.

    distances: metres at the key locations, one array for each hinted joint of each motion: a trajectory.

    skating: share of frames in which a foot slides, for each motion.
    """

    distances: tuple[FloatArray, ...]
    skating: tuple[float, ...]


def density_name(density: int | float) -> str:
    """1 -> "1_frame", 0.25 -> "25_percent"."""
    if isinstance(density, float):
        return f"{round(100 * density)}_percent"
    return f"{density}_frame{'s' if density > 1 else ''}"


def hinted_frames(frames: int, density: int | float, generator: np.random.Generator) -> IntArray:
    """Sorted frame numbers, drawn without repetition: at least one, at most all."""
    count = round(density * frames) if isinstance(density, float) else density
    return np.sort(generator.permutation(frames)[: min(frames, max(1, count))])


def hints_at(truth: FloatArray, joints: Iterable[int], frames: IntArray, axes: Sequence[int] = (0, 1, 2)) -> Hints:
    """Hints with the true positions of some joints on some frames. truth: (T, 22, 3). axes: which coordinates."""
    mask = np.zeros(truth.shape, bool)
    mask[np.ix_(frames, np.asarray(list(joints)), np.asarray(axes))] = True
    return Hints(truth, mask)


def key_distances(made: FloatArray, hints: Hints) -> list[FloatArray]:
    """Metres from each hinted joint to its hints, one array (hinted frames,) for each joint that has any.

    made: (T, 22, 3). Only the coordinates that were given count: a ground path is measured on the floor.
    """
    away = np.linalg.norm(np.where(hints.mask, np.asarray(made, np.float64) - hints.positions, 0.0), axis=-1)
    given = hints.mask.any(axis=-1)
    return [away[given[:, j], j] for j in range(JOINT_COUNT) if given[:, j].any()]


def summary(outcome: Outcome) -> dict[str, float]:
    """OmniControl's figures: mean errors in cm, the rest shares 0..1.

    trajectory_error_cm: mean over trajectories of each one's mean distance; location_error_cm: mean over all key
    locations, which weighs long trajectories more.
    """
    every = np.concatenate(outcome.distances)
    figures = {
        "trajectory_error_cm": 100.0 * float(np.mean([d.mean() for d in outcome.distances])),
        "location_error_cm": 100.0 * float(every.mean()),
        "skating_ratio": float(np.mean(outcome.skating)),
    }
    for limit in THRESHOLDS_CM:
        figures[f"trajectory_fail_{limit}cm"] = float(np.mean([d.max() > limit / 100 for d in outcome.distances]))
        figures[f"location_fail_{limit}cm"] = float((every > limit / 100).mean())
    return figures


def velocity_jump(joints: FloatArray, frame: int) -> float:
    """m/s by which the velocity of the joints changes on reaching `frame`, mean over joints. joints: (T, J, 3)."""
    before, after = joints[frame - 1] - joints[frame - 2], joints[frame] - joints[frame - 1]
    return float(np.linalg.norm(after - before, axis=-1).mean() * FPS)


def measure(
    model: Measured,
    motions: Sequence[TestMotion],
    repeat: int,
    per_cell: int = 16,
    joints: Sequence[int] = CONTROLLED_JOINTS,
    densities: Sequence[int | float] = DENSITIES,
    steps: int = DEFAULT_STEPS,
    initial: bool = True,
) -> dict[str, float]:
    """All control figures of a model with a ControlNet, each cell over `per_cell` motions drawn by `repeat`.

    The same motions, captions and seeds are used in all cells, so that cells compare. Names, with KIND raw (the
    network alone) or final (post-processed) and FIGURE as `summary` gives them:
    `control/KIND/JOINT/DENSITY/FIGURE`; `control/KIND/JOINT/FIGURE`, mean over densities;
    `control/KIND/joints/FIGURE`, mean over the single joints, as OmniControl reports. JOINT is also `several`: two to
    all of the joints at once, drawn for each motion.
    `control/KIND/ground_path/FIGURE`: x and z of the pelvis on every frame.
    `control/KIND/initial_all/...`, `initial_six/...`: the first quarter given for all 22 joints or these joints:
    error_cm over what was given, and velocity_jump_m_s of all joints where it ends, in the capture itself with
    KIND real; not measured if `initial` is False, for a model that was not trained for it.
    Raises InvalidRequest for a model without control, ValueError without motions.
    """
    if not motions:
        raise ValueError("There is no motion to take hints from.")
    chosen = _chosen(motions, repeat, per_cell)
    figures: dict[str, float] = {}
    names = {JOINTS[j]: [j] for j in joints} | ({"several": list(joints)} if len(joints) > 1 else {})
    for place, (name, choice) in enumerate(names.items()):
        cells: dict[str, list[dict[str, float]]] = {kind: [] for kind in KINDS}
        for number, density in enumerate(densities):
            generator = np.random.default_rng([repeat, 1, place, number])
            trials = []
            for request, truth in chosen:
                some = choice if len(choice) == 1 else _some(choice, generator)
                hints = hints_at(truth, some, hinted_frames(len(truth), density, generator))
                trials.append(_trial(request, truth, hints, steps))
            for kind, row in _run(model, trials).items():
                cells[kind].append(row)
                figures |= {f"control/{kind}/{name}/{density_name(density)}/{f}": v for f, v in row.items()}
        for kind, rows in cells.items():
            figures |= {f"control/{kind}/{name}/{f}": float(np.mean([r[f] for r in rows])) for f in rows[0]}
    for kind in KINDS:
        for figure in summary(Outcome((np.zeros(1),), (0.0,))):
            single = [figures[f"control/{kind}/{JOINTS[j]}/{figure}"] for j in joints]
            figures[f"control/{kind}/joints/{figure}"] = float(np.mean(single))
    ground = [_trial(r, t, Hints.ground_path(t[:, 0][:, [0, 2]]), steps) for r, t in chosen]
    for kind, row in _run(model, ground).items():
        figures |= {f"control/{kind}/ground_path/{f}": v for f, v in row.items()}
    for name, which in (("initial_all", range(JOINT_COUNT)), ("initial_six", joints)) if initial else ():
        figures |= _initial(model, chosen, name, list(which), steps)
    return figures


def _chosen(motions: Sequence[TestMotion], repeat: int, count: int) -> list[tuple[Request, FloatArray]]:
    """Requests without hints yet, and the joints they are about; motions repeat only if there are too few."""
    generator = np.random.default_rng([repeat, 0])
    order = np.concatenate([generator.permutation(len(motions)) for _ in range(-(-count // len(motions)))])
    found = []
    for k in order[:count]:
        motion = motions[k]
        caption = motion.captions[int(generator.integers(len(motion.captions)))]
        found.append((Request(caption, motion.frames, seed=int(generator.integers(2**31))), motion.joints))
    return found


def _some(which: Sequence[int], generator: np.random.Generator) -> list[int]:
    count = int(generator.integers(2, len(which) + 1))
    return sorted(int(j) for j in generator.permutation(np.asarray(which))[:count])


def _trial(request: Request, truth: FloatArray, hints: Hints, steps: int) -> Trial:
    return Trial(Request(request.prompt, request.frames, seed=request.seed, steps=steps, hints=hints), truth)


def _made(model: Measured, request: Request) -> dict[str, FloatArray]:
    """(T, 22, 3) by kind."""
    raw = joints_of(model.features(request)[0])
    return {"raw": raw, "final": model.generate(request)[0].joints}


def _run(model: Measured, trials: Iterable[Trial]) -> dict[str, dict[str, float]]:
    distances: dict[str, list[FloatArray]] = {kind: [] for kind in KINDS}
    skating: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for trial in trials:
        assert trial.request.hints is not None
        for kind, made in _made(model, trial.request).items():
            distances[kind] += key_distances(made, trial.request.hints)
            skating[kind].append(skating_ratio(made))
    return {kind: summary(Outcome(tuple(distances[kind]), tuple(skating[kind]))) for kind in KINDS}


def _initial(
    model: Measured, chosen: Sequence[tuple[Request, FloatArray]], name: str, joints: list[int], steps: int
) -> dict[str, float]:
    """The first quarter is given; the jump is that of all joints, given or not."""
    errors: dict[str, list[float]] = {kind: [] for kind in KINDS}
    jumps: dict[str, list[float]] = {kind: [] for kind in (*KINDS, "real")}
    for request, truth in chosen:
        end = max(2, round(INITIAL_SHARE * len(truth)))
        hints = hints_at(truth, joints, np.arange(end))
        if len(joints) == JOINT_COUNT:
            start = Motion(truth[:end], np.zeros((end, 4), np.float32))
            trial_request = Request(request.prompt, request.frames, seed=request.seed, steps=steps, start=start)
        else:
            trial_request = _trial(request, truth, hints, steps).request
        for kind, made in _made(model, trial_request).items():
            errors[kind].append(float(np.concatenate(key_distances(made, hints)).mean()))
            jumps[kind].append(velocity_jump(made, end))
        jumps["real"].append(velocity_jump(truth, end))
    figures = {f"control/{kind}/{name}/error_cm": 100.0 * float(np.mean(e)) for kind, e in errors.items()}
    return figures | {f"control/{kind}/{name}/velocity_jump_m_s": float(np.mean(j)) for kind, j in jumps.items()}
