"""What is told of a request once it is answered: a log line, and a usage event. Neither has its query string, nor any value
that came in a header.
"""

from dotdo.http import HttpResponse
from dotdo.instants import rfc3339
from dotdo.log import Logger
from dotdo.ports import Bindings, UpstreamResponse
from dotdo.tracing import current
from gateway.pages import LIVENESS
from gateway.requests import PREFLIGHT, Inbound, Seen
from gateway.usage import Usage

NO_EVENT = frozenset({LIVENESS, PREFLIGHT})
"""Routes that are no use of the platform: what asks whether it lives, and what browsers ask on their own account."""


class Reporter:
    def __init__(self, bindings: Bindings, log: Logger) -> None:
        self._clock = bindings.clock
        self._log = log
        self._usage = Usage(bindings, log)

    def report(
        self, inbound: Inbound, seen: Seen, response: HttpResponse | UpstreamResponse, duration_ms: float
    ) -> None:
        identity, duration_ms = seen.identity, round(duration_ms, 2)
        self._log.info(
            "request",
            method=inbound.method,
            route=seen.route,
            status=response.status,
            duration_ms=duration_ms,
            identity=identity.kind,
            user_id=identity.subject or None,
            key_id=identity.key_id or None,
        )
        if seen.route in NO_EVENT:
            return
        row = {
            "time": rfc3339(self._clock.now_s()), "request_id": current().request_id, "route": seen.route,
            "method": inbound.method, "status": response.status, "duration_ms": duration_ms,
            "identity": identity.kind, "key_id": identity.key_id, "user_id": identity.subject,
            "organization": identity.organization, "bytes_in": _received(inbound, response), "bytes_out": _sent(response),
            "colo": _colo(inbound),
        }  # fmt: skip
        self._usage.add(row, inbound.defer)


def _received(inbound: Inbound, response: HttpResponse | UpstreamResponse) -> int:
    """As announced, else as counted."""
    return inbound.body_bytes or (0 if isinstance(response, HttpResponse) else response.taken_bytes)


def _sent(response: HttpResponse | UpstreamResponse) -> int:
    return len(response.body.encode()) if isinstance(response, HttpResponse) else response.body_bytes


def _colo(inbound: Inbound) -> str:
    """The Cloudflare location, which ends the ray id (`8a1b2c3d4e5f6789-AMS`)."""
    return inbound.headers.get("cf-ray", "").rpartition("-")[2][:8]
