"""A governance file with every statement this software reads, as one model; for the published JSON Schema only."""

from pydantic import BaseModel, ConfigDict, Field

from wanderbuch.governance.form.cte_model import (
    ALIAS,
    DESCRIPTION,
    ROLES,
    AliasJson,
    CteFileJson,
    DescriptionJson,
    ParticipantsJson,
    RolesJson,
)
from wanderbuch.governance.form.listing_model import ListingJson
from wanderbuch.governance.form.model import (
    ACCREDITATION,
    CROSSWALK,
    DIVIDED,
    LISTING,
    PROGRAMMES,
    RECOGNITION,
    REFUSAL,
    REGULATION,
    SIGNATORIES,
    SUCCESSION,
    VERIFICATION,
    AccreditationStatementJson,
    CrosswalkStatementJson,
)
from wanderbuch.governance.form.statement_model import (
    AnyDividedJson,
    ProgrammesStatementJson,
    RecognitionStatementJson,
    RefusalStatementJson,
    RegulationStatementJson,
    SignatoriesJson,
    SuccessionStatementJson,
    VerificationStatementJson,
)


class EntriesJson(BaseModel):
    """The statements this software reads; every other statement schema is ignored."""

    model_config = ConfigDict(strict=True, extra="allow")

    roles: dict[str, RolesJson] = Field(default={}, alias=ROLES)
    description: dict[str, DescriptionJson] = Field(default={}, alias=DESCRIPTION)
    alias: dict[str, AliasJson] = Field(default={}, alias=ALIAS)
    accreditation: dict[str, AccreditationStatementJson] = Field(default={}, alias=ACCREDITATION)
    crosswalk: dict[str, CrosswalkStatementJson] = Field(default={}, alias=CROSSWALK)
    recognition: dict[str, RecognitionStatementJson] = Field(default={}, alias=RECOGNITION)
    regulation: dict[str, RegulationStatementJson] = Field(default={}, alias=REGULATION)
    verification: dict[str, VerificationStatementJson] = Field(default={}, alias=VERIFICATION)
    programmes: dict[str, ProgrammesStatementJson] = Field(default={}, alias=PROGRAMMES)
    refusal: dict[str, RefusalStatementJson] = Field(default={}, alias=REFUSAL)
    succession: dict[str, SuccessionStatementJson] = Field(default={}, alias=SUCCESSION)
    signatories: dict[str, SignatoriesJson] = Field(default={}, alias=SIGNATORIES)
    divided: dict[str, AnyDividedJson] = Field(default={}, alias=DIVIDED)
    listing: dict[str, ListingJson] = Field(default={}, alias=LISTING)


class _WholeParticipantsJson(ParticipantsJson):
    entries: EntriesJson  # type: ignore[assignment]


class WholeFileJson(CteFileJson):
    """A governance file with the statements of CTE and of our profile."""

    participants: _WholeParticipantsJson
