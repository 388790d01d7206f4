"""The variables and secrets of each Worker in the local stack."""

from collections.abc import Mapping
from dataclasses import dataclass

from scripts.stack.process import LOOPBACK

LOCAL_LIMITS = "default=1000000 auth=1000000 webhooks=1000000 ip=1000000"
"""Without Cloudflare's edge every local client has the same unknown address: production's numbers would stop a test run."""

LOCAL_ATTEMPTS = {"ATTEMPT_LIMITS": "login=1000000 callback=1000000 refresh=1000000", "LOCKOUT_MAX_S": "0"}
"""The same for auth's own limits; and no account is locked out since a test has failed in its name."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the parts of the stack are."""

    gateway_port: int
    postgres_url: str
    neon_url: str
    clickhouse_url: str
    clickhouse_username: str
    clickhouse_database: str
    workos_url: str
    workos_api_key: str
    workos_client_id: str


def worker_variables(at: Addresses, secrets: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """By service: every variable and secret of production, with a local value."""
    everywhere = {"ENVIRONMENT": "development", "INTERNAL_SECRET": secrets["INTERNAL_SECRET"]}
    cookies = {"COOKIE_SECURE": "false"}  # the stack speaks plain HTTP
    return {
        "gateway": {
            **everywhere,
            **cookies,
            "CORS_ORIGINS": f"http://localhost:{at.gateway_port}",
            "LOGIN_URL": f"http://{LOOPBACK}:{at.gateway_port}/auth/login",
            "RATE_LIMITS": LOCAL_LIMITS,
        },
        "db": {
            **everywhere,
            "DATABASE_URL": at.postgres_url,
            "NEON_HTTP_ENDPOINT": at.neon_url,
            "CLICKHOUSE_URL": at.clickhouse_url,
            "CLICKHOUSE_DATABASE": at.clickhouse_database,
            "CLICKHOUSE_USERNAME": at.clickhouse_username,
            "CLICKHOUSE_PASSWORD": secrets["CLICKHOUSE_PASSWORD"],
        },
        "auth": {
            **everywhere,
            **cookies,
            **LOCAL_ATTEMPTS,
            "PUBLIC_URL": f"http://{LOOPBACK}:{at.gateway_port}/auth",
            "REDIRECT_ALLOWLIST": "",
            "WORKOS_API_URL": at.workos_url,
            "WORKOS_API_KEY": at.workos_api_key,
            "WORKOS_CLIENT_ID": at.workos_client_id,
            "WORKOS_WEBHOOK_SECRET": secrets["WORKOS_WEBHOOK_SECRET"],
            "ROLE_MAP": '{"admin":"admin","member":"user","viewer":"viewer"}',  # of one organisation, its developer's
            "JWT_SECRET": secrets["JWT_SECRET"],
            "JWT_REFRESH_SECRET": secrets["JWT_REFRESH_SECRET"],
        },
        "schedule": {**everywhere, "EMBEDDINGS_PROVIDER": "hash", "RATE_LIMITS": LOCAL_LIMITS},
    }
