"""db.domain: statements of bound parameters only, and answers that hold what was asked."""

from inspect import Parameter, signature
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.domain.idempotency import idempotency_key
from db.domain.relationships import Relationships, edge_id
from db.domain.sql import Conditions, Parameters, vector
from db.domain.things import Things
from dotdo.contracts.db.models import RelationshipInput
from dotdo.errors import ServiceError
from dotdo.paging import encode_cursor

HOSTILE = "x'; drop table things; --"
WORDS = st.text(min_size=1, max_size=6).filter(lambda text: "\x00" not in text)


def newest_of(ns: str, cursor: str | None, order: str = "desc") -> tuple[Conditions, Parameters]:
    """What the page of a namespace behind this cursor is found by."""
    parameters = Parameters("first")
    where = Conditions(parameters)
    assert str(where) == "true"
    where.equal("ns", ns)
    where.equal("type", None)
    where.beyond(["created_at", "id"], ["::timestamptz", ""], cursor, order)
    return where, parameters


def test_conditions_grow_by_what_was_asked_for() -> None:
    cursor = newest_of(HOSTILE, None)[0].next_cursor([{"at": "2026-01-01", "id": HOSTILE}] * 2, 1, "at", "id")
    where, parameters = newest_of(HOSTILE, cursor)
    assert str(where) == "ns = $2 and (created_at, id) < ($3::timestamptz, $4)"
    assert parameters.values == ["first", HOSTILE, "2026-01-01", HOSTILE]


def test_a_cursor_belongs_to_the_question_it_was_given_for() -> None:
    cursor = newest_of("a", None)[0].next_cursor([{"at": "2026-01-01", "id": "x"}] * 2, 1, "at", "id")
    assert cursor is not None
    newest_of("a", cursor)
    for ns, order in (("b", "desc"), ("a", "asc")):
        with pytest.raises(ServiceError, match="cursor"):
            newest_of(ns, cursor, order)


@pytest.mark.parametrize(
    "cursor", ["x", "", encode_cursor(["only one"]), encode_cursor(["a", "b", "c"]), "bnVsbA", "WzEsMl0"]
)
def test_a_foreign_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(ServiceError, match="cursor"):
        Conditions(Parameters()).beyond(["created_at", "id"], ["", ""], cursor, "asc")


@given(st.integers(1, 5), st.integers(0, 8))
def test_there_is_a_next_page_when_one_row_more_was_found(limit: int, found: int) -> None:
    rows = [{"sort_key": f"t{number}", "id": number} for number in range(found)]
    cursor = newest_of("n", None)[0].next_cursor(rows, limit, "sort_key", "id")
    if found <= limit:
        assert cursor is None
    else:
        assert newest_of("n", cursor)[1].values == ["first", "n", f"t{limit - 1}", str(limit - 1)]


def test_a_vector_is_written_as_pgvector_reads_it() -> None:
    assert vector([1, 0.5, -1e-7]) == "[1.0,0.5,-1e-07]"
    assert vector(None) is None


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("get", [HOSTILE, HOSTILE]),
        ("delete", [HOSTILE, HOSTILE]),
        ("list", [HOSTILE, {"type": HOSTILE, "count": "exact"}]),
        ("count", [HOSTILE, {"type": HOSTILE}]),
        ("patch", [HOSTILE, HOSTILE, {"type": HOSTILE, "content": HOSTILE, "data": {HOSTILE: HOSTILE}}]),
        ("batchUpsert", [[{"ns": HOSTILE, "id": HOSTILE, "type": HOSTILE, "data": {HOSTILE: HOSTILE}}]]),
        ("search", [HOSTILE, None, {"ns": HOSTILE, "type": HOSTILE}]),
        ("vectorSearch", [[1.0] * 768, {"ns": HOSTILE}]),
        ("search", [HOSTILE, [1.0] * 768, {"ns": HOSTILE}]),
        ("getRelationships", [HOSTILE, HOSTILE, {"type": HOSTILE}]),
        ("deleteRelationship", [HOSTILE, HOSTILE]),
        ("listRelationships", [HOSTILE, {"type": HOSTILE}]),
        ("typeDistribution", [HOSTILE]),
        ("getEntitiesWithoutEmbeddings", [{"ns": HOSTILE}]),
    ],
)
async def test_no_value_becomes_part_of_a_statement(endpoint: Any, method: str, params: list[Any]) -> None:
    database = endpoint()
    await database.rpc(method, *params)
    assert database.bodies
    for body in database.bodies:
        assert "drop table" not in body["query"]
        assert "drop table" in repr(body["params"])


