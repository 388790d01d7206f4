"""Transactions whose connection is cut, that take too long or meet another: whole, or not at all."""

import asyncio
from typing import Any

import pytest

from tests.e2e.fault_proxy import Fault, FaultProxy, cut_after, cut_within
from tests.e2e.faulty_stores import BROKEN, code, told, told_by, versions
from tests.e2e.platform import Platform


@pytest.mark.parametrize("fault", BROKEN)
@pytest.mark.parametrize("isolation", ["read_committed", "serializable"])
async def test_a_transaction_that_is_dropped_happened_whole_or_not_at_all(
    platform: Platform, neon: FaultProxy, ns: str, isolation: str, fault: Fault
) -> None:
    insert = "insert into things (ns, id, type) values ($1, $2, 'x')"
    statements = [{"sql": insert, "params": [ns, str(n)]} for n in range(20)]
    neon.faults.append(fault)
    assert await told(platform, "transaction", statements, {"isolation": isolation}) == "UNAVAILABLE"
    assert len(neon.seen) == 1, "nobody knows whether it happened: it is not repeated"
    assert versions(platform, ns) == ([1] * 20 if fault in (cut_after, cut_within) else [])


@pytest.mark.parametrize("fault", BROKEN)
async def test_a_transaction_that_reads_is_tried_three_times(
    platform: Platform, neon: FaultProxy, fault: Fault
) -> None:
    neon.faults.extend([fault, fault])
    assert await told(platform, "transaction", [{"sql": "select 1"}] * 2, {"readOnly": True}) == "OK"
    assert len(neon.seen) == 3


async def test_a_transaction_whose_connection_ends_leaves_nothing(platform: Platform, ns: str) -> None:
    insert = {"sql": "insert into things (ns, id, type) values ($1, 'a', 'x')", "params": [ns]}
    end = {"sql": "select pg_terminate_backend(pg_backend_pid())"}
    assert await told_by(platform, "transaction", [insert, end, insert]) in ("UNAVAILABLE", "DATABASE_ERROR")
    assert versions(platform, ns) == []


async def test_a_transaction_slower_than_its_limit_leaves_nothing(platform: Platform, ns: str) -> None:
    insert = {"sql": "insert into things (ns, id, type) values ($1, 'a', 'x')", "params": [ns]}
    slow = {"sql": "select pg_sleep(60)"}
    assert await told_by(platform, "transaction", [insert, slow], {"timeoutMs": 300}) == "TIMEOUT"
    assert versions(platform, ns) == []


async def test_of_two_that_cannot_both_hold_one_is_told_to_try_again(platform: Platform, ns: str) -> None:
    """Write skew: each inserts when it sees no row of the namespace, and both see none."""
    statements = [
        {"sql": "select pg_sleep(0.3)"},
        {
            "sql": "insert into things (ns, id, type) select $1, $2, 'x' where not exists (select from things where ns = $1)"
        },
        {"sql": "select pg_sleep(0.3)"},
    ]

    def transaction(id: str) -> Any:
        told = [{**one, "params": [ns, id]} if "$1" in one["sql"] else one for one in statements]
        return platform.call("DB", "transaction", told, {"isolation": "serializable"})

    answers = await asyncio.gather(transaction("a"), transaction("b"))
    assert sorted(map(code, answers)) == ["OK", "RETRY"]
    assert versions(platform, ns) == [1]
