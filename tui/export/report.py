"""A report of runs or a race: one self-contained page of HTML, and the same in Markdown with its pictures."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from engine.diagnosis.causes import CAUSES
from engine.events import Finding, Hypothesis, RunStatus, Sample
from engine.numbers import counted
from engine.settings import Setting, Settings, settings
from tui.export import markdown, pictures
from tui.export.effects import Effect, Pair, effects
from tui.export.folder import Piece, Step, file_name
from tui.export.pictures import DARK, LIGHT, Picture, render, spread
from tui.export.race_data import RaceData
from tui.export.race_pictures import race_pictures
from tui.export.race_report import RaceChapter, race_chapter
from tui.export.run_data import RunData
from tui.export.tables import MOST_ROWS, Row
from tui.words.findings import advice, no_finding
from tui.words.glossary import find
from tui.words.numbers import UNKNOWN, duration, held_out, nats, percent, scientific, written
from tui.words.readings import number
from tui.words.safe_text import visible
from tui.words.severity import SIGNS
from tui.words.standing import of_history

TEMPLATES = Path(__file__).parent / "templates"

PICTURES = PurePosixPath("pictures")
"""The folder of the Markdown's pictures."""

MOST_SAMPLES, LONGEST_SAMPLE = 6, 4_000
"""The most samples that are shown, spread from the first to the last, and the most characters of each."""

ENDINGS = {
    RunStatus.RUNNING: "It was still going on when this was written.",
    RunStatus.INTERRUPTED: "Its process ended before the training did.",
    RunStatus.NOT_FINITE: "It stopped because an update was not finite.",
    RunStatus.TEXT_LOST: "It stopped because its text could no longer be read.",
}
"""The sentence on a run that did not reach its end."""


class Raw(str):
    """Markdown that this program made, which is not escaped."""

    __slots__ = ()


Placed = tuple[Picture, PurePosixPath]
"""A picture, and its path from the Markdown."""


@dataclass(frozen=True, slots=True)
class Chapter:
    """The chapter on one run. Its words are not escaped yet; the templates escape them.

    Attributes:
        name: the name of the run, or the label of a race's variant.
        about: the run's part in a race; empty where it has none.
        summary: what the run is and how it went, in sentences.
        tiles: the main numbers: name, value, unit.
        pictures: the pictures, each with its path from the Markdown.
        changes: one row each: number, update, change, and what was measured before and after.
        findings: what went wrong, with the numbers that show it.
        no_finding: the sentence that stands in place of findings; empty where there are any.
        hypotheses: those of this run, each with the pictures of the race that tests it.
        samples: some of the samples, oldest first.
        left_out: the number of samples beyond these.
        turned: the settings that differ from the defaults: option, value, default, what it is.
        usual: the other settings: option and value.
        facts: the text, the network and the machine.
        checkpoints: one row each: update, kind, file.
        notes: one row each: update, kind, text.
    """

    name: str
    about: str
    summary: list[str]
    tiles: list[Row]
    pictures: list[Placed]
    changes: list[Row]
    findings: list[Mapping[str, Any]]
    no_finding: str
    hypotheses: list[tuple[Hypothesis, list[Placed]]]
    samples: list[Mapping[str, str]]
    left_out: int
    turned: list[Row]
    usual: list[Row]
    facts: list[Row]
    checkpoints: list[Row]
    notes: list[Row]

    @property
    def drawn(self) -> list[Placed]:
        """All its pictures."""
        return [*self.pictures, *(placed for _, several in self.hypotheses for placed in several)]


@dataclass(frozen=True, slots=True)
class Report:
    """A report: the chapter on a race, if it is about one, and the chapters on runs."""

    race: RaceChapter | None
    chapters: list[Chapter]


def pieces(runs: Sequence[RunData], race: RaceData | None = None) -> list[Piece]:
    """The page, the Markdown, and the pictures that the Markdown shows.

    For a race, there is a chapter on the race, and then one on each variant's first seed.
    """
    about = race_chapter(race, runs, PICTURES) if race else None
    shown = runs if race is None else [data for data in runs if data.run.race and data.run.race.replicate == 0]
    chapters = [_chapter(data, race, _folder(data, race, alone=len(runs) == 1)) for data in shown]
    drawn = [*(about.pictures if about else ()), *(each for chapter in chapters for each in chapter.drawn)]
    report = Report(about, chapters)
    return [
        Piece(
            PurePosixPath("report.html"),
            lambda path, step: _write(path, _page(), "report.html", report, step),
            2 * len(drawn) + 1,
        ),
        Piece(PurePosixPath("report.md"), lambda path, step: _write(path, _markdown(), "report.md", report, step)),
        # Two hypotheses may have been tested by the same race.
        *(Piece(path, _png(picture)) for path, picture in {path: picture for picture, path in drawn}.items()),
    ]


