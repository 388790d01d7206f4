"""The one error the services raise for what they can name.

`ServiceError` becomes problem+json in `dotdo.problem` and an RPC error in `dotdo.rpc`, and nowhere else. Its `detail` is
written for the caller: it names the field or the variable, and never carries SQL, values, secrets, addresses or exception
texts of the inside.
"""

from collections.abc import Sequence


class ServiceError(Exception):
    """code: stable, upper case. status: HTTP. retryable: the same call may succeed later, unchanged.

    type: the problem's type, a URI (RFC 9457). members: what the problem says on top of the usual ones.
    reason: for the log alone, never for the caller; without values all the same.
    """

    reason = ""
    cookies: Sequence[tuple[str, str]] = ()
    """Set-Cookie headers of the answer: `headers` has each name once."""

    def __init__(
        self,
        code: str,
        status: int,
        title: str,
        detail: str,
        *,
        retryable: bool = False,
        headers: dict[str, str] | None = None,
        type: str = "about:blank",
        members: dict[str, object] | None = None,
    ) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.status = status
        self.title = title
        self.detail = detail
        self.retryable = retryable
        self.headers = headers or {}
        self.type = type
        self.members = members or {}


def invalid_argument(detail: str) -> ServiceError:
    """A field of the wrong type, form or range; the detail names it."""
    return ServiceError("INVALID_ARGUMENT", 400, "Invalid argument", detail)


def malformed_json(detail: str = "the body is not valid JSON") -> ServiceError:
    return ServiceError("MALFORMED_JSON", 400, "Malformed JSON", detail)


def unauthenticated(detail: str, code: str = "UNAUTHENTICATED") -> ServiceError:
    """No credential, or one that is not accepted; `code` says why it was refused."""
    return ServiceError(code, 401, "Authentication required", detail, headers={"www-authenticate": "Bearer"})


def forbidden(detail: str) -> ServiceError:
    return ServiceError("FORBIDDEN", 403, "Permission denied", detail)


def not_found(detail: str) -> ServiceError:
    return ServiceError("NOT_FOUND", 404, "Not found", detail)


def method_not_allowed(allowed: list[str]) -> ServiceError:
    names = ", ".join(sorted(allowed))
    return ServiceError("METHOD_NOT_ALLOWED", 405, "Method not allowed", f"allowed: {names}", headers={"allow": names})


def payload_too_large(most: int) -> ServiceError:
    """`most`: bytes."""
    return ServiceError("PAYLOAD_TOO_LARGE", 413, "Payload too large", f"at most {most} bytes are taken")


def request_timed_out(seconds: float) -> ServiceError:
    """The client has not sent all of its body within that time."""
    return ServiceError(
        "REQUEST_TIMEOUT",
        408,
        "Request timeout",
        f"the body has not arrived within {seconds:g} seconds",
        retryable=True,
    )


def not_configured(variable: str) -> ServiceError:
    """A binding or secret the service cannot work without is missing; the detail names it."""
    return ServiceError("NOT_CONFIGURED", 503, "Not configured", f"{variable} is not set")


def misconfigured(variable: str, problem: str) -> ServiceError:
    """One that is set to what cannot be used; the problem says why, and never what a secret is set to."""
    return ServiceError("NOT_CONFIGURED", 503, "Not configured", f"{variable}: {problem}")


def unavailable(detail: str) -> ServiceError:
    """Something this service depends on does not answer; trying again may help."""
    return ServiceError("UNAVAILABLE", 503, "Service unavailable", detail, retryable=True)


def timed_out(detail: str) -> ServiceError:
    return ServiceError("TIMEOUT", 504, "Timeout", detail, retryable=True)


def internal() -> ServiceError:
    """What the caller sees of an unexpected exception. The exception itself is logged inside."""
    return ServiceError("INTERNAL", 500, "Internal error", "internal error")
