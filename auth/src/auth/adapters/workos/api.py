"""Asking WorkOS: addresses, credentials, time limits, retries and errors."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

from pydantic import ValidationError

from auth.adapters.workos.models import Record
from auth.adapters.workos.retries import BUDGET_S, Outcome, retry_after_s, wait_s
from dotdo.errors import ServiceError, timed_out, unavailable
from dotdo.nesting import parse_json
from dotdo.ports import Bindings, HttpCall, HttpError, HttpReply

DEFAULT_URL = "https://api.workos.com"
TIMEOUT_S = 10.0

R = TypeVar("R", bound=Record)


class Refused(Exception):
    """WorkOS said no: a 4xx other than 429. `code` is its machine code, `body` all of the answer. Not for callers' eyes."""

    def __init__(self, status: int, code: str, body: Mapping[str, Any]) -> None:
        super().__init__(f"{status} {code}")
        self.status = status
        self.code = code
        self.body = body


class Api:
    def __init__(self, bindings: Bindings) -> None:
        self._bindings = bindings

    @property
    def client_id(self) -> str:
        return self._bindings.text("WORKOS_CLIENT_ID")

    @property
    def key(self) -> str:
        return self._bindings.text("WORKOS_API_KEY")

    def url(self, path: str, query: Mapping[str, str | int | None] | None = None) -> str:
        """`path` with those of the query's members that have a value."""
        base = self._bindings.optional("WORKOS_API_URL", DEFAULT_URL).rstrip("/")
        given = {name: value for name, value in (query or {}).items() if value}
        return base + path + (f"?{urlencode(given)}" if given else "")

    async def get(self, model: type[R], path: str, **query: str | int | None) -> R:
        headers = {"accept": "application/json", "authorization": f"Bearer {self.key}"}
        return _read(model, await self._send(HttpCall("GET", self.url(path, query), headers), repeatable=True))

    async def post(self, model: type[R], path: str, body: Mapping[str, str | None]) -> R:
        """Not repeated when nobody knows whether it was done; after 429 it was not."""
        headers = {
            "accept": "application/json",
            "content-type": "application/json",
            "authorization": f"Bearer {self.key}",
        }
        given = json.dumps({name: value for name, value in body.items() if value is not None})
        return _read(model, await self._send(HttpCall("POST", self.url(path), headers, given), repeatable=False))

    async def _send(self, call: HttpCall, *, repeatable: bool) -> HttpReply:
        clock = self._bindings.clock
        deadline = clock.now_s() + BUDGET_S
        outcome = await self._once(call, TIMEOUT_S)
        attempt = 0
        while (wait := wait_s(outcome, attempt, repeatable=repeatable, now_s=clock.now_s())) is not None:
            left = deadline - clock.now_s() - wait
            if left <= 0:
                break
            await clock.sleep(wait)
            outcome = await self._once(call, min(TIMEOUT_S, left))
            attempt += 1
        return self._answered(outcome)

    async def _once(self, call: HttpCall, timeout_s: float) -> Outcome:
        try:
            return await self._bindings.http.send(replace(call, timeout_s=timeout_s))
        except HttpError as error:
            return error

    def _answered(self, outcome: Outcome) -> HttpReply:
        if isinstance(outcome, HttpError):
            if outcome.timed_out:
                raise timed_out("WorkOS did not answer in time") from outcome
            raise unavailable("WorkOS does not answer") from outcome
        if outcome.status == 429:
            error = unavailable("WorkOS takes no more requests at the moment")
            error.headers["retry-after"] = str(int(retry_after_s(outcome, self._bindings.clock.now_s()) or 1))
            raise error
        if 400 <= outcome.status < 500:
            raise _refused(outcome)
        if not 200 <= outcome.status < 300:
            raise unavailable("WorkOS does not answer")
        return outcome


def segment(text: str) -> str:
    """An id as one part of a path. Raises Refused for what would be none: parsers take dots away, encoded ones, too."""
    if not text.strip("."):
        raise Refused(404, "not_found", {})
    return quote(text, safe="")


def unreadable_answer() -> ServiceError:
    return ServiceError("UPSTREAM_ERROR", 502, "Bad answer", "WorkOS answered something that cannot be read")


def _read(model: type[R], reply: HttpReply) -> R:
    try:
        return model.model_validate(parse_json(reply.text or "{}"), strict=True)
    except (ValueError, ValidationError) as error:
        raise unreadable_answer() from error


def _refused(reply: HttpReply) -> Refused:
    try:
        body = parse_json(reply.text)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        return Refused(reply.status, "", {})
    code = body.get("code") or body.get("error")
    return Refused(reply.status, code if isinstance(code, str) else "", body)
