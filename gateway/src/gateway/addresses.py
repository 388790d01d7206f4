"""Where a request comes from, as far as that can be known."""

from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address

UNKNOWN = "unknown"


def client_address(headers: Mapping[str, str]) -> str:
    """What Cloudflare's edge says, an IPv6 address as its /64 network; `unknown` without an edge in front. No other header is
    believed: whoever sends the request writes those.
    """
    given = headers.get("cf-connecting-ip")
    if not given:
        return UNKNOWN
    try:
        address = ip_address(given)
    except ValueError:
        return UNKNOWN
    if isinstance(address, IPv6Address):
        address = address.ipv4_mapped or address
    return str(address) if isinstance(address, IPv4Address) else f"{IPv6Address(int(address) >> 64 << 64)}/64"
