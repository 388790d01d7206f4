"""Limits on a request's way: by address before anything else, then by class and caller, without a KV operation."""

import json
from typing import Any

import pytest

from dotdo.errors import ServiceError
from dotdo.fakes import FakeKv, FakeQuota
from gateway.addresses import limit_key

ADMIN = {"authorization": "Bearer admin-key"}


def problem(response: Any) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(response.body)
    return body


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ("192.0.2.7", "192.0.2.7"), ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"), ("::ffff:192.0.2.7", "192.0.2.7"), ("", "unknown"),
        ("nonsense", "unknown"), ("192.0.2.7, 10.0.0.1", "unknown"),
    ],
)  # fmt: skip
def test_addresses(given: str, address: str) -> None:
    assert limit_key({"cf-connecting-ip": given}) == address


def test_what_a_client_writes_itself_is_no_address() -> None:
    assert limit_key({"x-forwarded-for": "1.2.3.4", "x-real-ip": "1.2.3.4", "forwarded": "for=1.2.3.4"}) == "unknown"


async def test_guessing_is_stopped_before_auth_is_asked(open_stage: Any) -> None:
    stage = open_stage()
    statuses = [
        (
            await stage.ask(
                "GET", "/db/things", {"authorization": f"Bearer guess-{n}", "cf-connecting-ip": "192.0.2.7"}
            )
        ).status
        for n in range(310)
    ]
    assert (statuses.count(401), statuses.count(429)) == (300, 10)
    assert len(stage.bindings.peers["AUTH"].calls) == 300
    other = await stage.ask("GET", "/db/things", {**ADMIN, "cf-connecting-ip": "192.0.2.8"})
    assert other.status == 207


async def test_sixty_reads_a_minute_and_a_429_that_explains_itself(open_stage: Any) -> None:
    stage = open_stage()
    responses = [await stage.ask("GET", "/db/things", ADMIN) for _ in range(61)]
    assert [response.status for response in responses] == [207] * 60 + [429]
    fields, body = dict(responses[-1].headers), problem(responses[-1])
    assert int(fields["retry-after"]) >= 1
    assert fields["ratelimit"] == f'"default";r=0;t={fields["retry-after"]}'
    assert (body["code"], body["violated-policies"]) == ("RATE_LIMITED", ["default"])
    assert body["type"] == "https://iana.org/assignments/http-problem-types#quota-exceeded"
    stage.bindings.clock.now += int(fields["retry-after"])
    assert (await stage.ask("GET", "/db/things", ADMIN)).status == 207


async def test_a_key_with_a_limit_of_its_own(open_stage: Any, verified_as: Any) -> None:
    stage = open_stage(auth=lambda credential: verified_as("admin", "*", rateLimit=2))
    assert [(await stage.ask("GET", "/db/things", ADMIN)).status for _ in range(3)] == [207, 207, 429]
    assert (await stage.ask("GET", "/auth/login", ADMIN)).status == 207, "the other classes keep theirs"


async def test_users_behind_one_address_have_limits_of_their_own(open_stage: Any, verified_as: Any) -> None:
    stage = open_stage(auth=lambda credential: verified_as(credential, "*", kind="user", keyId=None))
    for user in ("one", "two"):
        for _ in range(60):
            assert (await stage.ask("GET", "/db/things", {"authorization": f"Bearer {user}"})).status == 207
    assert (await stage.ask("GET", "/db/things", {"authorization": "Bearer one"})).status == 429


@pytest.mark.parametrize(
    ("one", "same", "other"),
    [
        ("192.0.2.1", "192.0.2.1", "192.0.2.2"),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", "2001:db8:1:3::1"),
        ("192.0.2.1", "::ffff:192.0.2.1", ""),
    ],
)
async def test_callers_that_are_not_known_are_limited_by_address(
    open_stage: Any, one: str, same: str, other: str
) -> None:
    stage = open_stage()
    for _ in range(10):
        assert (await stage.ask("GET", "/auth/login", {"cf-connecting-ip": one})).status == 207
    refused = await stage.ask("GET", "/auth/login", {"cf-connecting-ip": same})
    assert (refused.status, problem(refused)["violated-policies"]) == (429, ["auth"])
    assert (await stage.ask("GET", "/auth/login", {"cf-connecting-ip": other})).status == 207


