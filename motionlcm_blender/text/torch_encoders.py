"""Text encoders through `transformers`: MiniLM for training, sentence-t5-large for official checkpoints.

Nothing is downloaded: both read a local folder.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ..array_types import FloatArray
from ..errors import DeviceError, ModelFolderError
from ..networks.int8_quantization import SCALE

T5_MAX_TOKENS = 256
MINILM_MAX_TOKENS = 256
BATCH, GPU_BATCH = 64, 1024
"""Prompts that are encoded at once, on a processor and on a GPU."""
SORTED_TOGETHER = 8192
"""Prompts that are sorted by length together."""
_DENSE = "2_Dense"
_TIED = ("shared.weight", "encoder.embed_tokens.weight")


class MiniLM:
    """all-MiniLM-L6-v2 in PyTorch, with the same results as `minilm.PortableMiniLM`.

    Args:
        folder: The folder that `minilm_files.minilm_folder()` returns.
        device: PyTorch device.

    Raises:
        ModelFolderError: A file is missing or damaged.
    """

    def __init__(self, folder: str | Path, device: str = "cpu") -> None:
        transformers = _transformers()
        folder = _existing(folder, ("config.json", "tokenizer.json"))
        self.device = device
        try:
            self._tokenizer = transformers.PreTrainedTokenizerFast(
                tokenizer_file=str(folder / "tokenizer.json"), pad_token="[PAD]"
            )
            config = transformers.BertConfig.from_pretrained(folder)
            model = transformers.BertModel(config, add_pooling_layer=False)
        except (OSError, ValueError, KeyError) as error:
            raise ModelFolderError(f"The text encoder in {folder} is damaged: {_first_line(error)}") from error
        self._model = _load(model, folder, device, ignored=("pooler.", "embeddings.position_ids"))

    def encode(self, prompt: str) -> tuple[FloatArray, FloatArray]:
        """Encode a prompt.

        Args:
            prompt: English text.

        Returns:
            Last states without [CLS] and [SEP], (tokens, 384), and the sentence vector, (384,), of length 1.
        """
        states, mask = _states(self, prompt, MINILM_MAX_TOKENS)
        pooled = _mean(states, mask)
        pooled = pooled / pooled.norm()
        return states[mask][1:-1].cpu().numpy(), pooled.cpu().numpy()

    def encode_all(self, prompts: Sequence[str]) -> Iterator[tuple[FloatArray, FloatArray]]:
        """Encode many prompts in batches of similar length, in a fraction of the time that they take one by one.

        Args:
            prompts: English texts.

        Yields:
            What `encode` returns for each prompt, in their order.
        """
        together = BATCH if self.device == "cpu" else GPU_BATCH
        for first in range(0, len(prompts), SORTED_TOGETHER):
            texts = list(prompts[first : first + SORTED_TOGETHER])
            ids = self._tokenizer(texts, truncation=True, max_length=MINILM_MAX_TOKENS, padding=False)["input_ids"]
            order = sorted(range(len(ids)), key=lambda k: len(ids[k]))
            results: dict[int, tuple[FloatArray, FloatArray]] = {}
            for start in range(0, len(order), together):
                rows = order[start : start + together]
                results |= zip(rows, self._batch([ids[row] for row in rows]), strict=True)
            yield from (results[k] for k in range(len(ids)))

    def _batch(self, ids: Sequence[Sequence[int]]) -> list[tuple[FloatArray, FloatArray]]:
        """Encode a batch, shortest first."""
        import torch

        lengths = torch.tensor([len(each) for each in ids])
        tokens = torch.zeros(len(ids), int(lengths[-1]), dtype=torch.long)
        for k, each in enumerate(ids):
            tokens[k, : len(each)] = torch.tensor(each)
        mask = (torch.arange(tokens.shape[1]) < lengths[:, None]).to(self.device)
        padded = len(ids[0]) < len(ids[-1])  # without a mask attention is faster
        with torch.inference_mode():
            output = self._model(input_ids=tokens.to(self.device), attention_mask=mask.long() if padded else None)
            states = output.last_hidden_state.float()
            pooled = (states * mask[..., None]).sum(1)
            pooled = pooled / pooled.norm(dim=-1, keepdim=True)
        rows = zip(ids, states.cpu().numpy(), pooled.cpu().numpy(), strict=True)
        return [(state[1 : len(each) - 1].copy(), mean.copy()) for each, state, mean in rows]


class SentenceT5:
    """sentence-t5 (Ni et al. 2021): T5's encoder, mean over the tokens, a dense layer without bias, length 1.

    Args:
        folder: Folder in the published sentence-transformers layout (config.json, tokenizer.json or spiece.model, the
            weights, 2_Dense/).
        device: PyTorch device.

    Raises:
        ModelFolderError: A file is missing or damaged.
    """

    def __init__(self, folder: str | Path, device: str = "cpu") -> None:
        transformers = _transformers()
        folder = _existing(folder, ("config.json", f"{_DENSE}/config.json"))
        self.device = device
        try:
            self._tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
            model = transformers.T5EncoderModel(transformers.T5Config.from_pretrained(folder))
        except (OSError, ValueError, KeyError, ImportError) as error:
            raise ModelFolderError(f"The text encoder in {folder} is damaged: {_first_line(error)}") from error
        self._model = _load(model, folder, device, ignored=("decoder.", "lm_head."))
        self._dense = _dense(folder / _DENSE, device)

    @property
    def width(self) -> int:
        """Width of the sentence vector, 768."""
        return int(self._dense.shape[0])

    def encode(self, prompt: str) -> FloatArray:
        """Encode a prompt as a sentence vector, (768,) float32, of length 1."""
        states, mask = _states(self, prompt, T5_MAX_TOKENS)
        sentence = self._dense @ _mean(states, mask)
        result: FloatArray = (sentence / sentence.norm()).cpu().numpy()
        return result


def _states(encoder: MiniLM | SentenceT5, prompt: str, most: int) -> tuple[Any, Any]:
    """Last hidden states (tokens, width) of one prompt, and the attention mask."""
    import torch

    tokens = encoder._tokenizer(prompt, truncation=True, max_length=most, padding=False, return_tensors="pt")
    ids, mask = tokens["input_ids"].to(encoder.device), tokens["attention_mask"].to(encoder.device)
    with torch.inference_mode():
        states = encoder._model(input_ids=ids, attention_mask=mask).last_hidden_state[0].float()
    return states, mask[0].bool()


def _mean(states: Any, mask: Any) -> Any:
    return states[mask].mean(0)


def _load(model: Any, folder: Path, device: str, ignored: tuple[str, ...]) -> Any:
    """Load the folder's weights strictly, in float32 and evaluation mode; never an unrestricted pickle."""
    import torch

    state = {name: array for name, array in _floats(_read(folder)).items() if not name.startswith(ignored)}
    for one, other in (_TIED, _TIED[::-1]):  # stored under either name or both
        if one in state and other in model.state_dict():
            state.setdefault(other, state[one])
    try:
        model.load_state_dict(state, strict=True)
        return model.to(device=device, dtype=torch.float32).eval().requires_grad_(False)
    except torch.OutOfMemoryError as error:
        raise DeviceError(f"The device {device} has too little memory for the text encoder.") from error
    except RuntimeError as error:
        problem = str(error).strip().splitlines()[-1].strip().rstrip(".")
        raise ModelFolderError(f"The text encoder's weights in {folder} do not fit: {problem}.") from error


