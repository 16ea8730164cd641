"""Stage results into a model folder."""

from __future__ import annotations

import datetime
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

from ..array_types import FloatArray
from ..errors import TrainingDataError
from ..motion.skeleton import CONTROLLED_JOINTS, MAX_FRAMES
from ..networks.model_folder import write_model_folder
from .config import TrainingConfig

LICENCE = "GPL-3.0-or-later"
ATTRIBUTION = (
    "The data used in this project was obtained from mocap.cs.cmu.edu. "
    "The database was created with funding from NSF EIA-0196217."
)
_PARTS = (("vae.", "vae"), ("denoiser.", "student"), ("", "control"))


def export_model(run: Path, config: TrainingConfig, target: Path) -> None:
    """Join the averaged weights of all stages into float16 and write the model folder.

    Raises TrainingDataError naming a stage that has not run.
    """
    weights: dict[str, FloatArray] = {}
    for prefix, stage in _PARTS:
        file = run / f"{stage}.safetensors"
        if not file.exists():
            raise TrainingDataError(f"The stage {stage} has not been trained yet.")
        for name, values in load_file(file).items():
            weights[prefix + name] = values.astype(np.float16)
    with np.load(run / "normalisation.npz", allow_pickle=False) as file:
        normalisation = {name: file[name] for name in file.files}
    description = {
        "format": 1,
        "name": config.name,
        "version": datetime.date.today().isoformat(),
        "architecture": config.architecture.to_json(),
        "text_encoder": {
            "kind": "minilm", "name": "all-MiniLM-L6-v2", "tokens": "states", "max_states": config.max_states,
        },
        "guidance": config.guidance,
        "frames": {"min": 20, "max": MAX_FRAMES},
        "control": {
            "coordinates": "xz", "strength": config.control_strength, "joints": list(CONTROLLED_JOINTS), "start": True,
        },
        "licence": LICENCE,
        "attribution": ATTRIBUTION,
        "training_data": "CMU Graphics Lab Motion Capture Database, and CC0 animations by Quaternius / Mesh2Motion",
        "quality": {},
    }  # fmt: skip
    card = _card(config, description)
    write_model_folder(target, description, weights, normalisation, card, config.eight_bits)


def _card(config: TrainingConfig, description: dict[str, object]) -> str:
    a = config.architecture
    return f"""# Model card: {config.name}

Text-to-motion with path control, MotionLCM-V2's architecture at a smaller size, trained by this project.

- Licence of the weights: {description["licence"]}
- Training data: {description["training_data"]}
- {ATTRIBUTION}
- Sizes: {a.latent_tokens} x {a.latent_width} latents, width {a.width}, layers: VAE {a.vae_layers}, denoiser and
  ControlNet {a.denoiser_layers}, trajectory encoder {a.trajectory_layers}
- Steps: VAE {config.vae.steps}, teacher {config.teacher.steps}, student {config.student.steps}, trajectory encoder
  {config.control.encoder_steps}, ControlNet {config.control.steps}; seed {config.seed}
- Text encoder: all-MiniLM-L6-v2 (Apache-2.0), its token states as text tokens
"""
