"""The command line."""

from __future__ import annotations

import signal
import sys
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from engine.errors import UserError
from engine.session.job import ForkedRun, Resumption
from engine.settings import Number, setting
from engine.text import made
from tui.command_line import options
from tui.command_line.defaults import Defaults, read_defaults
from tui.command_line.job import job, new_run
from tui.export.targets import TARGETS
from tui.preferences.preferences import user_file
from tui.terminal import assume_simple_terminal, complain, let_go_of_stdout, need_terminal, open_standard_streams

if TYPE_CHECKING:
    from tui.preferences.notifications import Wishes

EXAMPLES = f"""
\b
Examples:
  charrnn-tui shakespeare.txt                   train on Shakespeare and watch
  charrnn-tui notes.txt --cell gru --bptt 10-40 another cell, random window lengths
  charrnn-tui train notes.txt --seconds 60      the same without the console
  charrnn-tui serve notes.txt                   the same in a browser
  charrnn-tui resume notes-1                    continue where a run stopped
  charrnn-tui fork notes-1 --set lr=0.001       a new run from there, with another learning rate
  charrnn-tui sample notes-1 --chars 500        let it write
  charrnn-tui evaluate notes-1                  its loss over the held-out text
  charrnn-tui learnt notes-1                    which names and words it knows, what units follow
  charrnn-tui runs                              what has been trained here
  charrnn-tui diagnose notes-1                  why a run goes wrong
  charrnn-tui race notes.txt --vary clip=1,off  which is better, and how sure is that
  charrnn-tui export notes-1 --to report        an HTML page to share
  charrnn-tui autopsy notes-1                   why its loss climbed
  charrnn-tui ask clipping notes.txt            is clipping helping? an experiment tells
  charrnn-tui config                            settings that stay, and where each comes from

\b
TEXT is a file, - for standard input, or the name of a built-in text:
{", ".join(made.NAMES)}.
Exit code: 0 done and saved; 1 an update was not finite, or `doctor` or
`bench` misses something; 2 the input has to be corrected first, or something
could not be saved; 128 + n ended by signal n, and saved.
What --json prints: docs/json.md in the source.
Completion: eval "$(_CHARRNN_TUI_COMPLETE=bash_source charrnn-tui)"
(zsh_source and fish_source likewise).
"""

JSON_LINES = "Print one JSON object per line."


IN_SPITE = ("config", "doctor")
"""Commands that run in spite of a mistake in a settings file, and show it."""


class _Command(click.Command):
    """A command that takes no value from a settings file in which something is wrong."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; raises UserError where a settings file has to be corrected first."""
        defaults = ctx.find_object(Defaults)
        if defaults is not None and defaults.problems and self.name not in IN_SPITE:
            raise UserError(defaults.problems[0])
        return super().invoke(ctx)


class _TextFirst(click.Group):
    """A group whose first word may be a text: `charrnn-tui TEXT` opens the console."""

    command_class = _Command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.obj = read_defaults(self.commands["train"])
        ctx.default_map = ctx.obj.by_command(self.commands)
        if args and args[0] not in self.commands and args[0] not in ("--help", "-h", "--version"):
            if not ctx.resilient_parsing:
                self._check_word(*args)
            args = ["console", *args]
        return super().parse_args(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        commands = super().shell_complete(ctx, incomplete)
        return commands if incomplete.startswith("-") else options.complete_text(incomplete, commands)

    def _check_word(self, word: str, *more: str) -> None:
        """Raise UserError where the first word is no text and no option, but looks like a command."""
        if word.startswith("-") or word in made.NAMES or Path(word).exists():
            return
        nearest = get_close_matches(word, self.commands, 1)
        if nearest:
            raise UserError(
                f"there is no command {word}, and no text of that name: did you mean `charrnn-tui {nearest[0]}`?"
            )
        if more and not more[0].startswith("-"):
            raise UserError(f"there is no command {word}, and no text of that name: see `charrnn-tui --help`")


@click.group(
    cls=_TextFirst, epilog=EXAMPLES, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110}
)
@click.version_option(package_name="charrnn-tui", prog_name="charrnn-tui")
def cli() -> None:
    """Train a character-level recurrent network in the terminal, and see why it goes wrong.

    `charrnn-tui TEXT` opens the console and trains; `charrnn-tui console --help` lists its options.
    """


@cli.command()
@click.argument("text", type=options.TextName())
@options.training
@options.session
def console(text: str, preset: str, name: str | None, lab: Path, **given: Any) -> int:
    """Open the console on TEXT and train. The word `console` may be left out."""
    need_terminal("charrnn-tui train", keyboard=text != "-")
    task = job(new_run(text, preset, name, given), lab, given, interactive=True)

    from tui.command_line.console import open_console

    return open_console(task, given["notify"])


