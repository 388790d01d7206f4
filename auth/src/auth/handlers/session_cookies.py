"""The two cookies of a signed-in browser: the access token for the whole site, the refresh token for this service alone."""

from auth.domain import access_tokens
from dotdo.contracts.auth.sessions import Tokens
from dotdo.cookies import read_cookie, set_cookie
from dotdo.http import HttpRequest
from dotdo.ports import Bindings

SESSION = "session"
REFRESH = "refresh"
REFRESH_PATH = "/auth"
REFRESH_LIFETIME_S = 30 * 24 * 3600
"""The token's own; its session ends after seven idle days, and the token with it."""

Cookie = tuple[str, str]


def is_secure(bindings: Bindings) -> bool:
    return bindings.optional("COOKIE_SECURE", "true") != "false"


def signed_in(tokens: Tokens, bindings: Bindings) -> list[Cookie]:
    """The Set-Cookie headers of a new pair."""
    return _both(tokens.token, access_tokens.LIFETIME_S, tokens.refresh_token, REFRESH_LIFETIME_S, bindings)


def signed_out(bindings: Bindings) -> list[Cookie]:
    """The Set-Cookie headers that take both away."""
    return _both("", 0, "", 0, bindings)


def refresh_token(request: HttpRequest, bindings: Bindings) -> str | None:
    return read_cookie(request.headers.get("cookie", ""), REFRESH, secure=is_secure(bindings), path=REFRESH_PATH)


def _both(session: str, session_s: int, refresh: str, refresh_s: int, bindings: Bindings) -> list[Cookie]:
    secure = is_secure(bindings)
    return [
        set_cookie(SESSION, session, max_age_s=session_s, secure=secure),
        set_cookie(REFRESH, refresh, max_age_s=refresh_s, secure=secure, path=REFRESH_PATH),
    ]
