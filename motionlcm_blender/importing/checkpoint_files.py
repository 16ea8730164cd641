"""Reading of checkpoint files (.ckpt, .pt, .safetensors) without PyTorch: first the contents, numbers on demand.

A file of `torch.save` is a zip: `NAME/data.pkl` declares the tensors, `NAME/data/KEY` contain their numbers. The
pickle is read by `pickle_reader`, which runs nothing; every declaration of a tensor is checked against the zip before
a byte is read. No entry is written to disk, so an entry's path is harmless.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from ..array_types import FloatArray
from ..errors import DeviceError, ModelFolderError, UnsupportedCheckpoint
from ..files.file_kinds import HEAD, other_kind
from ..files.pickle_reader import DamagedPickle, GlobalRef, HostilePickle, PersistentRef, ReduceCall, read_pickle
from ..files.safetensors_files import read_bytes, sha256
from .unsafe_names import runs_commands

MAX_FILE_BYTES = 8 << 30
"""Far more than a published checkpoint with its optimiser states."""
MAX_ENTRIES = 100_000
MAX_PICKLE_BYTES, MAX_OPERATIONS = 64 << 20, 4_000_000
"""A checkpoint with all its optimiser states has some ten thousand operations for each hundred layers."""
MAX_DIMENSIONS = 8

CHOOSE = "choose another file"
_STORAGES = {"HalfStorage": "<f2", "FloatStorage": "<f4", "DoubleStorage": "<f8", "BFloat16Storage": "bfloat16"}
_SAFETENSORS = {"F16": "<f2", "F32": "<f4", "F64": "<f8", "BF16": "bfloat16"}
_WRAPPERS = ("state_dict", "model_state_dict", "ema_state_dict", "model", "module", "net", "network", "weights")
MOST_WRAPPERS = 4
"""Dicts around weights, or parts of names before them, inside one another."""
_GROUPS = ("vae", "denoiser", "controlnet", "traj_encoder")
_REBUILD = {"_rebuild_tensor", "_rebuild_tensor_v2"}
_DAMAGE = (
    zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, RuntimeError, ValueError, KeyError,
    IndexError, OverflowError, UnicodeError,
)  # fmt: skip


@dataclass(frozen=True)
class StoredTensor:
    """One tensor as declared by a file: checked against the file's size, not yet read.

    Attributes:
        shape: Its shape.
        kind: NumPy's name of the type, or "bfloat16".
        key: In a zip, the name of its storage.
        offset: In a zip, the first element in the storage.
        strides: In a zip, the strides in elements.
    """

    shape: tuple[int, ...]
    kind: str
    key: str = ""
    offset: int = 0
    strides: tuple[int, ...] = ()


@dataclass(frozen=True)
class CheckpointFile:
    """An opened checkpoint.

    Attributes:
        path: The file.
        tensors: Floating-point tensors by name; integers (counters, indices) are left out.
        is_zip: Whether the file is a zip of PyTorch, else it is a safetensors file.
    """

    path: Path
    tensors: Mapping[str, StoredTensor] = field(repr=False)
    is_zip: bool

    @classmethod
    def open(cls, path: str | Path) -> CheckpointFile:
        """Read and check the contents of a file, without reading its numbers and without running anything from it.

        Args:
            path: The file.

        Returns:
            The opened checkpoint.

        Raises:
            ModelFolderError: The file cannot be read, is truncated, compressed or hostile.
            UnsupportedCheckpoint: The file is in PyTorch's format of before 2020, a TorchScript program, or has no
                tensors.
        """
        path = Path(path)
        head = _head(path)
        if head[:2] == b"PK" and head[8:9] != b"{":
            tensors = _declared_in_zip(path)
        elif head[:1] == b"\x80":
            raise UnsupportedCheckpoint(
                f"{path.name} is in PyTorch's format of before 2020 or a bare pickle, which is not read: load it in "
                "PyTorch and save it again."
            )
        elif head[8:9] != b"{" and other_kind(head):  # safetensors begin with any number, then a brace
            raise ModelFolderError(f"{path.name} {other_kind(head)}.")
        elif len(head) < 9:
            raise ModelFolderError(f"{path.name} is a placeholder, not the weights: fetch the file again.")
        else:
            tensors = _declared_in_safetensors(path)
        if not tensors:
            raise UnsupportedCheckpoint(f"{path.name} holds no weights: {CHOOSE}.")
        return cls(path, tensors, head[:2] == b"PK" and head[8:9] != b"{")

    @cached_property
    def sha256(self) -> str:
        """sha256 of the file."""
        return sha256(self.path)

    def arrays(self, names: Sequence[str], keep_half: bool = False) -> dict[str, FloatArray]:
        """Read the numbers of some tensors.

        Args:
            names: Names of the tensors.
            keep_half: Keep the type of float16 tensors; all others become float32.

        Returns:
            Finite arrays by name.

        Raises:
            ModelFolderError: The file is damaged or has numbers that are not finite.
            DeviceError: There is not enough memory.
        """
        read = _read_zip if self.is_zip else _read_safetensors
        out = {}
        try:
            for name, values in read(self.path, {name: self.tensors[name] for name in names}):
                if not (keep_half and values.dtype == np.float16):
                    with np.errstate(over="ignore"):
                        values = values.astype(np.float32)
                if not np.isfinite(values).all():
                    raise ModelFolderError(
                        f"{name} in {self.path.name} holds numbers that are not finite: fetch it again."
                    )
                out[name] = np.ascontiguousarray(values)
        except MemoryError as error:
            raise DeviceError(f"There is not enough memory to read {self.path.name}: close other programs.") from error
        return out


def _head(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ModelFolderError(f"{path.name} is larger than any MotionLCM checkpoint: {CHOOSE}.")
        with path.open("rb") as file:
            return file.read(HEAD)
    except FileNotFoundError:
        raise ModelFolderError(f"There is no file {path}: {CHOOSE}.") from None
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> ModelFolderError:
    return ModelFolderError(f"{path} cannot be read ({error.strerror or error}): see to that, or choose another file.")


# PyTorch's zips


@contextmanager
def _opened(path: Path) -> Iterator[tuple[zipfile.ZipFile, str, dict[str, zipfile.ZipInfo]]]:
    """The zip, the folder inside it, and its entries by name; damage becomes one sentence."""
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive, *_checked_entries(archive, path)
    except HostilePickle as error:
        raise ModelFolderError(
            f"{path.name} names {error}, which runs commands: nothing of it was run, {CHOOSE}."
        ) from None
    except DamagedPickle as error:
        raise ModelFolderError(f"{path.name} is damaged ({error}): fetch it again.") from error
    except _DAMAGE as error:
        raise ModelFolderError(f"{path.name} is truncated or damaged: fetch it again.") from error
    except OSError as error:
        raise _unreadable(path, error) from error


def _checked_entries(archive: zipfile.ZipFile, path: Path) -> tuple[str, dict[str, zipfile.ZipInfo]]:
    infos = archive.infolist()
    entries = {info.filename: info for info in infos}
    if len(infos) > MAX_ENTRIES or len(entries) != len(infos):
        raise ModelFolderError(f"{path.name} has more files inside than a checkpoint, or the same one twice: {CHOOSE}.")
    roots = [name.rpartition("/")[0] for name in entries if name.rpartition("/")[2] == "data.pkl"]
    if len(roots) != 1:
        raise UnsupportedCheckpoint(f"{path.name} is a zip but no checkpoint of PyTorch's: {CHOOSE}.")
    root = f"{roots[0]}/" if roots[0] else ""
    if any(name.startswith(f"{root}code/") for name in entries):
        raise UnsupportedCheckpoint(f"{path.name} is a TorchScript program, not a checkpoint: {CHOOSE}.")
    for info in infos:
        parts = info.filename.split("/")
        if ".." in parts or "\\" in info.filename or info.filename.startswith("/") or ":" in parts[0]:
            raise ModelFolderError(
                f"{path.name} holds a file whose path leads out of it, as no checkpoint does: {CHOOSE}."
            )
        # torch.save does not compress; a compressed entry could unpack to any size.
        if info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size or info.flag_bits & 1:
            raise ModelFolderError(f"{path.name} is compressed or encrypted inside, as no checkpoint is: {CHOOSE}.")
    if sum(info.file_size for info in infos) > path.stat().st_size:
        raise ModelFolderError(f"{path.name} claims to hold more than its own size: it is no checkpoint; {CHOOSE}.")
    return root, entries


def _declared_in_zip(path: Path) -> dict[str, StoredTensor]:
    with _opened(path) as (archive, root, entries):
        if entries[f"{root}data.pkl"].file_size > MAX_PICKLE_BYTES:
            raise DamagedPickle("its pickle is larger than any checkpoint's")
        content = read_pickle(archive.read(f"{root}data.pkl"), runs_commands, MAX_PICKLE_BYTES, MAX_OPERATIONS)
        out = {}
        for name, value in _named_values(content):
            tensor = _tensor(name, value, path, root, entries)
            if tensor is not None:
                out[name] = tensor
        return out


def _named_values(content: Any) -> Iterator[tuple[str, Any]]:
    """The pairs of a state dict, which may be inside a Lightning checkpoint, or in one dict for each network."""
    content = _unwrapped(content)
    if not isinstance(content, dict):
        return
    for name, value in content.items():
        if name in _GROUPS and isinstance(value, dict):
            yield from ((f"{name}.{inner}", v) for inner, v in _unwrapped(value).items())
        else:
            yield name, value


def _unwrapped(content: Any) -> Any:
    """The dict of weights within the dicts that training programs put around it."""
    for _ in range(MOST_WRAPPERS):
        if not isinstance(content, dict):
            break
        inner = next((content[name] for name in _WRAPPERS if isinstance(content.get(name), dict)), None)
        if inner is None:
            break
        content = inner
    return content


def _tensor(
    name: str, value: Any, path: Path, root: str, entries: Mapping[str, zipfile.ZipInfo]
) -> StoredTensor | None:
    """Declaration of a floating-point tensor by a placeholder, else None.

    Raises:
        ModelFolderError: The declaration does not fit the file.
    """
    if _calls(value, {"_rebuild_parameter"}) and value.arguments:
        value = value.arguments[0]
    if not _calls(value, _REBUILD) or len(value.arguments) < 4 or not isinstance(value.arguments[0], PersistentRef):
        return None
    stored: Any = value.arguments[0].reference
    offset, shape, strides = value.arguments[1:4]
    wrong = ModelFolderError(
        f"{path.name} is damaged: its description of {name} does not fit its data. Fetch it again."
    )
    if (
        not isinstance(stored, tuple)
        or len(stored) < 5
        or stored[0] != "storage"
        or not isinstance(stored[1], GlobalRef)
    ):
        raise wrong
    kind = _STORAGES.get(stored[1].name) if stored[1].module == "torch" else None
    if kind is None:
        return None
    key, numbers = stored[2], stored[4]
    if not (isinstance(key, str) and key.isalnum() and _counts((offset, numbers))):
        raise wrong
    if not (_counts(shape) and _counts(strides) and len(shape) == len(strides) <= MAX_DIMENSIONS):
        raise wrong
    entry = entries.get(f"{root}data/{key}")
    if entry is None or entry.file_size != numbers * _bytes(kind):
        raise wrong
    # A tensor larger than its storage repeats numbers with strides of 0; a state dict has none.
    reach = offset + sum((n - 1) * stride for n, stride in zip(shape, strides, strict=True)) if 0 not in shape else -1
    if reach >= numbers or prod(shape) > numbers:
        raise wrong
    return StoredTensor(shape, kind, key, offset, strides)


def _calls(value: Any, functions: set[str]) -> bool:
    return (
        isinstance(value, ReduceCall)
        and isinstance(value.what, GlobalRef)
        and value.what.module == "torch._utils"
        and value.what.name in functions
        and isinstance(value.arguments, tuple)
    )


def _counts(values: Any) -> bool:
    return isinstance(values, tuple) and all(type(v) is int and 0 <= v < 1 << 40 for v in values)


def _bytes(kind: str) -> int:
    return 2 if kind == "bfloat16" else np.dtype(kind).itemsize


def _read_zip(path: Path, tensors: Mapping[str, StoredTensor]) -> Iterator[tuple[str, FloatArray]]:
    with _opened(path) as (archive, root, entries):
        order = archive.read(f"{root}byteorder").strip() if f"{root}byteorder" in entries else b"little"
        sign = ">" if order == b"big" else "<"
        for name, tensor in tensors.items():
            values = _numbers(archive.read(f"{root}data/{tensor.key}"), tensor.kind, sign)
            byte_strides = tuple(stride * values.itemsize for stride in tensor.strides)
            if prod(tensor.shape) == 0:
                yield name, np.zeros(tensor.shape, np.float32)
                continue
            start = values[tensor.offset :]
            last = sum((n - 1) * stride for n, stride in zip(tensor.shape, tensor.strides, strict=True))
            if last >= len(start):  # the file was replaced after it was opened
                raise zipfile.BadZipFile("storage too small")
            yield name, np.lib.stride_tricks.as_strided(start, tensor.shape, byte_strides).copy()


def _numbers(content: bytes | bytearray, kind: str, sign: str = "<") -> FloatArray:
    """(n,) float16, 32 or 64 in native byte order; bfloat16, the upper half of a float32, is widened."""
    if kind == "bfloat16":
        upper = np.frombuffer(content, f"{sign}u2").astype(np.uint32)
        return (upper << 16).view(np.float32)
    values = np.frombuffer(content, sign + kind[1:])
    return values.astype(values.dtype.newbyteorder("="), copy=False)


# safetensors


def _declared_in_safetensors(path: Path) -> dict[str, StoredTensor]:
    from safetensors import SafetensorError, safe_open

    out = {}
    try:
        with safe_open(path, framework="numpy") as file:
            for name in file.keys():  # noqa: SIM118
                values = file.get_slice(name)
                kind = _SAFETENSORS.get(values.get_dtype())
                if kind is not None:
                    out[name] = StoredTensor(tuple(values.get_shape()), kind)
    except (SafetensorError, ValueError) as error:
        raise ModelFolderError(
            f"{path.name} is truncated, or neither a PyTorch nor a safetensors file: fetch it again, or {CHOOSE}."
        ) from error
    except OSError as error:
        raise _unreadable(path, error) from error
    return out


def _read_safetensors(path: Path, tensors: Mapping[str, StoredTensor]) -> Iterator[tuple[str, FloatArray]]:
    from safetensors import SafetensorError, deserialize

    try:
        parts = dict(deserialize(read_bytes(path)))
        for name, tensor in tensors.items():
            values = _numbers(parts[name]["data"], tensor.kind)
            yield name, values.reshape(tensor.shape)
    except (SafetensorError, ValueError, KeyError) as error:
        raise ModelFolderError(f"{path.name} is truncated or damaged: fetch it again.") from error
