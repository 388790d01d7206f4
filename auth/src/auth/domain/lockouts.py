"""Who has to wait after failing to get in: 1 s after the first failure, twice as long after each further one.

Kept in this isolate, within bounds, and told to the others through KV. Nobody gets in by it that would not otherwise: what is
presented is checked all the same. So KV failing means no more than that each isolate counts by itself.
"""

import hashlib
import hmac
import math
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

LONGEST_S = 15 * 60
MAX_ENTRIES = 20_000
PUBLISHED = 28
"""At most so many are told to the others: KV metadata holds 1 KiB."""


@dataclass(slots=True)
class _Entry:
    failures: int
    failed_s: float


class Lockouts:
    """`secret` keys the digests that subjects are known and told by. `longest_s`: of one lock-out; with 0 there are none."""

    def __init__(self, secret: bytes, longest_s: int = LONGEST_S, max_entries: int = MAX_ENTRIES) -> None:
        self._secret = secret
        self._longest_s = longest_s
        self._max_entries = max_entries
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self.hot = False
        """Whether somebody is locked out, as far as is known since `tell` was last asked."""

    def __len__(self) -> int:
        return len(self._entries)

    def left_s(self, subject: str, now_s: float) -> float:
        """Seconds until the subject may try again; 0 for now."""
        return self._left_s(self._entries.get(self._digest(subject)), now_s)

    def failed(self, subject: str, now_s: float) -> None:
        """Counts a failure. Ignored while the subject is locked out: it began before."""
        if not self._longest_s:
            return
        digest = self._digest(subject)
        entry = self._entries.get(digest)
        if self._left_s(entry, now_s):
            return
        past = entry.failures if entry and now_s < self._forgotten_s(entry) else 0
        self._keep(digest, _Entry(past + 1, now_s))
        self.hot = True

    def succeeded(self, subject: str) -> None:
        """Who has got in begins anew."""
        self._entries.pop(self._digest(subject), None)

    def tell(self, now_s: float) -> dict[str, object]:
        """Digest → failures and when the last was, rounded up, of the latest that are locked out."""
        locked = [(digest, entry) for digest, entry in self._entries.items() if self._left_s(entry, now_s)]
        self.hot = bool(locked)
        return {digest: [entry.failures, math.ceil(entry.failed_s)] for digest, entry in locked[-PUBLISHED:]}

    def hear(self, told: Sequence[Mapping[str, object]]) -> None:
        """The worst that is known of each counts."""
        for news in told:
            for digest, value in news.items():
                match value:
                    case [int(failures), int(failed_s)] if 0 < failures < 1000:
                        self._hear(digest, _Entry(failures, failed_s))

    def _hear(self, digest: str, heard: _Entry) -> None:
        own = self._entries.get(digest)
        if own is None or (heard.failures, heard.failed_s) > (own.failures, own.failed_s):
            self._keep(digest, heard)

    def _keep(self, digest: str, entry: _Entry) -> None:
        self._entries[digest] = entry
        self._entries.move_to_end(digest)
        if len(self._entries) > self._max_entries:
            self._entries.popitem(last=False)

    def _left_s(self, entry: _Entry | None, now_s: float) -> float:
        """Never more than the whole: clocks of isolates differ."""
        if entry is None:
            return 0.0
        length = self._length_s(entry)
        return min(length, max(0.0, entry.failed_s + length - now_s))

    def _length_s(self, entry: _Entry) -> float:
        return min(self._longest_s, 2.0 ** min(entry.failures - 1, 32))

    def _forgotten_s(self, entry: _Entry) -> float:
        """As long as the longest one after it is over."""
        return entry.failed_s + self._length_s(entry) + self._longest_s

    def _digest(self, subject: str) -> str:
        return hmac.digest(self._secret, subject.encode(), hashlib.sha256).hex()[:12]
