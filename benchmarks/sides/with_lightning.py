"""Lightning with its BackboneFinetuning callback."""

from __future__ import annotations

import logging
import time
import warnings
from typing import Any

from ..cells import answer, halves, loader, predict


def train(
    files: str, boundary: int, epochs: int, lr: float, workers: int, seed: int
) -> dict[str, Any]:
    """Keep the backbone frozen all the time.

    While it waits, the callback leaves BatchNorm layers trainable whatever `train_bn` says; they
    are frozen here, which is faster and is what the others do.
    """
    import lightning
    import torch
    from lightning.pytorch.callbacks import BackboneFinetuning
    from torch.nn.functional import cross_entropy

    warnings.filterwarnings("ignore")
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)

    class Transfer(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.backbone, self.head = halves(boundary)

        def forward(self, pictures: Any) -> Any:
            return self.head(self.backbone(pictures))

        def training_step(self, batch: Any, index: int) -> Any:
            pictures, labels = batch
            return cross_entropy(self(pictures), labels)

        def configure_optimizers(self) -> Any:
            learning = [p for p in self.parameters() if p.requires_grad]
            return torch.optim.AdamW(learning, lr=lr, weight_decay=0.0, fused=True)

    class Frozen(BackboneFinetuning):
        def freeze_before_training(self, module: Any) -> None:
            self.freeze(module.backbone, train_bn=False)
            module.backbone.eval()

    torch.manual_seed(seed)
    module = Transfer()
    trainer = lightning.Trainer(
        max_epochs=epochs,
        accelerator="cpu",
        callbacks=[Frozen(unfreeze_backbone_at_epoch=epochs + 1)] if boundary else [],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    started = time.perf_counter()
    trainer.fit(module, loader(files, "train", workers))
    seconds = time.perf_counter() - started
    module.eval()
    return answer(seconds, predict(module, files, workers), files)
