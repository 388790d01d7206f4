"""Each built-in task on the real runtime, with real stores."""

from datetime import UTC, datetime, timedelta
from typing import Any

from schedule.tasks.table import DEFAULTS
from tests.e2e.platform import Platform
from tests.e2e.task_runs import run_task


def ids(platform: Platform, table: str, prefix: str) -> set[str]:
    return {id for (id,) in platform.rows(f"select id from {table} where starts_with(id, %s)", prefix)}


async def test_there_are_tasks_for_all_of_it(platform: Platform) -> None:
    await platform.result("SCHEDULE", "initializeDefaultTasks")
    listed = {task["name"] for task in (await platform.result("SCHEDULE", "listTasks"))["data"]}
    assert listed >= {task.name for task in DEFAULTS}


async def test_sessions_go_with_their_refresh_tokens(platform: Platform) -> None:
    platform.rows(
        """
        insert into sessions (id, user_id, expires_at, revoked_at)
        select 'gone-' || n, 'usr_user', now() - interval '25 hours', null from generate_series(1, 2100) as n
        union all select 'gone-revoked', 'usr_user', now() + interval '1 day', now() - interval '25 hours'
        union all select 'gone-not-yet', 'usr_user', now() - interval '23 hours', null
        union all select 'gone-alive', 'usr_user', now() + interval '1 day', null returning id
        """
    )
    platform.rows(
        "insert into refresh_tokens (token_hash, session_id, expires_at) select sha256(id::bytea), id, now() from sessions"
        " where starts_with(id, 'gone-') returning session_id"
    )
    outcome = await run_task(platform, "cleanup-expired-sessions")
    assert outcome.answer["deleted"] >= 2101
    assert ids(platform, "sessions", "gone-") == {"gone-not-yet", "gone-alive"}
    tokens = platform.rows("select session_id from refresh_tokens where starts_with(session_id, 'gone-')")
    assert {id for (id,) in tokens} == {"gone-not-yet", "gone-alive"}


async def test_what_ended_with_the_sessions_goes_too(platform: Platform) -> None:
    platform.rows(
        "insert into oauth_states (state_hash, expires_at) select sha256(age::text::bytea), now() - age"
        " from unnest(array['25 hours', '23 hours']::interval[]) as age returning state_hash"
    )
    platform.rows(
        "insert into idempotency_keys (scope, key, fingerprint, answer, created_at)"
        " select 'gone', age::text, sha256(''), '{}', now() - age"
        " from unnest(array['25 hours', '23 hours']::interval[]) as age returning key"
    )
    outcome = await run_task(platform, "cleanup-expired-sessions")
    assert min(outcome.answer["sign_ins"], outcome.answer["idempotency_keys"]) >= 1
    assert platform.rows("select key from idempotency_keys where scope = 'gone'") == [("23:00:00",)]
    left = platform.rows("select count(*) from oauth_states where expires_at < now() - interval '22 hours'")
    assert left == [(1,)]


async def test_what_workos_told_of_people_goes_after_a_month(platform: Platform) -> None:
    platform.rows(
        "insert into webhook_events (id, type, occurred_at, payload, received_at)"
        " select 'told-' || days, 'user.updated', now(), '{}', now() - days * interval '1 day'"
        " from unnest(array[29, 31]) as days returning id"
    )
    platform.rows(
        """
        insert into workos_objects (id, type, data, event_id, event_at, deleted)
        select id, 'user', '{"email": "gone@example.com"}', id, now() - days * interval '1 day', deleted from (values
            ('told-gone', 31, true), ('told-just-gone', 29, true), ('told-there', 31, false)
        ) as object (id, days, deleted) returning id
        """
    )
    outcome = await run_task(platform, "cleanup-expired-sessions")
    assert outcome.answer["workos"] >= 2
    assert ids(platform, "webhook_events", "told-") == {"told-29"}
    assert ids(platform, "workos_objects", "told-") == {"told-gone", "told-just-gone", "told-there"}
    bare = platform.rows("select id from workos_objects where starts_with(id, 'told-') and data = '{}'")
    assert bare == [("told-gone",)]


async def test_api_keys_go_a_month_after_they_expired(platform: Platform) -> None:
    platform.rows(
        """
        insert into api_keys (id, user_id, name, key_hash, prefix, last4, environment, expires_at)
        select id, 'usr_user', id, sha256(id::bytea), 'sk_test_', '0000', 'test', now() + days * interval '1 day'
        from (values ('old-31', -31), ('old-29', -29), ('old-later', 1), ('old-never', null)) as key (id, days) returning id
        """
    )
    outcome = await run_task(platform, "cleanup-expired-api-keys")
    assert outcome.answer["deleted"] >= 1
    assert ids(platform, "api_keys", "old-") == {"old-29", "old-later", "old-never"}


async def test_completed_generations_go_after_a_month(platform: Platform) -> None:
    platform.rows(
        """
        insert into generations (id, status, created_at)
        select 'made-' || status || days, status, now() - days * interval '1 day'
        from unnest(array['completed', 'failed', 'running']) as status, unnest(array[29, 31]) as days returning id
        """
    )
    outcome = await run_task(platform, "cleanup-old-generations")
    assert outcome.answer == {"deleted": 1, "complete": True}
    assert "made-completed31" not in ids(platform, "generations", "made-")
    assert len(ids(platform, "generations", "made-")) == 5


async def put_things(platform: Platform, ns: str, *texts: str) -> None:
    things = [{"ns": ns, "id": text, "type": "note", "content": text} for text in texts]
    await platform.result("DB", "batchUpsert", [*things, {"ns": ns, "id": "log", "type": "log"}])


