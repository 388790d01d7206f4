"""dotdo.rate_limits.window: the counter alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dotdo.rate_limits.window import Cell, position


@pytest.mark.parametrize(("now_s", "expected"), [(0.0, (0, 0.0)), (90.0, (1, 0.5)), (119.0, (1, 59 / 60))])
def test_the_window_and_how_much_of_it_has_passed(now_s: float, expected: tuple[int, float]) -> None:
    assert position(now_s, 60) == pytest.approx(expected)


def test_the_window_before_fades_out() -> None:
    cell = Cell("d", index=7, admitted=40)
    cell.move_to(8)
    assert [cell.estimate(part) for part in (0.0, 0.25, 0.5, 1.0)] == [40, 30, 20, 0]


def test_what_is_two_windows_old_is_forgotten() -> None:
    cell = Cell("d", index=7, admitted=40, offered=50)
    cell.move_to(9)
    assert (cell.estimate(0.0), cell.demand(0.0)) == (0, 0)


def test_a_clock_that_goes_back_forgets_nothing() -> None:
    cell = Cell("d", index=7, admitted=40)
    cell.move_to(3)
    assert (cell.index, cell.admitted) == (7, 40)


def test_demand_does_not_sink_because_we_refuse() -> None:
    cell = Cell("d", index=7, admitted=10, offered=500)
    cell.move_to(8)
    assert cell.demand(0.5) == 500


@given(
    before=st.integers(0, 100), now=st.integers(0, 100), limit=st.integers(1, 100), elapsed=st.floats(0, 1, width=32)
)
def test_after_the_wait_one_more_fits_and_not_much_before(before: int, now: int, limit: int, elapsed: float) -> None:
    wait = Cell("d", 1, before, now).admits_after(limit, elapsed)

    def fits(at: float) -> bool:
        cell = Cell("d", 1, before, now)
        index, part = position((1 + at) * 60, 60)
        cell.move_to(index)
        return cell.estimate(part) + 1 <= limit + 1e-6

    assert fits(elapsed + wait + 1e-9)
    assert wait == 0 or not fits(elapsed + wait - 1e-3 - 1e-9)
