"""Puts the service together: ports → adapters → domain → handlers."""

from urllib.parse import urlsplit

from auth.adapters.workos import WorkOS
from auth.domain.accounts import Accounts
from auth.domain.sign_ins import SignIns
from auth.handlers.http import HttpHandlers
from auth.handlers.rpc import RpcHandlers
from dotdo.contract import Endpoint
from dotdo.contracts.auth import CONTRACT
from dotdo.csrf import check_same_site
from dotdo.http import HttpRequest, HttpResponse
from dotdo.log import Logger
from dotdo.ports import Bindings
from dotdo.service import Call, Service


class AuthService(Service):
    """Every change that comes by cookie is checked here, so that no endpoint can forget it."""

    async def _answer(self, endpoint: Endpoint, path: dict[str, str], call: Call, request: HttpRequest) -> HttpResponse:
        check_same_site(request.method, request.headers, allowed_origins(self._bindings))
        return await super()._answer(endpoint, path, call, request)


def allowed_origins(bindings: Bindings) -> frozenset[str]:
    """This site's own origin, and those a sign-in may return to."""
    own = urlsplit(bindings.optional("PUBLIC_URL"))
    return frozenset({f"{own.scheme}://{own.netloc}", *bindings.optional("REDIRECT_ALLOWLIST").split()})


def build(bindings: Bindings, log: Logger) -> Service:
    """The service of one isolate. Reads no configuration yet: a missing secret is an error of the call that needs it."""
    accounts = Accounts(bindings)
    workos = WorkOS(bindings)
    sign_ins = SignIns(workos, accounts.arrivals, bindings)
    http = HttpHandlers(accounts, workos, sign_ins, bindings)
    return AuthService(CONTRACT, bindings, log, rpc=RpcHandlers(accounts, workos, sign_ins), http=http)
