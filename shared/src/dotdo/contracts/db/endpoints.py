"""The HTTP endpoints of the db service."""

from typing import Any

from dotdo.contract import Endpoint
from dotdo.contracts.common import ServiceCard
from dotdo.contracts.db import models as m

_READ, _WRITE = "things:read", "things:write"
_SEARCH = "search:read"
_EDGE_READ, _EDGE_WRITE = "relationships:read", "relationships:write"
_CONDITION, _ONCE = ("If-Match", "If-None-Match"), ("Idempotency-Key",)

ENDPOINTS = (
    Endpoint("GET", "/", "card", "What this service is.", access="public", result=ServiceCard),
    Endpoint("GET", "/health", "health", "Whether both stores answer.", access="public", result=m.DatabaseHealth),
    Endpoint("GET", "/things", "list_things", "The things of a namespace.",
             permission=_READ, query=m.ListQuery, result=m.ThingPage),
    Endpoint("POST", "/things", "create_thing", "Writes a thing; 201 when it is new.",
             permission=_WRITE, body=m.ThingInput, result=m.Thing, status=201, also=(200,),
             headers=_CONDITION + _ONCE),
    Endpoint("POST", "/things/batch", "batch_things", "Writes up to 1000 things in one transaction.",
             permission=_WRITE, body=m.BatchBody, result=m.BatchResult, headers=_ONCE),
    Endpoint("GET", "/things/{ns}/{id}", "get_thing", "One thing; its version is its ETag.",
             permission=_READ, result=m.Thing, also=(304,), headers=("If-None-Match",)),
    Endpoint("PUT", "/things/{ns}/{id}", "put_thing", "Writes a thing, whole.",
             permission=_WRITE, body=m.ThingBody, result=m.Thing, also=(201,), headers=_CONDITION + _ONCE),
    Endpoint("PATCH", "/things/{ns}/{id}", "patch_thing", "Changes parts of a thing.",
             permission=_WRITE, body=m.ThingPatch, result=m.Thing, headers=_CONDITION),
    Endpoint("DELETE", "/things/{ns}/{id}", "delete_thing", "Deletes a thing and its edges.",
             permission=_WRITE, result=m.Thing, headers=_CONDITION),
    Endpoint("GET", "/things/{ns}/{id}/relationships", "thing_relationships", "The edges at a thing.",
             permission=_EDGE_READ, query=m.EdgeQuery, result=m.RelationshipPage),
    Endpoint("GET", "/things/{ns}/{id}/graph", "thing_graph", "What can be reached from a thing.",
             permission=_EDGE_READ, query=m.GraphQuery, result=m.Graph),
    Endpoint("GET", "/relationships", "list_relationships", "The edges of a namespace.",
             permission=_EDGE_READ, query=m.RelationshipQuery, result=m.RelationshipPage),
    Endpoint("POST", "/relationships", "create_relationship", "Writes an edge; 201 when it is new.",
             permission=_EDGE_WRITE, body=m.RelationshipInput, result=m.Relationship, status=201,
             also=(200,), headers=_ONCE, problems=(404, 409)),
    Endpoint("GET", "/relationships/{ns}/{id}", "get_relationship", "One edge.",
             permission=_EDGE_READ, result=m.Relationship),
    Endpoint("DELETE", "/relationships/{ns}/{id}", "delete_relationship", "Deletes an edge.",
             permission=_EDGE_WRITE, result=m.Relationship),
    Endpoint("GET", "/search", "search_words", "Things by words.",
             permission=_SEARCH, query=m.SearchQuery, result=m.FoundList),
    Endpoint("POST", "/search", "search", "Things by words, by meaning, or both.",
             permission=_SEARCH, body=m.SearchBody, result=m.FoundList),
    Endpoint("GET", "/stats", "stats", "How much there is.", access="admin", result=m.Stats),
    Endpoint("GET", "/types", "types", "Things by type.", access="admin", query=m.TypesQuery, result=m.TypeList),
    Endpoint("GET", "/activity", "recent_activity", "The newest events.",
             access="admin", query=m.ActivityQuery, result=m.EventPage),
    Endpoint("POST", "/events", "ingest_events", "Appends an event.",
             permission=_WRITE, body=m.Event, result=m.Inserted, status=201, headers=_ONCE),
    Endpoint("POST", "/rpc", "rpc", "A method of the contract, raw SQL read-only.",
             access="admin", body=m.RpcBody, result=dict[str, Any], problems=(404, 409, 412)),
)  # fmt: skip
