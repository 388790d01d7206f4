"""The HTTP endpoints of things, search and the rest. What arrives here reaches no raw SQL that writes."""

from typing import Any
from urllib.parse import quote

from db.domain.database import Database
from db.domain.idempotency import IdempotencyKey, idempotency_key
from db.handlers.conditions import requires_existing, version_tag, write_condition
from db.handlers.rpc_endpoint import RpcEndpoint
from db.handlers.visibility import listed, may_see_private, sees
from dotdo.contracts.common import ServiceCard, service_card
from dotdo.contracts.db import CONTRACT
from dotdo.contracts.db import models as m
from dotdo.errors import invalid_argument, not_found
from dotdo.http import HttpResponse, json_text_response, names
from dotdo.json_text import JsonText, json_object
from dotdo.model import validated
from dotdo.paging import Page
from dotdo.service import Call


class HttpHandlers:
    """One method for each row of the contract's `ENDPOINTS`."""

    def __init__(self, database: Database, rpc: RpcEndpoint) -> None:
        self._database = database
        self._rpc = rpc

    async def card(self, call: Call) -> ServiceCard:
        return service_card(CONTRACT)

    async def health(self, call: Call) -> m.DatabaseHealth:
        return await self._database.health()

    async def list_things(self, call: Call, *, query: m.ListQuery) -> JsonText:
        names = {"created_at": "createdAt", "updated_at": "updatedAt", "id": "id"}
        options = m.ListOptions.model_validate(
            {
                "limit": query.limit, "cursor": query.cursor, "type": query.type, "order": query.order,
                "visibility": listed(call, query.visibility), "order_by": names[query.order_by],
            },
            by_name=True,
        )  # fmt: skip
        things, pagination = await self._database.things.page(query.ns, options, camel=False)
        page = Page(limit=query.limit, next_cursor=pagination.next_cursor)
        return json_object(camel=False, data=things, page=page)

    async def create_thing(self, call: Call, *, body: m.ThingInput) -> HttpResponse:
        return await self._write(call, body)

    async def put_thing(self, call: Call, *, ns: str, id: str, body: m.ThingBody) -> HttpResponse:
        return await self._write(call, validated(m.ThingInput, {"ns": ns, "id": id, **body.model_dump()}, camel=False))

    async def batch_things(self, call: Call, *, body: m.BatchBody) -> m.BatchResult:
        """Nothing of it is written when one of them is a private thing that the caller may not see."""
        key = _idempotency(call, body.model_dump())
        return await self._database.things.batch_upsert(body.things, key, sees_private=may_see_private(call))

    async def get_thing(self, call: Call, *, ns: str, id: str) -> HttpResponse:
        """404 when there is none, and also when it is private and not for this caller."""
        thing = await self._database.things.get(ns, id)
        if thing is None or not sees(call, thing.visibility):
            raise not_found("no such thing")
        tag = version_tag(thing.version)
        if names(call.http_request.headers.get("if-none-match", ""), tag):
            return HttpResponse(304, headers=[("etag", tag)])
        return json_text_response(thing.model_dump_json(by_alias=False), headers=[("etag", tag)])

    async def patch_thing(self, call: Call, *, ns: str, id: str, body: m.ThingPatch) -> HttpResponse:
        condition, sees_private = write_condition(call), may_see_private(call)
        thing = await self._database.things.patch(ns, id, body, versions=condition, sees_private=sees_private)
        if thing is None:
            raise not_found("no such thing")
        return _written(call, thing)

    async def delete_thing(self, call: Call, *, ns: str, id: str) -> m.Thing:
        condition, sees_private = write_condition(call), may_see_private(call)
        deleted = await self._database.things.delete(ns, id, versions=condition, sees_private=sees_private)
        if deleted is None:
            raise not_found("no such thing")
        return deleted

    async def thing_relationships(self, call: Call, *, ns: str, id: str, query: m.EdgeQuery) -> JsonText:
        options = m.EdgeOptions(type=query.type, limit=query.limit, cursor=query.cursor)
        sees_private = may_see_private(call)
        edges, page = await self._database.relationships.at(
            ns, id, query.direction, options, sees_private=sees_private, camel=False
        )
        return json_object(camel=False, data=edges, page=page)

    async def thing_graph(self, call: Call, *, ns: str, id: str, query: m.GraphQuery) -> m.Graph:
        options = m.TraverseOptions(depth=query.depth, direction=query.direction, limit=query.limit)
        return await self._database.relationships.traverse(ns, id, options, sees_private=may_see_private(call))

    async def list_relationships(self, call: Call, *, query: m.RelationshipQuery) -> JsonText:
        options = m.RelationshipOptions(limit=query.limit, cursor=query.cursor, type=query.type)
        sees_private = may_see_private(call)
        edges, page = await self._database.relationships.list_namespace(
            query.ns, options, sees_private=sees_private, camel=False
        )
        return json_object(camel=False, data=edges, page=page)

    async def create_relationship(self, call: Call, *, body: m.RelationshipInput) -> HttpResponse:
        """An edge is not overwritten by who may not see it."""
        key = _idempotency(call, body.model_dump())
        edge = await self._database.relationships.upsert(body, key, sees_private=may_see_private(call))
        text = edge.model_dump_json(by_alias=False)
        if edge.version > 1:
            return json_text_response(text, 200)
        return json_text_response(text, 201, [_location(call, "relationships", edge.ns, edge.id)])

    async def get_relationship(self, call: Call, *, ns: str, id: str) -> m.Relationship:
        """404 also for one that is private or ends at a private thing, and not for this caller."""
        edge = await self._database.relationships.get(ns, id, sees_private=may_see_private(call))
        if edge is None:
            raise not_found("no such relationship")
        return edge

    async def delete_relationship(self, call: Call, *, ns: str, id: str) -> m.Relationship:
        deleted = await self._database.relationships.delete(ns, id, sees_private=may_see_private(call))
        if deleted is None:
            raise not_found("no such relationship")
        return deleted

    async def search_words(self, call: Call, *, query: m.SearchQuery) -> m.FoundList:
        chosen = query.model_dump(exclude={"q", "visibility"})
        options = m.SearchOptions(**chosen, visibility=listed(call, query.visibility))
        return await self._database.search.search(query.q, None, options)

    async def search(self, call: Call, *, body: m.SearchBody) -> m.FoundList:
        chosen = body.model_dump(exclude={"query", "embedding", "visibility"})
        options = m.SearchOptions(**chosen, visibility=listed(call, body.visibility))
        return await self._database.search.search(body.query, body.embedding, options)

    async def stats(self, call: Call) -> m.Stats:
        return await self._database.statistics.stats()

    async def types(self, call: Call, *, query: m.TypesQuery) -> m.TypeList:
        return m.TypeList(data=await self._database.statistics.types(query.ns))

    async def recent_activity(self, call: Call, *, query: m.ActivityQuery) -> m.EventPage:
        return await self._database.events.page(query.limit, query.cursor)

    async def ingest_events(self, call: Call, *, body: m.Event) -> m.Inserted:
        row = body.model_dump(exclude_none=True)
        await self._database.ingest_event(row, _idempotency(call, row))
        return m.Inserted(inserted=1)

    async def rpc(self, call: Call, *, body: m.RpcBody) -> HttpResponse:
        """A key would be believed to hold for whatever the method is: those that know one take it as an option."""
        if call.http_request.idempotency_key is not None:
            raise invalid_argument("Idempotency-Key: not taken here; upsert has the option idempotencyKey")
        return json_text_response(await self._rpc.call(body, call.defer))

    async def _write(self, call: Call, thing: m.ThingInput) -> HttpResponse:
        """A private thing is not overwritten by who may not see it."""
        versions, must_exist = write_condition(call), requires_existing(call)
        key = _idempotency(call, [thing.model_dump(), "*" if must_exist else versions])
        written = await self._database.things.upsert(
            thing, versions=versions, must_exist=must_exist, key=key, sees_private=may_see_private(call)
        )
        return _written(call, written)


def _idempotency(call: Call, request: Any) -> IdempotencyKey | None:
    """The Idempotency-Key header's, apart for each caller."""
    key = call.http_request.idempotency_key
    if key is None:
        return None
    return idempotency_key(f"http:{call.identity.subject}:{call.identity.key_id}", key, request)


def _written(call: Call, thing: m.Thing) -> HttpResponse:
    """201 with `Location` for a new thing, 200 for a changed one; the version as ETag."""
    text = thing.model_dump_json(by_alias=False)
    headers = [("etag", version_tag(thing.version))]
    if thing.version > 1:
        return json_text_response(text, 200, headers)
    return json_text_response(text, 201, [*headers, _location(call, "things", thing.ns, thing.id)])


def _location(call: Call, *parts: str) -> tuple[str, str]:
    path = "".join(f"/{quote(part, safe='')}" for part in parts)
    return "location", call.http_request.reference(path)
