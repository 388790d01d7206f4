"""The known defects of gateways of this kind, each shown to be absent.

Most are shown in full elsewhere; here each has the one test that would fail if it came back.
"""

import asyncio
import json
from typing import Any

import httpx
import pytest

from dotdo.errors import ServiceError
from dotdo.fakes import Deferred, FakeBindings, FakeKv, FakePeer
from dotdo.log import Logger
from dotdo.rate_limits.limiter import Limiter
from dotdo.rate_limits.policies import LIMITS, policies
from gateway.addresses import limit_key
from gateway.credentials import Credentials, presented
from gateway.hosts import HOSTS, ascii_host, binding_of
from gateway.limits import Limits
from gateway.pipeline import Gateway
from gateway.requests import Inbound
from gateway.routes import ROUTES
from tests.e2e.gateways import hasty, limited
from tests.e2e.platform import Platform, problem


@pytest.mark.parametrize(
    "route", [route for route in ROUTES if route.binding != "AUTH"], ids=lambda route: route.prefix
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_G_0_only_auth_is_open_to_everybody(route: Any, method: str) -> None:
    bindings = FakeBindings({"INTERNAL_SECRET": "s" * 32}, upstreams={route.binding: Unreachable()})
    gateway = Gateway(bindings, Logger("test"))
    inbound = Inbound(method, f"https://api.test{route.prefix}/x", {}, object(), Deferred())
    assert (await gateway.handle(inbound)).status == 401


class Unreachable:
    async def forward(self, inbound: Any, passage: Any) -> Any:
        raise AssertionError("an anonymous request got through")

    async def status_of(self, path: str) -> int:
        return 200


async def test_G_1_an_api_key_is_accepted(platform: Platform) -> None:
    async with platform.client("viewer") as client:
        assert (await client.get("/db/things/demo/welcome")).status_code == 200


async def test_G_2_a_session_cookie_is_accepted_under_one_name(platform: Platform) -> None:
    made = await platform.result("AUTH", "createSession", "usr_user")
    async with platform.client() as client:
        answer = await client.get("/auth/session", headers={"cookie": f"session={made['token']}"})
        assert answer.json()["user"]["id"] == "usr_user"
        answer = await client.get("/db/things/demo/welcome", headers={"cookie": f"session={made['token']}"})
        assert answer.status_code == 200


async def test_G_3_the_query_string_goes_on(platform: Platform) -> None:
    async with hasty(platform, "admin") as client:
        assert (await client.get("/fn/a?b=%20&c")).json()["url"].endswith("/a?b=%20&c")


@pytest.mark.parametrize("path", ["/db/health", "/auth/health", "/schedule/health"])
async def test_G_4_the_prefix_is_taken_off(platform: Platform, path: str) -> None:
    async with platform.client("admin") as client:
        answer = await client.get(path)
    assert answer.json()["service"] == path.split("/")[1]


@pytest.mark.parametrize("path", ["/health", "/db/things/demo/welcome", "/nowhere", "/db/things%2f"])
async def test_G_5_every_response_has_its_request_id(platform: Platform, path: str) -> None:
    async with platform.client() as client:
        assert (await client.get(path)).headers["x-request-id"].startswith("req_")


async def test_G_6_kv_is_asked_for_no_lifetime_below_a_minute_nor_twice_a_second() -> None:
    kv = FakeKv()  # asserts the first itself
    bindings = FakeBindings(kvs={"GATEWAY_KV": kv})
    limits, later = Limits(bindings, Logger("test")), Deferred()
    for _ in range(1_000):
        await limits.take_address("192.0.2.1")
        limits.tell(later)
    await later.run()
    assert kv.operations == 2


async def test_G_7_parallel_requests_are_all_counted(platform: Platform) -> None:
    made = await platform.result(
        "AUTH", "createApiKey", {"userId": "usr_viewer", "name": "g7", "rateLimit": 7, "environment": "test"}
    )
    async with limited(platform, address="2001:db8:7::1") as client:
        client.headers["authorization"] = f"Bearer {made['key']}"
        answers = await asyncio.gather(*(client.get("/db/things/demo/welcome") for _ in range(20)))
    assert [answer.status_code for answer in answers].count(200) == 7


def test_G_8_classes_have_counters_of_their_own() -> None:
    limiter = Limiter(policies(), b"s")
    for _ in range(60):
        assert limiter.take("default", "u:1", 0.0).allowed
    assert not limiter.take("default", "u:1", 0.0).allowed
    assert all(limiter.take(policy, "u:1", 0.0).allowed for policy in LIMITS if policy != "default")


def test_G_9_a_client_cannot_choose_its_address() -> None:
    addresses = {limit_key({"x-forwarded-for": f"10.0.0.{n}", "x-real-ip": f"10.0.0.{n}"}) for n in range(9)}
    assert addresses == {"unknown"}


async def test_G_10_guesses_cost_no_call_beyond_the_limit() -> None:
    auth = FakePeer(verify=lambda credential: {"valid": False, "code": "NOT_FOUND"})
    bindings = FakeBindings({"INTERNAL_SECRET": "s" * 32}, peers={"AUTH": auth}, upstreams={"DB": Unreachable()})
    gateway = Gateway(bindings, Logger("test"))
    for n in range(400):
        headers = {"authorization": f"Bearer {n}", "cf-connecting-ip": "192.0.2.1"}
        await gateway.handle(Inbound("GET", "https://api.test/db/x", headers, object(), Deferred()))
    assert len(auth.calls) == 300


@pytest.mark.parametrize("content", [None, "x", {"t": "x"}, {"t": 9e9, "d": {"a": None}}, {"t": 9e9, "d": 5}, []])
async def test_G_11_nothing_in_kv_and_no_failure_of_it_fails_a_request(content: Any) -> None:
    for fails in (False, True):
        kv = FakeKv()
        kv.entries["rl1/production/x"], kv.fails = content, fails
        limits, later = Limits(FakeBindings(kvs={"GATEWAY_KV": kv}), Logger("test")), Deferred()
        for _ in range(100):
            await limits.take_address("192.0.2.1")
        limits.tell(later)
        await later.run()
        assert (await limits.take_address("192.0.2.2")).allowed


def test_G_12_counters_are_bounded() -> None:
    limiter = Limiter(policies(), b"s", max_cells=1_000)
    for n in range(5_000):
        limiter.take("ip", str(n), 0.0)
    assert len(limiter) == 1_000


@pytest.mark.parametrize("host", [host for host in HOSTS if HOSTS[host] == "DB"])
async def test_G_13_no_host_opens_what_the_path_protects(host: str) -> None:
    bindings = FakeBindings({"INTERNAL_SECRET": "s" * 32}, upstreams={"DB": Unreachable()})
    name = ascii_host(host.removeprefix("*"))
    inbound = Inbound("POST", f"https://{name}/rpc", {}, object(), Deferred())
    assert (await Gateway(bindings, Logger("test")).handle(inbound)).status == 401


async def test_G_14_G_16_the_default_entrypoint_has_route_and_health(platform: Platform) -> None:
    assert (await platform.result("GATEWAY", "health"))["status"] == "ok"
    assert (await platform.result("GATEWAY", "route", "/health"))["status"] == 200


async def test_G_15_route_answers_text_that_is_not_json(platform: Platform) -> None:
    key = {"headers": {"authorization": f"Bearer {platform.keys['admin']}"}}
    assert (await platform.result("LIMITED_GATEWAY", "route", "/fn/status", key))["body"] == "teapot"


async def test_G_17_G_18_G_24_the_log_says_who_and_holds_no_secret(platform: Platform) -> None:
    start = platform.log.stat().st_size
    key = platform.keys["viewer"]
    async with platform.client("viewer") as client:
        await client.get("/db/things/demo/welcome?code=very-secret-code", headers={"x-request-id": "g17"})
    (line,) = [json.loads(one) for one in await platform.logged('"g17"', '"gateway"', since=start)]
    text = platform.log.read_bytes()[start:].decode()
    assert (line["user_id"], line["key_id"]) == ("usr_viewer", "key_viewer")
    assert "very-secret-code" not in text
    assert key not in text


async def test_G_19_no_exception_reaches_a_client(platform: Platform) -> None:
    async with hasty(platform, "admin") as client:
        assert "secret of the inside" not in (await client.get("/fn/throw")).text


async def test_G_20_identity_and_request_id_go_on_and_forged_ones_do_not(platform: Platform) -> None:
    async with hasty(platform, "admin") as client:
        sent = {"x-dotdo-identity": "forged", "x-user-id": "usr_x", "x-request-id": "g20"}
        arrived = (await client.get("/fn/x", headers=sent)).json()["headers"]
    assert arrived["x-request-id"] == "g20"
    assert arrived["x-dotdo-identity"] not in ("", "forged")
    assert "x-user-id" not in arrived


@pytest.mark.parametrize("cookie", ["mysession=x", "no_session=x", "session2=x", "xsession=x; a=session=x"])
def test_G_21_a_cookie_is_found_by_its_exact_name(cookie: str) -> None:
    assert presented({"cookie": cookie}, secure_cookies=False) is None


async def test_G_22_request_ids_are_kept_or_made_by_a_good_source(platform: Platform) -> None:
    async with platform.client() as client:
        assert (await client.get("/health", headers={"x-request-id": "mine"})).headers["x-request-id"] == "mine"
        made = {(await client.get("/health")).headers["x-request-id"] for _ in range(50)}
    assert len(made) == 50


async def test_G_23_a_route_without_its_service_is_not_an_unknown_path(platform: Platform) -> None:
    async with platform.client("admin") as client:
        problem(await client.get("/ai/models"), 503, "SERVICE_NOT_BOUND")
        problem(await client.get("/aix/models"), 404, "NOT_FOUND")


@pytest.mark.parametrize("host", [host for host in HOSTS if not host.isascii()])
def test_G_25_hosts_match_as_they_arrive(host: str) -> None:
    assert ascii_host(host).startswith("xn--")
    assert binding_of(ascii_host(host)) == HOSTS[host] == binding_of(host)


async def test_G_26_a_credential_that_is_not_valid_is_401_not_nobody(anonymous: httpx.AsyncClient) -> None:
    bindings = FakeBindings(peers={"AUTH": FakePeer(verify=lambda credential: {"valid": False, "code": "REVOKED"})})
    with pytest.raises(ServiceError) as refused:
        await Credentials(bindings.clock).identify("old", bindings.peer("AUTH"))
    assert (refused.value.status, refused.value.code) == (401, "REVOKED")
    answer = await anonymous.get("/schedule/tasks", headers={"authorization": "Bearer nonsense"})
    problem(answer, 401, "MALFORMED")
