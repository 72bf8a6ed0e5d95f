"""Draws the README's picture from the real console, with a training that is made up: `make picture`."""

from __future__ import annotations

from tests.tui.readme_picture import PICTURE, drawn

if __name__ == "__main__":
    PICTURE.write_text(drawn(), encoding="utf-8")
    print(f"wrote {PICTURE}")
