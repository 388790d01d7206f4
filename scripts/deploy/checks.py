"""What has to hold before anything is uploaded. Each check says what is wrong and what to do about it."""

import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import httpx

from scripts.deploy.api import ApiError, Cloudflare
from scripts.deploy.table import Environment, required_secrets
from scripts.deploy.tools import Peers
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
"""The bindings each Worker cannot do without, by their kind in wrangler.jsonc."""


@dataclass(frozen=True, slots=True)
class Problem:
    what: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked for. `given` are the names in the secrets file that goes up with the Workers."""

    services: Sequence[str]
    environment: Environment
    given: frozenset[str] = frozenset()
    allow_dirty: bool = False
    peers: Peers = "services"


Check = Callable[[Plan, Cloudflare], Iterator[Problem]]


def credentials(plan: Plan, api: Cloudflare) -> Iterator[Problem]:
    if not api.configured:
        yield Problem(
            "CLOUDFLARE_API_TOKEN and CLOUDFLARE_ACCOUNT_ID are not both set",
            "Make a token with Workers Scripts: Edit at https://dash.cloudflare.com/profile/api-tokens and export both.",
        )
        return
    try:
        api.account_name()
    except ApiError as error:
        yield Problem(str(error), "Check that the token is valid and belongs to the account.")


def namespace(plan: Plan, api: Cloudflare) -> Iterator[Problem]:
    name = plan.environment.namespace
    if not api.has_namespace(name):
        yield Problem(
            f"the namespace {name} does not exist", f"Create it: npx wrangler dispatch-namespace create {name}"
        )


def packages(plan: Plan, api: Cloudflare) -> Iterator[Problem]:
    """Brings them up to date where they are not."""
    for service in _python(plan):
        try:
            vendor(service)
        except VendorError as error:
            yield Problem(f"{service.name}: {error}", "Is the package registry reachable? Then: make install")


def configurations(plan: Plan, api: Cloudflare) -> Iterator[Problem]:
    """All four, whatever is deployed: they refer to each other."""
    for service in SERVICES:
        try:
            found = read_configuration(service.configuration)
        except ValueError as error:
            yield Problem(f"{service.name}/wrangler.jsonc cannot be read: {error}", "Mend the file.")
            continue
        for wrong in disagreements(service, found):
            yield Problem(f"{service.name}/wrangler.jsonc: {wrong}", "Mend the file; docs/deploying.md has the table.")


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
        if row["service"] != row["binding"].lower():
            yield f"the binding {row['binding']} names the Worker {row['service']!r}, not {row['binding'].lower()!r}"
    if service.name == "schedule" and found.get("triggers", {}).get("crons") != CRONS:
        yield f"the crons are not {', '.join(CRONS)}"


def secrets(plan: Plan, api: Cloudflare) -> Iterator[Problem]:
    for service in plan.services:
        required = required_secrets(service, _variables(service))
        if not required:
            continue
        there = api.has_script(plan.environment.namespace, service)
        stored = api.secrets(plan.environment.namespace, service) if there else set()
        missing = [name for name in required if name not in stored | plan.given]
        if missing:
            command = f"scripts/secrets.sh {service} {plan.environment.name}"
            first = "It is not deployed there yet: pass a file with them, --secrets FILE."
            yield Problem(f"{service} lacks the secrets {', '.join(missing)}", f"Run: {command}" if there else first)


def _variables(service: str) -> dict[str, str]:
    for one in SERVICES:
        if one.name == service:
            with suppress(ValueError):  # said by the check of the configurations
                return dict(read_configuration(one.configuration).get("vars", {}))
    return {}


def clean_tree(plan: Plan, api: Cloudflare) -> Iterator[Problem]:
    if plan.environment.name != "production" or plan.allow_dirty:
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

REMOTE: dict[str, Check] = {
    "credentials": credentials,
    "namespace": namespace,
    "secrets": secrets,
    "deploy API": deploy_api,
}
