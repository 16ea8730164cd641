"""One evaluation from start to end: opens what is needed, repeats each section, writes after each."""

from __future__ import annotations

import argparse
import datetime
import importlib
import logging
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ...benchmarks.speed import machine
from ...errors import TrainingDataError
from ...files.safetensors_files import sha256, write_bytes
from ...generation.pipeline import MotionLCM
from ...networks.model_folder import ModelFolder
from ...text.encoders import open_minilm
from ..data.motion_data import MotionData, load_motion_data
from .caption_states import CaptionStates
from .card import write_card
from .evaluator import Evaluator
from .evaluator_training import open_captions, open_evaluator
from .generation import TEACHER_GUIDANCE, TEACHER_STEPS, Teacher, check_torch, load_teacher
from .held_out_motions import TestMotion, build_motions
from .lookup import ROW as LOOKUP
from .lookup import Lookup
from .reconstruction import measure_reconstruction, whole_clips
from .report import markdown
from .results import FIGURES, REPORT, Results, Section, aggregate
from .segment_flags import load_flags
from .text_section import TextSection

logger = logging.getLogger(__name__)

REPEATS, HUMANML_REPEATS = 10, 20
MOST_REPEATS = {"energy": 3, "paths": 5, "long": 3}
"""Sections that take long and vary little are repeated no more often than this."""
TRAIN_CLIPS = 60
"""Train clips reconstructed in a repeat; the test clips are fewer and all taken."""
TRAIN_SEGMENTS = 1200
"""Captioned segments of train clips, mirrored ones beside, of which the floor of FID draws in each repeat."""
LOOKUP_FILE = "lookup.npz"
LOOKED_UP = 4
"""Takes of a word from the look-up: the two nearest captions of each of two phrasings."""

Measure = Callable[[int], dict[str, float]]


@dataclass(frozen=True)
class Plan:
    """What to measure. model None: the bundled one. seeds: motions of a prompt in a repeat, for obedience."""

    model: Path | None
    data: Path | None
    evaluator: Path
    teacher: Path | None
    sections: tuple[str, ...]
    repeats: int = REPEATS
    seeds: int = 20
    teacher_guidance: float = TEACHER_GUIDANCE
    out: Path | None = None
    device: str = "auto"
    humanml: Path | None = None

    @classmethod
    def from_arguments(cls, args: argparse.Namespace, sections: tuple[str, ...]) -> Plan:
        """The plan that the command line describes."""
        guidance = TEACHER_GUIDANCE if args.teacher_guidance is None else args.teacher_guidance
        repeats = args.repeats or (REPEATS if args.humanml is None else HUMANML_REPEATS)
        return cls(
            args.model,
            args.data,
            args.evaluator,
            args.teacher,
            sections,
            repeats,
            args.seeds,
            guidance,
            args.out,
            args.device,
            args.humanml,
        )


class _Remembering:
    """The text encoder of a model, opened at the first prompt, each prompt encoded once."""

    def __init__(self, model: MotionLCM) -> None:
        self._open, self._known = model._encoder, dict[str, Any]()

    def encode(self, prompt: str) -> Any:
        if prompt not in self._known:
            self._known[prompt] = self._open().encode(prompt)
        return self._known[prompt]