async def test_each_way_in_is_counted_by_itself(open_stage: Any) -> None:
    """Who signs in takes two of them, and others at the address want to stay signed in."""
    stage = open_stage()
    ways = [("GET", "/auth/login"), ("GET", "/auth/callback"), ("POST", "/auth/refresh"), ("POST", "/auth/logout")]
    for _ in range(10):
        assert [(await stage.ask(method, path)).status for method, path in ways] == [207] * 4
    assert [(await stage.ask(method, path)).status for method, path in ways] == [429] * 4


async def test_workos_may_tell_of_much_at_once(open_stage: Any) -> None:
    """A directory that is synchronised is hundreds of events, from a few addresses."""
    stage = open_stage()
    said = [await stage.ask("POST", "/auth/webhooks/workos") for _ in range(301)]
    assert [response.status for response in said] == [207] * 300 + [429]


async def test_numbers_of_the_deployment(open_stage: Any) -> None:
    stage = open_stage(RATE_LIMITS="default=2")
    assert [(await stage.ask("GET", "/db/things", ADMIN)).status for _ in range(3)] == [207, 207, 429]


async def test_its_own_pages_are_not_limited_nor_counted(open_stage: Any) -> None:
    stage = open_stage(RATE_LIMITS="ip=1")
    for _ in range(5):
        response = await stage.ask("GET", "/health")
        assert response.status == 200
        assert "ratelimit" not in dict(response.headers)


async def test_no_kv_operation_on_any_requests_way(open_stage: Any) -> None:
    kv = FakeKv()
    stage = open_stage(kvs={"GATEWAY_KV": kv})
    for _ in range(100):
        await stage.ask("GET", "/db/things", ADMIN)
    assert kv.operations == 0
    await stage.later.run()
    assert kv.operations == 2


async def test_kv_that_fails_fails_no_request(open_stage: Any) -> None:
    kv = FakeKv()
    kv.fails = True
    stage = open_stage(kvs={"GATEWAY_KV": kv})
    for _ in range(3):
        assert [(await stage.ask("GET", "/db/things", ADMIN)).status for _ in range(60)] == [207] * 60
        await stage.later.run()
        stage.bindings.clock.now += 120


async def test_ready_asks_others_and_so_is_limited(open_stage: Any) -> None:
    stage = open_stage(RATE_LIMITS="ip=2")
    responses = [await stage.ask("GET", "/ready") for _ in range(3)]
    assert [response.status for response in responses] == [503, 503, 429], "nobody is bound here"
    assert problem(responses[-1])["violated-policies"] == ["ip"]


async def test_a_guard_refuses_more_and_never_less(open_stage: Any) -> None:
    guard = FakeQuota(2)
    stage = open_stage(quotas={"LIMIT_DEFAULT": guard}, RATE_LIMITS="default=3")
    responses = [await stage.ask("GET", "/db/things", ADMIN) for _ in range(5)]
    assert [response.status for response in responses] == [207, 207, 429, 429, 429]
    assert dict(responses[2].headers)["ratelimit"].startswith('"default";r=0;')
    assert dict(guard.counts) == {"k:key_admin": 3}, "what is refused already does not ask it"
    assert (await stage.ask("GET", "/auth/login", ADMIN)).status == 207, "the other classes have guards of their own"


async def test_no_guard_keeps_a_key_from_a_limit_of_its_own(open_stage: Any, verified_as: Any) -> None:
    stage = open_stage(
        auth=lambda credential: verified_as("admin", "*", rateLimit=100), quotas={"LIMIT_DEFAULT": FakeQuota(2)}
    )
    assert [(await stage.ask("GET", "/db/things", ADMIN)).status for _ in range(101)] == [207] * 100 + [429]


