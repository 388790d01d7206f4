"""Whether what is deployed works: the namespace's scripts, and every service's health through the dispatcher."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import httpx

from scripts.deploy.api import ApiError, Cloudflare
from scripts.deploy.checks import Problem
from scripts.deploy.table import Environment
from scripts.deploy.variables import public_address

BEHIND = ("auth", "db", "schedule")
TIMEOUT_S = 30.0
"""A first request after a deployment loads the snapshot."""

Tell = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Patience:
    """For how long to ask again, in seconds. What was deployed just now may not answer well at first: isolates start, a
    database wakes up, a new name becomes known.
    """

    total_s: float = 90.0
    every_s: float = 5.0
    now: Callable[[], float] = time.monotonic
    wait: Callable[[float], None] = time.sleep


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


def answering(environment: Environment, api: Cloudflare, patience: Patience, tell: Tell) -> list[Problem]:
    """`/health` is the gateway's own; `/ready` asks every service it is bound to, over the bindings that requests take.

    Those of `BEHIND` have to be among them. The problems that are left in the end; `tell` hears of those before.
    """
    try:
        url = os.environ.get("DISPATCH_URL", "").rstrip("/") or public_address(environment, api)
    except ApiError as error:
        return [Problem(str(error), "Set DISPATCH_URL to where the dispatch Worker answers.")]
    with httpx.Client(base_url=url, timeout=TIMEOUT_S) as client:
        return patiently(lambda: [*_health(client, url), *_ready(client, url)], patience, tell)


def patiently(ask: Callable[[], list[Problem]], patience: Patience, tell: Tell) -> list[Problem]:
    """Asks until there is no problem or no time; at least once, and once more at the end."""
    until_s = patience.now() + patience.total_s
    while problems := ask():
        left_s = until_s - patience.now()
        if left_s <= 0:
            break
        tell(f"not yet: {', '.join(problem.what for problem in problems)}; asking again for {left_s:.0f} s")
        patience.wait(min(patience.every_s, left_s))
    return problems


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
