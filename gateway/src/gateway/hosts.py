"""Hosts that stand for one Worker each: `db.mw/things` is what `/db/things` is elsewhere, rules and limits included."""

from gateway.routes import ROUTES, Route, covers

HOSTS = {
    "api.services.do": "DB",
    "apis.do": "DB",
    "*api.mw": "DB",
    "db.services.do": "DB",
    "db.apis.do": "DB",
    "db.mw": "DB",
    "database.do": "DB",
    "彡.io": "DB",
    "口.io": "DB",
    "回.io": "DB",
    "auth.services.do": "AUTH",
    "ai.services.do": "AI",
    "queue.services.do": "QUEUE",
    "入.io": "FN",
    "巛.io": "WORKFLOWS",
    "人.io": "AGENT",
    "admin.do": "APP",
}
"""Binding by host; `*` stands for the host itself and everything below it."""

API = frozenset({"api.services.do", "apis.do", "*api.mw"})
"""Those that are the gateway's own addresses as well: its pages are there, and what no path leads to is the Worker's."""


def ascii_host(host: str) -> str:
    """As hosts arrive: lower case, in punycode (RFC 3492), without the root's dot."""
    return ".".join(_ascii_label(label) for label in host.lower().removesuffix(".").split("."))


def _ascii_label(label: str) -> str:
    return label if label.isascii() else "xn--" + label.encode("punycode").decode()


_EXACT = {ascii_host(row): row for row in HOSTS if not row.startswith("*")}
_BELOW = {ascii_host(row[1:]): row for row in HOSTS if row.startswith("*")}


def _row_of(host: str) -> str | None:
    host = ascii_host(host)
    if host in _EXACT:
        return _EXACT[host]
    return next((row for name, row in _BELOW.items() if host == name or host.endswith("." + name)), None)


def binding_of(host: str) -> str | None:
    """The binding a host stands for. `host` without its port."""
    row = _row_of(host)
    return HOSTS[row] if row else None


def is_workers_own(host: str) -> bool:
    """Whether the host is a Worker's and no address of the gateway's: `/` and pages such as `/docs` are that Worker's there."""
    row = _row_of(host)
    return row is not None and row not in API


def match_host(host: str, path: str, routes: tuple[Route, ...] = ROUTES) -> Route | None:
    """The route of the host's Worker whose part of the path that the Worker sees covers `path`; the longest one.

    On such a host the whole path is the Worker's: nothing is removed from it.
    """
    binding = binding_of(host)
    covering = [route for route in routes if route.binding == binding and covers(route.inner_prefix, path)]
    return max(covering, key=lambda route: len(route.inner_prefix), default=None)
