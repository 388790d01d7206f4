"""The soak's own eyes: it sees what is lost, doubled or wrong, and takes a refusal for one only while a fault explains it."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable

import pytest

from scripts.soak import readback
from scripts.soak.book import Book, Thing, content
from scripts.soak.client import CONNECTION, Answer, Refused, Wrong
from scripts.soak.faults import FAULTS, POSTGRES, Fault, Site, Window, turns
from scripts.soak.gate import Gate
from scripts.soak.load import Load
from scripts.soak.memory import Life, slope
from scripts.soak.operations import NOTHING, Operation
from scripts.soak.report import FLAT_MIB_A_MINUTE
from scripts.stack.process import LOOPBACK, free_port

STORE = frozenset({POSTGRES})


async def nothing_happens(_site: Site) -> None: ...


FAULT = Fault("a fault", nothing_happens, STORE, frozenset({"UNAVAILABLE", CONNECTION}))


def book() -> Book:
    return Book(random.Random(1))


def seen(thing: Thing, number: int) -> dict[str, object]:
    return {"version": number, "data": content(thing.id, number)["data"]}


@pytest.mark.parametrize(
    ("shown", "right"),
    [(1, False), (2, True), (3, True), (4, False)],
    ids=["older than what was known", "known", "sent, its answer lost", "never sent"],
)
def test_a_read_shows_what_was_known_or_sent_since(shown: int, right: bool) -> None:
    thing = Thing("note-1", tried=3, known=2)
    assert (thing.check(seen(thing, shown), at_least=2) == "") is right


def test_another_versions_content_is_wrong() -> None:
    thing = Thing("note-1", tried=2, known=2)
    assert "holds" in thing.check({"version": 2, "data": content("note-1", 1)["data"]}, at_least=2)
    assert "holds" in thing.check({"version": 2, "data": content("note-2", 2)["data"]}, at_least=2)


def test_a_write_whose_answer_was_lost_comes_before_any_other() -> None:
    known = book()
    thing = known.add(Thing("note-1", tried=2, known=1))
    known.open[thing.id] = thing
    known.add(Thing("note-2", tried=1, known=1))
    assert known.to_write() is thing
    thing.busy = True
    assert known.to_write() is not thing
    known.acknowledge(thing)
    assert (thing.pending, known.open, known.acknowledged) == (False, {}, 1)


@pytest.mark.parametrize(
    ("stored", "findings"),
    [(["a", "b"], 0), (["a"], 0), (["b"], 1), (["a", "a"], 1), (["a", "c"], 1), ([], 1)],
    ids=["both", "the acknowledged one", "one lost", "one twice", "one that nobody wrote", "nothing"],
)
def test_events_are_there_once(stored: list[str], findings: int) -> None:
    known = book()
    known.events = {"a": True, "b": False}  # b's answer was lost: it may be there
    assert len(list(readback.events(stored, known))) == findings


@pytest.mark.parametrize(
    ("stores", "code", "began_s", "excused"),
    [
        (STORE, "UNAVAILABLE", 5.0, True),
        (STORE, "UNAVAILABLE", 0.5, True),
        (STORE, "UNAVAILABLE", 20.5, False),
        (STORE, "INTERNAL", 5.0, False),
        (NOTHING, "UNAVAILABLE", 5.0, False),
        (NOTHING, CONNECTION, 5.0, True),
    ],
    ids=["during", "begun before", "begun after", "another code", "needs no store", "nobody answers at all"],
)
def test_a_fault_excuses_what_it_explains(stores: frozenset[str], code: str, began_s: float, excused: bool) -> None:
    window = Window(FAULT, began_s=1.0, lifted_s=10.0, ended_s=20.0)
    assert window.excuses(stores, code, began_s) is excused


def raising(error: Exception | None) -> Callable[[], Awaitable[None]]:
    async def run() -> None:
        if error is not None:
            raise error

    return run


@pytest.mark.parametrize(
    ("error", "in_a_fault", "wrong"),
    [
        (None, False, 0),
        (Refused("UNAVAILABLE"), True, 0),
        (Refused("UNAVAILABLE"), False, 1),
        (Wrong("somebody else's thing"), True, 1),
        (KeyError("data"), True, 1),
    ],
)
async def test_what_counts_as_wrong(error: Exception | None, in_a_fault: bool, wrong: int) -> None:
    load = Load([Operation("asks", raising(error), 1)], random.Random(1))
    if in_a_fault:
        load.windows.append(Window(FAULT, time.monotonic()))
    await load.once(load.pick())
    assert load.wrong_count == len(load.wrong) == wrong
    account = load.accounts["asks"]
    assert account.done == (error is None)
    assert account.refused == (Counter({"UNAVAILABLE": 1}) if isinstance(error, Refused) and in_a_fault else Counter())


@pytest.mark.parametrize(
    ("status", "expected", "error"),
    [
        (200, (200, 201), None),
        (503, (200,), Refused),
        (500, (401,), Refused),
        (200, (401,), Wrong),
        (401, (200,), Wrong),
    ],
)
def test_a_fault_never_excuses_that_somebody_is_let_in(
    status: int, expected: tuple[int, ...], error: type[Exception] | None
) -> None:
    answer = Answer(status, {"a": 1}, "" if status < 400 else "CODE")
    if error is None:
        assert answer.expect(*expected) == {"a": 1}
        return
    with pytest.raises(error):
        answer.expect(*expected)


def test_every_fault_has_a_name_and_a_bound_and_500_is_never_excused() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS) >= 8
    assert all(fault.bound_s <= 90 for fault in FAULTS)
    assert not any("INTERNAL" in fault.codes for fault in FAULTS)


def test_every_fault_comes_and_the_runtime_lives_between_two_of_its_ends() -> None:
    names = [fault.name for fault in FAULTS]
    assert [fault.name for fault in turns(FAULTS, 3)] == names
    long = [fault.name for fault in turns(FAULTS, 30)]
    assert (long[: len(FAULTS)], len(long), long[-1]) == (names, 30, "runtime killed")
    assert long.count("runtime killed") == 2
    assert set(Counter(long).values()) == {2, 3}


def test_memory_that_grows_is_seen_to() -> None:
    assert slope([(0.0, 10.0)]) == 0
    assert slope([(float(s), 500 + s * 0.5) for s in range(60)]) == pytest.approx(0.5)
    filling = [(float(s), min(500.0 + s, 560.0)) for s in range(600)]
    assert Life(1, filling).slope_mib_a_minute == pytest.approx(0.0)
    leaking = [(float(s), 500.0 + s / 10) for s in range(600)]
    assert Life(1, leaking).slope_mib_a_minute == pytest.approx(6.0)


def test_what_leaves_memory_larger_once_is_no_leak_and_hides_none() -> None:
    grows = [(float(s), 500.0 + min(max(s - 700, 0), 50)) for s in range(1200)]
    assert Life(1, grows).slope_mib_a_minute > FLAT_MIB_A_MINUTE
    assert Life(1, grows, steps_s=[700.0]).slope_mib_a_minute == pytest.approx(0.0)
    leaking = [(s, mib + s / 10) for s, mib in grows]
    assert Life(1, leaking, steps_s=[700.0]).slope_mib_a_minute == pytest.approx(6.0)


class Echo:
    """A store that answers every line with itself, in capitals."""

    def __init__(self) -> None:
        self.port = free_port()
        self.heard: list[bytes] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            self.heard.append(line)
            writer.write(line.upper())
            await writer.drain()
        writer.close()


async def test_a_gate_passes_cuts_and_holds_back() -> None:
    echo, port = Echo(), free_port()
    store = await asyncio.start_server(echo.serve, LOOPBACK, echo.port)
    gate = Gate(port, echo.port)
    await gate.start()

    async def connect() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(LOOPBACK, port)

    reader, writer = await connect()
    writer.write(b"one\n")
    assert await reader.readline() == b"ONE\n"
    gate.hold()
    writer.write(b"two\n")
    answer = asyncio.create_task(reader.readline())
    while b"two\n" not in echo.heard:
        await asyncio.sleep(0)
    assert not answer.done()  # done, and nobody heard of it
    gate.release()
    assert await answer == b"TWO\n"
    gate.cut()
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await reader.readexactly(1)
    writer.transport.abort()
    gate.shut = True
    reader, writer = await connect()
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await reader.readexactly(1)
    writer.transport.abort()
    await gate.stop()
    store.close()
    await asyncio.sleep(0)  # what was cut ends
