"""Puts the service together: ports → adapters → domain → handlers."""

from db.adapters.clickhouse import ClickHouse
from db.adapters.neon import Neon
from db.domain.database import Database
from db.handlers.http import HttpHandlers
from db.handlers.rpc import RpcHandlers
from db.handlers.rpc_endpoint import RpcEndpoint
from dotdo.contracts.db import CONTRACT
from dotdo.log import Logger
from dotdo.ports import Bindings, Defer
from dotdo.service import Service
from dotdo.surface import Surface
from dotdo.tracing import current

SURFACE = Surface(CONTRACT)


def build(bindings: Bindings, log: Logger) -> Service:
    """The service of one isolate. Reads no configuration yet: a missing secret is an error of the call that needs it."""
    database = Database(Neon(bindings), ClickHouse(bindings), bindings.clock)

    async def call_method(name: str, params: list[object], defer: Defer) -> str:
        return await service.call(name, params, defer, current())

    http = HttpHandlers(database, RpcEndpoint(call_method))
    service = Service(SURFACE, bindings, log, rpc=RpcHandlers(database), http=http)
    return service
