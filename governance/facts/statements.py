"""What a governance file says beside accreditations and crosswalks: other authorities, rules for verifiers, programmes.

Parsed and checked, frozen. Statements of our profile, each under `participants.entries` by its schema and then by DID:

| Statement | Under the DID of | Says |
|---|---|---|
| recognition | the other authority (`publisher` of a `trusted_governance` entry) | for what its issuers count here |
| regulation | the author | which occupations are regulated here, and who decides |
| verification | a verifier | which attributes of which credential type it may ask for, for what |
| programmes | an accredited issuer | what it teaches or assesses, with competence units |
| refusal | who applied | that an accreditation was refused, and whom to appeal to |
| listing | a register id | an institution that has no DID yet, and what for; gives no trust (`listings`) |
| signatories | the author | who must sign a version, and how many of them |
| divided | the author | that the records of participants lie in parts beside the file |

Days are whole calendar days, both ends included; a span without end ends on `spans.OPEN_END`.
"""

import hashlib
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import Enum
from functools import cached_property
from itertools import accumulate

from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.facts.indy import told_with
from wanderbuch.governance.facts.question import DateSpan, Purpose


@dataclass(frozen=True, slots=True)
class TrustedGovernance:
    """Another authority's governance file (CTE, Trusted Governance).

    Args:
        publisher: who must have signed the file fetched from `uri`.
        uri: address of its current signed file (`…/current.jws`); `freshness.jws` lies beside it.
    """

    publisher: Did
    uri: str


@dataclass(frozen=True, slots=True)
class RecognitionLapse:
    """A time in which a recognition does not count: award dates in it are not carried over."""

    days: DateSpan
    decision: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Recognition:
    """Issuers that `publisher` accredits count here for these occupations, levels, purposes and times.

    Args:
        publisher: the recognised authority.
        occupations, excluded_occupations: ISCO-08 codes, each for its subtree; exclusions win over every recognition of
            this publisher.
        min_eqf_level, max_eqf_level: 1 to 8; what is proven must lie between the two, and where no level is proven,
            the lower one must be 1.
        jurisdictions: where it counts, of those the author speaks for.
        intervals: award dates that count, a normal tuple (see `spans`).
        onward: how many further authorities the recognised one may bring in; 0 = its own issuers only.
        decision, redress: where the agreement and the way to appeal are found.
    """

    id: str
    publisher: Did
    credential_types: tuple[str, ...]
    occupations: tuple[str, ...]
    excluded_occupations: tuple[str, ...]
    min_eqf_level: int
    max_eqf_level: int
    purposes: tuple[Purpose, ...]
    jurisdictions: tuple[str, ...]
    intervals: tuple[DateSpan, ...]
    lapses: tuple[RecognitionLapse, ...]
    onward: int
    decision: str
    redress: str


@dataclass(frozen=True, slots=True)
class Regulation:
    """Occupations that may only be practised with the destination's own decision.

    Args:
        jurisdictions: where they are regulated.
        intervals: while that is so (at the instant of the decision, not of the award).
        competent_authority, decision: who decides, and the legal basis.
    """

    id: str
    occupations: tuple[str, ...]
    jurisdictions: tuple[str, ...]
    intervals: tuple[DateSpan, ...]
    competent_authority: str
    decision: str
    redress: str


@dataclass(frozen=True, slots=True)
class Succession:
    """Who goes on with what a centre leaves open. It gives no trust: what the successor issues counts by its own.

    Args:
        centre: the DID of whose open certificates are taken over.
        successor: the DID of who takes them over.
        decision: address where the decision can be read.
        reason: public.
    """

    id: str
    centre: Did
    successor: Did
    decided_on: date
    decision: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class VerifierAuthorization:
    """What one verifier may ask for.

    Args:
        verifier: its DID.
        credential_type: such as "qualification/1.0".
        attributes: names that may be asked to be revealed; nothing else may.
        predicates: names about which a predicate may be asked.
        purposes: what for.
        intervals: when (at the instant of asking).
        legal_basis: address of it.
        aim: what it is for, in the verifier's own words.
        privacy_policy: address of it.
        keeps_days: how long it keeps answers; 0: not at all; None: it does not say.
    """

    id: str
    verifier: Did
    credential_type: str
    attributes: frozenset[str]
    predicates: frozenset[str]
    purposes: tuple[Purpose, ...]
    jurisdictions: tuple[str, ...]
    intervals: tuple[DateSpan, ...]
    legal_basis: str
    redress: str
    aim: str | None = None
    privacy_policy: str | None = None
    keeps_days: int | None = None


