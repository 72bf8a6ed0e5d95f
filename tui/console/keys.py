"""Every key in one table: footer, help and command palette are made from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Protocol, runtime_checkable

from textual.binding import Binding
from textual.keys import REPLACED_KEYS, _character_to_key, format_key, key_to_character


class Group(StrEnum):
    """The headings of the help, in its order."""

    RUN = "Training"
    KNOBS = "Hyperparameters"
    IDEAS = "Ideas and runs"
    LOOK = "What is shown"
    PROGRAM = "Program"


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A key and what it does.

    Attributes:
        id: names the binding, for a user's own keymap.
        keys: Textual's names of the keys, with commas between.
        display: how the key is written, where that differs from Textual's name.
        action: an action of the main screen, or of the application.
        group: the heading of the help under which it stands.
        rank: its place among the keys that the footer shows as far as there is room, 1 first; 0 for never.
        in_programs: whether it does anything where the training is a program's own.
        label: a word or two for the footer.
        help: a sentence for the help screen and the command palette.
    """

    id: str
    keys: str
    display: str = ""
    action: str
    group: Group
    rank: int = 0
    in_programs: bool = True
    label: str
    help: str

    @property
    def shown(self) -> str:
        """How the key is written."""
        return self.display or format_key(self.keys.split(",")[0])

    def binding(self) -> Binding:
        """The key as Textual's binding."""
        return Binding(
            self.keys,
            self.action,
            self.label,
            show=self.rank > 0,
            key_display=self.shown,
            tooltip=self.help,
            id=self.id,
        )


