"""Expressions with days, months and weekdays, against a look at every minute; and those that mean no fixed time."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dotdo.errors import ServiceError
from schedule.domain.expressions import latest_instant, next_instant, to_cron

LOOKED_AT = timedelta(days=4)
RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6))


@st.composite
def fields(draw: st.DrawFn, low: int, high: int) -> str:
    first, last = sorted(draw(st.tuples(st.integers(low, high), st.integers(low, high))))
    step = draw(st.integers(1, high - low))
    return draw(st.sampled_from(["*", f"{first}", f"{first},{last}", f"{first}-{last}", f"{first}-{last}/{step}"]))


expressions = st.tuples(*(fields(low, high) for low, high in RANGES)).map(" ".join)
instants = st.datetimes(datetime(2026, 1, 1), datetime(2030, 12, 31), timezones=st.just(UTC))


def meaning(field: str, low: int, high: int) -> set[int]:
    found: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        first, _, last = span.partition("-")
        start, end = (low, high) if span == "*" else (int(first), int(last or first))
        found |= set(range(start, end + 1, int(step or 1)))
    return found


def minutes_of(expression: str, start: datetime, end: datetime) -> list[datetime]:
    """Every minute from start to end that the expression means. Two day fields without a star are alternatives."""
    parts = zip(expression.split(), RANGES, strict=True)
    minutes, hours, days, months, weekdays = (meaning(field, low, high) for field, (low, high) in parts)
    day_field, weekday_field = expression.split()[2::2]
    both_restricted = "*" not in (day_field, weekday_field)
    found = []
    midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
    while midnight <= end:
        by_day, by_weekday = midnight.day in days, midnight.isoweekday() % 7 in weekdays
        either = by_day or by_weekday if both_restricted else by_day and by_weekday
        if either and midnight.month in months:
            of_day = [midnight + timedelta(hours=hour, minutes=minute) for hour in hours for minute in minutes]
            found += sorted(minute for minute in of_day if start <= minute <= end)
        midnight += timedelta(days=1)
    return found


@given(expressions, instants)
def test_the_latest_and_the_next_are_what_every_minute_says(expression: str, at: datetime) -> None:
    try:
        latest, following = latest_instant(expression, at), next_instant(expression, at)
    except ServiceError as error:
        assert "no such date" in error.detail
        assert not minutes_of(expression, at - LOOKED_AT, at + LOOKED_AT)
        return
    assert latest <= at < following
    before = minutes_of(expression, at - LOOKED_AT, at)
    after = [minute for minute in minutes_of(expression, at, at + LOOKED_AT) if minute > at]
    assert latest == before[-1] if before else latest < at - LOOKED_AT
    assert following == after[0] if after else following > at + LOOKED_AT


@given(st.integers(0, 9999), st.sampled_from([("minute", 60, 1), ("hour", 24, 60)]), st.booleans())
def test_every_n_is_an_even_interval_or_refused(count: int, unit: tuple[str, int, int], plural: bool) -> None:
    name, whole, minutes = unit
    schedule = f"every {count} {name}{'s' * plural}"
    if count == 0 or whole % count:
        with pytest.raises(ServiceError):
            to_cron(schedule)
        return
    at = datetime(2026, 12, 31, 23, 59, tzinfo=UTC)
    first = next_instant(schedule, at)
    assert next_instant(schedule, first) - first == timedelta(minutes=count * minutes)


@pytest.mark.parametrize(
    "schedule", ["R * * * *", "0 R * * *", "r(0-5) * * * *", "1,R * * * *", "H * * * *", "0 0 * * r"]
)
def test_a_random_time_is_no_schedule(schedule: str) -> None:
    with pytest.raises(ServiceError, match="five-field cron"):
        to_cron(schedule)


@pytest.mark.parametrize(
    "schedule", ["*/90 * * * *", "*/61 * * * *", "0 */25 * * *", "0 0 */40 * *", "0 0 * */13 *", "0-30/90 * * * *"]
)
def test_a_step_over_the_end_of_its_field_is_refused(schedule: str) -> None:
    with pytest.raises(ServiceError, match="step"):
        to_cron(schedule)


@pytest.mark.parametrize("schedule", ["0 0 30 2 *", "0 0 31 4,6,9,11 *", "0 0 30-30 2-2 *"])
def test_a_date_that_never_comes_is_refused(schedule: str) -> None:
    with pytest.raises(ServiceError, match="no such date"):
        to_cron(schedule)


@pytest.mark.parametrize("schedule", ["5-5 4 * * *", "5-5/2 4-4 * * *", "5 4 * jan-Jan,2-12 0-6"])
def test_a_range_of_one_is_that_one(schedule: str) -> None:
    assert next_instant(schedule, datetime(2026, 11, 23, 4, tzinfo=UTC)) == datetime(2026, 11, 23, 4, 5, tzinfo=UTC)
    assert next_instant(schedule, datetime(2026, 11, 23, 5, tzinfo=UTC)) == datetime(2026, 11, 24, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    "schedule", ["5-5-5 * * * *", "5-5/0 * * * *", "5-5/90 * * * *", "60-60 * * * *", "*/5-5 * * * *"]
)
def test_what_only_looks_like_a_range_of_one_is_refused(schedule: str) -> None:
    with pytest.raises(ServiceError):
        to_cron(schedule)


def test_a_leap_day_comes_and_sunday_has_two_numbers() -> None:
    at = datetime(2026, 11, 23, tzinfo=UTC)
    assert next_instant("0 0 29 2 *", at) == datetime(2028, 2, 29, tzinfo=UTC)
    assert latest_instant("0 0 29 2 *", at) == datetime(2024, 2, 29, tzinfo=UTC)
    assert next_instant("0 0 * * 7", at) == next_instant("0 0 * * sun", at) == next_instant("@weekly", at)
