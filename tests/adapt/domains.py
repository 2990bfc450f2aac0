"""Two tiny domains, and a network that has learned the first."""

import copy
from functools import lru_cache

import tl_teach as tl
from tests.tasks import tiny
from tl_teach.tasks import as_target

METHODS = {
    "adabn": {},
    "coral": {},
    "dann": {"epochs": 2},
    "pseudo-label": {"rounds": 2, "epochs": 1, "threshold": 0.5},
}


@lru_cache
def source():
    return tiny.task(name="tiny-source")


@lru_cache
def target():
    """The same question in poorer light."""
    return as_target(tl.shift(tiny.task(name="tiny-target", seed=5), "contrast", 0.4))


@lru_cache
def _trained():
    net = tiny.network()
    tl.fit(net, source(), epochs=15, lr=1e-2)
    return net


def network(through=None):
    net = copy.deepcopy(_trained())
    return net if through is None else tl.freeze(net, through=through)


def adapt(method, net=None, unlabelled=None, **settings):
    net = network() if net is None else net
    unlabelled = target().unlabelled if unlabelled is None else unlabelled
    return tl.adapt(net, unlabelled, source(), method=method, **METHODS[method], **settings)