# A row's first line says what the key does, and its second line what the user reads.
# fmt: off
KEYS = (
    Key(id="pause", keys="space", display="spc", action="pause", group=Group.RUN, rank=1,
        label="Pause", help="Pause, or go on."),
    Key(id="bptt-down", keys="b", action="step('bptt', -1)", group=Group.KNOBS, rank=13,
        label="bptt−", help="Shorter windows between two updates."),
    Key(id="bptt-up", keys="B", action="step('bptt', 1)", group=Group.KNOBS, rank=14,
        in_programs=False, label="bptt+", help="Longer windows between two updates."),
    Key(id="clip", keys="c", action="clip", group=Group.KNOBS, rank=10,
        label="Clip", help="Clipping on or off."),
    Key(id="lr-down", keys="l", action="step('lr', -1)", group=Group.KNOBS, rank=11,
        label="lr−", help="A lower learning rate."),
    Key(id="lr-up", keys="L", action="step('lr', 1)", group=Group.KNOBS, rank=12,
        label="lr+", help="A higher learning rate."),
    Key(id="edit", keys="e", action="open('edit')", group=Group.KNOBS, rank=6,
        label="Edit", help="Give any hyperparameter an exact value."),
    Key(id="undo", keys="u", action="send('undo')", group=Group.RUN, rank=4,
        label="Undo", help="Back to the state before the last change, or before the trouble."),
    Key(id="save", keys="s", action="send('save')", group=Group.RUN, rank=18,
        label="Save", help="Write a checkpoint that stays."),
    Key(id="hypothesis", keys="h", action="open('hypothesis')", group=Group.IDEAS, rank=7,
        label="Idea", help="Write a hypothesis down."),
    Key(id="race", keys="r", action="open('race')", group=Group.IDEAS, rank=8,
        in_programs=False, label="Race", help="Race two values of a setting, or what tests a hypothesis."),
    Key(id="help", keys="question_mark", display="?", action="open('help')", group=Group.PROGRAM, rank=2,
        label="Help", help="These keys."),
    Key(id="quit", keys="q", action="leave", group=Group.PROGRAM, rank=3,
        label="Quit", help="Save everything and leave."),
    Key(id="step", keys="n", action="send('update')", group=Group.RUN,
        label="Single update", help="Make one update, then pause."),
    Key(id="evaluate", keys="v", action="send('evaluate')", group=Group.RUN,
        in_programs=False, label="Validate", help="Measure the validation loss now."),
    Key(id="cool-down", keys="o", action="send('cool-down')", group=Group.RUN,
        in_programs=False, label="Cool-down", help="Let the learning rate fall to its floor; again: back up."),
    Key(id="write", keys="g", action="open('write')", group=Group.RUN, rank=20,
        in_programs=False, label="Write", help="Have it go on from your words; see what else it might have written."),
    Key(id="clip-down", keys="left_square_bracket", display="[", action="step('clip', -1)", group=Group.KNOBS,
        label="Clip−", help="Clip at a smaller bound."),
    Key(id="clip-up", keys="right_square_bracket", display="]", action="step('clip', 1)", group=Group.KNOBS,
        label="Clip+", help="Clip at a larger bound."),
    Key(id="clip-by", keys="k", action="step('clip_by', 1)", group=Group.KNOBS,
        in_programs=False, label="Clip by", help="Clip by norm or by value."),
    Key(id="targets", keys="a", action="step('targets', 1)", group=Group.KNOBS,
        in_programs=False, label="Targets", help="Loss over all characters or the last one."),
    Key(id="dropout-down", keys="d", action="step('dropout', -1)", group=Group.KNOBS,
        in_programs=False, label="Dropout−", help="Less dropout."),
    Key(id="dropout-up", keys="D", action="step('dropout', 1)", group=Group.KNOBS,
        in_programs=False, label="Dropout+", help="More dropout."),
    Key(id="decay-down", keys="w", action="step('weight_decay', -1)", group=Group.KNOBS,
        label="Decay−", help="Less weight decay."),
    Key(id="decay-up", keys="W", action="step('weight_decay', 1)", group=Group.KNOBS,
        label="Decay+", help="More weight decay."),
    Key(id="try", keys="t", action="open('try')", group=Group.IDEAS, rank=5,
        label="Try", help="Try what the gravest finding proposes; u takes it back."),
    Key(id="colder", keys="m", action="step('temperature', -1)", group=Group.KNOBS,
        in_programs=False, label="Colder", help="Lower temperature: samples drawn more carefully."),
    Key(id="warmer", keys="M", action="step('temperature', 1)", group=Group.KNOBS,
        in_programs=False, label="Warmer", help="Higher temperature: samples drawn more boldly."),
    Key(id="conclude", keys="H", action="open('conclude')", group=Group.IDEAS,
        label="Conclude", help="Conclude a hypothesis: its status, and your words."),
    Key(id="fork", keys="Y", action="send('fork')", group=Group.IDEAS,
        in_programs=False, label="Fork", help="Continue in a new run that has this one's past."),
    Key(id="runs", keys="p", action="open('runs')", group=Group.IDEAS, rank=15,
        label="Runs", help="The lab's runs: the best, laid over this, compared."),
    Key(id="log-scale", keys="x", action="log_scale", group=Group.LOOK,
        label="Log scale", help="Loss on a linear or a logarithmic axis."),
    Key(id="part", keys="z", action="part", group=Group.LOOK,
        label="Whole/part", help="The whole run, or its last part."),
    Key(id="zoom-in", keys="plus,equals_sign", display="+", action="zoom(0.5)", group=Group.LOOK,
        label="Zoom in", help="A shorter last part."),
    Key(id="zoom-out", keys="minus", display="-", action="zoom(2)", group=Group.LOOK,
        label="Zoom out", help="A longer last part."),
    Key(id="cursor-left", keys="left", display="←", action="cursor(-1)", group=Group.LOOK,
        label="Cursor ←", help="A cursor on the loss, with the values under it."),
    Key(id="cursor-right", keys="right", display="→", action="cursor(1)", group=Group.LOOK,
        label="Cursor →", help="The cursor to the right; past the end it goes."),
    Key(id="cursor-far-left", keys="shift+left", display="shift+←", action="cursor(-10)", group=Group.LOOK,
        label="Cursor ←←", help="The cursor ten columns to the left."),
    Key(id="cursor-far-right", keys="shift+right", display="shift+→", action="cursor(10)", group=Group.LOOK,
        label="Cursor →→", help="The cursor ten columns to the right."),
    Key(id="maximise", keys="f", action="maximise", group=Group.LOOK, rank=19,
        label="Maximise", help="The focused pane alone; again: all of them."),
    Key(id="pane-1", keys="1", action="maximise('loss')", group=Group.LOOK,
        label="Loss", help="The loss alone; again: all panes."),
    Key(id="pane-2", keys="2", action="maximise('gradient')", group=Group.LOOK,
        label="Gradient", help="The gradient alone; again: all panes."),
    Key(id="pane-3", keys="3", action="maximise('log')", group=Group.LOOK,
        label="Hypotheses", help="Hypotheses and log alone; again: all panes."),
    Key(id="tab", keys="j", action="change_tab", group=Group.LOOK, rank=16,
        label="Log", help="Hypotheses, or the log of what happened."),
    Key(id="pane-4", keys="4", action="maximise('sample')", group=Group.LOOK,
        label="Sample", help="The sample alone; again: all panes."),
    Key(id="pane-5", keys="5", action="maximise('by-lag')", group=Group.LOOK,
        label="By lag", help="How far back the gradient reaches: does it vanish?"),
    Key(id="pane-6", keys="6", action="maximise('matrices')", group=Group.LOOK,
        label="Matrices", help="The weight matrices: gradients, upd/w; again: all."),
    Key(id="sort-left", keys="comma", display=",", action="sort(-1)", group=Group.LOOK,
        label="Sort ‹", help="Sort the matrices by the column to the left."),
    Key(id="sort-right", keys="full_stop", display=".", action="sort(1)", group=Group.LOOK,
        label="Sort ›", help="Sort the matrices by the column to the right."),
    Key(id="pane-7", keys="7", action="maximise('reading')", group=Group.LOOK,
        in_programs=False, label="Reading", help="What is read, and how well; again: all panes."),
    Key(id="pane-8", keys="8", action="maximise('instruments')", group=Group.LOOK,
        label="Instruments", help="The instruments, and when they measure; again: all."),
    Key(id="pane-9", keys="9", action="maximise('races')", group=Group.LOOK,
        in_programs=False, label="Races", help="Races, their curves and verdicts; again: all panes."),
    Key(id="stop-race", keys="R", action="open('stop-race')", group=Group.IDEAS,
        in_programs=False, label="Stop race", help="Stop a race; finished work is kept."),
    Key(id="findings", keys="F", action="open('findings')", group=Group.IDEAS, rank=17,
        label="Findings", help="What is wrong, why, and what to try."),
    Key(id="autopsy", keys="A", action="open('autopsy')", group=Group.IDEAS,
        in_programs=False, label="Autopsy", help="Why the loss climbed: replay it, one change at a time."),
    Key(id="sharpness", keys="S", action="send('sharpness')", group=Group.RUN,
        in_programs=False, label="Sharpness", help="Measure how curved the loss is."),
    Key(id="glossary", keys="i", action="open('glossary')", group=Group.PROGRAM, rank=21,
        label="Glossary", help="What the numbers mean, and what is normal."),
    Key(id="jump", keys="semicolon", display=";", action="open('jump')", group=Group.LOOK,
        label="Jump", help="A number on each pane: its key goes there, and f enlarges it."),
    Key(id="layout", keys="V", action="layout", group=Group.LOOK,
        label="Layout", help="Other panes together: for training, diagnosis, reading."),
    Key(id="theme", keys="y", action="theme", group=Group.LOOK,
        label="Theme", help="The next theme: dark, light, for colour-blind eyes, the terminal's."),
    Key(id="leave-running", keys="Q", action="leave_running", group=Group.PROGRAM, rank=9,
        label="Leave running", help="Leave it running in the background; attach returns."),
    Key(id="suspend", keys="ctrl+z", action="suspend", group=Group.PROGRAM,
        label="Suspend", help="Back to the shell until fg; the training waits."),
    Key(id="interrupt", keys="ctrl+c", action="leave", group=Group.PROGRAM,
        label="Quit", help="The same as q."),
    Key(id="palette", keys="ctrl+p", action="app.command_palette", group=Group.PROGRAM,
        label="Palette", help="Find a command by its name."),
)
# fmt: on


