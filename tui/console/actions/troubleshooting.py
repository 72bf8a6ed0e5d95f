"""Keys that show what is wrong with the training, and try a remedy."""

from __future__ import annotations

from textual.screen import Screen

from engine.events import Idea, Trial
from engine.session.commands import Dissect, StopDissecting
from tui.console.actions.hyperparameters import Hyperparameters
from tui.console.actions.research import Research
from tui.console.conversation import Conversation
from tui.console.screens.autopsy import AutopsyDialog, last_of, under_way
from tui.console.screens.findings import FindingsDialog, remedy
from tui.words.findings import no_finding
from tui.words.severity import gravest_first


class Troubleshooting:
    """Opens the findings and the autopsy; a change that the user picks there is tried on the training, or raced."""

    def __init__(
        self,
        screen: Screen[None],
        conversation: Conversation,
        hyperparameters: Hyperparameters,
        research: Research,
    ) -> None:
        self._screen = screen
        self._conversation = conversation
        self._hyperparameters = hyperparameters
        self._research = research

    def findings(self) -> None:
        """Show what is wrong, and what to try."""
        snapshot = self._conversation.snapshot()
        if snapshot.findings:
            self._screen.app.push_screen(
                FindingsDialog(snapshot.findings, snapshot.settings, watched=snapshot.watched), self._found
            )
        else:
            self._conversation.say(f"{no_finding(snapshot.judgements, snapshot.update)} (8 tells which)")

    def try_it(self) -> None:
        """Try what the gravest finding proposes."""
        snapshot = self._conversation.snapshot()
        there = gravest_first(snapshot.findings)
        if not there:
            ended = "F shows the findings that have ended" if snapshot.findings else "r races an idea of yours"
            self._conversation.say(f"no finding is open, and so there is nothing to try; {ended}")
            return
        words, possible = remedy(there[0], snapshot.settings)
        if possible and there[0].trial is not None:
            self._hyperparameters.try_out(there[0].trial)
        else:
            self._conversation.say(f"{words}; F says more")

    def autopsy(self) -> None:
        """Begin an autopsy, or show the one that is under way or done."""
        snapshot = self._conversation.snapshot()
        if under_way(snapshot) is not None or last_of(snapshot) is not None:
            self.show_autopsy()
        else:
            self._conversation.send(Dissect())

    def show_autopsy(self) -> None:
        """Show the progress of the autopsy, or its report."""
        self._screen.app.push_screen(AutopsyDialog(self._conversation.snapshot), self._dissected)

    def _found(self, result: Trial | Idea | None) -> None:
        match result:
            case Trial():
                self._hyperparameters.try_out(result)
            case Idea():
                self._research.race(result)

    def _dissected(self, result: Trial | Dissect | StopDissecting | None) -> None:
        match result:
            case Trial():
                self._hyperparameters.try_out(result)
            case Dissect() | StopDissecting():
                self._conversation.send(result)
