"""Cross-site request forgery: what a browser sends by itself, a cookie, is believed for a change only from our own pages.

Browsers set Origin (RFC 6454) and Sec-Fetch-Site (W3C Fetch Metadata) themselves; no script of another site can. A client that
sends an Authorization header is none of this: no browser adds that one by itself. It counts in place of the cookie, except at
endpoints that read or set cookies themselves.
"""

from collections.abc import Collection, Mapping

from dotdo.errors import ServiceError

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def check_same_site(
    method: str,
    headers: Mapping[str, str],
    allowed_origins: Collection[str],
    *,
    handles_cookies: bool = False,
    takes_cookies_away: bool = False,
) -> None:
    """Raises 403 CSRF for a change that comes with a cookie and not provably from our own pages.

    `headers` has lower-case names. `allowed_origins` are exact; `null` is never allowed, whatever stands in it.
    `handles_cookies`: the endpoint reads or sets them, whatever Authorization says: a page that sends one brings them along.
    `takes_cookies_away`: the answer does, so a browser is refused that brought none, as it does with another site's form
    (SameSite): it would heed the answer.
    """
    cookie = headers.get("cookie")
    if method in SAFE_METHODS or ("authorization" in headers and not (handles_cookies and cookie)):
        return
    from_browser = "origin" in headers or "sec-fetch-site" in headers
    if not cookie and not (takes_cookies_away and from_browser):
        return
    origin = headers.get("origin")
    if origin is not None and origin != "null" and origin in allowed_origins:
        return
    if headers.get("sec-fetch-site") == "same-origin":
        return
    raise ServiceError("CSRF", 403, "Permission denied", "a change by cookie has to come from this site's own pages")


def check_opened(method: str, headers: Mapping[str, str]) -> None:
    """Raises 403 CSRF for what another site's page sends or loads on the side, an image or a frame: nobody has asked for it.

    A page that it opens instead of itself passes. `headers` has lower-case names.
    """
    if headers.get("sec-fetch-site") != "cross-site":
        return
    if method not in SAFE_METHODS or headers.get("sec-fetch-dest", "document") != "document":
        raise ServiceError(
            "CSRF", 403, "Permission denied", "another site's page may open this one, and do nothing else"
        )
