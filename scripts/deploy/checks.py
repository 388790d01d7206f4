"""What has to hold before anything is uploaded. Each check says what is wrong and what to do about it."""

import os
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx

from scripts.deploy.api import ApiError, Cloudflare
from scripts.deploy.routes import unreachable
from scripts.deploy.table import ENVIRONMENTS, PLATFORM, PRODUCTION, Environment, required_secrets, settings_of
from scripts.deploy.tools import Peers
from scripts.deploy.variables import chosen_address, clickhouse, is_productions, variables
from scripts.runtime.config import read_configuration
from scripts.runtime.services import ROOT, SERVICES, Service
from scripts.runtime.vendor import VendorError, vendor

FIRST_DATE = "2026-09-08"
"""The compatibility date from which Python 3.14 is the runtime."""

CRONS = ["*/5 * * * *", "0 * * * *", "0 0 * * *"]

BOUND: dict[str, dict[str, set[str]]] = {
    "gateway": {"services": {"DB", "AUTH", "SCHEDULE"}, "kv_namespaces": {"GATEWAY_KV"}},
    "db": {},
    "auth": {"services": {"DB"}, "kv_namespaces": {"RATE_LIMIT_KV", "SESSIONS_KV"}},
    "schedule": {"services": {"DB", "AUTH"}, "r2_buckets": {"BACKUPS"}, "ai": {"AI"}},
}
"""The bindings each Worker is deployed with, by their kind in wrangler.jsonc. Without GATEWAY_KV, BACKUPS or AI it would run,
but with weaker limits, without backups, without embeddings: who wants that takes them out here as well.
"""

TOKEN = (
    'Make one from the template "Edit Cloudflare Workers", which has the permissions that are needed, for this account and '
    "the zones of the routes: https://dash.cloudflare.com/profile/api-tokens"
)

REFUSED = {
    401: f"The token is not valid, or no longer. {TOKEN}",
    403: f"The token belongs to another account, or lacks Account Settings: Read. {TOKEN}",
    404: "CLOUDFLARE_ACCOUNT_ID is no account of this token: dashboard → Workers & Pages, on the right.",
    0: "Is there a way from here to api.cloudflare.com? Then run the same again.",
}
"""By status: what to do when the account cannot be read; 0 is no answer."""


@dataclass(frozen=True, slots=True)
class Problem:
    what: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked for. `given` are the names in the secrets file that goes up with the Workers, `told` the settings in it."""

    services: Sequence[str]
    environment: Environment
    given: frozenset[str] = frozenset()
    told: Mapping[str, str] = field(default_factory=dict)
    allow_dirty: bool = False
    peers: Peers = "services"


Check = Callable[[Plan, Cloudflare], Iterator[Problem]]


def credentials(plan: Plan, api: Cloudflare) -> Iterator[Problem]:
    if not api.configured:
        yield Problem(
            "CLOUDFLARE_API_TOKEN and CLOUDFLARE_ACCOUNT_ID are not both set",
            f"Export both. A token: {TOKEN[0].lower()}{TOKEN[1:]}",
        )
        return
    try:
        api.account_name()
    except ApiError as error:
        yield Problem(
            str(error), REFUSED.get(error.status, "Run the same again; if it stays: https://www.cloudflarestatus.com")
        )


def namespace(plan: Plan, api: Cloudflare) -> Iterator[Problem]:
    name = plan.environment.namespace
    if not api.has_namespace(name):
        yield Problem(
            f"the namespace {name} does not exist", f"Create it: npx wrangler dispatch-namespace create {name}"
        )


def deployed(plan: Plan, api: Cloudflare) -> Iterator[Problem]:
    name = plan.environment.name
    for service in plan.services:
        if not api.has_script(plan.environment.namespace, service):
            yield Problem(
                f"{service} is not deployed in {name}: secrets belong to a Worker that is there",
                f"Its first deployment takes them along: scripts/deploy-to-namespace.sh {service} {name} --secrets FILE",
            )


def packages(plan: Plan, api: Cloudflare) -> Iterator[Problem]:
    """Brings them up to date where they are not."""
    for service in _python(plan):
        try:
            vendor(service)
        except VendorError as error:
            yield Problem(f"{service.name}: {error}", "Is the package registry reachable? Then: make install")


def configurations(plan: Plan, api: Cloudflare) -> Iterator[Problem]:
    """All of them, whatever is deployed: they refer to each other."""
    for service in SERVICES:
        try:
            found = read_configuration(service.configuration)
        except ValueError as error:
            yield Problem(f"{service.name}/wrangler.jsonc cannot be read: {error}", "Mend the file.")
            continue
        for wrong in disagreements(service, found):
            yield Problem(f"{service.name}/wrangler.jsonc: {wrong}", "Mend the file; docs/deploying.md has the table.")

    file = "scripts/dispatch/wrangler.jsonc"
    try:
        found = read_configuration(ROOT / file)
    except ValueError as error:
        yield Problem(f"{file} cannot be read: {error}", "Mend the file.")
        return
    for wrong in unreachable(ENVIRONMENTS.values(), found):
        yield Problem(f"{file}: {wrong}", "Make the two agree; docs/deploying.md says what else names a domain.")


def disagreements(service: Service, found: dict[str, Any]) -> Iterator[str]:
    """What a Worker's wrangler.jsonc says otherwise than the code and the other Workers expect."""
    if found.get("name") != service.name:
        yield f"the name is {found.get('name')!r}, not {service.name!r}"
    if found.get("compatibility_date", "") < FIRST_DATE or found.get("compatibility_flags") != ["python_workers"]:
        yield f"Python 3.14 needs the flag python_workers and a compatibility date from {FIRST_DATE} on"
    if found.get("workers_dev") is not False:
        yield "workers_dev must be false: nothing may pass by the gateway"
    for kind in ("services", "kv_namespaces", "r2_buckets", "ai"):
        rows = found.get(kind, [])
        there = {row["binding"] for row in (rows if isinstance(rows, list) else [rows])}
        for name in sorted(BOUND[service.name].get(kind, set()) - there):
            yield f"the binding {name} ({kind}) is missing"
    for row in found.get("services", []):
        if row["binding"] in PLATFORM and row["service"] != row["binding"].lower():
            yield f"the binding {row['binding']} names the Worker {row['service']!r}, not {row['binding'].lower()!r}"
    if service.name == "schedule" and found.get("triggers", {}).get("crons") != CRONS:
        yield f"the crons are not {', '.join(CRONS)}"


