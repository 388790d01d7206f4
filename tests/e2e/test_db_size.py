"""How large a row may be: what is stored can be read, by itself and in a page, and what could not is refused whole."""

from typing import Any

import httpx
import pytest

from tests.e2e.platform import Platform, problem

MIB = 1024 * 1024
MOST = 9 * MIB
EDGE = {"type": "x", "from_ns": "a", "from_id": "b", "to_ns": "c", "to_id": "d"}
# 240 kB that PostgreSQL writes out as twelve million digits.
DIGITS = {"a": [1e300] * 40_000}


def rows(platform: Platform, ns: str) -> list[tuple[Any, ...]]:
    sql = "select id, version from things where ns = %s union all select id, version from relationships where ns = %s"
    return platform.rows(sql, ns, ns)


def too_long(answer: httpx.Response) -> None:
    assert problem(answer, 400, "INVALID_ARGUMENT")["detail"].startswith("a value is too long")


async def readable(client: httpx.AsyncClient, ns: str, id: str) -> None:
    for path in (
        f"/db/things/{ns}/{id}",
        f"/db/things?ns={ns}&limit=1&order_by=id",
        f"/db/search?q=note&ns={ns}&limit=1",
    ):
        assert (await client.get(path)).status_code == 200, path


async def test_the_longest_row_is_written_read_found_and_deleted(
    platform: Platform, user: httpx.AsyncClient, ns: str
) -> None:
    path, most = f"/db/things/{ns}/a", MOST - len("{}") - len("code")
    vector = [0.123456789] * 768
    thing = {"type": "note", "code": "code", "embedding": vector}
    too_long(await user.put(path, json={**thing, "content": "x" * (most + 1)}))
    assert rows(platform, ns) == []
    assert (await user.put(path, json={**thing, "content": "x" * most})).status_code == 201
    await readable(user, ns, "a")
    got = await platform.result("DB", "query", "select length(content) as n from things where ns = $1", [ns])
    assert got["rows"] == [{"n": most}]
    assert (await user.delete(path)).status_code == 200
    assert rows(platform, ns) == []


async def test_patches_do_not_add_up_to_what_cannot_be_read(
    platform: Platform, user: httpx.AsyncClient, ns: str
) -> None:
    path = f"/db/things/{ns}/a"
    await user.put(path, json={"type": "note"})
    assert (await user.patch(path, json={"data": {"a": "x" * 6 * MIB}})).status_code == 200
    too_long(await user.patch(path, json={"data": {"b": "x" * 6 * MIB}}))
    too_long(await user.patch(path, json={"content": "x" * 4 * MIB}))
    assert rows(platform, ns) == [("a", 2)]
    await readable(user, ns, "a")


@pytest.mark.parametrize("headers", [{}, {"idempotency-key": "digits"}])
async def test_what_grows_as_it_is_stored_is_measured_as_stored(
    platform: Platform, user: httpx.AsyncClient, ns: str, headers: dict[str, str]
) -> None:
    key = {name: f"{value}-{ns}" for name, value in headers.items()}
    large = {"ns": ns, "id": "b", "type": "note", "data": DIGITS}
    batch = {"things": [{"ns": ns, "id": "a", "type": "note"}, large]}
    too_long(await user.post("/db/things/batch", json=batch, headers=key))
    too_long(await user.post("/db/things", json=large, headers=key))
    too_long(await user.post("/db/relationships", json={**EDGE, "ns": ns, "data": DIGITS}, headers=key))
    assert rows(platform, ns) == []


async def test_an_answer_that_could_not_be_given_again_is_not_kept_nor_what_it_answers(
    platform: Platform, user: httpx.AsyncClient, ns: str
) -> None:
    """As JSON a line break is two characters."""
    thing = {"type": "note", "content": "\n" * (4 * MIB + MIB * 4 // 5)}
    path, key = f"/db/things/{ns}/a", {"idempotency-key": f"lines-{ns}"}
    too_long(await user.put(path, json=thing, headers=key))
    assert rows(platform, ns) == []
    assert (await user.put(path, json=thing)).status_code == 201
    await readable(user, ns, "a")


async def test_the_longest_texts_are_listed_though_json_makes_them_six_times_as_long(
    platform: Platform, admin: httpx.AsyncClient, ns: str
) -> None:
    platform.rows(
        "insert into things (ns, id, type, content, code) values (%s, 'a', 'x', repeat(chr(1), %s), 'code') returning 1",
        ns, MOST - len("{}") - len("code"),
    )  # fmt: skip
    platform.rows(
        "insert into relationships (ns, id, type, from_ns, from_id, to_ns, to_id, code) "
        "values (%s, 'a', 'x', 'n', 'a', 'n', 'b', repeat(chr(1), %s)) returning 1", ns, MOST - len("{}"),
    )  # fmt: skip
    (thing,) = (await admin.get("/db/things", params={"ns": ns, "limit": 1})).json()["data"]
    assert (set(thing["content"]), len(thing["content"]), thing["code"]) == ({"\x01"}, MOST - 6, "code")
    (edge,) = (await admin.get("/db/relationships", params={"ns": ns, "limit": 1})).json()["data"]
    assert (set(edge["code"]), len(edge["code"])) == ({"\x01"}, MOST - 2)
    platform.rows("delete from things where ns = %s returning 1", ns)
    platform.rows("delete from relationships where ns = %s returning 1", ns)
