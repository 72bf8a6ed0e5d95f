"""The cost of a text of a gigabyte: `python -m tests.benchmarks.big_text [--bytes N]`.

Makes one of ASCII and one of mixed UTF-8, trains a little on each twice, and prints the seconds until the first update
and the peak memory, beside those of a small text.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click

from tui.words.shell_commands import COMMAND

ASCII = "abcdefghijklmnopqrstuvwxyz ,.;\n"
MIXED = ASCII + "äöüßéèñçαβγδεжзийкл中文字母語言🙂🚀"
BLOCK = 1 << 20


def write_text(path: Path, characters: str, size: int) -> None:
    """A text of about this many bytes, drawn from a few blocks, since drawing each character would take minutes."""
    draw = random.Random(0)
    blocks = ["".join(draw.choices(characters, k=BLOCK)).encode() for _ in range(8)]
    with path.open("wb") as file:
        while file.tell() < size:
            file.write(draw.choice(blocks))


def train(text: Path, lab: Path) -> tuple[float, float]:
    """Seconds until the first update, and the peak memory in MB."""
    command = [*COMMAND, "train", str(text), "--updates", "50", "--json", "--lab", str(lab)]
    begun, first = time.monotonic(), 0.0
    training = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert training.stdout is not None
    for event in map(json.loads, training.stdout):
        if event["event"] == "point" and not first:
            first = time.monotonic() - begun
    # Not `wait`: only this call tells the memory that the child has used.
    _, status, used = os.wait4(training.pid, 0)
    training.returncode = os.waitstatus_to_exitcode(status)
    if training.returncode:
        raise OSError(f"train ended with exit code {training.returncode}")
    unit = 1 if sys.platform == "darwin" else 1024
    return first, used.ru_maxrss * unit / 1e6


@click.command()
@click.option("--bytes", "size", default=1_000_000_000)
def main(size: int) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        lab = Path(folder) / "lab"
        for name, characters in (("ASCII", ASCII), ("mixed UTF-8", MIXED)):
            small, large = Path(folder) / "small.txt", Path(folder) / "large.txt"
            write_text(small, characters, BLOCK)
            write_text(large, characters, size)
            for text, which in ((small, "small"), (large, f"{large.stat().st_size / 1e9:.2f} GB")):
                for start in ("first", "second"):
                    seconds, megabytes = train(text, lab)
                    print(
                        f"{name}, {which}, {start} start: trains after {seconds:.1f} s, {megabytes:,.0f} MB", flush=True
                    )


if __name__ == "__main__":
    main()
