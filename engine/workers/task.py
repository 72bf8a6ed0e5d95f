"""A call that another process carries out: the bytes that are sent there, and the outcome that comes back."""

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
    """A placeholder among the arguments, for the text that the other process already has."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of a call: the value that it returned, pickled, or its error."""

    returned: bytes = b""
    error: Exception | None = None

    def settle(self, future: Future[Any]) -> None:
        """Set the result or the exception of a future."""
        if self.error is not None:
            future.set_exception(self.error)
        else:
            future.set_result(pickle.loads(self.returned))


def pack(function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> bytes:
    """A call of a module's function as bytes."""
    return pickle.dumps((function, args, kwargs))


def carry_out(task: bytes, corpus: Corpus | None = None) -> Outcome:
    """Carry out a packed call.

    The outcome's error is a UserError where the user has to correct something, and otherwise a RuntimeError with the
    traceback: not every exception can be sent.

    Args:
        task: the call, from `pack`.
        corpus: the text that takes the place of Shared.
    """
    try:
        try:
            function, args, kwargs = pickle.loads(task)
        except ImportError as error:
            raise UserError(f"a worker lacks a module ({error}): install charrnn-tui on its machine") from error
        filled = [corpus if isinstance(argument, Shared) else argument for argument in args]
        return Outcome(pickle.dumps(function(*filled, **kwargs)))
    except UserError as error:
        return Outcome(error=UserError(str(error)))
    except MemoryError:
        return Outcome(error=UserError("the memory does not suffice for so many trainings at once: use fewer workers"))
    except Exception as error:  # noqa: BLE001 - as an executor does
        return Outcome(error=RuntimeError("".join(traceback.format_exception(error))))