class Bench:
    """What the sections share, opened when first needed."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.folder = ModelFolder.open(plan.model)

    @cached_property
    def data(self) -> MotionData:
        """The captured motion."""
        assert self.plan.data is not None
        return load_motion_data(self.plan.data)

    @cached_property
    def evaluator(self) -> Evaluator:
        """The evaluator, trained if it does not exist."""
        return open_evaluator(self.plan.evaluator, self.data, captions=self.captions)

    @cached_property
    def captions(self) -> CaptionStates:
        """The text encoder's states of captions."""
        return open_captions(self.plan.evaluator)

    @cached_property
    def lookup(self) -> Lookup:
        """Nearest captions and their captured motions."""
        return Lookup(self.data, self.captions, self.plan.evaluator / LOOKUP_FILE)

    @cached_property
    def model(self) -> MotionLCM:
        """The model; it remembers every prompt, since the rows and repeats read the same captions again."""
        device = self.plan.device
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        loaded = MotionLCM.from_folder(self.folder.path, device)
        check_torch(loaded)
        if self.folder.text["kind"] == "minilm":
            encoder: Any = CaptionStates(open_minilm())
        else:
            encoder = _Remembering(loaded)
        return MotionLCM(loaded.backend, loaded.stats, encoder, self.folder)

    @cached_property
    def teacher(self) -> Teacher | None:
        """The teacher, or None if the plan names none."""
        if self.plan.teacher is None:
            return None
        return load_teacher(self.plan.teacher, self.model, TEACHER_STEPS, self.plan.teacher_guidance)

    @cached_property
    def motions(self) -> list[TestMotion]:
        """The test segments as captured."""
        assert self.plan.data is not None
        return build_motions(self.data, flags=load_flags(self.plan.data))

    def energy(self) -> tuple[Measure, dict[str, Any]]:
        """The measurement of motion energy, and facts about it."""
        part = _part("energy_section").EnergySection(self.model, self.motions, self.teacher, self.lookup)
        spread = _part("spread_section").SpreadSection(self.model, self.motions, self.teacher, self.lookup)
        return lambda repeat: part.measure(repeat) | spread.measure(repeat), part.about | spread.about

    def paths(self) -> tuple[Measure, dict[str, Any]]:
        """The measurement of path following, and facts about it."""
        part = _part("path_section").PathSection(self.model, self.motions, self.model.architecture.control)
        return part.measure, part.about

    def long(self) -> tuple[Measure, dict[str, Any]]:
        """The measurement of long motion, and facts about it."""
        part = _part("long_section")
        able = self.model.architecture.control and self.folder.can_continue
        if not able:
            return lambda _repeat: {}, {"left_out": "the model cannot go on from an earlier motion"}
        return lambda repeat: part.measure(self.model, repeat), {"seeds": part.SEEDS}

    def reconstruction(self) -> tuple[Measure, dict[str, Any]]:
        """The measurement of the VAE's reconstruction, and facts about it."""
        test = whole_clips(self.data, test=True)

        def measure(repeat: int) -> dict[str, float]:
            generator = np.random.default_rng((83, repeat))
            train = whole_clips(self.data, test=False, limit=TRAIN_CLIPS, seed=repeat)
            found = {f"test/{k}": v for k, v in measure_reconstruction(self.model, test, generator).items()}
            found |= {f"train/{k}": v for k, v in measure_reconstruction(self.model, train, generator).items()}
            if repeat == 0:  # nothing is drawn here, so once is enough
                mean = measure_reconstruction(self.model, test)
                found |= {f"test_posterior_mean/{k}": v for k, v in mean.items()}
            return found

        return measure, {"test_pieces": len(test), "train_clips_drawn": TRAIN_CLIPS}

    def text(self) -> tuple[Measure, dict[str, Any]]:
        """The measurement of how motion fits its text, and facts about it."""
        # Mirror images double the set: a covariance over 125 segments alone would be poor.
        motions = build_motions(self.data, mirrored=True)
        trained = build_motions(self.data, test=False, mirrored=True, limit=TRAIN_SEGMENTS, seed=1)
        section = TextSection(self.model, self.evaluator, motions, self.teacher, trained, self.lookup)
        about: dict[str, Any] = {
            "test_motions": len(motions),
            "teacher": None if self.plan.teacher is None else sha256(self.plan.teacher),
            "teacher_guidance": self.plan.teacher_guidance,
            "guidance": {str(steps): self.model.guidance(steps) for steps in (1, 2, 4)},
            "evaluator": self.evaluator.fingerprint,
            "evaluator_settings": asdict(self.evaluator.settings),
            "evaluator_on_real_test_motion": self.evaluator.description.get("real_test_motion"),
            "evaluator_on_real_train_motion": self.evaluator.description.get("real_train_motion"),
        }
        return section.measure, about

    def control(self) -> tuple[Measure, dict[str, Any]]:
        """The measurement of controlled joints, and facts about it."""
        part = _part("control_metrics")
        # Only what the model was trained to take; anything else it refuses.
        joints = [j for j in part.CONTROLLED_JOINTS if j in self.folder.controlled_joints]
        chosen = {"joints": joints, "initial": self.folder.can_continue}

        def measure(repeat: int) -> dict[str, float]:
            figures: dict[str, float] = part.measure(self.model, self.motions, repeat, **chosen)
            return figures

        return measure, {"test_motions": len(self.motions), **chosen}

    def obedience(self) -> tuple[Measure, dict[str, Any]]:
        """The measurement of obedience to single words, and facts about it."""
        part, seeds = _part("obedience"), self.plan.seeds

        def measure(repeat: int) -> dict[str, float]:
            figures: dict[str, float] = part.measure(self.model, repeat, seeds)
            if repeat == 0:  # nothing is drawn in the look-up, so once is enough
                looked_up = part.measure(self.lookup, 0, LOOKED_UP)
                figures |= {f"{LOOKUP}/{k.removeprefix('obedience/')}": v for k, v in looked_up.items()}
            return figures

        return measure, {"seeds": seeds, "looked_up": LOOKED_UP}

    def quality(self) -> tuple[Measure, dict[str, Any]]:
        """The measurement of motion quality, and facts about it."""
        part = _part("quality_metrics")
        return lambda repeat: part.measure(self.model, self.motions, repeat), {"test_motions": len(self.motions)}


