"""The HTTP endpoints of one's own API keys and sessions."""

from collections.abc import Sequence

from auth.domain.accounts import Accounts
from auth.domain.key_store import Maker
from auth.domain.sign_in_limits import REFRESH
from auth.handlers import session_cookies
from auth.handlers.actors import actor_of
from auth.handlers.responses import NO_STORE, private
from dotdo.contracts.auth.models import ApiKey, ApiKeyBody, ApiKeyPage, CreatedApiKey, Jwks, ListQuery, RotateInput
from dotdo.contracts.auth.sessions import RefreshBody, SessionPage, Tokens
from dotdo.errors import ServiceError, forbidden, not_found, unauthenticated
from dotdo.http import HttpResponse, json_text_response
from dotdo.ports import Bindings
from dotdo.service import Call

READ, WRITE = "auth:read", "auth:write"

SIGNS_OF_THEFT = frozenset({"REFRESH_REUSED", "REVOKED"})
"""What an account's own browser hardly ever hears, and who kept an old token does."""


class CredentialHandlers:
    """Everything here is the caller's own: what is somebody else's is not found."""

    _accounts: Accounts
    _bindings: Bindings

    async def jwks(self, call: Call) -> Jwks:
        return self._accounts.jwks()

    async def refresh(self, call: Call, *, body: RefreshBody) -> HttpResponse:
        """The pair as JSON, or for a browser as cookies, out of its scripts' reach: a refusal takes those that are there away.

        Each 401 is the last word on a token, the second use of one, too: its session is over.
        """
        kept = session_cookies.refresh_token(call.http_request, self._bindings)
        token = body.refresh_token or kept
        if not token:
            raise unauthenticated("send a refresh token, or sign in at /auth/login", "NO_SESSION")
        if body.refresh_token:
            return private(await self._refreshed(call, token))
        try:
            pair = await self._refreshed(call, token)
        except ServiceError as error:
            if error.status == 401:
                error.cookies = session_cookies.signed_out(self._bindings)
            raise
        return HttpResponse(204, headers=[*session_cookies.signed_in(pair, self._bindings), NO_STORE])

    async def _refreshed(self, call: Call, token: str) -> Tokens:
        """Finds the owner first, so that a rate-limit refusal does not consume the token."""
        limits, store = self._accounts.limits, self._accounts.session_store
        account = await store.account_of(token)
        if account:
            limits.admit_account(REFRESH, account)
        try:
            pair = await store.refresh(token, actor_of(call))
        except ServiceError as error:
            if account and error.code in SIGNS_OF_THEFT:
                limits.account_failed(REFRESH, account)
            raise
        if account:
            limits.account_succeeded(REFRESH, account)
        return pair

    async def list_sessions(self, call: Call, *, query: ListQuery) -> SessionPage:
        _require_own_access(call, READ)
        identity = call.identity
        return await self._accounts.session_store.page(identity.subject, query, identity.session_id)

    async def revoke_sessions(self, call: Call) -> HttpResponse:
        _require_own_access(call, WRITE)
        count = await self._accounts.session_store.revoke_all(call.identity.subject, actor_of(call))
        return json_text_response(f'{{"revoked":{count}}}', headers=session_cookies.signed_out(self._bindings))

    async def revoke_session(self, call: Call, *, id: str) -> HttpResponse:
        _require_own_access(call, WRITE)
        if not await self._accounts.session_store.revoke(id, actor_of(call), call.identity.subject):
            raise not_found("no such session")
        is_this_one = id == call.identity.session_id
        return HttpResponse(204, headers=session_cookies.signed_out(self._bindings) if is_this_one else ())

    async def create_api_key(self, call: Call, *, body: ApiKeyBody) -> HttpResponse:
        _require_own_access(call, WRITE)
        if body.rate_limit is not None and not call.identity.is_admin:
            raise forbidden("rate_limit: only an administrator sets one")
        return _made(call, await self._accounts.keys.create(call.identity.subject, body, _maker(call)))

    async def list_api_keys(self, call: Call, *, query: ListQuery) -> ApiKeyPage:
        _require_own_access(call, READ)
        return await self._accounts.keys.page(call.identity.subject, query)

    async def get_api_key(self, call: Call, *, id: str) -> ApiKey:
        _require_own_access(call, READ)
        return await self._accounts.keys.get(call.identity.subject, id)

    async def revoke_api_key(self, call: Call, *, id: str) -> HttpResponse:
        _require_own_access(call, WRITE)
        if not await self._accounts.keys.revoke(call.identity.subject, id, actor_of(call)):
            raise not_found("no such key")
        return HttpResponse(204)

    async def rotate_api_key(self, call: Call, *, id: str, body: RotateInput) -> HttpResponse:
        _require_own_access(call, WRITE)
        return _made(call, await self._accounts.keys.rotate(call.identity.subject, id, body, _maker(call)))


def _made(call: Call, key: CreatedApiKey) -> HttpResponse:
    return private(key, 201, [("location", call.http_request.reference(f"/apikeys/{key.id}"))])


def _maker(call: Call) -> Maker:
    permissions: Sequence[str] = call.identity.permissions
    return Maker(actor_of(call), permissions, call.identity.key_id)


def _require_own_access(call: Call, permission: str) -> None:
    """A person who has signed in may see to what is theirs; an API key needs the permission. Raises FORBIDDEN."""
    if not call.identity.session_id and not call.identity.may(permission):
        raise forbidden(f"this needs a session or the permission {permission}")
