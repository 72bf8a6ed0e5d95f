"""A real session that trains until a condition holds, and then reads the whole validation split."""

from __future__ import annotations

import math
from collections.abc import Callable

from engine.events import End, Event, Listener, Note, NoteKind, Point, Validation
from engine.session.commands import Evaluate, Quit
from engine.session.job import Job
from engine.session.session import Session


def train(
    job: Job, done: Callable[[Point], bool], listener: Listener = lambda _event: None, *, evaluated: bool = True
) -> tuple[End, float]:
    """Train until `done` holds of a point.

    Args:
        job: the training. It has no budget, along which the learning rate would fall.
        done: called with each point, after the listener.
        listener: called with each event.
        evaluated: whether the validation loss is read at the end.

    Returns:
        The end, and the validation loss in nats per character: infinite where it is not finite, or was not read.
    """
    over, loss = False, math.inf

    def listen(event: Event) -> None:
        nonlocal over, loss
        listener(event)
        match event:
            case Point() if not over and done(event):
                over = True
                session.send(Evaluate() if evaluated else Quit())
            case Validation(error=None) if over:
                loss = event.loss
                session.send(Quit())
            case Note(kind=NoteKind.VALIDATION) if over:
                session.send(Quit())

    session = Session(job, listen)
    return session.run(), loss
