"""Runs scripts one after the other, each in a process of its own: `python -m tests.loops.runner FOLDER SCRIPT…`.

The processes are forked from one that has loaded torch, which takes seconds. With `--plain`, nobody watches. Prints a
JSON object for each: what ended it, and a hash of all parameters that are there at the end.
"""

from __future__ import annotations

import gc
import hashlib
import json
import os
import runpy
import sys
import traceback
from pathlib import Path
from typing import Any

import charrnn
import torch
from torch.optim import Optimizer

KEPT: list[Any] = []
"""What is not to be let go before it was looked at."""


def main() -> None:
    """Run the scripts that the arguments name."""
    folder, *scripts = [each for each in sys.argv[1:] if each != "--plain"]
    for script in scripts:
        sys.stdout.flush()
        child = os.fork()
        if child == 0:
            print(json.dumps(_run(Path(script).resolve(), Path(folder), watched="--plain" not in sys.argv)), flush=True)
            os._exit(0)
        os.waitpid(child, 0)


def _run(script: Path, folder: Path, *, watched: bool) -> dict[str, str]:
    name = f"{script.parent.parent.name}-{script.parent.name}-{script.stem}"
    own = folder / name
    own.mkdir(parents=True)
    os.chdir(own)
    sys.argv = [str(script)]
    sys.path[0] = str(script.parent)
    watch = charrnn.watch(name=name, lab=own / "lab") if watched else None
    ended, printed = "", os.dup(1)
    os.dup2(os.open(own / "output.txt", os.O_WRONLY | os.O_CREAT), 1)
    _keep_parameters()
    try:
        KEPT.append(runpy.run_path(str(script), run_name="__main__"))
    except Exception as error:  # noqa: BLE001 -- whatever ends it is told
        KEPT.append(error)  # With the frames that it came through, and what they hold.
        ended = f"{type(error).__name__}: {error}"
        traceback.print_exc()
        if watch is not None:
            watch.raised(error)
    sys.stdout.flush()
    os.dup2(printed, 1)
    found = _hash()
    if watch is not None:
        watch.stop()
    return {"script": name, "ended": ended.splitlines()[0] if ended else "", "hash": found}


def _keep_parameters() -> None:
    """Keep what optimisers are given: models of a function that returns would be gone at the end."""
    begin = Optimizer.__init__

    def keep(self: Optimizer, params: Any, defaults: dict[str, Any]) -> None:
        params = list(params)
        KEPT.append(params)
        begin(self, params, defaults)

    Optimizer.__init__ = keep  # type: ignore[method-assign]


def _hash() -> str:
    """A hash of the numbers of all parameters, in whatever order they were made."""
    found = [each for each in gc.get_objects() if type(each) is torch.nn.Parameter]
    kept = [one for each in KEPT if isinstance(each, list) for one in each if type(one) is torch.Tensor]
    parameters = [*found, *kept]
    each = sorted(hashlib.sha256(bytes(str(one.detach().tolist()), "utf-8")).hexdigest() for one in parameters)
    return hashlib.sha256("".join(each).encode()).hexdigest()


if __name__ == "__main__":
    main()