@cli.command()
def tour() -> int:
    """Learn the console in a minute, on a training that goes wrong on purpose."""
    need_terminal("charrnn-tui --help", keyboard=True)
    from tui.command_line.tour import tour

    return tour()


@cli.command()
@click.argument("text", type=options.TextName())
@options.training
@options.session
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per line instead of a progress bar.")
def train(text: str, preset: str, name: str | None, lab: Path, as_json: bool, **given: Any) -> int:
    """Train on TEXT without the console, to the end of a budget or until interrupted."""
    from tui.command_line.train import train

    task = job(new_run(text, preset, name, given), lab, given, interactive=False)
    return train(task, given["notify"], as_json=as_json)


@cli.command()
@click.argument("run", type=options.RunName(files=True), metavar="RUN|FILE")
@options.going_on
@options.session
def resume(run: str, headless: bool, as_json: bool, text: str | None, lab: Path, **given: Any) -> int:
    """Continue a run exactly where it stopped; from any other checkpoint FILE, begin a new run with its past."""
    from tui.command_line.resume import go_on

    task = Resumption(run, text, options.given_settings(given))
    return go_on("resume", task, lab, given, headless=headless, as_json=as_json)


@cli.command()
@click.argument("run", type=options.RunName(files=True), metavar="RUN|FILE")
@options.forking
@options.going_on
@options.session
def fork(
    run: str,
    knobs: tuple[str, ...],
    name: str | None,
    headless: bool,
    as_json: bool,
    text: str | None,
    lab: Path,
    **given: Any,
) -> int:
    """Begin a new run from the state of RUN, or from any checkpoint FILE of a run, with its past; RUN stays as it is.

    Without --set, the new run makes the same updates as RUN would, bit for bit.
    """
    from tui.command_line.resume import go_on

    task = ForkedRun(run, text, options.given_settings(given), name, options.read_knobs(knobs))
    return go_on("fork", task, lab, given, headless=headless, as_json=as_json)


@cli.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("script", type=click.Path())
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.option("--headless", is_flag=True, help="Without the console: tell on standard error what is seen.")
@click.option("--json", "as_json", is_flag=True, help="Without the console: print one JSON object per line.")
@options.notify
@options.lab
def watch(script: str, arguments: tuple[str, ...], headless: bool, as_json: bool, notify: Wishes, lab: Path) -> int:
    """Run SCRIPT, a training loop of your own, as `python SCRIPT ARGUMENTS` would, with the console beside it.

    What it prints stands in the console. Leaving the console does not end it: `charrnn-tui attach` comes back.
    """
    if not (headless or as_json):
        need_terminal("charrnn-tui watch --headless", keyboard=True)
    from tui.command_line.watch import watch

    return watch(script, arguments, lab, notify, headless=headless, as_json=as_json)


@cli.command()
@click.argument("run", type=options.RunName(files=False), required=False)
@options.notify
@options.lab
def attach(run: str | None, notify: Wishes, lab: Path) -> int:
    """Open the console on a program that is watched: on RUN, or else on the newest that runs, or the next to begin."""
    need_terminal("charrnn-tui runs", keyboard=True)
    from tui.command_line.attach import attach

    return attach(run, lab, notify)


@cli.command()
@click.argument("text", type=options.TextName(), required=False, metavar="[TEXT|RUN]")
@click.option("--host", default="127.0.0.1", show_default=True, metavar="HOST", help="The address to listen on.")
@options.value("--port", Number(0, 65_535, whole=True), 8000, "The port to listen on; 0 for any that is free.")
@click.option(
    "--token",
    envvar="CHARRNN_TUI_TOKEN",
    show_envvar=True,
    metavar="TOKEN",
    help="The secret in the page's address; a new one by default.",
)
@options.training
@options.session
def serve(
    text: str | None,
    host: str,
    port: int,
    token: str | None,
    preset: str,
    name: str | None,
    lab: Path,
    **given: Any,
) -> int:
    """Show the console in a browser: a training on TEXT, or RUN, which is resumed.

    The first page trains, others look on; closing it saves the training, and the next page resumes it. Without TEXT,
    each page shows what is being trained in the lab, as `attach` does.
    """
    from tui.command_line.serve import serve

    return serve(text, lab, given, preset=preset, name=name, host=host, port=port, token=token)


@cli.command()
@click.argument("file", type=options.RunName(files=True), metavar="RUN|FILE")
@options.sampling
@options.lab
def sample(file: str, chars: int, prime: str, seed: int, lab: Path, **taste: Any) -> int:
    """Write text from a checkpoint, or from a run's newest one."""
    from engine.network.sampling import Taste
    from tui.command_line.sample import sample

    if warning := setting("temperature").warning(taste["temperature"]):
        complain(warning)
    return sample(file, lab, chars=chars, taste=Taste(**taste), prime=prime, seed=seed)


