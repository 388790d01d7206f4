"""What the two ways in have in common: leaving for WorkOS, coming back from it, and the session at the end."""

from dataclasses import replace
from typing import Any

from auth.domain import login
from auth.domain.accounts import Accounts
from auth.domain.attempts import CALLBACK
from auth.domain.login import Attempt
from auth.handlers import session_cookies
from auth.handlers.actors import actor_of
from auth.handlers.credentials import NO_STORE, private, request_of
from dotdo.contracts.auth.sessions import CreatedSession
from dotdo.contracts.auth.workos import CallbackQuery
from dotdo.cookies import read_cookie, set_cookie
from dotdo.errors import ServiceError
from dotdo.http import HttpRequest, HttpResponse
from dotdo.ports import Bindings
from dotdo.service import Call


class ArrivingHandlers:
    _accounts: Accounts
    _bindings: Bindings

    def _return_to(self, address: str) -> str:
        return login.safe_return_to(address, self._bindings.optional("REDIRECT_ALLOWLIST").split())

    def _address(self, path: str) -> str:
        """Where browsers reach this path of the service."""
        return self._bindings.text("PUBLIC_URL").rstrip("/") + path

    def _sent(self, way: str, attempt: Attempt, location: str) -> HttpResponse:
        cookie = self._cookie(way, login.seal(way, attempt, self._bindings), login.LIFETIME_S)
        return HttpResponse(302, headers=[("location", location), cookie, NO_STORE])

    async def _resumed(self, call: Call, way: str, query: CallbackQuery) -> Attempt:
        """What this browser began; from here on it cannot be gone on with a second time."""
        attempt = login.resume(way, self._read(request_of(call), way), query.state, self._bindings)
        if query.error or not query.code:
            raise login.login_failed("WorkOS did not sign you in: begin again at /auth/login")
        if not await self._accounts.sessions.use_state(attempt.state_hash):
            raise login.login_failed("this sign-in was used already: begin again at /auth/login")
        return attempt

    async def _arrived(
        self, call: Call, way: str, attempt: Attempt, user: dict[str, Any], workos_session_id: str | None
    ) -> HttpResponse:
        """A session, always a new one: in cookies and on to the destination, or as JSON for who asks for that."""
        if user["disabled_at"] is not None:
            self._accounts.attempts.account_failed(CALLBACK, user["user_id"])
            raise ServiceError("DISABLED", 403, "Account disabled", "this account is disabled")
        pair = await self._open(call, user["user_id"], workos_session_id)
        over = self._cookie(way, "", 0)
        if "application/json" in request_of(call).headers.get("accept", ""):
            return private(pair, headers=[over])
        cookies = [*session_cookies.signed_in(pair, self._bindings), over]
        return HttpResponse(303, headers=[("location", attempt.return_to), *cookies, NO_STORE])

    async def _open(self, call: Call, user_id: str, workos_session_id: str | None) -> CreatedSession:
        attempts = self._accounts.attempts
        attempts.admit_account(CALLBACK, user_id)
        pair = await self._accounts.session_store.open(
            user_id,
            replace(actor_of(call), name=f"user:{user_id}"),
            device=None,
            address=call.identity.address or None,
            user_agent=request_of(call).headers.get("user-agent"),
            workos_session_id=workos_session_id,
        )
        attempts.account_succeeded(CALLBACK, user_id)
        return pair

    def _cookie(self, name: str, value: str, max_age_s: int) -> tuple[str, str]:
        return set_cookie(name, value, max_age_s=max_age_s, secure=session_cookies.is_secure(self._bindings))

    def _read(self, request: HttpRequest, name: str) -> str | None:
        secure = session_cookies.is_secure(self._bindings)
        return read_cookie(request.headers.get("cookie", ""), name, secure=secure)
