"""Settings of an issuer: the table `[issuer]` of its configuration file."""

from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from wanderbuch.agents.issuer.smtp_config import SmtpConfig
from wanderbuch.agents.runtime.role_settings import BesideFile
from wanderbuch.agents.site.languages import LanguageTag
from wanderbuch.governance.facts.anoncreds_ids import SchemaId
from wanderbuch.governance.facts.identifiers import IdentifierError
from wanderbuch.governance.facts.indy import IndyDid


def _on_ledger(text: str) -> str:
    if not text.startswith("did:"):
        raise IdentifierError(f"expected did:indy:<namespace>:<id> or did:sov:<id>, found {text[:80]!r}")
    return IndyDid.parse(text).text


class IssuerConfig(BaseModel):
    """What an issuer issues, and how long it waits for an answer."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    credential_type: str = "qualification/1.0"
    """The credential type that is issued."""

    schema_id: Annotated[str, AfterValidator(SchemaId.parse)] | None = None
    """The authority's AnonCreds schema of this type; without it, the one that the governance file names."""

    indy_did: Annotated[str, AfterValidator(_on_ledger)] | None = None
    """The issuer's DID on one of `[[indy.ledgers]]`, as the governance file writes it: did:indy:… or did:sov:….
    Without it, it signs as the agent's did:webvh."""

    indy_seed_file: BesideFile | None = None
    """Where the 32 characters lie that the key of `indy_did` is made of; read once, when the wallet has no such key."""

    registry_size: int = Field(default=1000, ge=4, le=32_768)
    """Places in one revocation registry. Greater registries hide a holder among more others, and cost more."""

    offer_deadline_s: int = Field(default=3600, ge=1, le=30 * 24 * 3600)
    """How long an offer stands if the call does not say."""

    language: LanguageTag = "en"
    """In which people are written to about their slips, where a list does not say in which."""

    keeps_years: int = Field(default=0, ge=0, le=100)
    """So many years the law has the centre keep what it issued: until then no certificate's data are erased."""

    keeps_because: str = Field(default="", max_length=500)
    """Which law that is, as it is told to whoever asks for erasure."""

    smtp: SmtpConfig | None = None
    """The mail server by which links of slips are sent; without it, none are. It is the operator's own."""

    slip_fonts: BesideFile | None = None
    """Folder of the fonts in which slips are set as a PDF; without it there is none, and the browser prints. Needs the
    extra `wanderbuch[pdf]`."""

    publish_wait_s: float = Field(default=10.0, ge=0, le=60)
    """How long a call to revoke waits for the new status list to be published before it answers."""

    @model_validator(mode="after")
    def _says_by_which_law(self) -> Self:
        if (self.keeps_years > 0) != bool(self.keeps_because.strip()):
            raise ValueError("keeps_years and keeps_because go together: whoever is refused is told by which law")
        return self

    @model_validator(mode="after")
    def _has_a_did_for_its_seed(self) -> Self:
        if self.indy_seed_file is not None and self.indy_did is None:
            raise ValueError("indy_seed_file is the key of indy_did, which is not set")
        return self
