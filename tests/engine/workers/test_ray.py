"""The same races on Ray: on our own cluster, on one that runs already, and on one that is missing or goes away.

Ray takes seconds to start, so most of these tests share one cluster.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Thread
from typing import Any

import psutil
import pytest

from engine.errors import TextLostError, UserError
from engine.race.opening import NewRace, ResumedRace
from engine.race.race import Racing
from engine.race.slice import Trained
from engine.workers import ray_address, ray_cluster
from engine.workers.place import Place
from engine.workers.places import place
from engine.workers.ray_cluster import RayTasks
from engine.workers.ray_driver import NO_SERVER, _Driver, told
from engine.workers.task import carry_out
from tests.engine.race.conftest import opened, plan, run
from tests.engine.race.test_race import outcome
from tests.engine.workers import tasks
from tests.engine.workers.test_places import Disturbed, folder, orphaned

exceptions = pytest.importorskip("ray").exceptions

__all__ = ["folder"]

pytestmark = pytest.mark.xdist_group("ray")  # they share a cluster


@dataclass(frozen=True)
class Cluster:
    """A cluster that `ray start` has started: its addresses from inside and from outside."""

    inside: str
    outside: str
    process: subprocess.Popen[bytes]

    def end(self) -> None:
        """Kill it with everything that belongs to it."""
        with self.process:
            head = psutil.Process(self.process.pid)
            every = [*head.children(recursive=True), head]
            for each in every:
                each.kill()
            psutil.wait_procs(every[:-1], tasks.PATIENCE)


@pytest.fixture(scope="module")
def start() -> Iterator[Callable[[], Cluster]]:
    """Starts clusters of two processors, and cleans up everything that they leave."""
    started: list[Cluster] = []
    with tempfile.TemporaryDirectory(prefix="ray", dir="/tmp") as at:  # Ray's sockets need a short path

        def one() -> Cluster:
            started.append(_start(Path(at) / str(len(started))))
            return started[-1]

        yield one
        for cluster in started:
            if cluster.process.poll() is None:
                cluster.end()
        tasks.until(lambda: not _processes(at))


def _start(at: Path) -> Cluster:
    inside, outside = _free_ports(2)
    command = [
        *(sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block", "--include-dashboard=false"),
        *("--num-cpus=2", f"--port={inside}", f"--ray-client-server-port={outside}", f"--temp-dir={at}"),
        *("--object-store-memory=100000000", "--disable-usage-stats"),
    ]
    at.parent.mkdir(exist_ok=True)
    said = at.with_suffix(".log")
    with said.open("wb") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=log, start_new_session=True, env={**os.environ, "RAY_AUTH_MODE": "disabled"}
        )
    tasks.until(lambda: b"Ray runtime started" in said.read_bytes() or process.poll() is not None)
    assert process.poll() is None, said.read_text()
    return Cluster(f"127.0.0.1:{inside}", f"ray://127.0.0.1:{outside}", process)


def _free_ports(count: int) -> list[int]:
    """Free ports outside the range that Ray gives its workers."""
    found: list[int] = []
    for port in range(20_000 + os.getpid() % 5_000, 32_000):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                found.append(port)
        if len(found) == count:
            break
    return found


def _processes(named: str) -> list[psutil.Process]:
    """The processes whose command names a folder."""
    every = psutil.process_iter(["cmdline"])
    return [each for each in every if any(named in part for part in each.info["cmdline"] or [])]


@pytest.fixture(scope="module")
def cluster(start: Callable[[], Cluster]) -> Cluster:
    return start()


@pytest.fixture
def inside(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """`ray` is the running cluster."""
    monkeypatch.setenv("RAY_ADDRESS", cluster.inside)


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """`ray` is a cluster of our own."""
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setattr(ray_address, "_note", lambda: "")


def _descendants(process: psutil.Process) -> dict[psutil.Process, str]:
    """The processes that a process has started, by name; the kernel cuts names at 15 characters."""
    return {each: each.name() for each in process.children(recursive=True)}


def driver_of(executor: Any) -> psutil.Process:
    return psutil.Process(executor._driver.pid)


class Counted:
    """A place whose executors are recorded, and carry out a different task.

    Attributes:
        made: every executor that was opened.
    """

    def __init__(self, where: Place, instead: Callable[..., Trained], folder: Path) -> None:
        self._open, self._instead, self._folder = where.open, instead, folder
        self.made: list[Disturbed] = []
        self.place = replace(where, open=self._disturbed)

    def _disturbed(self) -> Executor:
        self.made.append(Disturbed(self._open(), self._instead, self._folder))
        return self.made[-1]


@pytest.mark.usefixtures("alone")
def test_a_race_on_two_workers_of_ray_is_the_race_on_processes_and_leaves_nothing(
    text: Path, lab: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with opened(NewRace(plan(), str(text)), lab) as found:
        here = run(found, place("here", 2))
    where = place("ray", 2)
    assert (where.name, where.size) == ("ray", 2)
    driver = driver_of(where.open())
    family = {driver: ""}
    with opened(NewRace(plan(), str(text)), tmp_path / "other") as found:
        there = run(found, where, lambda _stands: family.update(_descendants(driver)))
    assert outcome(there) == outcome(here)
    names = set(family.values())
    assert {"raylet", "gcs_server"} < names
    assert names & {"ray::compute", "ray::IDLE"}
    assert [name for each, name in family.items() if not tasks.gone(each.pid)] == []
    assert capfd.readouterr() == ("", "")


@pytest.mark.soak
@pytest.mark.usefixtures("inside")
def test_a_worker_that_is_killed_while_it_computes_is_replaced_by_ray(
    text: Path, lab: Path, tmp_path: Path, folder: Path
) -> None:
    with opened(NewRace(plan(), str(text)), lab) as found:
        undisturbed = run(found)
    killer = Thread(target=lambda: os.kill(tasks.victim(folder), signal.SIGKILL))
    killer.start()
    seen = Counted(place("ray"), tasks.killed_first, folder)
    with opened(NewRace(plan(), str(text)), tmp_path / "other") as found:
        disturbed = run(found, seen.place)
    killer.join()
    assert tasks.gone(tasks.victim(folder))
    assert outcome(disturbed) == outcome(undisturbed)
    # No other executor was needed: it was Ray that computed the slice again.
    assert len(seen.made) == 1


@pytest.mark.cluster
def test_a_race_on_a_cluster_that_is_reached_from_outside(
    cluster: Cluster, text: Path, lab: Path, tmp_path: Path
) -> None:
    with opened(NewRace(plan(), str(text)), lab) as found:
        here = run(found)
    where = place(cluster.outside)
    assert (where.name, where.size) == (cluster.outside, 2)
    with opened(NewRace(plan(), str(text)), tmp_path / "other") as found:
        assert outcome(run(found, where)) == outcome(here)
    # The cluster belongs to others and keeps running.
    assert cluster.process.poll() is None


@pytest.mark.cluster
def test_what_a_task_raises(cluster: Cluster) -> None:
    with RayTasks(cluster.inside, 2) as executor:
        mended, killed, memory, bug, odd = (
            executor.submit(task).exception()
            for task in (
                tasks.users_fault,
                tasks.killed_always,
                tasks.out_of_memory,
                tasks.our_fault,
                tasks.hard_to_tell,
            )
        )
    assert (type(mended), str(mended)) == (UserError, "--device cuda: there is none here; available: cpu")
    assert isinstance(killed, UserError)
    assert str(killed) == "workers of the Ray cluster died 4 times on the same part of a training"
    assert isinstance(memory, UserError)
    assert str(memory).startswith("the memory does not suffice for so many trainings at once")
    assert type(bug) is RuntimeError
    assert re.search(r"(?s)tasks\.py.*our_fault.*ZeroDivisionError: a bug", str(bug))
    assert "UnpicklableError: a bug" in str(odd)


@pytest.mark.cluster
@pytest.mark.usefixtures("inside")
def test_it_stops_in_the_middle_of_a_slice_and_nobody_goes_on_computing_it(text: Path, lab: Path, folder: Path) -> None:
    seen = Counted(place("ray"), tasks.never_done, folder)
    with opened(NewRace(plan(), str(text)), lab) as found:
        racing = Racing(found.lab, found.race, found.corpus, found.origin, seen.place, lambda _stands: None)

        def stop() -> None:
            tasks.victim(folder)
            racing.stop()

        stopper = Thread(target=stop)
        stopper.start()
        assert racing.run().open
        stopper.join()
    tasks.until(lambda: all(tasks.gone(int(each.name)) for each in folder.iterdir()))
    with opened(ResumedRace("R1"), lab) as found:
        assert run(found).open == frozenset()


@pytest.mark.cluster
@pytest.mark.usefixtures("alone")
def test_a_cluster_of_our_own_that_is_lost_is_started_again(folder: Path) -> None:
    where = place("ray", 1)
    lost = where.open()
    future = lost.submit(tasks.never_done, folder)
    worker = tasks.victim(folder)
    (raylet,) = (each for each in driver_of(lost).children(recursive=True) if each.name() == "raylet")
    raylet.kill()
    assert isinstance(future.exception(tasks.PATIENCE), BrokenExecutor)
    lost.shutdown(cancel_futures=True)
    with where.open() as again:
        assert again is not lost
        assert again.submit(tasks.who).result() != worker
    assert tasks.gone(worker)


@pytest.mark.cluster
def test_a_cluster_of_others_that_goes_away_is_not_replaced(
    start: Callable[[], Cluster], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = start()
    monkeypatch.setenv("RAY_ADDRESS", cluster.inside)
    where = place("ray")
    lost = where.open()
    future = lost.submit(tasks.never_done, folder)
    tasks.victim(folder)
    cluster.end()
    assert isinstance(future.exception(tasks.PATIENCE), BrokenExecutor)
    lost.shutdown(cancel_futures=True)
    with pytest.raises(
        UserError, match=rf"^there is no Ray cluster at {cluster.inside} \(.*\): name one that runs, or"
    ):
        where.open()


@pytest.mark.cluster
def test_a_driver_that_dies_is_a_lost_cluster(cluster: Cluster, folder: Path) -> None:
    executor = RayTasks(cluster.inside, 2)
    future = executor.submit(tasks.never_done, folder)
    tasks.victim(folder)
    driver_of(executor).kill()
    assert isinstance(future.exception(tasks.PATIENCE), BrokenExecutor)
    with pytest.raises(BrokenExecutor):
        executor.submit(tasks.who)
    executor.kill()


@pytest.mark.cluster
def test_shutting_down_waits_for_what_was_asked_for(cluster: Cluster) -> None:
    with RayTasks(cluster.inside, 2) as executor:
        futures = [executor.submit(tasks.who) for _ in range(4)]
    assert all(future.result() > 0 for future in futures)
    with pytest.raises(BrokenExecutor):
        executor.submit(tasks.who)


@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [
        (exceptions.ObjectStoreFullError("no room"), UserError, "the object store of the Ray cluster is full: "),
        (exceptions.OutOfDiskError("no room"), UserError, "the object store of the Ray cluster is full: "),
        (
            exceptions.OutOfMemoryError("a worker\ntook it"),
            UserError,
            "a machine of the Ray cluster ran out of memory: ",
        ),
        (
            exceptions.RuntimeEnvSetupError("no pip"),
            UserError,
            "a worker of the Ray cluster cannot run this code (",
        ),
        (
            exceptions.RayTaskError("carry_out", "…", ModuleNotFoundError("No module named 'engine'")),
            UserError,
            "a worker of the Ray cluster cannot run this code (No module named 'engine'): install charrnn-tui on each",
        ),
        (MemoryError(), UserError, "the memory does not suffice to copy the text to the Ray cluster"),
        (TextLostError("the ids are gone"), TextLostError, "the ids are gone"),
        (exceptions.LocalRayletDiedError(), BrokenExecutor, "the Ray cluster was lost: "),
        (exceptions.NodeDiedError("gone"), BrokenExecutor, "the Ray cluster was lost: "),
        (ConnectionError("no more\n" * 1_000), BrokenExecutor, "the Ray cluster was lost: no more no more"),
    ],
)
def test_what_ray_says_becomes_one_line(error: Exception, kind: type[Exception], said: str) -> None:
    found = told(error)
    assert type(found) is kind
    assert str(found).startswith(said)
    assert "\n" not in str(found)
    assert len(str(found)) < 500


def test_a_worker_that_lacks_what_training_needs_says_what_to_install() -> None:
    lacks = b"cno_such_module\nfunction\n."  # a pickle of what is not there
    assert str(carry_out(lacks).error) == (
        "a worker lacks a module (No module named 'no_such_module'): install charrnn-tui on its machine"
    )


@pytest.mark.cluster
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere Ray's reaper takes its time")
def test_what_was_started_ends_with_a_killed_parent(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "local")
    workers = orphaned("ray", folder, tmp_path)
    assert len(workers) == 2
    tasks.until(lambda: all(map(tasks.gone, workers)))


def test_without_ray_one_line_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(UserError, match=r"^--on ray: Ray is not installed here: pip install 'charrnn-tui\[ray\]'$"):
        place("ray")


def test_where_nothing_answers_one_line_says_so() -> None:
    (port,) = _free_ports(1)
    with pytest.raises(UserError, match=rf"^there is no Ray cluster at ray://127\.0\.0\.1:{port} \(Connection refu"):
        place(f"ray://127.0.0.1:{port}")


def test_where_something_else_answers_it_is_not_waited_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_cluster, "OPEN_SECONDS", 5.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(UserError, match=rf"^the Ray cluster at ray://{address} did not answer within 5 seconds$"):
            place(f"ray://{address}")


@pytest.mark.parametrize("name", ["ray://", "ray://host:port", "ray://host:0", "ray://host:70000", "ray://:10001"])
def test_what_is_no_address_is_named(name: str) -> None:
    with pytest.raises(UserError, match=rf"^{name}: expected ray://HOST:PORT, with a port from 1 to 65535$"):
        place(name)


@pytest.mark.parametrize(
    ("variable", "address"),
    [
        ("", "local"),
        ("auto", "local"),
        ("local", "local"),
        ("head:6379", "head:6379"),
        ("ray://head", "ray://head:10001"),
        ("ray://[::1]:5", "ray://[::1]:5"),
    ],
)
def test_the_environment_names_the_cluster(
    variable: str, address: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", variable)
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
    assert ray_address.address_of("ray") == address


def test_what_ray_start_has_noted_is_used_as_long_as_it_answers(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
    (tmp_path / "ray").mkdir()
    with socket.create_server(("127.0.0.1", 0)) as answering:
        (tmp_path / "ray" / "ray_current_cluster").write_text(f"127.0.0.1:{answering.getsockname()[1]}\n")
        assert ray_address.address_of("ray") == ray_address.NOTED
    assert ray_address.address_of("ray") == ray_address.LOCAL


@pytest.mark.parametrize(("says", "asked"), [(NO_SERVER, 2), ("nobody is there", 1)])
def test_a_cluster_that_was_too_busy_is_asked_once_more(says: str, asked: int, monkeypatch: pytest.MonkeyPatch) -> None:
    driver, calls = object.__new__(_Driver), []

    class Busy:
        def init(self, address: str, **_options: object) -> None:
            calls.append(address)
            if len(calls) == 1:
                raise ConnectionError(f"Initialization failure: {says}")

        def shutdown(self) -> None:
            """Nothing is left of the first time."""

    monkeypatch.setattr(driver, "_ray", Busy(), raising=False)
    with nullcontext() if asked > 1 else pytest.raises(ConnectionError):
        driver._join("ray://there:1", {})
    assert calls == ["ray://there:1"] * asked
