"""dotdo.log: nothing that opens a door is ever written, wherever it stands."""

import contextvars
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dotdo.ids import BASE62
from dotdo.tracing import Trace, begin

WORDS = st.text(alphabet=BASE62, min_size=16, max_size=40)
CREDENTIALS = st.one_of(
    st.builds("sk_{}_{}".format, st.sampled_from(["live", "test"]), WORDS),
    st.builds("eyJ{}.{}.{}".format, WORDS, WORDS, WORDS),
    st.builds("{}://user:{}@db.test:5432/main".format, st.sampled_from(["postgres", "postgresql"]), WORDS),
)
SECRET_FIELDS = [
    "password",
    "INTERNAL_SECRET",
    "refresh_token",
    "Authorization",
    "set-cookie",
    "apiKey",
    "api_key",
    "credential",
    "connection_string",
]
NESTINGS: list[Any] = [
    lambda text: text,
    lambda text: [text],
    lambda text: (1, [text, None]),
    lambda text: {"inner": text},
    lambda text: {text: "as a name"},
    lambda text: {"deep": [{"er": {"est": text}}]},
    lambda text: RuntimeError(f"refused {text}!"),
    lambda text: {text},
    lambda text: text.encode(),
]


# The log is read and emptied by each example itself.
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    credential=CREDENTIALS,
    nest=st.sampled_from(NESTINGS),
    before=st.text(max_size=5),
    after=st.sampled_from(["", " ", "\n", "é"]),
)
def test_no_credential_survives_anywhere(logged: Any, credential: str, nest: Any, before: str, after: str) -> None:
    logged.log.warn("event", detail=nest(f"{before} {credential}{after}"))
    assert credential not in logged.text
    assert "[redacted]" in logged.text


@pytest.mark.parametrize("field", SECRET_FIELDS)
@pytest.mark.parametrize("value", ["plain", 123456, 1.5, ["plain"], {"inner": "plain"}, {"inner": 123456}], ids=repr)
def test_a_field_that_names_a_secret_shows_nothing_of_it(logged: Any, field: str, value: object) -> None:
    logged.log.info("event", **{field: value}, nested={"list": [{field: value}]})
    (line,) = logged.lines
    assert line[field] == line["nested"]["list"][0][field] == "[redacted]"


def test_everything_else_stays_as_it_is(logged: Any) -> None:
    fields = {"status": 200, "ok": True, "ms": 1.5, "path": "/things/é", "list": [1, None, "a"], "map": {"a": None}}
    logged.log.info("event", **fields, absent=None)
    (line,) = logged.lines
    assert {name: line[name] for name in fields} == fields
    assert "absent" not in line


@pytest.mark.parametrize("text", ["line\nline", "\u2028", "\ud800", '"}{"', "\x00"])
def test_a_line_is_one_line_of_json_whatever_it_holds(logged: Any, text: str) -> None:
    logged.log.error("event", detail=text, **{"na\nme": 1})
    assert logged.text.count("\n") == len(logged.text.splitlines()) == 1
    assert logged.lines[0]["detail"] == text
    logged.text.encode("ascii")


@pytest.mark.parametrize("level", ["info", "warn", "error"])
def test_a_line_says_when_how_grave_of_whom_and_what(logged: Any, monkeypatch: pytest.MonkeyPatch, level: str) -> None:
    monkeypatch.setattr("dotdo.log.time.time", lambda: 1_790_000_000.1239)
    head = {"time": "2026-09-21T14:13:20.123Z", "level": level, "service": "test", "event": "happened"}
    write = getattr(logged.log, level)
    contextvars.Context().run(write, "happened", status=200)
    trace_id = "4bf92f3577b34da6a3ce929d0e0e4736"
    begin(Trace("req_1", f"00-{trace_id}-00f067aa0ba902b7-01"))
    write("happened", status=200)
    assert logged.lines == [
        {**head, "status": 200}, {**head, "request_id": "req_1", "trace_id": trace_id, "status": 200},
    ]  # fmt: skip
    assert list(logged.lines[1])[:6] == [*head, "request_id", "trace_id"], "whoever reads it looks there first"
