"""Puts the service together: ports → domain → handlers."""

from dotdo.contracts.schedule import CONTRACT
from dotdo.log import Logger
from dotdo.ports import Bindings
from dotdo.service import Service
from schedule.domain.scheduler import Scheduler
from schedule.handlers.http import HttpHandlers
from schedule.handlers.rpc import RpcHandlers
from schedule.tasks.table import DEFAULTS, HANDLERS


def build(bindings: Bindings, log: Logger) -> Service:
    """The service of one isolate."""
    scheduler = Scheduler(bindings, log, HANDLERS, DEFAULTS)
    return Service(
        CONTRACT, bindings, log, rpc=RpcHandlers(scheduler, bindings), http=HttpHandlers(scheduler, bindings)
    )
