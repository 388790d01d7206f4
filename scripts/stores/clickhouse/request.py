"""A request of ClickHouse's HTTP interface, taken apart: URL, headers, credentials."""

import base64
import binascii
import hmac
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_to_bytes

from scripts.stores.clickhouse.compression import choose
from scripts.stores.clickhouse.errors import (
    AUTHENTICATION_FAILED,
    BAD_ARGUMENTS,
    INVALID_SESSION_TIMEOUT,
    NOT_IMPLEMENTED,
    refuse,
)

# URL parameters of the interface itself; all others are settings. Those without a use here are accepted and do nothing.
IGNORED = frozenset(
    {
        "buffer_size",
        "quota_key",
        "client_protocol_version",
        "stacktrace",
        "role",
        "http_write_exception_in_output_format",
    }
)
DEFAULT_SESSION_TIMEOUT_S = 60
MAX_SESSION_TIMEOUT_S = 3600
GET_READONLY = "2"  # reads only, settings may still change: what the real server gives a GET


@dataclass(frozen=True)
class SessionRequest:
    id: str
    timeout_s: int
    must_exist: bool


@dataclass(frozen=True)
class QueryRequest:
    """`query` is the part of the statement in the URL; `params` are in its escaped form."""

    query: bytes
    query_id: str
    params: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    database: str = ""
    format: str = "TabSeparated"
    wait_end_of_query: bool = False
    session: SessionRequest | None = None
    readonly: bool = False
    content_encoding: str = ""
    accepted_encoding: str = ""
    form: str = ""
    """The Content-Type when the body is a form, else empty."""


def headers_of(scope: Mapping[str, Any]) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}


def parameters_of(scope: Mapping[str, Any]) -> dict[str, bytes]:
    """Values as bytes: a statement may hold any. Of a name that comes twice the last counts."""
    pairs = [part.partition(b"=") for part in scope["query_string"].split(b"&") if part]
    return {_unquoted(name).decode(errors="replace"): _unquoted(value) for name, _, value in pairs}


def authenticate(headers: Mapping[str, str], parameters: Mapping[str, bytes], user: str, password: str) -> None:
    """Raises ClickHouseError unless the request carries the one account there is."""
    given_user, given_password = _credentials(headers, parameters)
    right = hmac.compare_digest(given_password.encode(errors="surrogateescape"), password.encode())
    if not right or given_user != user:
        raise refuse(
            AUTHENTICATION_FAILED,
            f"{given_user}: Authentication failed: password is incorrect, or there is no user with such name.",
        )


def _credentials(headers: Mapping[str, str], parameters: Mapping[str, bytes]) -> tuple[str, str]:
    scheme, _, encoded = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            raise refuse(AUTHENTICATION_FAILED, "Invalid authentication: the Basic credentials are malformed") from None
        return user, password
    if "x-clickhouse-user" in headers or "x-clickhouse-key" in headers:
        key = headers.get("x-clickhouse-key", "").encode("latin-1").decode(errors="surrogateescape")
        return headers.get("x-clickhouse-user", "default"), key
    text = {name: parameters.get(name, b"").decode(errors="surrogateescape") for name in ("user", "password")}
    return text["user"] or "default", text["password"]


def parse_request(
    method: str, headers: Mapping[str, str], parameters: Mapping[str, bytes], database: str
) -> QueryRequest:
    """Raises ClickHouseError naming what is wrong."""
    query = parameters.get("query", b"")
    texts = {
        name: _text(name, value) for name, value in parameters.items() if name not in ("query", "user", "password")
    }
    interface = {name: texts.pop(name, "") for name in ("database", "default_format", "query_id", "wait_end_of_query")}
    session = _session(texts)
    for name in ("compress", "decompress"):
        if texts.pop(name, "0") not in ("0", ""):
            raise refuse(
                NOT_IMPLEMENTED, f"{name}=1, blocks in ClickHouse's own framing, is not implemented; use HTTP's codings"
            )
    params = {name[len("param_") :]: texts.pop(name) for name in list(texts) if name.startswith("param_")}
    settings = {name: value for name, value in texts.items() if name not in IGNORED}
    if method in ("GET", "HEAD"):
        settings.setdefault("readonly", GET_READONLY)
    compressed = settings.get("enable_http_compression", "0").lower() in ("1", "true")
    content_type = headers.get("content-type", "")
    return QueryRequest(
        query=query,
        query_id=interface["query_id"] or headers.get("x-clickhouse-query-id") or str(uuid.uuid4()),
        params=params,
        settings=settings,
        database=interface["database"] or headers.get("x-clickhouse-database") or database,
        format=interface["default_format"] or headers.get("x-clickhouse-format") or "TabSeparated",
        wait_end_of_query=interface["wait_end_of_query"] in ("1", "true"),
        session=session,
        readonly=settings.get("readonly", "0") != "0",
        content_encoding=headers.get("content-encoding", "").strip().lower(),
        accepted_encoding=choose(headers.get("accept-encoding", "")) if compressed else "",
        form=content_type if content_type.lower().startswith("multipart/form-data") else "",
    )


def _session(texts: dict[str, str]) -> SessionRequest | None:
    """Takes what belongs to the session out of the parameters."""
    session_id, timeout, check = (texts.pop(f"session_{what}", "") for what in ("id", "timeout", "check"))
    if not session_id:
        return None
    if timeout and not (timeout.isdecimal() and int(timeout) <= MAX_SESSION_TIMEOUT_S):
        raise refuse(
            INVALID_SESSION_TIMEOUT, f"Invalid session timeout '{timeout[:40]}': up to {MAX_SESSION_TIMEOUT_S} seconds"
        )
    return SessionRequest(session_id, int(timeout or DEFAULT_SESSION_TIMEOUT_S), check in ("1", "true"))


def _unquoted(text: bytes) -> bytes:
    return unquote_to_bytes(text.replace(b"+", b" "))


def _text(name: str, value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise refuse(BAD_ARGUMENTS, f"The parameter {name[:40]} is not UTF-8") from None
