"""Hugging Face's Trainer."""

from __future__ import annotations

import tempfile
import time
from typing import Any

from ..cells import BATCH, answer, dataset, halves, predict


def plain_arguments(folder: str, epochs: int, lr: float, batch: int, seed: int, **more: Any) -> Any:
    """Give the Trainer's arguments for a plain loop on the CPU that writes and logs nothing."""
    from transformers import TrainingArguments

    return TrainingArguments(
        output_dir=folder,
        num_train_epochs=epochs,
        per_device_train_batch_size=batch,
        learning_rate=lr,
        lr_scheduler_type="constant",
        weight_decay=0.0,
        max_grad_norm=0.0,
        save_strategy="no",
        logging_strategy="no",
        report_to="none",
        disable_tqdm=True,
        remove_unused_columns=False,
        use_cpu=True,
        seed=seed,
        **more,
    )


def train(
    files: str, boundary: int, epochs: int, lr: float, workers: int, seed: int
) -> dict[str, Any]:
    """Train with the Trainer's loop; nothing is saved, logged or scored meanwhile."""
    import torch
    from torch.nn.functional import cross_entropy
    from transformers import Trainer

    torch.manual_seed(seed)

    class Transfer(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.base, self.head = halves(boundary)
            self.base.requires_grad_(False)

        def train(self, mode: bool = True) -> Transfer:
            super().train(mode)
            self.base.eval()
            return self

        def forward(self, pixel_values: Any, labels: Any = None) -> dict[str, Any]:
            logits = self.head(self.base(pixel_values))
            loss = {} if labels is None else {"loss": cross_entropy(logits, labels)}
            return loss | {"logits": logits}

    def collate(items: list[Any]) -> dict[str, Any]:
        pictures, labels = zip(*items, strict=True)
        return {"pixel_values": torch.stack(pictures), "labels": torch.tensor(labels)}

    net = Transfer()
    with tempfile.TemporaryDirectory() as folder:
        arguments = plain_arguments(
            folder,
            epochs,
            lr,
            BATCH,
            seed,
            dataloader_num_workers=workers,
            dataloader_persistent_workers=workers > 0,
        )
        trainer = Trainer(
            net, arguments, train_dataset=dataset(files, "train"), data_collator=collate
        )
        started = time.perf_counter()
        trainer.train()
        seconds = time.perf_counter() - started
    net.eval()
    predictions = predict(lambda pictures: net(pictures)["logits"], files, workers)
    return answer(seconds, predictions, files)
