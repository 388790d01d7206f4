"""What has no embedding is found without a look at what never gets one, however much of that there is."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from db.domain.embeddings import Embeddings
from dotdo.contracts.db.models import WithoutEmbeddingOptions
from dotdo.fakes import FakeBindings
from dotdo.log import Logger
from dotdo.sql import Sql
from schedule.domain.registry import TaskContext
from schedule.tasks import generate_missing_embeddings
from tests.e2e.plans import Explained, touched

# Logs come first in the order of keys.
THINGS = """
insert into things (ns, id, type)
select 'ns', case when n % 1000 = 0 then 'thing ' else 'log ' end || n, case when n % 1000 = 0 then 'note' else 'log' end
from generate_series(1, 20000) as n
"""


@pytest.fixture
def explained(migrated: str) -> Iterator[Explained]:
    """A database with many logs, which are gone afterwards."""
    with psycopg.connect(migrated) as connection:
        connection.execute(THINGS)
        connection.execute("analyze things")
        yield Explained(connection)
        connection.rollback()


class Peer:
    def __init__(self, explained: Explained) -> None:
        self._explained = explained

    async def call(self, method: str, *params: Any) -> dict[str, Any]:
        assert method == "query"
        await self._explained.query(*params[:2])
        return {"rows": [], "rowCount": 0}


def looked_at(explained: Explained) -> int:
    (_, plan), *others = explained.plans
    assert not others
    return touched(plan)


async def test_by_the_task(explained: Explained) -> None:
    bindings = FakeBindings({"EMBEDDINGS_PROVIDER": "hash"}, peers={"DB": Peer(explained)})
    now_s = bindings.clock.now_s()
    context = TaskContext(bindings, Sql(bindings), Logger("schedule"), now_s, now_s + 29)
    assert (await generate_missing_embeddings.run(context))["complete"]
    assert looked_at(explained) == 20


@pytest.mark.parametrize("options", [{}, {"ns": "ns"}])
async def test_by_the_method(explained: Explained, options: dict[str, str]) -> None:
    await Embeddings(explained).missing(WithoutEmbeddingOptions(**options))  # type: ignore[arg-type]
    assert looked_at(explained) == 20
