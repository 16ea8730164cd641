"""The settings of a training run, read from a TOML file."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from ..errors import TrainingDataError
from ..networks.architecture import Architecture
from .data.hint_patterns import PatternShares

BUNDLED = Path(__file__).parent / "configs" / "bundled.toml"


@dataclass(frozen=True)
class VaeSettings:
    """curriculum: pairs of (part of the training at which it starts, longest window in frames).

    lapped_steps, lapped_rate: for the lapped transform alone, where the architecture has one; steps then trains the
    refiner. kl_weight and spread_weight do not apply to it.
    seconds, lapped_seconds: training time after which a stage is finished, however many steps were made (0: no limit);
    the learning rate then falls by time. The same holds in the other sections.
    """

    steps: int = 3000
    learning_rate: float = 6e-4
    frames_per_batch: int = 3072
    latent_width: int = 32
    curriculum: tuple[tuple[float, int], ...] = ((0.0, 32), (0.15, 64), (0.45, 128), (0.65, 196))
    joint_weight: float = 0.3
    velocity_weight: float = 0.15
    kl_weight: float = 1e-4
    spread_weight: float = 0.02
    matrix_rate: float = 0.0
    ema: float = 0.998
    lapped_steps: int = 8000
    lapped_rate: float = 4e-4
    seconds: float = 0.0
    lapped_seconds: float = 0.0


@dataclass(frozen=True)
class TeacherSettings:
    """text_dropout: how often the prompt is replaced by the empty one, for classifier-free guidance."""

    steps: int = 5000
    learning_rate: float = 4e-4
    batch: int = 128
    text_dropout: float = 0.1
    matrix_rate: float = 0.0
    ema: float = 0.999
    seconds: float = 0.0


@dataclass(frozen=True)
class StudentSettings:
    """Consistency distillation (MODEL.md section 3). guidance: range of the scale w it learns.

    trajectories: how many of the teacher's ends to show beside, made in trajectory_steps; trajectory_share: of a batch.
    trajectory_chunk: how many are made at once; trajectory_seconds: the time after which no more are made, 0: no limit.
    """

    steps: int = 3000
    learning_rate: float = 2e-4
    batch: int = 96
    guidance: tuple[float, float] = (2.0, 8.0)
    target_decay: float = 0.95
    trajectories: int = 0
    trajectory_steps: int = 20
    trajectory_share: float = 0.5
    trajectory_chunk: int = 128
    trajectory_seconds: float = 0.0
    matrix_rate: float = 0.0
    ema: float = 0.995
    seconds: float = 0.0


@dataclass(frozen=True)
class ControlSettings:
    """The three stages of the ControlNet (`control_stage`).

    encoder_steps: for the trajectory encoder alone; teacher_steps: for the ControlNet of the teacher; steps: for that
    of the student. straight_share: how much of what is shown is straightened locomotion with its path. trajectories: of
    the controlled teacher, made in trajectory_steps, at guidance scales within `guidance`. candidates: rows of the pool
    among which those of a batch are chosen by length; more where frames_per_batch is larger.
    """

    encoder_steps: int = 800
    encoder_rate: float = 5e-4
    encoder_matrix_rate: float = 0.0
    teacher_steps: int = 3000
    teacher_rate: float = 4e-4
    teacher_matrix_rate: float = 0.0
    text_dropout: float = 0.1
    steps: int = 3000
    learning_rate: float = 4e-4
    matrix_rate: float = 0.0
    frames_per_batch: int = 3072
    straight_share: float = 0.55
    candidates: int = 192
    trajectories: int = 10000
    trajectory_steps: int = 20
    trajectory_chunk: int = 128
    trajectory_seconds: float = 0.0
    encoder_seconds: float = 0.0
    teacher_seconds: float = 0.0
    seconds: float = 0.0
    guidance: tuple[float, float] = (1.0, 9.0)
    end_weight: float = 1.0
    joint_weight: float = 4.0
    standing_weight: float = 0.3
    patterns: PatternShares = field(default_factory=PatternShares)
    ema: float = 0.995


@dataclass(frozen=True)
class TrainingConfig:
    """Everything that decides the weights, beside the data and the machine.

    eight_bits: store the matrices of the exported model as int8 with a scale for each row.
    pool_shards: parts of the pools that are made at once, with a random generator each. pool_synthesized: part of the
    usual number of synthesized examples. checkpoint_seconds: seconds between two checkpoints of a stage.
    """

    name: str = "bundled"
    seed: int = 1
    pool_seed: int = 0
    precision: str = "auto"
    pool_shards: int = 1
    pool_synthesized: float = 1.0
    checkpoint_seconds: float = 120.0
    max_states: int = 24
    guidance: dict[str, float] = field(default_factory=lambda: {"1": 4.0, "2": 5.0, "4": 5.0})
    control_strength: float = 1.0
    eight_bits: bool = False
    architecture: Architecture = field(default_factory=Architecture)
    vae: VaeSettings = field(default_factory=VaeSettings)
    teacher: TeacherSettings = field(default_factory=TeacherSettings)
    student: StudentSettings = field(default_factory=StudentSettings)
    control: ControlSettings = field(default_factory=ControlSettings)


_SECTIONS = {
    "architecture": Architecture, "vae": VaeSettings, "teacher": TeacherSettings, "student": StudentSettings,
    "control": ControlSettings,
}  # fmt: skip


def load_config(path: Path | None = None) -> TrainingConfig:
    """Read a TOML file, None: the bundled model's. Raises TrainingDataError naming an unknown or missing setting."""
    path = path or BUNDLED
    try:
        values = tomllib.loads(path.read_text("utf-8-sig"))
    except FileNotFoundError:
        raise TrainingDataError(f"There is no training configuration at {path}.") from None
    except tomllib.TOMLDecodeError as error:
        raise TrainingDataError(f"The training configuration {path.name} is not valid TOML: {error}.") from error
    return config_from(values, path.name)


def config_from(values: dict[str, Any], name: str) -> TrainingConfig:
    """Build the settings from nested tables. Raises TrainingDataError on an unknown name."""
    arguments: dict[str, Any] = {}
    for key, value in values.items():
        if key in _SECTIONS and isinstance(value, dict):
            section = _SECTIONS[key]
            _check(section, value, f"[{key}] of {name}")
            settings = {k: _tuples(v) for k, v in value.items()}
            if isinstance(settings.get("patterns"), dict):
                _check(PatternShares, settings["patterns"], f"[{key}.patterns] of {name}")
                settings["patterns"] = PatternShares(**settings["patterns"])
            arguments[key] = section(**settings)
        else:
            arguments[key] = value
    _check(TrainingConfig, arguments, name)
    return TrainingConfig(**arguments)


def _check(section: type, values: dict[str, Any], where: str) -> None:
    unknown = set(values) - {f.name for f in fields(section)}
    if unknown:
        raise TrainingDataError(f"Unknown setting in {where}: {', '.join(sorted(unknown))}.")


def _tuples(value: Any) -> Any:
    return tuple(_tuples(v) for v in value) if isinstance(value, list) else value
