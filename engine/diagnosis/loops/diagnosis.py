"""The faults of one program's loops, from what was seen of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from engine.diagnosis.loops import batches, carrying, modules, outputs, source, statements, windows
from engine.diagnosis.loops.exceptions import explained
from engine.diagnosis.loops.fault import CUT, Fault
from engine.diagnosis.loops.faults import FAULTS
from engine.events import Cause, Finding, Probe, Reading, Severity, Site

READERS = (source, statements, batches, carrying, modules, outputs)
"""The modules that find faults in the text of a program."""


@dataclass(slots=True)
class LoopDiagnosis:
    """Finds the faults of one program's loops.

    Attributes:
        findings: the findings, in their order.
    """

    findings: list[Finding] = field(default_factory=list)
    _dropped: list[Site] = field(default_factory=list)
    _texts: dict[str, str] = field(default_factory=dict)

    def take(self, probe: Probe) -> Iterator[Finding]:
        """Take what the watching side has seen; yields the findings that it begins."""
        values, update, chars = probe.values, probe.update, probe.chars
        file, line, code = str(values.get("file", "")), _whole(values.get("line")), str(values.get("code", ""))
        site = Site(file, line, code) if file else None
        match probe.instrument:
            case "loop_source":
                yield from self.source(file, str(values.get("text", "")), update, chars)
            case "loop_exception" if site is not None:
                yield from self._raised(str(values.get("message", "")), site, update, chars)
            case "loop_sequence":
                for fault in windows.faults_of(values):
                    better = source.line_to_change(fault, file, self._texts.get(file, ""))
                    yield from self._begin(fault, better or site, update, chars)
            case "loop_fact":
                yield from self._fact(values, site, update, chars)

    def source(self, file: str, text: str, update: int = 0, chars: int = 0) -> Iterator[Finding]:
        """Read the text of a file or cell with a training loop; yields the findings that it shows by itself."""
        self._texts[file] = text
        for fault, site in (each for reader in READERS for each in reader.faults_of(file, text)):
            if fault.cause is Cause.DETACH_DROPPED:
                self._dropped.append(site)
            yield from self._begin(fault, site, update, chars)

    def broken(self, update: int, chars: int) -> Iterator[Finding]:
        """Numbers broke; yields the findings that may say why."""
        for file, text in self._texts.items():
            for fault, site in statements.roots(file, text):
                yield from self._begin(fault, site, update, chars)

    def _fact(self, values: Reading, site: Site | None, update: int, chars: int) -> Iterator[Finding]:
        fault = FAULTS.get(str(values.get("fact", "")))
        if fault is None or _whole(values.get("times")) < fault.least:
            return
        if fault.cause is Cause.STATE_NOT_DETACHED and self._drops_detach(site):
            return  # That is the reason, and has been told with its line.
        text = "" if site is None else self._texts.get(site.file, "")
        if site is not None and fault.cause is Cause.VALIDATION_IN_TRAIN_MODE and statements.evaluates(text, site.line):
            return  # The loss is computed after the model was brought back into its training mode.
        elsewhere = site is not None and values.get("fact") == "gradients-elsewhere"
        if site is not None and elsewhere and (known := statements.detached(site.file, text, site.line)) is not None:
            yield from self._begin(*known, update, chars)
            return
        others = any(each.cause is Cause.OTHER_PARAMETERS for each in self.findings)
        if others and fault.cause in (Cause.IN_NO_OPTIMIZER, Cause.NO_GRADIENT):
            return  # It follows from that.
        if any(each.cause is fault.cause is Cause.IN_NO_OPTIMIZER for each in self.findings):
            return  # The line that makes them has been told.
        says = fault.says.format_map(_Named(values))
        if fault.cause is Cause.NO_GRADIENT and (cut := self._detached()) is not None:
            says = f"{says} This line detaches what one of its modules returns: its gradient ends there."
            grave = replace(fault, says=says, severity=Severity.WARNING, instead=cut.code.replace(".detach()", ""))
            yield from self._begin(grave, cut, update, chars)
            return
        file = site.file if site is not None else next(iter(self._texts), "")
        better = source.line_to_change(fault, file, self._texts.get(file, ""), str(values.get("names", "")))
        yield from self._begin(replace(fault, says=says), better or site, update, chars)

    def _detached(self) -> Site | None:
        """The only line of all files that detaches what a module returns within a network."""
        found = [cut for file, text in self._texts.items() if (cut := statements.detached_within(file, text))]
        return found[0] if len(found) == 1 else None

    def _raised(self, message: str, site: Site, update: int, chars: int) -> Iterator[Finding]:
        """The finding that explains an exception; none where another one has named its reason already."""
        for fault in explained(message):
            if not (fault.instead == CUT and self._drops_detach(site)):
                yield from self._begin(fault, site, update, chars)

    def _drops_detach(self, site: Site | None) -> bool:
        """Whether the file of a site has a statement that drops what `detach` returns."""
        return any(site is None or each.file == site.file for each in self._dropped)

    def _begin(self, fault: Fault, site: Site | None, update: int, chars: int) -> Iterator[Finding]:
        if any(each.cause is fault.cause and each.site == site for each in self.findings):
            return
        finding = Finding(
            fault.cause, fault.severity, update, None, {}, fault.says, None, chars, update, site, fault.instead
        )
        self.findings.append(finding)
        yield finding


def _whole(value: object) -> int:
    return int(value) if isinstance(value, int | float) else 0


class _Named(dict[str, object]):
    """Values by name, of which some may be missing."""

    def __missing__(self, name: str) -> str:
        return "some"
