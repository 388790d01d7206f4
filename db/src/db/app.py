"""Puts the service together: ports → adapters → domain → handlers."""

from db.adapters.clickhouse import ClickHouse
from db.adapters.neon import Neon
from db.domain.database import Database
from db.handlers.http import HttpHandlers
from db.handlers.rpc import RpcHandlers
from dotdo.contracts.db import CONTRACT
from dotdo.log import Logger
from dotdo.ports import Bindings
from dotdo.service import Service


def build(bindings: Bindings, log: Logger) -> Service:
    """The service of one isolate. Reads no configuration yet: a missing secret is an error of the call that needs it."""
    database = Database(Neon(bindings), ClickHouse(bindings), bindings.clock)
    return Service(CONTRACT, bindings, log, rpc=RpcHandlers(database), http=HttpHandlers(database))
