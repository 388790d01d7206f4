"""What is set and cannot be used is named as that, which is another thing than what is missing; and no secret is repeated."""

from collections.abc import Callable

import pytest

from auth.domain.access_tokens import secret_of
from auth.domain.role_map import role_map
from auth.domain.sign_in_limits import LOGIN, SignInLimits
from auth.domain.signing_keys import signing_keys
from dotdo.errors import ServiceError
from dotdo.fakes import FakeBindings
from dotdo.identity import internal_secret
from dotdo.log import Logger
from dotdo.ports import Bindings

WRONG: dict[str, tuple[Callable[[Bindings], object], str]] = {
    "JWT_SECRET": (secret_of, "sesame"),
    "JWT_PRIVATE_JWKS": (signing_keys, '{"keys": ["sesame"]}'),
    "INTERNAL_SECRET": (internal_secret, "sesame"),
    "LOCKOUT_MAX_S": (
        lambda bindings: SignInLimits(bindings, Logger("auth")).admit_address(LOGIN, "203.0.113.7"),
        "soon",
    ),
    "ROLE_MAP": (role_map, '{"member": "owner"}'),
}


@pytest.mark.parametrize("variable", WRONG)
def test_what_is_wrong_is_not_said_to_be_missing(variable: str) -> None:
    read, value = WRONG[variable]
    with pytest.raises(ServiceError) as refused:
        read(FakeBindings({variable: value}))
    assert (refused.value.code, refused.value.status) == ("NOT_CONFIGURED", 503)
    assert refused.value.detail.startswith(f"{variable}: ")
    assert "not set" not in refused.value.detail
    assert "sesame" not in refused.value.detail


@pytest.mark.parametrize("variable", ["JWT_SECRET", "INTERNAL_SECRET"])
def test_what_is_missing_is_said_to_be(variable: str) -> None:
    with pytest.raises(ServiceError, match=f"NOT_CONFIGURED: {variable} is not set"):
        WRONG[variable][0](FakeBindings())
