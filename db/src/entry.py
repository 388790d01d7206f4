"""db: the Worker's entrypoint."""

from db.app import build
from dotdo.contracts.db import CONTRACT
from dotdo.entry import Isolate, ServiceEntrypoint

__all__ = ["Default"]


class Default(ServiceEntrypoint, isolate=Isolate(CONTRACT, build)):
    """The contract's RPC methods, `callJson` for Python peers, and `fetch`."""