WITHOUT_CHARACTER = (
    *("space", "enter", "backspace", "delete", "insert", "left", "right", "shift+left", "shift+right"),
    *(f"f{number}" for number in range(1, 13)),
)
"""Keys without a character that an action may have. Tab, escape and the other arrows move between panes and within."""

WITH_CONTROL = frozenset("abcdefghjklnoprstuvwxyz")
"""Letters that an action may have with ctrl: terminals send tab for i and enter for m, and Textual leaves by q."""


@runtime_checkable
class HasKeys(Protocol):
    """A screen whose keys may be a user's own."""

    keys: tuple[Key, ...]


def key_named(written: str) -> str | None:
    """Textual's name of a key that a user has written, such as `?` or `ctrl+t`; None where no action may have it."""
    if written == " " or written in WITHOUT_CHARACTER:
        return "space" if written == " " else written
    if written.startswith("ctrl+"):
        return written if written[len("ctrl+") :] in WITH_CONTROL else None
    character = written if len(written) == 1 else key_to_character(REPLACED_KEYS.get(written, written))
    if character is None or len(character) != 1 or not character.isprintable() or character.isspace():
        return None
    return _character_to_key(character)


def rekeyed(keys: Iterable[Key], keymap: Mapping[str, str]) -> tuple[Key, ...]:
    """The same table with other keys for the actions whose ids are in `keymap`."""
    return tuple(replace(key, keys=keymap[key.id], display="") if key.id in keymap else key for key in keys)


def moved(keys: Iterable[Key], own: Iterable[Key]) -> dict[str, str]:
    """By the name of each key whose action has another key in a user's `own` table: the name of that one."""
    pairs = [(key, mine) for key, mine in zip(keys, own, strict=True) if key.keys != mine.keys]
    return {name: mine.shown for key, mine in pairs for name in (*key.keys.split(","), key.shown)}
