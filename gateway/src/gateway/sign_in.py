"""Where a person goes whom no credential lets in: to sign in, and back.

Only a browser that opens a page is sent there. It says so itself, in fields that no script can set (W3C Fetch Metadata), and no
other client sends: for every one of those a 401 stays a 401.
"""

from urllib.parse import quote, urlsplit

from dotdo.errors import ServiceError
from dotdo.http import HttpResponse
from dotdo.ports import Bindings
from dotdo.urls import percent_encoded
from gateway.paths import normalise
from gateway.requests import Inbound

LONGEST = 1024
"""Characters of an address that is come back to, percent-encoded: it travels in a cookie, which holds 4 KiB. After a longer one
it is `/`."""


class SignIn:
    """LOGIN_URL is where browsers sign in. Without it nobody is sent anywhere."""

    def __init__(self, bindings: Bindings) -> None:
        self._url = bindings.optional("LOGIN_URL")
        self._origin = _origin(self._url)

    def instead_of(self, error: ServiceError, inbound: Inbound) -> HttpResponse | None:
        """The redirect in place of a 401, or None. Sessions are of one origin: on another one signing in would not help."""
        if error.status != 401 or not self._url or not _opens_page(inbound) or _origin(inbound.url) != self._origin:
            return None
        address = urlsplit(inbound.url)
        asked = normalise(address.path) + (f"?{address.query}" if address.query else "")
        back = percent_encoded(asked)
        query = f"?return_to={quote(back, safe='')}" if len(back) <= LONGEST else ""
        return HttpResponse(302, headers=[("location", self._url + query), ("cache-control", "no-store")])


def _opens_page(inbound: Inbound) -> bool:
    headers = inbound.headers
    return (
        inbound.method == "GET"
        and headers.get("sec-fetch-mode") == "navigate"
        and headers.get("sec-fetch-dest") == "document"
        and "text/html" in headers.get("accept", "")
        and "authorization" not in headers
    )


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc
