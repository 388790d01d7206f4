"""The header fields of a limited response: draft-ietf-httpapi-ratelimit-headers-11, and the X- ones that older clients read."""

from dotdo.errors import ServiceError
from dotdo.rate_limits.limiter import Decision
from dotdo.rate_limits.policies import WINDOW_S

PROBLEM_TYPE = "https://iana.org/assignments/http-problem-types#quota-exceeded"


def header_fields(decision: Decision, now_s: float) -> list[tuple[str, str]]:
    """`r` is what this isolate still admits: never more than what all of them would."""
    return [
        ("ratelimit-policy", f'"{decision.policy}";q={decision.limit};w={WINDOW_S}'),
        ("ratelimit", f'"{decision.policy}";r={decision.remaining};t={decision.reset_s}'),
        ("x-ratelimit-limit", str(decision.limit)),
        ("x-ratelimit-remaining", str(decision.remaining)),
        ("x-ratelimit-reset", str(int(now_s) + decision.reset_s)),
    ]


def too_many_requests(decision: Decision) -> ServiceError:
    """429 with Retry-After in seconds."""
    return ServiceError(
        "RATE_LIMITED", 429, "Too many requests",
        f"more than {decision.limit} requests in {WINDOW_S} seconds (class {decision.policy}); "
        f"try again in {decision.reset_s} seconds",
        retryable=True, headers={"retry-after": str(decision.reset_s)},
        type=PROBLEM_TYPE, members={"violated-policies": [decision.policy]},
    )  # fmt: skip