def separation(plan: Plan, api: Cloudflare) -> Iterator[Problem]:
    """An environment that is not production has nothing of production's."""
    environment, production = plan.environment, ENVIRONMENTS[PRODUCTION]
    if environment.name == PRODUCTION:
        return
    if production.url and chosen_address(environment) == chosen_address(production):
        yield Problem(
            f"{environment.name} would call production's address {production.url} its own",
            "Unset DISPATCH_URL, or set it to where this environment's dispatch Worker answers.",
        )
    if any(settings_of(service, environment) for service in plan.services):
        yield from _own_clickhouse(plan, api)


def _own_clickhouse(plan: Plan, api: Cloudflare) -> Iterator[Problem]:
    name = plan.environment.name
    own = clickhouse(plan.environment, api, plan.told)
    remedy = (
        f"Set CLICKHOUSE_URL to that of {name}'s own, in the file for --secrets or in the environment, with "
        "CLICKHOUSE_DATABASE and CLICKHOUSE_USERNAME where they are not default; or set it to nothing, for none."
    )
    if own is None and "CLICKHOUSE_PASSWORD" in plan.given:
        yield Problem("CLICKHOUSE_PASSWORD is given, but CLICKHOUSE_URL is not", remedy)
    if own is not None and is_productions(own):
        database = own["CLICKHOUSE_DATABASE"]
        yield Problem(f"{name} would write into production's ClickHouse (CLICKHOUSE_URL, database {database})", remedy)


def peers(plan: Plan, api: Cloudflare) -> Iterator[Problem]:
    """A service binding names a Worker of the account. Where there is one of that name, every environment would share it."""
    if plan.peers == "dispatch":
        return
    rows = [row for service in plan.services for row in _configuration(service).get("services", [])]
    bound = sorted({row["service"] for row in rows if row["binding"] in PLATFORM})
    if there := [name for name in bound if api.has_script("", name)]:
        yield Problem(
            f"the account itself has Workers called {', '.join(there)}: every environment's service bindings would mean those",
            f"Deploy with --peers dispatch: scripts/deploy-to-namespace.sh all {plan.environment.name} --peers dispatch",
        )


def secrets(plan: Plan, api: Cloudflare) -> Iterator[Problem]:
    for service in plan.services:
        own = _configuration(service).get("vars", {}) | variables(service, plan.environment, api, plan.told)
        required = required_secrets(service, own)
        if not required:
            continue
        there = api.has_script(plan.environment.namespace, service)
        stored = api.secrets(plan.environment.namespace, service) if there else set()
        missing = [name for name in required if name not in stored | plan.given]
        if missing:
            command = f"scripts/secrets.sh {service} {plan.environment.name}"
            first = "It is not deployed there yet: pass a file with them, --secrets FILE."
            yield Problem(f"{service} lacks the secrets {', '.join(missing)}", f"Run: {command}" if there else first)


def _configuration(service: str) -> dict[str, Any]:
    for one in SERVICES:
        if one.name == service:
            with suppress(ValueError):  # said by the check of the configurations
                return read_configuration(one.configuration)
    return {}


def clean_tree(plan: Plan, api: Cloudflare) -> Iterator[Problem]:
    if plan.environment.name != PRODUCTION or plan.allow_dirty:
        return
    status = subprocess.run(
        ["git", "-C", str(ROOT), "status", "--porcelain"], capture_output=True, text=True, check=False
    )
    if status.returncode:
        yield Problem("this is no git tree", "Deploy from a clone, or pass --allow-dirty.")
    elif status.stdout:
        files = ", ".join(line[3:] for line in status.stdout.splitlines())
        yield Problem(
            f"the git tree has changes that are not committed: {files}",
            "Commit or remove these files, or pass --allow-dirty. Never commit a secrets file.",
        )


def deploy_api(plan: Plan, api: Cloudflare) -> Iterator[Problem]:
    """Only where the platform has one."""
    address = os.environ.get("DEPLOY_API_URL")
    if not address:
        return
    try:
        status = httpx.get(f"{address.rstrip('/')}/health", timeout=10).status_code
    except httpx.HTTPError as error:
        status = 0
        reason = type(error).__name__
    else:
        reason = f"status {status}"
    if status != 200:
        yield Problem(f"the deploy API does not answer /health ({reason})", "Start it, or unset DEPLOY_API_URL.")


def _python(plan: Plan) -> Iterator[Service]:
    return (service for service in SERVICES if service.name in plan.services)


LOCAL: dict[str, Check] = {
    "packages match their locks": packages,
    "configurations": configurations,
    "git tree": clean_tree,
}

ACCESS: dict[str, Check] = {
    "credentials": credentials,
    "namespace": namespace,
}

REMOTE: dict[str, Check] = {
    **ACCESS,
    "nothing of production's": separation,
    "bindings between the Workers": peers,
    "secrets": secrets,
    "deploy API": deploy_api,
}
