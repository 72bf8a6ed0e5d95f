"""Draws the documentation's pictures from the real console, with trainings that are made up: `make pictures`."""

from __future__ import annotations

from tests.tui.doc_pictures import FOLDER, PICTURES, drawn

if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, picture in PICTURES.items():
        path = FOLDER / f"{name}.svg"
        path.write_text(drawn(picture), encoding="utf-8")
        print(f"wrote {path}")
