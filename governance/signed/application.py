"""An application to an authority: somebody asks to stand in its file, signed with a key of their own DID. Format only.

It is a compact JWS (RFC 7515) whose `typ` is `wanderbuch-application+jws`. What all kinds of application share stands
in `Application`; what one kind wants stands in `wants`. There are two: a verifier that wants to be registered with what
it asks, what for, how long it keeps answers, and its privacy policy; and an issuer that says with what it signs. An
issuer that was invited proves that it has the code (`check_in`), and is accredited for what is listed already; one that
was not says what for it wants to be.

Rules of reading one (`verify_application`):

1. It is signed by a key that the applicant's DID asserts with now; the applicant is the DID of that key.
2. It is for the authority that reads it: one to another authority is nobody's here.
3. A first one is not older than `MAX_AGE`, nor from the future: an old one that was found somewhere begins nothing. A
   later revision follows what stands here, and its number says which it is.
4. What an issuer says that it signs with is of its own DID: nobody applies with the definitions of another.
5. It is small, has no member that is not known, and every list has an end. Its texts are those that a governance file
   may have: no control characters, and none that turn a text around, so that it is read as what it is.

Its id was chosen by the applicant, at random: who knows it may ask how it stands.
"""

import json
import re
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar, Final, Literal, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    model_validator,
)

from wanderbuch.errors import GovernanceError
from wanderbuch.governance.facts.identifiers import Did, DidUrl
from wanderbuch.governance.form.formats import (
    AttributeName,
    Country,
    CredentialTypeName,
    Link,
    ScopeCode,
    SourceIdText,
    Text,
)
from wanderbuch.governance.form.model import LevelRangeJson
from wanderbuch.governance.form.statement_model import PurposeName
from wanderbuch.governance.signed.jws import KeyResolver, Signer, sign_jws, verify_jws
from wanderbuch.schemas.credential_type import load_credential_type
from wanderbuch.strict_json import StrictJsonError, read_strict_json

APPLICATION_TYPE: Final = "wanderbuch-application+jws"
APPLICATION_FORMAT: Final = "wanderbuch-application/1.0"
MAX_APPLICATION_BYTES: Final = 64 * 1024
MAX_AGE: Final = timedelta(days=1)
MAX_REVISIONS: Final = 20
_AHEAD: Final = timedelta(minutes=10)
_MAX_DEPTH: Final = 8
_MAX_USES: Final = 12
_MAX_NAMES: Final = 64

_MAX_NAME: Final = 200
_EMAIL: Final = re.compile(r"[^@\s]{1,64}@[^@\s]{1,190}")


def _short(name: str) -> str:
    if len(name) > _MAX_NAME:
        raise ValueError(f"expected a name of at most {_MAX_NAME} characters")
    return name


def _email(address: str) -> str:
    if not _EMAIL.fullmatch(address):
        raise ValueError("expected an e-mail address, such as office@yard.example")
    return address


_Name = Annotated[Text, AfterValidator(_short)]
_Id = Annotated[str, Field(pattern="^[0-9a-f]{32}$")]
_Names = Annotated[tuple[AttributeName, ...], Field(max_length=_MAX_NAMES)]


class ApplicationError(GovernanceError):
    """An application is malformed, forged, too old, or for somebody else."""

    code: ClassVar[str] = "governance.application"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class IntendedUse(_Part):
    """One thing that a verifier wants to ask.

    `attributes` it wants to see; about `predicates` it wants a bound proven. `keeps_days` is how long it keeps an
    answer; 0: not at all.
    """

    aim: Text
    purposes: Annotated[tuple[PurposeName, ...], Field(min_length=1, max_length=3)]
    credential_type: CredentialTypeName
    attributes: _Names = ()
    predicates: _Names = ()
    jurisdictions: Annotated[tuple[Country, ...], Field(min_length=1, max_length=300)]
    keeps_days: Annotated[int, Field(ge=0, le=36500)]
    privacy_policy: Link
    legal_basis: Link

    @model_validator(mode="after")
    def _asks_what_there_is(self) -> Self:
        if not self.attributes and not self.predicates:
            raise ValueError("it asks for nothing")
        known = set(load_credential_type(self.credential_type).attr_names)
        if strange := sorted({*self.attributes, *self.predicates} - known):
            raise ValueError(f"{self.credential_type} has no attribute {strange[0]}")
        return self


class VerifierWants(_Part):
    """What a verifier wants: to be registered with what it asks."""

    kind: Literal["verifier"] = "verifier"
    uses: Annotated[tuple[IntendedUse, ...], Field(min_length=1, max_length=_MAX_USES)]


