"""The variables that a deployment gives a Worker in the place of those in its wrangler.jsonc.

What says where an environment is comes from its row of the table. Nothing of an environment but production points to
production.
"""

import os
from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import urlsplit

from scripts.deploy.api import Cloudflare
from scripts.deploy.table import CLICKHOUSE, Environment, settings_of
from scripts.runtime.config import read_configuration
from scripts.runtime.services import ROOT

KNOW_THEIR_ENVIRONMENT = ("auth", "schedule", "gateway")

NOTHING: Mapping[str, str] = MappingProxyType({})


def chosen_address(environment: Environment) -> str:
    """Where browsers reach it by the table, else by DISPATCH_URL; empty when neither says."""
    return (environment.url or os.environ.get("DISPATCH_URL", "")).rstrip("/")


def public_address(environment: Environment, api: Cloudflare) -> str:
    """Where browsers reach it: at the chosen address, else on workers.dev. Raises ApiError."""
    return chosen_address(environment) or f"https://{environment.dispatch}.{api.subdomain()}.workers.dev"


def variables(
    service: str, environment: Environment, api: Cloudflare, told: Mapping[str, str] = NOTHING
) -> dict[str, str]:
    """`told`: settings from the file of secrets. Raises ApiError."""
    own = {"ENVIRONMENT": environment.name} if service in KNOW_THEIR_ENVIRONMENT else {}
    if service == "auth":
        own["PUBLIC_URL"] = public_address(environment, api) + "/auth"
        own["REDIRECT_ALLOWLIST"] = " ".join(environment.returns)
    if service == "gateway":
        own["LOGIN_URL"] = public_address(environment, api) + "/auth/login"
        own["CORS_ORIGINS"] = " ".join((public_address(environment, api), *environment.pages))
    if settings_of(service, environment):
        own.update(clickhouse(environment, api, told) or dict.fromkeys(CLICKHOUSE, ""))
    return own


def clickhouse(environment: Environment, api: Cloudflare, told: Mapping[str, str] = NOTHING) -> dict[str, str] | None:
    """Which ClickHouse the environment's db is to use, production's aside: as `told`, else as this process's environment
    says, else as deployed there. All three variables come from the same place; None when none of them names an address,
    be it an empty one. Raises ApiError.
    """
    for source in (told, os.environ):
        if "CLICKHOUSE_URL" in source:
            return _chosen(source)
    there = api.texts(environment.namespace, "db")
    return _chosen(there) if "CLICKHOUSE_URL" in there else None


def _chosen(source: Mapping[str, str]) -> dict[str, str]:
    if not source.get("CLICKHOUSE_URL"):
        return dict.fromkeys(CLICKHOUSE, "")
    return {name: source.get(name) or unless_told for name, unless_told in CLICKHOUSE.items()}


def is_productions(clickhouse: Mapping[str, str]) -> bool:
    """Whether it is the database that production writes to; another one on the same server is not."""
    return bool(clickhouse["CLICKHOUSE_URL"]) and _store(clickhouse) == _store(_chosen(_of_production()))


def _of_production() -> dict[str, str]:
    found: dict[str, str] = read_configuration(ROOT / "db" / "wrangler.jsonc").get("vars", {})
    return found


def _store(clickhouse: Mapping[str, str]) -> tuple[str | None, str]:
    """The server, by name, and the database. Its port and path lead to the same tables."""
    return urlsplit(clickhouse["CLICKHOUSE_URL"]).hostname, clickhouse["CLICKHOUSE_DATABASE"]
