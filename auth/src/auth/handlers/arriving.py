"""What the two ways in have in common: leaving for WorkOS, coming back from it, and the session at the end."""

from dataclasses import replace
from typing import Any

from auth.domain import login
from auth.domain.accounts import Accounts
from auth.domain.login import PendingSignIn
from auth.domain.sign_in_limits import CALLBACK
from auth.handlers import session_cookies
from auth.handlers.actors import actor_of
from auth.handlers.responses import NO_STORE, private
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

    def _sent(self, flow: str, pending: PendingSignIn, location: str) -> HttpResponse:
        cookie = self._cookie(flow, login.seal(flow, pending, self._bindings), login.LIFETIME_S)
        return HttpResponse(302, headers=[("location", location), cookie, NO_STORE])

    async def _resumed(self, call: Call, flow: str, query: CallbackQuery) -> PendingSignIn:
        """What this browser began; from here on it cannot be gone on with a second time."""
        pending = login.resume(flow, self._read(call.http_request, flow), query.state, self._bindings)
        if query.error or not query.code:
            raise login.login_failed("WorkOS did not sign you in: begin again at /auth/login")
        if not await self._accounts.login_states.use(pending.state_hash):
            raise login.login_failed("this sign-in was used already: begin again at /auth/login")
        return pending

    async def _arrived(
        self, call: Call, flow: str, pending: PendingSignIn, user: dict[str, Any], workos_session_id: str | None
    ) -> HttpResponse:
        """A session, always a new one: in cookies and on to the destination, or as JSON for who asks for that."""
        if user["disabled_at"] is not None:
            self._accounts.limits.account_failed(CALLBACK, user["user_id"])
            raise ServiceError("DISABLED", 403, "Account disabled", "this account is disabled")
        pair = await self._open(call, user["user_id"], workos_session_id)
        over = self._cookie(flow, "", 0)
        if "application/json" in call.http_request.headers.get("accept", ""):
            return private(pair, headers=[over])
        cookies = [*session_cookies.signed_in(pair, self._bindings), over]
        return HttpResponse(303, headers=[("location", pending.return_to), *cookies, NO_STORE])

    async def _open(self, call: Call, user_id: str, workos_session_id: str | None) -> CreatedSession:
        limits = self._accounts.limits
        limits.admit_account(CALLBACK, user_id)
        pair = await self._accounts.session_store.open(
            user_id,
            replace(actor_of(call), name=f"user:{user_id}"),
            device=None,
            address=call.identity.address or None,
            user_agent=call.http_request.headers.get("user-agent"),
            workos_session_id=workos_session_id,
        )
        limits.account_succeeded(CALLBACK, user_id)
        return pair

    def _cookie(self, name: str, value: str, max_age_s: int) -> tuple[str, str]:
        return set_cookie(name, value, max_age_s=max_age_s, secure=session_cookies.is_secure(self._bindings))

    def _read(self, request: HttpRequest, name: str) -> str | None:
        secure = session_cookies.is_secure(self._bindings)
        return read_cookie(request.headers.get("cookie", ""), name, secure=secure)
