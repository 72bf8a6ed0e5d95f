"""Compiles functions with Numba, once per machine, into a cache on the disk."""

from __future__ import annotations

import hashlib
import importlib
import os
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import ParamSpec, TypeVar, cast

import llvmlite.binding as llvm
import numba
import numpy as np
from numba.core import config
from numba.np import linalg
from numpy.typing import NDArray
from platformdirs import user_cache_path

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

Floats = NDArray[np.float32]

F = np.float32
"""The type of every constant: a Python number would turn a loop into one over doubles."""

FREEDOMS = {"reassoc", "contract", "arcp", "nsz", "afn"}
"""The liberties that the compiler may take with sums and products, so that loops become vector instructions. Infinities
and NaN keep their meaning, since they show that an update is broken."""


FEATURES = f"{llvm.get_host_cpu_features().flatten()},-prefer-256-bit"
"""The processor's instructions, with vectors as wide as it has them: LLVM would take half of their width on most."""

COMPILES = not config.DISABLE_JIT  # type: ignore[attr-defined]
"""Whether functions are compiled: a user may have told Numba not to."""

BOUNDS = ("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA")
"""The variables by which a user keeps oneDNN from instructions of the processor; weights have other forms then."""

SOURCES = ("compiled", "one_stream", "many_streams")
"""The folders whose functions are compiled."""


def _folder() -> Path | None:
    """The folder of the compiled functions, named by all that they depend on; None where it cannot be written.

    Numba itself checks only the file of the outermost function, and would keep using stale inner ones.
    """
    digest = hashlib.sha256()
    bounds = [os.environ.get(name, "") for name in BOUNDS]
    for what in (sys.version, version("numba"), version("llvmlite"), llvm.get_host_cpu_name(), FEATURES, *bounds):
        digest.update(what.encode())
    sources = [each for folder in SOURCES for each in (Path(__file__).parents[1] / folder).glob("*.py")]
    for source in sorted(sources):
        digest.update(f"{source}:{source.stat().st_mtime_ns}".encode() + source.read_bytes())
    folder = user_cache_path("charrnn-tui") / "compiled" / digest.hexdigest()[:16]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return folder


FOLDER = _folder()
config.CPU_FEATURES = FEATURES  # type: ignore[attr-defined]
if FOLDER is not None:
    config.CACHE_DIR = str(FOLDER)  # type: ignore[attr-defined]


def _load_array_functions() -> None:
    """Have Numba load its functions of arrays without SciPy's linear algebra.

    They would look for it, which takes a quarter of a second, and no function here needs it: `blas.py` has products of
    its own.
    """

    def refuse() -> None:
        raise ImportError("products are those of torch's library")

    looks_for, linalg.ensure_blas = linalg.ensure_blas, refuse
    try:
        importlib.import_module("numba.np.arraymath")
    finally:
        linalg.ensure_blas = looks_for


_load_array_functions()


def compiled(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """The function as machine code that runs without the interpreter's lock; compiled at its first call."""
    compile_it = numba.njit(nogil=True, fastmath=FREEDOMS, error_model="numpy", cache=FOLDER is not None)
    return cast(Callable[Parameters, Result], compile_it(function))
