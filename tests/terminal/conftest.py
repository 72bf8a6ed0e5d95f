"""The process that the programs of these tests are forked from."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.warm_start import Warm


@pytest.fixture(scope="session")
def warm() -> Iterator[Warm]:
    made = Warm()
    yield made
    made.close()
