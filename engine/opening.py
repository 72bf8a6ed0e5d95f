"""From what was asked to a training that is ready for its next update."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from engine import checkpoint, compute, texts
from engine.checkpoint import Checkpoint, Origin
from engine.choosing import Choice, choose_quickest
from engine.compute import Compute
from engine.corpus import Corpus, check_window, read_corpus
from engine.errors import UserError
from engine.job import Job, NewRun, Resumption
from engine.lab import Lab, Run, check_target, names_a_run
from engine.lab.run import check_name
from engine.model import check_memory, enough_memory
from engine.saving import BEST, LATEST
from engine.schedule import Budget, Position
from engine.settings import Settings
from engine.text_cache import open_corpus
from engine.trainer import State, Trainer

Progress = Callable[[str, float], None]
"""Told what is being done, and the share done, 0 … 1."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A training that is ready for its next update.

    Attributes:
        lab: open for writing.
        run: held against other processes until `resources` is closed.
        trainer: with its corpus, network and settings.
        choice: how it computes, and why.
        origin: what its checkpoints say about where they come from.
        best: the loss of the run's best checkpoint on the disk; None where there is none.
        continued: whether the run has earlier updates in the lab.
        resources: closes the lab and frees the run.
    """

    lab: Lab
    run: Run
    trainer: Trainer
    choice: Choice
    origin: Origin
    best: float | None
    continued: bool
    resources: ExitStack


def open_training(job: Job, progress: Progress) -> Opened:
    """Read the text, build or restore the network, and open the lab; raises UserError with one line."""
    if isinstance(job.task, NewRun):
        return _begin(job, job.task, progress)
    return _resume(job, job.task, progress)


def _begin(job: Job, task: NewRun, progress: Progress) -> Opened:
    if task.name is not None:
        check_name(task.name)
    corpus, source = read_text(task.text, task.content, task.settings.vocabulary, job.lab, progress)
    check_window(corpus, task.settings.streams, task.settings.bptt)
    check_memory(task.settings, corpus.vocabulary.size)
    choice = _choose(job, corpus, task.settings, job.budget, progress)
    with enough_memory(task.settings, corpus.vocabulary.size):
        trainer = Trainer(corpus, task.settings, choice.compute)
    with ExitStack() as resources:
        lab = resources.enter_context(Lab.open(job.lab))
        if task.content is not None:
            source = str(keep_text(lab, task.content))
        run = _create_run(lab, trainer, task.name, parent=None)
        resources.enter_context(lab.hold(run))
        origin = Origin(run.name, corpus.name, source, corpus.digest, corpus.vocabulary, job.budget)
        return Opened(lab, run, trainer, choice, origin, None, False, resources.pop_all())


def _resume(job: Job, task: Resumption, progress: Progress) -> Opened:
    check_target(task.target, job.lab)
    with ExitStack() as resources:
        # A lab is made last, so that a file that cannot be used leaves none behind.
        lab = resources.enter_context(Lab.open(job.lab)) if Lab.is_in(job.lab) else None
        run = None if lab is None else _find(lab, task.target)
        if lab is not None and run is not None:
            resources.enter_context(lab.hold(run))
            path = lab.checkpoint_folder(run) / LATEST
            found = _load_latest(run, path)
        else:
            path = Path(task.target)
            found = checkpoint.load(path)
        settings = found.state.settings
        for name, text in task.compute.items():
            settings = settings.with_text(name, text)
        source = task.text or found.origin.source
        if not Path(source).exists() and source not in texts.NAMES:
            raise UserError(f"there is no text {source}: name the file that it lies in now with --text")
        corpus, source = read_text(source, None, settings.vocabulary, job.lab, progress)
        _check_same_text(corpus, found, path)
        choice = _choose(job, corpus, settings, found.origin.budget, progress)
        progress("restoring the network", 0.0)
        trainer = _restore(corpus, replace(found.state, settings=settings), choice.compute, path)
        budget = _budget_left(job, found.origin, trainer)
        continued = run is not None
        if lab is None:
            lab = resources.enter_context(Lab.open(job.lab))
        if run is None:
            parent = (found.origin.run, found.state.counters.updates)
            run = _create_run(lab, trainer, None, parent)
            resources.enter_context(lab.hold(run))
        origin = replace(found.origin, run=run.name, source=source, budget=budget)
        best = _best(lab.checkpoint_folder(run) / BEST) if continued else None
        return Opened(lab, run, trainer, choice, origin, best, continued, resources.pop_all())


def _best(path: Path) -> float | None:
    """The loss of a best checkpoint; None where there is none that is whole."""
    try:
        return checkpoint.load(path).origin.best
    except UserError:
        return None


def _load_latest(run: Run, path: Path) -> Checkpoint:
    """The checkpoint that a run goes on from; where it cannot be loaded, the message says from which one it could."""
    try:
        return checkpoint.load(path)
    except UserError as error:
        other = next(checkpoint.whole_in(path.parent), None)
        if other is not None:
            again = shlex.join(["charrnn-tui", "resume", str(other)])
            raise UserError(f"{error}; to go on from {other.name} in a new run: `{again}`") from error
        if not path.exists():
            raise UserError(f"run {run.name} has no checkpoint: none was written before it ended") from None
        raise UserError(f"{error}, and run {run.name} has no other one") from error


def _restore(corpus: Corpus, state: State, chosen: Compute, path: Path) -> Trainer:
    check_memory(state.settings, corpus.vocabulary.size)
    try:
        with enough_memory(state.settings, corpus.vocabulary.size):
            return Trainer.restored(corpus, state, chosen)
    except UserError as error:
        raise UserError(f"{path}: {error}") from error


def _choose(job: Job, corpus: Corpus, settings: Settings, budget: Budget, progress: Progress) -> Choice:
    """Where and how to compute; builds the compiled loops where they are to serve and are not there yet."""
    chosen = compute.choose(settings)
    if not chosen.compiled:
        measuring = "measuring what is quickest on this machine"
        with enough_memory(settings, corpus.vocabulary.size):
            return choose_quickest(chosen, corpus, settings, budget, job.lab, lambda: progress(measuring, 0.0))
    progress("loading the loops for one stream", 0.0)
    # Numba takes long to load, and only a training of one stream needs it.
    from engine.one_stream.build import BuildError, build

    try:
        build(lambda: progress("building the loops for one stream, once on this machine", 0.0))
    except BuildError as error:
        chosen = replace(
            chosen, compiled=False, trouble=f"one stream trains slowly here: no loops were built ({error})"
        )
    return Choice(chosen)


def network_name(settings: Settings) -> str:
    """Such as `lstm 1×256`."""
    return f"{settings.cell} {settings.layers}×{settings.hidden}"


def read_text(text: str, content: bytes | None, cap: int, lab: Path, progress: Progress) -> tuple[Corpus, str]:
    """The corpus, and what to call its text when it is wanted again."""
    where: Path | bytes = Path(text)
    source = str(Path(text).absolute())
    if content is not None:
        where = content
    elif not Path(text).exists():
        if (made := texts.find(text, lambda what, share: progress(what, share))) is None:
            raise UserError(
                f"there is no text {text}: name a file, - for standard input, or one that we make: "
                f"{', '.join(texts.NAMES)}"
            )
        where, source = made, text
    name = text if content is not None else Path(text).name
    if isinstance(where, Path):
        return open_corpus(where, name, cap, _texts(lab), progress), source
    return read_corpus(where, name, cap, lambda share: progress(f"reading {name}", share)), source


def _texts(lab: Path) -> Path:
    """Where a lab keeps texts."""
    return lab.absolute() / "texts"


def keep_text(lab: Lab, content: bytes) -> Path:
    """What came through standard input comes but once: a resumed run reads it from the lab."""
    path = _texts(lab.folder) / f"{hashlib.sha256(content).hexdigest()[:16]}.txt"
    if not path.exists():
        beside = path.with_suffix(".part")
        try:
            path.parent.mkdir(exist_ok=True)
            beside.write_bytes(content)
            beside.replace(path)
        except OSError as error:
            raise UserError(f"the text could not be kept at {path}: {error.strerror or error}") from error
    return path


def _create_run(lab: Lab, trainer: Trainer, name: str | None, parent: tuple[str, int] | None) -> Run:
    corpus, network = trainer.corpus, trainer.network
    return lab.create_run(
        name=name,
        text=corpus.name,
        digest=corpus.digest,
        settings=trainer.settings.plain(),
        parent=parent,
        compute=str(trainer.compute),
        network=network_name(trainer.settings),
        parameters=network.size(),
        matrix_names=tuple(network.matrices()),
    )


def _find(lab: Lab, target: str) -> Run | None:
    """The run that goes on; None for a new one that begins from another run's checkpoint."""
    if names_a_run(target):
        return lab.run(target)
    for run in lab.runs():
        latest = lab.checkpoint_folder(run) / LATEST
        if latest.exists() and latest.samefile(target):
            return run
    return None


