"""Records the README's training in the real console, on a real training: `make recording`. Takes a minute or two."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.docs.recording import PATH, recorded

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as lab:
        PATH.write_text(recorded(Path(lab)), encoding="utf-8")
    print(f"wrote {PATH}: {PATH.stat().st_size:,} bytes")
