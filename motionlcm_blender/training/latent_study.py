"""A small Table 1 of the MotionLCM-V2 report on one's own data: latent sizes against what the VAE and the teacher make.

A larger latent keeps more of a motion and is harder to generate; V2 is the choice of that trade. Beside the sizes, two
of V2's changes to the denoiser are taken back: Op1 (linear maps between the latent and the network, so that the latent
may be narrow) and Op2 (no ReLU before the text projection). Every variant trains a VAE and a teacher from noise with
the same data, steps and seed; the networks and the training are smaller than the bundled model's, so the rows compare
with one another only.

    python -m motionlcm_blender.training.latent_study --data FOLDER --run runs/latent_study

resumes where it was and prints the table; table.json in the run folder holds every figure.
"""

from __future__ import annotations

import argparse
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from ..architecture import Architecture
from ..errors import TrainingDataError
from ..files.safetensors_files import read_arrays, write_bytes
from ..generation.pipeline import MotionLCM
from ..networks.backends import TorchBackend
from ..portable.text_encoder import PortableMiniLM
from ..text.minilm_files import minilm_folder
from .chain import Run
from .config import TeacherSettings, TrainingConfig, VaeSettings
from .evaluation import text_metrics
from .evaluation.caption_states import CaptionStates
from .evaluation.evaluator import Evaluator
from .evaluation.generation import Prompt, Teacher, generate_features, reconstruct, teacher_sampler
from .evaluation.reconstruction import measure_reconstruction, whole_clips
from .evaluation.test_motions import TestMotion, build_motions
from .motion_data import MotionData, load_motion_data

logger = logging.getLogger(__name__)

WIDTH = 128
BASE = Architecture(
    latent_tokens=16, latent_width=32, width=WIDTH, feedforward=512, heads=4, vae_layers=5, denoiser_layers=5,
    trajectory_layers=3, text_width=384, velocity=True, student=False, control=False,
)  # fmt: skip
VARIANTS: Mapping[str, Architecture] = {
    "16 x 32": BASE,
    "16 x 16": replace(BASE, latent_width=16),
    "16 x 64": replace(BASE, latent_width=64),
    "8 x 32": replace(BASE, latent_tokens=8),
    "32 x 32": replace(BASE, latent_tokens=32),
    "1 x 128": replace(BASE, latent_tokens=1, latent_width=WIDTH),
    "16 x 32, without Op2": replace(BASE, text_relu=True),
    "16 x 128, without Op1": replace(BASE, latent_width=WIDTH, adapter=False),
}
"""Without Op1 the latent is as wide as the network, as it was before V2."""

BASE_AGAIN = "16 x 32, another seed"
"""The base once more: what two rows may differ by for no reason."""

TEACHER_STEPS, TEACHER_GUIDANCE, MAX_STATES = 20, 3.0, 24
REPEATS = 5
COLUMNS = ("mpjpe_train_mm", "mpjpe_test_mm", "vae_fid", "vae_r3", "teacher_fid", "teacher_r3")


def config_for(name: str, vae_steps: int, teacher_steps: int) -> TrainingConfig:
    """The settings of one row; all but its architecture (and the last one's seed) are the same."""
    architecture = BASE if name == BASE_AGAIN else VARIANTS[name]
    return TrainingConfig(
        name=name,
        seed=2 if name == BASE_AGAIN else 1,
        max_states=MAX_STATES,
        architecture=architecture,
        vae=VaeSettings(
            steps=vae_steps, learning_rate=6e-4, matrix_rate=0.006, frames_per_batch=2048, travel_share=0.35,
            latent_width=architecture.latent_width, ema=0.99,
        ),
        teacher=TeacherSettings(steps=teacher_steps, learning_rate=6e-4, matrix_rate=0.006, batch=128, ema=0.99),
    )  # fmt: skip


def open_model(run: Run, states: CaptionStates) -> tuple[MotionLCM, Teacher]:
    """The VAE and the teacher of a finished run, as the evaluation reads them."""
    weights: dict[str, np.ndarray] = {}
    for part, stage in (("vae.", "vae"), ("denoiser.", "teacher")):
        arrays, _ = read_arrays(run.folder / f"{stage}.safetensors")
        weights |= {part + n: a for n, a in arrays.items()}
    backend = TorchBackend(weights, run.config.architecture, run.device.type)
    model = MotionLCM(backend, run.normalisation.as_dict(), states)
    return model, Teacher(model.denoiser, TEACHER_STEPS, TEACHER_GUIDANCE)


