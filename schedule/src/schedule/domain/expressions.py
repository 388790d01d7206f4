"""Schedules as people write them, and the instants they mean. UTC throughout."""

import re
from datetime import UTC, datetime

from croniter import CroniterBadDateError, croniter

from dotdo.errors import invalid_argument

ALIASES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
}

_EVERY = re.compile(r"every (\d{1,4}) (minute|hour)s?\Z")
# croniter takes R for a random time, another at each look.
_RANDOM = re.compile(r"(?:^|[\s,])r", re.IGNORECASE)
_STEP = re.compile(r"/(\d+)")
_WIDTHS = (60, 24, 31, 12, 7)  # of the five fields
_SOME_TIME = datetime(2000, 1, 1, tzinfo=UTC)
# croniter reads a range of one, such as 5-5, as the whole field.
_RANGE_OF_ONE = re.compile(r"\b(\w+)-\1\b(?:/\d+)?", re.IGNORECASE)
_UNITS = {"minute": (60, "*/{} * * * *"), "hour": (24, "0 */{} * * *")}


def to_cron(schedule: str) -> str:
    """Five-field cron for a cron expression, an `@alias` or `every N minutes|hours` with N dividing 60 or 24 evenly.

    Raises INVALID_ARGUMENT naming what is wrong.
    """
    text = schedule.strip()
    if text in ALIASES:
        return ALIASES[text]
    every = _EVERY.match(text)
    if every:
        count, unit = int(every[1]), every[2]
        whole, template = _UNITS[unit]
        if count == 0 or whole % count:
            raise invalid_argument(f"schedule: every {count} {unit}s does not divide {whole} evenly")
        return template.format(count)
    fields = text.split()
    if len(fields) != 5 or _RANDOM.search(text) or not croniter.is_valid(text):
        raise invalid_argument("schedule: not five-field cron, an @alias or 'every N minutes|hours'")
    for field, whole in zip(fields, _WIDTHS, strict=True):
        if any(int(step) > whole for step in _STEP.findall(field)):
            raise invalid_argument(f"schedule: the step of {field} is larger than the {whole} its field has")
    text = _RANGE_OF_ONE.sub(r"\1", text)
    try:
        croniter(text, _SOME_TIME).get_next()
    except CroniterBadDateError as error:
        raise invalid_argument("schedule: no such date ever comes") from error
    return text


def latest_instant(schedule: str, at: datetime) -> datetime:
    """The last instant of the schedule that is not after `at`."""
    # get_prev answers strictly before its start; a start one second on makes `at` itself eligible.
    start = datetime.fromtimestamp(int(at.timestamp()) + 1, UTC)
    found: datetime = croniter(to_cron(schedule), start).get_prev(datetime)
    return found


def next_instant(schedule: str, after: datetime) -> datetime:
    """The first instant of the schedule after `after`."""
    found: datetime = croniter(to_cron(schedule), after).get_next(datetime)
    return found
