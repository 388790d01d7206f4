"""What stands before every way in: its limits, and what a failure leads to."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from auth.domain import login
from auth.domain.accounts import Accounts
from auth.domain.sign_in_limits import EntryLimit
from auth.handlers import session_cookies
from auth.handlers.actors import actor_of
from dotdo.cookies import read_cookie
from dotdo.errors import ServiceError
from dotdo.http import HttpRequest
from dotdo.ports import Bindings
from dotdo.service import Call

FAILURES = frozenset({"LOGIN_FAILED", "DISABLED", "FOREIGN_PROFILE"})
"""Codes that count as failed attempts to sign in; steps WorkOS still asks for (MFA, verification) do not."""

GUESSES = frozenset({"MALFORMED", "NOT_FOUND"})
"""Codes of refused credentials (401) that do. Who has one that was good once has guessed nothing: a browser with an old session
would keep out everybody who shares its address."""


class Gate:
    def __init__(self, accounts: Accounts, bindings: Bindings) -> None:
        self._accounts = accounts
        self._bindings = bindings

    @asynccontextmanager
    async def passing(self, limit: EntryLimit, call: Call, request: HttpRequest) -> AsyncIterator[None]:
        """Raises 429 before anything is tried. A refusal of what is tried counts against the address and, for a sign-in, is
        put on record; what tries nothing leaves no trace, so that nobody can fill a table.
        """
        limits, address = self._accounts.limits, call.identity.address
        try:
            limits.admit_address(limit, address)
            try:
                yield
            except ServiceError as error:
                if (_failed(error) or _refused(error)) and self._tried(limit, request):
                    self._note(limit, call, error)
                raise
        finally:
            limits.tell(call.defer)

    def _tried(self, limit: EntryLimit, request: HttpRequest) -> bool:
        """Whether this browser comes back from what its cookie says it began. Another site, which can have it load any address,
        does not know the state; nor does one's own second tab, whose state is another, try anything.
        """
        if not limit.cookie:
            return True
        secure = session_cookies.is_secure(self._bindings)
        cookie = read_cookie(request.headers.get("cookie", ""), limit.cookie, secure=secure)
        return login.is_under_way(limit.cookie, cookie, request.query.get("state"), self._bindings)

    def _note(self, limit: EntryLimit, call: Call, error: ServiceError) -> None:
        if _failed(error):
            self._accounts.limits.address_failed(limit, call.identity.address)
        if _refused(error) and limit.cookie:
            call.defer(self._accounts.audit.record(actor_of(call), "login.refused", code=error.code))


def _failed(error: ServiceError) -> bool:
    return error.code in (GUESSES if error.status == 401 else FAILURES)


def _refused(error: ServiceError) -> bool:
    """Whether somebody was not let in, as against a fault of ours, a limit or a malformed request."""
    return error.code in FAILURES or error.status in (401, 403)
