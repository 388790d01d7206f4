"""WorkOS-Signature: what is WorkOS's, and of now; and what its own SDK says of the same."""

from types import SimpleNamespace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from workos.webhooks._verification import verify_header

from auth.domain.webhook_signature import check_signature
from dotdo.errors import ServiceError
from dotdo.fakes import FakeBindings, FakeClock
from tests.e2e.workos_events import signature

NOW = FakeClock().now
BODY = b'{"id": "event_1"}'


def bindings(secret: str = "whsec_1", now_s: float = NOW) -> FakeBindings:
    return FakeBindings({"WORKOS_WEBHOOK_SECRET": secret}, clock=FakeClock(now_s))


def code(header: str | None, body: bytes = BODY, secret: str = "whsec_1", now_s: float = NOW) -> str:
    try:
        check_signature(header, body, bindings(secret, now_s))
    except ServiceError as error:
        assert (error.status, "whsec" in str(error)) == (401, False)
        return error.code
    return "OK"


GOOD = signature(BODY, NOW, "whsec_1")


def test_what_workos_signed_now_is_taken() -> None:
    assert code(GOOD) == "OK"
    assert code(GOOD.replace(", ", ",")) == "OK", "as the emulator writes it"


def test_seconds_are_taken_as_what_they_are() -> None:
    """The emulator's; no instant is both."""
    body = b"{}"
    instant = str(int(NOW))
    milliseconds = signature(body, NOW / 1000, "whsec_1")
    assert milliseconds.startswith(f"t={instant},")
    assert code(milliseconds, body) == "OK"


@pytest.mark.parametrize("away_s", [-180, -1, 0, 1, 180])
def test_clocks_differ_a_little(away_s: float) -> None:
    assert code(signature(BODY, NOW + away_s, "whsec_1")) == "OK"


@pytest.mark.parametrize("away_s", [-86_400, -181, 181, 86_400])
def test_the_old_and_the_new_are_refused(away_s: float) -> None:
    assert code(signature(BODY, NOW + away_s, "whsec_1")) == "STALE_SIGNATURE"


@pytest.mark.parametrize("secrets", ["whsec_1 whsec_2", "whsec_2,whsec_1", " whsec_2 ,\n whsec_1 "])
def test_secrets_change_one_after_the_other(secrets: str) -> None:
    for key in ("whsec_1", "whsec_2"):
        assert code(signature(BODY, NOW, key), secret=secrets) == "OK"
    assert code(signature(BODY, NOW, "whsec_3"), secret=secrets) == "INVALID_SIGNATURE"
    assert code(signature(BODY, NOW, secrets), secret=secrets) == "INVALID_SIGNATURE"


def test_one_good_signature_among_several_is_enough() -> None:
    instant, good = GOOD.split(", ")
    assert code(f"{instant}, v1={'0' * 64}, {good}") == "OK"


@pytest.mark.parametrize(
    "header",
    [
        None, "", "t=1", "v1=" + "0" * 64, GOOD.replace("v1=", "v0="), GOOD + "0", GOOD[:-1], GOOD.upper(),
        GOOD.replace("t=", "t=1"), GOOD.replace("t=", "t=-"), GOOD.replace("t=", "t= "), f"t=1, {GOOD}", "t=x, v1=y",
        GOOD.replace("t=1", "t=\u0661"), "t=" + "9" * 400 + ", v1=00", f"{GOOD.split(', ')[0]}, v1=é", ",,,", "=",
    ],
)  # fmt: skip
def test_everything_else_is_not_workoss(header: str | None) -> None:
    assert code(header) == "INVALID_SIGNATURE"


@given(st.text(max_size=120))
def test_no_header_breaks_anything(header: str) -> None:
    assert code(header) in ("INVALID_SIGNATURE", "STALE_SIGNATURE")


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_a_body_has_one_signature(body: bytes, other: bytes) -> None:
    header = signature(body, NOW, "whsec_1")
    assert code(header, body) == "OK"
    assert (code(header, other) == "OK") == (other == body)


@example("", 180, "whsec_1")
@example("", -180, "whsec_1")
@example("", 181, "whsec_1")
@example("", -181, "whsec_1")
@given(st.text(max_size=100), st.integers(-400, 400), st.sampled_from(["whsec_1", "whsec_2"]))
def test_the_official_sdk_says_the_same(text: str, away_s: int, key: str) -> None:
    body = text.encode(errors="replace")
    header = signature(body, NOW + away_s, key)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("workos.webhooks._verification.time", SimpleNamespace(time=lambda: NOW))
        try:
            verify_header(event_body=body, event_signature=header, secret="whsec_1")
            official = True
        except ValueError:
            official = False
    assert (code(header, body) == "OK") == official == (abs(away_s) <= 180 and key == "whsec_1")


@pytest.mark.parametrize("secret", ["", " , "])
def test_without_a_secret_nothing_is_believed(secret: str) -> None:
    with pytest.raises(ServiceError) as refused:
        check_signature(GOOD, BODY, bindings(secret))
    assert (refused.value.status, "WORKOS_WEBHOOK_SECRET" in refused.value.detail) == (503, True)
