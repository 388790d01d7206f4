"""The gateway's page for people says what its tables say."""

import re

from dotdo.rate_limits.policies import LIMITS
from gateway.hosts import HOSTS
from gateway.routes import ROUTES, Rule
from scripts.runtime.services import ROOT

PAGE = (ROOT / "gateway" / "README.md").read_text()


def said(rule: Rule) -> str:
    return f"`{rule.permission}`" if rule.permission else rule.level


def test_every_route_is_a_row() -> None:
    rows = re.findall(r"^\| `(/\S*)`(?: \(kept\))? \| `(\w+)` \| (\S+) \| (\S+) \| (\w+) \|$", PAGE, re.MULTILINE)
    assert rows == [
        (route.prefix, route.binding, said(route.reads), said(route.writes), route.policy) for route in ROUTES
    ]


def test_every_host_and_every_limit_is_there() -> None:
    assert all(f"`{host.removeprefix('*')}`" in PAGE for host in HOSTS)
    rows = re.findall(r"^\| `(\w+)` \| (\d+)[ ,|]", PAGE, re.MULTILINE)
    assert {name: int(limit) for name, limit in rows} == LIMITS