@cli.command()
@click.argument("file", type=options.RunName(files=True), metavar="RUN|FILE")
@click.option("--dynamic", is_flag=True, help="Also let the network go on learning from what it has read.")
@click.option("--text", type=options.TextName(), metavar="TEXT", help="Where the text is now, if it has moved.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of sentences.")
@options.lab
def evaluate(file: str, dynamic: bool, text: str | None, as_json: bool, lab: Path) -> int:
    """Read the whole held-out part of the text with a checkpoint's network, or with a run's newest one."""
    from tui.command_line.evaluate import evaluate

    return evaluate(file, lab, text, dynamic=dynamic, as_json=as_json)


@cli.command()
@click.argument("file", type=options.RunName(files=True), metavar="RUN|FILE")
@click.option("--text", type=options.TextName(), metavar="TEXT", help="Where the text is now, if it has moved.")
@click.option("--json", "as_json", is_flag=True, help=JSON_LINES)
@options.lab
def learnt(file: str, text: str | None, as_json: bool, lab: Path) -> int:
    """Show what a checkpoint's network has learnt, or a run's newest one: names, words, and what its units follow."""
    from tui.command_line.learnt import learnt

    return learnt(file, lab, text, as_json=as_json)


@cli.command()
@click.argument("run", type=options.RunName(files=False), required=False)
@click.option("--json", "as_json", is_flag=True, help=JSON_LINES)
@click.option("--all", "every", is_flag=True, help="List the runs that were made for questions too.")
@options.lab
def runs(run: str | None, as_json: bool, every: bool, lab: Path) -> int:
    """List the lab's runs, oldest first, or show one RUN with its changes."""
    from tui.command_line.runs import list_runs, show_run

    return list_runs(lab, as_json=as_json, every=every) if run is None else show_run(lab, run, as_json=as_json)


@cli.command()
@click.argument("run", type=options.RunName(files=False))
@click.option("--json", "as_json", is_flag=True, help=JSON_LINES)
@options.lab
def diagnose(run: str, as_json: bool, lab: Path) -> int:
    """Show what is wrong with RUN, and which change would test that."""
    from tui.command_line.diagnose import diagnose

    return diagnose(lab, run, as_json=as_json)


@cli.command()
@click.argument("text", type=options.TextName(), required=False)
@click.option(
    "--vary", multiple=True, metavar="KNOB=A,B", help="What differs between the variants; several make a grid."
)
@options.racing
@click.option("--anneal", is_flag=True, help="Let the rate fall to its floor over the budget, as `train` does.")
@click.option("--from", "origin", metavar="RUN|FILE", help="Start from this checkpoint, not from fresh networks.")
@click.option("--resume", "resumed", metavar="RACE", help="Continue an interrupted race, such as R3.")
@click.option(
    "--on", default="here", show_default=True, metavar="PLACE", help="Where to compute: here, ray, ray://HOST:PORT."
)
@options.value("--workers", Number(1, 1024, whole=True), None, "Trainings at once; one per processor by default.")
@click.option("--json", "as_json", is_flag=True, help=JSON_LINES)
@options.hyperparameters
@options.notify
@options.lab
def race(
    text: str | None,
    vary: tuple[str, ...],
    origin: str | None,
    resumed: str | None,
    on: str,
    workers: int | None,
    as_json: bool,
    notify: Wishes,
    lab: Path,
    **given: Any,
) -> int:
    """Train variants side by side on TEXT, over seeds, until it is known which is better, and by how much."""
    from engine.race.opening import NewRace
    from tui.command_line.race import race
    from tui.command_line.race_task import race_task

    task = race_task(text, vary, origin, resumed, lab, given)
    for warning in task.plan.warnings() if isinstance(task, NewRace) else ():
        complain(warning)
    return race(task, lab, notify, on=on, workers=workers, as_json=as_json)


@cli.command()
@click.argument("words", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help=JSON_LINES)
@options.lab
def hypotheses(words: tuple[str, ...], as_json: bool, lab: Path) -> int:
    """List the lab's hypotheses with their verdicts, oldest first; with WORDS, those that contain all of them."""
    from tui.command_line.hypotheses import list_hypotheses

    return list_hypotheses(lab, words, as_json=as_json)


@cli.command()
@click.argument("race", required=False)
@click.option("--json", "as_json", is_flag=True, help=JSON_LINES)
@options.lab
def races(race: str | None, as_json: bool, lab: Path) -> int:
    """List the lab's races, oldest first, or show one RACE with its verdict."""
    from tui.command_line.races import list_races, show_race

    return list_races(lab, as_json=as_json) if race is None else show_race(lab, race, as_json=as_json)


