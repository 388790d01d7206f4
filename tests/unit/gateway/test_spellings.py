"""However a protected path is written, it is refused or meets its own rule."""

from hypothesis import given
from hypothesis import strategies as st

from dotdo.errors import ServiceError
from gateway.paths import normalise
from gateway.routes import METHODS, READS, ROUTES, match

DETOURS = ["/", "/.", "/%2e", "/x/..", "/%2e%2E", "/x/.%2e", "%2f", "%5c", "\\", "/%252e%252e", ";a=b", "%00"]


@st.composite
def spellings(draw: st.DrawFn) -> str:
    """Ways to write /schedule/tasks that some server somewhere takes for it."""

    def segment(name: str) -> str:
        escaped = (draw(st.sampled_from([letter, f"%{ord(letter):02x}", letter.upper()])) for letter in name)
        return draw(st.sampled_from([name, "".join(escaped)]))

    def detour() -> str:
        return "".join(draw(st.lists(st.sampled_from(DETOURS), max_size=3)))

    return f"{detour()}/{segment('schedule')}{detour()}/{segment('tasks')}{detour()}"


@given(spellings())
def test_no_spelling_of_a_protected_path_gets_another_rule(path: str) -> None:
    try:
        route = match(normalise(path))
    except ServiceError as error:
        assert error.status == 400
        return
    assert route is None or {route.rule(method).level for method in METHODS} == {"admin"}


@given(st.text().map(lambda text: "/" + text))
def test_a_path_of_any_characters_is_refused_or_stays_as_it_is(path: str) -> None:
    try:
        plain = normalise(path)
    except ServiceError:
        return
    assert plain.startswith("/")
    assert "//" not in plain
    assert normalise(plain) == plain


def test_only_auth_takes_callers_without_a_rule() -> None:
    for route in ROUTES:
        public = {route.rule(method).level for method in METHODS} == {"public"}
        assert public == route.service_decides == (route.binding == "AUTH")
        assert {route.rule(method) for method in READS} == {route.reads}
