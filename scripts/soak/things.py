"""The load on db: writes that are remembered, and reads that are held to what is remembered. Each raises Refused or Wrong."""

from scripts.soak.book import FORBIDDEN_NS, NS, Book, How, Thing, content, word
from scripts.soak.client import Client, Refused, Wrong

BATCH = 10


class Things:
    def __init__(self, client: Client, book: Book) -> None:
        self._client = client
        self._book = book

    async def put(self) -> None:
        await self.write(self._book.to_write(), "put")

    async def patch(self) -> None:
        await self.write(self._book.to_write(), "patch")

    async def delete(self) -> None:
        await self.write(self._book.to_write(), "delete")

    async def write(self, thing: Thing, how: How) -> None:
        """The next write of a thing, or the open one again, as it was."""
        thing.busy = True
        try:
            if not thing.pending:
                thing.tried, thing.how = thing.known + 1, how if thing.known else "put"
            self._book.open[thing.id] = thing
            await {"put": self._put, "patch": self._patch, "delete": self._delete}[thing.how](thing)
            self._book.acknowledge(thing)
        finally:
            thing.busy = False

    async def _put(self, thing: Thing) -> None:
        key = {"idempotency-key": f"{thing.id}/{thing.tried}"}
        answer = await self._client.send("user", "PUT", _path(thing.id), content(thing.id, thing.tried), key)
        _require(thing.check(answer.expect(200, 201), thing.tried))

    async def _patch(self, thing: Thing) -> None:
        """By condition: 412 for one that was done already, its answer lost."""
        condition = {"if-match": f'"{thing.known}"'}
        changes = {"data": content(thing.id, thing.tried)["data"]}
        answer = await self._client.send("user", "PATCH", _path(thing.id), changes, condition)
        if answer.status == 412:
            answer = await self._client.send("user", "GET", _path(thing.id))
        _require(thing.check(answer.expect(200), thing.tried))

    async def _delete(self, thing: Thing) -> None:
        condition = {"if-match": f'"{thing.known}"'}
        answer = await self._client.send("user", "DELETE", _path(thing.id), headers=condition)
        again = thing.gone
        thing.gone = True  # perhaps: from now on nobody has to find it
        if not (answer.status == 404 and again):
            answer.expect(200)

    async def batch(self) -> None:
        """All or none of them, under one key: a batch whose answer was lost is sent again."""
        if self._book.batches:
            things = self._book.batches.pop()
        else:
            things = [self._book.add(Thing(self._book.new_id(), tried=1, busy=True)) for _ in range(BATCH)]
        body = {"things": [{"ns": NS, "id": thing.id, **content(thing.id, 1)} for thing in things]}
        key = {"idempotency-key": f"batch/{things[0].id}"}
        try:
            counts = (await self._client.send("admin", "POST", "/db/things/batch", body, key)).expect(200)
        except Refused:
            self._book.batches.append(things)
            raise
        _require("" if counts == {"inserted": BATCH, "updated": 0} else f"a new batch counts {counts}")
        for thing in things:
            self._book.acknowledge(thing)
        self._book.fixed += [thing.id for thing in things]

    async def read(self) -> None:
        thing = self._book.to_read()
        if thing is None:
            return
        at_least, was_gone = thing.known, thing.gone and not thing.pending
        answer = await self._client.send("viewer", "GET", _path(thing.id))
        if answer.status == 404 and (thing.gone or (thing.pending and thing.how == "delete")):
            return
        row = answer.expect(200)
        _require(f"{thing.id}: is there after its deletion" if was_gone else thing.check(row, at_least))

    async def page(self) -> None:
        known = {id: thing.known for id, thing in self._book.things.items()}
        page = (await self._client.send("viewer", "GET", f"/db/things?ns={NS}&limit=50")).expect(200)
        ids = [row["id"] for row in page["data"]]
        _require("" if len(set(ids)) == len(ids) <= 50 else f"{len(ids)} rows, {len(set(ids))} of them different")
        for row in page["data"]:
            _require(self._book.things[row["id"]].check(row, known.get(row["id"], 0)))

    async def search(self) -> None:
        thing = self._book.to_read()
        if thing is None:
            return
        at_least = thing.known
        answer = await self._client.send("viewer", "GET", f"/db/search?q={word(thing.id)}&ns={NS}")
        found = answer.expect(200)["data"]
        if not found and (thing.gone or (thing.pending and thing.how == "delete")):
            return
        _require(
            "" if [row["id"] for row in found] == [thing.id] else f"{thing.id}: found {[row['id'] for row in found]}"
        )
        _require(thing.check(found[0], at_least))

    async def edge(self) -> None:
        if len(self._book.fixed) < 2:
            return
        ends = tuple(self._book.chance.sample(self._book.fixed, 2))
        start, end = ends
        self._book.edges.setdefault((start, end), False)
        body = {"type": "follows", "from_ns": NS, "from_id": start, "to_ns": NS, "to_id": end}
        (await self._client.send("user", "POST", "/db/relationships", body)).expect(200, 201)
        self._book.edges[start, end] = True
        self._book.acknowledged += 1
        path = f"/db/things/{NS}/{start}/relationships?direction=out&limit=1000"
        found = (await self._client.send("viewer", "GET", path)).expect(200)["data"]
        _require("" if end in {row["to_id"] for row in found} else f"the edge from {start} to {end} is not there")

    async def event(self) -> None:
        """To ClickHouse, under a key that is remembered in PostgreSQL. One that failed is not sent again: others are."""
        id = self._book.new_id()
        self._book.events[id] = False
        body = {"type": "soak.event", "id": id, "source": NS, "data": {"id": id}}
        answer = await self._client.send("user", "POST", "/db/events", body, {"idempotency-key": f"event/{id}"})
        _require("" if answer.expect(201) == {"inserted": 1} else f"an event counts {answer.body}")
        self._book.events[id] = True
        self._book.acknowledged += 1

    async def event_twice(self) -> None:
        """The same request again, as a client does that got no answer."""
        id = self._book.new_id()
        self._book.events[id] = False
        body = {"type": "soak.event", "id": id, "source": NS, "data": {"id": id}}
        key = {"idempotency-key": f"event/{id}"}
        for _ in range(2):
            (await self._client.send("user", "POST", "/db/events", body, key)).expect(201)
            self._book.events[id] = True
        self._book.acknowledged += 1

    async def forbidden(self) -> None:
        body = content("x", 1)
        (await self._client.send("viewer", "PUT", f"/db/things/{FORBIDDEN_NS}/x", body)).expect(403)

    async def invalid(self) -> None:
        (await self._client.send("user", "PUT", f"/db/things/{FORBIDDEN_NS}/x", {"type": 7})).expect(400)


def _path(id: str) -> str:
    return f"/db/things/{NS}/{id}"


def _require(fault: str) -> None:
    if fault:
        raise Wrong(fault)
