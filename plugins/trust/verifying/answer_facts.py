"""What an answer comes to, fact by fact, each with what it rests on; and how old each source is: the types.

Of each fact the answer says whether it holds, fails, could not be checked, was not looked at since something before it
failed, was not asked, or was left out as the question allowed. "Could not be checked" is never said of what was checked
and fails, nor the other way round.

No fact holds a name or a value of the credential beyond what was asked: facts are kept with the decision when what was
seen is forgotten, and go into receipts.
"""

from datetime import datetime
from enum import Enum

from msgspec import field

from wanderbuch.governance.facts.question import AnswerPart


class FactKind(Enum):
    """What is said about, in the order in which it is looked at."""

    AS_ASKED = "as_asked"
    GENUINE = "genuine"
    ONE_CREDENTIAL = "one_credential"
    NOT_REVOKED = "not_revoked"
    VALUES = "values"
    OCCUPATION = "occupation"
    LEVEL = "level"
    NOT_EXPIRED = "not_expired"
    GOVERNANCE_CURRENT = "governance_current"
    ISSUER_COUNTS = "issuer_counts"
    AWARD_IN_MANDATE = "award_in_mandate"
    HOLDER_NAMED = "holder_named"
    # Of several credentials. Their link secret is one wallet's, and says nothing of whose the wallet is: two people may
    # share one, and one may hold another's certificate. That is for the names in them, where names are asked.
    ONE_WALLET = "one_wallet"
    ONE_PERSON = "one_person"


class FactOutcome(Enum):
    """What is said of a fact."""

    HOLDS = "holds"
    FAILS = "fails"
    COULD_NOT_CHECK = "could_not_check"
    NOT_LOOKED_AT = "not_looked_at"  # something before it failed
    NOT_ASKED = "not_asked"
    LEFT_OUT = "left_out"  # it was asked, and the question allowed to leave it out


class AnswerFact(AnswerPart, frozen=True):
    """One fact.

    Args:
        evidence: what it rests on, by name: ids, versions, codes of what was asked.
        as_of: how old the newest source of it is.
        until: until when that source lasts, by its own word.
        part: which of several credentials it is about, by the name of its group; empty where there is one.
    """

    kind: FactKind
    outcome: FactOutcome
    evidence: dict[str, str] = field(default_factory=dict)
    as_of: datetime | None = None
    until: datetime | None = None
    part: str = ""


class SourceKind(Enum):
    """What a source is."""

    GOVERNANCE = "governance"
    STATUS_LIST = "status_list"
    ISSUER_OBJECTS = "issuer_objects"  # definition, schema and registry


class AnswerSource(AnswerPart, frozen=True):
    """One source that the answer rests on.

    Args:
        id: its name.
        as_of: it is not older than this.
        until: until when it lasts, by its own word; None: it does not say.
        version, digest: of a governance file.
    """

    kind: SourceKind
    id: str
    as_of: datetime | None
    until: datetime | None = None
    version: int | None = None
    digest: str | None = None


class AnswerGrounds(AnswerPart, frozen=True):
    """The facts of an answer and its sources."""

    facts: tuple[AnswerFact, ...] = ()
    sources: tuple[AnswerSource, ...] = ()

    @property
    def lasts_until(self) -> datetime | None:
        """Return when the first of the sources ends that say when they end."""
        return min((source.until for source in self.sources if source.until is not None), default=None)
