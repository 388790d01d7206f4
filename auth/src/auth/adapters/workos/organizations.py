"""Organisations (https://workos.com/docs/reference/organization)."""

from auth.adapters.workos.api import Api, segment
from auth.adapters.workos.models import Listed, Organization


class Organizations:
    def __init__(self, api: Api) -> None:
        self._api = api

    async def get(self, organization_id: str) -> Organization:
        return await self._api.get(Organization, f"/organizations/{segment(organization_id)}")

    async def list(self, **query: str | int | None) -> Listed[Organization]:
        """`query`: domains, limit (at most 100), after."""
        return await self._api.get(Listed[Organization], "/organizations", **query)
