"""Credentials do not travel in clear: what comes over the network comes by HTTPS."""

from collections.abc import Mapping

from dotdo.errors import ServiceError
from gateway.addresses import client_address


def require_https(scheme: str, headers: Mapping[str, str]) -> None:
    """Raises 403 HTTPS_REQUIRED for what came to Cloudflare's edge by plain HTTP, which it takes, too.

    Not for a bound Worker's request: it came over no network, and its URL may say anything.
    """
    if scheme == "http" and client_address(headers):
        raise ServiceError(
            "HTTPS_REQUIRED", 403, "HTTPS required",
            "use https://; a credential that was sent by plain HTTP may have been read, so replace it",
        )  # fmt: skip