@dataclass(frozen=True, slots=True)
class CompetenceUnit:
    """A part of a programme that can be assessed by itself (level in the programme's framework, None = the same)."""

    id: str
    title: str
    level: str | None


@dataclass(frozen=True, slots=True)
class Programme:
    """What an accredited issuer teaches or assesses. It grants nothing by itself; its accreditation does."""

    id: str
    provider: Did
    accreditation: str
    title: str
    occupation: str
    framework: str
    level: str
    units: tuple[CompetenceUnit, ...]
    learning_settings: tuple[str, ...]
    intervals: tuple[DateSpan, ...]


@dataclass(frozen=True, slots=True)
class Refusal:
    """An accreditation that was applied for and refused. It takes nothing from other accreditations."""

    id: str
    applicant: Did
    occupations: tuple[str, ...]
    decided_on: date
    decision: str
    reason: str
    redress: str


class PartyKind(Enum):
    """Whom a signatory speaks for."""

    AUTHORITY = "authority"
    EMPLOYERS = "employers"
    WORKERS = "workers"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Party:
    """One who signs."""

    did: Did
    name: str
    kind: PartyKind


@dataclass(frozen=True, slots=True)
class Signatories:
    """At least `threshold` of `parties` must have signed, the author always among them.

    A new version must satisfy its own signatories and those of the version before (as in TUF, root rotation).
    """

    threshold: int
    parties: tuple[Party, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """The records of one bucket, or of several that follow each other.

    Args:
        digest: "sha256:" + hex of the part's bytes; it also names the address, `<governance url>/parts/<hex>.json`.
        size: how many bytes.
        buckets: of how many buckets.
    """

    digest: str
    size: int
    buckets: int = 1


@dataclass(frozen=True)
class Division:
    """Where the records of participants lie: the record of a DID in the part that has its bucket.

    Args:
        bits: the first bits of the SHA-256 of a DID (UTF-8) are the number of its bucket.
        parts: in the order of their buckets; together they have each of the 2^bits buckets once.
    """

    bits: int
    parts: tuple[Part, ...]

    @cached_property
    def ends(self) -> tuple[int, ...]:
        """The bucket that each part ends before."""
        return tuple(accumulate(part.buckets for part in self.parts))

    @property
    def is_whole(self) -> bool:
        """Whether there is a part for every bucket, and none for others."""
        return bool(self.ends) and self.ends[-1] == 1 << self.bits

    def bucket_of(self, did: str) -> int:
        """Return the number of the bucket of `did`."""
        return int.from_bytes(hashlib.sha256(did.encode()).digest()[:4]) >> (32 - self.bits)

    def number_of(self, did: str) -> int:
        """Return the number, from 0, of the part in which the record of `did` stands, if there is one."""
        return bisect_right(self.ends, self.bucket_of(did))

    def part_of(self, did: str) -> Part:
        """Return the part in which the record of `did` stands, if there is one."""
        return self.parts[self.number_of(did)]

    def numbers_for(self, dids: Iterable[str]) -> set[int]:
        """Return the numbers of the parts in which something is said of `dids`, under the names that can be told."""
        return {self.number_of(name) for did in dids for name in told_with(did)}

    def parts_for(self, dids: Iterable[str]) -> tuple[Part, ...]:
        """Return the parts that are needed to answer questions about some DIDs."""
        return tuple(self.parts[number] for number in sorted(self.numbers_for(dids)))
