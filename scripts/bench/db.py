"""db by RPC from a Python Worker: single calls against their floor, and what can be moved in a second.

One connection: what counts is how long a call takes, not how many wait for each other.
"""

import json

from db.domain.things import COLUMNS
from scripts.bench.areas import Area, Info
from scripts.bench.calls import answer, call, result
from scripts.bench.figures import Amount, Time
from scripts.bench.load import Target
from scripts.bench.million import NAMESPACE, ensure_rows, id_of
from scripts.bench.peers import Peers

PAGE = 100
BATCH = 1_000
CALLS = 10

_QUERY = "select ns, id, type, content, data, version, created_at from things where ns = $1 order by id limit $2"
_FLOOR = f"select {COLUMNS} from things where ns = $1 and id = $2"


async def db(info: Info, peers: Peers) -> Area:
    """Loads the million rows when they are not there yet."""
    await ensure_rows(info["postgres_url"])
    one = [NAMESPACE, id_of(500_000)]
    of_bare, of_db = peers.url("caller-of-bare"), peers.url("caller-of-db")
    behind = {"limit": 1, "offset": 999 * PAGE - 1}
    cursor = (await result(call("", of_db, "list", [NAMESPACE, behind])))["pagination"]["nextCursor"]
    rpc = Target("bare RPC", f"{of_bare}{CALLS}", body="", calls=CALLS, connections=1)
    floor = Target(
        "bare RPC + POST to Neon", f"{of_bare}{CALLS}", body=json.dumps({"query": _FLOOR, "params": one}),
        calls=CALLS, connections=1,
    )  # fmt: skip
    get = call("db get", of_db, "get", one, CALLS)
    first = call("db list, page 1", of_db, "list", [NAMESPACE, {"limit": PAGE}], CALLS)
    far = call("db list, page 1000", of_db, "list", [NAMESPACE, {"limit": PAGE, "cursor": cursor}], CALLS)
    query = call("db query, 1000 rows", of_db, "query", [_QUERY, [NAMESPACE, 1000]])
    ingest = call("db ingest, 1000 rows", of_db, "ingest", ["events", [_event(n) for n in range(BATCH)]])
    megabytes = len(await answer(query)) / 1e6
    return Area(
        targets=[rpc, floor, get, first, far, query, ingest],
        figures=[
            Time("db_get_vs_bare_rpc_and_post", get.name, floor.name, at_most=1.3),
            Time("db_list_100_vs_get", first.name, get.name, at_most=2),
            Time("db_list_page_1000_vs_page_1", far.name, first.name, at_most=1.2),
            Amount("db_query_1000_rows", query.name, megabytes, at_least=5, unit="MB/s"),
            Amount("db_ingest", ingest.name, BATCH, at_least=20_000, unit="rows/s"),
        ],
    )


def _event(n: int) -> dict[str, object]:
    return {
        "type": f"bench.type{n % 10}",
        "id": f"thing-{n}",
        "source": "bench",
        "data": {"n": n, "text": f"event {n}"},
    }
