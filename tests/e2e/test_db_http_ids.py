"""Ids over HTTP: any characters, percent-encoded, and nothing that is no text."""

from urllib.parse import quote

import httpx
import pytest

from dotdo.identity import Identity
from tests.e2e.platform import Platform, problem

ODD_IDS = [
    "a/b", "/", "//", "a b", "+", "%", "%2F", "%41", "?", "#", "a?b=c#d", "&", "ü", "\u0065\u0301", "日本語", "🦊", "\u202e",
    "...", "a.b", ".a", "'", '"', "\\", ";", ":", "@", "\n", "\t", "\x7f", "<script>", "{ns}", "$1", "null", "undefined",
    "0", "x" * 512, "🦊" * 512, " lead and trail ",
]  # fmt: skip


@pytest.mark.parametrize("id", ODD_IDS, ids=[ascii(id)[:20] for id in ODD_IDS])
async def test_an_id_is_any_text(platform: Platform, ns: str, id: str) -> None:
    """On the Worker's own address: the gateway lets no slash and no control character through, encoded or not."""
    async with platform.behind_the_gateway("db", Identity("user", "u", "admin", permissions=("*",))) as user:
        address = f"/things/{quote(ns + id[:9], safe='')}/{quote(id, safe='')}"
        created = await user.put(address, json={"type": "x"})
        assert created.status_code == 201, created.text
        assert platform.rows("select id from things where ns = %s", ns + id[:9]) == [(id,)]
        assert (await user.get(created.url.join(created.headers["location"]))).json()["id"] == id
        assert (await user.patch(address, json={"content": "c"})).status_code == 200
        assert (await user.get(f"{address}/relationships")).json()["data"] == []
        assert (await user.delete(address)).json()["id"] == id
        problem(await user.get(address), 404, "NOT_FOUND")


@pytest.mark.parametrize("id", ["%FF", "%C3%28", "%ED%A0%80", "%00", "a%00b", "x" * 513])
@pytest.mark.parametrize("verb", ["GET", "PUT", "PATCH", "DELETE"])
async def test_an_id_that_is_no_text_is_refused(
    platform: Platform, user: httpx.AsyncClient, ns: str, verb: str, id: str
) -> None:
    body = {"type": "x"} if verb in ("PUT", "PATCH") else None
    answer = await user.request(verb, f"/db/things/{ns}/{id}", json=body)
    problem(answer, *((404, "NOT_FOUND") if len(id) > 512 and verb != "PUT" else (400, "INVALID_ARGUMENT")))
    assert platform.rows("select count(*) from things where ns = %s", ns) == [(0,)]


@pytest.mark.parametrize("id", ["a%2Fb", "a%0Ab", "a%09b", "a%7Fb"])
async def test_the_gateway_refuses_what_others_could_read_as_another_path(
    user: httpx.AsyncClient, ns: str, id: str
) -> None:
    problem(await user.get(f"/db/things/{ns}/{id}"), 400, "INVALID_ARGUMENT")


@pytest.mark.parametrize("id", [".", ".."])
async def test_an_id_that_every_client_takes_for_a_step_is_written_by_its_body(
    platform: Platform, user: httpx.AsyncClient, ns: str, id: str
) -> None:
    """URLs fold `.` and `..` away, encoded ones too (WHATWG URL §4.4), so no address can name such a thing."""
    created = await user.post("/db/things", json={"ns": ns, "id": id, "type": "x"})
    assert (created.status_code, created.json()["id"]) == (201, id)
    assert (await user.delete(f"/db/things/{ns}/{quote(id).replace('.', '%2E')}")).status_code in (404, 405)
    assert [row["id"] for row in (await user.get("/db/things", params={"ns": ns})).json()["data"]] == [id]
    assert (await platform.result("DB", "delete", ns, id))["id"] == id


@pytest.mark.parametrize("path", ["/db/relationships", "/relationships"])
async def test_a_new_edge_says_where_it_is(user: httpx.AsyncClient, ns: str, path: str) -> None:
    body = {"id": "a #?%ü&b", "type": "x", "from_ns": ns, "from_id": "a", "to_ns": ns, "to_id": "b"}
    created = await user.post(path, json=body)
    assert created.status_code == 201
    assert (await user.get(created.url.join(created.headers["location"]))).json() == created.json()
    assert "location" not in (await user.post(path, json=body)).headers
