"""Makes the texts that have a name: `python data/prepare.py` writes them beside this file.

It is also the hook that puts Shakespeare's plays into a wheel when one is built, so that an installed program needs no
connection and no pip to find them.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent
sys.path.insert(0, str(DATA.parent))

from engine.errors import UserError  # noqa: E402
from engine.text import made  # noqa: E402 - the checkout has to be found first
from engine.text.made import shakespeare  # noqa: E402

try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ModuleNotFoundError:  # only where a wheel is built
    BuildHookInterface = object


def tell(what: str, share: float) -> None:
    """Say how far it is, each time over what was said before, until something is done."""
    print(f"\r{share:4.0%}  {what:<40}", file=sys.stderr, end="\n" if share == 1 else "", flush=True)


class PlaysInWheel(BuildHookInterface):  # type: ignore[misc,unused-ignore]
    """Builds the plays and includes them in a wheel; an editable installation finds them in `data/` later."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatchling before a wheel is put together."""
        if version == "standard":
            place = shakespeare.find(tell)
            build_data["force_include"][str(place)] = f"engine/text/made/{shakespeare.NAME}"


def main() -> None:
    """Write every text into this folder."""
    for name in reversed(made.NAMES):  # the plays last: they may need a connection
        found = made.find(name, tell)
        if isinstance(found, bytes):
            (DATA / name).write_bytes(found)
            tell(f"wrote {name}", 1.0)


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        sys.exit(f"\n{error}")
