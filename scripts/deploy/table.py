"""What is deployed, where to, in which order, and which secrets it needs there. Data: everything else only reads it."""

from dataclasses import dataclass

ORDER = ("db", "auth", "schedule", "gateway", "dispatch")
"""A Worker comes after those it binds: an upload with a binding to a missing Worker fails."""


@dataclass(frozen=True, slots=True)
class Environment:
    """`namespace_id` is what the platform calls the namespace. `url` is where its dispatch Worker answers, when fixed."""

    name: str
    namespace: str
    namespace_id: str
    url: str = ""

    @property
    def dispatch(self) -> str:
        """The account-level Worker of this environment."""
        return f"dispatch-{self.name}"


ENVIRONMENTS = {
    row.name: row
    for row in (
        Environment("production", "dotdo-production", "62ce3520-96e8-4d9d-a37d-83e99d5319ab", "https://apis.do"),
        Environment("staging", "dotdo-staging", "6eb2b6e7-5e8c-4ce6-bb63-7185e2dadc0e"),
        Environment("development", "dotdo-development", "c1a5acfb-fc81-43fc-8d99-8856c6a45c4a"),
    )
}

REQUIRED_SECRETS: dict[str, tuple[str, ...]] = {
    "db": ("DATABASE_URL", "CLICKHOUSE_PASSWORD", "INTERNAL_SECRET"),
    "auth": ("WORKOS_API_KEY", "WORKOS_CLIENT_ID", "JWT_SECRET", "JWT_REFRESH_SECRET", "INTERNAL_SECRET"),
    "schedule": ("INTERNAL_SECRET",),
    "gateway": ("INTERNAL_SECRET",),
    "dispatch": (),
}

OPTIONAL_SECRETS: dict[str, tuple[str, ...]] = {
    "auth": ("WORKOS_WEBHOOK_SECRET", "JWT_PRIVATE_JWKS", "WORKOS_CLIENT_SECRET"),
}
"""WORKOS_CLIENT_SECRET is taken from who has it set, and read by nothing: WorkOS's client secret is the API key."""


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


def secrets_of(service: str) -> tuple[str, ...]:
    return REQUIRED_SECRETS[service] + OPTIONAL_SECRETS.get(service, ())


class UsageError(Exception):
    """A name that does not exist; nothing has been touched."""
