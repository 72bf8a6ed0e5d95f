"""From what was asked to a training that is ready for its next update."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from engine import checkpoint, compute, texts
from engine.checkpoint import Checkpoint, Origin
from engine.choosing import Choice, choose_quickest
from engine.corpus import Corpus, check_window, read_corpus
from engine.errors import UserError
from engine.job import Job, NewRun, Resumption
from engine.lab import Lab, Run
from engine.model import check_memory
from engine.saving import LATEST
from engine.schedule import Budget, Position
from engine.settings import Settings
from engine.text_cache import open_corpus
from engine.trainer import Trainer

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
        continued: whether the run has earlier updates in the lab.
        resources: closes the lab and frees the run.
    """

    lab: Lab
    run: Run
    trainer: Trainer
    choice: Choice
    origin: Origin
    continued: bool
    resources: ExitStack


def open_training(job: Job, progress: Progress) -> Opened:
    """Read the text, build or restore the network, and open the lab; raises UserError with one line."""
    if isinstance(job.task, NewRun):
        return _begin(job, job.task, progress)
    return _resume(job, job.task, progress)


def _begin(job: Job, task: NewRun, progress: Progress) -> Opened:
    corpus, source = _read(task.text, task.content, task.settings.vocabulary, job.lab, progress)
    check_window(corpus, task.settings.streams, task.settings.bptt)
    check_memory(task.settings, corpus.vocabulary.size)
    choice = _choose(job, corpus, task.settings, job.budget, progress)
    trainer = Trainer(corpus, task.settings, choice.compute)
    with ExitStack() as resources:
        lab = resources.enter_context(Lab.open(job.lab))
        if task.content is not None:
            source = str(_keep_text(lab, task.content))
        run = _create_run(lab, trainer, task.name, parent=None)
        resources.enter_context(lab.hold(run))
        origin = Origin(run.name, corpus.name, source, corpus.digest, corpus.vocabulary, job.budget)
        return Opened(lab, run, trainer, choice, origin, False, resources.pop_all())


def _resume(job: Job, task: Resumption, progress: Progress) -> Opened:
    with ExitStack() as resources:
        _check_there(task.target, job.lab)
        lab = resources.enter_context(Lab.open(job.lab))
        run, path = _find(lab, task.target)
        if run is not None:
            resources.enter_context(lab.hold(run))
            if not path.exists():
                raise UserError(f"run {run.name} has no checkpoint: it ended before the first one was written")
        found = checkpoint.load(path)
        settings = found.state.settings
        for name, text in task.compute.items():
            settings = settings.with_text(name, text)
        source = task.text or found.origin.source
        corpus, source = _read(source, None, settings.vocabulary, job.lab, progress)
        _check_same_text(corpus, found, path)
        choice = _choose(job, corpus, settings, found.origin.budget, progress)
        progress("restoring the network", 0.0)
        trainer = Trainer.restored(corpus, replace(found.state, settings=settings), choice.compute)
        continued = run is not None
        if run is None:
            parent = (found.origin.run, found.state.counters.updates)
            run = _create_run(lab, trainer, None, parent)
            resources.enter_context(lab.hold(run))
        budget = _budget_left(job, found.origin.budget, trainer)
        origin = replace(found.origin, run=run.name, source=source, budget=budget)
        return Opened(lab, run, trainer, choice, origin, continued, resources.pop_all())


def _choose(job: Job, corpus: Corpus, settings: Settings, budget: Budget, progress: Progress) -> Choice:
    """Where and how to compute; builds the compiled loops where they are to serve and are not there yet."""
    chosen = compute.choose(settings)
    if not chosen.compiled:
        measuring = "measuring what is quickest on this machine"
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


def _read(text: str, content: bytes | None, cap: int, lab: Path, progress: Progress) -> tuple[Corpus, str]:
    """The corpus, and what to call its text when it is wanted again."""
    where: Path | bytes = Path(text)
    source = str(Path(text).absolute())
    if content is not None:
        where = content
    elif not Path(text).exists() and (made := texts.find(text, lambda what, share: progress(what, share))) is not None:
        where, source = made, text
    name = text if content is not None else Path(text).name
    if isinstance(where, Path):
        return open_corpus(where, name, cap, _texts(lab), progress), source
    return read_corpus(where, name, cap, lambda share: progress(f"reading {name}", share)), source


def _texts(lab: Path) -> Path:
    """Where a lab keeps texts."""
    return lab.absolute() / "texts"


def _keep_text(lab: Lab, content: bytes) -> Path:
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


def _names_a_run(target: str) -> bool:
    return Path(target).suffix != ".safetensors" and not Path(target).is_file()


def _check_there(target: str, folder: Path) -> None:
    """Raises UserError for a mistyped name, before it makes a lab."""
    if _names_a_run(target):
        Lab.open_existing(folder).close()
    elif not Path(target).exists():
        raise UserError(f"{target}: there is no such file")


def _find(lab: Lab, target: str) -> tuple[Run | None, Path]:
    """The run that goes on, None for a new one that starts from somebody else's checkpoint, and the file."""
    path = Path(target)
    if _names_a_run(target):
        run = lab.run(target)
        return run, lab.checkpoint_folder(run) / LATEST
    for run in lab.runs():
        latest = lab.checkpoint_folder(run) / LATEST
        if latest.exists() and path.exists() and latest.samefile(path):
            return run, path
    return None, path


def _check_same_text(corpus: Corpus, found: Checkpoint, path: Path) -> None:
    same_vocabulary = corpus.vocabulary == found.origin.vocabulary
    if corpus.digest == found.origin.digest and same_vocabulary:
        return
    another = "" if same_vocabulary else " and has another vocabulary"
    raise UserError(
        f"{corpus.name} is not the text that {path.name} was trained on{another}: "
        "name the same text with --text, or begin a new run"
    )


def _budget_left(job: Job, before: Budget, trainer: Trainer) -> Budget:
    """What the user named, and else what the run had; an end that is behind does not stop somebody who watches."""
    merged = Budget(
        updates=job.budget.updates if job.budget.updates is not None else before.updates,
        chars=job.budget.chars if job.budget.chars is not None else before.chars,
        seconds=job.budget.seconds,
    )
    if job.interactive and merged.reached(Position(trainer.counters.updates, trainer.chars)):
        return job.budget
    return merged
