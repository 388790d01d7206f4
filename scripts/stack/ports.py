"""Which TCP port of 127.0.0.1 each part of the local stack listens on."""

import os
from dataclasses import dataclass, fields

from scripts.stack.process import StartError, free_port

DEFAULT_PORT = 8787


@dataclass(frozen=True, slots=True)
class Ports:
    gateway: int
    db: int
    auth: int
    schedule: int
    postgres: int
    neon: int
    clickhouse: int
    workos: int


_NAMES = [field.name for field in fields(Ports)]


def ports_from_environment() -> Ports:
    """PORT for the gateway (8787), the next seven for the rest; POSTGRES_PORT and the like choose one by name."""
    base = _port("PORT", DEFAULT_PORT)
    own = {name: _port(f"{name.upper()}_PORT", base + offset) for offset, name in enumerate(_NAMES)}
    return Ports(**{**own, "gateway": base})


def free_ports() -> Ports:
    """Ports nobody uses at the moment, for a stack beside another."""
    return Ports(**{name: free_port() for name in _NAMES})


def _port(name: str, default: int) -> int:
    text = os.environ.get(name, str(default))
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise StartError(f"{name}={text!r} is not a port: give a number from 1 to 65535")
    return int(text)