class Measures:
    """The figures of a row, on the same test motions, captions and noise for every row."""

    def __init__(self, data: MotionData, evaluator: Path) -> None:
        self.states = CaptionStates(PortableMiniLM(minilm_folder()))
        self.evaluator = Evaluator.load(evaluator, self.states)
        self.motions: Sequence[TestMotion] = build_motions(data, mirrored=True)
        self.features = [m.features() for m in self.motions]
        self.real = self.evaluator.embed_motions(self.features)
        self.test, self.train = whole_clips(data, test=True), whole_clips(data, test=False, limit=60)

    def of(self, model: MotionLCM, teacher: Teacher, repeats: int) -> dict[str, list[float]]:
        """Every column once for each repeat."""
        sampler = teacher_sampler(teacher)
        found: dict[str, list[float]] = {name: [] for name in COLUMNS}
        for repeat in range(repeats):
            generator = np.random.default_rng((89, repeat))
            said = [m.captions[int(generator.integers(len(m.captions)))] for m in self.motions]
            texts = self.evaluator.embed_texts(said)
            for split, clips in (("train", self.train), ("test", self.test)):
                error = measure_reconstruction(model, clips, generator)["mpjpe_root_mm"]
                found[f"mpjpe_{split}_mm"].append(error)
            prompts = [Prompt(c, len(f)) for c, f in zip(said, self.features, strict=True)]
            for row, made in (
                ("vae", reconstruct(model, self.features, generator)),
                ("teacher", generate_features(model, prompts, sampler, repeat)),
            ):
                embedded = self.evaluator.embed_motions(made)
                shuffles = np.random.default_rng((97, repeat))
                ranked = [text_metrics.r_precision(embedded, texts, shuffles)[2] for _ in range(4)]
                found[f"{row}_fid"].append(text_metrics.frechet_distance(embedded, self.real))
                found[f"{row}_r3"].append(float(np.mean(ranked)))
        return found

    def reference(self, repeats: int) -> dict[str, float]:
        """Real motion's R@3, and the floor of every FID, means over repeats."""
        r3, floor = [], []
        for repeat in range(repeats):
            generator = np.random.default_rng((89, repeat))
            said = [m.captions[int(generator.integers(len(m.captions)))] for m in self.motions]
            texts = self.evaluator.embed_texts(said)
            r3.append(text_metrics.r_precision(self.real, texts, generator)[2])
            floor.append(text_metrics.frechet_floor(self.real, generator))
        return {"r3": float(np.mean(r3)), "fid_floor": float(np.mean(floor))}


def table(rows: Mapping[str, Mapping[str, Sequence[float]]], reference: Mapping[str, float]) -> str:
    """Markdown; a figure is the mean over the repeats and half of its 95 % interval."""
    lines = [
        "| latent | MPJPE train mm | MPJPE test mm | VAE FID | VAE R@3 | teacher FID | teacher R@3 |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, figures in rows.items():
        cells = []
        for column in COLUMNS:
            values = np.asarray(figures[column])
            half = 1.96 * values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else 0.0
            digits = 1 if column.endswith("mm") else 3
            cells.append(f"{values.mean():.{digits}f} ± {half:.{digits}f}")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    r3, floor = reference["r3"], reference["fid_floor"]
    return "\n".join([*lines, "", f"Real motion: R@3 {r3:.3f}; two halves of it differ by FID {floor:.3f}."])


def study(
    data: Path, folder: Path, evaluator: Path, names: Sequence[str], steps: tuple[int, int], device: str = "auto"
) -> str:
    """Train and measure what is missing, in order; returns the table. steps: of a VAE, and of a teacher."""
    folder.mkdir(parents=True, exist_ok=True)
    results = folder / "table.json"
    saved = json.loads(results.read_text("utf-8")) if results.exists() else {}
    rows: dict[str, dict[str, list[float]]] = saved.get("rows", {})
    measures: Measures | None = None
    reference: dict[str, float] = saved.get("reference", {})
    for name in names:
        if name in rows:
            continue
        run = Run.open(config_for(name, *steps), folder / _folder_name(name), data, device)
        for shared in ("pool_train.npz", "captions.npz"):  # the same for every row
            _share(folder / shared, run.folder / shared)
        run.stage("vae")
        run.stage("teacher")
        for shared in ("pool_train.npz", "captions.npz"):
            _share(run.folder / shared, folder / shared)
        if measures is None:
            measures = Measures(load_motion_data(data), evaluator)
            reference = measures.reference(REPEATS)
        rows[name] = measures.of(*open_model(run, measures.states), REPEATS)
        write_bytes(results, json.dumps({"rows": rows, "reference": reference, "steps": steps}, indent=1).encode())
        logger.info("%s\n%s", name, table(rows, reference))
    return table(rows, reference)


def _folder_name(name: str) -> str:
    return name.replace(",", "").replace(" ", "_")


def _share(source: Path, target: Path) -> None:
    if source.exists() and not target.exists():
        target.hardlink_to(source)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the study from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder that `motionlcm prepare` wrote")
    parser.add_argument("--run", type=Path, default=Path("runs/latent_study"), dest="folder")
    parser.add_argument(
        "--evaluator", type=Path, default=Path(__file__).parent / "evaluation" / "mocap_evaluator",
        help="the networks that measure (default: those of the bundled model's figures)",
    )  # fmt: skip
    parser.add_argument("--vae-steps", type=int, default=1000)
    parser.add_argument("--teacher-steps", type=int, default=1000)
    parser.add_argument("--only", action="append", choices=(*VARIANTS, BASE_AGAIN), help="a row; may be repeated")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int)
    args = parser.parse_args(argv)
    if min(args.vae_steps, args.teacher_steps) < 1:
        raise TrainingDataError("Each stage needs one step or more.")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s  %(message)s", datefmt="%H:%M:%S")
    if args.threads:
        torch.set_num_threads(args.threads)
    names = args.only or (*VARIANTS, BASE_AGAIN)
    steps = (args.vae_steps, args.teacher_steps)
    print(study(args.data, args.folder, args.evaluator, names, steps, args.device))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
