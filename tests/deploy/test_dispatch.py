"""scripts/dispatch: what it passes on, and what it says when there is nobody to pass it to."""

import json
import subprocess
from typing import Any

import pytest

from scripts.runtime.services import ROOT
from scripts.stack.node import node

WORKER = ROOT / "scripts" / "dispatch" / "src" / "index.mjs"
# The namespace as the platform has it: `get` answers a Worker at once, and throws when there is none of that name.
SCRIPT = """
import worker from %(worker)s;
const calls = [];
const workers = {
  gateway: { fetch: async (request) => {
    calls.push(["fetch", request.method, request.url, await request.text()]);
    return new Response("from the gateway", { status: 207 });
  } },
  schedule: { tick: async (...args) => { calls.push(["tick", ...args]); return { failed: [] }; } },
  ...%(changed)s,
};
const env = { NAMESPACE: { get(name) { if (!workers[name]) throw new Error("Worker not found."); return workers[name]; } } };
const request = new Request("https://apis.do/db/things?ns=a", { method: "POST", body: "x", headers: %(headers)s });
const answer = await worker.fetch(request, env);
const event = { cron: "0 * * * *", scheduledTime: 5, noRetry() {} };
const cron = await worker.scheduled(event, env).then(() => "done", (error) => error.message);
const { status, headers } = answer;
console.log(JSON.stringify({ calls, status, headers: Object.fromEntries(headers), text: await answer.text(), cron }));
"""


def dispatched(changed: str = "{}", **headers: str) -> dict[str, Any]:
    script = SCRIPT % {"worker": json.dumps(WORKER.as_uri()), "changed": changed, "headers": json.dumps(headers)}
    ran = subprocess.run(
        [str(node()), "--input-type=module", "-"], input=script, capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.returncode == 0, ran.stderr
    answer: dict[str, Any] = json.loads(ran.stdout)
    return answer


def test_requests_go_to_the_gateway_and_events_to_schedule() -> None:
    answer = dispatched()
    assert (answer["status"], answer["text"], answer["cron"]) == (207, "from the gateway", "done")
    assert answer["calls"] == [["fetch", "POST", "https://apis.do/db/things?ns=a", "x"], ["tick", "0 * * * *", 5]]


@pytest.mark.parametrize(
    "gateway", ["null", "{ fetch: async () => { throw new Error('secret') } }"], ids=["not there", "out of order"]
)
@pytest.mark.parametrize(("sent", "kept"), [("mine-1", True), ("x" * 129, False), ("a b", False), ("", False)])
def test_without_a_gateway_it_says_so(gateway: str, sent: str, kept: bool) -> None:
    answer = dispatched(f"{{ gateway: {gateway} }}", **{"x-request-id": sent})
    assert answer["status"] == 503
    assert answer["headers"]["content-type"] == "application/problem+json"
    problem = json.loads(answer["text"])
    assert (problem["code"], problem["status"]) == ("UNAVAILABLE", 503)
    assert problem["instance"] == answer["headers"]["x-request-id"]
    assert (problem["instance"] == sent) == kept
    assert "secret" not in answer["text"]
    assert answer["cron"] == "done", "schedule works all the same"


@pytest.mark.parametrize(
    ("schedule", "said"),
    [
        ("null", "Worker not found."),
        ("{ tick: async () => { throw new Error('broken') } }", "broken"),
        ("{ tick: async () => ({ failed: ['a', 'b'] }) }", "tasks failed: a, b"),
    ],
    ids=["not there", "out of order", "tasks that failed"],
)
def test_an_event_that_fails_is_recorded_as_failed(schedule: str, said: str) -> None:
    answer = dispatched(f"{{ schedule: {schedule} }}")
    assert (answer["cron"], answer["status"]) == (said, 207)
