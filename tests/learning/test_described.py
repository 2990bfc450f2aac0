"""Equal text for what does the same, another for what does something else."""

import copy
import datetime
import fractions
import functools
import os
import pathlib
import subprocess
import sys
import types
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

import tl_teach as tl
from tests.tasks import tiny
from tl_teach.learning.described import described


def module(source):
    """What a notebook's cell defines, as often as it is run."""
    made = types.ModuleType("notebook")
    exec(source, made.__dict__)
    for value in vars(made).values():
        if isinstance(value, types.FunctionType | type):
            value.__module__ = "notebook"
    return made.f


CLOSURE = "def o(k):\n    return lambda x: k * x\nf = o("
SETTINGS = "import types\ndef f(x): return c.gain * x\nc = types.SimpleNamespace("
FUNCTION = "def f(x, v=1):\n    return x + v"


@pytest.mark.parametrize("one, other", [
    (FUNCTION, "def f(x, v=2):\n    return x + v"),
    (FUNCTION, "def f(x, v=1):\n    return x - v"),
    (FUNCTION, "def f(x, *, v=1):\n    return x + v"),
    ("f = lambda x: x", "f = lambda x: 2 * x"),
    ("rate = 1\ndef f(x):\n    return rate * x", "rate = 2\ndef f(x):\n    return rate * x"),
    ("def g(): return 1\ndef f(x): return g()", "def g(): return 2\ndef f(x): return g()"),
    ("def f(x): return min(x)", "def f(x): return max(x)"),
    ("def f(x): return [y for y in x]", "def f(x): return [-y for y in x]"),
    (CLOSURE + "1)", CLOSURE + "2)"),
    (CLOSURE + "None)", CLOSURE + "[None, None])"),
    ("rates = [1]\ndef f(x):\n    return rates", "rates = [2]\ndef f(x):\n    return rates"),
    ("class A:\n    def g(s): return 1\ndef f(x): return A()",
     "class A:\n    def g(s): return 2\ndef f(x): return A()"),
    ("class A:\n    def g(s): return 1\nclass B(A): pass\ndef f(x): return B()",
     "class A:\n    def g(s): return 2\nclass B(A): pass\ndef f(x): return B()"),
    ("class A:\n    def g(s): return 1\n    def __call__(s, x): return s.g()\nf = A()",
     "class A:\n    def g(s): return 2\n    def __call__(s, x): return s.g()\nf = A()"),
    ("class A:\n    gain = 1\na = A()\ndef f(x): return a.gain * x",
     "class A:\n    gain = 2\na = A()\ndef f(x): return a.gain * x"),
    (SETTINGS + "gain=1)", SETTINGS + "gain=2)"),
])  # fmt: skip
def test_what_a_function_does_counts(one, other):
    assert described(module(one)) == described(module(one))
    assert described(module(one)) != described(module(other))


def test_a_closure_over_nothing_keeps_its_place():
    def makes(first, second):
        return lambda x: (first, second)

    assert described(makes(None, 1)) != described(makes(1, None))


def test_another_process_finds_the_same():
    code = "from tl_teach.learning.described import described\n"
    code += "print(described(lambda x: x in {'a', 'b', 'c', 'd'}))"
    run = partial(subprocess.run, [sys.executable, "-c", code], capture_output=True, check=True)
    texts = [run(env=os.environ | {"PYTHONHASHSEED": seed}).stdout for seed in ("1", "2", "3")]
    assert len(set(texts)) == 1


def test_functions_that_call_each_other_come_to_an_end():
    source = "def g(x): return f(x)\ndef f(x): return g(x)"
    assert described(module(source)) == described(module(source))


def test_what_is_held_often_is_described_once():
    held = [1]
    for _ in range(100):
        held = [held, held]
    assert described(held) == described(copy.deepcopy(held))
    assert described([held, held]) == described([held, copy.deepcopy(held)]), "shared or copied"


@pytest.mark.parametrize(
    "value", [pathlib.Path("a"), datetime.date(2026, 1, 2), fractions.Fraction(1, 2)]
)
def test_an_object_of_pythons_own_is_what_it_says(value):
    """Its version tells what it does: its methods are not looked into."""

    def holder(value):
        return lambda: value

    assert described(holder(value)) == described(holder(copy.copy(value)))


class Blank:
    def __init__(self, share):
        self.share = share

    def __call__(self, picture):
        return picture * self.share


def sized(size):
    net = tiny.network()
    net.preprocess = replace(net.preprocess, size=size)
    return net


@pytest.mark.parametrize("make", [
    lambda v: v, lambda v: [v, {"a": (v,)}], lambda v: {v}, Blank, torch.tensor, np.array,
    lambda v: np.array([None, v]), lambda v: functools.partial(min, v), lambda v: Blank(v).__call__,
    lambda v: tiny.network(seed=v), lambda v: tiny.task(split_seed=v).train,
    lambda v: sized(8 + v), lambda v: tiny.network(dropout=v / 4),
    lambda v: tiny.task(split_seed=v), lambda v: tl.Recipe("vgg11_bn", tl.Phase(epochs=v)),
])  # fmt: skip
def test_what_an_object_holds_counts(make):
    assert described(make(1)) == described(make(1))
    assert described(make(1)) != described(make(2))


def test_the_mode_and_the_boundary_of_a_network_do_not_count():
    net = tiny.network()
    assert described(net) == described(tl.freeze(tiny.network().train(), "stem"))


def test_an_address_does_not():
    assert described(object()) == described(object())
