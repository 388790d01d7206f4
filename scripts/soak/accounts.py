"""The load on auth and on the gateway's doors: who may come in does, nobody else does. Each raises Refused or Wrong."""

import time
from dataclasses import dataclass

from auth.domain.api_keys import generate
from scripts.soak.book import Book
from scripts.soak.client import Client, Refused, Wrong

SESSIONS = 20
GRACE_S = 10.0
"""How long after its use a refresh token still gets the successor it was given: auth's own number."""


@dataclass(slots=True)
class Session:
    """`lost_s`: when an answer to its refresh token was first lost."""

    id: str
    refresh_token: str
    lost_s: float | None = None


class Accounts:
    def __init__(self, client: Client, book: Book) -> None:
        self._client = client
        self._book = book
        self._idle: list[Session] = []
        self._left: list[str] = []
        """Keys whose life a fault cut short. They are ended later: a user has only so many that work."""

    async def verify_key(self) -> None:
        who = await self._client.call("AUTH", "verify", self._client.keys["user"])
        _require(who["valid"] and who["userId"] == "usr_user", f"verify says {who['code']} of {who['userId']}")

    async def me(self) -> None:
        me = (await self._client.send("viewer", "GET", "/auth/me")).expect(200)
        _require(me["id"] == "usr_viewer", f"me is {me['id']}")

    async def key_life(self) -> None:
        """A key is made, works, is revoked, and is refused from then on."""
        if self._left:
            await self._end(self._left.pop())
        body = {"name": "soak", "environment": "test", "scopes": ["auth:read"]}
        made = (await self._client.send("user", "POST", "/auth/apikeys", body)).expect(201)
        self._book.keys[made["id"]] = False
        self._book.acknowledged += 1
        try:
            me = (await self._client.send(made["key"], "GET", "/auth/me")).expect(200)
        except Refused:
            self._left.append(made["id"])
            raise
        _require(me["id"] == "usr_user", f"the key is of {me['id']}")
        await self._end(made["id"])
        who = await self._client.call("AUTH", "verify", made["key"])
        _require(who["code"] == "REVOKED", f"a revoked key is {who['code']}")

    async def _end(self, key_id: str) -> None:
        """404: it was ended before, by a request whose answer was lost."""
        try:
            (await self._client.send("user", "DELETE", f"/auth/apikeys/{key_id}")).expect(204, 404)
        except Refused:
            self._left.append(key_id)
            raise
        self._book.keys[key_id] = True
        self._book.acknowledged += 1

    async def refresh(self) -> None:
        """The next pair of a session's tokens; the access token opens the session it is of."""
        if len(self._idle) < SESSIONS:
            made = await self._client.call("AUTH", "createSession", "usr_user", "soak", None, "soak")
            self._book.sessions[made["session"]["id"]] = False
            self._book.acknowledged += 1
            session = Session(made["session"]["id"], made["refreshToken"])
        else:
            session = self._idle.pop(0)
        kept = True
        try:
            kept = await self._refresh(session)
        finally:
            if kept:
                self._idle.append(session)

    async def _refresh(self, session: Session) -> bool:
        """Whether the session goes on."""
        body = {"refresh_token": session.refresh_token}
        try:
            answer = await self._client.send("", "POST", "/auth/refresh", body)
            if answer.code == "REFRESH_REUSED" and session.lost_s and time.monotonic() - session.lost_s > GRACE_S / 2:
                return False  # the successor was given out, to nobody, and is too old to be given again
            pair = answer.expect(200)
        except Refused:
            session.lost_s = session.lost_s or time.monotonic()
            raise
        session.refresh_token, session.lost_s = pair["refresh_token"], None
        current = (await self._client.send(pair["token"], "GET", "/auth/session")).expect(200)
        _require(current["id"] == session.id, f"the session is {current['id']}, not {session.id}")
        return True

    async def sign_out(self) -> None:
        """A session is ended; its token is refused from then on."""
        if not self._idle:
            return
        session = self._idle.pop(0)
        await self._client.call("AUTH", "revokeSession", session.id)
        self._book.sessions[session.id] = True
        self._book.acknowledged += 1
        answer = await self._client.send("", "POST", "/auth/refresh", {"refresh_token": session.refresh_token})
        answer.expect(401)

    async def sign_in(self) -> None:
        """As a browser does it: to WorkOS and back, and the session is there."""
        session = (await self._client.browse("/auth/login?return_to=/auth/session")).expect(200)
        _require(session["user"]["email"].endswith("@example.com"), f"signed in as {session['user']['email']}")

    async def nobody(self) -> None:
        (await self._client.send("", "GET", "/db/things/demo/welcome")).expect(401)

    async def malformed_key(self) -> None:
        key = self._client.keys["admin"][:-1] + "_"
        (await self._client.send(key, "GET", "/db/things/demo/welcome")).expect(401)

    async def unknown_key(self) -> None:
        """With a checksum that holds: the store has to be asked."""
        (await self._client.send(generate("test"), "GET", "/db/things/demo/welcome")).expect(401)

    async def no_admin(self) -> None:
        (await self._client.send("user", "GET", "/schedule/executions")).expect(403)


def _require(holds: bool, fault: str) -> None:
    if not holds:
        raise Wrong(fault)
