"""What stands before every way in: its limits, and what a failure leads to."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from auth.domain.accounts import Accounts
from auth.domain.attempts import CALLBACK, Way
from auth.domain.audit import actor_of
from auth.handlers import session_cookies
from dotdo.cookies import read_cookie
from dotdo.errors import ServiceError
from dotdo.http import HttpRequest
from dotdo.ports import Bindings
from dotdo.service import Call

NOTHING_TRIED = frozenset({"NO_SESSION"})


class Gate:
    def __init__(self, accounts: Accounts, bindings: Bindings) -> None:
        self._accounts = accounts
        self._bindings = bindings

    @asynccontextmanager
    async def passing(self, way: Way, call: Call, request: HttpRequest) -> AsyncIterator[None]:
        """Raises 429 before anything is tried. A refusal of what is tried counts against the address and, for a sign-in, is
        put on record.
        """
        attempts, address = self._accounts.attempts, call.identity.address
        try:
            attempts.admit_address(way, address)
            try:
                yield
            except ServiceError as error:
                if _refused(error) and self._tried(way, request):
                    attempts.address_failed(way, address)
                if _refused(error) and way is CALLBACK:
                    call.defer(self._accounts.audit.record(actor_of(call), "login.refused", code=error.code))
                raise
        finally:
            attempts.tell(call.defer)

    def _tried(self, way: Way, request: HttpRequest) -> bool:
        """Whether this browser began what it comes back from: what another site has it load brings no cookie."""
        if way is not CALLBACK:
            return True
        secure = session_cookies.is_secure(self._bindings)
        return bool(read_cookie(request.headers.get("cookie", ""), "login", secure=secure))


def _refused(error: ServiceError) -> bool:
    """Whether somebody was not let in, as against a fault of ours, a limit, or a request that presents nothing."""
    if error.code in NOTHING_TRIED:
        return False
    return error.code == "LOGIN_FAILED" or error.status in (401, 403)
