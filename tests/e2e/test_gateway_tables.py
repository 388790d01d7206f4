"""Every row of the routing, access, host and limit tables on the real runtime, made from the tables; then the cases by hand."""

import asyncio
import time
from collections.abc import Iterator

import pytest

from dotdo.identity import Identity
from dotdo.permissions import permitted
from dotdo.rate_limits.policies import LIMITS
from gateway.hosts import HOSTS, ascii_host
from gateway.routes import READS, ROUTES, WRITES, Route, Rule
from tests.e2e.gateways import hasty
from tests.e2e.mapped import PERMISSIONS, Answer, address, ask, authorization, credential, most
from tests.e2e.platform import Platform
from tests.unit.gateway.test_cases import CASES
from tests.unit.gateway.test_headers import CLAIMS, HOP_BY_HOP

METHODS = sorted(READS | WRITES)
CALLERS = ("-", "wrong", *PERMISSIONS)


def expected(route: Route, rule: Rule, caller: str) -> int:
    """What the row says, read another way than the gateway does."""
    if caller in ("-", "wrong"):
        return 200 if route.service_decides or (rule.level == "public" and caller == "-") else 401
    role, permissions = PERMISSIONS[caller]
    identity = Identity("api_key", role=role, permissions=tuple(permissions.split(",")))
    if rule.level == "admin":
        return 200 if identity.is_admin else 403
    return 200 if not rule.permission or permitted(identity.permissions, rule.permission) else 403


def check(answer: Answer, route: Route, status: int, inner: str, method: str) -> None:
    assert answer.status == status, answer
    if method == "HEAD":
        return  # has no body to tell by
    assert (answer.service, answer.path) == ((route.binding.lower(), inner) if status == 200 else ("", ""))
    if status != 200:
        assert answer.body["code"] in {401: ("UNAUTHENTICATED", "NOT_FOUND"), 403: ("FORBIDDEN",)}[status]


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.prefix)
async def test_every_route_for_every_method_and_caller(platform: Platform, route: Route) -> None:
    inner = route.prefix.removeprefix(route.prefix if route.removed is None else route.removed)
    cases = [(method, caller) for method in METHODS for caller in CALLERS]
    answers = await asyncio.gather(
        *(ask(platform, method, f"{route.prefix}/a%20b?x=%2F&y=1", authorization(caller)) for method, caller in cases)
    )
    for (method, caller), answer in zip(cases, answers, strict=True):
        status = expected(route, route.reads if method in READS else route.writes, caller)
        check(answer, route, status, f"{inner}/a%20b?x=%2F&y=1", method)


def named_hosts() -> Iterator[tuple[str, Route]]:
    for host, binding in HOSTS.items():
        route = next(route for route in ROUTES if route.binding == binding)
        name = ascii_host(host.removeprefix("*"))
        yield name, route
        if host.startswith("*"):
            yield f"any.thing.{name}", route


@pytest.mark.parametrize(("host", "route"), list(named_hosts()), ids=str)
async def test_every_host_for_every_caller(platform: Platform, host: str, route: Route) -> None:
    cases = [(method, caller) for method in ("GET", "POST") for caller in CALLERS]
    answers = await asyncio.gather(
        *(ask(platform, method, "/some/where?x=1", authorization(caller), host) for method, caller in cases)
    )
    for (method, caller), answer in zip(cases, answers, strict=True):
        status = expected(route, route.reads if method in READS else route.writes, caller)
        check(answer, route, status, "/some/where?x=1", method)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.prefix)
async def test_every_route_counts_against_its_class(platform: Platform, route: Route) -> None:
    answer = await ask(platform, "GET", f"{route.prefix}/x", authorization("admin"))
    limit = LIMITS[route.policy]
    assert answer.headers["ratelimit-policy"] == f'"{route.policy}";q={limit};w=60'
    assert answer.headers["ratelimit"].startswith(f'"{route.policy}";r={limit - 1};t=')
    assert (answer.headers["x-ratelimit-limit"], answer.headers["x-ratelimit-remaining"]) == (
        str(limit),
        str(limit - 1),
    )


@pytest.mark.parametrize("policy", sorted({route.policy for route in ROUTES}))
async def test_every_class_admits_its_limit_and_then_no_more(platform: Platform, policy: str) -> None:
    route = next(route for route in ROUTES if route.policy == policy)
    headers = {"authorization": f"Bearer {credential('admin', f'limit-{policy}')}"}
    started = time.monotonic()
    answers = await asyncio.gather(
        *(ask(platform, "GET", f"{route.prefix}/x", headers) for _ in range(2 * LIMITS[policy] + 5))
    )
    admitted = sum(answer.status == 200 for answer in answers)
    assert LIMITS[policy] <= admitted <= most(LIMITS[policy], time.monotonic() - started)
    refused = next(answer for answer in answers if answer.status == 429)
    assert refused.body["violated-policies"] == [policy]
    assert refused.headers["ratelimit"] == f'"{policy}";r=0;t={refused.headers["retry-after"]}'


async def test_the_class_of_the_address_comes_first(platform: Platform) -> None:
    same, started = {"cf-connecting-ip": address()}, time.monotonic()
    answers = await asyncio.gather(*(ask(platform, "GET", "/db/x", same) for _ in range(LIMITS["ip"] + 100)))
    admitted = sum(answer.status == 401 for answer in answers)
    assert LIMITS["ip"] <= admitted <= most(LIMITS["ip"], time.monotonic() - started)
    assert next(answer for answer in answers if answer.status == 429).body["violated-policies"] == ["ip"]


async def test_a_ratelimits_binding_is_asked_where_there_is_one(platform: Platform) -> None:
    """This gateway has one of two a minute; its class takes as many as there are."""
    async with hasty(platform, "admin") as client:
        answers = [await client.get("/ai/status") for _ in range(6)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert 2 <= len(answers) - len(refused) <= 4, "two a period of its own clock"
    assert all(answer.json()["violated-policies"] == ["ai"] for answer in refused)


@pytest.mark.parametrize("case", CASES.strip().splitlines(), ids=lambda case: "-".join(case.split()))
async def test_case_by_hand(platform: Platform, case: str) -> None:
    method, host, path, caller, *result = case.split()
    answer = await ask(platform, method, path, authorization(caller), host)
    if len(result) == 1:
        assert (answer.status, answer.reached) == (int(result[0]), False)
    elif method == "HEAD":
        assert answer.status == 200
    else:
        assert (answer.status, answer.service, answer.path) == (200, result[0].lower(), result[1])


async def test_no_listed_header_arrives(platform: Platform) -> None:
    """But for those that are the connection's own, and that the runtime writes anew."""
    listed = dict.fromkeys({*HOP_BY_HOP, *CLAIMS} - {"connection", "transfer-encoding"}, "forged")
    sent = {**listed, "connection": "close, X-Hop, x-other", "x-hop": "1", "X-Other": "2", "x-kept": "3"}
    answer = await ask(platform, "GET", "/db/x", {**authorization("viewer"), **sent})
    assert answer.service == "db"
    assert not {name for name, value in answer.arrived.items() if value == "forged"}
    assert not {*sent, "x-other"} - {"x-dotdo-identity", "x-kept"} & set(answer.arrived)
    assert answer.arrived["x-kept"] == "3"
