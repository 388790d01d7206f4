"""The HTTP endpoints of single sign-on with an organisation's own identity provider."""

from auth.adapters.workos import WorkOS
from auth.adapters.workos.answers import translate_refusals
from auth.domain import login
from auth.domain.sign_ins import SignIns
from auth.handlers.actors import actor_of
from auth.handlers.arriving import ArrivingHandlers
from dotdo.contracts.auth.workos import CallbackQuery, SsoQuery
from dotdo.errors import not_found
from dotdo.http import HttpResponse
from dotdo.service import Call

SSO_CALLBACK_PATH = "/sso/callback"


class SsoHandlers(ArrivingHandlers):
    _workos: WorkOS
    _sign_ins: SignIns

    async def sso_authorize(self, call: Call, *, query: SsoQuery) -> HttpResponse:
        """What was asked for is kept with the sign-in: a profile of anything else is refused when it comes back."""
        connection = query.connection or (await self._connection_of(query.domain) if query.domain else None)
        pending = login.begin(
            self._bindings, self._return_to(query.return_to), organization=query.organization, connection=connection
        )
        location = self._workos.sso.authorize_url(
            redirect_uri=self._address(SSO_CALLBACK_PATH),
            state=pending.state,
            challenge=pending.challenge,
            organization=query.organization,
            connection=connection,
            login_hint=query.login_hint,
        )
        return self._sent(login.SSO, pending, location)

    async def sso_callback(self, call: Call, *, query: CallbackQuery) -> HttpResponse:
        pending = await self._resumed(call, login.SSO, query)
        user = await self._sign_ins.with_profile(str(query.code), pending, actor_of(call))
        return await self._arrived(call, login.SSO, pending, user, None)

    async def _connection_of(self, domain: str) -> str:
        found = await translate_refusals(self._workos.sso.list_connections(domain=domain))
        active = [connection.id for connection in found.data if connection.state == "active"]
        if len(active) != 1:
            raise not_found("domain: there is no single sign-on for it")
        return active[0]
