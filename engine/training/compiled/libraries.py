"""Functions of the library that torch brings along, for ctypes and for compiled functions."""

from __future__ import annotations

import ctypes
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import llvmlite.binding as llvm
import torch
from numba import types


@cache
def in_torch(name: str) -> Any:
    """A function of torch's library, for ctypes; None where there is none, or it is not to be seen from outside."""
    for library in (Path(torch.__file__).parent / "lib").glob("*torch_cpu.*"):
        with suppress(OSError, AttributeError):
            return getattr(ctypes.CDLL(str(library)), name)
    return None


def introduce(name: str, function: Any) -> bool:
    """Make a function known to compiled functions by this name; whether there is one."""
    if function is not None:
        llvm.add_symbol(name, ctypes.cast(function, ctypes.c_void_p).value)
    return function is not None


def pointer(number: Any) -> Any:
    """The type of a pointer to numbers of this type, in compiled functions."""
    return types.CPointer(number)  # type: ignore[no-untyped-call]
