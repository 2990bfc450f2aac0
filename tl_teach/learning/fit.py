"""Training: the stages after the freeze boundary learn, the ones before it stand still."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler
from tqdm import tqdm

from ..networks import Network, require_network, seeded
from ..tasks import Task, reads_texts, require_task
from ..wording import is_number, require_count, unknown
from . import looks
from .checkpoint import Checkpoint, moving_state
from .convex import solve_head
from .described import described
from .evaluation import score_only
from .feed import Augment, Feed, feed
from .history import History
from .layout import training_layout
from .loop import Loop, batches
from .losses import Loss, choose_loss
from .optimisers import build_optimiser, build_schedule, stage_rates
from .predicting import predict, require_fit, require_learning
from .progress import progress_bar
from .team import Team
from .views import with_views

SOLVERS = ("adamw", "lbfgs")


def fit(
    net: Network,
    task: Task,
    epochs: int = 10,
    lr: float | Mapping[str, float] = 1e-3,
    batch_size: int = 32,
    patience: int | None = None,
    seed: int = 0,
    augment: Augment | None = None,
    *,
    validate: bool = False,
    min_change: float = 0.0,
    lr_decay: float = 1.0,
    weight_decay: float = 0.0,
    schedule: str | Callable[[Optimizer, int], LRScheduler] = "constant",
    loss: Loss | None = None,
    class_weights: str | Sequence[float] | None = None,
    solver: str = "adamw",
    views: int | None = None,
    keep_statistics: bool = False,
    cache: bool = True,
    exact: bool = False,
    checkpoint: str | Path | None = None,
    progress: bool = True,
) -> History:
    """Train the stages that are not frozen.

    Parameters
    ----------
    net : Network
        Trained in place, on the device where it is; in eval mode afterwards.
    task : Task
        Learns from ``task.train``; looks at ``task.validation`` only if asked to, and never at
        the test.
    epochs : int
        Passes over the training items, at most.
    lr : float or mapping of str to float
        Learning rate of AdamW: one for all, or one for each stage that learns.
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
    min_change : float
        How far the validation loss must fall to count as fallen.
    lr_decay : float
        Discriminative rates: each stage learns at this share of the rate of the stage after it.
    weight_decay : float
        Pulls weights towards 0, as in AdamW.
    schedule : str or callable
        ``"constant"``; ``"one-cycle"``: the learning rate rises to `lr` and falls to nearly 0
        over the run, which lets a short training settle; ``"cosine"``; or a function of the
        optimiser and the number of steps that gives a scheduler of torch.
    loss : callable, optional
        A mean over items of outputs and targets, instead of the loss of the task's kind. For
        regression both have the shape (N, outputs).
    class_weights : str or sequence of float, optional
        How much a mistake on each class counts: ``"balanced"``, or one weight a class.
    solver : str
        ``"adamw"``, in batches; or ``"lbfgs"``, where one linear layer alone learns: the exact
        answer of that small convex problem, with the penalty ``weight_decay / 2 * |W|**2``.
        The settings of batches, epochs and rates do nothing then, and there is no epoch to
        validate, to stop at or to save.
    views : int, optional
        Show this many fixed, augmented views of each picture in turn, so that what crosses the
        freeze boundary can be kept.
    keep_statistics : bool
        In copied stages that learn, let BatchNorm go on with the means and variances of the
        source, instead of those of each batch: for small batches, and few labels. Its scale and
        shift learn as before.
    cache : bool
        Keep what crosses the freeze boundary, so that no frozen stage sees a picture twice. With
        `augment` and no `views` nothing can be kept, since the pictures change.
    exact : bool
        Compute the frozen stages as they stand, and step as a plain ``torch.optim.AdamW`` does, so
        that the weights are bit for bit those of a plain PyTorch loop. Otherwise both are done in
        fewer passes over memory, which changes their numbers by rounding only.
    checkpoint : str or pathlib.Path, optional
        Save the training here after each epoch, and go on from there if it was interrupted: on a
        processor the weights are bit for bit those of an uninterrupted training.
    progress : bool
        Show a progress bar when it takes longer than two seconds, for the frozen part too.

    Returns
    -------
    History
        Losses by epoch. With validation, the network has the weights of the best epoch. Whoever
        interrupts (Ctrl-C, or a notebook's stop button) gets the history so far.

    Raises
    ------
    TypeError
        If `augment` is no function, or the items are texts.
    ValueError
        If nothing can learn, the head does not fit the task, or a number makes no sense.
    CheckpointError
        If the checkpoint belongs to another training.

    Notes
    -----
    What stands before the freeze boundary is computed once for each picture, not once an epoch,
    and kept for the next call: found again by the content of pictures and weights, so that
    whatever has changed is computed anew.

    Under ``torchrun`` or ``accelerate launch`` several processes train together; see `Team`.
    BatchNorm in a stage that learns then sees each process's part of the batch alone.

    On a graphics card the learning stages compute in half precision.

    References
    ----------
    Loshchilov, Hutter (2019), "Decoupled weight decay regularization",
    https://arxiv.org/abs/1711.05101

    Smith, Topin (2019), "Super-convergence: very fast training of neural networks using large
    learning rates", https://arxiv.org/abs/1708.07120

    Howard, Ruder (2018), "Universal language model fine-tuning for text classification"
    (discriminative rates), https://arxiv.org/abs/1801.06146

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
    _check_counts(epochs=epochs, batch_size=batch_size, patience=patience, views=views)
    require_count("seed", seed, least=0)
    _check_not_negative(min_change=min_change, weight_decay=weight_decay)
    require_learning(net)
    require_fit(net, task.train, any_kind=loss is not None)
    _check_pictures(net, augment, views, cache)
    if keep_statistics:
        _check_statistics(net)
    watching = validate or patience is not None
    _check_solver(solver, epochs_matter=watching or checkpoint is not None)
    stage_rates(net, lr, lr_decay)
    # Numbers of NumPy's are none that a checkpoint may hold.
    lr = {name: float(rate) for name, rate in lr.items()} if isinstance(lr, Mapping) else float(lr)
    lr_decay, weight_decay, min_change = float(lr_decay), float(weight_decay), float(min_change)
    epochs, batch_size, seed = int(epochs), int(batch_size), int(seed)
    patience, views = (None if each is None else int(each) for each in (patience, views))
    criterion = choose_loss(task, loss, class_weights)
    settings = {
        "epochs": epochs, "lr": lr, "batch_size": batch_size, "patience": patience, "seed": seed,
        "augment": described(augment), "min_change": min_change, "lr_decay": lr_decay,
        "weight_decay": weight_decay, "schedule": described(schedule), "loss": described(loss),
        "class_weights": class_weights, "views": views, "exact": exact, "validate": validate,
    }  # fmt: skip
    if keep_statistics:
        settings["keep_statistics"] = True
    saved = None if checkpoint is None else Checkpoint(checkpoint, net, task, settings)

    started = time.perf_counter()
    net.eval()  # so that a frozen stage is frozen whatever mode its parts were left in
    team, history = Team(), History(trained=net.learning)
    split = task.train
    if augment is not None and views is not None:
        split, augment = with_views(split, augment, views, seed), None
    # The exact solver looks at all items at once, so there every process needs all of them.
    sharing = None if solver == "lbfgs" else team
    options: dict[str, Any] = {
        "cache": cache, "exact": exact, "team": sharing, "progress": progress and team.rank == 0,
    }  # fmt: skip
    try:
        train = feed(net, split, augment=augment, views=views or 1, **options)
        validation = feed(net, task.validation, **options) if watching else None
    except KeyboardInterrupt:  # what was computed of the frozen part is kept
        history.interrupted = True
        return _finished(net, history, started)
    if watching:
        looks.record(task.validation, "training")

    if solver == "lbfgs":
        with seeded(seed):
            history.train_loss = solve_head(net, train, split.targets, criterion, weight_decay)
        return _finished(net, history, started)

    moving = [net.stages[name] for name in history.trained]
    layout = torch.contiguous_format if exact else training_layout(moving)
    _lay_out(moving, layout)
    optimiser = build_optimiser(net, lr, lr_decay, weight_decay, exact=exact)
    steps = epochs * len(batches(len(task.train), batch_size))
    scheduler = build_schedule(schedule, optimiser, steps)
    net.zero_grad(set_to_none=True)  # a gradient left from before must not move anything
    loop = Loop(
        net, train, split.targets, criterion, optimiser, scheduler, layout, team, keep_statistics
    )

    best: dict[str, torch.Tensor] | None = None
    best_loss = float("inf")
    try:
        pictures = epochs * len(task.train)
        shown = progress and team.rank == 0
        with seeded(seed), progress_bar(pictures, "training", "pictures", shown) as bar:
            if saved is not None and (state := saved.resume(loop)) is not None:
                history, best, best_loss = state
                started -= history.seconds
                bar.update(history.epochs * len(task.train))
            while history.epochs < epochs and not _enough(history, patience):
                view = history.epochs % (views or 1)
                learned = _epoch(loop, len(task.train), batch_size, view, views or 1, bar)
                if validation is None:
                    history.train_loss.append(learned)
                else:  # all or none of an epoch's numbers, wherever it is interrupted
                    now, score = _validate(net, task, validation, criterion, team)
                    history.train_loss.append(learned)
                    history.validation_loss.append(now)
                    history.validation_score.append(score)
                    if now < best_loss - min_change:
                        best, best_loss, history.best_epoch = moving_state(net), now, history.epochs
                history.seconds = time.perf_counter() - started
                bar.set_postfix_str(_words(history, task.metric), refresh=False)
                if saved is not None and team.rank == 0:
                    saved.save(loop, history, best, best_loss)
    except KeyboardInterrupt:
        history.interrupted = True
    finally:  # also when something breaks: the network is left usable, with the best weights
        if best is not None:
            net.load_state_dict(best, strict=False)
        _lay_out(moving, torch.contiguous_format)
        net.eval()
    return _finished(net, history, started)


def _check_statistics(net: Network) -> None:
    """Refuse to keep what is not there."""
    copied = [net.stages[name] for name in net.learning if net.copied[name]]
    layers = [layer for stage in copied for layer in stage.modules()]
    if not any(isinstance(layer, nn.modules.batchnorm._BatchNorm) for layer in layers):
        raise ValueError(
            f"keep_statistics=True keeps nothing: no copied stage of {net.name!r} that learns "
            "has BatchNorm's statistics of a source; leave it out, or let such a stage learn: "
            "tl.unfreeze."
        )


def _epoch(loop: Loop, count: int, batch_size: int, view: int, views: int, bar: tqdm) -> float:
    """Learn from every item once; the mean loss."""
    total = torch.zeros((), device=loop.device)
    for items, value in loop.epoch(count, batch_size, view, views):
        total += value * items
        bar.update(items)
    return float(loop.team.add(total)) / count


def _finished(net: Network, history: History, started: float) -> History:
    net.eval()
    history.best_epoch = history.best_epoch or history.epochs  # no validation, or no finite loss
    history.seconds = time.perf_counter() - started
    return history


def _enough(history: History, patience: int | None) -> bool:
    """Whether validation has had its chance."""
    return patience is not None and history.epochs - history.best_epoch >= patience


def _validate(
    net: Network, task: Task, validation: Feed, loss: Loss, team: Team
) -> tuple[float, float]:
    """Loss and score."""
    mine = team.share(torch.arange(len(validation)))
    outputs = predict(net, validation, mine)
    if team.size > 1:
        everyones = torch.zeros(len(validation), outputs.shape[1])
        everyones[mine] = outputs
        outputs = team.add(everyones)
    value = float(loss(outputs, task.validation.targets))
    return value, score_only(outputs, task.validation)


def _lay_out(stages: Sequence[nn.Module], layout: torch.memory_format) -> None:
    """Place the weights of convolutions in memory; their values stay."""
    for stage in stages:
        stage.to(memory_format=layout)


def _words(history: History, metric: str) -> str:
    text = f"train loss {history.train_loss[-1]:.3f}"
    if history.validation_score:
        text += f", validation {metric} {history.validation_score[-1]:.3f}"
    return text


def _check_counts(**counts: object) -> None:
    for name, given in counts.items():
        if given is not None or name in ("epochs", "batch_size"):
            require_count(name, given)


def _check_not_negative(**rates: object) -> None:
    for name, rate in rates.items():
        if not is_number(rate) or not 0 <= rate < float("inf"):
            raise ValueError(
                f"{name}={rate!r} does not work: expected a number that is not negative, "
                "such as 1e-3."
            )


def _check_solver(solver: str, epochs_matter: bool) -> None:
    if solver not in SOLVERS:
        raise ValueError(unknown("solver", solver, SOLVERS))
    if solver == "lbfgs" and epochs_matter:
        raise ValueError(
            "solver='lbfgs' finds its answer in one go, without epochs; leave out validate, "
            "patience and checkpoint, or train in batches: solver='adamw'."
        )


def _check_pictures(net: Network, augment: object, views: int | None, cache: bool) -> None:
    if augment is not None and reads_texts(net):
        raise TypeError(f"augment= changes pictures, and {net.name!r} reads texts; leave it out.")
    if augment is not None and not callable(augment):
        raise TypeError(
            f"augment={augment!r} does not work: expected a function of one picture, such as a "
            "transform of torchvision.transforms.v2."
        )
    if views is not None and augment is None:
        raise ValueError(
            f"views={views!r} needs augment=, a function that changes a picture; "
            "without one all views are the same."
        )
    if augment is not None and views is None and cache and net.frozen_through is not None:
        warnings.warn(
            "augment= changes every picture each time, so nothing can be kept of what crosses the "
            "freeze boundary, and the frozen stages run in every epoch; views=4 would fix four "
            "versions of each picture and keep them, cache=False says that you know.",
            stacklevel=3,
        )
