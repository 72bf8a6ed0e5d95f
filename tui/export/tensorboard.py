"""Event files that TensorBoard opens: scalars, texts and hyperparameters, a folder a run.

The step is the update, as TensorBoard's users expect it; the losses are written a second time by characters trained on,
which is what stays comparable when the BPTT length changes. The time of an event is that of the run's start plus the
seconds of training, so that pauses between two processes do not stretch the axis.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path, PurePosixPath

from engine.errors import UserError
from engine.events import Change, Note, Point, Probe, Sample, Stored, Validation
from engine.settings import settings
from tui.export.folder import Piece, Step, file_name
from tui.export.markdown import escaped, indented
from tui.export.run_data import RunData
from tui.findings import advice
from tui.readings import as_number
from tui.reports import describe
from tui.safe_text import visible

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
        f"TensorBoard's files need what is not installed ({error.name}): pip install 'charrnn-tui[tensorboard]'"
    ) from error

VERSION = "brain.Event:2"
"""What the first event of a file has to say of its format."""

FACTS = "text_facts"
"""The instrument whose readings are of the text, and make no curve."""

LAST_POINTS = 20
"""The training loss at the end is the mean over so many points."""


def pieces(runs: Sequence[RunData]) -> list[Piece]:
    """An event file for each run, in a folder of the run's name, which is what TensorBoard calls it by."""
    return [
        # In a name that has `tfevents` TensorBoard looks for events.
        Piece(
            PurePosixPath(file_name(data.run.name), f"events.out.tfevents.{_begin(data):.0f}.charrnn-tui"),
            partial(_write, data),
            len(data.events),
        )
        for data in runs
    ]


def _write(data: RunData, path: Path, step: Step) -> None:
    begin = _begin(data)
    time = begin
    # TensorBoard's own writer of files works in a thread, which an error of the disk ends with a traceback.
    with path.open("wb") as file:
        records = RecordWriter(file)

        def add(wall_time: float, update: int, *values: Summary.Value) -> None:
            event = Event(wall_time=wall_time, step=update, summary=Summary(value=values))
            records.write(event.SerializeToString())

        head = Event(wall_time=begin, file_version=VERSION, source_metadata=SourceMetadata(writer="charrnn-tui"))
        records.write(head.SerializeToString())
        add(begin, 0, _start(data), _text("settings", _settings(data)))
        for event, seconds in zip(data.events, data.elapsed(), strict=True):
            time = begin + seconds
            add(time, event.update, *_values(data, event))
            if isinstance(event, Point | Validation):
                kind = "train" if isinstance(event, Point) else "validation"
                add(time, event.chars, _scalar(f"loss_by_characters/{kind}", event.loss))
            step()
        end = begin + data.run.seconds
        add(max(time, end), data.run.update, *_last(data), *_end(data, max(time, end)))


def _begin(data: RunData) -> float:
    """When the run began, in seconds since 1970."""
    try:
        begun = datetime.fromisoformat(data.run.created)
    except ValueError:
        return 0.0
    return begun.replace(tzinfo=begun.tzinfo or UTC).timestamp()


def _values(data: RunData, event: Stored) -> Iterator[Summary.Value]:
    """What one event has to show."""
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


def _last(data: RunData) -> Iterator[Summary.Value]:
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
        claims = (
            f"* **H{each.number} {escaped(each.status)}**: {escaped(each.claim)}; "
            f"predicted: {escaped(each.prediction or '–')}; measured: {escaped(each.evidence or '–')}; "
            f"concluded: {escaped(each.conclusion or '–')}"
            for each in data.hypotheses
        )
        yield _text("hypotheses", "\n".join(claims))
    for name, value in _results(data).items():
        yield _scalar(f"end/{name}", value)


def _results(data: RunData) -> Mapping[str, float]:
    run, last = data.run, data.points[-LAST_POINTS:]
    return {
        **({"best_validation_loss": run.best} if run.best is not None else {}),
        **({"validation_loss": run.val_loss} if run.val_loss is not None else {}),
        **({"train_loss": sum(point.loss for point in last) / len(last)} if last else {}),
        **({"characters_per_second": run.chars / run.seconds} if run.seconds > 0 else {}),
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


def _start(data: RunData) -> Summary.Value:
    """The hyperparameters: what is off or automatic as that word, and so a column of words where runs differ in that.

    No description of the whole experiment is written: TensorBoard then makes one from all the runs that it finds.
    """
    info = plugin_data_pb2.SessionStartInfo(model_uri=data.run.name, start_time_secs=_begin(data))
    for each in settings():
        value = getattr(data.settings, each.name)
        if isinstance(value, int | float):
            info.hparams[each.name].number_value = value
        else:
            info.hparams[each.name].string_value = data.settings.write(each.name)
    return _hparams(hparams.SESSION_START_INFO_TAG, plugin_data_pb2.HParamsPluginData(session_start_info=info))


def _end(data: RunData, time: float) -> Iterator[Summary.Value]:
    """How the run ended; nothing while it goes on."""
    if data.run.status == "running":
        return
    status = api_pb2.STATUS_FAILURE if data.run.status == "not-finite" else api_pb2.STATUS_SUCCESS
    info = plugin_data_pb2.SessionEndInfo(status=status, end_time_secs=time)
    yield _hparams(hparams.SESSION_END_INFO_TAG, plugin_data_pb2.HParamsPluginData(session_end_info=info))


def _hparams(tag: str, content: plugin_data_pb2.HParamsPluginData) -> Summary.Value:
    metadata: SummaryMetadata = hparams.create_summary_metadata(content)
    return Summary.Value(tag=tag, metadata=metadata, tensor=hparams.NULL_TENSOR)
