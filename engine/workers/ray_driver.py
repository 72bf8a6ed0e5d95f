"""Ray's driver: the process that talks to a cluster, for the process at the other end of a pipe.

Ray ends a driver that has lost its cluster, takes its signals and writes to its terminal. None of that may happen to
the process that records a race, so the driver is a separate process. It loads no torch, and passes tasks on as bytes.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Future
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Lock
from typing import Any, Final

import psutil

from engine.errors import TextLostError, UserError
from engine.text.corpus import Corpus
from engine.workers.ray_address import CLIENT, LOCAL, NOTED, named
from engine.workers.task import Outcome, carry_out

RETRIES: Final = 3
"""The number of times that a task is computed again after it was lost with its worker."""

CHECK_SECONDS: Final = 2.0
"""The seconds of silence after which the driver checks whether the cluster is alive: Ray does not always report it."""

GONE_SECONDS: Final = 5.0
"""The seconds that the processes of a cluster started here may take to end by themselves."""

LONGEST: Final = 400
"""The most characters of a message of Ray that are passed on."""

INSTALL: Final = "install charrnn-tui on each of its machines"


NO_SERVER = "Starting Ray client server failed"
"""The message of a cluster that was too busy to start a client's server in time."""


@dataclass(frozen=True, slots=True)
class Found:
    """The cluster that the driver is connected to.

    Attributes:
        address: its address; `LOCAL` where the driver started it.
        size: the number of tasks that it computes at once.
    """

    address: str
    size: int


@dataclass(frozen=True, slots=True)
class Share:
    """A text that tasks need; it is copied to the cluster once."""

    corpus: Corpus


@dataclass(frozen=True, slots=True)
class Call:
    """A task, as `pack` returns it."""

    number: int
    task: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """The outcome of a task."""

    number: int
    outcome: Outcome


def drive(pipe: Connection, address: str, size: int) -> None:
    """Run the driver until `None` comes through the pipe, or its other end is closed.

    The first answer is a Found, or the UserError that says why there is no cluster.

    Args:
        pipe: takes Share and Call, and gives an Answer for each Call.
        address: `ray://HOST:PORT`, `HOST:PORT`, `NOTED` or `LOCAL`.
        size: the number of tasks that a cluster started here computes at once.
    """
    _be_alone()
    driver = _Driver(pipe)
    # Once the other end is closed, nobody can be told.
    with contextlib.suppress(EOFError, OSError):
        try:
            pipe.send(driver.connect(address, size))
            driver.serve()
        except UserError as error:
            pipe.send(error)
        finally:
            driver.end()


