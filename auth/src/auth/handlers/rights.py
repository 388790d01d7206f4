"""The HTTP endpoints of rights: one's own, and those that administrators give and take."""

from urllib.parse import quote

from auth.domain.accounts import Accounts
from auth.handlers.actors import actor_of
from dotdo.contracts.auth.models import ListQuery, User, UserChange, UserPage
from dotdo.contracts.auth.rights import (
    AuditPage,
    AuditQuery,
    CheckBody,
    Decision,
    GrantBody,
    GrantPage,
    GrantsQuery,
    Me,
)
from dotdo.errors import forbidden, not_found
from dotdo.http import HttpResponse, json_text_response
from dotdo.service import Call


class RightsHandlers:
    _accounts: Accounts

    async def me(self, call: Call) -> Me:
        identity = call.identity
        user = await self._accounts.users.get(identity.subject)
        if user is None:
            raise not_found("no such user")
        return Me(
            id=user.id, email=user.email, name=user.name, role=user.role,
            organization_id=identity.organization or None, kind="api_key" if identity.key_id else "user",
            permissions=list(identity.permissions),
        )  # fmt: skip

    async def check_permission(self, call: Call, *, body: CheckBody) -> Decision:
        """By what the database says now, not by what the identity said when it was last looked up."""
        identity = call.identity
        organization = body.organization_id or identity.organization or None
        wanted, grants = f"{body.resource}:{body.action}", self._accounts.grants
        if identity.key_id:
            allowed = await grants.check_key(identity.subject, identity.key_id, wanted, organization)
        else:
            allowed = await grants.check(identity.subject, wanted, organization)
        return Decision(has_permission=allowed, resource=body.resource, action=body.action)

    async def list_permissions(self, call: Call, *, query: GrantsQuery) -> GrantPage:
        return await self._accounts.grants.page(query)

    async def grant_permission(self, call: Call, *, body: GrantBody) -> HttpResponse:
        _not_oneself(call, body.user_id)
        grant, is_new = await self._accounts.grants.grant(
            body.user_id, f"{body.resource}:{body.action}", body.organization_id, actor_of(call)
        )
        if not is_new:
            return json_text_response(grant.model_dump_json(by_alias=False))
        where = call.http_request.reference(f"/permissions?user_id={quote(body.user_id, safe='')}")
        return json_text_response(grant.model_dump_json(by_alias=False), 201, [("location", where)])

    async def revoke_permission(self, call: Call, *, body: GrantBody) -> HttpResponse:
        _not_oneself(call, body.user_id)
        permission = f"{body.resource}:{body.action}"
        if not await self._accounts.grants.revoke(body.user_id, permission, body.organization_id, actor_of(call)):
            raise not_found("no such grant")
        return HttpResponse(204)

    async def list_users(self, call: Call, *, query: ListQuery) -> UserPage:
        return await self._accounts.users.page(query)

    async def update_user(self, call: Call, *, id: str, body: UserChange) -> User:
        _not_oneself(call, id)
        user = await self._accounts.users.change_role(id, body.role, actor_of(call))
        if user is None:
            raise not_found("no such user")
        return user

    async def audit(self, call: Call, *, query: AuditQuery) -> AuditPage:
        return await self._accounts.audit.page(query)


def _not_oneself(call: Call, user_id: str) -> None:
    if user_id == call.identity.subject:
        raise forbidden("nobody changes their own rights")
