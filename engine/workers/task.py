"""A call that another process carries out: what is sent there, and what comes back."""

from __future__ import annotations

import pickle
import traceback
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from engine.errors import UserError
from engine.text.corpus import Corpus


@dataclass(frozen=True, slots=True)
class Shared:
    """Stands among the arguments for the text that the other process has already."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a call: what it returned, pickled, or why it did not."""

    returned: bytes = b""
    error: Exception | None = None

    def settle(self, future: Future[Any]) -> None:
        """Tell whoever waits for it."""
        if self.error is not None:
            future.set_exception(self.error)
        else:
            future.set_result(pickle.loads(self.returned))


def pack(function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> bytes:
    """A call of a module's function as bytes."""
    return pickle.dumps((function, args, kwargs))


def carry_out(task: bytes, corpus: Corpus | None = None) -> Outcome:
    """Carry out what was packed.

    The error is a UserError where the user has to mend something, and otherwise a RuntimeError with the traceback: not
    every exception can be sent.

    Args:
        task: from `pack`.
        corpus: what Shared stands for.
    """
    try:
        try:
            function, args, kwargs = pickle.loads(task)
        except ImportError as error:
            raise UserError(f"a worker lacks what training needs ({error}): install charrnn-tui where it is") from error
        filled = [corpus if isinstance(argument, Shared) else argument for argument in args]
        return Outcome(pickle.dumps(function(*filled, **kwargs)))
    except UserError as error:
        return Outcome(error=UserError(str(error)))
    except MemoryError:
        return Outcome(error=UserError("the memory does not suffice for so many trainings at once: use fewer workers"))
    except Exception as error:  # noqa: BLE001 - as an executor does
        return Outcome(error=RuntimeError("".join(traceback.format_exception(error))))
