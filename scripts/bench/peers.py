"""The small Workers below `workers/` that stand beside the platform's: floors, and callers of what has no HTTP of its own."""

from pathlib import Path
from typing import Any

from scripts.runtime.config import LOCAL_FLAGS, read_configuration, vendored_packages
from scripts.runtime.services import SERVICES
from scripts.stack.process import LOOPBACK, free_port

FOLDER = Path(__file__).with_name("workers")

# Name → its source below `workers/`, and what is bound to it as PEER.
_WORKERS = {
    "hello": ("hello", ""),
    "bare": ("bare", ""),
    "caller-of-bare": ("caller", "bare"),
    "caller-of-db": ("caller", "db"),
    "caller-of-auth": ("caller", "auth"),
}


class Peers:
    """One for each run: the ports are free ones."""

    def __init__(self, variables: dict[str, str]) -> None:
        self._variables = variables
        self._ports = {name: free_port() for name in _WORKERS}

    def url(self, name: str) -> str:
        return f"http://{LOOPBACK}:{self._ports[name]}/"

    def workers(self) -> list[dict[str, Any]]:
        """In the form `workers.mjs` takes."""
        return [self._worker(name, source, peer) for name, (source, peer) in _WORKERS.items()]

    def _worker(self, name: str, source: str, peer: str) -> dict[str, Any]:
        gateway = next(service for service in SERVICES if service.name == "gateway")
        return {
            "name": name,
            "main": "entry.py",
            "sources": str(FOLDER / source),
            "vendored": vendored_packages(gateway.modules),
            "compatibility_date": read_configuration(gateway.configuration)["compatibility_date"],
            "compatibility_flags": list(LOCAL_FLAGS),
            "variables": self._variables,
            "services": {"PEER": peer} if peer else {},
            "port": self._ports[name],
        }
