"""Weights as safetensors files: numbers and names, nothing that could be executed.

The format is eight bytes of length, a JSON table of names, types, shapes and places, and the
numbers themselves (https://github.com/huggingface/safetensors#format). Reading and writing it
takes a page of code, which keeps the core free of one more dependency.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path

import torch

from ..files import replacing, require_folder

_DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}
_NAMES = {dtype: name for name, dtype in _DTYPES.items()}
_LARGEST_TABLE = 10_000_000


class WeightsError(ValueError):
    """A weights file cannot be read, or does not fit the network."""


def save_safetensors(
    tensors: Mapping[str, torch.Tensor],
    path: str | Path,
    metadata: Mapping[str, str] | None = None,
) -> Path:
    """Write tensors to a safetensors file, whole or not at all.

    Parameters
    ----------
    tensors : mapping of str to torch.Tensor
        Such as a state dict.
    path : str or pathlib.Path
        The file to write; an existing one is replaced only when the new one is complete.
    metadata : mapping of str to str, optional
        Words to keep in the file beside the tensors.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    WeightsError
        If a tensor is of a kind that the format has no name for.
    OSError
        If the file cannot be written.
    """
    path = require_folder(path)
    table: dict[str, object] = {"__metadata__": dict(metadata)} if metadata else {}
    chunks: list[bytes] = []
    place = 0
    for name, tensor in sorted(tensors.items()):
        if tensor.dtype not in _NAMES:
            raise WeightsError(
                f"{name!r} holds {tensor.dtype}, which cannot be saved; convert it first to one of "
                f"{', '.join(str(dtype) for dtype in _NAMES)}."
            )
        chunk = _to_bytes(tensor)
        table[name] = {
            "dtype": _NAMES[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [place, place + len(chunk)],
        }
        chunks.append(chunk)
        place += len(chunk)
    header = json.dumps(table, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    with replacing(path) as part, part.open("xb") as file:
        file.write(len(header).to_bytes(8, "little"))
        file.write(header)
        file.writelines(chunks)
    return path


def load_safetensors(path: str | Path) -> dict[str, torch.Tensor]:
    """Read a safetensors file.

    Parameters
    ----------
    path : str or pathlib.Path
        The file.

    Returns
    -------
    dict of str to torch.Tensor
        Tensors on the CPU, by name.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    WeightsError
        If the file is cut off, or is no safetensors file.
    """
    return parse_safetensors(Path(path).read_bytes(), path)


def parse_safetensors(data: bytes, source: str | Path = "this") -> dict[str, torch.Tensor]:
    """Read the bytes of a safetensors file, such as one inside an archive.

    Parameters
    ----------
    data : bytes
        All of them.
    source : str or pathlib.Path
        What to call the file in an error.

    Returns
    -------
    dict of str to torch.Tensor
        See `load_safetensors`.

    Raises
    ------
    WeightsError
        See `load_safetensors`.
    """
    try:
        length, table = _table(data)
        table.pop("__metadata__", None)
        tensors = {name: _from_bytes(data, 8 + length, entry) for name, entry in table.items()}
        if sum(tensor.nbytes for tensor in tensors.values()) != len(data) - 8 - length:
            raise ValueError("its tensors do not fill it exactly")
        return tensors
    except (ValueError, KeyError, TypeError, AttributeError, RuntimeError) as reason:
        raise WeightsError(_incomplete(source, reason)) from None


def load_metadata(path: str | Path) -> dict[str, str]:
    """Read the words that a safetensors file keeps beside its tensors, if any."""
    with Path(path).open("rb") as file:
        start = file.read(8)
        data = start + file.read(min(_LARGEST_TABLE, int.from_bytes(start, "little")))
    try:
        words = _table(data)[1].get("__metadata__", {})
        return {str(name): str(value) for name, value in words.items()}
    except (ValueError, AttributeError, RecursionError) as reason:
        raise WeightsError(_incomplete(path, reason)) from None


def _table(data: bytes) -> tuple[int, dict]:
    """Give the length of the table of contents, and the table."""
    length = int.from_bytes(data[:8], "little")
    if not 2 <= length <= min(_LARGEST_TABLE, len(data) - 8):
        raise ValueError("its table of contents has an impossible length")
    return length, json.loads(data[8 : 8 + length])


def _incomplete(path: str | Path, reason: Exception) -> str:
    return f"{path} is not a complete safetensors file ({reason}); fetch or save it again."


def _to_bytes(tensor: torch.Tensor) -> bytes:
    return tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes()


def _from_bytes(data: bytes, start: int, entry: dict) -> torch.Tensor:
    first, last = entry["data_offsets"]
    dtype, shape = _DTYPES[entry["dtype"]], entry["shape"]
    count = math.prod(shape)
    if not 0 <= first <= last <= len(data) - start or last - first != count * dtype.itemsize:
        raise ValueError("a tensor reaches beyond the end, or has another size than it says")
    raw = bytearray(data[start + first : start + last])
    return (
        torch.frombuffer(raw, dtype=dtype).reshape(shape)
        if raw
        else torch.empty(shape, dtype=dtype)
    )
