"""The HTTP endpoints of organisations' directories, read through to WorkOS at each request."""

from typing import Any

from auth.adapters.workos import WorkOS
from auth.adapters.workos.answers import translate_refusals
from auth.adapters.workos.directory_sync import MAX_PAGE
from auth.adapters.workos.models import Listed
from dotdo.contracts.auth import workos as w
from dotdo.contracts.auth.models import ListQuery
from dotdo.paging import Page, decode_cursor, encode_cursor
from dotdo.service import Call


class DirectoryHandlers:
    """WorkOS gives at most a hundred at once, which is a page here, too, whatever `limit` says."""

    _workos: WorkOS

    async def list_directories(self, call: Call, *, query: w.DirectoryQuery) -> w.DirectoryPage:
        found = await translate_refusals(
            self._workos.directory_sync.list_directories(**_place(query), organization_id=query.organization_id)
        )
        data = [w.Directory(**each.model_dump()) for each in found.data]
        return w.DirectoryPage(data=data, page=_page(query, found))

    async def list_directory_users(self, call: Call, *, id: str, query: ListQuery) -> w.DirectoryUserPage:
        found = await translate_refusals(self._workos.directory_sync.list_users(id, **_place(query)))
        data = [
            w.DirectoryUser(**each.model_dump(exclude={"role"}), role=each.role.slug if each.role else None)
            for each in found.data
        ]
        return w.DirectoryUserPage(data=data, page=_page(query, found))

    async def list_directory_groups(self, call: Call, *, id: str, query: ListQuery) -> w.DirectoryGroupPage:
        found = await translate_refusals(self._workos.directory_sync.list_groups(id, **_place(query)))
        data = [w.DirectoryGroup(**each.model_dump()) for each in found.data]
        return w.DirectoryGroupPage(data=data, page=_page(query, found))


def _place(query: ListQuery) -> dict[str, Any]:
    after = decode_cursor(query.cursor, 1)[0] if query.cursor is not None else None
    return {"limit": min(query.limit, MAX_PAGE), "after": after}


def _page(query: ListQuery, found: Listed[Any]) -> Page:
    after = found.list_metadata.after
    return Page(limit=min(query.limit, MAX_PAGE), next_cursor=encode_cursor([after]) if after else None)
