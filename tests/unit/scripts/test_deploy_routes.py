"""scripts.deploy.routes: which hosts reach the dispatch Worker, and that the pages say it."""

import re
from typing import Any

import pytest

from gateway.hosts import HOSTS, ascii_host
from scripts.deploy.routes import is_routed, unreachable
from scripts.deploy.table import ENVIRONMENTS, Environment
from scripts.runtime.config import read_configuration
from scripts.runtime.services import ROOT

DISPATCH = read_configuration(ROOT / "scripts" / "dispatch" / "wrangler.jsonc")
ROUTES = DISPATCH["env"]["production"]["routes"]


@pytest.mark.parametrize(
    ("pattern", "host", "routed"),
    [
        ("a.do/*", "a.do", True), ("a.do/*", "b.a.do", False), ("a.do/x/*", "a.do", False), ("a.do", "a.do", False),
        ("*.a.do/*", "b.a.do", True), ("*.a.do/*", "c.b.a.do", True), ("*.a.do/*", "a.do", False),
        ("*a.do/*", "a.do", True), ("*a.do/*", "b.a.do", True), ("*a.do/*", "ba.do", False),
        ("*/*", "a.do", True), ("*/*", "b.a.do", True), ("*/*", "b.do", False),
    ],
)  # fmt: skip
def test_what_a_route_matches(pattern: str, host: str, routed: bool) -> None:
    assert is_routed(host, [{"pattern": pattern, "zone_name": "a.do"}]) is routed


def test_every_host_of_the_gateway_is_said_to_have_a_route_or_none() -> None:
    readme = (ROOT / "gateway" / "README.md").read_text()
    table = readme.partition("| host | stands for | route |")[2].partition("\n\n")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]
    said = {host: (re.findall(r"`(\w+)`", binding), route) for hosts, binding, route in rows for host in _hosts(hosts)}
    assert {host: bindings for host, (bindings, _) in said.items()} == {
        host.removeprefix("*"): [binding] for host, binding in HOSTS.items()
    }
    assert {host: route == "yes" for host, (_, route) in said.items()} == {
        host: is_routed(ascii_host(host), ROUTES) for host in said
    }


def _hosts(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_everything_below_a_host_is_routed_where_it_stands_for_a_worker() -> None:
    below = [host.removeprefix("*") for host in HOSTS if host.startswith("*")]
    assert below == ["api.mw"]
    assert all(is_routed(host, ROUTES) for name in below for host in (name, f"a.{name}", f"a.b.{name}"))


def test_no_route_leads_to_nothing_of_ours() -> None:
    """A host whose Worker is not ours would answer 503 behind a route, and whatever is there now would be hidden."""
    named = {ascii_host(host.removeprefix("*")) for host, binding in HOSTS.items() if binding in ("DB", "AUTH")}
    patterns = [route["pattern"].partition("/")[0].removeprefix("*.") for route in ROUTES]
    assert {pattern for pattern in patterns if pattern != "*"} <= named


def test_every_environment_is_reached_at_its_address() -> None:
    assert list(unreachable(ENVIRONMENTS.values(), DISPATCH)) == []


@pytest.mark.parametrize(
    ("environment", "found", "said"),
    [
        (Environment("production", "n", "https://api.example"), DISPATCH, ["no route of production leads from api.example"]),
        (Environment("production", "n"), DISPATCH, ["production has neither workers_dev nor an address"]),
        (Environment("staging", "n", "https://db.mw"), DISPATCH, ["no route of staging leads from db.mw"]),
        (Environment("production", "n", "https://some.db.mw"), DISPATCH, []),
        (Environment("staging", "n"), {}, ["staging has neither workers_dev nor an address"]),
    ],
)  # fmt: skip
def test_an_address_that_leads_nowhere_is_named(
    environment: Environment, found: dict[str, Any], said: list[str]
) -> None:
    wrong = list(unreachable([environment], found))
    assert len(wrong) == len(said)
    assert all(text in one for text, one in zip(said, wrong, strict=True))
