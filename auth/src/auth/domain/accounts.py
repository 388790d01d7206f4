"""Everything the service keeps and checks, over one database connection."""

from auth.domain.key_store import KeyStore
from auth.domain.sessions import Sessions
from auth.domain.verification import Verifier
from dotdo.contracts.common import Health
from dotdo.health import database_health
from dotdo.ports import Bindings
from dotdo.sql import Sql


class Accounts:
    def __init__(self, bindings: Bindings) -> None:
        sql = Sql(bindings)
        self.verifier = Verifier(bindings, sql)
        self.keys = KeyStore(sql, bindings.clock)
        self.sessions = Sessions(sql)
        self._bindings = bindings

    async def health(self) -> Health:
        return await database_health("auth", self._bindings)