def evaluate(plan: Plan) -> str:
    """Measure every section of the plan, write evaluation.json and EVALUATION.md after each, return the report.

    Sections measured earlier are kept if the file is of the same weights; else the file begins anew. Written beside the
    model (no plan.out), the model card gets the figures too.
    """
    bench = Bench(plan)
    if plan.humanml is not None:
        sections: dict[str, Callable[[], tuple[Measure, dict[str, Any]]]] = {"humanml": lambda: _humanml(bench)}
    else:
        sections = {name: getattr(bench, name) for name in plan.sections}
    folder = bench.folder
    out = folder.path if plan.out is None else plan.out
    results = earlier_results(out / FIGURES, folder)
    for name, opened in sections.items():
        measure, about = opened()
        repeats = min(plan.repeats, MOST_REPEATS.get(name, plan.repeats))
        results = results.with_section(name, measure_section(name, measure, repeats, about))
        results.save(out / FIGURES)
        write_bytes(out / REPORT, markdown(results).encode())
    if plan.out is None and plan.humanml is None:
        write_card(out, results)
    return markdown(results)


def measure_section(name: str, measure: Measure, repeats: int, about: dict[str, Any]) -> Section:
    """Call measure(0), measure(1) .. and aggregate; a leading "NAME/" of the keys is dropped."""
    started, found = time.monotonic(), []
    for repeat in range(repeats):
        found.append({key.removeprefix(f"{name}/"): value for key, value in measure(repeat).items()})
        spent = time.monotonic() - started
        left = spent / (repeat + 1) * (repeats - repeat - 1)
        logger.info("%s %d/%d, about %d:%02d left", name, repeat + 1, repeats, left // 60, left % 60)
    general: dict[str, Any] = {
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d"),
        "repeats": repeats,
        "seconds": round(time.monotonic() - started, 1),
        "machine": machine(),
    }
    return Section(aggregate(found), general | about)


def earlier_results(file: Path, folder: ModelFolder) -> Results:
    """What was measured of these very weights before; else nothing yet."""
    described = {
        "name": folder.name, "version": folder.config.get("version"), "fingerprint": folder.fingerprint,
    }  # fmt: skip
    if file.exists():
        earlier = Results.load(file)
        if earlier.model.get("fingerprint") == folder.fingerprint:
            return Results(described, earlier.sections)
    return Results(described, {})


def _part(module: str) -> Any:
    """A module of this package, imported when its section is measured."""
    try:
        return importlib.import_module(f".{module}", __package__)
    except ModuleNotFoundError as error:
        raise TrainingDataError(f"This installation cannot measure that: {module} is missing.") from error


def _humanml(bench: Bench) -> tuple[Measure, dict[str, Any]]:
    part = _part("humanml")
    assert bench.plan.humanml is not None
    section = part.HumanMLSection(bench.model, bench.plan.humanml, bench.teacher)
    return section.measure, section.about
