"""What is asked, what was shown, and what was decided: the types of every trust decision.

Parsed values only. `Requirement` is what the one who decides wants; `Evidence` is what was shown (each field says who
vouches for it); `TrustDecision` is the answer, with the governance version it rests on and its reasons.
"""

from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import Enum
from typing import Annotated, Any

import msgspec
from pydantic import Field
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from wanderbuch.governance.facts.identifiers import Did, IdentifierError
from wanderbuch.governance.facts.sources import Binding, SourceId
from wanderbuch.governance.facts.statuses import StatusId


class Verdict(Enum):
    """The answer to "does this issuer count?"."""

    TRUSTED = "TRUSTED"
    NOT_TRUSTED = "NOT_TRUSTED"
    UNKNOWN = "UNKNOWN"  # could not be checked
    STALE = "STALE"  # the facts are too old to rest a decision on


class LevelProof(Enum):
    """How a level is proven without showing it."""

    THERMOMETER = "thermometer"  # reveal eqf_min_N = 1
    PREDICATE = "predicate"  # zero-knowledge proof of eqf_level >= N


class Subject(Enum):
    """What the holder is asked to say about themself."""

    NONE = "none"
    NAME = "name"
    NAME_AND_BIRTH_DATE = "name_and_birth_date"


class Purpose(Enum):
    """What a credential is shown for."""

    EMPLOYMENT = "employment"
    STUDY = "study"
    REGULATED_PROFESSION = "regulated-profession"  # access to an occupation that the destination regulates


@dataclass(frozen=True, slots=True)
class DateSpan:
    """A span of whole days, both ends included. An exact day is a span of one."""

    first: date
    last: date

    @classmethod
    def of_year(cls, year: int) -> "DateSpan":
        """Return the span of the calendar year `year` (1-9999)."""
        return cls(date(year, 1, 1), date(year, 12, 31))


@dataclass(frozen=True, slots=True)
class Requirement:
    """What the one who decides wants to be true.

    Args:
        occupation: an ISCO-08 code in ESCO's form, such as "C7212"; of a language certificate, such as "mlt".
        jurisdiction: where the issuer must count, ISO 3166-1 alpha-3, such as "MLT".
        min_eqf_level: 1 to 8, or None if any level will do.
        not_revoked: also prove that the credential is not revoked.
        purpose: what the credential is shown for; recognitions across borders are limited to purposes.
        min_cefr_level: "A1" to "C2" for a language, or None if any level will do.
        min_months: of an experience, or None if any length will do.
        not_before: the first day on which it may have been awarded or, of an experience, may have ended; None: any.
        least_subject: what the holder must say about themself at least, where the rest of `subject` may be left out;
            None: all of it. Stored only where it says something.
    """

    occupation: str
    jurisdiction: str
    min_eqf_level: int | None = None
    credential_type: str = "qualification/1.0"
    level_proof: LevelProof = LevelProof.THERMOMETER
    subject: Subject = Subject.NONE
    not_revoked: bool = True
    purpose: Purpose = Purpose.EMPLOYMENT
    min_cefr_level: str | None = None
    min_months: int | None = None
    not_before: date | None = None
    least_subject: Annotated[Subject | None, Field(exclude_if=lambda least: least is None)] = None

    @property
    def lesser(self) -> "Requirement | None":
        """The same without what may be left out; None: nothing may."""
        return None if self.least_subject is None else replace(self, subject=self.least_subject, least_subject=None)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was shown about one credential, whatever its format.

    Args:
        issuer: the DID that the source belongs to: the one that it names (vouched for by the signature), or, where it
            names a certificate, the one under which a governance file lists it (`source_owner`).
        source: who signed it and with what, as the format's adapter verified.
        binding: what the presentation proved to tie it to who shows it.
        status: the revocation registry or status list from which non-revocation was proven, and of which it was checked
            that the issuer signed it; None if nothing proved it, for then its name is the holder's word.
        occupation: as signed, canonical ("C7212"); of a language certificate the language ("mlt").
        proven_eqf_level: the L of a proven "level >= L" (or the exact level, if shown); None if nothing was proven.
        framework, crosswalk_version: as signed; framework is "" where the type has no level, crosswalk_version is
            None if no level is claimed by crosswalk.
        awarded: when, as precisely as it was shown; the issuer's own word.
        expires_on: last day of validity, None = does not expire.
        proven_cefr_level: the L of a proven "level >= L" of a language; None if nothing was proven.
    """

    issuer: Did
    source: SourceId
    credential_type: str
    occupation: str
    proven_eqf_level: int | None
    framework: str
    crosswalk_version: str | None
    awarded: DateSpan
    expires_on: date | None
    status: StatusId | None = None
    binding: Binding = field(kw_only=True)
    proven_cefr_level: str | None = field(default=None, kw_only=True)


class AnswerPart(msgspec.Struct, frozen=True):
    """A part of an answer: a struct, as frozen dataclasses take ten times as long to make. Pydantic can hold it too."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> CoreSchema:
        """Let records that are kept as JSON hold answers."""

        def read(value: object) -> Any:
            if isinstance(value, cls):
                return value
            try:
                return msgspec.convert(value, cls, dec_hook=_did)
            except (msgspec.ValidationError, IdentifierError) as err:
                raise PydanticCustomError("answer", "expected a part of a trust decision") from err

        written = core_schema.plain_serializer_function_ser_schema(plain)
        return core_schema.no_info_plain_validator_function(read, serialization=written)


def _did(kind: type, value: Any) -> Did:
    if kind is not Did:
        raise NotImplementedError(f"expected a DID to be read, found {kind.__name__}")
    return Did.parse(value)


def plain(answer: AnswerPart) -> Any:
    """Return a part of an answer as JSON has it."""
    return msgspec.to_builtins(answer, enc_hook=str)


class Reason(AnswerPart, frozen=True):
    """One finding of a decision: a stable code for programs and a plain sentence for people."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Step:
    """One rule applied: its number, what it asks, and the reason it failed, None if it held."""

    number: int
    title: str
    failure: Reason | None


class GovernanceRef(AnswerPart, frozen=True):
    """Which governance file a decision rests on.

    Args:
        digest: "sha256:" + hex of the signed file's bytes.
    """

    id: str
    version: int
    digest: str


class ChainLink(AnswerPart, frozen=True):
    """One step of a chain of recognition: whose file was used, and the recognition that led there.

    Args:
        authority: the DID of the recognised authority.
        name: how it is called by the file that recognises it, else by its own.
        recognition: id of the recognition in the file of the step before.
        governance: the recognised authority's file.
    """

    authority: Did
    name: str
    recognition: str
    governance: GovernanceRef


class TrustDecision(AnswerPart, frozen=True):
    """The answer, its reasons (at least one) and what it rests on (None: there is no usable governance file).

    Args:
        chain: the recognitions across authorities that it rests on, nearest first; empty if the home file decided.
        redress: whom to appeal to, as the statements that decided it name them.
    """

    verdict: Verdict
    reasons: tuple[Reason, ...]
    governance: GovernanceRef | None
    decided_at: datetime
    chain: tuple[ChainLink, ...] = ()
    redress: tuple[str, ...] = ()