async def embed_all(platform: Platform, binding: str = "SCHEDULE") -> dict[str, Any]:
    """Runs until nothing is missing: the other tests' things are embedded with ours."""
    while True:
        result = (await run_task(platform, "generate-missing-embeddings", binding)).answer
        if result["complete"]:
            return result


def models(platform: Platform, ns: str) -> dict[str, str | None]:
    return dict(platform.rows("select id, embedding_model from things where ns = %s", ns))


async def test_missing_embeddings_are_hashed_locally(platform: Platform, ns: str) -> None:
    await put_things(platform, ns, "a red fox", "the red fox", "tax law of 1998")
    assert "embedded" in await embed_all(platform)
    expected = dict.fromkeys(["a red fox", "the red fox", "tax law of 1998"], "hash-768")
    assert models(platform, ns) == {**expected, "log": None}
    near = platform.rows(
        "select b.id from things a join things b using (ns) where ns = %s and a.id = 'a red fox' and b.id <> a.id"
        " and b.embedding is not null order by a.embedding <=> b.embedding limit 1",
        ns,
    )
    assert near == [("the red fox",)]


async def test_workers_ai_embeds_all_but_what_it_cannot_take(platform: Platform, ns: str) -> None:
    await embed_all(platform)  # what other tests left
    await put_things(platform, ns, *(f"text {n:03}" for n in range(60)), "text 030 poison")
    result = await embed_all(platform, "AI_SCHEDULE")
    assert (result["embedded"], result["failed"]) == (60, 1)
    found = models(platform, ns)
    assert found.pop("text 030 poison") is None
    assert found.pop("log") is None
    assert set(found.values()) == {"@cf/baai/bge-base-en-v1.5"}
    assert platform.rows("select id, outcome from embedding_attempts where ns = %s", ns) == [
        ("text 030 poison", "failed")
    ]


async def test_without_workers_ai_the_queue_gets_each_thing_once(platform: Platform, ns: str) -> None:
    await embed_all(platform)
    await put_things(platform, ns, "one", "two")
    assert (await embed_all(platform, "QUEUE_SCHEDULE"))["queued"] == 2
    assert (await embed_all(platform, "QUEUE_SCHEDULE"))["queued"] == 0
    jobs = await platform.result("MODELS", "enqueued", ns)
    assert [job["payload"]["id"] for job in jobs] == ["one", "two"]
    assert jobs[0]["payload"]["content"] == "note\none"


async def test_analytics_of_the_last_hour_are_kept(platform: Platform) -> None:
    now = datetime.now(UTC)
    hour = now.replace(minute=0, second=0, microsecond=0)
    at = (hour - timedelta(minutes=10)).isoformat()
    rows = [
        {"time": at, "route": "/analytics-test", "status": status, "duration_ms": 10, "user_id": user}
        for status, user in ((200, "a"), (200, "b"), (503, "b"))
    ]
    late = {**rows[0], "time": (hour - timedelta(minutes=70)).isoformat(), "route": "/analytics-late"}
    await platform.result("DB", "ingest", "api_requests", [*rows, late])
    taken = """
        insert into analytics_snapshots (taken_at, period, data) values (%s, 'hourly', '{"stats": "as it was", "requests": []}')
        on conflict (taken_at) do update set data = excluded.data returning taken_at
    """
    platform.rows(taken, hour - timedelta(hours=1))
    outcome = await run_task(platform, "update-analytics")
    taken_at = datetime.fromisoformat(outcome.answer["taken_at"])
    ((data,),) = platform.rows("select data from analytics_snapshots where taken_at = %s", taken_at)
    assert data["stats"]["totals"]["things"] >= 3
    ours = [row for row in data["requests"] if row["route"] == "/analytics-test"]
    if taken_at == hour:  # else a new hour began after the rows were written
        assert ours == [
            {
                "route": "/analytics-test",
                "requests": 3,
                "errors": 1,
                "users": 2,
                "p50_ms": 10,
                "p95_ms": 10,
                "p99_ms": 10,
            }
        ]
        sql = "select data from analytics_snapshots where taken_at = %s"
        ((before,),) = platform.rows(sql, hour - timedelta(hours=1))
        assert (before["stats"], "/analytics-late" in {row["route"] for row in before["requests"]}) == (
            "as it was",
            True,
        )


async def test_services_are_asked_and_their_answers_kept(platform: Platform) -> None:
    outcome = await run_task(platform, "health-check-services")
    assert outcome.answer == {"services": {"db": "ok", "auth": "ok"}}
    counted = "select distinct service from service_health where status = 'ok' and service in ('auth', 'db') order by 1"
    kept = (await platform.result("DB", "clickhouse", counted, {}))["data"]
    assert [row["service"] for row in kept] == ["auth", "db"]


async def test_keys_near_their_allowance_are_listed_and_logged(platform: Platform) -> None:
    platform.rows(
        """
        insert into api_keys (id, user_id, name, key_hash, prefix, last4, environment, rate_limit)
        select id, 'usr_user', id, sha256(id::bytea), 'sk_test_', '0000', 'test', rate_limit
        from (values ('near-full', 1), ('near-half', 2)) as key (id, rate_limit) returning id
        """
    )
    at = (datetime.now(UTC) - timedelta(minutes=5)).isoformat()
    rows = [{"time": at, "route": "/x", "key_id": key} for key in ("near-full", "near-half") for _ in range(58)]
    await platform.result("DB", "ingest", "api_requests", rows)
    outcome = await run_task(platform, "check-rate-limits")
    ours = [row for row in outcome.answer["keys"] if row["key_id"].startswith("near-")]
    assert ours == [{"key_id": "near-full", "requests": 58, "allowance": 60, "share": 0.967}]
    assert await platform.logged('"event": "rate_limit.near"')
