"""The RPC methods. Whoever is bound to this Worker is trusted."""

from auth.domain.accounts import Accounts
from dotdo.contracts.auth.models import CreateApiKeyInput, CreatedApiKey, Verification
from dotdo.contracts.common import Health
from dotdo.service import Call


class RpcHandlers:
    """One method for each row of the contract's `METHODS`."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    async def health(self, call: Call) -> Health:
        return await self._accounts.health()

    async def verify(self, call: Call, *, credential: str) -> Verification:
        return await self._accounts.verifier.verify(credential)

    async def create_api_key(self, call: Call, *, input: CreateApiKeyInput) -> CreatedApiKey:
        return await self._accounts.keys.create(input)
