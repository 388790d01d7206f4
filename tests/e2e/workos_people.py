"""People, organisations and connections in the vendor's emulator, and browsers that sign in as them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from scripts.stores.workos import API_KEY
from tests.e2e.platform import Platform
from tests.e2e.workos_events import unique


class Emulator:
    """Its management API, as an administrator of WorkOS uses it."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def made(self, path: str, **fields: Any) -> dict[str, Any]:
        answer = await self._client.post(path, json=fields)
        assert answer.is_success, answer.text
        made: dict[str, Any] = answer.json()
        return made

    async def user(self, **fields: Any) -> dict[str, Any]:
        email = f"{unique('person')}@example.com"
        return await self.made("/user_management/users", **{"email": email, "email_verified": True, **fields})

    async def organization(self, domain: str = "") -> dict[str, Any]:
        domains = [{"domain": domain, "state": "verified"}] if domain else []
        return await self.made("/organizations", name=unique("Org"), domain_data=domains)

    async def membership(self, user_id: str, organization_id: str, role: str) -> dict[str, Any]:
        fields = {"user_id": user_id, "organization_id": organization_id, "role_slug": role}
        return await self.made("/user_management/organization_memberships", **fields)

    async def connection(self, organization_id: str, domain: str) -> dict[str, Any]:
        return await self.made("/connections", organization_id=organization_id, name="idp", domains=[domain])


@asynccontextmanager
async def emulator(platform: Platform) -> AsyncIterator[Emulator]:
    headers = {"authorization": f"Bearer {API_KEY}"}
    async with httpx.AsyncClient(base_url=platform.workos_url, headers=headers, timeout=30) as client:
        yield Emulator(client)


async def callback_of(browser: httpx.AsyncClient, path: str = "/auth/login", **query: str) -> str:
    """The address that WorkOS sends a browser back to, whose sign-in has begun."""
    began = await browser.get(path, params=query)
    assert began.status_code == 302, began.text
    async with httpx.AsyncClient(timeout=30) as workos:
        answer = await workos.get(began.headers["location"])
    assert answer.status_code == 302, answer.text
    return answer.headers["location"]


def code_in(address: str) -> str:
    return parse_qs(urlsplit(address).query)["code"][0]
