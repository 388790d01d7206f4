"""What a deployment puts in the place of a wrangler.jsonc's variables, which are production's."""

import os

from scripts.deploy.api import Cloudflare
from scripts.deploy.table import Environment

KNOW_THEIR_ENVIRONMENT = ("auth", "schedule", "gateway")

BROWSERS_COME_TO = {"auth": ("PUBLIC_URL", "/auth"), "gateway": ("LOGIN_URL", "/auth/login")}
"""By service: the variable that says where browsers come to, and the path behind the dispatcher."""


def address(environment: Environment, api: Cloudflare) -> str:
    """Where the dispatcher answers: DISPATCH_URL, else the environment's own, else its workers.dev address. Raises ApiError."""
    own = os.environ.get("DISPATCH_URL") or environment.url
    return own.rstrip("/") or f"https://{environment.dispatch}.{api.subdomain()}.workers.dev"


def variables(service: str, environment: Environment, api: Cloudflare) -> dict[str, str]:
    """Raises ApiError."""
    own = {"ENVIRONMENT": environment.name} if service in KNOW_THEIR_ENVIRONMENT else {}
    if service in BROWSERS_COME_TO and environment.name != "production":
        variable, path = BROWSERS_COME_TO[service]
        own[variable] = address(environment, api) + path
    return own
