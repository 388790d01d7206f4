"""Expressions with days, months and weekdays, against a look at every minute; and those that mean no fixed time."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dotdo.errors import ServiceError
from schedule.domain.expressions import Cron, Interval, next_instants, parse

LOOKED_AT = timedelta(days=4)
RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6))


@st.composite
def fields(draw: st.DrawFn, low: int, high: int) -> str:
    first, last = sorted(draw(st.tuples(st.integers(low, high), st.integers(low, high))))
    step = draw(st.integers(1, high - low))
    forms = ["*", f"*/{step}", f"{first}", f"{first},{last}", f"{first}-{last}", f"{first}-{last}/{step}"]
    return draw(st.sampled_from(forms))


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
    """Every minute from start to end that it means. Two day fields are alternatives unless one begins with a star."""
    parts = zip(expression.split(), RANGES, strict=True)
    minutes, hours, days, months, weekdays = (meaning(field, low, high) for field, (low, high) in parts)
    day_field, weekday_field = expression.split()[2::2]
    both_restricted = not day_field.startswith("*") and not weekday_field.startswith("*")
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
        latest, following = parse(expression).latest(at), parse(expression).following(at)
    except ServiceError as error:
        assert "no such date" in error.detail
        assert not minutes_of(expression, at - LOOKED_AT, at + LOOKED_AT)
        return
    assert latest <= at < following
    before = minutes_of(expression, at - LOOKED_AT, at)
    after = [minute for minute in minutes_of(expression, at, at + LOOKED_AT) if minute > at]
    assert latest == before[-1] if before else latest < at - LOOKED_AT
    assert following == after[0] if after else following > at + LOOKED_AT


@pytest.mark.parametrize(
    "schedule", ["R * * * *", "0 R * * *", "r(0-5) * * * *", "1,R * * * *", "H * * * *", "0 0 * * r"]
)
def test_a_random_time_is_no_schedule(schedule: str) -> None:
    with pytest.raises(ServiceError, match="five-field cron"):
        parse(schedule)


@pytest.mark.parametrize(
    "schedule", ["*/90 * * * *", "*/61 * * * *", "0 */25 * * *", "0 0 */40 * *", "0 0 * */13 *", "0-30/90 * * * *"]
)
def test_a_step_over_the_end_of_its_field_is_refused(schedule: str) -> None:
    with pytest.raises(ServiceError, match="step"):
        parse(schedule)


@pytest.mark.parametrize("schedule", ["0 0 30 2 *", "0 0 31 4,6,9,11 *", "0 0 30-30 2-2 *"])
def test_a_date_that_never_comes_is_refused(schedule: str) -> None:
    with pytest.raises(ServiceError, match="no such date"):
        parse(schedule)


@pytest.mark.parametrize("schedule", ["5-5 4 * * *", "5-5/2 4-4 * * *", "5 4 * jan-Jan,2-12 0-6"])
def test_a_range_of_one_is_that_one(schedule: str) -> None:
    assert parse(schedule).following(datetime(2026, 11, 23, 4, tzinfo=UTC)) == datetime(2026, 11, 23, 4, 5, tzinfo=UTC)
    assert parse(schedule).following(datetime(2026, 11, 23, 5, tzinfo=UTC)) == datetime(2026, 11, 24, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    "schedule", ["5-5-5 * * * *", "5-5/0 * * * *", "5-5/90 * * * *", "60-60 * * * *", "*/5-5 * * * *"]
)
def test_what_only_looks_like_a_range_of_one_is_refused(schedule: str) -> None:
    with pytest.raises(ServiceError):
        parse(schedule)


def test_a_leap_day_comes_and_sunday_has_two_numbers() -> None:
    at = datetime(2026, 11, 23, tzinfo=UTC)
    assert parse("0 0 29 2 *").following(at) == datetime(2028, 2, 29, tzinfo=UTC)
    assert parse("0 0 29 2 *").latest(at) == datetime(2024, 2, 29, tzinfo=UTC)
    sundays = {parse(text).following(at) for text in ("0 0 * * 7", "0 0 * * 0", "0 0 * * sun", "@weekly")}
    assert sundays == {datetime(2026, 11, 29, tzinfo=UTC)}


def test_the_31st_comes_in_the_months_that_have_one() -> None:
    ends = next_instants(parse("30 6 31 * *"), datetime(2026, 1, 31, 6, 30, tzinfo=UTC), 4)
    assert [(end.month, end.day) for end in ends] == [(3, 31), (5, 31), (7, 31), (8, 31)]
    firsts = next_instants(parse("@monthly"), datetime(2027, 12, 15, tzinfo=UTC), 3)
    assert [(first.year, first.month) for first in firsts] == [(2028, 1), (2028, 2), (2028, 3)]


def test_both_day_fields_are_alternatives() -> None:
    at = datetime(2026, 11, 23, tzinfo=UTC)  # a Monday
    days = [instant.day for instant in next_instants(parse("0 12 1,24 * wed"), at, 4)]
    assert days == [24, 25, 1, 2]


def test_a_day_field_that_begins_with_a_star_restricts_the_other() -> None:
    at = datetime(2026, 11, 23, tzinfo=UTC)
    odd_mondays = [(day.month, day.day) for day in next_instants(parse("0 0 */2 * 1"), at, 4)]
    assert odd_mondays == [(12, 7), (12, 21), (1, 11), (1, 25)]
    every_other_weekday = [(day.month, day.day) for day in next_instants(parse("0 0 1-7 * */3"), at, 4)]
    assert every_other_weekday == [(12, 2), (12, 5), (12, 6), (1, 2)]
    with pytest.raises(ServiceError, match="no such date"):
        parse("0 0 31 2 */2")


@pytest.mark.parametrize(
    ("schedule", "own"),
    [("0 0 15W * 1", "15W"), ("0 0 15w 2-6 1-5", "15w"), ("0 0 1 * 1#2", "1#2"), ("0 0 29 2 1#5", "1#5"),
     ("0 0 1-31 * mon#2", "mon#2"), ("0 0 1 * L5", "L5"), ("0 0 L * l5,L1", "l5,L1"), ("0 0 15W * 1#3", "15W")],
)  # fmt: skip
def test_a_day_that_can_be_no_alternative_is_refused_beside_another(schedule: str, own: str) -> None:
    with pytest.raises(ServiceError, match=f"schedule: {own} is no alternative"):
        parse(schedule)


@pytest.mark.parametrize(
    ("schedule", "days"),
    [("0 0 15W * *", [(12, 15), (1, 15), (2, 15)]), ("0 0 31W * ?", [(11, 30), (12, 31), (1, 29)]),
     ("0 0 * * 1#2", [(12, 14), (1, 11), (2, 8)]), ("0 0 ? * L5", [(11, 27), (12, 25), (1, 29)]),
     ("0 0 */2 * mon#2", [(1, 11), (8, 9), (9, 13)]), ("0 0 15W * */2", [(12, 15), (4, 15), (6, 15)]),
     ("0 0 L * *", [(11, 30), (12, 31), (1, 31)]), ("0 0 L * fri", [(11, 27), (11, 30), (12, 4)]),
     ("0 0 10,L * 5", [(11, 27), (11, 30), (12, 4)])],
)  # fmt: skip
def test_last_days_nearest_weekdays_and_those_that_are_counted(schedule: str, days: list[tuple[int, int]]) -> None:
    at = datetime(2026, 11, 26, tzinfo=UTC)  # a Thursday
    found = [*next_instants(parse(schedule), at, 3)]
    assert [(day.month, day.day) for day in found] == days
    assert [parse(schedule).latest(day + timedelta(hours=23)) for day in found] == found


@pytest.mark.parametrize(
    ("schedule", "cron"),
    [("@hourly", "0 * * * *"), ("@daily", "0 0 * * *"), ("@weekly", "0 0 * * 0"), ("@monthly", "0 0 1 * *"),
     ("@yearly", "0 0 1 1 *"), ("@annually", "0 0 1 1 *")],
)  # fmt: skip
def test_a_name_is_its_cron(schedule: str, cron: str) -> None:
    for minutes in range(0, 20 * 1440, 97):
        at = datetime(2028, 2, 20, tzinfo=UTC) + timedelta(minutes=minutes)
        assert parse(schedule).latest(at) == Cron(cron).latest(at)
        assert parse(schedule).following(at) == Cron(cron).following(at)


UNITS = {"minute": 1, "hour": 60, "day": 1440, "week": 10_080}


@given(st.integers(1, 9999), st.sampled_from(sorted(UNITS)), st.booleans(), instants)
def test_every_n_is_a_true_interval(count: int, unit: str, plural: bool, at: datetime) -> None:
    schedule = parse(f"every {count} {unit}{'s' * plural}")
    period = timedelta(minutes=count * UNITS[unit])
    latest = schedule.latest(at)
    assert latest <= at < schedule.following(at) == latest + period
    assert schedule.latest(latest) == latest
    assert [*next_instants(schedule, at, 3)] == [latest + period * n for n in (1, 2, 3)]


@given(st.sampled_from([("minute", 60, "*/{} * * * *"), ("hour", 24, "0 */{} * * *")]), st.data(), instants)
def test_every_n_that_divides_evenly_is_the_cron_of_it(
    unit: tuple[str, int, str], data: st.DataObject, at: datetime
) -> None:
    name, whole, template = unit
    count = data.draw(st.sampled_from([n for n in range(1, whole) if whole % n == 0]))
    schedule, cron = parse(f"Every {count} {name}s"), parse(template.format(count))
    assert (schedule.latest(at), schedule.following(at)) == (cron.latest(at), cron.following(at))


def test_every_n_weeks_begins_on_mondays() -> None:
    schedule = parse("every 2 weeks")
    assert isinstance(schedule, Interval)
    found = [*next_instants(schedule, datetime(2026, 11, 23, tzinfo=UTC), 3)]
    assert [(one.month, one.day, one.hour, one.minute) for one in found] == [
        (11, 30, 0, 0),
        (12, 14, 0, 0),
        (12, 28, 0, 0),
    ]


@pytest.mark.parametrize(
    ("schedule", "same"),
    [
        ("  @daily \n", "@daily"), (" 5 4 * * * ", "5 4 * * *"), ("5\t4  * * *", "5 4 * * *"),
        ("every 2 HOURS", "every 2 hours"), ("EVERY 1 Hour", "every 60 minutes"), ("every 1 hours", "every 1 hour"),
        ("every 0005 minutes", "every 5 minutes"), ("every 7 days", "every 1 week"),
    ],
)  # fmt: skip
def test_it_may_be_written_in_other_ways(schedule: str, same: str) -> None:
    at = datetime(2026, 11, 23, 12, 7, tzinfo=UTC)
    one, other = parse(schedule), parse(same)
    assert [*next_instants(one, at, 3)] == [*next_instants(other, at, 3)]
    assert one.latest(at) == other.latest(at)


@pytest.mark.parametrize(
    ("schedule", "following"),
    [
        ("*/60 * * * *", (2026, 11, 23, 13, 0)), ("*/59 * * * *", (2026, 11, 23, 12, 59)),
        ("0 */24 * * *", (2026, 11, 24, 0, 0)), ("0 */23 * * *", (2026, 11, 23, 23, 0)),
        ("0 0 */31 * *", (2026, 12, 1, 0, 0)), ("0 0 * */12 *", (2027, 1, 1, 0, 0)), ("0 0 * * */7", (2026, 11, 29, 0, 0)),
        ("59 23 31 12 *", (2026, 12, 31, 23, 59)), ("0 0 29 2 *", (2028, 2, 29, 0, 0)),
        ("0,30 * * * *", (2026, 11, 23, 12, 30)), ("10-12 12 * * *", (2026, 11, 23, 12, 10)),
        ("0 9 * jan mon-fri", (2027, 1, 1, 9, 0)), ("0 0 * * 7", (2026, 11, 29, 0, 0)),
        ("every 9999 days", (2028, 5, 18, 0, 0)),
    ],
)  # fmt: skip
def test_at_the_edges_of_a_field_it_means_what_it_says(schedule: str, following: tuple[int, ...]) -> None:
    year, month, day, hour, minute = following
    expected = datetime(year, month, day, hour, minute, tzinfo=UTC)
    assert parse(schedule).following(datetime(2026, 11, 23, 12, 7, tzinfo=UTC)) == expected
    assert parse(schedule).latest(expected) == expected


@pytest.mark.parametrize("schedule", ["0 12 * * *", "@daily", "every 5 minutes"])
def test_the_first_instants_are_so_many_and_each_is_later(schedule: str) -> None:
    at = datetime(2026, 11, 23, 12, tzinfo=UTC)
    assert [*next_instants(parse(schedule), at, 0)] == []
    found = [*next_instants(parse(schedule), at, 5)]
    assert len(found) == 5
    assert found == sorted(set(found)) and found[0] > at


@pytest.mark.parametrize(
    ("schedule", "year", "there_are"),
    [("every 9999 weeks", 2026, 41), ("every 9999 days", 9900, 4), ("@yearly", 9990, 9), ("0 0 29 2 *", 9990, 2),
     ("0 0 29 2 */7", 9990, 0)],
)  # fmt: skip
def test_there_are_no_instants_behind_the_calendars_end(schedule: str, year: int, there_are: int) -> None:
    found = [*next_instants(parse(schedule), datetime(year, 1, 1, tzinfo=UTC), 100)]
    assert len(found) == there_are
    assert found == sorted(set(found))


def test_a_part_of_a_second_is_neither_lost_nor_gained() -> None:
    noon = datetime(2026, 11, 23, 12, tzinfo=UTC)
    for schedule in ("0 12 * * *", "every 12 hours"):
        assert parse(schedule).latest(noon - timedelta(microseconds=1)) < noon
        assert parse(schedule).latest(noon) == parse(schedule).latest(noon + timedelta(microseconds=1)) == noon
        assert parse(schedule).following(noon - timedelta(microseconds=1)) == noon


@pytest.mark.parametrize(
    "schedule",
    ["", " ", "invalid", "99 99 99 99 99", "* * * *", "* * * * * *", "0 0 0 0 0 0 0", "every 0 minutes", "every 5 seconds",
     "every -5 minutes", "every 1.5 hours", "every  5 minutes", "every 5 minutes and more", "every 10000 days",
     "every \u0665 days", "@never", "@reboot", "@HOURLY", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 8",
     "*/0 * * * *",
     "0 0 * * * 2027", "\u0660 * * * *", "0\u00a00 * * *", "0 0 * *"],
)  # fmt: skip
def test_what_is_no_schedule_is_refused(schedule: str) -> None:
    with pytest.raises(ServiceError) as refused:
        parse(schedule)
    assert (refused.value.code, refused.value.detail.startswith("schedule: ")) == ("INVALID_ARGUMENT", True)
