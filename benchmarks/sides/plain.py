"""Plain PyTorch: the loop of its transfer-learning tutorial, and the best loop we can write."""

from __future__ import annotations

import time
from typing import Any

from ..cells import answer, halves, loader, mobilenet, predict


def tutorial(
    files: str, boundary: int, epochs: int, lr: float, workers: int, seed: int
) -> dict[str, Any]:
    """Do as the tutorial does, in our own words.

    What is frozen has ``requires_grad=False``; each epoch opens every picture, calls
    ``model.train()`` and runs the whole network; SGD with momentum, the learning rate divided by
    ten every seven epochs. The tutorial's learning rate 0.001 belongs to batches of 4: it is
    scaled to our batches of 32. Not done: augmentation, and scoring the validation set each epoch.
    """
    import torch
    from torch import nn

    torch.manual_seed(seed)
    net = mobilenet()
    for block in net.features[:boundary]:
        block.requires_grad_(False)
    learning = [parameter for parameter in net.parameters() if parameter.requires_grad]
    optimiser = torch.optim.SGD(learning, lr=lr, momentum=0.9)
    schedule = torch.optim.lr_scheduler.StepLR(optimiser, step_size=7, gamma=0.1)
    criterion = nn.CrossEntropyLoss()

    started = time.perf_counter()
    batches = loader(files, "train", workers)
    for _ in range(epochs):
        net.train()
        running_loss, running_right = 0.0, 0
        for inputs, labels in batches:
            optimiser.zero_grad()
            outputs = net(inputs)
            loss = criterion(outputs, labels)
            loss.backward()
            optimiser.step()
            running_loss += loss.item() * len(labels)
            running_right += int((outputs.argmax(1) == labels).sum())
        schedule.step()
    seconds = time.perf_counter() - started
    net.eval()
    return answer(seconds, predict(net, files, workers), files)


def tuned(
    files: str, boundary: int, epochs: int, lr: float, workers: int, seed: int
) -> dict[str, Any]:
    """Write the loop with all that PyTorch's tuning guide offers, but nothing kept.

    The frozen half runs in eval mode without gradients, and everything in channels_last.
    """
    import torch
    from torch.nn.functional import cross_entropy

    torch.manual_seed(seed)
    frozen, learning = halves(boundary)
    frozen.to(memory_format=torch.channels_last).eval().requires_grad_(False)
    learning.to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(learning.parameters(), lr=lr, weight_decay=0.0, fused=True)

    started = time.perf_counter()
    batches = loader(files, "train", workers)
    for _ in range(epochs):
        learning.train()
        for inputs, labels in batches:
            with torch.no_grad():
                inputs = frozen(inputs.to(memory_format=torch.channels_last))
            optimiser.zero_grad()
            cross_entropy(learning(inputs), labels).backward()
            optimiser.step()
    seconds = time.perf_counter() - started
    net = torch.nn.Sequential(frozen, learning).eval()
    return answer(seconds, predict(net, files, workers), files)
