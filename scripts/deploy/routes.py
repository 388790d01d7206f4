"""Which hosts reach the dispatch Worker, by the routes of its wrangler.jsonc.

Reference: https://developers.cloudflare.com/workers/configuration/routing/routes/#matching-behavior
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from scripts.deploy.table import Environment


def is_routed(host: str, routes: Iterable[Mapping[str, str]]) -> bool:
    """Whether every path of the host has a route. `host` in lower case, in punycode."""
    return any(_matches(route, host) for route in routes)


def _matches(route: Mapping[str, str], host: str) -> bool:
    """`*` stands for anything, dots and nothing included, within the zone: `*.a.do` is not `a.do`, `*a.do` is."""
    pattern, _, path = route["pattern"].partition("/")
    zone = route["zone_name"]
    if path != "*" or not (host == zone or host.endswith(f".{zone}")):
        return False
    return host.endswith(pattern[1:]) if pattern.startswith("*") else host == pattern


def unreachable(environments: Iterable[Environment], found: Mapping[str, Any]) -> Iterator[str]:
    """What of the dispatch Worker's configuration keeps an environment from being reached at its address."""
    for environment in environments:
        own = found.get("env", {}).get(environment.name, {})
        host = urlsplit(environment.url).hostname
        if host and not is_routed(host, own.get("routes", [])):
            yield f"no route of {environment.name} leads from {host}, its address in scripts/deploy/table.py"
        if not host and own.get("workers_dev") is not True:
            yield f"{environment.name} has neither workers_dev nor an address in scripts/deploy/table.py"
