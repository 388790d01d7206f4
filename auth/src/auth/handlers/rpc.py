"""The RPC methods. Whoever is bound to this Worker is trusted."""

from auth.adapters.workos import WorkOS
from auth.domain.accounts import Accounts
from auth.domain.key_store import Maker
from auth.domain.sign_ins import SignIns
from auth.domain.users import user_of
from auth.handlers.actors import actor_of
from dotdo.contracts.auth import models as m
from dotdo.contracts.auth import rights as r
from dotdo.contracts.auth import sessions as s
from dotdo.contracts.auth import workos as w
from dotdo.contracts.common import Health
from dotdo.service import Call


class RpcHandlers:
    """One method for each row of the contract's `METHODS`."""

    def __init__(self, accounts: Accounts, workos: WorkOS, sign_ins: SignIns) -> None:
        self._accounts = accounts
        self._workos = workos
        self._sign_ins = sign_ins

    async def health(self, call: Call) -> Health:
        return await self._accounts.health()

    async def verify(self, call: Call, *, credential: str) -> m.Verification:
        return await self._accounts.verifier.verify(credential, call.defer)

    async def validate_token(self, call: Call, *, token: str) -> s.Validation:
        return await self._accounts.verifier.validate(token, call.defer)

    async def validate_api_key(self, call: Call, *, key: str) -> m.ApiKeyOwner | None:
        return await self._accounts.verifier.api_key_owner(key, call.defer)

    async def validate_session(self, call: Call, *, token: str) -> s.Validation:
        return await self._accounts.verifier.validate_session(token)

    async def create_api_key(self, call: Call, *, input: m.CreateApiKeyInput) -> m.CreatedApiKey:
        return await self._accounts.keys.create(input.user_id, input, Maker(actor_of(call)))

    async def rotate_api_key(self, call: Call, *, user_id: str, key_id: str, options: m.RotateInput) -> m.CreatedApiKey:
        return await self._accounts.keys.rotate(user_id, key_id, options, Maker(actor_of(call)))

    async def list_api_keys(self, call: Call, *, user_id: str, options: m.ListQuery) -> m.ApiKeyPage:
        return await self._accounts.keys.page(user_id, options)

    async def revoke_api_key(self, call: Call, *, user_id: str, key_id: str) -> bool:
        return await self._accounts.keys.revoke(user_id, key_id, actor_of(call))

    async def check_permission(self, call: Call, *, input: r.CheckInput) -> bool:
        wanted = f"{input.resource}:{input.action}"
        return await self._accounts.grants.check(input.user_id, wanted, input.organization_id)

    async def grant_permission(
        self, call: Call, *, user_id: str, resource: str, action: str, organization_id: str | None
    ) -> bool:
        permission = f"{resource}:{action}"
        _, is_new = await self._accounts.grants.grant(user_id, permission, organization_id, actor_of(call))
        return is_new

    async def revoke_permission(
        self, call: Call, *, user_id: str, resource: str, action: str, organization_id: str | None
    ) -> bool:
        permission = f"{resource}:{action}"
        return await self._accounts.grants.revoke(user_id, permission, organization_id, actor_of(call))

    async def list_permissions(self, call: Call, *, user_id: str) -> list[r.Grant]:
        return await self._accounts.grants.of_user(user_id)

    async def create_session(
        self, call: Call, *, user_id: str, device: str | None, ip_address: str | None, user_agent: str | None
    ) -> s.CreatedSession:
        return await self._accounts.session_store.open(
            user_id, actor_of(call), device=device, address=ip_address, user_agent=user_agent
        )

    async def get_session(self, call: Call, *, session_id: str) -> s.SessionRow | None:
        return await self._accounts.session_store.get(session_id)

    async def list_sessions(self, call: Call, *, user_id: str) -> list[s.SessionRow]:
        return await self._accounts.session_store.of_user(user_id)

    async def revoke_session(self, call: Call, *, session_id: str) -> bool:
        return await self._accounts.session_store.revoke(session_id, actor_of(call))

    async def revoke_all_sessions(self, call: Call, *, user_id: str) -> int:
        return await self._accounts.session_store.revoke_all(user_id, actor_of(call))

    async def refresh_session(self, call: Call, *, refresh_token: str) -> s.Tokens:
        return await self._accounts.session_store.refresh(refresh_token, actor_of(call))

    async def get_user(self, call: Call, *, user_id: str) -> m.User | None:
        return await self._accounts.users.get(user_id)

    async def update_user_role(self, call: Call, *, user_id: str, role: r.Role) -> m.User | None:
        return await self._accounts.users.change_role(user_id, role, actor_of(call))

    async def jwks(self, call: Call) -> m.Jwks:
        return self._accounts.jwks()

    async def get_work_os_auth_url(
        self, call: Call, *, redirect_uri: str, state: str | None, options: w.AuthUrlOptions
    ) -> str:
        return self._workos.user_management.authorize_url(
            redirect_uri=redirect_uri,
            state=state,
            challenge=options.code_challenge,
            provider=options.workos_provider,
            organization_id=options.organization,
            login_hint=options.login_hint,
        )

    async def exchange_work_os_code(
        self, call: Call, *, code: str, code_verifier: str | None, organization_id: str | None
    ) -> w.WorkOSSignIn:
        signed_in = await self._sign_ins.with_code(code, code_verifier, organization_id, actor_of(call))
        return w.WorkOSSignIn(
            user=user_of(signed_in.user),
            access_token=signed_in.authentication.access_token,
            refresh_token=signed_in.authentication.refresh_token,
            organization_id=signed_in.claims.organization_id,
            session_id=signed_in.claims.session_id,
            permissions=list(signed_in.claims.permissions),
        )