def _floats(stored: dict[str, Any]) -> dict[str, Any]:
    """Convert everything to float32; dequantize int8 matrices (`int8_quantization`)."""
    out = {name: array.float() for name, array in stored.items() if not name.endswith(SCALE)}
    for name in out:
        if name + SCALE in stored:
            out[name] *= stored[name + SCALE].float()[:, None]
    return out


def _dense(folder: Path, device: str) -> Any:
    try:
        config = json.loads((folder / "config.json").read_text())
        inputs, outputs, bias = int(config["in_features"]), int(config["out_features"]), config.get("bias", False)
    except (OSError, ValueError, KeyError) as error:
        raise ModelFolderError(f"The dense layer of the text encoder in {folder} is damaged.") from error
    if bias or "Identity" not in str(config.get("activation_function", "Identity")):
        raise ModelFolderError(f"The dense layer in {folder} is not that of sentence-t5.")
    weight = _read(folder).get("linear.weight")
    if weight is None or tuple(weight.shape) != (outputs, inputs):
        raise ModelFolderError(f"The dense layer of the text encoder in {folder} has the wrong shape.")
    return weight.float().to(device)


def _read(folder: Path) -> dict[str, Any]:
    """Read model.safetensors, or pytorch_model.bin with weights_only."""
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        if (folder / "model.safetensors").is_file():
            return dict(load_file(folder / "model.safetensors"))
        if (folder / "pytorch_model.bin").is_file():
            return dict(torch.load(folder / "pytorch_model.bin", map_location="cpu", weights_only=True))
    except (SafetensorError, OSError, RuntimeError, EOFError, ValueError) as error:
        raise ModelFolderError(f"The weights in {folder} are damaged: {_first_line(error)}") from error
    except Exception as error:  # an unpickling error: torch accepts weights only
        raise ModelFolderError(f"The weights in {folder} are no weights: {_first_line(error)}") from error
    raise ModelFolderError(f"model.safetensors is missing in {folder}.")


def _existing(folder: str | Path, names: tuple[str, ...]) -> Path:
    path = Path(folder)
    for name in names:
        if not (path / name).is_file():
            raise ModelFolderError(f"{name} of the text encoder is missing in {path}.")
    return path


def _transformers() -> Any:
    try:
        import transformers
    except ImportError as error:
        raise ModelFolderError("This text encoder needs the Python package transformers: install it first.") from error
    return transformers


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".") + "."
