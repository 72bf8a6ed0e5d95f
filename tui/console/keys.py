"""Every key in one table: footer, help and command palette are made from it."""

from __future__ import annotations

from dataclasses import dataclass

from textual.binding import Binding


@dataclass(frozen=True, slots=True)
class Key:
    """A key and what it does.

    Attributes:
        id: names the binding, for a user's own keymap.
        keys: Textual's names of the keys, with commas between.
        action: the console's action.
        label: a word or two for the footer.
        help: a sentence for the help screen and the command palette.
        group: the heading it stands under in the help.
        display: how the key is written.
        in_footer: whether the footer has room for it.
    """

    id: str
    keys: str
    action: str
    label: str
    help: str
    group: str
    display: str
    in_footer: bool = False

    def binding(self) -> Binding:
        """The same for Textual."""
        return Binding(
            self.keys,
            self.action,
            self.label,
            show=self.in_footer,
            key_display=self.display,
            tooltip=self.help,
            id=self.id,
        )


RUN, KNOBS, LOOK, IDEAS, PROGRAM = "Training", "Hyperparameters", "What is shown", "Ideas and runs", "Program"

KEYS = (
    Key("pause", "space", "pause", "Pause", "Pause, or go on.", RUN, "spc", True),
    Key("bptt-down", "b", "step('bptt', -1)", "bptt−", "Shorter windows between two updates.", KNOBS, "b", True),
    Key("bptt-up", "B", "step('bptt', 1)", "bptt+", "Longer windows between two updates.", KNOBS, "B", True),
    Key("clip", "c", "clip", "Clip", "Clipping on or off.", KNOBS, "c", True),
    Key("lr-down", "l", "step('lr', -1)", "lr−", "A lower learning rate.", KNOBS, "l", True),
    Key("lr-up", "L", "step('lr', 1)", "lr+", "A higher learning rate.", KNOBS, "L", True),
    Key("edit", "e", "edit", "Edit", "Give any hyperparameter an exact value.", KNOBS, "e"),
    Key(
        "undo", "u", "undo", "Undo", "Back to the state before the last change, or before the trouble.", RUN, "u", True
    ),
    Key("save", "s", "save", "Save", "Write a checkpoint that stays.", RUN, "s"),
    Key("hypothesis", "h", "hypothesis", "Idea", "Write a hypothesis down.", IDEAS, "h", True),
    Key("race", "r", "race", "Race", "Race two values of a setting, or what tests a hypothesis.", IDEAS, "r", True),
    Key("help", "question_mark", "help", "Help", "These keys.", PROGRAM, "?", True),
    Key("quit", "q", "leave", "Quit", "Save everything and leave.", PROGRAM, "q", True),
    Key("step", "n", "one_update", "Single update", "Make one update, then pause.", RUN, "n"),
    Key("evaluate", "v", "evaluate", "Validate", "Measure the validation loss now.", RUN, "v"),
    Key("cool-down", "o", "cool_down", "Cool-down", "Let the rate fall to its floor; again: back up.", RUN, "o"),
    Key("sample", "g", "sample", "Sample", "Begin a new sample now.", RUN, "g"),
    Key("clip-down", "left_square_bracket", "step('clip', -1)", "Clip−", "Clip at a smaller bound.", KNOBS, "["),
    Key("clip-up", "right_square_bracket", "step('clip', 1)", "Clip+", "Clip at a larger bound.", KNOBS, "]"),
    Key("clip-by", "k", "step('clip_by', 1)", "Clip by", "Clip by norm or by value.", KNOBS, "k"),
    Key("targets", "a", "step('targets', 1)", "Targets", "Loss over all characters or the last one.", KNOBS, "a"),
    Key("dropout-down", "d", "step('dropout', -1)", "Dropout−", "Less dropout.", KNOBS, "d"),
    Key("dropout-up", "D", "step('dropout', 1)", "Dropout+", "More dropout.", KNOBS, "D"),
    Key("decay-down", "w", "step('weight_decay', -1)", "Decay−", "Less weight decay.", KNOBS, "w"),
    Key("decay-up", "W", "step('weight_decay', 1)", "Decay+", "More weight decay.", KNOBS, "W"),
    Key("colder", "t", "step('temperature', -1)", "Colder", "Samples drawn more carefully.", KNOBS, "t"),
    Key("warmer", "T", "step('temperature', 1)", "Warmer", "Samples drawn more boldly.", KNOBS, "T"),
    Key("conclude", "H", "conclude", "Conclude", "Say what became of a hypothesis.", IDEAS, "H"),
    Key("fork", "Y", "fork", "Fork", "Go on in a new run that has this one's past.", IDEAS, "Y"),
    Key("runs", "p", "runs", "Runs", "The lab's runs: lay some over this one, or compare them.", IDEAS, "p"),
    Key("log-scale", "x", "log_scale", "Log scale", "Loss on a linear or a logarithmic axis.", LOOK, "x"),
    Key("part", "z", "part", "Whole/part", "The whole run, or its last part.", LOOK, "z"),
    Key("zoom-in", "plus,equals_sign", "zoom(0.5)", "Zoom in", "A shorter last part.", LOOK, "+"),
    Key("zoom-out", "minus", "zoom(2)", "Zoom out", "A longer last part.", LOOK, "-"),
    Key("maximise", "f", "maximise", "Maximise", "The focused pane alone; again: all of them.", LOOK, "f"),
    Key("pane-1", "1", "maximise('loss')", "Loss", "The loss alone; again: all panes.", LOOK, "1"),
    Key("pane-2", "2", "maximise('gradient')", "Gradient", "The gradient alone; again: all panes.", LOOK, "2"),
    Key("pane-3", "3", "maximise('log')", "Hypotheses", "Hypotheses and log alone; again: all panes.", LOOK, "3"),
    Key("pane-4", "4", "maximise('sample')", "Sample", "The sample alone; again: all panes.", LOOK, "4"),
    Key("pane-5", "5", "maximise('by-lag')", "By lag", "How far back the gradient reaches; again: all.", LOOK, "5"),
    Key("pane-6", "6", "maximise('matrices')", "Matrices", "The weight matrices; again: all panes.", LOOK, "6"),
    Key("sort-left", "comma", "sort(-1)", "Sort ‹", "Sort the matrices by the column to the left.", LOOK, ","),
    Key("sort-right", "full_stop", "sort(1)", "Sort ›", "Sort the matrices by the column to the right.", LOOK, "."),
    Key("pane-7", "7", "maximise('reading')", "Reading", "What is read, and how well; again: all panes.", LOOK, "7"),
    Key("pane-8", "8", "maximise('instruments')", "Instruments", "What measures, and when; again: all.", LOOK, "8"),
    Key("pane-9", "9", "maximise('races')", "Races", "Races, their curves and verdicts; again: all panes.", LOOK, "9"),
    Key("stop-race", "R", "stop_race", "Stop race", "Stop a race; what was finished is kept.", IDEAS, "R"),
    Key("findings", "F", "findings", "Findings", "What is wrong, why, and what to try.", IDEAS, "F"),
    Key("autopsy", "A", "autopsy", "Autopsy", "Why the loss climbed: replay it, one change at a time.", IDEAS, "A"),
    Key("sharpness", "S", "measure('sharpness')", "Sharpness", "Measure how curved the loss is.", RUN, "S"),
    Key("glossary", "i", "glossary", "Glossary", "What the numbers mean, and what is normal.", PROGRAM, "i"),
    Key("theme", "y", "theme", "Theme", "The next theme: dark, light, the terminal's own colours.", LOOK, "y"),
    Key("interrupt", "ctrl+c", "leave", "Quit", "The same as q.", PROGRAM, "ctrl+c"),
    Key("palette", "ctrl+p", "app.command_palette", "Palette", "Find a command by its name.", PROGRAM, "ctrl+p"),
)

GROUPS = (RUN, KNOBS, IDEAS, LOOK, PROGRAM)
