"""Which backups stay: one for each of the last days, and one for each of the last weeks, of those that have any."""

import re
from collections.abc import Callable, Hashable, Iterable
from datetime import UTC, datetime

DAILY = 7
WEEKLY = 4

_FORM = "%Y%m%dT%H%M%SZ"
_ID = re.compile(r"\d{8}T\d{6}Z")


def backup_id(epoch_s: float) -> str:
    """`20261125T000000Z`: the later one sorts behind the earlier."""
    return datetime.fromtimestamp(epoch_s, UTC).strftime(_FORM)


def is_backup_id(name: str) -> bool:
    """Other folders of the bucket are none of ours."""
    return _ID.fullmatch(name) is not None


def kept(ids: Iterable[str]) -> set[str]:
    """The newest of each of the last `DAILY` days and `WEEKLY` ISO weeks that have one."""
    newest_first = sorted(ids, reverse=True)
    daily = _newest_of_each(newest_first, lambda at: at.date(), DAILY)
    return daily | _newest_of_each(newest_first, lambda at: at.isocalendar()[:2], WEEKLY)


def _newest_of_each(newest_first: list[str], period: Callable[[datetime], Hashable], most: int) -> set[str]:
    newest: dict[Hashable, str] = {}
    for id in newest_first:
        newest.setdefault(period(datetime.strptime(id, _FORM)), id)
    return set(list(newest.values())[:most])
