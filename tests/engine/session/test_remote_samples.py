"""Samples of a training in another process: what was asked for, and what others have asked for meanwhile."""

from __future__ import annotations

from engine.events import Sample
from engine.session.remote_samples import RemoteSamples


def sample(text: str) -> Sample:
    return Sample(9, 90, 0.8, text)


def test_a_text_that_others_displace_is_told_and_may_still_come() -> None:
    samples = RemoteSamples()
    assert samples.is_due()
    samples.take(sample("any"))
    before = samples.continuation
    assert before is None
    samples.ask("The ")
    assert not samples.is_due()
    samples.take(sample("My lord"))
    displaced = samples.continuation
    assert displaced is not None
    assert "another text was asked for" in displaced.trouble
    samples.take(sample("The king"))
    found = samples.continuation
    assert found is not None
    assert ("".join(each.text for each in found.drawn), found.finished, found.trouble) == ("king", True, "")
    samples.take(sample("The queen"))
    assert samples.continuation == found
    assert samples.shown.endswith("The queen")
