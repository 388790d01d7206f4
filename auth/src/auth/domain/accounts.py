"""The stores and checks of the service, each made once for an isolate and over the same database.

One object that handlers are given, so that none of them has to know what another one needs.
"""

from auth.domain.access_tokens import AccessTokens
from auth.domain.arrivals import Arrivals
from auth.domain.audit import Audit
from auth.domain.events import Events
from auth.domain.grants import GrantStore
from auth.domain.key_store import KeyStore
from auth.domain.login_states import LoginStates
from auth.domain.session_store import SessionStore
from auth.domain.sign_in_limits import SignInLimits
from auth.domain.signing_keys import signing_keys
from auth.domain.users import UserStore
from auth.domain.verification import Verifier
from dotdo.contracts.auth.models import Jwks
from dotdo.contracts.common import Health
from dotdo.health import database_health
from dotdo.log import Logger
from dotdo.ports import Bindings
from dotdo.sql import Sql


class Accounts:
    def __init__(self, bindings: Bindings, log: Logger | None = None) -> None:
        sql = Sql(bindings)
        self.tokens = AccessTokens(bindings)
        self.verifier = Verifier(bindings, sql, self.tokens)
        self.keys = KeyStore(sql, bindings.clock)
        self.login_states = LoginStates(sql)
        self.session_store = SessionStore(bindings, sql, self.tokens)
        self.users = UserStore(sql)
        self.grants = GrantStore(sql)
        self.audit = Audit(sql)
        self.limits = SignInLimits(bindings, log or Logger("auth"))
        self.arrivals = Arrivals(sql)
        self.events = Events(bindings, sql)
        self._bindings = bindings

    async def health(self) -> Health:
        return await database_health("auth", self._bindings)

    def jwks(self) -> Jwks:
        return Jwks(keys=[key.published for key in signing_keys(self._bindings).values()])
