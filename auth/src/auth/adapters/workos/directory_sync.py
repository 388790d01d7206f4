"""Directories of organisations: who works there, in which groups (https://workos.com/docs/reference/directory-sync)."""

from auth.adapters.workos.api import Api
from auth.adapters.workos.models import Directory, DirectoryGroup, DirectoryUser, Listed

MAX_PAGE = 100


class DirectorySync:
    """`limit` is at most 100; `after` is the `list_metadata.after` of the page before."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def list_directories(
        self, *, limit: int, after: str | None, organization_id: str | None
    ) -> Listed[Directory]:
        return await self._api.get(
            Listed[Directory], "/directories", limit=limit, after=after, organization_id=organization_id
        )

    async def list_users(self, directory_id: str, *, limit: int, after: str | None) -> Listed[DirectoryUser]:
        return await self._api.get(
            Listed[DirectoryUser], "/directory_users", directory=directory_id, limit=limit, after=after
        )

    async def list_groups(self, directory_id: str, *, limit: int, after: str | None) -> Listed[DirectoryGroup]:
        return await self._api.get(
            Listed[DirectoryGroup], "/directory_groups", directory=directory_id, limit=limit, after=after
        )
