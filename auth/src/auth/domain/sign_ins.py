"""From WorkOS's answer to an account of ours: what of it is believed, and who is let in."""

from dataclasses import dataclass
from typing import Any

from auth.adapters.workos import Refused, WorkOS
from auth.adapters.workos.answers import translate_refusals
from auth.adapters.workos.api import unreadable_answer
from auth.adapters.workos.models import Authentication, OrganizationChoice
from auth.adapters.workos.tokens import Claims
from auth.domain.arrivals import Arrival, Arrivals
from auth.domain.audit import Actor, Audit
from auth.domain.login import PendingSignIn, login_failed
from auth.domain.role_map import mapped
from dotdo.errors import ServiceError
from dotdo.ports import Bindings

BEGIN_AGAIN = "WorkOS refused the sign-in: begin again at /auth/login"

_STEPS = {
    "email_verification_required": ("EMAIL_NOT_VERIFIED", "verify the e-mail address, then sign in again"),
    "mfa_enrollment": ("MFA_REQUIRED", "this account needs a second factor: sign in again at /auth/login"),
    "mfa_challenge": ("MFA_REQUIRED", "this account needs its second factor: sign in again at /auth/login"),
    "sso_required": ("SSO_REQUIRED", "sign in through your organisation at /auth/sso/authorize"),
    "organization_authentication_methods_required": (
        "SSO_REQUIRED", "your organisation asks for another way to sign in: begin again at /auth/login",
    ),
}  # fmt: skip
"""What WorkOS asks for before it lets somebody in (its error code), and how that is told."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """`user` is the row of the account. `claims` are WorkOS's, verified; `authentication` holds its tokens."""

    user: dict[str, Any]
    claims: Claims
    authentication: Authentication


class SignIns:
    def __init__(self, workos: WorkOS, arrivals: Arrivals, audit: Audit, bindings: Bindings) -> None:
        self._workos = workos
        self._arrivals = arrivals
        self._audit = audit
        self._bindings = bindings

    async def with_code(self, code: str, verifier: str | None, organization: str | None, actor: Actor) -> SignedIn:
        """`organization`: where the sign-in is to lead to, None for wherever. Raises LOGIN_FAILED and the like, each a 4xx."""
        authentication = await self._authenticated(code, verifier, organization)
        impersonator = authentication.impersonator
        claims = await self._verified(authentication)
        if organization and claims.organization_id != organization:
            authentication = await self._moved(authentication, organization)
            claims = await self._verified(authentication)
        user = authentication.user
        account = await self._arrivals.of_user(
            Arrival(
                user.id, user.email, user.email_verified, user.full_name, claims.organization_id,
                mapped(self._bindings, claims.role) if claims.organization_id else None, user.updated_at,
            ), actor,
        )  # fmt: skip
        if impersonator is not None:  # before there is a session: never one without its record
            said = {"by": impersonator.email, "reason": impersonator.reason}
            await self._audit.record(actor, "user.impersonated", account["user_id"], **said)
        return SignedIn(account, claims, authentication)

    async def with_profile(self, code: str, pending: PendingSignIn, actor: Actor) -> dict[str, Any]:
        """The account of one who comes by their organisation's identity provider, which vouches for its own domains alone."""
        try:
            profile = (await self._workos.sso.profile_and_token(code, pending.verifier)).profile
        except Refused as error:
            raise login_failed("WorkOS refused the sign-in: begin again at /auth/sso/authorize") from error
        is_expected = (not pending.connection or profile.connection_id == pending.connection) and (
            not pending.organization or profile.organization_id == pending.organization
        )
        if not is_expected or not profile.organization_id:
            raise ServiceError(
                "FOREIGN_PROFILE", 403, "Sign-in refused", "this identity is not of the organisation that was asked for"
            )
        organization = await translate_refusals(self._workos.organizations.get(profile.organization_id))
        slug = profile.role.slug if profile.role else None
        return await self._arrivals.of_profile(
            Arrival(
                profile.id, profile.email, organization.owns(profile.email), profile.full_name, organization.id,
                mapped(self._bindings, slug),
            ), actor,
        )  # fmt: skip

    async def _authenticated(self, code: str, verifier: str | None, organization: str | None) -> Authentication:
        users = self._workos.user_management
        try:
            return await users.authenticate_with_code(code, verifier)
        except Refused as error:
            pending, choices = _selection(error)
            if pending and organization in [choice.id for choice in choices]:
                return await self._selected(pending, str(organization))
            raise _refusal(error, choices) from error

    async def _selected(self, pending: str, organization: str) -> Authentication:
        try:
            return await self._workos.user_management.authenticate_with_organization_selection(pending, organization)
        except Refused as error:
            raise _refusal(error, []) from error

    async def _moved(self, authentication: Authentication, organization: str) -> Authentication:
        """The same session in another organisation, if WorkOS lets the user in there."""
        try:
            return await self._workos.user_management.authenticate_with_refresh_token(
                authentication.refresh_token, organization
            )
        except Refused as error:
            raise login_failed("WorkOS does not let you into this organisation") from error

    async def _verified(self, authentication: Authentication) -> Claims:
        claims = await self._workos.tokens.verify(authentication.access_token)
        if claims.user_id != authentication.user.id:
            raise unreadable_answer()
        return claims


def _selection(error: Refused) -> tuple[str, list[OrganizationChoice]]:
    """The token of an answer that asks to choose an organisation, and the choices; empty for any other."""
    pending, offered = error.body.get("pending_authentication_token"), error.body.get("organizations")
    if error.code != "organization_selection_required" or not isinstance(pending, str) or not isinstance(offered, list):
        return "", []
    try:
        return pending, [OrganizationChoice.model_validate(each, strict=True) for each in offered]
    except ValueError as invalid:
        raise unreadable_answer() from invalid


def _refusal(error: Refused, choices: list[OrganizationChoice]) -> ServiceError:
    if choices:
        return ServiceError(
            "ORGANIZATION_SELECTION_REQUIRED", 409, "Choose an organisation",
            "you are a member of several: sign in again at /auth/login?organization=, with the id of one",
            members={"organizations": [choice.model_dump() for choice in choices]},
        )  # fmt: skip
    if error.code in _STEPS:
        code, detail = _STEPS[error.code]
        return ServiceError(code, 403, "Sign-in refused", detail)
    return login_failed(BEGIN_AGAIN)
