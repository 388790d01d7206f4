"""Conditional requests and merge patches of things: a version is an ETag, and a condition that fails writes nothing."""

from typing import Any

import httpx
import pytest

from tests.e2e.platform import Platform, problem

PUT = {"type": "new"}
TAG = '"2"'


@pytest.fixture
async def address(user: httpx.AsyncClient, ns: str) -> str:
    """A thing at its second version, whose ETag is `TAG`."""
    path = f"/db/things/{ns}/one"
    for number in (1, 2):
        written = await user.put(path, json={"type": "old", "content": "c", "data": {"n": number}})
    assert written.headers["etag"] == TAG
    return path


@pytest.mark.parametrize("verb", ["GET", "HEAD"])
@pytest.mark.parametrize(
    ("tags", "status"),
    [
        ('"2"', 304), ('W/"2"', 304), ('"1", "2"', 304), ('"1" , W/"2"', 304), ("*", 304),
        ('"1"', 200), ("2", 200), ('"22"', 200), ("nonsense", 200), ("", 200),
    ],
)  # fmt: skip
async def test_what_is_known_is_not_sent_again(
    user: httpx.AsyncClient, address: str, verb: str, tags: str, status: int
) -> None:
    answer = await user.request(verb, address, headers={"if-none-match": tags})
    assert (answer.status_code, answer.headers["etag"]) == (status, TAG)
    assert bool(answer.content) == (status == 200 and verb == "GET")


@pytest.mark.parametrize(("verb", "body"), [("PUT", PUT), ("PATCH", PUT), ("DELETE", None)])
@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"if-match": '"1"'}, (412, "VERSION_MISMATCH")),
        ({"if-match": '"3"'}, (412, "VERSION_MISMATCH")),
        ({"if-match": '"999999999999999999"'}, (412, "VERSION_MISMATCH")),
        ({"if-match": '"0"'}, (400, "INVALID_ARGUMENT")),
        ({"if-match": '"-1"'}, (400, "INVALID_ARGUMENT")),
        ({"if-match": "2"}, (400, "INVALID_ARGUMENT")),
        ({"if-match": 'W/"3"'}, (412, "VERSION_MISMATCH")),
        ({"if-match": '"1", "3"'}, (412, "VERSION_MISMATCH")),
        ({"if-match": '"2", x'}, (400, "INVALID_ARGUMENT")),
        ({"if-match": '"9999999999999999999"'}, (400, "INVALID_ARGUMENT")),
        ({"if-match": '"\u0662"'.encode()}, (400, "INVALID_ARGUMENT")),
        ({"if-none-match": TAG}, (400, "INVALID_ARGUMENT")),
        ({"if-none-match": "*", "if-match": TAG}, (400, "INVALID_ARGUMENT")),
        ({"if-none-match": "*"}, (412, "VERSION_MISMATCH")),
    ],
)
async def test_a_condition_that_does_not_hold_writes_nothing(
    platform: Platform, user: httpx.AsyncClient, address: str, ns: str,
    verb: str, body: Any, headers: dict[str, Any], expected: tuple[int, str],
) -> None:  # fmt: skip
    problem(await user.request(verb, address, json=body, headers=headers), *expected)
    assert platform.rows("select type, version from things where ns = %s", ns) == [("old", 2)]


@pytest.mark.parametrize(("verb", "body"), [("PUT", PUT), ("PATCH", PUT), ("DELETE", None)])
@pytest.mark.parametrize("tag", [TAG, "*", f'"1", {TAG}', f"W/{TAG}"])
async def test_a_condition_that_holds_is_met_once(
    user: httpx.AsyncClient, address: str, verb: str, body: Any, tag: str
) -> None:
    answer = await user.request(verb, address, json=body, headers={"if-match": tag})
    assert answer.status_code == 200, answer.text
    again = await user.request(verb, address, json=body, headers={"if-match": TAG})
    problem(again, *((404, "NOT_FOUND") if verb == "DELETE" else (412, "VERSION_MISMATCH")))


@pytest.mark.parametrize("headers", [{"if-match": '"1"'}, {"if-match": "*"}])
async def test_what_is_not_there_matches_nothing(
    platform: Platform, user: httpx.AsyncClient, ns: str, headers: dict[str, str]
) -> None:
    path = f"/db/things/{ns}/none"
    problem(await user.put(path, json=PUT, headers=headers), 412, "VERSION_MISMATCH")
    problem(await user.patch(path, json=PUT, headers=headers), 404, "NOT_FOUND")
    problem(await user.delete(path, headers=headers), 404, "NOT_FOUND")
    assert platform.rows("select count(*) from things where ns = %s", ns) == [(0,)]


@pytest.mark.parametrize("verb", ["PUT", "POST"])
async def test_only_the_first_creates(user: httpx.AsyncClient, ns: str, verb: str) -> None:
    path = "/db/things" if verb == "POST" else f"/db/things/{ns}/one"
    body = {**PUT, "ns": ns, "id": "one"} if verb == "POST" else PUT
    created = await user.request(verb, path, json=body, headers={"if-none-match": "*"})
    assert (created.status_code, created.headers["etag"]) == (201, '"1"')
    problem(await user.request(verb, path, json=body, headers={"if-none-match": "*"}), 412, "VERSION_MISMATCH")


# RFC 7396, appendix A, where both sides are objects: `data` always is one.
MERGES = [
    ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b"}, {"a": None}, {}),
    ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
    ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ({"a": 1}, {}, {"a": 1}),
    ({"a": "x"}, {"a": {"b": None, "c": 1}}, {"a": {"c": 1}}),
    ({"a": 1}, {"b": [None, {"c": None}]}, {"a": 1, "b": [None, {"c": None}]}),
    ({"": 1, "ü": 2}, {"": None, "ü": {"$1": "'"}}, {"ü": {"$1": "'"}}),
]


@pytest.mark.parametrize(("stored", "patch", "merged"), MERGES)
async def test_data_is_patched_by_merging(
    platform: Platform, user: httpx.AsyncClient, ns: str, stored: Any, patch: Any, merged: Any
) -> None:
    path = f"/db/things/{ns}/one"
    await user.put(path, json={"type": "x", "content": "c", "data": stored})
    answer = await user.patch(path, json={"data": patch})
    assert (answer.json()["data"], answer.json()["content"]) == (merged, "c")
    assert platform.rows("select data, version from things where ns = %s", ns) == [(merged, 2)]