def _check_same_text(corpus: Corpus, found: Checkpoint, path: Path) -> None:
    same_vocabulary = corpus.vocabulary == found.origin.vocabulary
    if corpus.digest == found.origin.digest and same_vocabulary:
        return
    another = "" if same_vocabulary else " and has another vocabulary"
    raise UserError(
        f"{corpus.name} is not the text that {path.name} was trained on{another}: "
        "name the same text with --text, or begin a new run"
    )


def _budget_left(job: Job, origin: Origin, trainer: Trainer) -> Budget:
    """What the user named, and else what the run had; an end that is behind does not stop somebody who watches.

    Raises UserError where nobody watches and the end is behind.
    """
    before, now = origin.budget, Position(trainer.counters.updates, trainer.chars)
    merged = Budget(
        updates=job.budget.updates if job.budget.updates is not None else before.updates,
        chars=job.budget.chars if job.budget.chars is not None else before.chars,
        seconds=job.budget.seconds,
    )
    if (reached := merged.reached(now)) is None:
        return merged
    if job.interactive:
        return job.budget
    there = {"updates": now.updates, "chars": now.chars}[reached]
    raise UserError(
        f"{origin.run} is at {there:,} {reached} already, and its end is {getattr(merged, reached):,}: "
        f"name a larger --{reached}"
    )
