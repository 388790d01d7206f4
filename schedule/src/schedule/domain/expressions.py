"""Schedules as people write them, and the instants they mean. UTC throughout."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Protocol

from croniter import CroniterBadDateError, croniter

from dotdo.errors import invalid_argument


class Schedule(Protocol):
    def latest(self, at: datetime) -> datetime:
        """The last instant that is not after `at`."""
        ...

    def following(self, after: datetime) -> datetime:
        """The first instant after `after`."""
        ...


@dataclass(frozen=True, slots=True)
class Interval:
    """Every `period` from `anchor` on, and before it."""

    period: timedelta
    anchor: datetime

    def latest(self, at: datetime) -> datetime:
        return self.anchor + (at - self.anchor) // self.period * self.period

    def following(self, after: datetime) -> datetime:
        return self.latest(after) + self.period


@dataclass(frozen=True, slots=True)
class Cron:
    """Five fields that `parse` has checked. Two day fields are alternatives unless one begins with a star, as in crontab(5).

    `L`, the last day of a month, is a day like another. `15W` (the weekday nearest to the 15th), `1#2` (the second Monday) and
    `L5` (the last Friday) stand beside a star only.
    """

    fields: str

    def latest(self, at: datetime) -> datetime:
        # get_prev answers strictly before its start; a start one second on makes `at` itself eligible.
        start = at.replace(microsecond=0) + timedelta(seconds=1)
        found: datetime = _croniter(self.fields, start).get_prev(datetime)
        return found

    def following(self, after: datetime) -> datetime:
        found: datetime = _croniter(self.fields, after).get_next(datetime)
        return found


MONDAY = datetime(2001, 1, 1, tzinfo=UTC)
"""The anchor of `every N …`: an even N gives round times of the day, weeks begin on Mondays."""

_SUNDAY = MONDAY - timedelta(days=1)
_PERIODS = {
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
}
_NAMED: dict[str, Schedule] = {
    "@hourly": Interval(_PERIODS["hour"], MONDAY),
    "@daily": Interval(_PERIODS["day"], MONDAY),
    "@weekly": Interval(_PERIODS["week"], _SUNDAY),
    "@monthly": Cron("0 0 1 * *"),
    "@yearly": Cron("0 0 1 1 *"),
    "@annually": Cron("0 0 1 1 *"),
}

_EVERY = re.compile(r"every ([0-9]{1,4}) (minute|hour|day|week)s?\Z", re.IGNORECASE)
# croniter takes R for a random time, another at each look.
_RANDOM = re.compile(r"(?:^|[\s,])r", re.IGNORECASE)
_STEP = re.compile(r"/(\d+)")
_WIDTHS = (60, 24, 31, 12, 7)  # of the five fields
_SOME_TIME = datetime(2000, 1, 1, tzinfo=UTC)
# The 15W of the days, the 1#2 and L5 of the weekdays. With another day field croniter takes both, or the one without the other.
_DAY_OF_ITS_OWN = (re.compile("w", re.IGNORECASE), re.compile("#|l", re.IGNORECASE))
# croniter reads a range of one, such as 5-5, as the whole field.
_RANGE_OF_ONE = re.compile(r"\b(\w+)-\1\b(?:/\d+)?", re.IGNORECASE)


@lru_cache(maxsize=1024)
def parse(text: str) -> Schedule:
    """A five-field cron expression, an `@name`, or `every N minutes|hours|days|weeks`: the true interval, also where N does
    not divide the hour or the day. Raises INVALID_ARGUMENT naming what is wrong.
    """
    text = text.strip()
    if text in _NAMED:
        return _NAMED[text]
    every = _EVERY.match(text)
    if every is None:
        return Cron(_checked(text))
    count = int(every[1])
    if count == 0:
        raise invalid_argument("schedule: every 0 is never")
    return Interval(count * _PERIODS[every[2].lower()], MONDAY)


def next_instants(schedule: Schedule, after: datetime, count: int) -> Iterator[datetime]:
    """The first `count` instants after `after`; fewer when the calendar ends before, with the year 9999."""
    for _ in range(count):
        try:
            after = schedule.following(after)
        except (OverflowError, ValueError):  # datetime's, and croniter's
            return
        yield after


def _checked(text: str) -> str:
    fields = text.split()
    if len(fields) != 5 or not text.isascii() or _RANDOM.search(text) or not croniter.is_valid(text):
        raise invalid_argument("schedule: not five-field cron, an @name or 'every N minutes|hours|days|weeks'")
    for field, whole in zip(fields, _WIDTHS, strict=True):
        if any(int(step) > whole for step in _STEP.findall(field)):
            raise invalid_argument(f"schedule: the step of {field} is larger than the {whole} its field has")
    _require_alternatives(fields[2::2])
    text = _RANGE_OF_ONE.sub(r"\1", text)
    try:
        _croniter(text, _SOME_TIME).get_next()
    except CroniterBadDateError as error:
        raise invalid_argument("schedule: no such date ever comes") from error
    return text


def _require_alternatives(days: list[str]) -> None:
    if any(field.startswith(("*", "?")) for field in days):
        return
    for field, own in zip(days, _DAY_OF_ITS_OWN, strict=True):
        if own.search(field):
            raise invalid_argument(f"schedule: {field} is no alternative to another day field: make two tasks of it")


def _croniter(fields: str, start: datetime) -> croniter:
    # What croniter calls a bug of cron is what crontab(5) says: `*/2` in a day field restricts, as `*` does not.
    return croniter(fields, start, implement_cron_bug=True)
