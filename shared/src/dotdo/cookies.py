"""Cookies of the platform: `__Host-` (RFC 6265bis §4.1.3.2) and Secure, but where COOKIE_SECURE is "false".

One that is for a part of the site only (`path`) is `__Secure-`, since `__Host-` is for the whole of it.
"""


def cookie_name(name: str, *, secure: bool, path: str = "/") -> str:
    if not secure:
        return name
    return f"__Host-{name}" if path == "/" else f"__Secure-{name}"


def set_cookie(name: str, value: str, *, max_age_s: int, secure: bool, path: str = "/") -> tuple[str, str]:
    """The Set-Cookie header. A `max_age_s` of 0 takes the cookie away."""
    flags = "; Secure" if secure else ""
    named = cookie_name(name, secure=secure, path=path)
    text = f"{named}={value}; Path={path}; Max-Age={max_age_s}; HttpOnly; SameSite=Lax{flags}"
    return "set-cookie", text


def read_cookie(header: str, name: str, *, secure: bool, path: str = "/") -> str | None:
    """The value of the cookie of exactly this name in a Cookie header; the first one, when it stands there twice."""
    wanted = cookie_name(name, secure=secure, path=path)
    for pair in header.split(";"):
        key, separator, value = pair.strip().partition("=")
        if separator and key == wanted:
            return value
    return None
