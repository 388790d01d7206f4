"""The header Idempotency-Key: a write that is sent again is done once and answered the same."""

from typing import Any

import httpx
import pytest

from tests.e2e.platform import Platform, problem

WRITES: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "/db/things", {"ns": "$ns", "id": "a", "type": "x"}),
    ("PUT", "/db/things/$ns/a", {"type": "x"}),
    (
        "POST",
        "/db/things/batch",
        {"things": [{"ns": "$ns", "id": "a", "type": "x"}, {"ns": "$ns", "id": "b", "type": "x"}]},
    ),
    ("POST", "/db/relationships", {"type": "x", "from_ns": "$ns", "from_id": "a", "to_ns": "$ns", "to_id": "b"}),
    ("POST", "/db/events", {"type": "once", "id": "$ns"}),
]


def of(ns: str, value: Any) -> Any:
    """The value with the test's namespace in it."""
    if isinstance(value, str):
        return value.replace("$ns", ns)
    if isinstance(value, list):
        return [of(ns, one) for one in value]
    return {name: of(ns, one) for name, one in value.items()} if isinstance(value, dict) else value


def versions(platform: Platform, ns: str) -> list[tuple[Any, ...]]:
    sql = "select id, version from things where ns = %s union all select type, version from relationships where ns = %s"
    return platform.rows(sql + " order by 1", ns, ns)


@pytest.mark.parametrize(("verb", "path", "body"), WRITES)
async def test_the_same_again_is_answered_the_same(
    platform: Platform, admin: httpx.AsyncClient, ns: str, verb: str, path: str, body: Any
) -> None:
    headers = {"idempotency-key": f"key-{ns}"}
    first = await admin.request(verb, of(ns, path), json=of(ns, body), headers=headers)
    assert first.status_code in (200, 201), first.text
    stored = versions(platform, ns)
    again = await admin.request(verb, of(ns, path), json=of(ns, body), headers=headers)
    assert (again.status_code, again.text) == (first.status_code, first.text)
    assert again.headers.get("etag") == first.headers.get("etag")
    assert versions(platform, ns) == stored
    assert {version for _, version in stored} <= {1}


@pytest.mark.parametrize(("verb", "path", "body"), WRITES)
async def test_another_body_under_the_key_is_refused(
    platform: Platform, admin: httpx.AsyncClient, ns: str, verb: str, path: str, body: Any
) -> None:
    headers = {"idempotency-key": f"key-{ns}"}
    await admin.request(verb, of(ns, path), json=of(ns, body), headers=headers)
    stored = versions(platform, ns)
    other = of(ns, {**body, "things": body["things"][:1]} if "things" in body else {**body, "type": "y"})
    refused = await admin.request(verb, of(ns, path), json=other, headers=headers)
    problem(refused, 422, "IDEMPOTENCY_KEY_REUSED")
    assert versions(platform, ns) == stored


async def test_a_key_is_tied_to_what_it_writes_and_on_what_condition(user: httpx.AsyncClient, ns: str) -> None:
    headers = {"idempotency-key": f"key-{ns}"}
    await user.put(f"/db/things/{ns}/a", json={"type": "x"}, headers=headers)
    other = await user.put(f"/db/things/{ns}/b", json={"type": "x"}, headers=headers)
    problem(other, 422, "IDEMPOTENCY_KEY_REUSED")
    condition = {**headers, "if-match": '"1"'}
    problem(await user.put(f"/db/things/{ns}/a", json={"type": "x"}, headers=condition), 422, "IDEMPOTENCY_KEY_REUSED")


async def test_a_condition_met_once_is_answered_again(user: httpx.AsyncClient, ns: str) -> None:
    path = f"/db/things/{ns}/a"
    await user.put(path, json={"type": "x"})
    headers = {"idempotency-key": f"key-{ns}", "if-match": '"1"'}
    first = await user.put(path, json={"type": "y"}, headers=headers)
    again = await user.put(path, json={"type": "y"}, headers=headers)
    assert (first.status_code, again.status_code, again.text) == (200, 200, first.text)
    assert first.headers["etag"] == '"2"'


async def test_callers_do_not_share_their_keys(platform: Platform, ns: str) -> None:
    headers = {"idempotency-key": f"key-{ns}"}
    for version, role in enumerate(("user", "admin"), 1):
        async with platform.client(role) as client:
            written = await client.put(f"/db/things/{ns}/a", json={"type": role}, headers=headers)
        assert (written.json()["type"], written.json()["version"]) == (role, version)


@pytest.mark.parametrize(
    ("body", "headers", "status"), [({"type": 1}, {}, 400), ({"type": "x"}, {"if-match": '"7"'}, 412)]
)
async def test_a_refusal_does_not_use_the_key_up(
    user: httpx.AsyncClient, ns: str, body: Any, headers: dict[str, str], status: int
) -> None:
    key = {"idempotency-key": f"key-{ns}"}
    refused = await user.put(f"/db/things/{ns}/a", json=body, headers={**key, **headers})
    assert refused.status_code == status
    assert (await user.put(f"/db/things/{ns}/a", json={"type": "x"}, headers=key)).status_code == 201


async def test_after_a_day_a_key_is_free_again(platform: Platform, user: httpx.AsyncClient, ns: str) -> None:
    headers = {"idempotency-key": f"key-{ns}"}
    age = "update idempotency_keys set created_at = now() - %s::interval where key = %s returning 1"
    await user.put(f"/db/things/{ns}/a", json={"type": "x"}, headers=headers)
    platform.rows(age, "23 hours 59 minutes", f"key-{ns}")
    problem(await user.put(f"/db/things/{ns}/a", json={"type": "y"}, headers=headers), 422, "IDEMPOTENCY_KEY_REUSED")
    platform.rows(age, "24 hours 1 second", f"key-{ns}")
    assert (await user.put(f"/db/things/{ns}/a", json={"type": "y"}, headers=headers)).json()["version"] == 2


async def test_after_a_day_a_key_stores_another_event(platform: Platform, user: httpx.AsyncClient, ns: str) -> None:
    """The analytics database knows a token for as long as it is among its last thousand inserts, however old."""
    headers = {"idempotency-key": f"key-{ns}"}

    async def post(id: str) -> int:
        return (await user.post("/db/events", json={"type": ns, "id": id}, headers=headers)).status_code

    assert [await post("1"), await post("1"), await post("2")] == [201, 201, 422]
    platform.rows(
        "update idempotency_keys set created_at = now() - interval '25 hours' where key = %s returning 1", f"key-{ns}"
    )
    assert [await post("2"), await post("2")] == [201, 201]
    read = await platform.result(
        "DB", "clickhouse", "select id from events where type = {t:String} order by id", {"t": ns}
    )
    assert read["data"] == [{"id": "1"}, {"id": "2"}]


@pytest.mark.parametrize("key", ["x" * 513, "x" * 5000])
async def test_a_key_has_its_length(platform: Platform, user: httpx.AsyncClient, ns: str, key: str) -> None:
    answer = await user.put(f"/db/things/{ns}/a", json={"type": "x"}, headers={"idempotency-key": key})
    problem(answer, 400, "INVALID_ARGUMENT")
    assert versions(platform, ns) == []
