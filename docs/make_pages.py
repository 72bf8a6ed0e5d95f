"""Writes the pages that come from the program's own tables: causes, commands, keys, numbers: `make pages`."""

from __future__ import annotations

from tests.docs.pages import FOLDER, PAGES

if __name__ == "__main__":
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page(), encoding="utf-8")
        print(f"wrote {FOLDER / name}")
