"""The HTTP endpoints. Nothing that arrives here reaches raw SQL; the caller is who the gateway says it is."""

from urllib.parse import quote

from db.domain.database import Database
from dotdo.contracts.common import ServiceCard, service_card
from dotdo.contracts.db import (
    CONTRACT,
    ActivityQuery,
    DatabaseHealth,
    Event,
    EventList,
    Inserted,
    ListOptions,
    ListQuery,
    Thing,
    ThingBody,
    ThingInput,
    ThingPage,
)
from dotdo.errors import forbidden, not_found
from dotdo.http import HttpResponse, json_text_response
from dotdo.model import validated
from dotdo.paging import Page
from dotdo.service import Call

PRIVATE_READ = "things:private"


def _may_see_private(call: Call) -> bool:
    return call.identity.may(PRIVATE_READ)


class HttpHandlers:
    """One method for each row of the contract's `ENDPOINTS`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def card(self, call: Call) -> ServiceCard:
        return service_card(CONTRACT)

    async def health(self, call: Call) -> DatabaseHealth:
        return await self._database.health()

    async def list_things(self, call: Call, *, query: ListQuery) -> ThingPage:
        """Public things; private ones too for who may see them, when asked for by `visibility=private`."""
        visibility = query.visibility or "public"
        if visibility != "public" and not _may_see_private(call):
            raise forbidden(f"this needs the permission {PRIVATE_READ}")
        options = ListOptions(limit=query.limit, cursor=query.cursor, type=query.type, visibility=visibility)
        data, cursor = await self._database.things.page(query.ns, options)
        return ThingPage(data=data, page=Page(limit=query.limit, next_cursor=cursor))

    async def create_thing(self, call: Call, *, body: ThingInput) -> HttpResponse:
        await self._require_writable(call, body.ns, body.id)
        return _written(await self._database.things.upsert(body))

    async def get_thing(self, call: Call, *, ns: str, id: str) -> Thing:
        return await self._visible(call, ns, id)

    async def put_thing(self, call: Call, *, ns: str, id: str, body: ThingBody) -> HttpResponse:
        await self._require_writable(call, ns, id)
        thing = validated(ThingInput, {"ns": ns, "id": id, **body.model_dump()}, camel=False)
        return _written(await self._database.things.upsert(thing))

    async def delete_thing(self, call: Call, *, ns: str, id: str) -> Thing:
        await self._visible(call, ns, id)
        deleted = await self._database.things.delete(ns, id)
        if deleted is None:
            raise not_found("no such thing")
        return deleted

    async def ingest_events(self, call: Call, *, body: Event) -> Inserted:
        row = body.model_dump(exclude_none=True)
        return Inserted(inserted=await self._database.events.ingest("events", [row]))

    async def recent_activity(self, call: Call, *, query: ActivityQuery) -> EventList:
        return EventList(data=await self._database.events.recent(query.limit))

    async def _visible(self, call: Call, ns: str, id: str) -> Thing:
        """The thing. 404 when there is none, and also when it is private and not for this caller."""
        thing = await self._database.things.get(ns, id)
        if thing is None or (thing.visibility == "private" and not _may_see_private(call)):
            raise not_found("no such thing")
        return thing

    async def _require_writable(self, call: Call, ns: str, id: str) -> None:
        """A private thing is not overwritten by who may not see it."""
        if _may_see_private(call):
            return
        thing = await self._database.things.get(ns, id)
        if thing is not None and thing.visibility == "private":
            raise forbidden(f"this needs the permission {PRIVATE_READ}")


def _written(thing: Thing) -> HttpResponse:
    """201 with `Location` for a new thing, 200 for a changed one."""
    text = thing.model_dump_json(by_alias=False)
    if thing.version > 1:
        return json_text_response(text)
    location = f"/things/{quote(thing.ns, safe='')}/{quote(thing.id, safe='')}"
    return json_text_response(text, 201, [("location", location)])
