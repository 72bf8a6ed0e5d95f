"""Turns a job into a training that is ready for its next update."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from engine.budget import Budget, Position
from engine.checkpoints.checkpoint import Checkpoint, Origin
from engine.checkpoints.lookup import best_loss, check_same_text, find, goes_on_from, load
from engine.errors import UserError
from engine.lab import Lab, Past, Run, check_target
from engine.lab.run import check_name
from engine.network import compute
from engine.network.compute import Compute
from engine.network.model import check_memory, enough_memory
from engine.recording.registration import register
from engine.session.compute_choice import Choice, choose_quickest
from engine.session.job import ForkedRun, Job, NewRun, Resumption
from engine.settings import Settings, Value
from engine.text.corpus import Corpus, check_window, fitted
from engine.text.progress import Tell
from engine.text.source import check_source, keep_text, read_text
from engine.training.state import State
from engine.training.trainer import Trainer


@dataclass(frozen=True, slots=True)
class Opened:
    """A training that is ready for its next update.

    Attributes:
        lab: the lab, open for writing.
        run: the run, locked against other processes until `resources` is closed.
        trainer: the trainer, with its corpus, network and settings.
        choice: the way to compute, and the rates that support it.
        origin: the origin that its checkpoints name.
        best: the validation loss of the run's best checkpoint on the disk; None where there is none.
        continued: whether the run has earlier updates in the lab.
        knobs: the values that knobs are set to before the first update, by name.
        checkpoint_every: as in `Job`.
        interactive: as in `Job`.
        resources: closes the lab and unlocks the run.
        held: unlocks the run only.
    """

    lab: Lab
    run: Run
    trainer: Trainer
    choice: Choice
    origin: Origin
    best: float | None
    continued: bool
    knobs: Mapping[str, Value]
    checkpoint_every: int | None
    interactive: bool
    resources: ExitStack
    held: ExitStack


def open_training(job: Job, progress: Tell) -> Opened:
    """Read the text, build or restore the network, and open the lab; raises UserError of one line."""
    if isinstance(job.task, NewRun):
        return _begin(job, job.task, progress)
    return _go_on(job, job.task, progress)


def _begin(job: Job, task: NewRun, progress: Tell) -> Opened:
    if task.name is not None:
        check_name(task.name)
    corpus, source = read_text(task.text, task.content, task.settings, job.lab, progress)
    corpus, settings = _fitted(corpus, task)
    check_window(corpus, settings.streams, settings.bptt)
    check_memory(settings, corpus.vocabulary.size)
    choice = _choose(job, corpus, settings, job.budget, progress)
    with enough_memory(settings, corpus.vocabulary.size):
        trainer = Trainer(corpus, settings, choice.compute)
    with ExitStack() as resources:
        lab = resources.enter_context(Lab.open(job.lab))
        if task.content is not None:
            source = str(keep_text(lab, task.content))
        run = _register(lab, trainer, task.name)
        held = resources.enter_context(ExitStack())
        held.enter_context(lab.runs.hold(run))
        origin = Origin(run.name, corpus.name, source, corpus.digest, corpus.vocabulary, job.budget)
        return Opened(
            lab=lab,
            run=run,
            trainer=trainer,
            choice=choice,
            origin=origin,
            best=None,
            continued=False,
            knobs={},
            checkpoint_every=job.checkpoint_every,
            interactive=job.interactive,
            resources=resources.pop_all(),
            held=held,
        )


def _fitted(corpus: Corpus, task: NewRun) -> tuple[Corpus, Settings]:
    """The settings with what the text has room for, and the text with a note on that."""
    before = task.settings
    streams, law = fitted(corpus, before.streams, before.bptt, task.free)
    if (streams, law) == (before.streams, before.bptt):
        return corpus, before
    note = f"a short text: --streams {streams} --bptt {law} in place of {before.streams} and {before.bptt}"
    return replace(corpus, notes=(*corpus.notes, note)), replace(before, streams=streams, bptt=law)


def _go_on(job: Job, task: Resumption | ForkedRun, progress: Tell) -> Opened:
    """Continue a run from its latest checkpoint; from any other checkpoint, and for a fork, begin a new run."""
    if isinstance(task, ForkedRun) and task.name is not None:
        check_name(task.name)
    check_target(task.target, job.lab)
    with ExitStack() as resources:
        # A new lab is created last, so that a file that cannot be used leaves no lab behind.
        lab = resources.enter_context(Lab.open(job.lab)) if Lab.is_in(job.lab) else None
        owner, path = find(lab, task.target)
        held = resources.enter_context(ExitStack())
        run = owner if isinstance(task, Resumption) and goes_on_from(path) else None
        continued = run is not None
        if lab is not None and run is not None:
            held.enter_context(lab.runs.hold(run))
        found = load(owner, path)
        if isinstance(task, ForkedRun) and owner is None:
            raise UserError(
                f"{task.target} is no checkpoint of a run in the lab {job.lab}: name its lab with --lab, "
                "or begin a new run here from it with `charrnn-tui resume`"
            )
        settings = found.state.settings
        for name, value in task.compute.items():
            settings = settings.with_value(name, value)
        source = task.text or found.origin.source
        check_source(source)
        corpus, source = read_text(source, None, settings, job.lab, progress)
        check_same_text(corpus, found, path.name)
        if isinstance(task, ForkedRun):
            _check_knobs(corpus, settings, task.knobs)
        choice = _choose(job, corpus, settings, found.origin.budget, progress)
        progress("restoring the network", 0.0)
        trainer = _restore(corpus, replace(found.state, settings=settings), choice.compute, path)
        budget = _budget_left(job, found.origin, trainer)
        if lab is None:
            lab = resources.enter_context(Lab.open(job.lab))
        if run is None:
            run = _branch(lab, trainer, task, found, owner, path)
            held.enter_context(lab.runs.hold(run))
        origin = replace(found.origin, run=run.name, source=source, budget=budget)
        return Opened(
            lab=lab,
            run=run,
            trainer=trainer,
            choice=choice,
            origin=origin,
            best=best_loss(lab, run) if continued else None,
            continued=continued,
            knobs=task.knobs if isinstance(task, ForkedRun) else {},
            checkpoint_every=job.checkpoint_every,
            interactive=job.interactive,
            resources=resources.pop_all(),
            held=held,
        )


def _branch(
    lab: Lab, trainer: Trainer, task: Resumption | ForkedRun, found: Checkpoint, owner: Run | None, path: Path
) -> Run:
    """A new run from a checkpoint, with the past of the run that wrote it, where the lab has that run."""
    name = task.name if isinstance(task, ForkedRun) else None
    if owner is None:
        return _register(lab, trainer, name, parent=(found.origin.run, trainer.counters.updates))
    return fork(lab, trainer, name, owner, path)


def fork(lab: Lab, trainer: Trainer, name: str | None, parent: Run, path: Path) -> Run:
    """A new run that begins from the state of `trainer`, which is that of a checkpoint of `parent`."""
    counters = trainer.counters
    return _register(lab, trainer, name, past=Past(parent, path, counters.updates, counters.changes))


def _check_knobs(corpus: Corpus, settings: Settings, knobs: Mapping[str, Value]) -> None:
    """Check that the knobs can be set to these values; raises UserError where they cannot."""
    for name, value in knobs.items():
        settings = settings.with_knob(name, value)
    check_window(corpus, settings.streams, settings.bptt)
    compute.choose(settings)


def _restore(corpus: Corpus, state: State, chosen: Compute, path: Path) -> Trainer:
    check_memory(state.settings, corpus.vocabulary.size)
    try:
        with enough_memory(state.settings, corpus.vocabulary.size):
            return Trainer.restored(corpus, state, chosen)
    except UserError as error:
        raise UserError(f"{path}: {error}") from error


def _choose(job: Job, corpus: Corpus, settings: Settings, budget: Budget, progress: Tell) -> Choice:
    """Choose the way to compute; build the compiled loops where they are to be used and are not built yet."""
    chosen = compute.choose(settings)
    if not chosen.compiled:
        measuring = "finding the fastest way to compute on this machine"
        with enough_memory(settings, corpus.vocabulary.size):
            return choose_quickest(chosen, corpus, settings, budget, job.lab, lambda: progress(measuring, 0.0))
    progress("loading the loops for one stream", 0.0)
    # Numba takes long to load, and only training with one stream needs it.
    from engine.training.building import BuildError, build

    try:
        build(lambda: progress("compiling the loops for one stream, once per machine", 0.0))
    except BuildError as error:
        chosen = replace(
            chosen, compiled=False, trouble=f"one stream trains slowly here: its loops could not be compiled ({error})"
        )
    return Choice(chosen)


def _register(
    lab: Lab,
    trainer: Trainer,
    name: str | None,
    parent: tuple[str, int] | None = None,
    past: Past | None = None,
) -> Run:
    """A new run in the lab for `trainer`; where it has a past, its parent is the run of that past."""
    return register(
        lab,
        trainer.corpus,
        trainer.settings,
        name=name,
        compute=str(trainer.compute),
        parent=parent,
        chars=trainer.chars,
        past=past,
    )


def _budget_left(job: Job, origin: Origin, trainer: Trainer) -> Budget:
    """The budget that the job names, with the run's former ends in updates and characters where it names none.

    Where that end has been reached already, an interactive job keeps only the ends that it names, and any other raises
    UserError.
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
