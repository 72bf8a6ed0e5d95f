"""Builds and publishes the snapshots of a session, between two updates."""

from __future__ import annotations

from collections.abc import Callable

from engine.clock import Every
from engine.network.model import network_name
from engine.recording.outlook import Forecaster
from engine.session.changes import Changes
from engine.session.dissection import Dissection
from engine.session.ideas import Ideas
from engine.session.inbox import Inbox
from engine.session.live_run import LiveRun
from engine.session.measuring import Measuring
from engine.session.sample_writer import Writer
from engine.session.snapshot import Snapshot
from engine.training.annealing import progress

PUBLISH_SECONDS = 0.2
"""The least time between two snapshots, unless a command was taken: the screen draws less often."""

MOST_PLACES = 64
"""The most streams whose places a snapshot holds."""


class Publisher:
    """Publishes snapshots: calls `publish_to` with the latest."""

    def __init__(
        self,
        publish_to: Callable[[Snapshot], None],
        *,
        live: LiveRun,
        changes: Changes,
        ideas: Ideas,
        measuring: Measuring,
        dissection: Dissection,
        writer: Writer,
        inbox: Inbox,
    ) -> None:
        self._publish_to = publish_to
        self._live, self._changes, self._ideas = live, changes, ideas
        self._measuring, self._dissection = measuring, dissection
        self._writer, self._inbox = writer, inbox
        self._forecaster = Forecaster()
        self._due = Every(PUBLISH_SECONDS)

    def publish_if_due(self) -> None:
        """Publish if it is time, which is several times a second."""
        if self._due.due():
            self.publish()

    def publish(self) -> None:
        """Publish a snapshot of the current state."""
        self._due.reset()
        live, trainer, recorder = self._live, self._live.trainer, self._live.recorder
        history, undo = recorder.history, self._changes.undoable()
        used = progress(live.budget, live.position)
        self._publish_to(
            Snapshot(
                status=live.status,
                message=recorder.trouble or live.message,
                run=live.run.name,
                text=trainer.corpus.name,
                network=network_name(trainer.settings),
                parameters=trainer.network.size(),
                compute=str(trainer.compute),
                matrix_names=live.run.matrix_names,
                settings=trainer.settings,
                update=trainer.counters.updates,
                chars=trainer.chars,
                seconds=live.stopwatch.seconds,
                speed=history.speed() if live.training else 0.0,
                lr=trainer.rate(live.course),
                progress=used,
                points=history.points(),
                recent=tuple(history.recent),
                validations=tuple(history.validations),
                best=history.best,
                outlook=self._forecaster.outlook(history, used) if live.training else None,
                probes=history.probes,
                findings=tuple(recorder.diagnosis.findings),
                suspicions=recorder.diagnosis.suspicions,
                judgements=recorder.diagnosis.judgements,
                places=tuple(trainer.places[:: -(-len(trainer.places) // MOST_PLACES)].tolist()),
                log=tuple(history.log),
                hypotheses=self._ideas.hypotheses,
                races=self._ideas.races(),
                sample=self._writer.shown,
                sample_finished=not self._writer.writing,
                continuation=self._writer.continuation,
                busy=self._busy(),
                undo="" if undo is None else undo.label,
                taken=self._inbox.taken,
                replies=tuple(self._inbox.replies),
            )
        )

    def _busy(self) -> tuple[str, float] | None:
        """The name of the long work besides training and the share of it that is done; None without any."""
        if self._measuring.validated is not None:
            return "validation", self._measuring.validated
        return None if self._dissection.share is None else ("autopsy", self._dissection.share)
