from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.ports.clusters import Cluster, cluster


@pytest.fixture(scope="session")
def postgres() -> Iterator[Cluster]:
    with cluster() as found:
        yield found
