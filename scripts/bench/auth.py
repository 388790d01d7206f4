"""auth by RPC from a Python Worker: what the gateway waits for when it sees a credential for the first time."""

from scripts.bench.areas import Area, Info
from scripts.bench.calls import call, result
from scripts.bench.figures import Time
from scripts.bench.load import Target
from scripts.bench.peers import Peers

CALLS = 10


async def auth(info: Info, peers: Peers) -> Area:
    """The floor of a check is the bare RPC; what it is made of is one query by way of db."""
    of_auth, of_db = peers.url("caller-of-auth"), peers.url("caller-of-db")
    session = await result(call("", of_auth, "createSession", ["usr_user"]))
    rpc = Target("bare RPC to auth", f"{peers.url('caller-of-bare')}{CALLS}", body="", calls=CALLS, connections=1)
    statement = ["select * from sessions where id = $1", [session["session"]["id"]]]
    query = call("db query by primary key", of_db, "query", statement, CALLS)
    key = call("auth verify, key", of_auth, "verify", [info["keys"]["user"]], CALLS)
    token = call("auth verify, token", of_auth, "verify", [session["token"]], CALLS)
    malformed = call("auth verify, wrong checksum", of_auth, "verify", [info["keys"]["user"][:-1] + "_"], CALLS)
    return Area(
        targets=[rpc, query, key, token, malformed],
        figures=[
            Time("auth_verify_key_vs_query", key.name, query.name, at_most=2),
            Time("auth_verify_token_vs_query", token.name, query.name, at_most=2),
            Time("auth_refuse_malformed_vs_bare_rpc", malformed.name, rpc.name, at_most=1.5),
        ],
    )
