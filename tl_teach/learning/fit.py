"""Training: the stages after the freeze boundary learn, the ones before it stand still."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from numbers import Real

import torch
from torch import nn
from torch.nn import functional as F
from torch.optim.lr_scheduler import ConstantLR, LRScheduler, OneCycleLR
from tqdm import tqdm

from ..networks import Network, require_network, seeded
from ..tasks import Task, require_task
from ..wording import require_count, unknown
from .evaluation import METRICS, predict, require_fit, score_outputs
from .feed import Augment, Feed, feed
from .history import History

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]

LOSSES: dict[str, Loss] = {
    "classification": F.cross_entropy,
    "multilabel": lambda outputs, targets: F.binary_cross_entropy_with_logits(
        outputs, targets.float()
    ),
    "regression": lambda outputs, targets: F.mse_loss(outputs.squeeze(1), targets.float()),
}

SCHEDULES: dict[str, Callable[[torch.optim.Optimizer, float, int], LRScheduler]] = {
    "constant": lambda optimiser, lr, steps: ConstantLR(optimiser, factor=1.0),
    "one-cycle": lambda optimiser, lr, steps: OneCycleLR(optimiser, max_lr=lr, total_steps=steps),
}


def fit(
    net: Network,
    task: Task,
    epochs: int = 10,
    lr: float = 1e-3,
    batch_size: int = 32,
    patience: int | None = None,
    seed: int = 0,
    augment: Augment | None = None,
    *,
    validate: bool = False,
    weight_decay: float = 0.0,
    schedule: str = "constant",
    cache: bool = True,
    exact: bool = False,
    progress: bool = True,
) -> History:
    """Train the stages that are not frozen.

    Parameters
    ----------
    net : Network
        Trained in place; in eval mode afterwards.
    task : Task
        Learns from ``task.train``; looks at ``task.validation`` only if asked to, and never at
        the test.
    epochs : int
        Passes over the training items, at most.
    lr : float
        Learning rate of AdamW.
    batch_size : int
        Items a step.
    patience : int, optional
        Stop when the validation loss has not fallen for this many epochs.
    seed : int
        Fixes the order of the items, dropout and augmentation.
    augment : callable, optional
        Changes a uint8 picture of shape (C, H, W) at random, each time it is shown; for
        example a transform of `torchvision.transforms.v2`.
    validate : bool
        Look at the validation split after each epoch even without `patience`.
    weight_decay : float
        Pulls weights towards 0, as in AdamW.
    schedule : str
        ``"constant"``, or ``"one-cycle"``: the learning rate rises to `lr` and falls to nearly 0
        over the run, which lets a short training settle.
    cache : bool
        Keep what crosses the freeze boundary, so that no frozen stage sees a picture twice. With
        `augment` nothing is kept, since the pictures change.
    exact : bool
        Compute the frozen stages as they stand, in their plain form, so that the weights are bit
        for bit those of a plain PyTorch loop. Otherwise they are rewritten to be faster, which
        changes their numbers by rounding only.
    progress : bool
        Show a progress bar when it takes longer than two seconds.

    Returns
    -------
    History
        Losses by epoch. With validation, the network has the weights of the best epoch.

    Raises
    ------
    ValueError
        If nothing can learn, the head does not fit the task, or a number makes no sense.

    Notes
    -----
    What stands before the freeze boundary is computed once for each picture, not once an epoch,
    and kept for the next call: found again by the content of pictures and weights, so that
    whatever has changed is computed anew.

    References
    ----------
    Loshchilov, Hutter (2019), "Decoupled weight decay regularization",
    https://arxiv.org/abs/1711.05101

    Smith, Topin (2019), "Super-convergence: very fast training of neural networks using large
    learning rates", https://arxiv.org/abs/1708.07120

    Examples
    --------
    >>> import tl_teach as tl
    >>> task = tl.load_task("printed-digits", labels_per_class=5)
    >>> net = tl.freeze(tl.replace_head(tl.load_network("letters-resnet"), task))
    >>> history = tl.fit(net, task, epochs=3, lr=1e-2)
    >>> history.epochs, history.trained
    (3, ('head',))
    """
    net = require_network(net)
    task = require_task(task).for_network(net)
    counts = {"epochs": epochs, "batch_size": batch_size, "patience": patience}
    _check(net, task, counts, {"lr": lr, "weight_decay": weight_decay})
    if schedule not in SCHEDULES:
        raise ValueError(unknown("schedule", schedule, SCHEDULES))
    require_count("seed", seed, least=0)
    if augment is not None and not callable(augment):
        raise TypeError(
            f"augment={augment!r} does not work: expected a function of one picture, such as a "
            "transform of torchvision.transforms.v2."
        )
    started = time.perf_counter()
    net.eval()  # so that a frozen stage is frozen whatever mode its parts were left in
    train = feed(net, task.train, augment=augment, cache=cache, exact=exact)
    validation = None
    if validate or patience is not None:
        validation = feed(net, task.validation, cache=cache, exact=exact)
    moving = [stage for name, stage in net.stages.items() if not net.is_frozen(name)]
    layout = torch.contiguous_format if exact else torch.channels_last
    _lay_out(moving, layout)

    learning = [parameter for parameter in net.parameters() if parameter.requires_grad]
    optimiser = torch.optim.AdamW(learning, lr=lr, weight_decay=weight_decay)
    steps = epochs * len(_cuts(len(task.train), batch_size))
    scheduler = SCHEDULES[schedule](optimiser, lr, steps)
    net.zero_grad(set_to_none=True)  # a gradient left from before must not move anything

    history = History(trained=tuple(name for name in net.stages if not net.is_frozen(name)))
    loss, best, best_loss = LOSSES[task.kind], None, float("inf")
    try:
        with seeded(seed), _bar(epochs * len(task.train), progress) as bar:
            for epoch in range(1, epochs + 1):
                history.train_loss.append(
                    _epoch(net, train, task, batch_size, layout, optimiser, scheduler, bar)
                )
                if validation is not None:
                    outputs = predict(net, validation)
                    now = float(loss(outputs, task.validation.targets))
                    history.validation_loss.append(now)
                    history.validation_score.append(score_outputs(outputs, task.validation).score)
                    if now < best_loss:
                        best, best_loss, history.best_epoch = _snapshot(net), now, epoch
                bar.set_postfix_str(_words(history, task.kind), refresh=False)
                if patience is not None and epoch - history.best_epoch >= patience:
                    break
    finally:  # also when the reader interrupts: the network is left usable, with the best weights
        if best is not None:
            net.load_state_dict(best, strict=False)
        _lay_out(moving, torch.contiguous_format)
        net.eval()
    history.best_epoch = history.best_epoch or history.epochs  # no validation, or no finite loss
    history.seconds = time.perf_counter() - started
    return history


def _epoch(
    net: Network,
    train: Feed,
    task: Task,
    batch_size: int,
    layout: torch.memory_format,
    optimiser: torch.optim.Optimizer,
    scheduler: LRScheduler,
    bar: tqdm,
) -> float:
    net.train()
    targets, loss = task.train.targets, LOSSES[task.kind]
    total = torch.zeros(())
    for items in torch.randperm(len(targets)).split(_cuts(len(targets), batch_size)):
        values = train(items)
        if values.ndim == 4:
            values = values.contiguous(memory_format=layout)
        value = loss(train.prefix.rest(values), targets[items])
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
        scheduler.step()
        total += value.detach() * len(items)
        bar.update(len(items))
    return float(total) / len(targets)


def _lay_out(stages: Sequence[nn.Module], layout: torch.memory_format) -> None:
    """Place the weights of convolutions in memory; their values stay."""
    for stage in stages:
        stage.to(memory_format=layout)


def _cuts(count: int, size: int) -> list[int]:
    """Sizes of the batches; no rest of one item stands alone: BatchNorm may need two."""
    sizes = [size] * (count // size) + ([count % size] if count % size else [])
    if len(sizes) > 1 and sizes[-1] == 1 < size:
        sizes[-2:] = [size + 1]
    return sizes


def _snapshot(net: Network) -> dict[str, torch.Tensor]:
    """Copy what can change: parameters and buffers of the stages that learn."""
    moving = tuple(f"stages.{name}." for name in net.stages if not net.is_frozen(name))
    state = net.state_dict()
    return {name: value.clone() for name, value in state.items() if name.startswith(moving)}


def _bar(pictures: int, progress: bool) -> tqdm:
    # Not disable=False, which would overrule the reader's TQDM_DISABLE.
    hidden = {} if progress else {"disable": True}
    return tqdm(total=pictures, desc="training", unit=" pictures", delay=2, leave=False, **hidden)


def _words(history: History, kind: str) -> str:
    text = f"train loss {history.train_loss[-1]:.3f}"
    if history.validation_score:
        text += f", validation {METRICS[kind]} {history.validation_score[-1]:.3f}"
    return text


def _check(
    net: Network, task: Task, counts: dict[str, int | None], rates: dict[str, float]
) -> None:
    for name, given in counts.items():
        if name != "patience" or given is not None:
            require_count(name, given)
    for name, rate in rates.items():
        possible = isinstance(rate, Real) and 0 <= rate < float("inf")
        if not possible or (name == "lr" and rate == 0):
            raise ValueError(
                f"{name}={rate!r} does not work: expected a positive number, such as 1e-3."
            )
    if not any(parameter.requires_grad for parameter in net.parameters()):
        raise ValueError(
            f"Every stage of {net.name!r} is frozen, so nothing can learn; "
            "let at least the head learn: tl.unfreeze(net, from_='head')."
        )
    require_fit(net, task.train)
