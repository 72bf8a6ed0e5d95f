"""`charrnn-tui ask`: list the questions, or answer them with evidence."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil
from rich.console import Console
from rich.padding import Padding
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from engine.numbers import counted
from engine.questions.question import CHARS, NATS, QUESTIONS, SHARE, TIMES, Answer, Question, Row, find
from engine.settings import Value
from tui.command_line.output import one_line, standard_output
from tui.preferences.notifications import Notifier, Occasion, Wishes
from tui.terminal import complain, on_signals, ring
from tui.words.json_lines import finite, line
from tui.words.safe_text import visible
from tui.words.shell_commands import command_line

EXPECTED_SECONDS = 60.0
TITLES = ("evidence", "value", "95 % interval", "seeds", "from")
SHOWN_SOURCES = 2
"""The most sources of a number that are all named; of more, only the first and the last are."""


def list_questions(*, as_json: bool) -> int:
    """Print the questions, one per line; return the exit code."""
    if as_json:
        for question in QUESTIONS:
            print(line({"event": "question", "question": question.name, "asks": question.asks}))
        return 0
    table = Table(box=None, show_header=False, pad_edge=False)
    for question in QUESTIONS:
        table.add_row(Text(question.name, style="bold"), Text(question.asks))
    console = Console()
    console.print(table)
    console.print(
        Text("`charrnn-tui ask climb notes.txt` answers one on a text, in a minute; `ask all notes.txt` answers each")
    )
    return 0


def ask(
    name: str,
    text: str,
    content: bytes | None,
    given: Mapping[str, Value],
    folder: Path,
    wishes: Wishes,
    *,
    as_json: bool,
    every_row: bool = False,
) -> int:
    """Answer one question, or all of them, and notify of each answer as wished; return the exit code.

    Raises UserError where the user has to correct something first.
    """
    questions = find(name)
    begun = _begun()
    teller = _Teller()
    notifier = Notifier(wishes, ring, complain)
    with teller.showing():
        # Imported here: loading torch takes seconds, and by now the progress line says so.
        from engine.questions.asking import Asked, Asking
        from engine.questions.experiment.experiments import StoppedError

        asking = Asking(Asked(questions, text, content, given, folder, begun=begun), teller.say)
        with on_signals(lambda _number: asking.stop()) as signals:
            try:
                for question, answer in asking.answers():
                    seconds = time.monotonic() - begun
                    teller.pause()
                    if as_json:
                        _print_json(question, answer, folder, seconds)
                    else:
                        _print(question, answer, folder, seconds, every_row=every_row)
                    notifier.tell(Occasion.VERDICT, question.name, f"Answer to {question.name}: {answer.answer}")
                    teller.go_on()
                    begun = time.monotonic()
            except StoppedError:
                teller.pause()
                kept = ", ".join(asking.kept)
                complain(f"stopped; what was measured is kept: {kept}" if kept else "stopped; nothing was measured yet")
                return 128 + signals[0]
    return 0


def _begun() -> float:
    """The start of this process, on the monotonic clock."""
    return time.monotonic() - max(0.0, time.time() - psutil.Process().create_time())


class _Teller:
    """Shows the current activity on standard error; in a terminal, on one line with the time."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._progress = Progress(
            BarColumn(bar_width=24),
            TimeElapsedColumn(),
            TextColumn("{task.fields[what]}", markup=False),
            console=self._console,
            disable=not self._console.is_interactive,
            transient=True,
        )
        self._task = self._progress.add_task("", total=EXPECTED_SECONDS, what="loading")
        self._since = time.monotonic()
        self._said = ""

    @contextmanager
    def showing(self) -> Iterator[None]:
        with self._progress:
            yield

    def say(self, what: str) -> None:
        shown = visible(what, lines=False)
        self._progress.update(self._task, completed=time.monotonic() - self._since, what=shown)
        head = shown.partition(":")[0]
        if not self._console.is_interactive and head != self._said:
            self._console.print(Text(head), soft_wrap=True)
        self._said = head

    def pause(self) -> None:
        """Take the progress line away, so that an answer can be printed."""
        self._progress.stop()

    def go_on(self) -> None:
        self._since = time.monotonic()
        self._progress.reset(self._task)
        self._progress.start()


