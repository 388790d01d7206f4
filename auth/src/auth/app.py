"""Puts the service together: ports → adapters → domain → handlers."""

from auth.adapters.workos import WorkOS
from auth.domain.accounts import Accounts
from auth.handlers.http import HttpHandlers
from auth.handlers.rpc import RpcHandlers
from dotdo.contracts.auth import CONTRACT
from dotdo.log import Logger
from dotdo.ports import Bindings
from dotdo.service import Service


def build(bindings: Bindings, log: Logger) -> Service:
    """The service of one isolate. Reads no configuration yet: a missing secret is an error of the call that needs it."""
    accounts = Accounts(bindings)
    http = HttpHandlers(accounts, WorkOS(bindings), bindings)
    return Service(CONTRACT, bindings, log, rpc=RpcHandlers(accounts), http=http)
