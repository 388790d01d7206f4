"""What WorkOS answers, as far as it is used here. Anything else in an answer is passed over."""

from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Text = Annotated[str, StringConstraints(min_length=1, max_length=2048, pattern=r"^[^\x00]*$")]


Words = Annotated[str, StringConstraints(max_length=2048, pattern=r"^[^\x00]*$")]


class Record(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Nothing(Record):
    """An answer in which nothing matters."""


class User(Record):
    id: Text
    email: Text
    email_verified: bool = False
    first_name: Words | None = None
    last_name: Words | None = None
    updated_at: str | None = None

    @property
    def full_name(self) -> str | None:
        return full_name(self.first_name, self.last_name)


class Impersonator(Record):
    """Who signs in as somebody else, from WorkOS's dashboard. https://workos.com/docs/authkit/impersonation"""

    email: Text
    reason: Words | None = None


class Authentication(Record):
    """`access_token` is not to be believed before it is verified."""

    user: User
    access_token: Text
    refresh_token: Text
    organization_id: Text | None = None
    impersonator: Impersonator | None = None


class OrganizationChoice(Record):
    id: Text
    name: Words = ""


class OrganizationDomain(Record):
    domain: Text
    state: str | None = None


class Organization(Record):
    id: Text
    name: Words
    domains: list[OrganizationDomain] = Field(default_factory=list)

    def owns(self, email: str) -> bool:
        """Whether the address is in a domain that WorkOS knows to be this organisation's."""
        name, _, domain = email.lower().rpartition("@")
        verified = [each.domain.lower() for each in self.domains if each.state in VERIFIED]
        return bool(name) and "@" not in name and domain in verified


VERIFIED = ("verified", "legacy_verified")


class RoleSlug(Record):
    slug: Text


class Membership(Record):
    id: Text
    user_id: Text
    organization_id: Text
    organization_name: Words | None = None
    status: Literal["active", "inactive", "pending"]
    role: RoleSlug


class Connection(Record):
    id: Text
    organization_id: Text | None = None
    state: str


class Profile(Record):
    """Whom an organisation's identity provider vouches for."""

    id: Text
    connection_id: Text
    organization_id: Text | None = None
    idp_id: Text
    email: Text
    first_name: Words | None = None
    last_name: Words | None = None
    role: RoleSlug | None = None

    @property
    def full_name(self) -> str | None:
        return full_name(self.first_name, self.last_name)


class ProfileAndToken(Record):
    profile: Profile
    access_token: Text


class Directory(Record):
    id: Text
    organization_id: Text | None = None
    name: Words
    type: str
    state: str
    domain: str | None = None
    created_at: str
    updated_at: str


class DirectoryGroup(Record):
    id: Text
    directory_id: Text
    organization_id: Text | None = None
    idp_id: str
    name: Words
    created_at: str
    updated_at: str


class DirectoryUser(Record):
    id: Text
    directory_id: Text
    organization_id: Text | None = None
    idp_id: str
    email: str | None = None
    first_name: Words | None = None
    last_name: Words | None = None
    state: str
    role: RoleSlug | None = None
    created_at: str
    updated_at: str


class KeySet(Record):
    """RFC 7517."""

    keys: list[dict[str, Any]]


T = TypeVar("T", bound=Record)


class Place(Record):
    after: Text | None = None


class Listed(Record, Generic[T]):
    data: list[T]
    list_metadata: Place = Place()


def full_name(first: str | None, last: str | None) -> str | None:
    """None for a user without a name."""
    return " ".join(name.strip() for name in (first, last) if name and name.strip()) or None