@pytest.mark.parametrize(
    ("query", "embedding", "mode", "named"),
    [
        ("", None, None, "query"),
        ("  ", None, "text", "query"),
        ("words", None, "vector", "embedding"),
        ("words", None, "hybrid", "embedding"),
        ("", [1.0] * 768, "hybrid", "query"),
        ("words", [1.0], None, "embedding"),
        ("words", [0.0] * 768, None, "embedding"),
    ],
)
async def test_a_search_without_what_it_searches_by_is_refused(
    endpoint: Any, query: str, embedding: list[float] | None, mode: str | None, named: str
) -> None:
    database = endpoint()
    with pytest.raises(ServiceError) as refused:
        await database.rpc("search", query, embedding, {"mode": mode} if mode else {})
    assert (refused.value.code, refused.value.detail.partition(":")[0]) == ("INVALID_ARGUMENT", named)
    assert database.http.calls == []


@pytest.mark.parametrize(("method", "near"), [("getRelationships", "from"), ("getIncomingRelationships", "to")])
async def test_edges_of_a_thing_begin_or_end_there(endpoint: Any, method: str, near: str) -> None:
    database = endpoint()
    await database.rpc(method, "n", "i")
    (body,) = database.bodies
    assert f"where {near}_ns = $1 and {near}_id = $2 order by" in body["query"]
    assert body["params"][:2] == ["n", "i"]


async def test_the_same_thing_twice_in_a_batch_is_refused(endpoint: Any) -> None:
    one = {"ns": "n", "id": "i", "type": "t"}
    with pytest.raises(ServiceError, match="twice"):
        await endpoint().rpc("batchUpsert", [one, {**one, "type": "u"}])


@given(st.tuples(*[WORDS] * 5), st.tuples(*[WORDS] * 5))
def test_two_edges_have_one_id_only_when_they_are_one(first: tuple[str, ...], second: tuple[str, ...]) -> None:
    names = ("from_ns", "from_id", "type", "to_ns", "to_id")
    ids = [
        edge_id(RelationshipInput.model_validate(dict(zip(names, edge, strict=True)), by_name=True))
        for edge in (first, second)
    ]
    assert (ids[0] == ids[1]) == (first == second)
    assert all(len(one) == 22 for one in ids)


@given(st.dictionaries(st.text(), st.integers() | st.text(), max_size=4))
def test_a_request_has_one_fingerprint_in_any_order(request: dict[str, Any]) -> None:
    reordered = dict(reversed(request.items()))
    assert idempotency_key("s", "k", request) == idempotency_key("s", "k", reordered)
    assert idempotency_key("s", "k", [request, 1]).fingerprint != idempotency_key("s", "k", [request, 2]).fingerprint


async def test_a_key_used_for_another_request_is_refused(endpoint: Any, rows: Any, refusal: Any) -> None:
    database = endpoint(rows(), refusal("23505"), rows({"fingerprint": "\\xother", "answer": []}))
    with pytest.raises(ServiceError) as refused:
        await database.rpc("upsert", {"ns": "n", "id": "i", "type": "t"}, {"idempotencyKey": "k"})
    assert (refused.value.code, refused.value.status) == ("IDEMPOTENCY_KEY_REUSED", 422)


async def test_a_conflict_of_another_kind_is_not_the_keys(endpoint: Any, rows: Any, refusal: Any) -> None:
    with pytest.raises(ServiceError) as refused:
        await endpoint(rows(), refusal("23505"), rows()).rpc(
            "upsert", {"ns": "n", "id": "i", "type": "t"}, {"idempotencyKey": "k"}
        )
    assert refused.value.code == "CONFLICT"


@pytest.mark.parametrize(
    ("of", "method"),
    [
        (Things, "upsert"), (Things, "patch"), (Things, "delete"), (Things, "batch_upsert"),
        (Relationships, "get"), (Relationships, "upsert"), (Relationships, "delete"), (Relationships, "at"),
        (Relationships, "list_namespace"), (Relationships, "traverse"),
    ],
)  # fmt: skip
def test_whether_private_rows_are_seen_has_to_be_said(of: type, method: str) -> None:
    """A handler that leaves it out would show them to everybody."""
    assert signature(getattr(of, method)).parameters["sees_private"].default is Parameter.empty
