"""`charrnn-tui learnt`: the names and words that a network knows, and what its units follow."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from engine.learnt.learnt import Learnt, Lost, find_learnt
from engine.learnt.words import KnownWord, Standing
from tui.command_line.newest import newest, text_of
from tui.command_line.progress import progress
from tui.words.json_lines import line
from tui.words.prose import wrapped
from tui.words.safe_text import visible

SHOWN = 12
"""The most words of a kind that are named."""


def learnt(target: str, folder: Path, text: str | None, *, as_json: bool) -> int:
    """Print what the network of a checkpoint file, or of a run's newest checkpoint, knows; return the exit code."""
    found = newest(target, folder)
    origin, counters = found.origin, found.state.counters
    with progress() as tell:
        corpus = text_of(found, text, folder, tell)
        known = find_learnt(found, corpus, tell)
    if as_json:
        _print_json(origin.run, counters.updates, known)
    else:
        print(visible(f"{origin.run} at update {counters.updates:,}, on {corpus.name}", lines=False))
        _print("the training text", known.trained)
        _print("the held-out text", known.held_out)
        _print_units(known)
    return 0


def _print_json(run: str, update: int, known: Learnt) -> None:
    for split, words in (("training", known.trained), ("held_out", known.held_out)):
        for each in words:
            values = {**asdict(each), "standing": each.standing}
            print(line({"event": "word", "run": run, "update": update, "split": split, **values}))
    for followed in known.followed:
        lost = known.without.get(followed.name)
        without = None if lost is None else {**asdict(lost.rise), "before": lost.before, "at": lost.at}
        values = {**asdict(followed), "named": followed.named, "without": without}
        print(line({"event": "unit", "run": run, "update": update, **values}))


def _print(where: str, words: Sequence[KnownWord]) -> None:
    """Names, then other words, with how many are known and the most frequent of each standing."""
    for kind, some in (("names", [each for each in words if each.name]), ("words", [w for w in words if not w.name])):
        if not some:
            print(f"\nOf {where} no {kind} occur often enough to be judged.")
            continue
        by_standing = {standing: [each.word for each in some if each.standing is standing] for standing in Standing}
        print(f"\nIt knows {len(by_standing[Standing.KNOWN]):,} of the {len(some):,} {kind} of {where}:")
        for standing, found in by_standing.items():
            _print_some(standing, found)
        # Frequent words are known first: the next one is what is closest to it among those that are often read.
        if nearest := [each for each in some if each.standing is not Standing.KNOWN]:
            following = max(nearest, key=lambda each: each.count / max(each.share, 1e-9))
            print(visible(f"  next     {following.word}", lines=False))


def _print_some(standing: Standing, words: Sequence[str]) -> None:
    if not words:
        return
    more = f" and {len(words) - SHOWN:,} more" if len(words) > SHOWN else ""
    said = visible(f"  {standing:<8} {', '.join(words[:SHOWN])}{more}", lines=False)
    for row in wrapped(said.strip(), shutil.get_terminal_size().columns - 2, indent=9):
        print(f"  {row.plain}")


def _print_units(known: Learnt) -> None:
    """Each property with the unit that follows it, and what is lost without it; or how well all units tell it."""
    followed = known.followed
    if not followed:
        print("\nThe held-out text offers no property that units could be probed for.")
        return
    print("\nWhat units follow (shares told right, where the property holds and where it does not; guessing has 50 %):")
    width = max(len(each.name) for each in followed)
    for each in sorted(followed, key=lambda each: (not each.named, each.by_chance - each.accuracy)):
        unit = f"unit {each.unit} {each.accuracy:.0%}" if each.named else f"no single unit ({each.accuracy:.0%})"
        chance = f"by chance {each.by_chance:.0%}, all units together {each.linear:.0%}"
        print(visible(f"  {each.name:<{width}}  {unit:<20} {chance}", lines=False))
        if lost := known.without.get(each.name):
            print(visible(f"  {'':<{width}}  {_without(lost)}", lines=False))


def _without(lost: Lost) -> str:
    """The rise of the loss without a unit, where its property holds and elsewhere, and where it was needed most."""
    rise, where = lost.rise, repr(lost.before + lost.at)
    return (
        f"without it {rise.holds:+.3f} ± {rise.holds_error:.3f} nats where that holds, "
        f"{rise.elsewhere:+.3f} ± {rise.elsewhere_error:.3f} elsewhere, most at the end of {where}"
    )
