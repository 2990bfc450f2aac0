"""Only the head learns: 2,000 sentences, MiniLM, 10 epochs, for us and for Hugging Face's Trainer.

Both sides read the same sentences, keep 64 tokens of each, pad a batch to its longest sentence
and train one new linear layer on the mean of the tokens, with the encoder frozen.
"""

from __future__ import annotations

import tempfile
import time
from typing import Any

from . import limit
from .harness import Plan, Side, from_json, pairwise, spread, take_turns
from .report import Target, cost, quantity, ratios, table

TITLE = "Head only, sentences"
OURS, TRAINER = "tl_teach", "Hugging Face Trainer, frozen encoder"
SENTENCES, EPOCHS, LENGTH, LR, BATCH = 2000, 10, 64, 1e-2, 32


def measure(plan: Plan) -> dict[str, Any]:
    size = {"count": 64, "epochs": 2} if plan.quick else {"count": SENTENCES, "epochs": EPOCHS}
    options = size | {"seed": 0}
    sides = [
        Side(OURS, "benchmarks.sentences:ours", options),
        Side(TRAINER, "benchmarks.sentences:trainer", options, ("transformers", "accelerate")),
        Side(limit.NAME, limit.FUNCTION),
    ]
    return take_turns(sides, plan) | work(options["count"])


def report(data: dict[str, Any]) -> str:
    runs = from_json(data["runs"])
    product = runs.pop(limit.NAME)
    rows = [[*cost(runs, name, OURS), ratios(quantity(runs, name, "accuracy"))] for name in runs]
    head = ["side", "training, s", "times ours", "whole process, s", "peak MB", "accuracy"]
    ratio = pairwise(runs, TRAINER, OURS, "train") if TRAINER in runs else []
    parts = [
        f"{SENTENCES:,} sentences of film reviews in a full run, {EPOCHS} epochs, MiniLM "
        f"frozen, at most {LENGTH} tokens. Accuracy is on 500 validation sentences.",
        table(head, rows),
        Target("Against the Trainer's loop, 10 epochs", 20).judge(ratio),
    ]
    if product and ratio:
        ours, theirs = (quantity(runs, name, "train") for name in (OURS, TRAINER))
        parts.append(_bound(data, ours, theirs, product))
    return "\n\n".join(parts)


def _bound(data: dict[str, Any], ours: list[float], theirs: list[float], product: Any) -> str:
    """Say how far the ratio could rise at all, if every token is computed once in float32."""
    most = spread([run.result["macs_per_second"] for run in product])[0]
    least = data["macs"] / most
    return (
        f"The limit: the sentences have {data['tokens']:,} tokens, which the encoder takes "
        f"{data['macs'] / 1e9:,.0f} thousand million multiply-adds to read once. At the speed of "
        f"a large float32 matrix product on the same cores ({most / 1e9:.0f} thousand million a "
        f"second) that is {least:.1f} s, which would be {spread(theirs)[0] / least:.1f} times "
        f"faster than the Trainer. Ours reaches {least / spread(ours)[0]:.0%} of this limit, the "
        "training of the head included."
    )


def work(count: int) -> dict[str, int]:
    """Count the tokens, and the multiply-adds of one pass of the encoder without any padding."""
    import torch

    net, task = prepared(count, 0)
    numbers = torch.stack([numbers for numbers, _ in task.train.for_network(net)])
    lengths = (numbers >= 0).sum(1)
    tokens, pairs = int(lengths.sum()), int((lengths**2).sum())
    macs = 0
    for name in net.stage_names[1:-1]:  # between embeddings and head
        weights = [m.weight for m in net.stages[name].modules() if isinstance(m, torch.nn.Linear)]
        macs += tokens * sum(weight.numel() for weight in weights)
        macs += pairs * 2 * weights[0].shape[1]  # each token looks at each, and takes from each
    return {"tokens": tokens, "macs": macs}


def prepared(count: int, seed: int) -> tuple[Any, Any]:
    import tl_teach as tl

    task = tl.load_domains(
        "sentence-sentiment", source="films", target="tweets", labels=count
    ).source
    net = tl.load_network("minilm", length=LENGTH)
    return tl.freeze(tl.replace_head(net, task, seed=seed)), task


def ours(count: int, epochs: int, seed: int) -> dict[str, Any]:
    import tl_teach as tl

    net, task = prepared(count, seed)
    tl.fit  # noqa: B018  # a name is imported when it is first used
    started = time.perf_counter()
    tl.fit(net, task, epochs=epochs, lr=LR, batch_size=BATCH, seed=seed, progress=False)
    seconds = time.perf_counter() - started
    return {"train": seconds, "accuracy": tl.evaluate(net, task.validation[:500]).score}


def trainer(count: int, epochs: int, seed: int) -> dict[str, Any]:
    """Train transformers' own model, whose weights are those of our network."""
    import torch
    from torch.nn.functional import cross_entropy
    from transformers import BertModel, Trainer

    from tl_teach.networks.text import minilm_body

    from .sides.with_trainer import plain_arguments

    net, task = prepared(count, seed)
    encoder: BertModel = minilm_body().requires_grad_(False)
    torch.manual_seed(seed)

    class Transfer(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoder, self.head = encoder, torch.nn.Linear(384, 2)

        def train(self, mode: bool = True) -> Transfer:
            super().train(mode)
            self.encoder.eval()
            return self

        def forward(self, input_ids: Any, attention_mask: Any, labels: Any = None) -> Any:
            tokens = self.encoder(input_ids, attention_mask=attention_mask).last_hidden_state
            there = attention_mask[..., None]
            logits = self.head((tokens * there).sum(1) / there.sum(1))
            loss = {} if labels is None else {"loss": cross_entropy(logits, labels)}
            return loss | {"logits": logits}

    def collate(items: list[Any]) -> dict[str, Any]:
        numbers, labels = (torch.stack(column) for column in zip(*items, strict=True))
        there = numbers >= 0
        longest = int(there.sum(1).max())
        return {
            "input_ids": numbers.clamp(min=0)[:, :longest],
            "attention_mask": there.long()[:, :longest],
            "labels": labels,
        }

    model = Transfer()
    train, validation = (part.for_network(net) for part in (task.train, task.validation[:500]))
    with tempfile.TemporaryDirectory() as folder:
        arguments = plain_arguments(folder, epochs, LR, BATCH, seed)
        loop = Trainer(model, arguments, train_dataset=train, data_collator=collate)
        started = time.perf_counter()
        loop.train()
        seconds = time.perf_counter() - started
    model.eval()
    right = 0
    with torch.no_grad():
        for first in range(0, len(validation), BATCH):
            batch = collate([validation[i] for i in range(len(validation))[first:][:BATCH]])
            right += int((model(**batch)["logits"].argmax(1) == batch["labels"]).sum())
    return {"train": seconds, "accuracy": right / len(validation)}
