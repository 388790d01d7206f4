"""The db service over a Neon endpoint that is a fake."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from db.adapters.neon import Neon
from db.app import build
from dotdo.fakes import Deferred, FakeBindings, FakeHttp
from dotdo.http import HttpRequest, HttpResponse
from dotdo.identity import IDENTITY_HEADER, Identity, sign_identity
from dotdo.log import Logger
from dotdo.ports import HttpCall, HttpError, HttpReply

DATABASE_URL = "postgresql://user:hunter2@ep-cool-1.eu-central-1.aws.neon.test/main"
INTERNAL_SECRET = "i" * 32

# OIDs of what the rows hold: text, int4 and jsonb are all that tests need.
_OIDS: dict[type, int] = {str: 25, int: 23, dict: 3802, list: 3802, type(None): 25}


def answered(*rows: dict[str, Any]) -> dict[str, Any]:
    """Rows as Neon writes them: everything text, in the order of the fields."""
    first = rows[0] if rows else {}
    fields = [{"name": name, "dataTypeID": _OIDS[type(value)]} for name, value in first.items()]
    return {
        "fields": fields, "rows": [[_text(value) for value in row.values()] for row in rows], "rowCount": len(rows),
    }  # fmt: skip


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value)


def refused(sqlstate: str, message: str = "inner secret") -> HttpReply:
    body = {
        "code": sqlstate,
        "message": message,
        "detail": "Key (secret)=(x)",
        "constraint": "secret_pkey",
        "hint": "secret",
    }
    return HttpReply(400, {}, json.dumps(body).encode())


Answer = dict[str, Any] | HttpReply | HttpError


class Endpoint:
    """Answers one call after the other with `answers`, then with no rows; keeps what it was asked."""

    def __init__(self, *answers: Answer, **texts: str) -> None:
        self.answers = list(answers)
        self.http = FakeHttp(self._respond)
        self.bindings = FakeBindings(
            {"DATABASE_URL": DATABASE_URL, "INTERNAL_SECRET": INTERNAL_SECRET, **texts}, http=self.http
        )
        self.neon = Neon(self.bindings)
        self.service = build(self.bindings, Logger("db"))

    def _respond(self, call: HttpCall) -> HttpReply:
        answer = self.answers.pop(0) if self.answers else answered()
        if isinstance(answer, HttpError):
            raise answer
        return answer if isinstance(answer, HttpReply) else HttpReply(200, {}, json.dumps(answer).encode())

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(str(call.body)) for call in self.http.calls]

    async def rpc(self, method: str, *params: Any) -> Any:
        return json.loads(await self.service.call(method, params, Deferred()))

    async def send(self, method: str, path: str, identity: Identity, body: Any = None, **headers: str) -> HttpResponse:
        async def read() -> bytes:
            return json.dumps(body).encode()

        token = sign_identity(
            identity, audience="db", request_id="r", secret=INTERNAL_SECRET.encode(), now_s=self.bindings.clock.now
        )
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        sent |= {IDENTITY_HEADER: token, "content-type": "application/json"}
        path, _, query = path.partition("?")
        return await self.service.fetch(HttpRequest(method, path, query, sent, read), Deferred())


@pytest.fixture
def endpoint() -> type[Endpoint]:
    return Endpoint


@pytest.fixture
def rows() -> Callable[..., dict[str, Any]]:
    return answered


@pytest.fixture
def refusal() -> Callable[..., HttpReply]:
    return refused
