"""What a value does, as text: for keys that tell one training from another.

A function has no other identity than what it does. Its name will not do (every lambda has the
same), nor its address (another one in each process). So its code counts, what it holds, and what it
reaches by name in its own module.
"""

from __future__ import annotations

import functools
import hashlib
import types
from collections.abc import Mapping

import numpy as np
import torch

from ..networks import fingerprint
from ..tasks import Split, Task

_PLAIN = (type(None), bool, int, float, complex, str, bytes)


def described(value: object) -> str:
    """Give equal text for values that do the same, in this process and in the next.

    Parameters
    ----------
    value : object
        A number, text, function, array, network, or a collection or an object that holds such.

    Returns
    -------
    str
        Long; meant to be hashed. Changes with a function's code, defaults, what it closes over,
        and the functions and plain values of its own module that it names. Of another module's
        functions only the names are known.

    Examples
    --------
    >>> described(lambda x: x) == described(lambda x: x)
    True
    >>> described(lambda x: x) == described(lambda x: 2 * x)
    False
    """
    return _described(value, set())


def _described(value: object, seen: set[int]) -> str:
    if isinstance(value, _PLAIN):
        return repr(value)
    if id(value) in seen:
        return "..."
    seen = seen | {id(value)}
    kind = f"{type(value).__module__}.{type(value).__qualname__}"

    def each(*values: object) -> str:
        return ", ".join(_described(one, seen) for one in values)

    if isinstance(value, types.FunctionType):
        return f"function {_function(value, seen)}"
    if isinstance(value, functools.partial):
        return f"partial({each(value.func, value.args, value.keywords)})"
    if isinstance(value, types.MethodType):
        return f"method({each(value.__func__, value.__self__)})"
    if isinstance(value, type | types.ModuleType | types.BuiltinFunctionType):
        return f"{getattr(value, '__module__', '')}.{getattr(value, '__qualname__', repr(value))}"
    if isinstance(value, Mapping):
        return f"{kind}{{{'; '.join(each(*pair) for pair in value.items())}}}"
    if isinstance(value, list | tuple):
        return f"{kind}[{each(*value)}]"
    if isinstance(value, set | frozenset):
        return f"{kind}{sorted(each(one) for one in value)}"
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
    called = (getattr(type(value), name, None) for name in ("forward", "__call__"))
    does = each(*(one for one in called if isinstance(one, types.FunctionType)))
    if isinstance(value, torch.nn.Module):
        return f"{kind} {value!r} {fingerprint(value)} {does}"
    held = getattr(value, "__dict__", None)
    return f"{kind}({each(held)}) {does}" if held else f"{kind} {_without_address(value)} {does}"


def _function(function: types.FunctionType, seen: set[int]) -> str:
    held = [cell.cell_contents for cell in function.__closure__ or () if _filled(cell)]
    reached = {}
    for name in sorted(_names(function.__code__)):
        value = function.__globals__.get(name)
        own = getattr(value, "__module__", None) == function.__module__
        if isinstance(value, _PLAIN) or (own and isinstance(value, types.FunctionType)):
            reached[name] = value
    parts = (function.__defaults__, function.__kwdefaults__, held, reached)
    rest = ", ".join(_described(part, seen) for part in parts)
    return f"{function.__module__}.{_code(function.__code__)} {rest}"


def _code(code: types.CodeType) -> str:
    constants = [
        _code(one) if isinstance(one, types.CodeType) else repr(one) for one in code.co_consts
    ]
    names = (code.co_names, code.co_varnames, code.co_freevars)
    return f"{code.co_code.hex()} {constants} {names}"


def _names(code: types.CodeType) -> set[str]:
    inner = [_names(one) for one in code.co_consts if isinstance(one, types.CodeType)]
    return set(code.co_names).union(*inner)


def _filled(cell: types.CellType) -> bool:
    try:
        return cell.cell_contents is not None
    except ValueError:  # a name that is given its value later
        return False


def _without_address(value: object) -> str:
    text = repr(value)
    return "" if " at 0x" in text else text
