"""What an answer comes to, fact by fact, each with what it rests on; and how old each source is: the types.

Of each fact the answer says whether it holds, fails, could not be checked, was not looked at since something before it
failed, was not asked, or was left out as the question allowed. "Could not be checked" is never said of what was checked
and fails, nor the other way round.

No fact holds a name or a value of the credential beyond what was asked: facts are kept with the decision when what was
seen is forgotten, and go into receipts.

What older versions of ours kept is read in the words of today (`in_present_words`): facts are kept for years, in case
files for decades, and must not say another thing because a word was given another meaning.
"""

from collections.abc import Sequence
from copy import replace
from datetime import datetime
from enum import Enum
from typing import Any

from msgspec import field
from pydantic_core import CoreSchema, core_schema

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

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> CoreSchema:
        """Let records that are kept as JSON hold grounds; older ones are read in present words."""
        return core_schema.no_info_after_validator_function(
            cls._in_present_words, super().__get_pydantic_core_schema__(source, handler)
        )

    def _in_present_words(self) -> "AnswerGrounds":
        facts = in_present_words(self.facts)
        return self if facts is self.facts else replace(self, facts=facts)

    @property
    def lasts_until(self) -> datetime | None:
        """Return when the first of the sources ends that say when they end."""
        return min((source.until for source in self.sources if source.until is not None), default=None)


def in_present_words(facts: tuple[AnswerFact, ...]) -> tuple[AnswerFact, ...]:
    """Return the facts of an answer as they are told today.

    Until ADR 133 `one_person` was said of what is two facts now: it held where one wallet had all of several
    certificates and, where names were asked, these were of one person. What the other facts say tells which it was.
    """
    together = next((fact for fact in facts if fact.kind is FactKind.ONE_PERSON), None)
    if together is None or any(fact.kind is FactKind.ONE_WALLET for fact in facts):
        return facts
    wallet, person = _told_apart(together.outcome, facts)
    others = tuple(fact for fact in facts if fact is not together)
    return (*others, AnswerFact(FactKind.ONE_WALLET, wallet), AnswerFact(FactKind.ONE_PERSON, person))


def _told_apart(together: FactOutcome, facts: Sequence[AnswerFact]) -> tuple[FactOutcome, FactOutcome]:
    """Return what is said today of one wallet, and of one person."""
    genuine, proven, named = (
        {fact.outcome for fact in facts if fact.kind is kind}
        for kind in (FactKind.GENUINE, FactKind.VALUES, FactKind.HOLDER_NAMED)
    )
    has_failed = together is FactOutcome.FAILS
    is_compared = proven == {FactOutcome.HOLDS}  # names come after values, and two wallets before them
    if has_failed and not is_compared:
        wallet = FactOutcome.FAILS
    else:
        wallet = FactOutcome.HOLDS if genuine == {FactOutcome.HOLDS} else FactOutcome.NOT_LOOKED_AT
    if has_failed and is_compared:
        return wallet, FactOutcome.FAILS
    if named == {FactOutcome.NOT_ASKED}:
        return wallet, FactOutcome.NOT_ASKED
    if together is FactOutcome.LEFT_OUT or FactOutcome.LEFT_OUT in named:
        return wallet, FactOutcome.LEFT_OUT
    return wallet, FactOutcome.HOLDS if together is FactOutcome.HOLDS else FactOutcome.NOT_LOOKED_AT
