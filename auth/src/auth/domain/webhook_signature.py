"""WorkOS-Signature: `t=<instant>, v1=<HMAC-SHA-256 of "<instant>.<body>">` in hexadecimal (https://workos.com/docs/events/data-syncing/webhooks)."""

import hashlib
import hmac
import re

from dotdo.errors import not_configured, unauthenticated
from dotdo.ports import Bindings

HEADER = "workos-signature"
SECRETS = "WORKOS_WEBHOOK_SECRET"
TOLERANCE_S = 180
"""Either way: what is older may be a replay, what is newer was made by no clock we trust."""

_INSTANT = re.compile(r"[0-9]{1,16}\Z")
_MILLISECONDS_FROM = 10**11
"""WorkOS writes milliseconds, its emulator seconds: below this number it is seconds, up to the year 5138."""


def check_signature(header: str | None, body: bytes, bindings: Bindings) -> None:
    """Raises 401 INVALID_SIGNATURE, or 401 STALE_SIGNATURE for one that was good once or will be.

    WORKOS_WEBHOOK_SECRET holds one secret or, while they change, several, separated by spaces or commas. All of them are
    tried, whichever fits.
    """
    secrets = [secret.encode() for secret in re.split(r"[\s,]+", bindings.text(SECRETS)) if secret]
    if not secrets:
        raise not_configured(SECRETS)
    instant, signatures = _parts(header or "")
    signed = instant.encode() + b"." + body
    expected = [hmac.digest(secret, signed, hashlib.sha256).hex().encode() for secret in secrets]
    matches = [hmac.compare_digest(one, given.encode()) for one in expected for given in signatures]
    if not any(matches):
        raise unauthenticated("WorkOS-Signature: not one of this body", "INVALID_SIGNATURE")
    age_s = bindings.clock.now_s() - _seconds(int(instant))
    if abs(age_s) > TOLERANCE_S:
        raise unauthenticated(f"WorkOS-Signature: more than {TOLERANCE_S} s away", "STALE_SIGNATURE")


def _parts(header: str) -> tuple[str, list[str]]:
    pairs = [part.strip().partition("=") for part in header.split(",")]
    instants = [value for name, _, value in pairs if name == "t"]
    signatures = [value for name, _, value in pairs if name == "v1"]
    if len(instants) != 1 or not _INSTANT.match(instants[0]) or not signatures or not header.isascii():
        raise unauthenticated("WorkOS-Signature: missing, or not t=…, v1=…", "INVALID_SIGNATURE")
    return instants[0], signatures


def _seconds(instant: int) -> float:
    return instant / 1000 if instant >= _MILLISECONDS_FROM else float(instant)
