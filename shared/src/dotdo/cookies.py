"""Cookies of the platform: `__Host-` (RFC 6265bis §4.1.3.2) and Secure, but where COOKIE_SECURE is "false"."""


def cookie_name(name: str, *, secure: bool) -> str:
    return f"__Host-{name}" if secure else name


def set_cookie(name: str, value: str, *, max_age_s: int, secure: bool) -> tuple[str, str]:
    """The Set-Cookie header. A `max_age_s` of 0 takes the cookie away."""
    flags = "; Secure" if secure else ""
    text = f"{cookie_name(name, secure=secure)}={value}; Path=/; Max-Age={max_age_s}; HttpOnly; SameSite=Lax{flags}"
    return "set-cookie", text


def read_cookie(header: str, name: str, *, secure: bool) -> str | None:
    """The value of the cookie of exactly this name in a Cookie header; the first one, when it stands there twice."""
    wanted = cookie_name(name, secure=secure)
    for pair in header.split(";"):
        key, separator, value = pair.strip().partition("=")
        if separator and key == wanted:
            return value
    return None
