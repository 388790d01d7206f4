"""The small Workers below `workers/` that stand beside the platform's: floors, callers of what has no HTTP of its own, and
gateways on other frameworks.
"""

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scripts.runtime.config import LOCAL_FLAGS, read_configuration, vendored_packages
from scripts.runtime.services import FASTAPI, ROOT, SERVICES, Service
from scripts.runtime.vendor import vendor
from scripts.stack.node import node
from scripts.stack.process import LOOPBACK, free_port

FOLDER = Path(__file__).with_name("workers")
ESBUILD = ROOT / "node_modules" / "esbuild" / "bin" / "esbuild"

_GATEWAY = next(service for service in SERVICES if service.name == "gateway")
_SCHEDULE = next(service for service in SERVICES if service.name == "schedule")
_BEHIND = {"AUTH": "auth", "DB": "db"}
_NO_DB = {"AUTH": "auth", "DB": "constant"}


@dataclass(frozen=True, slots=True)
class Peer:
    """`source`: a folder below `workers/` with entry.py, or a JavaScript module there that is bundled."""

    source: str
    services: Mapping[str, str] = field(default_factory=dict)
    kv: Mapping[str, str] = field(default_factory=dict)
    modules: Path = _GATEWAY.modules
    packages: tuple[dict[str, str], ...] = ()


def _own(service: Service) -> dict[str, str]:
    """The service's own package, as `workers.mjs` takes it."""
    return {"folder": str(service.source / service.name), "prefix": f"{service.name}/", "skip": ""}


_PEERS = {
    "hello": Peer("hello"),
    "bare": Peer("bare"),
    "forward": Peer("forward", {"DB": "db"}),
    "caller-of-bare": Peer("caller", {"PEER": "bare"}),
    "caller-of-db": Peer("caller", {"PEER": "db"}),
    "caller-of-auth": Peer("caller", {"PEER": "auth"}),
    "ticks": Peer("ticks", {"DB": "db"}, modules=_SCHEDULE.modules, packages=(_own(_SCHEDULE),)),
    "hono": Peer("hono/gateway.mjs", _BEHIND, {"GATEWAY_KV": "bench-hono"}),
    "fastapi": Peer(FASTAPI.name, _BEHIND, modules=FASTAPI.modules, packages=(_own(_GATEWAY),)),
    "fastapi-alone": Peer(FASTAPI.name, _NO_DB, modules=FASTAPI.modules, packages=(_own(_GATEWAY),)),
    "constant": Peer("constant.mjs"),
}

_VARIANTS: dict[str, dict[str, Any]] = {
    "gateway-alone": {"variant_of": "gateway", "services": {"DB": "constant"}},
    "gateway-limited": {"variant_of": "gateway", "variables": {"RATE_LIMITS": "default=1 ip=1000000"}},
}
"""Workers of the platform with other settings or neighbours."""


class Peers:
    """One for each run: the ports are free ones. `secrets` are the stack's; `variables` is what each peer gets to know."""

    def __init__(self, variables: dict[str, str], secrets: Mapping[str, str]) -> None:
        self.secrets = secrets
        self._variables = variables
        self._ports = {name: free_port() for name in (*_PEERS, *_VARIANTS)}

    def url(self, name: str) -> str:
        return f"http://{LOOPBACK}:{self._ports[name]}/"

    def workers(self) -> list[dict[str, Any]]:
        """In the form `workers.mjs` takes, their packages installed."""
        vendor(FASTAPI)
        variants = [{**variant, "name": name, "port": self._ports[name]} for name, variant in _VARIANTS.items()]
        return [*(self._worker(name, peer) for name, peer in _PEERS.items()), *variants]

    def _worker(self, name: str, peer: Peer) -> dict[str, Any]:
        worker = {
            "name": name,
            "compatibility_date": read_configuration(_GATEWAY.configuration)["compatibility_date"],
            "variables": self._variables,
            "services": dict(peer.services),
            "kv": dict(peer.kv),
            "port": self._ports[name],
        }
        if peer.source.endswith(".mjs"):
            return {**worker, "script": _bundled(FOLDER / peer.source), "compatibility_flags": []}
        return {
            **worker,
            "main": "entry.py",
            "sources": str(FOLDER / peer.source),
            "vendored": [*vendored_packages(peer.modules), *peer.packages],
            "compatibility_flags": list(LOCAL_FLAGS),
        }


def _bundled(module: Path) -> str:
    """The module with what it imports in one file, as wrangler would upload it."""
    options = ["--bundle", "--format=esm", "--minify", "--external:cloudflare:*", "--log-level=warning"]
    command = [str(node()), str(ESBUILD), str(module), *options]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
