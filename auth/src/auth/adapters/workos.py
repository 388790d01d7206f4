"""WorkOS user management over HTTP (https://workos.com/docs/reference/authkit)."""

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from dotdo.errors import ServiceError, timed_out, unavailable
from dotdo.ports import Bindings, HttpCall, HttpError

DEFAULT_URL = "https://api.workos.com"
TIMEOUT_S = 10.0
DEFAULT_PROVIDER = "authkit"


@dataclass(frozen=True, slots=True)
class Authentication:
    """Who WorkOS says has signed in. `name` is None for a user without one."""

    workos_user_id: str
    email: str
    email_verified: bool
    name: str | None
    organization_id: str | None


class WorkOS:
    """Reads WORKOS_CLIENT_ID, WORKOS_API_KEY and WORKOS_API_URL at each call."""

    def __init__(self, bindings: Bindings) -> None:
        self._bindings = bindings

    def authorize_url(self, *, redirect_uri: str, state: str, challenge: str, **optional: str | None) -> str:
        """Where the browser signs in. `optional`: provider, login_hint."""
        query = {
            "client_id": self._bindings.text("WORKOS_CLIENT_ID"),
            "redirect_uri": redirect_uri,
            "response_type": "code",
            "state": state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            "provider": DEFAULT_PROVIDER,
            **{name: value for name, value in optional.items() if value},
        }
        return f"{self._base_url}/user_management/authorize?{urlencode(query)}"

    async def authenticate_with_code(self, code: str, verifier: str) -> Authentication:
        """Raises LOGIN_FAILED when WorkOS refuses the code, else TIMEOUT, UNAVAILABLE or UPSTREAM_ERROR."""
        body = {
            "client_id": self._bindings.text("WORKOS_CLIENT_ID"),
            "client_secret": self._bindings.text("WORKOS_API_KEY"),
            "grant_type": "authorization_code",
            "code": code,
            "code_verifier": verifier,
        }
        return _authentication(await self._post("/user_management/authenticate", body))

    @property
    def _base_url(self) -> str:
        return self._bindings.optional("WORKOS_API_URL", DEFAULT_URL).rstrip("/")

    async def _post(self, path: str, body: dict[str, str]) -> Any:
        headers = {"content-type": "application/json", "accept": "application/json"}
        call = HttpCall("POST", self._base_url + path, headers, json.dumps(body), TIMEOUT_S)
        try:
            reply = await self._bindings.http.send(call)
        except HttpError as error:
            if error.timed_out:
                raise timed_out("WorkOS did not answer in time") from error
            raise unavailable("WorkOS does not answer") from error
        if reply.status in (400, 401, 403, 404, 422):
            raise ServiceError("LOGIN_FAILED", 400, "Sign-in failed", "WorkOS refused the sign-in: begin again")
        if reply.status >= 300:
            raise unavailable("WorkOS does not answer")
        try:
            return json.loads(reply.text)
        except ValueError as error:
            raise _garbled() from error


def _garbled() -> ServiceError:
    return ServiceError("UPSTREAM_ERROR", 502, "Bad answer", "WorkOS answered something that cannot be read")


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError("not a text")
    return value


def _authentication(answer: Any) -> Authentication:
    try:
        user = answer["user"]
        names = [name for name in (user.get("first_name"), user.get("last_name")) if name]
        return Authentication(
            workos_user_id=_text(user["id"]),
            email=_text(user["email"]),
            email_verified=user.get("email_verified") is True,
            name=" ".join(names) or None,
            organization_id=answer.get("organization_id"),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise _garbled() from error
