"""A circuit breaker for each Worker behind the gateway: one that does not answer is left alone for a while."""

import math
from dataclasses import dataclass, field

from dotdo.errors import ServiceError

FAILURES = 5
OPEN_S = 10.0


@dataclass(slots=True)
class Circuit:
    """Closed until FAILURES calls in a row fail, then open but for one call every OPEN_S seconds, which probes.

    Starting the probe re-opens the circuit, because a request the runtime cancels never calls `leave`.
    """

    failures: int = 0
    opened_s: float | None = None

    def enter(self, now_s: float) -> float | None:
        """None: the call may go ahead, and ends with `leave`. Else the seconds until another attempt makes sense."""
        if self.opened_s is None:
            return None
        left_s = self.opened_s + OPEN_S - now_s
        if left_s > 0:
            return left_s
        self.opened_s = now_s
        return None

    def leave(self, now_s: float, entered_s: float, *, answered: bool) -> None:
        """How the call of that time went. The failure of one from before the circuit opened says nothing new."""
        if answered:
            self.failures, self.opened_s = 0, None
            return
        if self.opened_s is not None and entered_s < self.opened_s:
            return
        self.failures += 1
        if self.failures >= FAILURES:
            self.opened_s = now_s

    def abandon(self, entered_s: float) -> None:
        """The call of that time said nothing of the Worker: if it was the probe, the next call is."""
        if self.opened_s == entered_s:
            self.opened_s -= OPEN_S


@dataclass(slots=True)
class Breaker:
    """The circuits by binding."""

    circuits: dict[str, Circuit] = field(default_factory=dict)

    def enter(self, binding: str, now_s: float) -> Circuit:
        """The circuit, which the call goes through. Raises 503 CIRCUIT_OPEN with Retry-After."""
        circuit = self.circuits.setdefault(binding, Circuit())
        left_s = circuit.enter(now_s)
        if left_s is None:
            return circuit
        raise ServiceError(
            "CIRCUIT_OPEN", 503, "Service unavailable", f"the {binding.lower()} service has not been answering",
            retryable=True, headers={"retry-after": str(math.ceil(left_s))},
        )  # fmt: skip
