"""Recognition of the model parts in checkpoints by names and shapes, and joining into one model.

See docs/MODEL.md section 5.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import prod
from pathlib import Path

from ..array_types import FloatArray
from ..errors import UnsupportedCheckpoint
from ..motion.skeleton import CONTROLLED_JOINTS
from ..networks.architecture import Architecture
from ..networks.parameter_shapes import check_shapes
from .checkpoint_files import CHOOSE, MOST_WRAPPERS, CheckpointFile

PARTS = ("vae", "denoiser", "controlnet", "traj_encoder")
CONTROLS: dict[str, str] = {
    "pelvis": "ControlNet for the pelvis",
    "joints": "ControlNet for six joints",
    "start": "ControlNet for the initial motion",
}
"""Training objectives of the published ControlNets."""
MAX_PARAMETERS = 1 << 30

_IGNORED = ("t2m_", "text_encoder.")
"""Weights in checkpoints that a model folder does not need: the evaluator's and the text encoder's."""
_INNER_WRAPPERS = {"module", "_orig_mod", "_forward_module"}
"""Parts of names that DDP, torch.compile, Fabric and DeepSpeed add, around the model or around one of its parts."""
_CONTROL_WORDS = {
    "pelvis": "pelvis", "joints": "joints", "all": "joints", "six": "joints", "multi": "joints", "cross": "joints",
    "initial": "start", "start": "start", "temporal": "start", "t": "start", "prefix": "start",
}  # fmt: skip
_ADAPTERS = (
    "vae.latent_pre.weight", "denoiser.latent_pre.weight", "controlnet.latent_pre.weight",
    "traj_encoder.latent_proj.weight",
)  # fmt: skip
_LACKING = {"vae": "VAE", "denoiser": "denoiser", "controlnet": "ControlNet", "traj_encoder": "trajectory encoder"}


@dataclass(frozen=True)
class Recognised:
    """A checkpoint and the parts of a model in it.

    Attributes:
        file: The checkpoint.
        names: For each part, official name -> name in the file.
        version: "V1" or "V2".
        student: Whether the denoiser takes the guidance scale.
        control: Key of CONTROLS according to the file's name; None if unknown or without ControlNet.
    """

    file: CheckpointFile
    names: dict[str, dict[str, str]] = field(repr=False)
    version: str
    student: bool
    control: str | None

    @property
    def path(self) -> Path:
        """Path of the file."""
        return self.file.path

    @property
    def description(self) -> str:
        """Description, such as "V2: VAE, MotionLCM student, ControlNet for the pelvis, trajectory encoder"."""
        control = CONTROLS.get(self.control or "", "ControlNet")
        denoiser = "MotionLCM student" if self.student else "MLD++ teacher"
        words = {"vae": "VAE", "denoiser": denoiser, "controlnet": control, "traj_encoder": "trajectory encoder"}
        return f"{self.version}: {', '.join(words[part] for part in PARTS if part in self.names)}"


@dataclass(frozen=True)
class Joined:
    """One model, joined from several files.

    Attributes:
        parts: The file of each part.
        architecture: The sizes.
        control: Key of CONTROLS; None if unknown or without ControlNet.
        notes: Sentences for the user.
    """

    parts: dict[str, Recognised]
    architecture: Architecture
    control: str | None
    notes: tuple[str, ...]

    @property
    def parameters(self) -> int:
        """Number of parameters."""
        return sum(
            prod(file.file.tensors[stored].shape)
            for part, file in self.parts.items()
            for stored in file.names[part].values()
        )

    def weights(self) -> dict[str, FloatArray]:
        """Read all weights as float32 by official name.

        Raises:
            ModelFolderError: A file is damaged.
            DeviceError: There is not enough memory.
        """
        out: dict[str, FloatArray] = {}
        for part, file in self.parts.items():
            names = file.names[part]
            arrays = file.file.arrays(list(names.values()))
            out |= {official: arrays[stored] for official, stored in names.items()}
        return out


def recognise(file: CheckpointFile) -> Recognised:
    """Recognise the parts of a model in a checkpoint, whatever its wrapping.

    Args:
        file: The checkpoint.

    Returns:
        The recognised parts.

    Raises:
        UnsupportedCheckpoint: There are none, or some weights belong to no part.
    """
    official = _official_names(file)
    names: dict[str, dict[str, str]] = {}
    for name, stored in official.items():
        part = name.split(".", 1)[0]
        if part not in PARTS:
            raise UnsupportedCheckpoint(
                f"{file.path.name} holds {name[:80]}, which belongs to no MotionLCM model: {CHOOSE}."
            )
        names.setdefault(part, {})[name] = stored
    return Recognised(
        file,
        {part: names[part] for part in PARTS if part in names},
        "V2" if any(name in official for name in _ADAPTERS) else "V1",
        "denoiser.time_embedding.cond_proj.weight" in official,
        _control(file.path) if "controlnet" in names else None,
    )


def _official_names(file: CheckpointFile) -> dict[str, str]:
    """Official name -> name in the file."""
    names: dict[str, str] = {}
    for stored in file.tensors:
        name = ".".join(part for part in stored.split(".") if part not in _INNER_WRAPPERS)
        if name in names:
            raise UnsupportedCheckpoint(
                f"{file.path.name} holds {name[:80]} twice, with and without a wrapper: {CHOOSE}."
            )
        if not name.startswith(_IGNORED):
            names[name] = stored
    for _ in range(MOST_WRAPPERS):  # "model.", "student.", "ema_model." and whatever else is before all names
        first = next(iter(names), "").partition(".")[0]
        if first in PARTS or not all(name.startswith(f"{first}.") for name in names):
            break
        names = {name.removeprefix(f"{first}."): stored for name, stored in names.items()}
        names = {name: stored for name, stored in names.items() if not name.startswith(_IGNORED)}
    if any(name.startswith(tuple(f"{part}." for part in PARTS)) for name in names):
        return names
    part = _lone_part(names)
    if part is None:
        first = next(iter(names), "nothing but weights that are not needed")
        raise UnsupportedCheckpoint(
            f"{file.path.name} is no part of a MotionLCM model, as it begins with {first[:80]}: {CHOOSE}."
        )
    return {f"{part}.{name}": stored for name, stored in names.items()}


def _lone_part(names: dict[str, str]) -> str | None:
    """The part of a file whose names start inside of the part."""
    if "controlnet_cond_embedding.0.weight" in names:
        return "controlnet"
    if "emb_proj.1.weight" in names and "time_embedding.linear_1.weight" in names:
        return "denoiser"
    if "skel_embedding.weight" in names and "global_motion_token" in names:
        return "vae" if "final_layer.weight" in names else "traj_encoder"
    return None


def _control(path: Path) -> str | None:
    """Training objective of the ControlNet by the file's name, else by unambiguous words of the folder's name."""
    words, folder = (re.split(r"[^a-z0-9]+", name.lower()) for name in (path.stem, path.parent.name))
    of_file = (kind for word, kind in _CONTROL_WORDS.items() if word in words)
    of_folder = (_CONTROL_WORDS[word] for word in ("pelvis", "joints", "initial", "temporal") if word in folder)
    return next(of_file, next(of_folder, None))


def join(files: Sequence[Recognised], control: str | None = None) -> Joined:
    """Join the parts of several files to one model, by names and shapes only.

    A ControlNet works with the denoiser that it was trained with, so its file has priority for all parts in it; other
    files provide the rest.

    Args:
        files: The recognised checkpoints.
        control: A key of CONTROLS, "none" for a model without ControlNet, or None for the only one.

    Returns:
        The model.

    Raises:
        UnsupportedCheckpoint: A part is missing, ambiguous, or does not fit the others.
    """
    versions = {file.version: file.path.name for file in files}
    if len(versions) > 1:
        raise UnsupportedCheckpoint(
            f"{versions['V1']} is of MotionLCM V1 and {versions['V2']} of V2: name the files of one of them."
        )
    lead = _chosen_control(files, control)
    parts: dict[str, Recognised] = {}
    if lead is not None:
        parts = {part: lead for part in lead.names if part != "denoiser" or lead.student}
        if "traj_encoder" not in parts:
            others = [file for file in files if "traj_encoder" in file.names and "controlnet" not in file.names]
            parts["traj_encoder"] = _only(others, "traj_encoder")
    if "denoiser" not in parts:
        with_denoiser = [file for file in files if "denoiser" in file.names]
        students = [file for file in with_denoiser if file.student]
        if with_denoiser and not students:
            raise UnsupportedCheckpoint(
                f"{with_denoiser[0].path.name} holds the MLD++ teacher, which needs 50 steps and is not run here: add "
                "the MotionLCM checkpoint."
            )
        # Without its ControlNet, the student in a ControlNet's file equals the one it was copied from.
        alone = [file for file in students if "controlnet" not in file.names]
        parts["denoiser"] = _only(alone or students[:1], "denoiser")
    if "vae" not in parts:
        if "vae" in parts["denoiser"].names:
            parts["vae"] = parts["denoiser"]
        else:
            with_vae = [file for file in files if "vae" in file.names]
            alone = [file for file in with_vae if len(file.names) == 1]
            parts["vae"] = _only(alone or with_vae[:1], "vae")
    parts = {part: parts[part] for part in PARTS if part in parts}
    architecture = _architecture(parts)
    notes = []
    if lead is None:
        notes.append("There is no ControlNet: paths will not be followed.")
    kind = None if lead is None else control or lead.control
    if lead is not None and kind is None:
        notes.append(
            f"{lead.path.name} does not name the joints of its ControlNet: assumed is the pelvis (see --control)."
        )
    return Joined(parts, architecture, kind, tuple(notes))


def control_settings(control: str | None) -> dict[str, object]:
    """The "control" table of a model folder for a published ControlNet (docs/MODEL.md section 4); None: as pelvis.

    The one for the initial motion was trained with the first frames of six joints, and no hints after them.
    """
    joints = {"joints": list(CONTROLLED_JOINTS), "start": []}.get(control or "pelvis", [0])
    settings: dict[str, object] = {"coordinates": "xyz", "strength": 1.0, "joints": joints, "start": control == "start"}
    if control == "start":
        settings |= {"coordinates": "first frames alone", "start_joints": list(CONTROLLED_JOINTS)}
    return settings


def _chosen_control(files: Sequence[Recognised], control: str | None) -> Recognised | None:
    there = [file for file in files if "controlnet" in file.names]
    if control == "none":
        return None
    if control is not None:
        wanted = [file for file in there if file.control == control]
        # If the file's name is no help, use the user's choice.
        there = wanted or [file for file in there if file.control is None]
        if not there:
            raise UnsupportedCheckpoint(
                f"No file holds a {CONTROLS[control]}: add the one that does, or choose another ControlNet."
            )
    if len(there) > 1 and not _are_copies(there):
        raise UnsupportedCheckpoint(
            f"{there[0].path.name} and {there[1].path.name} both hold a ControlNet and a model has one: name the one "
            "file, or what it is for (pelvis, joints, start)."
        )
    return there[0] if there else None


def _only(files: Sequence[Recognised], part: str) -> Recognised:
    if not files:
        raise UnsupportedCheckpoint(f"There is no {_LACKING[part]} in these files: add the checkpoint that holds it.")
    if len(files) > 1 and not _are_copies(files):
        raise UnsupportedCheckpoint(
            f"{files[0].path.name} and {files[1].path.name} both hold a {_LACKING[part]}: name the one that is meant."
        )
    return files[0]


def _are_copies(files: Sequence[Recognised]) -> bool:
    return len({file.file.sha256 for file in files}) == 1


def _architecture(parts: dict[str, Recognised]) -> Architecture:
    """Infer the architecture from the shapes and check all of them.

    Raises:
        UnsupportedCheckpoint: A shape does not fit.
    """
    shapes: dict[str, tuple[int, ...]] = {}
    for part, file in parts.items():
        shapes |= {official: file.file.tensors[stored].shape for official, stored in file.names[part].items()}
    if sum(prod(shape) for shape in shapes.values()) > MAX_PARAMETERS:
        raise UnsupportedCheckpoint("These weights are more than any MotionLCM model has: choose other files.")
    architecture = Architecture.from_shapes(shapes)
    check_shapes(shapes, architecture)
    return architecture
