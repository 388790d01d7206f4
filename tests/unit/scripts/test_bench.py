"""What the bench makes of rounds: figures, also where a round or a target failed."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import typer

from dotdo import jws
from scripts.bench import report, runner
from scripts.bench.__main__ import main
from scripts.bench.areas import NEW_TOKENS, _Tokens
from scripts.bench.cold import BOOTS, figures
from scripts.bench.figures import Amount, Memory, Throughput, Time, median_of, per_cpu_second
from scripts.bench.load import Round, RoundError, Target, load
from scripts.bench.runner import Results
from scripts.bench.runtime import Runtime
from scripts.pages import marks

GET = Throughput("get_vs_floor", "get", "floor", at_least=0.7)


def one(rate: float, cpu_ms: float = 1.0, memory_mb: float = 0.0) -> Round:
    return Round(rate, p50_ms=1, p99_ms=2, cpu_ms=cpu_ms, memory_mb=memory_mb)


def test_a_ratio_is_the_median_of_each_rounds_own() -> None:
    """The machine was half as fast in the second round: both sides were, and the ratio is the same."""
    rounds = {"get": [one(80), one(40), one(70)], "floor": [one(100), one(50), one(100)]}
    assert median_of(GET, rounds) == pytest.approx(0.8)


def test_a_round_that_failed_does_not_count() -> None:
    rounds: dict[str, list[Round | None]] = {"get": [one(80), None, one(60)], "floor": [one(100), one(1), one(100)]}
    assert median_of(GET, rounds) == pytest.approx(0.7)


def test_a_target_without_any_round_has_no_figure() -> None:
    assert median_of(GET, {"get": [None, None], "floor": [one(1), one(1)]}) is None
    assert median_of(GET, {}) is None


def test_figures_by_rate_by_time_by_amount_and_by_memory() -> None:
    rounds = {"get": [one(50, 4.0, 150)], "floor": [one(100, 1.0, 50)]}
    assert median_of(Time("slower", "get", "floor", at_most=3), rounds) == 2
    assert median_of(GET, rounds, per_cpu_second) == pytest.approx(0.25)
    assert median_of(Amount("moved", "get", 1000, at_least=1, unit="rows/s"), rounds) == 50_000
    assert median_of(Memory("held", "get", "floor"), rounds) == 100


@pytest.mark.parametrize(("value", "reached"), [(0.69, False), (0.7, True), (1.2, True)])
def test_a_throughput_is_reached_from_its_goal_on(value: float, reached: bool) -> None:
    assert GET.reached(value) is reached
    assert Time("", "a", "b", at_most=0.7).reached(value) is (value <= 0.7)


def test_every_worker_is_booted_and_compared() -> None:
    names = {boot.name for boot in BOOTS}
    assert {"boot: gateway", "boot: db", "boot: auth", "boot: schedule"} <= names
    assert all({figure.path, figure.floor} <= names for figure in figures() if isinstance(figure, Time | Memory))


def test_an_unknown_area_is_told_what_there_is() -> None:
    with pytest.raises(typer.BadParameter, match="no area 'gate'; one of: gateway, db, auth, schedule, cold"):
        main(area=["gate"])


async def test_load_goes_nowhere_but_to_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="not on this machine"):
        await load(Target("x", "http://example.com/"), 1, idle())


def answering(statuses: dict[int, int], errors: int = 0) -> Callable[[dict[str, object]], Awaitable[dict[str, object]]]:
    async def autocannon(options: dict[str, object]) -> dict[str, object]:
        return {
            "statusCodeStats": {str(code): {"count": count} for code, count in statuses.items()}, "errors": errors,
            "timeouts": 0, "duration": 2.0, "requests": {"total": sum(statuses.values())},
            "latency": {"p50": 3, "p99": 9},
        }  # fmt: skip

    return autocannon


class Idle(Runtime):
    """A process that uses one second more each time one looks."""

    seen = 0.0

    def cpu_s(self) -> float:
        Idle.seen += 1
        return Idle.seen


def idle() -> Runtime:
    return Idle(process=None)


async def test_a_round_counts_calls_and_the_processor_time_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scripts.bench.load._autocannon", answering({200: 50}))
    done = await load(Target("x", "http://127.0.0.1:1/", calls=10), 2, idle())
    assert (done.requests_per_s, done.cpu_ms, done.p99_ms) == (250, 2, 9)


@pytest.mark.parametrize(
    ("statuses", "errors", "passes"),
    [({429: 9}, 0, True), ({429: 9, 200: 1}, 0, True), ({429: 9, 200: 2}, 0, False), ({200: 1}, 0, False),
     ({429: 9}, 1, False), ({429: 9, 500: 9}, 0, False)],
)  # fmt: skip
async def test_a_fast_error_is_not_a_result(
    monkeypatch: pytest.MonkeyPatch, statuses: dict[int, int], errors: int, passes: bool
) -> None:
    monkeypatch.setattr("scripts.bench.load._autocannon", answering(statuses, errors))
    target = Target("x", "http://127.0.0.1:1/", expected=429, strays=1)
    if passes:
        assert (await load(target, 2, idle())).requests_per_s > 0
    else:
        with pytest.raises(RoundError):
            await load(target, 2, idle())


async def test_one_target_that_fails_leaves_the_others_their_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    async def loaded(target: Target, seconds: int, runtime: Runtime) -> Round:
        await asyncio.sleep(0)
        if target.name == "broken":
            raise RoundError("broken: 502")
        return one(10)

    monkeypatch.setattr(runner, "load", loaded)
    results = Results()
    for _ in range(2):
        await runner._round([Target("broken", ""), Target("sound", "")], 1, idle(), results)
    assert results.rounds == {"broken": [None, None], "sound": [one(10), one(10)]}
    assert results.failures == {"broken": "RoundError: broken: 502"}


def test_what_is_written_names_what_failed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    readme, file = tmp_path / "README.md", tmp_path / "bench" / "results.json"
    begin, end = marks("bench")
    readme.write_text(f"before\n{begin}\nold\n{end}\nafter\n")
    monkeypatch.setattr(report, "README", readme)
    monkeypatch.setattr(report, "RESULTS", file)
    results = Results({"get": [one(80)], "floor": [one(100)], "broken": [None]}, [GET], {"broken": "RoundError: 502"})
    results.figures.append(Throughput("broken_vs_floor", "broken", "floor", at_least=1))
    results.figures.append(Throughput("known_vs_floor", "get", "floor"))
    report.write(results)
    document = json.loads(file.read_text())
    assert document["ratios"] == {"get_vs_floor": 0.8, "broken_vs_floor": None, "known_vs_floor": 0.8}
    assert document["rounds"]["broken"] == [None] and document["failures"] == {"broken": "RoundError: 502"}
    text = readme.read_text()
    assert text.startswith("before\n") and text.endswith("after\n") and "old" not in text
    assert "| `get_vs_floor` | 0.8 | 1 | ≥ 0.7 | reached |" in text
    assert "| `broken_vs_floor` |  |  | ≥ 1 | failed |" in text
    seen, _, opens = text.partition("<details>")
    assert "broken_vs_floor" in seen and "known_vs_floor" not in seen
    assert "| `known_vs_floor` | 0.8 | 1 |  |  |" in opens and "| get | 80 | 1.00 |" in opens


def test_every_token_is_another_one_of_the_same_session() -> None:
    secret = b"s" * 32
    issued = jws.sign({"sub": "usr_1", "sid": "ses_1", "jti": "a"}, secret, "at+jwt", "kid-1")
    made = _Tokens(issued, secret)
    tokens = {*made.new(5), *made.new(5)}
    assert len(tokens) == 10 < NEW_TOKENS
    parsed = [jws.parse(token.removeprefix("Bearer ")) for token in tokens]
    assert {one.claims["sid"] for one in parsed} == {"ses_1"}
    assert {one.header["kid"] for one in parsed} == {"kid-1"}
