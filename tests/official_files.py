"""Files as they are published, made small: checkpoints, HumanML3D's statistics, and pickles that mean harm."""

from __future__ import annotations

import zipfile
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from motionlcm_blender.networks.architecture import Architecture
from motionlcm_blender.networks.parameter_shapes import parameter_shapes
from tests.synthetic_weights import synthetic_weights
from tests.tiny_model import TINY, near_rest

SMALL_V2 = replace(TINY, heads=4, text_width=16)
SMALL_V1 = replace(SMALL_V2, adapter=False, text_relu=True, condition_silu=False, latent_tokens=1, latent_width=32)
SMALL = {"V1": SMALL_V1, "V2": SMALL_V2}


def official(architecture: Architecture, seed: int = 3) -> dict[str, np.ndarray]:
    """Random weights, float32, under their official names."""
    return synthetic_weights(parameter_shapes(architecture), seed)


def parts(weights: Mapping[str, np.ndarray], *prefixes: str) -> dict[str, np.ndarray]:
    return {name: values for name, values in weights.items() if name.startswith(tuple(f"{p}." for p in prefixes))}


def teacher(weights: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """VAE and denoiser as the MLD++ checkpoint has them."""
    found = parts(weights, "vae", "denoiser")
    del found["denoiser.time_embedding.cond_proj.weight"]
    return found


def save_plain(file: Path, weights: Mapping[str, np.ndarray], kind: str = "float32") -> Path:
    """A bare state dict."""
    torch = pytest.importorskip("torch")
    dtype = getattr(torch, kind)
    state = OrderedDict((name, torch.from_numpy(values.copy()).to(dtype)) for name, values in weights.items())
    torch.save(state, file)
    return file


def save_lightning(file: Path, weights: Mapping[str, np.ndarray]) -> Path:
    """A whole Lightning checkpoint: settings of classes of its own, optimiser, evaluator, counters."""
    torch = pytest.importorskip("torch")
    state = OrderedDict((name, torch.from_numpy(values.copy())) for name, values in weights.items())
    state["t2m_textencoder.pos_emb.weight"] = torch.ones(3, 2)
    state["vae.steps_so_far"] = torch.tensor([7])  # integers do not count
    state._metadata = {"": {"version": 1}}  # type: ignore[attr-defined]
    first = torch.nn.Parameter(state["vae.final_layer.bias"].clone())
    optimizer = torch.optim.AdamW([first])
    first.sum().backward()
    optimizer.step()
    whole: dict[str, Any] = {
        "epoch": 3, "global_step": 100, "pytorch-lightning_version": "2.3", "state_dict": state,
        "optimizer_states": [optimizer.state_dict()], "callbacks": {"best": Path("a/b.ckpt"), "seen": {1, 2}},
        "hyper_parameters": {"lr": np.float64(2e-4), "device": torch.device("cpu"), "dtype": torch.float32,
                             "kind": SettingsOfItsOwn(), "size": torch.Size([2]), "complex": 1j},
        7: torch.ones(2),
    }  # fmt: skip
    torch.save(whole, file)
    return file


def write_checkpoint(file: Path, weights: Mapping[str, np.ndarray]) -> Path:
    """A bare state dict as `torch.save` writes it, without PyTorch."""
    import pickle

    def value(v: object) -> bytes:
        return pickle.dumps(v, 2)[2:-1]

    content, storages = b"\x80\x02}", {}
    for number, (name, array) in enumerate(weights.items()):
        strides = tuple(stride // 4 for stride in np.ascontiguousarray(array).strides)
        key = str(number)
        storages[key] = array.astype("<f4").tobytes()
        reference = b"(" + value("storage") + b"ctorch\nFloatStorage\n" + value(key) + value("cpu") + value(array.size)
        arguments = b"(" + reference + b"tQ" + value(0) + value(array.shape) + value(strides) + b"\x89}t"
        content += value(name) + b"ctorch._utils\n_rebuild_tensor_v2\n" + arguments + b"Rs"
    return zip_of(file, content + b".", storages)


class SettingsOfItsOwn:
    """A class that a reader of the checkpoint does not have."""

    def __init__(self) -> None:
        self.rate = 0.1


def save_statistics(folder: Path, with_hints: bool = True, flat: bool = True) -> Path:
    """Mean.npy and Std.npy, and those of positions as (66,) or (22, 3), in float64 as HumanML3D's."""
    folder.mkdir(parents=True, exist_ok=True)
    values = near_rest()
    np.save(folder / "Mean.npy", values["mean"].astype(np.float64))
    np.save(folder / "Std.npy", values["std"].astype(np.float64))
    if with_hints:
        for name, key in (("Mean_raw", "hint_mean"), ("Std_raw", "hint_std")):
            np.save(folder / f"{name}.npy", values[key].ravel() if flat else values[key])
    return folder


def zip_of(file: Path, pickle: bytes, storages: Mapping[str, bytes] | None = None, **more: bytes) -> Path:
    """A torch zip with this pickle, of any content."""
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", pickle)
        for key, content in (storages or {}).items():
            archive.writestr(f"archive/data/{key}", content)
        for name, content in more.items():
            archive.writestr(f"archive/{name}", content)
    return file


def tensor_pickle(
    name: str, numbers: object, shape: object, strides: object, offset: object = 0, storage: str = "FloatStorage"
) -> bytes:
    """`{name: tensor}` as torch.save writes it, with sizes that may lie."""
    import pickle

    def value(v: object) -> bytes:
        return pickle.dumps(v, 2)[2:-1]

    reference = b"(" + value("storage") + b"ctorch\n" + storage.encode() + b"\n" + value("0") + value("cpu")
    arguments = b"(" + reference + value(numbers) + b"tQ" + value(offset) + value(shape) + value(strides) + b"\x89}t"
    return b"\x80\x02}" + value(name) + b"ctorch._utils\n_rebuild_tensor_v2\n" + arguments + b"Rs."
