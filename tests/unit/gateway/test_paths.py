"""One spelling for every path, and the route each reaches."""

import re
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dotdo.errors import ServiceError
from gateway.paths import normalise
from gateway.routes import PUBLIC, ROUTES, Route, match, matcher


@pytest.mark.parametrize(
    ("path", "normal"),
    [
        ("/db/things", "/db/things"),
        ("//db///things", "/db/things"),
        ("/db/./things", "/db/things"),
        ("/x/../db/things", "/db/things"),
        ("/../../db", "/db"),
        ("/x/%2e%2E/db", "/db"),
        ("/db/%2e/things", "/db/things"),
        ("/db/", "/db/"),
        ("/db/things/..", "/db/"),
        ("", "/"),
        ("/", "/"),
        ("/db/a%20b", "/db/a%20b"),
        ("/db/...", "/db/..."),
        ("/db/.", "/db/"),
        ("/db/a%2a", "/db/a%2A"),
        ("/db/%7Ea%2Db", "/db/~a-b"),
    ],
)
def test_paths_get_one_spelling(path: str, normal: str) -> None:
    assert normalise(path) == normal


@pytest.mark.parametrize(
    "path", ["/db%2fthings", "/db%2Fx", "/a%00b", "/a%0d%0ab", "/a%7f", "/a\x00b", "/a\\b", "/a%", "/a%g1"]
)
def test_what_could_mean_two_things_is_refused(path: str) -> None:
    with pytest.raises(ServiceError) as refused:
        normalise(path)
    assert refused.value.status == 400


PIECES = st.lists(
    st.sampled_from(["/", "//", ".", "..", "%2e", "%2E", "%2f", "db", "auth", "x", "%64b", "\\", "%00", "a%20b"]),
    max_size=12,
)


@given(PIECES)
def test_no_spelling_survives_a_second_look(pieces: list[str]) -> None:
    try:
        normal = normalise("/" + "".join(pieces))
    except ServiceError:
        return
    assert normalise(normal) == normal
    assert "//" not in normal
    assert not re.search(r"%2f|\\|\x00", normal, re.IGNORECASE)
    assert not {unquote(segment) for segment in normal.split("/")} & {".", ".."}


WAYS = st.lists(
    st.sampled_from([*(route.prefix for route in ROUTES), "/..", "/.", "/", "/x", "x", "%2e", "/%64b"]), max_size=6
)


@given(WAYS)
def test_every_spelling_of_a_protected_path_meets_its_rule(pieces: list[str]) -> None:
    """The one of the longest prefix that covers it, whole segments only."""
    normal = normalise("/" + "".join(pieces))
    covering = [route for route in ROUTES if f"{normal}/".startswith(f"{route.prefix}/")]
    assert match(normal) == max(covering, key=lambda route: len(route.prefix), default=None)


@pytest.mark.parametrize(
    ("path", "prefix", "inner"),
    [
        ("/db/things/a", "/db", "/things/a"), ("/db", "/db", "/"), ("/db/", "/db", "/"),
        ("/auth/session", "/auth", "/session"), ("/auth/login", "/auth/login", "/login"),
        ("/relationships/a", "/relationships", "/relationships/a"), ("/schedule/tasks", "/schedule", "/tasks"),
    ],
)  # fmt: skip
def test_the_prefix_is_removed(path: str, prefix: str, inner: str) -> None:
    route = match(path)
    assert route is not None
    assert (route.prefix, route.inner_path(path)) == (prefix, inner)


@pytest.mark.parametrize("path", ["/", "/dbx", "/d", "/DB/things", "/unknown", "/things"])
def test_nothing_else_has_a_route(path: str) -> None:
    assert match(path) is None


@pytest.mark.parametrize(
    ("prefix", "removed", "wrong"),
    [
        ("db", None, "a prefix begins with a slash and ends with none"),
        ("/db/", None, "a prefix begins with a slash and ends with none"),
        ("/db//x", None, "a prefix begins with a slash and ends with none"),
        ("/db/x", "/d", "what is removed is a part of it"),
        ("/db/x", "/auth", "what is removed is a part of it"),
    ],
)
def test_a_route_that_cannot_be_is_none(prefix: str, removed: str | None, wrong: str) -> None:
    with pytest.raises(ValueError, match=f"route '{prefix}': {wrong}"):
        Route(prefix, "DB", PUBLIC, PUBLIC, removed=removed)


def test_the_longest_prefix_counts() -> None:
    short, long = ROUTES[0], Route("/db/special", "X", ROUTES[0].reads, ROUTES[0].writes)
    match = matcher([short, long])
    assert match("/db/special/x") is long
    assert match("/db/specialx") is short
