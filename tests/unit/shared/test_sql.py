"""dotdo.sql: what db is asked for a statement."""

from typing import Any

import pytest

from dotdo.fakes import FakeBindings, FakePeer
from dotdo.sql import Sql


@pytest.mark.parametrize("method", ["rows", "first", "execute"])
async def test_only_what_is_said_to_be_repeatable_is(method: str) -> None:
    """A write that is repeated blindly may be done twice."""
    db = FakePeer(query=lambda *asked: {"rows": [{"n": 1}], "rowCount": 1})
    statement: Any = getattr(Sql(FakeBindings(peers={"DB": db})), method)
    await statement("select $1", 7)
    await statement("select $1", 7, repeatable=True)
    assert db.calls == [
        ("query", ("select $1", [7])),
        ("query", ("select $1", [7], {"repeatable": True})),
    ]
