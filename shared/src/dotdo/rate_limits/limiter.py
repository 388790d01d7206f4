"""Decides whether a request is within its limit: in this isolate, at once, from what it counted and what the others told.

Each isolate admits its share of a limit, by demand (Raghavan et al., Cloud Control with Distributed Rate Limiting, SIGCOMM
2007): demand does not depend on what we decide, so shares hold still while the news are up to a minute old.
"""

import hashlib
import hmac
import math
from collections import OrderedDict, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from heapq import nlargest
from itertools import accumulate

from dotdo.rate_limits.policies import WINDOW_S, Policy
from dotdo.rate_limits.window import Cell, position

MAX_CELLS = 20_000
TOLD_BYTES = 960
"""As many identities are told to the others as fit: KV metadata holds 1 KiB, and `gossip` puts an instant around them."""
ROUNDING = 1e-6
"""Tolerance in requests, so that a client returning exactly at Retry-After is not refused over rounding."""
PUBLISH_FROM = 0.1
"""The part of its limit that an identity asks for before the others hear of it."""


@dataclass(frozen=True, slots=True)
class Decision:
    """`remaining`: how many more this isolate admits now. `reset_s`: until the window ends or, refused, until one more fits."""

    policy: str
    limit: int
    allowed: bool
    remaining: int
    reset_s: int


class Limiter:
    """`secret` keys the digests under which the identities are told to other isolates."""

    def __init__(self, policies: Mapping[str, Policy], secret: bytes, max_cells: int = MAX_CELLS) -> None:
        self._policies = policies
        self._secret = secret
        self._max_cells = max_cells
        self._cells: OrderedDict[tuple[str, str], Cell] = OrderedDict()
        self._elsewhere: Mapping[str, float] = {}
        self.hot = False
        """Whether, since `tell` was last asked, an identity came near its limit: then there is something to tell."""

    def __len__(self) -> int:
        return len(self._cells)

    def take(self, policy: str, identity: str, now_s: float, limit: int | None = None) -> Decision:
        """Counts one request of the identity. `limit` replaces the policy's own."""
        limit = limit or self._policies[policy].limit
        index, elapsed = position(now_s, WINDOW_S)
        cell = self._cell(policy, identity)
        cell.limit = limit
        cell.move_to(index)
        cell.offered += 1
        if cell.offered + cell.offered_before >= PUBLISH_FROM * limit:
            self.hot = True
        mine = self._share(cell, limit, elapsed)
        left = mine - cell.estimate(elapsed)
        if left < 1 - ROUNDING:
            wait_s = max(1, math.ceil(cell.admits_after(mine, elapsed) * WINDOW_S))
            return Decision(policy, limit, allowed=False, remaining=0, reset_s=wait_s)
        cell.admitted += 1
        return Decision(policy, limit, True, int(left - 1), max(1, math.ceil((1 - elapsed) * WINDOW_S)))

    def tell(self, now_s: float) -> dict[str, float]:
        """Digest → requests a window, of the identities that ask for the greatest part of their limit, as many as fit; and
        nothing is hot now.
        """
        index, elapsed = position(now_s, WINDOW_S)
        self.hot = False
        asked: list[tuple[float, str, float]] = []
        for cell in self._cells.values():
            cell.move_to(index)
            demand = cell.demand(elapsed)
            if demand >= PUBLISH_FROM * cell.limit:
                asked.append((demand / cell.limit, cell.digest, round(demand, 1)))
        most = nlargest(TOLD_BYTES // _SHORTEST, asked)
        return _fitting([(digest, demand) for _, digest, demand in most])

    def hear(self, told: Sequence[Mapping[str, object]]) -> None:
        """What each other isolate told; what is no demand is left out."""
        elsewhere: dict[str, float] = defaultdict(float)
        for demands in told:
            for digest, demand in demands.items():
                if isinstance(demand, int | float) and 0 <= demand < 1e9:
                    elsewhere[digest] += demand
        self.learn(dict(elsewhere))

    def learn(self, elsewhere: Mapping[str, float]) -> None:
        """Digest → what all other isolates together are asked for in a window."""
        self._elsewhere = elsewhere

    def _share(self, cell: Cell, limit: int, elapsed: float) -> float:
        """This isolate's part of the limit, at least 1: all of it as long as everybody's demand is within it."""
        others = self._elsewhere.get(cell.digest, 0.0)
        if not others:
            return limit
        mine = cell.demand(elapsed)
        return limit if mine + others <= limit else max(1.0, limit * mine / (mine + others))

    def _cell(self, policy: str, identity: str) -> Cell:
        key = (policy, identity)
        cell = self._cells.get(key)
        if cell is not None:
            self._cells.move_to_end(key)
            return cell
        if len(self._cells) >= self._max_cells:
            self._cells.popitem(last=False)
        digest = hmac.digest(self._secret, f"{policy}\n{identity}".encode(), hashlib.sha256).hex()[:8]
        cell = self._cells[key] = Cell(digest)
        return cell


_SHORTEST = len('"01234567":1.0,')


def _fitting(told: list[tuple[str, float]]) -> dict[str, float]:
    """The first of them, up to TOLD_BYTES as JSON."""
    sizes = accumulate(len(f'"{digest}":{demand},') for digest, demand in told)
    return dict(entry for entry, size in zip(told, sizes, strict=True) if size <= TOLD_BYTES)
