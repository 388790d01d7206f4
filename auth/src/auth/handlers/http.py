"""The HTTP endpoints: signing in and the current session."""

from dataclasses import replace

from auth.adapters.workos import WorkOS
from auth.domain import login
from auth.domain.accounts import Accounts
from auth.domain.attempts import CALLBACK
from auth.domain.audit import actor_of
from auth.handlers import session_cookies
from auth.handlers.credentials import CredentialHandlers, request_of
from auth.handlers.rights import RightsHandlers
from dotdo.contracts.auth import CONTRACT
from dotdo.contracts.auth.models import CallbackQuery, LoginQuery
from dotdo.contracts.auth.sessions import CreatedSession, Session
from dotdo.contracts.common import Health, ServiceCard, service_card
from dotdo.cookies import read_cookie, set_cookie
from dotdo.errors import ServiceError, unauthenticated
from dotdo.http import HttpRequest, HttpResponse
from dotdo.ports import Bindings
from dotdo.service import Call

CALLBACK_PATH = "/callback"


class HttpHandlers(CredentialHandlers, RightsHandlers):
    """One method for each row of the contract's `ENDPOINTS`."""

    def __init__(self, accounts: Accounts, workos: WorkOS, bindings: Bindings) -> None:
        self._accounts = accounts
        self._workos = workos
        self._bindings = bindings

    async def card(self, call: Call) -> ServiceCard:
        return service_card(CONTRACT)

    async def health(self, call: Call) -> Health:
        return await self._accounts.health()

    async def login(self, call: Call, *, query: LoginQuery) -> HttpResponse:
        allowed = self._bindings.optional("REDIRECT_ALLOWLIST").split()
        attempt = login.begin(login.safe_return_to(query.return_to, allowed))
        location = self._workos.authorize_url(
            redirect_uri=self._bindings.text("PUBLIC_URL").rstrip("/") + CALLBACK_PATH,
            state=attempt.state,
            challenge=attempt.challenge,
            provider=query.provider,
            login_hint=query.login_hint,
        )
        cookie = self._cookie("login", login.seal(attempt, self._bindings), login.LIFETIME_S)
        return HttpResponse(302, headers=[("location", location), cookie, ("cache-control", "no-store")])

    async def callback(self, call: Call, *, query: CallbackQuery) -> HttpResponse:
        """Signs the browser in and sends it on. Tokens are in cookies, never in an address."""
        request = request_of(call)
        attempt = login.resume(self._read(request, "login"), query.state, self._bindings)
        if query.error or not query.code:
            raise login.login_failed("WorkOS did not sign you in: begin again at /auth/login")
        if not await self._accounts.sessions.use_state(attempt.state_hash):
            raise login.login_failed("this sign-in was used already: begin again at /auth/login")
        authentication = await self._workos.authenticate_with_code(query.code, attempt.verifier)
        user = await self._accounts.sessions.upsert_user(authentication)
        if user["disabled_at"] is not None:
            self._accounts.attempts.account_failed(CALLBACK, user["id"])
            raise ServiceError("DISABLED", 403, "Account disabled", "this account is disabled")
        pair = await self._sign_in(call, user["id"])
        cookies = [*session_cookies.signed_in(pair, self._bindings), self._cookie("login", "", 0)]
        return HttpResponse(303, headers=[("location", attempt.return_to), *cookies, ("cache-control", "no-store")])

    async def session(self, call: Call) -> Session:
        """401 for an API key: a key has no session."""
        if not call.identity.session_id:
            raise unauthenticated("sign in at /auth/login", "NO_SESSION")
        return await self._accounts.sessions.get(call.identity.session_id)

    async def _sign_in(self, call: Call, user_id: str) -> CreatedSession:
        """The one way to a session for whoever WorkOS has named."""
        attempts = self._accounts.attempts
        attempts.admit_account(CALLBACK, user_id)
        pair = await self._accounts.session_store.open(
            user_id,
            replace(actor_of(call), name=f"user:{user_id}"),
            device=None,
            address=call.identity.address or None,
            user_agent=request_of(call).headers.get("user-agent"),
        )
        attempts.account_succeeded(CALLBACK, user_id)
        return pair

    @property
    def _secure(self) -> bool:
        return session_cookies.is_secure(self._bindings)

    def _cookie(self, name: str, value: str, max_age_s: int) -> tuple[str, str]:
        return set_cookie(name, value, max_age_s=max_age_s, secure=self._secure)

    def _read(self, request: HttpRequest, name: str) -> str | None:
        return read_cookie(request.headers.get("cookie", ""), name, secure=self._secure)