def _folder(data: RunData, race: RaceData | None, *, alone: bool) -> PurePosixPath:
    """The folder of a run's pictures."""
    if race is not None and data.run.race is not None:
        return PICTURES / f"variant-{data.run.race.variant + 1}"
    return PICTURES if alone else PICTURES / file_name(data.run.name)


def _write(path: Path, environment: Environment, template: str, report: Report, step: Step) -> None:
    def svg(picture: Picture, theme: pictures.Theme) -> str:
        encoded = base64.b64encode(render(picture, theme, "svg")).decode()
        step()
        return f"data:image/svg+xml;base64,{encoded}"

    words = environment.get_template(template).render(
        title=report.race.name if report.race else ", ".join(chapter.name for chapter in report.chapters),
        race=report.race,
        chapters=report.chapters,
        made_by=f"charrnn-tui {version('charrnn-tui')}",
        svg=svg,
        light=LIGHT,
        dark=DARK,
    )
    path.write_text(words, encoding="utf-8", newline="\n")
    step()


def _png(picture: Picture) -> Callable[[Path, Step], None]:
    def write(path: Path, step: Step) -> None:
        path.write_bytes(render(picture, LIGHT, "png"))
        step()

    return write


def _page() -> Environment:
    """The environment of HTML: control characters are made visible, and all text is escaped."""
    return _environment(
        autoescape=True, finalize=lambda value: visible(value, lines=True) if type(value) is str else value
    )


def _markdown() -> Environment:
    """The environment of Markdown: all text is escaped, except `Raw`."""
    made = _environment(
        autoescape=False,
        finalize=lambda value: value if isinstance(value, Raw) else markdown.escaped(str(value)),
    )
    made.filters["indented"] = lambda words: Raw(markdown.indented(words))
    made.filters["address"] = lambda path: Raw(quote(str(path)))
    return made


def _environment(**options: Any) -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        **options,
    )


# --- the chapter on a run --------------------------------------------------------------------------------------------


def _chapter(data: RunData, race: RaceData | None, folder: PurePosixPath) -> Chapter:
    turned, usual = _settings(data)
    shown = [data.samples[place] for place in spread(len(data.samples), MOST_SAMPLES)]
    return Chapter(
        name=race.label(data.run.race.variant) if race and data.run.race else data.run.name,
        about=f"run {data.run.name}, the first of {counted(len(race.lanes(data.run.race.variant)), 'seed')}"
        if race and data.run.race
        else "",
        summary=_summary(data),
        tiles=_tiles(data),
        pictures=[(each, folder / f"{each.name}.png") for each in pictures.pictures(data)],
        changes=[_change(each) for each in effects(data)[:MOST_ROWS]],
        findings=[_finding(place, each) for place, each in enumerate(data.findings, 1)],
        no_finding="" if data.findings else f"{no_finding(data.judgements, data.run.update)}.".capitalize(),
        hypotheses=[(each, _raced(data, each, folder)) for each in data.hypotheses],
        samples=[_sample(each) for each in shown],
        left_out=len(data.samples) - len(shown),
        turned=turned,
        usual=usual,
        facts=_facts(data),
        checkpoints=[
            (f"{each.update:,}", each.kind, PurePosixPath(each.path).name) for each in data.checkpoints[-MOST_ROWS:]
        ],
        notes=[(f"{each.update:,}", each.kind, each.text) for each in data.notes[-MOST_ROWS:]],
    )


def _raced(data: RunData, hypothesis: Hypothesis, folder: PurePosixPath) -> list[Placed]:
    """The pictures of the race that tests a hypothesis."""
    race = next((race for race in data.races if race.race.number == hypothesis.race), None)
    if race is None:
        return []
    return [(each, folder / f"{race.race.name}-{each.name}.png") for each in race_pictures(race)]