class WantedScope(_Part):
    """What an issuer wants to be accredited for; members as in an accreditation."""

    title: Text | None = None
    credential_types: Annotated[tuple[CredentialTypeName, ...], Field(min_length=1, max_length=8)]
    occupations: Annotated[tuple[ScopeCode, ...], Field(min_length=1, max_length=200)]
    level_range: LevelRangeJson
    jurisdictions: Annotated[tuple[Country, ...], Field(min_length=1, max_length=300)]


class InvitationProof(_Part):
    """That the applicant has the code of an invitation, without the code (`check_in`)."""

    handle: Annotated[str, Field(pattern="^[0-9a-z]{8}$")]
    proof: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class IssuerWants(_Part):
    """What an issuer wants: that what it signs with counts.

    `invitation` where it was invited; else `scopes`, unless it is accredited already and its sources have changed.
    """

    kind: Literal["issuer"] = "issuer"
    sources: Annotated[tuple[SourceIdText, ...], Field(min_length=1, max_length=50)]
    scopes: Annotated[tuple[WantedScope, ...], Field(max_length=_MAX_USES)] = ()
    invitation: InvitationProof | None = None

    @model_validator(mode="after")
    def _is_one_or_the_other(self) -> Self:
        if self.invitation is not None and self.scopes:
            raise ValueError("who was invited is accredited for what is listed, and says nothing more")
        return self


def _kind_of(wants: Any) -> str:
    kind = wants.get("kind", "verifier") if isinstance(wants, dict) else getattr(wants, "kind", "")
    return kind if isinstance(kind, str) else ""


type Wants = Annotated[
    Annotated[VerifierWants, Tag("verifier")] | Annotated[IssuerWants, Tag("issuer")], Discriminator(_kind_of)
]
"""What one kind of applicant wants; without `kind` it is a verifier, as it always was."""


class Application(_Part):
    """An application.

    Args:
        id: chosen by the applicant, the same for all revisions.
        revision: 1, and one more each time that the applicant was asked back.
        to: the DID of the authority.
        name: how the applicant is called, which is its own word until somebody has checked it.
        country: where it is.
        website, email: where to reach it.
        answer: to what it was asked back.
        wants: what it applies for.
    """

    format: Literal["wanderbuch-application/1.0"] = APPLICATION_FORMAT
    id: _Id
    revision: Annotated[int, Field(ge=1, le=MAX_REVISIONS)] = 1
    to: Annotated[str, Field(max_length=2048)]
    made_at: AwareDatetime
    name: _Name
    country: Country
    website: Link | None = None
    email: Annotated[Text, AfterValidator(_email)] | None = None
    answer: Text | None = None
    wants: Wants


async def sign_application(application: Application, *, kid: DidUrl, sign: Signer) -> bytes:
    """Return the signed form of an application."""
    payload = json.dumps(application.model_dump(mode="json"), ensure_ascii=False, separators=(",", ":")).encode()
    return await sign_jws(payload, kid=kid, typ=APPLICATION_TYPE, sign=sign)


async def verify_application(
    received: bytes, *, to: Did, resolve_key: KeyResolver, at: datetime
) -> tuple[Did, Application]:
    """Return who applies, and for what, after all checks.

    Args:
        received: as it came.
        to: the authority that reads it.
        resolve_key: gives keys of DID documents.
        at: now, aware.

    Raises:
        SignatureError: it is not signed as it must be (1).
        ApplicationError: another rule is broken.
        ResolutionError: the applicant's key could not be checked.
    """
    verified = await verify_jws(
        received, typ=APPLICATION_TYPE, author=None, resolve_key=resolve_key, max_bytes=MAX_APPLICATION_BYTES
    )
    application = _read(verified.payload)
    if application.to != to:  # 2
        raise ApplicationError(f"expected an application to {to}, found one to another authority")
    is_first = application.revision == 1
    if application.made_at > at + _AHEAD or (is_first and application.made_at < at - MAX_AGE):  # 3
        raise ApplicationError(
            "expected an application of the last day, found one that is older or from the future",
            hint="sign it anew, and check the clock",
        )
    if isinstance(application.wants, IssuerWants):
        for source in application.wants.sources:  # 4
            if source.owner != verified.kid.did:
                raise ApplicationError(
                    f"expected what {verified.kid.did} signs with itself, found {source[:160]!r}",
                    hint="apply with the DID that publishes the credential definitions",
                )
    return verified.kid.did, application


def _read(payload: bytes) -> Application:
    try:
        document = read_strict_json(payload, max_bytes=MAX_APPLICATION_BYTES, max_depth=_MAX_DEPTH)
        return Application.model_validate(document)
    except StrictJsonError as err:
        raise ApplicationError(f"the application cannot be read: {err.message}") from err
    except ValidationError as err:
        first = err.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(step)[:40] for step in first["loc"]) or "the application"
        raise ApplicationError(f"the application does not fit at {where}: {first['msg']}") from err
