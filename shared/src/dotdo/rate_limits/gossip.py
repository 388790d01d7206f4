"""What the isolates tell each other through KV: each writes one key of its own, and reads everybody's with one list.

So no key has two writers and none is written more than once in `PERIOD_S` (KV takes one write a second to a key); what they
say stands in the metadata, which a list brings along. All of it after the response. KV failing or slow changes nothing but
the news: each isolate then keeps the limits by itself.
"""

import asyncio
import secrets
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, Protocol

from dotdo.log import Logger
from dotdo.ports import Clock, Defer, Kv

PERIOD_S = 5.0
LIFETIME_S = 120
"""When KV forgets an isolate that has gone; it takes no less than 60."""
FRESH_S = 75.0
"""News this old still count: KV may show a write a minute late, and it is `PERIOD_S` old when it is written."""
KV_TIMEOUT_S = 10.0
LOST_S = 2 * (PERIOD_S + 2 * KV_TIMEOUT_S)
"""After this long an exchange that has not come back was ended by the runtime."""


class News(Protocol):
    """What isolates keep together. `hot`: whether there is something to tell."""

    hot: bool

    def tell(self, now_s: float) -> Mapping[str, object]:
        """What this isolate knows, by digest; less than 1 KiB as JSON."""
        ...

    def hear(self, told: Sequence[Mapping[str, object]]) -> None:
        """What each of the others told lately, in place of what they told before; nothing of it is checked."""
        ...


class Gossip:
    """`prefix`: of the keys; a deployment's own, since several share a namespace."""

    def __init__(self, news: News, kv: Kv, clock: Clock, log: Logger, prefix: str) -> None:
        self._news = news
        self._kv = kv
        self._clock = clock
        self._log = log
        self._prefix = prefix
        self._key = prefix + secrets.token_hex(8)
        self._begun_s: float | None = None
        self._heard_s: float | None = None
        self.works = True
        """Whether the last exchange went well; before the first one nothing is known against it."""

    def exchange(self, defer: Defer) -> None:
        """Has an exchange happen in `PERIOD_S` seconds when there is something to tell and none is under way."""
        self._forget()
        if not self._news.hot:
            return
        now_s = self._clock.now_s()
        if self._begun_s is not None and now_s - self._begun_s < LOST_S:
            return
        self._begun_s = now_s
        defer(self._exchange())

    async def _exchange(self) -> None:
        try:
            await self._clock.sleep(PERIOD_S)
            told = await self._done(self._tell())
            self.works = await self._done(self._hear()) and told
        finally:
            self._begun_s = None

    async def _done(self, step: Coroutine[Any, Any, None]) -> bool:
        """Whether the step went well. One that does not keeps the other from nothing."""
        try:
            async with asyncio.timeout(KV_TIMEOUT_S):
                await step
        except Exception as error:
            self._log.warn("rate_limits.gossip_failed", error=repr(error))
            return False
        return True

    async def _tell(self) -> None:
        now_s = self._clock.now_s()
        told = {"t": int(now_s), "d": self._news.tell(now_s)}
        await self._kv.put(self._key, "", ttl_s=LIFETIME_S, metadata=told)

    async def _hear(self) -> None:
        oldest = self._clock.now_s() - FRESH_S
        others = [told for name, told in await self._kv.list(self._prefix) if name != self._key]
        self._news.hear([_fresh(told, oldest) for told in others])
        self._heard_s = self._clock.now_s()

    def _forget(self) -> None:
        """While there is nothing to tell nobody is heard either: what was heard last ends by itself."""
        if self._heard_s is not None and self._clock.now_s() - self._heard_s > FRESH_S:
            self._news.hear([])
            self._heard_s = None


def _fresh(told: object, oldest: float) -> Mapping[str, object]:
    """What one isolate tells; nothing when it is old or not what we write."""
    match told:
        case {"t": int(at), "d": dict(news)} if at >= oldest:
            return news
    return {}
