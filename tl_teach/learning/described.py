"""What a value does, as text: for keys that tell one training from another.

A function has no other identity than what it does. Its name will not do (every lambda has the
same), nor its address (another one in each process). So its code counts, what it holds, and what it
reaches by name in its own module.
"""

from __future__ import annotations

import functools
import hashlib
import sys
import types
from collections.abc import Mapping

import numpy as np
import torch

from ..networks import fingerprint
from ..tasks import Split, Task

LIBRARIES = ("tl_teach", "torch", "torchvision", "timm", "transformers")
"""Packages with layers, whose version stands for what these do."""

_OF_EVERY_CLASS = {
    "__module__", "__qualname__", "__dict__", "__weakref__", "__doc__", "__annotations__",
    "__annotate__", "__annotate_func__", "__annotations_cache__", "__firstlineno__",
    "__static_attributes__", "__abstractmethods__", "_abc_impl",
}  # fmt: skip
_OF_EVERY_MODULE = set(vars(torch.nn.Module()))  # weights, parts, hooks and the mode
_PLAIN = (type(None), bool, int, float, complex, str, bytes)
_VALUES = (
    *_PLAIN, list, tuple, dict, set, frozenset, np.ndarray, torch.Tensor, torch.nn.Module, Split,
    Task,
)  # fmt: skip


def described(value: object) -> str:
    """Give equal text for values that do the same, in this process and in the next.

    Parameters
    ----------
    value : object
        A number, text, function, array, network, or a collection or an object that holds such.

    Returns
    -------
    str
        A digest, or a plain value as it is written. Changes with a function's code, defaults, what
        it closes over, and what it names in its own module: functions, classes, their objects, and
        values such as numbers, collections, arrays, networks and tasks. Of another module's
        functions only the names are known.

    Examples
    --------
    >>> described(lambda x: x) == described(lambda x: x)
    True
    >>> described(lambda x: x) == described(lambda x: 2 * x)
    False
    """
    return _Walk().text_of(value)


class _Walk:
    """One way through all that a value holds, on which nothing is described twice."""

    def __init__(self) -> None:
        self._under_way: set[int] = set()
        # By address. The values are held too, so that no other gets the address of one.
        self._known: dict[int, tuple[object, str]] = {}

    def text_of(self, value: object) -> str:
        """Give a plain value as it is written, and of all others a digest of what they do."""
        if isinstance(value, _PLAIN):
            return repr(value)
        place = id(value)
        if place in self._under_way:  # it holds itself
            return "..."
        if place not in self._known:
            self._under_way.add(place)
            text = self._described(value)
            self._under_way.remove(place)
            self._known[place] = value, hashlib.sha256(text.encode()).hexdigest()[:32]
        return self._known[place][1]

    def _each(self, *values: object) -> str:
        return ", ".join(map(self.text_of, values))

    def _described(self, value: object) -> str:
        kind, each = f"{type(value).__module__}.{type(value).__qualname__}", self._each
        if isinstance(value, types.CodeType):
            names = (value.co_names, value.co_varnames, value.co_freevars)
            return f"{value.co_code.hex()} {each(value.co_consts)} {names}"
        if isinstance(value, types.FunctionType):
            closed = [cell.cell_contents for cell in value.__closure__ or () if _filled(cell)]
            rest = (value.__defaults__, value.__kwdefaults__, closed, _reached(value))
            return f"function {value.__module__} {each(value.__code__, *rest)}"
        if isinstance(value, functools.partial):
            return f"partial({each(value.func, value.args, value.keywords)})"
        if isinstance(value, types.MethodType):
            return f"method({each(value.__func__, value.__self__)})"
        if isinstance(value, type | types.ModuleType | types.BuiltinFunctionType):
            name = getattr(value, "__qualname__", repr(value))
            return f"{getattr(value, '__module__', '')}.{name}"
        if isinstance(value, Mapping):
            return f"{kind}{{{'; '.join(each(*pair) for pair in value.items())}}}"
        if isinstance(value, list | tuple):
            return f"{kind}[{each(*value)}]"
        if isinstance(value, set | frozenset):
            return f"{kind}{sorted(map(self.text_of, value))}"
        if isinstance(value, torch.Tensor):
            value = value.detach().cpu().numpy()
        if isinstance(value, np.ndarray):
            if value.dtype.hasobject:
                return f"{kind}{value.shape}[{each(*value.flat)}]"
            return f"{kind}{value.dtype, value.shape, hashlib.sha256(value.tobytes()).hexdigest()}"
        if isinstance(value, Split):
            return f"{kind}({each(value.digests(), value.labels, value.preprocess)})"
        if isinstance(value, Task):
            return f"{kind}({each(value.train, value.validation)})"
        if isinstance(value, torch.nn.Module):
            parts = [
                (name, type(one), _public(one), own_code(type(one)))
                for name, one in value.named_modules()
            ]
            return f"{kind} {each(fingerprint(value), parts)}"
        held = getattr(value, "__dict__", None)
        holds = f"({each(held)})" if held else _without_address(value)
        return f"{kind} {holds} {each(own_code(type(value)))}"


def held_by(module: torch.nn.Module) -> dict[str, object]:
    """Give what a module holds besides weights and parts, such as a dropout's share.

    Parameters
    ----------
    module : torch.nn.Module
        Its parts are not looked into. Its mode does not count.
    """
    return {name: one for name, one in vars(module).items() if name not in _OF_EVERY_MODULE}


def _public(module: torch.nn.Module) -> dict[str, object]:
    """Of a library's layers, what has a public name; a network's boundary is not what it does."""
    held, own = held_by(module).items(), own_code(type(module))
    return {name: one for name, one in held if own or name[0] != "_"}


def own_code(kind: type) -> dict[str, object]:
    """Give what the body of a class says, where no version tells what it does.

    Parameters
    ----------
    kind : type
        Its bases count as well; those from `LIBRARIES` and of Python itself do not.

    Returns
    -------
    dict of str to object
        Methods, also static ones and those behind properties, and attributes such as numbers.
    """
    return {
        f"{one.__qualname__}.{name}": _behind(value)
        for one in kind.__mro__
        if one.__module__.partition(".")[0] not in {*LIBRARIES, *sys.stdlib_module_names}
        for name, value in vars(one).items()
        if name not in _OF_EVERY_CLASS
    }


def _behind(value: object) -> object:
    if isinstance(value, staticmethod | classmethod):
        return value.__func__
    if isinstance(value, property):
        return value.fget, value.fset
    return value


def _reached(function: types.FunctionType) -> dict[str, object]:
    """What a function names in its own module, but for what was imported there."""
    found: dict[str, object] = {}
    here = function.__module__
    for name in sorted(_names(function.__code__)):
        value = function.__globals__.get(name)
        own = getattr(value, "__module__", None) == here
        if isinstance(value, _VALUES) or (own and isinstance(value, types.FunctionType)):
            found[name] = value
        elif own and isinstance(value, type):
            found[name] = own_code(value)
        elif isinstance(value, types.SimpleNamespace) or type(value).__module__ == here:
            found[name] = value
    return found


def _names(code: types.CodeType) -> set[str]:
    inner = [_names(one) for one in code.co_consts if isinstance(one, types.CodeType)]
    return set(code.co_names).union(*inner)


def _filled(cell: types.CellType) -> bool:
    try:
        cell.cell_contents  # noqa: B018
    except ValueError:  # a name that is given its value later
        return False
    return True


def _without_address(value: object) -> str:
    text = repr(value)
    return "" if " at 0x" in text else text
