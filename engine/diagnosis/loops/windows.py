"""The faults of what a program learns from: how targets follow inputs, and windows and states each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from engine.diagnosis.loops.fault import CUT, Fault
from engine.events import Cause, Severity

WINDOWS = 20
"""The pairs of windows that follow each other after which it is said what becomes of the state between them."""

NEARLY_ALL, HARDLY_ANY = 0.9, 0.1
"""The shares of windows that count as all and as none: where an epoch begins, nothing continues."""

SAME_WINDOWS = 24
"""The windows in a row that must be the same."""

STRUCTURED = 1000, 0.2
"""The pairs of inputs, and what each must tell of the next in nats, so that the next one is what is meant to be learnt.
Other tasks ask for what was read a while ago."""

PAIRS, MORE_ACROSS, LESS_ALONG = 4000, 0.3, 0.4
"""The pairs of inputs that are enough; how much more of each other, in nats, those side by side must tell than those
that follow each other in time; and the share of it that these may tell: a text that repeats itself tells of both."""

CONFUSED = 3
"""How often a recurrent module must step along something else than time."""

THROWN_AWAY = Fault(
    Cause.STATE_THROWN_AWAY,
    "Each window continues the one before, and the recurrent network begins it without the state that it had there. "
    "What it read before is lost.",
    f"output, hidden = model(x, hidden)  # and before each window: {CUT}",
    Severity.NOTE,
    least=1,
)
OF_ANOTHER_TEXT = Fault(
    Cause.STATE_OF_ANOTHER_TEXT,
    "The state is carried from window to window, and the windows do not continue each other: it tells of another place "
    "in the text.",
    "hidden = None  # at each window; or windows that continue each other, in every row of the batch",
    Severity.WARNING,
    least=1,
)
ARE_INPUTS = Fault(
    Cause.TARGETS_ARE_INPUTS,
    "The targets are the inputs themselves: the network learns to copy what it reads, and not what comes next.",
    "x, y = text[i : i + n], text[i + 1 : i + n + 1]",
    least=1,
)
FOR_TIME = Fault(
    Cause.BATCH_TAKEN_FOR_TIME,
    "The recurrent network steps along the batch: it reads the same place of different sequences one after the other.",
    "nn.LSTM(…, batch_first=True)  # for inputs of (batch, time, features); to swap dimensions: transpose, not view",
    least=1,
)
ACROSS = Fault(
    Cause.BATCH_TAKEN_FOR_TIME,
    "What follows each other in the text stands side by side in the batch, and not one after the other in time: the "
    "text was cut into rows where columns are meant.",
    "data.view(batch, -1)  # not view(-1, batch); its .t() where time comes first",
    least=1,
    line=r"\.view\(-1,|\.reshape\(-1,",
)
CROSSED = Fault(
    Cause.BATCH_TAKEN_FOR_TIME,
    "The targets are the next inputs only if they are read along the other dimension: what was made flat began with "
    "the batch on one side of the loss, and with time on the other.",
    "both of them (batch, time) or both (time, batch), before they are made flat",
    least=1,
    line="",
)
SAME = Fault(
    Cause.SAME_BATCH,
    "Every update learns from the very same batch.",
    "x, y = next(batches)  # inside the loop",
    Severity.NOTE,
    least=1,
)


def faults_of(numbers: Mapping[str, object]) -> Iterator[Fault]:
    """The faults that the numbers of a journal's record of windows show."""
    windows, continued = _of(numbers, "windows"), _of(numbers, "continued")
    carried, begun = _of(numbers, "carried"), _of(numbers, "none") + _of(numbers, "fresh")
    calls = carried + begun
    if _of(numbers, "confused") >= CONFUSED:
        yield FOR_TIME
    elif _of(numbers, "crossed") >= CONFUSED:
        yield CROSSED
    elif _runs_across(numbers):
        yield ACROSS
    elif windows >= WINDOWS and calls:
        if continued > NEARLY_ALL * windows and begun > NEARLY_ALL * calls:
            yield THROWN_AWAY
        if continued < HARDLY_ANY * windows and carried > NEARLY_ALL * calls:
            yield OF_ANOTHER_TEXT
    match numbers.get("shift"):
        case 0:
            yield ARE_INPUTS
        case int(shift) if shift > 1 or (shift < 0 and _is_text(numbers)):
            yield _shifted(shift)
    if _of(numbers, "same") >= SAME_WINDOWS:
        yield SAME


def _runs_across(numbers: Mapping[str, object]) -> bool:
    """Whether inputs side by side tell of each other, and those that follow each other hardly do."""
    along, across = _of(numbers, "along"), _of(numbers, "across")
    return _of(numbers, "pairs") >= PAIRS and across - along > MORE_ACROSS and along < LESS_ALONG * across


def _is_text(numbers: Mapping[str, object]) -> bool:
    """Whether inputs tell of those that follow them."""
    pairs, information = STRUCTURED
    return _of(numbers, "pairs") >= pairs and _of(numbers, "along") > information


def _shifted(shift: int) -> Fault:
    where = f"{shift} places ahead of" if shift > 0 else f"{-shift} places behind"
    return Fault(
        Cause.TARGETS_SHIFTED,
        f"The targets are {where} the inputs, and not one ahead.",
        "x, y = text[i : i + n], text[i + 1 : i + n + 1]",
        Severity.WARNING,
        least=1,
    )


def _of(numbers: Mapping[str, object], name: str) -> float:
    value = numbers.get(name)
    return value if isinstance(value, int | float) else 0.0
