"""Whether what is deployed works: the namespace's scripts, and every service's health through the dispatcher."""

from collections.abc import Iterator, Sequence

import httpx

from scripts.deploy.api import ApiError, Cloudflare
from scripts.deploy.checks import Problem
from scripts.deploy.table import Environment
from scripts.deploy.variables import address

BEHIND = ("auth", "db", "schedule")
TIMEOUT_S = 30.0
"""A first request after a deployment loads the snapshot."""


def listed(environment: Environment, api: Cloudflare) -> list[str]:
    """What is deployed: the scripts of the namespace, and the dispatch Worker of the account."""
    found = api.scripts(environment.namespace)
    return [*found, environment.dispatch] if api.has_script("", environment.dispatch) else found


def present(services: Sequence[str], environment: Environment, there: Sequence[str]) -> Iterator[Problem]:
    for service in services:
        name = environment.dispatch if service == "dispatch" else service
        if name not in there:
            yield Problem(
                f"{service} is not deployed in {environment.name}",
                f"Run: scripts/deploy-to-namespace.sh {service} {environment.name}",
            )


def answering(environment: Environment, api: Cloudflare) -> Iterator[Problem]:
    """`/health` is the gateway's own; `/ready` asks every service it is bound to, over the bindings that requests take.

    Those of `BEHIND` have to be among them.
    """
    try:
        url = address(environment, api)
    except ApiError as error:
        yield Problem(str(error), "Set DISPATCH_URL to where the dispatch Worker answers.")
        return
    with httpx.Client(base_url=url, timeout=TIMEOUT_S) as client:
        yield from _health(client, url)
        yield from _ready(client, url)


def _health(client: httpx.Client, url: str) -> Iterator[Problem]:
    try:
        status = client.get("/health").status_code
    except httpx.HTTPError as error:
        yield Problem(
            f"{url} does not answer ({type(error).__name__})",
            "Is dispatch deployed, and has this host a proxied DNS record and a route? A new name takes some minutes.",
        )
        return
    if status != 200:
        yield Problem(f"{url}/health answers {status}", "Look at the logs of dispatch and gateway in the dashboard.")


def _ready(client: httpx.Client, url: str) -> Iterator[Problem]:
    try:
        services = {**dict.fromkeys(BEHIND, "not bound"), **client.get("/ready").json()["services"]}
    except httpx.HTTPError:
        return  # said by the health check
    except (ValueError, KeyError, TypeError):
        yield Problem(f"{url}/ready answers no readiness report", "Is something else behind this address?")
        return
    for name, status in services.items():
        if status != "ok":
            yield Problem(
                f"{name} is {status}",
                f"Its secrets and bindings: scripts/secrets.sh {name} …; its logs are in the dashboard.",
            )
