"""Places in a program's own code, each looked at once."""

from __future__ import annotations

import linecache
import os
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FrameType

OURS = str(Path(__file__).parent) + os.sep


@dataclass(frozen=True, slots=True)
class Site:
    """A call in a program.

    Attributes:
        file, line: where it is.
        code: the line, without the space around it.
    """

    file: str
    line: int
    code: str


class Sites:
    """Finds the line of a program from which a function of torch was called."""

    def __init__(self) -> None:
        self._known: dict[tuple[CodeType, int], Site] = {}
        self._torch = ""

    def caller(self, within: CodeType | None = None) -> Site | None:
        """The nearest line outside of torch and of this package, on the way to where we are; None without one.

        Args:
            within: a function of the program. Where we come from it, the line is its.
        """
        frame = nearest = self._caller()
        while within is not None and frame is not None and frame.f_code is not within:
            frame = frame.f_back
        frame = frame or nearest
        return None if frame is None else self._site(frame)

    def outer(self) -> Site | None:
        """The line that has called the function which the nearest line is in; the nearest line of the main program."""
        frame = self._caller()
        if frame is not None and frame.f_code.co_name != "<module>":
            outer: FrameType | None = frame.f_back
            while outer is not None and self._is_inside(outer.f_code.co_filename):
                outer = outer.f_back
            frame = outer or frame
        return None if frame is None else self._site(frame)

    def code(self) -> CodeType | None:
        """The function that this line is in."""
        return None if (frame := self._caller()) is None else frame.f_code

    def _caller(self) -> FrameType | None:
        frame: FrameType | None = sys._getframe(2)
        while frame is not None and self._is_inside(frame.f_code.co_filename):
            frame = frame.f_back
        return frame

    def of_exception(self, error: BaseException) -> Site | None:
        """The innermost line of the program that an exception went through; None without one."""
        own = [
            (frame.f_code.co_filename, line)
            for frame, line in traceback.walk_tb(error.__traceback__)
            if not self._is_inside(frame.f_code.co_filename)
        ]
        return Site(*own[-1], linecache.getline(*own[-1]).strip()) if own else None

    def _is_inside(self, file: str) -> bool:
        if not self._torch:
            self._torch = str(Path(sys.modules["torch"].__file__ or "").parent) + os.sep
        return file.startswith((OURS, self._torch, "<frozen"))

    def _site(self, frame: FrameType) -> Site:
        key = frame.f_code, frame.f_lasti
        if (site := self._known.get(key)) is None:
            code = linecache.getline(frame.f_code.co_filename, frame.f_lineno).strip()
            site = self._known[key] = Site(frame.f_code.co_filename, frame.f_lineno, code)
        return site
