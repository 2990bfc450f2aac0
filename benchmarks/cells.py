"""The solar cells as PNG files, and MobileNetV2 as torchvision users load it.

Every side reads the same bytes: our library out of its archive, all others out of a folder that
is filled from that archive, class by class, as `ImageFolder` likes it.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

SIZE = 160
TRAIN = 480
BATCH = 32
BODY = 19  # torchvision's MobileNetV2 has 19 feature blocks before its classifier
STAGE = {BODY: "block6", 14: "block4"}  # our name of the last stage before a boundary


def export(folder: Path, train: int = TRAIN, validation: int | None = None) -> Path:
    """Write the training and validation cells as PNG files.

    Parameters
    ----------
    folder : pathlib.Path
        Where to; gets ``train/sound/00000.png`` and so on, and a list of all files.
    train : int
        Number of training cells.
    validation : int, optional
        Number of validation cells; all by default.

    Returns
    -------
    pathlib.Path
        The list: for each split, its files and class numbers, in our order.
    """
    import tl_teach as tl
    from tl_teach import assets

    task = tl.load_task("solar-cells", labels=train)
    with zipfile.ZipFile(assets.path("elpv-dataset")) as archive:
        names = [n for n in archive.namelist() if n.endswith(".png")]
        by_digest = {_sha256(archive.read(name)): name for name in names}
        listing: dict[str, Any] = {}
        for split, count in ((task.train, train), (task.validation, validation)):
            rows = []
            cells = list(zip(split.digests(), split.targets.tolist(), strict=True))
            for place, (digest, label) in enumerate(cells[:count]):
                path = folder / split.role / task.classes[label] / f"{place:05d}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(archive.read(by_digest[digest]))
                rows.append([str(path), label])
            listing[split.role] = rows
    file = folder / "files.json"
    file.write_text(json.dumps(listing))
    return file


def _sha256(data: bytes) -> bytes:
    import hashlib

    return hashlib.sha256(data).digest()


def read_list(files: str, split: str) -> tuple[list[str], list[int]]:
    """Give the paths and the class numbers of a split."""
    rows = json.loads(Path(files).read_text())[split]
    return [row[0] for row in rows], [row[1] for row in rows]


def dataset(files: str, split: str) -> Any:
    """Give a split as an ordinary dataset: a PNG is opened each time it is asked for."""
    import torch
    from PIL import Image
    from torchvision import transforms

    prepare = transforms.Compose(
        [
            transforms.Resize((SIZE, SIZE)),
            transforms.ToTensor(),
            transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
        ]
    )
    paths, labels = read_list(files, split)

    class Cells(torch.utils.data.Dataset):
        def __len__(self) -> int:
            return len(paths)

        def __getitem__(self, index: int) -> tuple[Any, int]:
            with Image.open(paths[index]) as picture:
                return prepare(picture.convert("RGB")), labels[index]

    return Cells()


def loader(files: str, split: str, workers: int, **more: Any) -> Any:
    """Give a `DataLoader` over a split; workers stay alive between epochs."""
    from torch.utils.data import DataLoader

    options = {"batch_size": BATCH, "shuffle": split == "train", "num_workers": workers}
    return DataLoader(
        dataset(files, split), **(options | {"persistent_workers": workers > 0} | more)
    )


def mobilenet(outputs: int = 2) -> Any:
    """Give torchvision's MobileNetV2 with its ImageNet weights and a new last layer."""
    import torch
    from torchvision.models import mobilenet_v2

    from tl_teach import assets

    net = mobilenet_v2(weights=None)
    net.load_state_dict(torch.load(assets.path("mobilenet_v2-imagenet"), weights_only=True))
    net.classifier[1] = torch.nn.Linear(net.last_channel, outputs)
    return net


def halves(boundary: int) -> tuple[Any, Any]:
    """Give the frozen part before a boundary, and the part that learns, as two modules."""
    from torch import nn

    net = mobilenet()
    blocks = list(net.features)
    pool = [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(*blocks[:boundary]), nn.Sequential(
        *blocks[boundary:], *pool, net.classifier
    )


def predict(net: Callable[[Any], Any], files: str, workers: int) -> list[int]:
    """Give the predicted class of every validation cell, in the order of the list."""
    import torch

    with torch.no_grad():
        parts = [net(pictures).argmax(1) for pictures, _ in loader(files, "validation", workers)]
    return torch.cat(parts).tolist()


def answer(seconds: float, predictions: list[int], files: str) -> dict[str, Any]:
    """Give what each training side returns: the time, and whether each prediction was right."""
    labels = read_list(files, "validation")[1]
    right = [int(guess == label) for guess, label in zip(predictions, labels, strict=True)]
    return {"train": seconds, "accuracy": sum(right) / len(right), "right": right}
