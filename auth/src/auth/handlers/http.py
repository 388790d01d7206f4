"""The HTTP endpoints: signing in and out, and the current session."""

from auth.adapters.workos import WorkOS
from auth.domain import login
from auth.domain.accounts import Accounts
from auth.domain.sign_ins import SignIns
from auth.handlers import session_cookies
from auth.handlers.actors import actor_of
from auth.handlers.credentials import CredentialHandlers
from auth.handlers.directories import DirectoryHandlers
from auth.handlers.events import EventHandlers
from auth.handlers.responses import NO_STORE
from auth.handlers.rights import RightsHandlers
from auth.handlers.sso import SsoHandlers
from dotdo.contracts.auth import CONTRACT
from dotdo.contracts.auth.sessions import Session
from dotdo.contracts.auth.workos import CallbackQuery, LoggedOut, LoginQuery
from dotdo.contracts.common import Health, ServiceCard, service_card
from dotdo.errors import unauthenticated
from dotdo.http import HttpResponse, json_text_response
from dotdo.ports import Bindings
from dotdo.service import Call

CALLBACK_PATH = "/callback"


class HttpHandlers(CredentialHandlers, RightsHandlers, SsoHandlers, DirectoryHandlers, EventHandlers):
    """One method for each row of the contract's `ENDPOINTS`."""

    def __init__(self, accounts: Accounts, workos: WorkOS, sign_ins: SignIns, bindings: Bindings) -> None:
        self._accounts = accounts
        self._workos = workos
        self._sign_ins = sign_ins
        self._bindings = bindings

    async def card(self, call: Call) -> ServiceCard:
        return service_card(CONTRACT)

    async def health(self, call: Call) -> Health:
        return await self._accounts.health()

    async def login(self, call: Call, *, query: LoginQuery) -> HttpResponse:
        pending = login.begin(self._bindings, self._return_to(query.return_to), organization=query.organization)
        location = self._workos.user_management.authorize_url(
            redirect_uri=self._address(CALLBACK_PATH),
            state=pending.state,
            challenge=pending.challenge,
            provider=query.workos_provider,
            organization_id=query.organization,
            login_hint=query.login_hint,
        )
        return self._sent(login.AUTHKIT, pending, location)

    async def callback(self, call: Call, *, query: CallbackQuery) -> HttpResponse:
        """Signs the browser in and sends it on. Tokens are in cookies, never in an address."""
        pending = await self._resumed(call, login.AUTHKIT, query)
        signed_in = await self._sign_ins.with_code(
            str(query.code), pending.verifier, pending.organization, actor_of(call)
        )
        return await self._arrived(call, login.AUTHKIT, pending, signed_in.user, signed_in.claims.session_id)

    async def logout(self, call: Call) -> HttpResponse:
        """Whoever has no session any more is signed out already."""
        refresh = session_cookies.refresh_token(call.http_request, self._bindings)
        session = await self._accounts.session_store.sign_out(call.identity.session_id, refresh, actor_of(call))
        url = self._workos.user_management.logout_url(session) if session else None
        headers = [*session_cookies.signed_out(self._bindings), NO_STORE]
        return json_text_response(LoggedOut(logout_url=url).model_dump_json(by_alias=False), headers=headers)

    async def session(self, call: Call) -> Session:
        """401 for an API key: a key has no session."""
        if not call.identity.session_id:
            raise unauthenticated("sign in at /auth/login", "NO_SESSION")
        return await self._accounts.session_store.current(call.identity.session_id)