def _summary(data: RunData) -> list[str]:
    run = data.run
    article = "An" if run.network[:1] in "aeiolr" else "A"
    chars, updates = run.chars - data.begin, run.update - (data.origin.update if data.origin else 0)
    speed = f", {data.speed:,.0f} characters per second" if data.speed is not None else ""
    is_over = run.status != RunStatus.RUNNING
    how = of_history(data.points, data.findings, validations=data.validations, is_over=is_over)
    said = [
        how.alone,
        f"{article} {run.network} with {run.parameters:,} parameters was trained on {run.text} for "
        f"{duration(run.seconds)}: {counted(chars, 'character')} in {counted(updates, 'update')}{speed}, "
        f"on {run.compute}.",
    ]
    if data.validations:
        whole = [each for each in data.validations if each.error is None]
        best = min(whole or data.validations, key=lambda each: each.loss)
        last = data.validations[-1]
        said.append(
            f"Its lowest validation loss is {held_out(best.loss, best.error)} nats per character "
            f"({bits(best.loss)} bits), at update {best.update:,}"
            + ("." if last == best else f"; the last one is {held_out(last.loss, last.error)}.")
        )
    elif data.points:
        said.append(f"Its validation loss was never measured; the training loss ended at {nats(data.points[-1].loss)}.")
    else:
        said.append("None of its updates was stored.")
    if run.parent is not None:
        said.append(f"It began from run {run.parent[0]} at update {run.parent[1]:,}, which this report does not cover.")
    if run.status in ENDINGS:
        said.append(ENDINGS[run.status])
    return said


def _tiles(data: RunData) -> list[Row]:
    run = data.run
    speed = f"{data.speed:,.0f}" if data.speed is not None else UNKNOWN
    return [
        ("best validation loss", nats(run.best), "nats per character"),
        ("in bits", bits(run.best), "bits per character"),
        ("trained for", duration(run.seconds), counted(run.update, "update")),
        ("speed", speed, "characters per second"),
    ]


def _change(effect: Effect) -> Row:
    change = effect.change
    return (
        str(effect.place),
        f"{change.update:,}",
        f"{change.knob} {change.old} → {change.new}{' (undone)' if change.undone else ''}",
        _pair(effect.loss, lambda value: written(value, ".4f")),
        _pair(effect.grad_norm, written),
        _pair(effect.clipped, percent),
    )


def _pair(pair: Pair, form: Callable[[float], str]) -> str:
    return f"{form(pair.before)} → {form(pair.after)}"


def _finding(place: int, finding: Finding) -> Mapping[str, Any]:
    cause = CAUSES.get(finding.cause)
    until = "it held to the end" if finding.until_update is None else f"until update {finding.until_update:,}"
    return {
        "label": f"F{place}",
        "cause": finding.cause,
        "severity": f"{SIGNS.get(finding.severity, '')} {finding.severity}",
        "when": f"since update {finding.since_update:,}, found at {finding.found_update:,}, {until}",
        "says": finding.says,
        "means": cause.means if cause else "",
        "reference": cause.reference if cause else "",
        "evidence": [_evidence(name, value) for name, value in finding.evidence.items()],
        "advice": f"{advice(finding)}.".capitalize(),
    }


def _evidence(field: str, value: float) -> Row:
    term = find(field)
    return (field.replace("_", " "), scientific(value, 4), term.what if term else "", term.normal if term else "")


def _sample(sample: Sample) -> Mapping[str, str]:
    cut = "…" if len(sample.text) > LONGEST_SAMPLE else ""
    return {
        "title": f"Update {sample.update:,}, temperature {sample.temperature:g}",
        "text": sample.text[:LONGEST_SAMPLE] + cut,
    }


def _settings(data: RunData) -> tuple[list[Row], list[Row]]:
    """The settings that were ever different from the defaults, and the others."""
    usual = Settings()
    turned: list[Row] = []
    others: list[Row] = []
    for each in settings():
        course = [value for _, value in data.course(each.name)]
        row = (each.option, " → ".join(course) + _unit(each))
        if course != [usual.write(each.name)]:
            turned.append((*row, usual.write(each.name), each.help))
        else:
            others.append(row)
    return turned, others


def _unit(described: Setting) -> str:
    return f" {described.unit}" if described.unit else ""


def _facts(data: RunData) -> list[Row]:
    run = data.run
    facts = data.probes.get("text_facts", [])
    last = facts[-1] if facts else None
    rows = [
        ("run", f"{run.name}, begun {run.created}, ended: {run.status}"),
        ("network", f"{run.network}, {run.parameters:,} parameters"),
        ("weight matrices", ", ".join(run.matrix_names)),
        ("computed on", run.compute),
        ("text", run.text),
        ("its SHA-256", run.digest),
    ]
    if last is not None:
        rows += [
            ("training split", f"{number(last, 'characters'):,.0f} characters"),
            ("validation split", f"{number(last, 'validation_characters'):,.0f} characters"),
            ("letter frequencies alone give", f"{nats(number(last, 'letter_entropy'))} nats per character"),
            ("pairs of letters give", f"{nats(number(last, 'pair_entropy'))} nats per character"),
        ]
    return [row for row in rows if row[1]]


def bits(loss: float | None) -> str:
    """A loss in bits per character."""
    return UNKNOWN if loss is None else f"{loss / math.log(2):.3g}"
