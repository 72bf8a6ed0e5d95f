"""The dialog of findings: what is wrong, the numbers that show it, and the change that would test it."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Button, OptionList, Static
from textual.widgets.option_list import Option

from engine.diagnosis.causes import CAUSES
from engine.errors import UserError
from engine.events import Finding, Idea, Trial
from engine.race.plan import Plan, axes, grid
from engine.race.result import Verdict
from engine.settings import Settings, setting
from tui.words.findings import where
from tui.words.glossary import find
from tui.words.numbers import written
from tui.words.readings import as_number
from tui.words.safe_text import visible
from tui.words.severity import COLOURS, SIGNS, gravest_first


class FindingsDialog(ModalScreen[Trial | Idea | None]):
    """Returns the change to try, or an idea to race; None where the user leaves."""

    BINDINGS = [("escape,F", "dismiss", "Leave"), ("t", "try_it", "Try it"), ("r", "race_it", "Race it")]
    AUTO_FOCUS = "#findings"

    def __init__(self, findings: Sequence[Finding], settings: Settings, *, watched: bool) -> None:
        super().__init__()
        self._watched = watched
        self._findings = in_order(findings)
        self._settings = settings
        self._chosen = self._findings[0]

    def compose(self) -> ComposeResult:
        """The findings, the details of the chosen one, and buttons that try and race its remedy."""
        with Vertical(classes="dialog wide") as dialog:
            dialog.border_title = "Findings"
            dialog.border_subtitle = "↑ ↓: choose · t: try it · r: race it · tab: next · escape: leave"
            options = (Option(line(finding), id=str(place)) for place, finding in enumerate(self._findings))
            yield OptionList(*options, id="findings", markup=False)
            with VerticalScroll(id="finding-text"):
                yield Static(id="finding-words")
            yield Button("", id="try", variant="primary", compact=True)
            yield Button("", id="race-it", compact=True)

    def on_mount(self) -> None:
        """Show the first finding."""
        self._show(self._chosen)

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Show the details of a finding."""
        self._show(self._findings[int(event.option_id or 0)])

    def on_option_list_option_selected(self, _event: OptionList.OptionSelected) -> None:
        """Move the focus to the button."""
        self.query_one("#try", Button).focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Leave with the change."""
        if event.button.id == "try":
            self.action_try_it()
        else:
            self.action_race_it()

    def action_try_it(self) -> None:
        """Leave with the change, if it can be tried."""
        if remedy(self._chosen, self._settings)[1]:
            self.dismiss(self._chosen.trial)

    def action_race_it(self) -> None:
        """Leave with the change as an idea, if a race can test it."""
        if (idea := self._idea(self._chosen)) is not None:
            self.dismiss(idea)

    def _idea(self, finding: Finding) -> Idea | None:
        """The idea that tests a finding in a race; None of a loop that is not ours, which no race can train."""
        return None if self._watched else as_idea(finding, self._settings)

    def _show(self, finding: Finding) -> None:
        self._chosen = finding
        words, possible = remedy(finding, self._settings)
        self.query_one("#finding-words", Static).update(details(finding))
        self.query_one("#finding-text").scroll_home(animate=False)
        button = self.query_one("#try", Button)
        button.label = Text(words)
        button.disabled = not possible
        idea = self._idea(finding)
        race = self.query_one("#race-it", Button)
        race.label = Text("no race tests this" if idea is None else f"race it (r): {idea.vary}")
        race.disabled = idea is None


def in_order(findings: Sequence[Finding]) -> list[Finding]:
    """The open findings, the gravest first, then those that ended, the newest first."""
    ended = [finding for finding in reversed(findings) if finding.until_update is not None]
    return [*gravest_first(findings), *ended]


def line(finding: Finding) -> Text:
    """One line about a finding."""
    sign, colour = SIGNS[finding.severity], COLOURS[finding.severity]
    text = Text.assemble((f"{sign} ", colour), visible(finding.cause, lines=False))
    return text.append(f"  {finding.severity}, {span(finding)}", style="dim")


def span(finding: Finding) -> str:
    """The updates between which a finding holds or held, in words."""
    if finding.until_update is None:
        return f"since update {finding.since_update:,}"
    return f"from update {finding.since_update:,}, ended at update {finding.until_update:,}"


def details(finding: Finding) -> Text:
    """The details of a finding: its cause, its numbers with their meaning, and where to read more."""
    cause = CAUSES.get(finding.cause)
    lines = [Text(visible(finding.says, lines=False), style="bold"), Text(f"{span(finding)}; {_found(finding)}", "dim")]
    if cause is not None:
        lines += [Text(), Text(cause.means)]
    if finding.site is not None:
        lines += [Text(), Text(where(finding.site), style="dim"), Text(visible(finding.site.code, lines=False))]
    if finding.instead:
        lines += [Text("Write instead", style="underline"), Text(visible(finding.instead, lines=False), style="green")]
    if finding.evidence:
        lines += [Text(), Text("The numbers that show it", style="underline")]
    for name, value in finding.evidence.items():
        term = find(name)
        shown = visible(name, lines=False).replace("_", " ")
        entry = Text.assemble((f"{shown} ", "bold"), (written(as_number(value), ".4g"), "bold cyan"))
        if term is not None:
            entry.append(f"  {term.what} Normal: {term.normal}", style="dim")
        lines.append(entry)
    if cause is not None:
        lines += [Text(), Text(f"Read more: {cause.reference}", style="italic")]
    return Text("\n").join(lines)


def remedy(finding: Finding, settings: Settings) -> tuple[str, bool]:
    """The label of the button, and whether it can be pressed."""
    trial = finding.trial
    if trial is None:
        return "no knob tests this", False
    try:
        knob = setting(trial.knob)
    except (KeyError, UserError):
        return f"there is no knob {visible(trial.knob, lines=False)}", False
    value = visible(trial.value, lines=False)
    if finding.until_update is not None:
        return f"it has ended; to test it: {trial.knob} {value}", False
    if not knob.knob:
        return f"{trial.knob} cannot change while training: use {knob.option} {value} in another run", False
    now = settings.write(trial.knob)
    if now == value:
        return f"{trial.knob} is {value} already", False
    return f"try it (t): {trial.knob} {now} → {value}", True


def as_idea(finding: Finding, settings: Settings) -> Idea | None:
    """The change that would test a finding, as an idea to race; None if no race can test it."""
    trial = finding.trial
    if trial is None:
        return None
    try:
        vary = f"{trial.knob}={settings.write(trial.knob)},{trial.value}"
        Plan(settings=settings, variants=grid(axes(vary)))
    except (UserError, AttributeError):
        return None
    return Idea(f"{finding.cause}: {trial.knob} {trial.value} does better", finding.says[:500], vary, Verdict.BETTER)


def _found(finding: Finding) -> str:
    return f"found at update {finding.found_update:,}"
