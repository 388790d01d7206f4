"""Puts the service together: ports → domain → handlers."""

from collections.abc import Sequence

from dotdo.contracts.schedule import CONTRACT
from dotdo.log import Logger
from dotdo.ports import Bindings
from dotdo.service import Service
from dotdo.sql import Sql
from dotdo.surface import Surface
from schedule.domain.catalog import Catalog
from schedule.domain.executor import Executor, Jitter, random_fraction
from schedule.domain.history import History
from schedule.domain.ledger import Ledger
from schedule.domain.manual import ManualRuns
from schedule.domain.registry import Registry, TaskDefinition
from schedule.domain.scheduler import Scheduler
from schedule.handlers.components import Components
from schedule.handlers.http import HttpHandlers
from schedule.handlers.rpc import RpcHandlers
from schedule.tasks.table import DEFAULTS, HANDLERS

SURFACE = Surface(CONTRACT)


def build(
    bindings: Bindings,
    log: Logger,
    handlers: Registry = HANDLERS,
    defaults: Sequence[TaskDefinition] = DEFAULTS,
    jitter: Jitter = random_fraction,
) -> Service:
    """The service of one isolate."""
    components = assemble(bindings, log, handlers, defaults, jitter)
    return Service(SURFACE, bindings, log, rpc=RpcHandlers(components), http=HttpHandlers(components))


def assemble(
    bindings: Bindings, log: Logger, handlers: Registry, defaults: Sequence[TaskDefinition], jitter: Jitter
) -> Components:
    sql = Sql(bindings)
    ledger, catalog, history = Ledger(sql), Catalog(sql, handlers), History(sql)
    executor = Executor(bindings, log, handlers, ledger, jitter)
    scheduler = Scheduler(
        bindings.clock, log, ledger=ledger, catalog=catalog, history=history, executor=executor, defaults=defaults
    )
    manual = ManualRuns(bindings.clock, log, ledger, catalog, history, executor)
    return Components(bindings, scheduler, manual, catalog, history, sorted(handlers), defaults)