def _print_json(question: Question, answer: Answer, folder: Path, seconds: float) -> None:
    """Print the evidence, one object per line, and then the answer."""
    for row in answer.rows:
        numbers = {name: finite(getattr(row, name)) for name in ("value", "low", "high")}
        print(
            line(
                {
                    "event": "evidence",
                    "question": question.name,
                    "what": row.what,
                    **numbers,
                    "unit": row.unit,
                    "seeds": row.seeds,
                    "from": row.source,
                }
            )
        )
    values = {
        "event": "answer",
        "question": question.name,
        "asks": question.asks,
        "answer": answer.answer,
        "reason": answer.reason,
        "says": answer.says,
        "did": answer.did,
        "conditions": dict(answer.conditions),
        "limits": answer.limits,
        "races": answer.races,
        "runs": answer.runs,
        "lab": str(folder),
        "seconds": round(seconds, 1),
    }
    print(line(values), flush=True)


def _print(question: Question, answer: Answer, folder: Path, seconds: float, *, every_row: bool) -> None:
    """Print the answer, its reason, the evidence, the limits and the method."""
    console = standard_output()
    console.print(Text(f"{question.name}: {question.asks}", style="bold"))
    console.print()
    console.print(one_line(answer.answer, "bold"))
    if answer.reason:
        console.print(one_line(answer.reason))
    console.print()
    rows = answer.rows if every_row else carrying(answer.rows)
    console.print(_table(rows))
    if left := len(answer.rows) - len(rows):
        console.print(one_line(f"{counted(left, 'more number')}: --all shows all", "dim"))
    console.print()
    console.print(one_line("Limits", "dim"))
    for limit in answer.limits:
        console.print(Padding(one_line(f"– {limit}", "dim"), (0, 0, 0, 2), expand=False))
    console.print()
    console.print(one_line(f"How it was found out: {answer.did}", "dim"))
    for name, value in answer.conditions:
        console.print(Padding(one_line(f"{name}: {value}", "dim"), (0, 0, 0, 2), expand=False))
    console.print(one_line(_where(answer, folder, seconds), "dim"))
    console.print()


def _where(answer: Answer, folder: Path, seconds: float) -> str:
    """The races and runs in the lab that hold the numbers."""
    parts = [f"races {', '.join(answer.races)}"] if answer.races else []
    parts += [f"runs {', '.join(answer.runs)}"] if answer.runs else []
    first = [f"see `{command_line('runs', answer.runs[0], '--json', lab=folder)}`"] if answer.runs else []
    return "; ".join([f"{seconds:.0f} s; in the lab {folder}: {', '.join(parts) or 'nothing'}", *first])


def carrying(rows: Sequence[Row]) -> tuple[Row, ...]:
    """The rows that carry an answer: comparisons that have an interval, and the first number of each condition."""
    found, conditions = [], set[str]()
    for row in rows:
        condition, colon, _ = row.what.partition(": ")
        if row.low is not None or not colon or condition not in conditions:
            found.append(row)
        conditions.add(condition)
    return tuple(found)


def _table(rows: tuple[Row, ...]) -> Table:
    table = Table(box=None, header_style="dim", pad_edge=False)
    for title in TITLES:
        table.add_column(title, justify="right" if title in TITLES[1:4] else "left", no_wrap=title in TITLES[1:4])
    for row in rows:
        table.add_row(*(one_line(cell) for cell in evidence_cells(row)))
    return table


def evidence_cells(row: Row) -> tuple[str, ...]:
    """A row of evidence as words, in the order of `TITLES`."""
    sources = sorted(row.source.split(", "), key=lambda source: (len(source), source))
    shown = row.source if len(sources) <= SHOWN_SOURCES else f"{sources[0]} … {sources[-1]}"
    return (row.what, _value(row), _interval(row), f"{row.seeds}" if row.seeds else "", shown)


def _value(row: Row) -> str:
    """The number of a row in the form that its unit asks for."""
    from engine.questions.phrases import number, percent

    if row.value is None or math.isnan(row.value):
        return "–"
    match row.unit:
        case each if each == SHARE:
            return percent(row.value)
        case each if each == CHARS:
            return f"{row.value:,.0f}"
        case each if each == TIMES:
            return f"× {number(row.value)}"
        case each if each == NATS:
            return f"{_difference(row.value, signed=row.low is not None)} nats"
    return number(row.value)


def _interval(row: Row) -> str:
    if row.low is None or row.high is None:
        return ""
    return f"{_difference(row.low, signed=True)} … {_difference(row.high, signed=True)}"


def _difference(value: float, *, signed: bool) -> str:
    """A value in nats, with its sign if `signed`."""
    if not math.isfinite(value):
        return "∞" if value > 0 else "−∞"
    digits = ".4f" if value == 0 or abs(value) >= 5e-5 else ".1e"
    shown = f"{value:{'+' if signed else ''}{digits}}"
    return shown.replace("-", "−")
