"""Event files that TensorBoard opens: scalars, texts and hyperparameters, one folder per run.

The step is the update, as TensorBoard's users expect. The losses are also written by characters trained on, which stays
comparable when the BPTT length changes. The time of an event is the time of the run's start plus the seconds of
training, so that a pause between two processes does not stretch the axis.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path, PurePosixPath

from engine.errors import UserError
from engine.events import Change, Hypothesis, Note, Point, Probe, RunStatus, Sample, Stored, Validation
from engine.race.statistics.sentence import primary, sentence
from engine.settings import settings
from tui.export.folder import Piece, Step, file_name
from tui.export.markdown import escaped, indented
from tui.export.race_data import RaceData
from tui.export.run_data import RunData
from tui.words.findings import advice
from tui.words.log import describe
from tui.words.numbers import UNKNOWN
from tui.words.races import conditions_text, interval_text, ranked
from tui.words.readings import as_number
from tui.words.safe_text import visible

try:
    from tensorboard.compat.proto.event_pb2 import Event, SourceMetadata
    from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
    from tensorboard.compat.proto.tensor_pb2 import TensorProto
    from tensorboard.compat.proto.types_pb2 import DT_STRING
    from tensorboard.plugins.hparams import api_pb2, plugin_data_pb2
    from tensorboard.plugins.hparams import metadata as hparams
    from tensorboard.plugins.text import metadata as text
    from tensorboard.summary.writer.record_writer import RecordWriter
except ImportError as error:
    raise UserError(
        f"TensorBoard's files need a package that is missing ({error.name}): pip install 'charrnn-tui[tensorboard]'"
    ) from error

VERSION = "brain.Event:2"
"""The format that the first event of a file has to name."""

FACTS = "text_facts"
"""The instrument whose readings describe the text, and make no curve."""

LAST_POINTS = 20
"""The training loss at the end is the mean over this many points."""


def pieces(runs: Sequence[RunData], race: RaceData | None = None) -> list[Piece]:
    """An event file for each run, in a folder with the run's name, which TensorBoard shows.

    For a race there is one more, with its results.
    """
    found = [
        Piece(_path(data.run.name, data.run.created), partial(_write, data, race), len(data.events)) for data in runs
    ]
    if race is not None:
        found.append(Piece(_path(race.race.name, race.race.created), partial(_write_race, race)))
    return found


def _path(name: str, created: str) -> PurePosixPath:
    # TensorBoard looks for events in files whose name contains `tfevents`.
    return PurePosixPath(file_name(name), f"events.out.tfevents.{_time(created):.0f}.charrnn-tui")


@contextmanager
def _adding(path: Path, begin: float) -> Iterator[Callable[..., None]]:
    """Open a file of events; yields a function that adds values with their time and their update."""
    # TensorBoard's own writer works in a thread, in which an error of the disk ends in a traceback.
    with path.open("wb") as file:
        records = RecordWriter(file)

        def add(wall_time: float, update: int, *values: Summary.Value) -> None:
            event = Event(wall_time=wall_time, step=update, summary=Summary(value=values))
            records.write(event.SerializeToString())

        head = Event(wall_time=begin, file_version=VERSION, source_metadata=SourceMetadata(writer="charrnn-tui"))
        records.write(head.SerializeToString())
        yield add


def _write(data: RunData, race: RaceData | None, path: Path, step: Step) -> None:
    begin = time = _time(data.run.created)
    with _adding(path, begin) as add:
        add(begin, 0, _start(data, race), _text("settings", _settings(data)))
        for event, seconds in zip(data.events, data.elapsed(), strict=True):
            time = begin + seconds
            add(time, event.update, *_values(data, event))
            if isinstance(event, Point | Validation):
                kind = "train" if isinstance(event, Point) else "validation"
                add(time, event.chars, _scalar(f"loss_by_characters/{kind}", event.loss))
            step()
        end = begin + data.run.seconds
        add(max(time, end), data.run.update, *_last(data, race), *_end(data, max(time, end)))


def _write_race(race: RaceData, path: Path, step: Step) -> None:
    begin = _time(race.race.created)
    with _adding(path, begin) as add:
        verdicts = [f"* {escaped(sentence(race.plan, each))}" for each in primary(race.standing.results)]
        about = [race.race.text, conditions_text(race.plan), race.race.status]
        add(
            begin,
            0,
            _text("race", "\n".join(f"* {escaped(each)}" for each in about)),
            _text("verdict", "\n".join(verdicts) or "No seed is complete."),
            _text("variants", _ranking(race)),
            *([_text("hypotheses", _claims(race.hypotheses))] if race.hypotheses else ()),
        )
    step()


def _ranking(race: RaceData) -> str:
    rows = [
        f"| {escaped(each.label)} | {each.loss_text} | {interval_text(each.found) if each.found else UNKNOWN} "
        f"| {each.found.verdict if each.found else UNKNOWN} | {each.seeds_text} |"
        for each in ranked(race.plan, race.standing)
    ]
    return "\n".join(["| variant | loss | difference | verdict | seeds |", "| --- | --- | --- | --- | --- |", *rows])


def _time(created: str) -> float:
    """A stored time of creation, in seconds since 1970; 0 where it cannot be read."""
    try:
        begun = datetime.fromisoformat(created)
    except ValueError:
        return 0.0
    return begun.replace(tzinfo=begun.tzinfo or UTC).timestamp()


def _values(data: RunData, event: Stored) -> Iterator[Summary.Value]:
    """The values that one event shows."""
    match event:
        case Point():
            yield _scalar("loss/train", event.loss)
            yield _scalar("gradient/norm", event.grad_norm)
            yield _scalar("gradient/norm_max", event.grad_norm_max)
            yield _scalar("gradient/clipped_share", event.clipped)
            yield _scalar("gradient/clip_factor", event.clip_factor)
            for name, norm in zip(data.run.matrix_names, event.norms, strict=True):
                yield _scalar(f"gradient/norm/{name}", norm)
            yield _scalar("rate/lr", event.lr)
            yield _scalar("rate/acts_like", event.rate_used)
            yield _scalar("loss/spread", event.loss_spread)
        case Validation():
            yield _scalar("loss/validation", event.loss)
        case Probe(instrument=instrument) if instrument != FACTS:
            for name, value in event.values.items():
                if isinstance(value, int | float):
                    yield _scalar(f"instruments/{instrument}/{name}", value)
        case Sample():
            yield _text("sample", f"temperature {event.temperature:g}\n\n{indented(event.text)}")


def _last(data: RunData, race: RaceData | None) -> Iterator[Summary.Value]:
    """The texts about the whole run, and the numbers by which it is compared with others."""
    rows = [
        f"| {event.update:,} | {escaped(describe(event))} |"
        for event in data.events
        if isinstance(event, Change | Note)
    ]
    if rows:
        yield _text("log", "\n".join(["| update | what happened |", "| --- | --- |", *rows]))
    if data.findings:
        found = (
            f"* **{escaped(each.cause)}**, a {escaped(each.severity)}, since update {each.since_update:,}: "
            f"{escaped(each.says)} {escaped(advice(each))}"
            for each in data.findings
        )
        yield _text("findings", "\n".join(found))
    if data.hypotheses:
        yield _text("hypotheses", _claims(data.hypotheses))
    for name, value in _results(data, race).items():
        yield _scalar(f"end/{name}", value)


def _claims(hypotheses: Sequence[Hypothesis]) -> str:
    claims = (
        f"* **H{each.number} {escaped(each.status)}**: {escaped(each.claim)}; "
        f"predicted: {escaped(each.prediction or '–')}; measured: {escaped(each.evidence or '–')}; "
        f"concluded: {escaped(each.conclusion or '–')}"
        for each in hypotheses
    )
    return "\n".join(claims)


def _results(data: RunData, race: RaceData | None) -> Mapping[str, float]:
    run, last = data.run, data.points[-LAST_POINTS:]
    # In a race a training that diverged has the worst of all losses, not the one that it had before.
    final = math.inf if race is not None and run.status is RunStatus.NOT_FINITE else run.val_loss
    return {
        **({"best_validation_loss": run.best} if run.best is not None else {}),
        **({"validation_loss": final} if final is not None else {}),
        **({"train_loss": sum(point.loss for point in last) / len(last)} if last else {}),
        **({"characters_per_second": data.speed} if data.speed is not None else {}),
        "characters": run.chars,
        "seconds": run.seconds,
    }


def _scalar(tag: str, value: float) -> Summary.Value:
    return Summary.Value(tag=visible(tag, lines=False), simple_value=as_number(value))


def _text(tag: str, markdown: str) -> Summary.Value:
    tensor = TensorProto(dtype=DT_STRING, string_val=[markdown.encode()])
    return Summary.Value(tag=tag, metadata=text.create_summary_metadata(tag, ""), tensor=tensor)


def _settings(data: RunData) -> str:
    rows = [f"| {each.option} | {escaped(data.settings.write(each.name))} |" for each in settings()]
    return "\n".join(["| setting | value |", "| --- | --- |", *rows])


def _start(data: RunData, race: RaceData | None) -> Summary.Value:
    """The hyperparameters, and in a race the variant.

    A value that is off or automatic is written as that word; the column is then one of words where runs differ in it.
    No description of the whole experiment is written: TensorBoard makes one from all the runs that it finds.
    """
    info = plugin_data_pb2.SessionStartInfo(model_uri=data.run.name, start_time_secs=_time(data.run.created))
    for each in settings():
        value = getattr(data.settings, each.name)
        if isinstance(value, int | float):
            info.hparams[each.name].number_value = value
        else:
            info.hparams[each.name].string_value = data.settings.write(each.name)
    if race is not None and data.run.race is not None:
        info.hparams["variant"].string_value = visible(race.label(data.run.race.variant), lines=False)
    return _hparams(hparams.SESSION_START_INFO_TAG, plugin_data_pb2.HParamsPluginData(session_start_info=info))


def _end(data: RunData, time: float) -> Iterator[Summary.Value]:
    """The status at the run's end; nothing while it is running."""
    if data.run.status is RunStatus.RUNNING:
        return
    status = api_pb2.STATUS_FAILURE if data.run.status is RunStatus.NOT_FINITE else api_pb2.STATUS_SUCCESS
    info = plugin_data_pb2.SessionEndInfo(status=status, end_time_secs=time)
    yield _hparams(hparams.SESSION_END_INFO_TAG, plugin_data_pb2.HParamsPluginData(session_end_info=info))


def _hparams(tag: str, content: plugin_data_pb2.HParamsPluginData) -> Summary.Value:
    metadata: SummaryMetadata = hparams.create_summary_metadata(content)
    return Summary.Value(tag=tag, metadata=metadata, tensor=hparams.NULL_TENSOR)
