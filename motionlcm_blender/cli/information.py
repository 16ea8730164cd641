"""The command `motionlcm info`: the model, its licence, and the devices of this machine."""

from __future__ import annotations

import importlib.util
import platform
from pathlib import Path
from typing import Any

from ..errors import ModelFolderError
from ..motion.skeleton import FPS
from ..networks.model_folder import ModelFolder
from ..text.prompt_vocabulary import RARE_COUNT, read_vocabulary
from ..version import package_versions, version


def model_information(path: str | Path | None = None) -> dict[str, Any]:
    """Collect the information of a model folder, and its size on disk.

    Args:
        path: The folder; None: the bundled model.

    Returns:
        Values by name.

    Raises:
        ModelFolderError: The folder is not a valid model.
    """
    folder = ModelFolder.open(path)
    weights = folder.path / "model.safetensors"
    shapes = _shapes(weights)
    vocabulary = read_vocabulary(folder.path)
    return {
        **{k: folder.config.get(k) for k in ("name", "version", "licence", "attribution", "training_data", "quality")},
        "folder": str(folder.path),
        "sources": folder.config.get("sources"),
        "architecture": folder.architecture.to_json(),
        "text_encoder": folder.text,
        "guidance": folder.guidance,
        "frames": folder.frames,
        "verbs": None if vocabulary is None else dict(vocabulary.verbs),
        "control": folder.config.get("control"),
        "parameters": sum(_count(shape) for shape in shapes.values()),
        "parameters_by_part": _by_part(shapes),
        "bytes": sum(f.stat().st_size for f in folder.path.rglob("*") if f.is_file()),
        "sha256": folder.fingerprint,
    }


def devices() -> dict[str, str]:
    """Available devices: name -> description. Imports PyTorch if it is installed."""
    out = {"numpy": "NumPy on the CPU"}
    if importlib.util.find_spec("torch") is None:
        return out
    import torch

    out["cpu"] = f"PyTorch on the CPU, {torch.get_num_threads()} threads"
    for index in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
        gigabytes = torch.cuda.get_device_properties(index).total_memory / 2**30
        out["cuda" if index == 0 else f"cuda:{index}"] = f"{torch.cuda.get_device_name(index)}, {gigabytes:.0f} GiB"
    if torch.backends.mps.is_available():
        out["mps"] = "Apple GPU"
    if hasattr(torch, "xpu") and torch.xpu.is_available():
        out["xpu"] = str(torch.xpu.get_device_name(0))
    return out


def describe(model: dict[str, Any], found_devices: dict[str, str] | None = None) -> str:
    """Format the information as the lines that `motionlcm info` prints."""
    shortest, longest = model["frames"]
    sizes = model["architecture"]
    parts = ", ".join(f"{name} {count / 1e6:.2f} M" for name, count in model["parameters_by_part"].items())
    text = model["text_encoder"]
    control = (model.get("control") or {}).get("coordinates", "none") if sizes["control"] else "none"
    rows = [
        ("Model", f"{model['name']} {model.get('version') or ''}".strip()),
        ("Folder", model["folder"]),
        ("Licence", model.get("licence") or "not stated"),
        ("Attribution", model.get("attribution") or "none required"),
        ("Training data", _plain(model.get("training_data")) or "not stated"),
        ("Motion", f"{shortest / FPS:g} to {longest / FPS:g} s at {FPS:g} frames per second"),
        ("Text encoder", f"{text.get('name', text['kind'])}, given as {text.get('tokens', 'sentence')}"),
        ("Path control", control),
        ("Latent", f"{sizes['latent_tokens']} tokens of {sizes['latent_width']}"),
        ("Networks", f"{sizes['width']} wide; layers: VAE {sizes['vae_layers']}, denoiser {sizes['denoiser_layers']}"),
        ("Parameters", f"{model['parameters'] / 1e6:.2f} M ({parts})"),
        ("Size", f"{model['bytes'] / 2**20:.1f} MiB"),
        ("Weights sha256", model["sha256"]),
    ]
    if isinstance(model.get("sources"), dict):
        rows += [("Imported", f"{name}: {_plain(about)}") for name, about in model["sources"].items()]
    rows += [(f"Quality, {name}", _plain(value)) for name, value in (model.get("quality") or {}).items()]
    if model.get("verbs"):
        often = {verb: times for verb, times in model["verbs"].items() if times >= RARE_COUNT}
        seldom = {verb: times for verb, times in model["verbs"].items() if times < RARE_COUNT}
        rows += [("Verbs, often seen", _plain(often)), ("Verbs, seldom seen", _plain(seldom))]
    versions = package_versions()
    rows += [
        ("Version", f"motionlcm {version()}, Python {platform.python_version()}"),
        ("Packages", ", ".join(f"{n} {v}" for n, v in versions.items() if v)),
        ("Not installed", ", ".join(n for n, v in versions.items() if not v) or "nothing"),
    ]
    if found_devices is None:
        runtime = "PyTorch is installed: cpu, and a GPU if --devices finds one" if versions["torch"] else "numpy"
        rows.append(("Runs on", runtime))
    else:
        rows += [("Device", f"{name}: {what}") for name, what in found_devices.items()]
    width = max(len(name) for name, _ in rows) + 2
    return "\n".join(f"{name:<{width}}{value}" for name, value in rows)


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{k} {_plain(v)}" for k, v in value.items())
    if isinstance(value, list | tuple):
        return "; ".join(_plain(v) for v in value)
    return f"{value:.4g}" if isinstance(value, float) else "" if value is None else str(value)


def _shapes(weights: Path) -> dict[str, tuple[int, ...]]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(weights, framework="numpy") as file:
            return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise ModelFolderError(f"{weights.name} is damaged or no safetensors file: {error}.") from error


def _count(shape: tuple[int, ...]) -> int:
    total = 1
    for size in shape:
        total *= size
    return total


def _by_part(shapes: dict[str, tuple[int, ...]]) -> dict[str, int]:
    out: dict[str, int] = {}
    for name, shape in shapes.items():
        part = name.split(".", 1)[0]
        out[part] = out.get(part, 0) + _count(shape)
    return out