async def test_a_guard_of_the_address_counts_before_anything_is_known(open_stage: Any) -> None:
    guard = FakeQuota(1)
    stage = open_stage(quotas={"LIMIT_IP": guard})
    for status in (401, 429):
        response = await stage.ask("GET", "/db/things", {"cf-connecting-ip": "2001:db8:1:2::7"})
        assert response.status == status
    assert dict(guard.counts) == {"2001:db8:1:2::/64": 2}


async def test_a_guard_that_fails_changes_nothing(open_stage: Any, logged: Any) -> None:
    guard = FakeQuota(0)
    guard.fails = True
    stage = open_stage(quotas={"LIMIT_DEFAULT": guard}, log=logged.log)
    assert [(await stage.ask("GET", "/db/things", ADMIN)).status for _ in range(61)] == [207] * 60 + [429]
    assert len(logged.of("rate_limits.guard_failed")) == 60


async def test_a_class_may_be_set_to_refuse_while_kv_fails(open_stage: Any) -> None:
    kv = FakeKv()
    stage = open_stage(kvs={"GATEWAY_KV": kv}, RATE_LIMITS_FAIL_CLOSED="auth")
    kv.fails = True
    assert (await stage.ask("POST", "/auth/refresh")).status == 207, "nothing is known against it yet"
    await stage.later.run()
    refused = await stage.ask("POST", "/auth/refresh")
    assert (refused.status, problem(refused)["code"]) == (503, "UNAVAILABLE")
    assert dict(refused.headers)["retry-after"] == "5"
    assert (await stage.ask("GET", "/db/things", ADMIN)).status == 207, "the others go on"
    kv.fails = False
    await stage.later.run()
    assert (await stage.ask("POST", "/auth/refresh")).status == 207


async def test_a_class_that_fails_closed_needs_kv(open_stage: Any) -> None:
    stage = open_stage(RATE_LIMITS_FAIL_CLOSED="auth")
    assert (await stage.ask("POST", "/auth/refresh")).status == 503
    assert (await stage.ask("GET", "/auth/session")).status == 207
    with pytest.raises(ServiceError) as refused:
        open_stage(RATE_LIMITS_FAIL_CLOSED="ip deflaut auht")
    assert refused.value.detail == (
        "RATE_LIMITS_FAIL_CLOSED: 'auht' is no class; they are default, ai, batch, workflows, auth, webhooks, ip"
    )


async def test_the_others_hear_of_a_key_by_its_own_limit(open_stage: Any, verified_as: Any) -> None:
    kv = FakeKv()
    stage = open_stage(kvs={"GATEWAY_KV": kv}, auth=lambda credential: verified_as("admin", "*", rateLimit=2))
    await stage.ask("GET", "/db/things", ADMIN)
    await stage.later.run()
    ((told, *others),) = [list(entry["d"].values()) for entry in kv.entries.values()]
    assert (told, others) == (1, [])


async def told_to_others(open_stage: Any, **texts: str) -> tuple[str, str]:
    """The key in KV without its random end, and the digest of the one address that is near its limit."""
    kv = FakeKv()
    stage = open_stage(kvs={"GATEWAY_KV": kv}, RATE_LIMITS="ip=20", **texts)
    for _ in range(10):
        await stage.ask("GET", "/db/things", {"cf-connecting-ip": "192.0.2.1"})
    await stage.later.run()
    ((key, entry),) = kv.entries.items()
    (digest,) = entry["d"]
    return key.rpartition("/")[0], digest


async def test_every_deployment_has_keys_of_its_own(open_stage: Any) -> None:
    assert (await told_to_others(open_stage))[0] == "rl1/production"
    assert (await told_to_others(open_stage, ENVIRONMENT="staging"))[0] == "rl1/staging"


async def test_nobody_without_the_secret_can_tell_who_is_told_of(open_stage: Any) -> None:
    digests = [(await told_to_others(open_stage, INTERNAL_SECRET=letter * 32))[1] for letter in "aab"]
    assert (digests[0] == digests[1], digests[0] == digests[2]) == (True, False)
