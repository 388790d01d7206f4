"""auth: the Worker's entrypoint."""

from dotdo.contracts.auth import CONTRACT
from dotdo.entry import Isolate, ServiceEntrypoint

# After dotdo, which has something to tell pydantic before it is imported.
# isort: split
from auth.app import build

__all__ = ["Default"]


class Default(ServiceEntrypoint, isolate=Isolate(CONTRACT, build)):
    """The contract's RPC methods, `callJson` for Python peers, and `fetch`."""
