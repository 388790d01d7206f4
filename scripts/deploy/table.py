"""What is deployed, where to, in which order, and which secrets it needs there. Data: everything else only reads it."""

from collections.abc import Mapping
from dataclasses import dataclass

ORDER = ("db", "auth", "schedule", "gateway", "dispatch")
"""A Worker comes after those it binds: an upload with a binding to a missing Worker fails."""


PLATFORM = frozenset({"GATEWAY", "DB", "AUTH", "SCHEDULE"})
"""The bindings behind which a Worker of this platform is, called the same in lower case: as in `dotdo.runtime.bindings`."""

PRODUCTION = "production"


@dataclass(frozen=True, slots=True)
class Environment:
    """`url` is where browsers reach its dispatch Worker; empty for its workers.dev address.

    `pages`: origins besides `url`, exact or `https://*.suffix`, whose scripts may read answers with the reader's cookies.
    `returns`: exact origins besides `url` that a sign-in may return to, and from which changes by cookie may come.
    """

    name: str
    namespace: str
    url: str = ""
    pages: tuple[str, ...] = ()
    returns: tuple[str, ...] = ()

    @property
    def dispatch(self) -> str:
        """The account-level Worker of this environment."""
        return f"dispatch-{self.name}"


ENVIRONMENTS = {
    row.name: row
    for row in (
        Environment(
            PRODUCTION,
            "dotdo-production",
            url="https://apis.do",
            pages=("https://*.apis.do", "https://api.services.do", "https://*.api.mw", "https://admin.do"),
            returns=("https://admin.do",),
        ),
        Environment("staging", "dotdo-staging"),
        Environment("development", "dotdo-development"),
    )
}

REQUIRED_SECRETS: dict[str, tuple[str, ...]] = {
    "db": ("DATABASE_URL", "CLICKHOUSE_PASSWORD", "INTERNAL_SECRET"),
    "auth": ("WORKOS_API_KEY", "WORKOS_CLIENT_ID", "JWT_SECRET", "JWT_REFRESH_SECRET", "INTERNAL_SECRET"),
    "schedule": ("INTERNAL_SECRET",),
    "gateway": ("INTERNAL_SECRET",),
    "dispatch": (),
}

REQUIRED_WITH = {"CLICKHOUSE_PASSWORD": "CLICKHOUSE_URL"}
"""By secret: the variable of the Worker without which it is not required."""

CLICKHOUSE = {"CLICKHOUSE_URL": "", "CLICKHOUSE_DATABASE": "default", "CLICKHOUSE_USERNAME": "default"}
"""The variables that say which ClickHouse db uses, and what they are unless told. Those in wrangler.jsonc are production's."""

OPTIONAL_SECRETS: dict[str, tuple[str, ...]] = {
    "auth": ("WORKOS_WEBHOOK_SECRET", "JWT_PRIVATE_JWKS", "WORKOS_CLIENT_SECRET"),
}
"""Nothing reads WORKOS_CLIENT_SECRET: WorkOS's client secret is the API key. Who has it set may keep it."""


def services_of(name: str) -> tuple[str, ...]:
    """In the order of deploying. Raises UsageError."""
    if name == "all":
        return ORDER
    if name not in ORDER:
        raise UsageError(f"no service {name!r}; one of: {', '.join(ORDER)}, all")
    return (name,)


def environment_of(name: str) -> Environment:
    """Raises UsageError."""
    found = ENVIRONMENTS.get(name)
    if found is None:
        raise UsageError(f"no environment {name!r}; one of: {', '.join(ENVIRONMENTS)}")
    return found


def required_secrets(service: str, variables: Mapping[str, str]) -> tuple[str, ...]:
    """What has to be stored before the Worker works, by the variables it gets in that environment."""
    return tuple(
        name for name in REQUIRED_SECRETS[service] if name not in REQUIRED_WITH or variables.get(REQUIRED_WITH[name])
    )


def settings_of(service: str, environment: Environment) -> tuple[str, ...]:
    """The variables that an environment is told by name, since it has to have its own or none."""
    return tuple(CLICKHOUSE) if service == "db" and environment.name != PRODUCTION else ()


def secrets_of(service: str) -> tuple[str, ...]:
    return REQUIRED_SECRETS[service] + OPTIONAL_SECRETS.get(service, ())


class UsageError(Exception):
    """A name that does not exist; nothing has been touched."""
