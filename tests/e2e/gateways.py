"""Clients of the gateways that stand beside the stack's own."""

import httpx

from scripts.stack.process import LOOPBACK
from tests.e2e.platform import Platform


def limited(platform: Platform, role: str | None = None, address: str = "") -> httpx.AsyncClient:
    """A gateway with production's limits. `address`: the client's, as Cloudflare's edge would say."""
    return _client(platform, platform.proxies.gateway, role, address)


def hasty(platform: Platform, role: str | None = None) -> httpx.AsyncClient:
    """A gateway that waits half a second for every Worker."""
    return _client(platform, platform.proxies.hasty_gateway, role, "")


def _client(platform: Platform, port: int, role: str | None, address: str) -> httpx.AsyncClient:
    headers = {"authorization": f"Bearer {platform.keys[role]}"} if role else {}
    if address:
        headers["cf-connecting-ip"] = address
    return httpx.AsyncClient(base_url=f"http://{LOOPBACK}:{port}", headers=headers, timeout=60)