@cli.command()
@click.argument("run", type=options.RunName(files=False, races=True), metavar="RUN|RACE")
@options.export_target
@click.option(
    "--out",
    type=options.Folder(),
    metavar="FOLDER",
    help="The folder for the files; by default NAME-export/TARGET.",
)
@options.lab
def export(run: str, target: str, out: Path | None, lab: Path) -> int:
    """Export RUN, or RACE with all its runs, for other programs and for readers; print the path of each file.

    All files are written or none. Files of an earlier export of the same run or race are replaced. Where another file
    is in the way, or one that was changed since its export, that file stays as it is and nothing is written.
    """
    from tui.export.export import export

    return export(run, lab, TARGETS[target], out)


@cli.command()
@click.argument("run", type=options.RunName(files=False))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of a table.")
@click.option("--text", type=options.TextName(), metavar="TEXT", help="Where the text is now, if it has moved.")
@options.lab
def autopsy(run: str, as_json: bool, text: str | None, lab: Path) -> int:
    """Find out why the loss of RUN climbed: replay the state before it with one thing changed at a time."""
    from tui.command_line.autopsy import autopsy

    return autopsy(lab, run, text, as_json=as_json)


@cli.command()
@click.argument("question", type=options.QuestionName(), required=False)
@click.argument("text", type=options.TextName(), default="shakespeare.txt")
@options.asking
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per line: evidence, then the answer.")
@click.option("--all", "every_row", is_flag=True, help="Print all numbers of the evidence instead of the main ones.")
@options.notify
@options.lab
def ask(
    question: str | None, text: str, lab: Path, as_json: bool, every_row: bool, notify: Wishes, **given: Any
) -> int:
    """Answer QUESTION, or all, by an experiment on TEXT, in a minute each. Without QUESTION, list them."""
    from tui.command_line.ask import ask, list_questions

    if question is None:
        return list_questions(as_json=as_json)
    named = options.given_settings(given)
    for warning in filter(None, (setting(name).warning(value) for name, value in named.items())):
        complain(warning)
    content = sys.stdin.buffer.read() if text == "-" else None
    name = "stdin" if text == "-" else text
    return ask(question, name, content, named, lab, notify, as_json=as_json, every_row=every_row)


@cli.command()
@click.argument("text", type=options.TextName(), default="shakespeare.txt")
@options.hyperparameters
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per line instead of a table.")
@click.option("--no-console", is_flag=True, help="Leave out the cost of the console, which takes some minutes.")
@click.option("--only-cost", is_flag=True, help="Show what bounds an update of your network, and compare nothing.")
def bench(text: str, preset: str, as_json: bool, no_console: bool, only_cost: bool, **given: Any) -> int:
    """Show what bounds an update of your network, and compare the engine with the loops that people write.

    Both on this machine. Exit code 1 where a target is missed.
    """
    from tui.command_line.bench import bench

    settings = options.read_settings(preset, given)
    return bench(text, settings, as_json=as_json, with_rows=not only_cost, with_console=not (no_console or only_cost))


@cli.command()
@click.option("--json", "as_json", is_flag=True, help=JSON_LINES)
@click.option("--path", "only_path", is_flag=True, help="Print the path of your settings file, and nothing else.")
@click.pass_obj
def config(defaults: Defaults, as_json: bool, only_path: bool) -> int:
    """Show each setting that a settings file may have, its value, and where that comes from.

    Settings stand in charrnn.toml in the working directory and in a file of your own, which --path prints.
    """
    if only_path:
        print(user_file())
        return 0
    from tui.command_line.config import show

    return show(defaults, train, as_json=as_json)


@cli.command()
@options.lab
@click.pass_obj
def doctor(defaults: Defaults, lab: Path) -> int:
    """Show what this machine and terminal offer, and what is missing."""
    from tui.command_line.config import problems
    from tui.command_line.doctor import examine

    return examine(lab, problems(defaults))


def main() -> None:
    """Run `charrnn-tui`; end with exit code 2 and one line where the user has to correct something first."""
    open_standard_streams()
    assume_simple_terminal()
    code = _main(sys.argv[1:])
    try:
        sys.stdout.flush()
    except OSError:  # The terminal is gone, with what was to be shown there. Python would end with a code of its own.
        let_go_of_stdout()
    sys.exit(code)


def _main(arguments: list[str]) -> int:
    try:
        return cli.main(arguments, prog_name="charrnn-tui", standalone_mode=False) or 0
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return 2
    except click.ClickException as error:
        complain(error.format_message())
        return 2
    except UserError as error:
        complain(str(error))
        return 2
    except BrokenPipeError:
        let_go_of_stdout()
        return 0
    except OSError as error:
        complain(f"{error.filename or 'standard output'} failed: {error.strerror or error}")
        let_go_of_stdout()
        return 2
    except (click.Abort, KeyboardInterrupt):
        return 128 + signal.SIGINT
