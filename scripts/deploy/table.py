"""What is deployed, where to, in which order, and which secrets it needs there. Data: everything else only reads it."""

from collections.abc import Mapping
from dataclasses import dataclass

ORDER = ("db", "auth", "schedule", "gateway", "dispatch")
"""A Worker comes after those it binds: an upload with a binding to a missing Worker fails."""


@dataclass(frozen=True, slots=True)
class Environment:
    """`url` is where its dispatch Worker answers, when fixed."""

    name: str
    namespace: str
    url: str = ""

    @property
    def dispatch(self) -> str:
        """The account-level Worker of this environment."""
        return f"dispatch-{self.name}"


ENVIRONMENTS = {
    row.name: row
    for row in (
        Environment("production", "dotdo-production", "https://apis.do"),
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
"""By secret: the variable of the Worker's wrangler.jsonc without which it is not required."""

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
    """What has to be stored before the Worker works, by the variables of its wrangler.jsonc."""
    return tuple(
        name for name in REQUIRED_SECRETS[service] if name not in REQUIRED_WITH or variables.get(REQUIRED_WITH[name])
    )


def secrets_of(service: str) -> tuple[str, ...]:
    return REQUIRED_SECRETS[service] + OPTIONAL_SECRETS.get(service, ())


class UsageError(Exception):
    """A name that does not exist; nothing has been touched."""
