"""schedule.domain.invocation: what still fits into a cron event or a call, and where it stands in time."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from schedule.domain.invocation import Invocation

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def room(run: Callable[..., Any], begin: Callable[[datetime], Invocation], elapsed_s: float, *asked: float) -> Any:
    async def ask() -> float | None:
        invocation = begin(NOON)
        await asyncio.sleep(elapsed_s)
        return invocation.room_s(*asked)

    return run(ask())


@pytest.mark.parametrize(
    ("elapsed_s", "asked", "room_s"),
    [
        (0, (238,), 238),
        (0, (239,), None),
        (0, (29, 209), 29),
        (0, (29, 210), None),
        (150, (88,), 88),
        (150, (89,), None),
        (237, (1,), 1),
        (238, (1,), None),
    ],
)
def test_an_event_has_four_minutes_and_gives_a_task_what_it_asks_for_or_nothing(
    run_at_once: Callable[..., Any], elapsed_s: float, asked: tuple[float, ...], room_s: float | None
) -> None:
    """Two seconds of them are for writing down how it ended."""
    assert room(run_at_once, Invocation.of_event, elapsed_s, *asked) == room_s


@pytest.mark.parametrize(
    ("elapsed_s", "asked", "room_s"),
    [
        (0, (10,), 10),
        (0, (23,), 23),
        (0, (29,), 23),
        (0, (180, 3), 20),
        (18, (29,), 5),
        (19, (29,), None),
        (19, (4,), 4),
        (0, (29, 18), 5),
        (0, (29, 18.5), None),
        (40, (1,), None),
    ],
)
def test_a_call_has_twenty_five_seconds_and_cuts_a_task_to_what_is_left_unless_that_is_less_than_five(
    run_at_once: Callable[..., Any], elapsed_s: float, asked: tuple[float, ...], room_s: float | None
) -> None:
    assert room(run_at_once, Invocation.of_call, elapsed_s, *asked) == room_s


def test_a_moment_to_come_is_told_on_the_time_line_of_events(run_at_once: Callable[..., Any]) -> None:
    """Not on the clock's: an event that comes late is counted from when it should have come."""

    async def ask() -> datetime:
        invocation = Invocation.of_event(NOON)
        await asyncio.sleep(30)
        return invocation.moment(400)

    assert run_at_once(ask()) == NOON + timedelta(seconds=430)
