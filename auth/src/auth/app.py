"""Puts the service together: ports → adapters → domain → handlers."""

from urllib.parse import urlsplit

from auth.adapters.workos import WorkOS
from auth.domain.accounts import Accounts
from auth.domain.sign_in_limits import CALLBACK, LOGIN, REFRESH, SSO_CALLBACK
from auth.domain.sign_ins import SignIns
from auth.handlers.gate import Gate
from auth.handlers.http import HttpHandlers
from auth.handlers.rpc import RpcHandlers
from dotdo.contract import Endpoint
from dotdo.contracts.auth import CONTRACT
from dotdo.csrf import check_same_site
from dotdo.http import HttpRequest, HttpResponse
from dotdo.log import Logger
from dotdo.ports import Bindings
from dotdo.service import Call, Service
from dotdo.surface import Surface

SURFACE = Surface(CONTRACT)

ENTRY_LIMITS = {
    "/login": LOGIN,
    "/callback": CALLBACK,
    "/sso/authorize": LOGIN,
    "/sso/callback": SSO_CALLBACK,
    "/refresh": REFRESH,
}
"""The endpoints that lead in, by path."""

SIGN_OUT = "/logout"
"""The one that leads out, and needs no session for it."""
COOKIE_ENDPOINTS = frozenset({SIGN_OUT, "/refresh", "/sessions", "/sessions/{id}"})
"""Those that read or set a browser's cookies, whatever its Authorization header says."""


class AuthService(Service):
    """Every change that comes by cookie and every way in is checked here, so that no endpoint can forget it."""

    def __init__(self, bindings: Bindings, log: Logger, rpc: RpcHandlers, http: HttpHandlers, gate: Gate) -> None:
        super().__init__(SURFACE, bindings, log, rpc=rpc, http=http)
        self._gate = gate

    async def _answer(self, endpoint: Endpoint, path: dict[str, str], call: Call, request: HttpRequest) -> HttpResponse:
        check_same_site(
            request.method, request.headers, allowed_origins(self._bindings),
            handles_cookies=endpoint.path in COOKIE_ENDPOINTS, takes_cookies_away=endpoint.path == SIGN_OUT,
        )  # fmt: skip
        limit = ENTRY_LIMITS.get(endpoint.path)
        if limit is None:
            return await super()._answer(endpoint, path, call, request)
        async with self._gate.passing(limit, call, request):
            return await super()._answer(endpoint, path, call, request)


def allowed_origins(bindings: Bindings) -> frozenset[str]:
    """This site's own origin, and those a sign-in may return to."""
    own = urlsplit(bindings.optional("PUBLIC_URL"))
    return frozenset({f"{own.scheme}://{own.netloc}", *bindings.optional("REDIRECT_ALLOWLIST").split()})


def build(bindings: Bindings, log: Logger) -> Service:
    """The service of one isolate. Reads no configuration yet: a missing secret is an error of the call that needs it."""
    accounts = Accounts(bindings, log)
    workos = WorkOS(bindings)
    sign_ins = SignIns(workos, accounts.arrivals, accounts.audit, bindings)
    rpc = RpcHandlers(accounts, workos, sign_ins)
    http = HttpHandlers(accounts, workos, sign_ins, bindings)
    return AuthService(bindings, log, rpc, http, Gate(accounts, bindings))
