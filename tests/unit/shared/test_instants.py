"""dotdo.instants: milliseconds are exact."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dotdo.instants import rfc3339, utc_text

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@given(st.integers(0, 4_102_444_800_000))
def test_a_count_of_milliseconds_comes_back(milliseconds: int) -> None:
    text = rfc3339(milliseconds / 1000)
    assert (datetime.fromisoformat(text) - EPOCH) / timedelta(milliseconds=1) == milliseconds
    assert len(text) == 24


@pytest.mark.parametrize(
    ("epoch_s", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1.9999999, "1970-01-01T00:00:02.000Z"),
        (59.9994, "1970-01-01T00:00:59.999Z"),
        (1_790_000_000.1239, "2026-09-21T14:13:20.123Z"),
    ],
)
def test_second_and_millisecond_are_of_the_same_instant(epoch_s: float, text: str) -> None:
    assert rfc3339(epoch_s) == text


def test_any_zone_is_told_in_utc() -> None:
    assert utc_text(datetime(999, 1, 1, 5, tzinfo=timezone(timedelta(hours=5)))) == "0999-01-01T00:00:00.000Z"
