"""One file for each way to train; each has a function that `harness` runs in its own process.

All train the same network on the same pictures: MobileNetV2, cut in two at a boundary; what
stands before it is frozen. ``train`` is the time of the training call, from untouched PNG files
to a trained network, first epoch included, imports and loading of weights excluded; the whole
process is timed from outside. No side augments, and no side looks at the validation cells while
it trains.
"""
