"""What is kept of a person: shown and erased over REST."""

from collections.abc import Sequence
from datetime import date
from typing import Any, Final, Protocol

from pydantic import Field

from wanderbuch.agents.issuer.config import IssuerConfig
from wanderbuch.agents.issuer.intents import RevocationState
from wanderbuch.agents.issuer.personal_data import PersonalData
from wanderbuch.agents.issuer.revocation_reasons import RevocationReason
from wanderbuch.agents.people.rest import manager
from wanderbuch.agents.runtime.app import ApiModel, Call, Route, post


class CertificateErasureOut(ApiModel):
    """What became of a request to erase; `reason` is the law by which it is refused, `until` when it may be done."""

    id: str
    is_erased: bool
    reason: str
    until: date | None


class PersonFile(ApiModel):
    """All that is kept of the person whose certificate was named."""

    filename: str
    content: dict[str, Any]


class ErasedRevocation(ApiModel):
    """The number of a certificate that was erased, and why it is revoked."""

    number: str = Field(min_length=1, max_length=200)
    reason: RevocationReason


class ErasedRevoked(ApiModel):
    """How many places of erased certificates were revoked, and how many of these are public by now."""

    places: int
    published: int


class PersonalDataWork(Protocol):
    """What the routes work on: an open issuer's office."""

    @property
    def config(self) -> IssuerConfig:
        """Return its settings."""

    @property
    def personal_data(self) -> PersonalData:
        """Return what it keeps of persons."""


async def _erase(office: PersonalDataWork, call: Call[None]) -> CertificateErasureOut:
    done = await office.personal_data.erase(call.path["id"], by=manager(call))
    return CertificateErasureOut(id=done.id, is_erased=done.is_erased, reason=done.reason, until=done.until)


async def _access(office: PersonalDataWork, call: Call[None]) -> PersonFile:
    content = await office.personal_data.access(call.path["id"], by=manager(call))
    return PersonFile(filename="personal-data.json", content=content)


async def _revoke(office: PersonalDataWork, call: Call[ErasedRevocation]) -> ErasedRevoked:
    intents = await office.personal_data.revoke_erased(
        call.body.number, call.body.reason, by=manager(call), wait_s=office.config.publish_wait_s
    )
    published = sum(intent.state is RevocationState.PUBLISHED for intent in intents)
    return ErasedRevoked(places=len(intents), published=published)


PERSONAL_DATA_ROUTES: Final[Sequence[Route]] = (
    post(
        "/register/{id}/erase",
        _erase,
        result=CertificateErasureOut,
        summary="Erase a certificate's data, or say which law has it kept; it can still be revoked by its number",
    ),
    post(
        "/register/{id}/access",
        _access,
        result=PersonFile,
        summary="Give all that is kept of the person whose certificate this is",
    ),
    post(
        "/register/erased/revoke",
        _revoke,
        body=ErasedRevocation,
        result=ErasedRevoked,
        summary="Revoke a certificate whose data were erased, by its number",
    ),
)
