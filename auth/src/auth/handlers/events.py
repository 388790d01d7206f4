"""The HTTP endpoint that WorkOS tells its events to."""

from auth.domain.accounts import Accounts
from auth.domain.webhook_signature import HEADER, check_signature
from dotdo.contracts.auth.workos import EventTaken
from dotdo.ports import Bindings
from dotdo.service import Call


class EventHandlers:
    _accounts: Accounts
    _bindings: Bindings

    async def workos_event(self, call: Call) -> EventTaken:
        """Nothing of the body is looked at before its signature holds."""
        request = call.http_request
        body = await request.read_body()
        check_signature(request.headers.get(HEADER), body, self._bindings)
        return EventTaken(status=await self._accounts.events.take(body))
