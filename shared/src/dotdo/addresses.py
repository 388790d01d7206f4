"""Network addresses of clients."""

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address

_KNOWN = 1024
"""Addresses of late whose parsing is remembered: a client comes back, and each request asks twice."""


@lru_cache(_KNOWN)
def address_of(text: str | None) -> str:
    """The address in its usual form, an IPv4 one mapped into IPv6 as what it is; empty for what is none."""
    try:
        address = ip_address(text or "")
    except ValueError:
        return ""
    if isinstance(address, IPv6Address):
        address = address.ipv4_mapped or address
    return str(address)


@lru_cache(_KNOWN)
def network_of(address: str) -> str:
    """What one client has: an IPv4 address, or the /64 network around an IPv6 one (RFC 6177)."""
    parsed = ip_address(address)
    if isinstance(parsed, IPv4Address):
        return address
    return f"{IPv6Address(int(parsed) >> 64 << 64)}/64"
