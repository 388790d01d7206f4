"""When WorkOS is asked once more, and how long it is left alone before.

429 was not done and may be repeated. What failed otherwise may have been done all the same: only reads are repeated then.
"""

from email.utils import parsedate_to_datetime

from dotdo.ports import HttpError, HttpReply

Outcome = HttpReply | HttpError

MAX_RETRIES = 2
FIRST_WAIT_S = 0.25
LONGEST_WAIT_S = 5.0
"""A browser is waiting: who is asked for more patience than this says so instead."""
BUDGET_S = 20.0
"""All attempts together; the gateway gives up after 30 s."""

_PASSING = frozenset({500, 502, 503, 504})


def wait_s(outcome: Outcome, attempt: int, *, repeatable: bool, now_s: float) -> float | None:
    """Seconds until the next attempt; None when there is to be none."""
    if attempt >= MAX_RETRIES or not _may_repeat(outcome, repeatable):
        return None
    asked = retry_after_s(outcome, now_s) if isinstance(outcome, HttpReply) else None
    wait = FIRST_WAIT_S * 2**attempt if asked is None else asked
    return wait if wait <= LONGEST_WAIT_S else None


def retry_after_s(reply: HttpReply, now_s: float) -> float | None:
    """Retry-After (RFC 9110 §10.2.3) in seconds, be it given so or as a date; None for none that can be read."""
    text = reply.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdecimal() and len(text) < 10:
        return float(text)
    try:
        return max(parsedate_to_datetime(text).timestamp() - now_s, 0.0)
    except (ValueError, TypeError, OverflowError):
        return None


def _may_repeat(outcome: Outcome, repeatable: bool) -> bool:
    if isinstance(outcome, HttpError):
        return repeatable
    return outcome.status == 429 or (repeatable and outcome.status in _PASSING)
