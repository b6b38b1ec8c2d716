"""Houses in which processes are killed."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.crash.house import House
from tests.crash.subject import Wish
from tests.databases import new_database


@pytest.fixture
def build(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[..., House]]:
    """Builds a house for wishes, over a database of the kind that it is parametrized with."""
    built: list[House] = []
    with new_database(request, tmp_path) as url:

        def new(*wishes: Wish, **others: object) -> House:
            built.append(House.build(url, tmp_path, wishes, **others))
            return built[-1]

        yield new
        for each in built:
            each.close()
