"""Networks for other programs: ONNX, and PyTorch's own exported form."""

from __future__ import annotations

import copy
from pathlib import Path

import torch

from ..files import replacing, require_folder
from ..tasks import TextPreprocess
from ..wording import need, unknown
from .network import Network, require_network

_FORMATS = ("onnx", "torch.export")


def export_network(net: Network, path: str | Path, format: str = "onnx") -> Path:
    """Write a network in a form that runs without this library.

    Inputs are named ``pictures``, shape (N, C, H, W) with any N, preprocessed as `net.preprocess`
    says; outputs are named ``outputs``. TorchScript, which PyTorch has deprecated, is not offered.

    Parameters
    ----------
    net : Network
        Left as it is.
    path : str or pathlib.Path
        The file to write, whole or not at all; usually ends in ``.onnx`` or ``.pt2``.
    format : str
        ``"onnx"`` for ONNX Runtime and many other programs, or ``"torch.export"`` for PyTorch,
        read by ``torch.export.load``.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    TypeError
        If it is no network.
    ValueError
        If there is no such format, or the network reads texts.
    ImportError
        If a package that writes ONNX is missing.
    OSError
        If the file cannot be written.

    References
    ----------
    ONNX, an open format for machine-learning models, https://onnx.ai

    Examples
    --------
    >>> import tempfile
    >>> import tl_teach as tl
    >>> net = tl.load_network("letters-resnet")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     tl.export_network(net, f"{folder}/letters.onnx").name  # doctest: +SKIP
    'letters.onnx'
    """
    net = require_network(net)
    if format not in _FORMATS:
        raise ValueError(unknown("format", format, _FORMATS))
    if isinstance(net.preprocess, TextPreprocess):
        raise ValueError(
            f"{net.name!r} reads texts, and export_network writes networks for pictures; keep it "
            "with tl.save_network(net, path)."
        )
    path = require_folder(path)
    net = copy.deepcopy(net).eval().requires_grad_(False)
    program = torch.export.export(
        net,
        # Of one picture, the batch would be fixed.
        (torch.zeros(2, *net.preprocess.shape, device=net.device),),
        dynamic_shapes=({0: torch.export.Dim("batch")},),
    )
    with replacing(path) as part:
        if format == "onnx":
            _write_onnx(program, part)
        else:
            with part.open("xb") as file:  # by its name, PyTorch would take ASCII letters alone
                torch.export.save(program, file)
    return path


def _write_onnx(program: torch.export.ExportedProgram, path: Path) -> None:
    need("onnxscript", "export", "Writing ONNX")
    torch.onnx.export(
        program,
        f=path,
        input_names=["pictures"],
        output_names=["outputs"],
        external_data=False,
        dynamo=True,
        verbose=False,
    )
