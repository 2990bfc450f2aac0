"""Make what the page "Your own photographs" loads, beside the built book: about 20 MB.

    python book/_tools/photographs.py _build/html/_static/lab/photographs

MobileNetV2's features, from the library's own weights, as ONNX with its numbers stored in half
precision; and the program that runs it in a browser, from the folder `book/lab/npm` (after
`npm ci`). Neither is kept in the repository.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from itertools import pairwise
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

import tl_teach as tl

ROOT = Path(__file__).resolve().parents[2]
RUNTIME = ROOT / "book" / "lab" / "npm" / "node_modules" / "onnxruntime-web"
RUNTIME_FILES = (
    "dist/ort.wasm.min.js",
    "dist/ort-wasm-simd-threaded.mjs",
    "dist/ort-wasm-simd-threaded.wasm",
)
SIZE = 160
MOST_BYTES = 5_000_000


class Features(nn.Module):
    """Everything before the last layer: (N, 3, 160, 160), values 0..1, to 1,280 numbers."""

    def __init__(self, net: tl.Network):
        super().__init__()
        self.mean = nn.Buffer(torch.tensor(net.preprocess.mean).view(-1, 1, 1))
        self.std = nn.Buffer(torch.tensor(net.preprocess.std).view(-1, 1, 1))
        self.stages = nn.Sequential(*(net.stages[name] for name in net.stage_names[:-1]))
        _fold(self.stages)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        return self.stages((pictures - self.mean) / self.std).mean((2, 3))


def _fold(module: nn.Module) -> None:
    """Put every BatchNorm that follows a convolution into it."""
    children = list(module.named_children())
    for (name, one), (following, other) in pairwise(children):
        if isinstance(one, nn.Conv2d) and isinstance(other, nn.BatchNorm2d):
            setattr(module, name, fuse_conv_bn_eval(one, other))
            setattr(module, following, nn.Identity())
    for _, child in module.named_children():
        _fold(child)


def features() -> Features:
    """Return MobileNetV2 with the catalogue's weights, as the page uses it."""
    return Features(tl.load_network("mobilenet_v2", image_size=SIZE)).eval()


def export(path: Path) -> None:
    """Write the network, its large tensors in half precision."""
    with tempfile.TemporaryDirectory() as folder:
        full = Path(folder) / "full.onnx"
        torch.onnx.export(
            features(),
            (torch.zeros(1, 3, SIZE, SIZE),),
            full,
            input_names=["pictures"],
            output_names=["features"],
            external_data=False,
            dynamo=True,
            verbose=False,
        )
        model = onnx.load(full)
    casts = []
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype == np.float32 and values.size > 64:
            name = tensor.name
            tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}_half"))
            casts.append(
                helper.make_node("Cast", [f"{name}_half"], [name], to=onnx.TensorProto.FLOAT)
            )
    for cast in reversed(casts):
        model.graph.node.insert(0, cast)
    del model.graph.value_info[:]
    for node in model.graph.node:  # where in our files a layer was made is of no use to a reader
        del node.metadata_props[:]
    onnx.checker.check_model(model)
    data = model.SerializeToString()
    if len(data) > MOST_BYTES:
        raise SystemExit(f"{path.name} would weigh {len(data):,} bytes; at most {MOST_BYTES:,}.")
    path.write_bytes(data)


def main() -> None:
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    if not RUNTIME.exists():
        raise SystemExit(f"{RUNTIME} is missing; run `npm ci` in book/lab/npm first.")
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name in RUNTIME_FILES:
        shutil.copyfile(RUNTIME / name, folder / Path(name).name)
    export(folder / "mobilenet-features.onnx")
    for file in sorted(folder.iterdir()):
        print(f"{file.name}: {file.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
