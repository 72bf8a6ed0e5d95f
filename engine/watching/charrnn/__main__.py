"""Run a script as `python SCRIPT ARGS…` would, and watch it: `python -m charrnn SCRIPT ARGS…`."""

from __future__ import annotations

import builtins
import io
import os
import sys
from collections.abc import Callable
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType, TracebackType

from charrnn.sites import OURS
from charrnn.watching import OUTPUT_VARIABLE, Watch, watch


def main() -> None:
    """Run the script that the first argument names, as the main module of this process."""
    if len(sys.argv) < 2:
        sys.exit("python -m charrnn: name a script, as in `python -m charrnn train.py`")
    script = Path(sys.argv[1])
    try:
        with io.open_code(str(script.absolute())) as file:
            source = file.read()
    except OSError as error:
        print(f"python: can't open file {str(script.absolute())!r}: {error.strerror}", file=sys.stderr)
        sys.exit(2)
    if os.environ.pop(OUTPUT_VARIABLE, "") and isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)
    sys.argv = sys.argv[1:]
    sys.path[0] = str(script.resolve().parent)
    _run(source, str(script.absolute()), watch())


def _run(source: bytes, path: str, watched: Watch) -> None:
    module = ModuleType("__main__")
    given: dict[str, object] = {"__file__": path, "__cached__": None, "__loader__": SourceFileLoader("__main__", path)}
    if "__annotations__" in globals():  # Older Pythons give every main module some.
        given["__annotations__"] = {}
    module.__dict__.update(given, __builtins__=builtins)
    sys.modules["__main__"] = module
    sys.excepthook = _shown_from(path, watched)
    exec(compile(source, path, "exec", dont_inherit=True), module.__dict__)


def _shown_from(
    path: str, watched: Watch
) -> Callable[[type[BaseException], BaseException, TracebackType | None], None]:
    """Show an exception as Python does, from the script's own line on; without lines where it was never begun."""

    def show(kind: type[BaseException], error: BaseException, at: TracebackType | None) -> None:
        while at is not None and at.tb_frame.f_code.co_filename != path:
            at = at.tb_next
        at = _without_ours(at)
        watched.raised(error)
        sys.__excepthook__(kind, error.with_traceback(at), at)

    return show


def _without_ours(at: TracebackType | None) -> TracebackType | None:
    """The same lines without those of this package, which stand between the program and torch."""
    if at is None:
        return None
    later = _without_ours(at.tb_next)
    if at.tb_frame.f_code.co_filename.startswith(OURS):
        return later
    return TracebackType(later, at.tb_frame, at.tb_lasti, at.tb_lineno)


if __name__ == "__main__":
    main()