class _Driver:
    def __init__(self, pipe: Connection) -> None:
        import ray

        self._ray: Any = ray
        self._pipe = pipe
        self._sending = Lock()
        self._compute: Callable[[bytes, Any], Any]
        self._corpus: Any = None
        self._trouble: Exception | None = None
        self._started = False
        self._node = ""
        self._family: set[psutil.Process] = set()

    def connect(self, address: str, size: int) -> Found:
        quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
        self._started = address == LOCAL
        try:
            if self._started:
                self._ray.init(LOCAL, num_cpus=size, include_dashboard=False, **quiet)
            else:
                # The cluster's machines may lack this code, or have another version of it.
                code = {"py_modules": [str(Path(__file__).parents[1])], "excludes": ["__pycache__"]}
                where = None if address == NOTED else address
                self._join(where, {"runtime_env": code, **quiet})
            there = self._ray.cluster_resources()
            if not address.startswith(CLIENT):
                self._node = self._ray.get_runtime_context().get_node_id()
        except ConnectionError as error:
            raise UserError(
                f"the Ray cluster {named(address)} refuses the connection ({_line(error)}): check the port, "
                "and if the cluster needs a token, set RAY_AUTH_MODE=token"
            ) from error
        except Exception as error:
            raise UserError(f"the Ray cluster {named(address)} cannot be used: {_line(error)}") from error
        gpus, processors = int(there.get("GPU", 0)), int(there.get("CPU", 0))
        at_once = min(gpus, processors) if gpus else processors
        if not at_once:
            raise UserError(f"the Ray cluster {named(address)} has no processor for tasks")
        wants = {"num_cpus": 1, "num_gpus": 1 if gpus else 0, "max_retries": RETRIES}
        self._compute = self._ray.remote(**wants)(carry_out).remote
        return Found(address, at_once)

    def _join(self, address: str | None, options: dict[str, Any]) -> None:
        """Connect to a cluster; where it fails to start the server for this client, try once more."""
        try:
            self._ray.init(address, **options)
        except ConnectionError as error:
            if NO_SERVER not in str(error):
                raise
            self._ray.shutdown()
            self._ray.init(address, **options)

    def serve(self) -> None:
        while True:
            if not self._pipe.poll(CHECK_SECONDS):
                if self._is_lost():
                    return
                continue
            message = self._pipe.recv()
            if message is None:
                return
            if isinstance(message, Share):
                self._share(message.corpus)
            elif self._trouble is not None:
                self._answer(message.number, Outcome(error=self._trouble))
            else:
                self._submit(message)

    def end(self) -> None:
        """Leave the cluster; where it was started here, end all its processes."""
        self._note_family()
        self._ray.shutdown()
        _, left = psutil.wait_procs(self._family, GONE_SECONDS)
        for process in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()

    def _is_lost(self) -> bool:
        """Whether the driver's machine has left the cluster, or the cluster no longer answers."""
        self._note_family()
        try:
            alive = {node["NodeID"] for node in self._ray.nodes() if node["Alive"]}
        except Exception:  # noqa: BLE001 - a cluster that does not answer is lost, whatever the error
            return True
        return self._node not in alive if self._node else not alive

    def _note_family(self) -> None:
        """Note the processes that were started here; those whose parent has ended cannot be found later."""
        if self._started:
            self._family.update(psutil.Process().children(recursive=True))

    def _share(self, corpus: Corpus) -> None:
        try:
            self._corpus, self._trouble = self._ray.put(corpus.in_memory()), None
        except Exception as error:  # noqa: BLE001 - whatever it is, the tasks that need the text get it
            self._trouble = told(error)

    def _submit(self, call: Call) -> None:
        def tell(future: Future[Outcome]) -> None:
            error = future.exception()
            self._answer(call.number, future.result() if error is None else Outcome(error=told(error)))

        try:
            self._compute(call.task, self._corpus).future().add_done_callback(tell)
        except Exception as error:  # noqa: BLE001 - as an executor does
            self._answer(call.number, Outcome(error=told(error)))

    def _answer(self, number: int, outcome: Outcome) -> None:
        # Once the other end is closed, `serve` ends.
        with self._sending, contextlib.suppress(OSError):
            self._pipe.send(Answer(number, outcome))


def told(error: BaseException) -> Exception:
    """The exception that a task's future raises for an error of Ray; an error of the task itself is in its Outcome.

    It is a UserError where the user has to correct something, and a BrokenExecutor where another try may succeed.
    """
    from ray import exceptions

    match error:
        case TextLostError():
            return error
        case exceptions.RayTaskError():  # the worker could not even begin
            return UserError(f"a worker of the Ray cluster cannot run this code ({_line(error.cause)}): {INSTALL}")
        case exceptions.WorkerCrashedError():
            return UserError(f"workers of the Ray cluster died {RETRIES + 1} times on the same part of a training")
        case exceptions.OutOfMemoryError():
            return UserError(f"a machine of the Ray cluster ran out of memory: {_line(error)}")
        case MemoryError():
            return UserError("the memory does not suffice to copy the text to the Ray cluster: give a part of it")
        case exceptions.ObjectStoreFullError() | exceptions.OutOfDiskError():
            return UserError(f"the object store of the Ray cluster is full: {_line(error)}")
        case exceptions.RuntimeEnvSetupError():
            return UserError(f"a worker of the Ray cluster cannot run this code ({_line(error)}): {INSTALL}")
        case _:
            return BrokenExecutor(f"the Ray cluster was lost: {_line(error)}")


def _be_alone() -> None:
    """Leave the terminal: its keys then end the race and not the driver, and Ray's output does not appear there."""
    if hasattr(os, "setsid"):
        os.setsid()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in range(3):
        os.dup2(nowhere, descriptor)
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    # Ray would compute a task that needs too much memory again and again, without end.
    os.environ.setdefault("RAY_task_oom_retries", str(RETRIES))
    # After so many seconds a race says that its cluster is lost; Ray itself would wait for a minute.
    os.environ.setdefault("RAY_gcs_rpc_server_reconnect_timeout_s", "20")


def _line(error: BaseException) -> str:
    """The message of an error in one line, cut after LONGEST characters."""
    said = " ".join(str(error).split()) or type(error).__name__
    return said if len(said) <= LONGEST else f"{said[:LONGEST]}…"
