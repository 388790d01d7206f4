"""Addresses of pages, as RFC 3986 writes them."""

from urllib.parse import quote

_AS_THEY_ARE = "%:/?#[]@!$&'()*+,;="
"""RFC 3986 §2.2, and what is percent-encoded already. Browsers send some others as they are, such as bars."""


def percent_encoded(address: str) -> str:
    """An address or a path as a Location header holds it: encoded where it has to be, and not twice."""
    return quote(address, safe=_AS_THEY_ARE)
