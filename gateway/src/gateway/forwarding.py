"""Passing a request on to the Worker that answers it: in the caller's name, within time, and not to one that is down."""

import math
from dataclasses import replace

from dotdo.errors import misconfigured, payload_too_large, timed_out, unavailable
from dotdo.identity import IDENTITY_HEADER, Identity, internal_secret, sign_identity
from dotdo.ports import Bindings, HttpError, Passage, UpstreamResponse
from dotdo.tracing import current
from gateway.addresses import client_address
from gateway.breaker import Breaker
from gateway.headers import dropped
from gateway.requests import Inbound
from gateway.routes import Route


def _seconds(text: str) -> float:
    """UPSTREAM_TIMEOUT_S: what no route's own timeout may exceed; without it they hold as they are."""
    if not text:
        return math.inf
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < math.inf:
        raise misconfigured("UPSTREAM_TIMEOUT_S", f"{text!r} is not a number of seconds")
    return seconds


class Forwarder:
    def __init__(self, bindings: Bindings) -> None:
        self._bindings = bindings
        self._breaker = Breaker()
        self._at_most_s = _seconds(bindings.optional("UPSTREAM_TIMEOUT_S"))

    async def forward(self, inbound: Inbound, route: Route, url: str, identity: Identity) -> UpstreamResponse:
        """The Worker's answer, body unread. Raises 408, 413, 503 UNAVAILABLE or CIRCUIT_OPEN, 504."""
        if inbound.body_bytes > route.max_body_bytes:
            raise payload_too_large(route.max_body_bytes)
        passage = self._passage(inbound, route, url, identity)
        upstream = self._bindings.upstream(route.binding)
        entered_s = self._now_s()
        circuit = self._breaker.enter(route.binding, entered_s)
        try:
            response = await upstream.forward(inbound.native, passage)
        except HttpError as error:
            circuit.leave(self._now_s(), entered_s, answered=False)
            name = route.binding.lower()
            if error.timed_out:
                raise timed_out(f"the {name} service has not answered within {passage.timeout_s:g} seconds") from error
            raise unavailable(f"the {name} service does not answer") from error
        except BaseException:  # the client's doing, or maybe: a body too long, or one that had not passed in time
            circuit.abandon(entered_s)
            raise
        circuit.leave(self._now_s(), entered_s, answered=True)
        return response

    def _passage(self, inbound: Inbound, route: Route, url: str, identity: Identity) -> Passage:
        trace = current()
        token = sign_identity(
            replace(identity, address=client_address(inbound.headers)),
            audience=route.binding.lower(),
            request_id=trace.request_id,
            secret=internal_secret(self._bindings),
            now_s=self._now_s(),
        )
        return Passage(
            url,
            remove=dropped(inbound.headers),
            add={**trace.headers, IDENTITY_HEADER: token},
            timeout_s=min(route.timeout_s, self._at_most_s),
            max_body_bytes=route.max_body_bytes,
        )

    def _now_s(self) -> float:
        return self._bindings.clock.now_s()
