"""db.domain.transactions: which statement of a batch failed, found by trying prefixes that are taken back."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.adapters.neon import Neon
from db.domain.transactions import RawSql
from dotdo.contracts.db.models import QueryOptions, SqlStatement, TransactionOptions
from dotdo.errors import ServiceError
from dotdo.fakes import FakeBindings, FakeHttp
from dotdo.ports import HttpCall, HttpError, HttpReply

NO_ROWS = {"fields": [], "rows": [], "rowCount": 0}


class Server:
    """Runs a batch to the first `bad …` statement. What it was asked to keep is in `kept`."""

    def __init__(self, sqlstate: str = "23505") -> None:
        self._sqlstate = sqlstate
        self.kept: list[list[str]] = []
        self.http = FakeHttp(self._respond)
        self.raw = RawSql(Neon(FakeBindings({"DATABASE_URL": "postgresql://u:p@a.neon.test/d"}, http=self.http)))

    def _respond(self, call: HttpCall) -> HttpReply:
        statements = [one["query"] for one in json.loads(str(call.body))["queries"]]
        for statement in statements:
            if statement.startswith("bad"):
                return HttpReply(400, {}, json.dumps({"code": self._sqlstate, "message": "inside"}).encode())
            if "dotdo_abort" in statement:
                return HttpReply(400, {}, json.dumps({"code": "DD001", "message": "taken back"}).encode())
        self.kept.append(statements[1:])
        return HttpReply(200, {}, json.dumps({"results": [NO_ROWS] * len(statements)}).encode())

    async def run(self, *statements: str) -> Any:
        return await self.raw.transaction([SqlStatement(sql=one) for one in statements], TransactionOptions())


@given(st.integers(1, 100), st.data())
async def test_the_first_that_fails_is_named_and_nothing_is_kept(count: int, data: st.DataObject) -> None:
    bad = data.draw(st.sets(st.integers(0, count - 1), min_size=1, max_size=3))
    server = Server()
    with pytest.raises(ServiceError) as error:
        await server.run(*("bad" if number in bad else "good" for number in range(count)))
    assert error.value.code == "CONFLICT"
    assert error.value.detail.startswith(f"statement {min(bad)}: ")
    assert server.kept == []
    assert len(server.http.calls) <= 1 + count.bit_length()


async def test_a_batch_that_holds_is_sent_once() -> None:
    server = Server()
    result = await server.run("good 1", "good 2")
    assert (result.success, len(result.results), server.kept) == (True, 2, [["good 1", "good 2"]])
    assert len(server.http.calls) == 1


@pytest.mark.parametrize("sqlstate", ["40001", "40P01", "57014", "57P01"])
async def test_a_failure_of_the_moment_is_not_looked_for(sqlstate: str) -> None:
    server = Server(sqlstate)
    with pytest.raises(ServiceError) as error:
        await server.run("good", "bad")
    assert error.value.retryable
    assert len(server.http.calls) == 1


async def test_more_rows_than_asked_for_are_refused_not_cut_off() -> None:
    answer = {"fields": [{"name": "n", "dataTypeID": 23}], "rows": [["1"], ["2"]], "rowCount": 2}
    http = FakeHttp(lambda call: HttpReply(200, {}, json.dumps(answer).encode()))
    neon = Neon(FakeBindings({"DATABASE_URL": "postgresql://u:p@a.neon.test/d"}, http=http))
    assert len((await RawSql(neon).query("select", [], QueryOptions(max_rows=2))).rows) == 2
    with pytest.raises(ServiceError, match="RESULT_TOO_LARGE"):
        await RawSql(neon).query("select", [], QueryOptions(max_rows=1))


@pytest.mark.parametrize("method", ["first", "execute"])
async def test_who_wants_one_row_or_their_number_may_have_found_any_many(endpoint: Any, method: str) -> None:
    """What the statement wrote has happened by then: an error would deny it."""
    answer = {"fields": [{"name": "n", "dataTypeID": 23}], "rows": [["7"]] * 10_001, "rowCount": 10_001}
    result = await endpoint(answer).rpc(method, "delete from things returning version as n")
    assert result == ({"n": 7} if method == "first" else {"rowCount": 10_001})


async def test_a_transaction_that_has_happened_is_not_denied_for_its_rows(endpoint: Any) -> None:
    answer = {"fields": [{"name": "n", "dataTypeID": 23}], "rows": [["7"]] * 10_001, "rowCount": 10_001}
    result = await endpoint({"results": [NO_ROWS, answer]}).rpc("transaction", [{"sql": "delete from things"}])
    assert len(result["results"][0]["rows"]) == 10_001


@pytest.mark.parametrize("method", ["query", "first", "execute"])
@pytest.mark.parametrize(("options", "tries"), [([], 1), ([{"repeatable": True}], 3), ([{"repeatable": False}], 1)])
async def test_a_statement_is_repeated_when_its_caller_says_it_may(
    endpoint: Any, method: str, options: list[Any], tries: int
) -> None:
    database = endpoint(*[HttpError("cut")] * 5)
    with pytest.raises(ServiceError, match="UNAVAILABLE"):
        await database.rpc(method, "select 1", [], *options)
    assert [list(body) for body in database.bodies] == [["query", "params"]] * tries, "no transaction for it"
