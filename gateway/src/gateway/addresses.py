"""Where a request comes from, as far as that can be known."""

from collections.abc import Mapping

from dotdo.addresses import address_of, network_of

UNKNOWN = "unknown"


def client_address(headers: Mapping[str, str]) -> str:
    """What Cloudflare's edge says; empty without an edge in front. No other header is believed: whoever sends the request
    writes those.
    """
    return address_of(headers.get("cf-connecting-ip"))


def limit_key(headers: Mapping[str, str]) -> str:
    """The same as limits count by: an IPv6 address as its /64 network, and `unknown`."""
    address = client_address(headers)
    return network_of(address) if address else UNKNOWN
