"""A governance file as the rules see it: parsed, checked, frozen.

Only `validation.parse_file` makes a `GovernanceFile` from outside bytes, and only `signing.verify_file` says that its
author vouches for it. Source: DIF Credential Trust Establishment (CTE) 1.0.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from itertools import chain
from typing import Final

from wanderbuch.governance.facts.accreditation import (
    EQF,
    NO_CROSSWALK,
    Accreditation,
    Agent,
    Crosswalk,
    Lapse,
    LevelRange,
    Participant,
    RoleGrant,
    Status,
    StatusChange,
)
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.facts.index import GovernanceIndex
from wanderbuch.governance.facts.indy import told_with
from wanderbuch.governance.facts.listings import RegisterEntry
from wanderbuch.governance.facts.statements import (
    Division,
    Programme,
    Recognition,
    Refusal,
    Regulation,
    Signatories,
    Succession,
    TrustedGovernance,
    VerifierAuthorization,
)

__all__ = ["EQF", "NO_CROSSWALK", "Accreditation", "Agent", "Crosswalk", "GovernanceFile", "Lapse", "LevelRange"]
__all__ += ["CteRole", "Participant", "RoleGrant", "SchemaListing", "Status", "StatusChange"]


@dataclass(frozen=True, slots=True)
class CteRole:
    """A CTE role: which schemas it may issue and verify. It grants nothing by itself; accreditations do."""

    name: str
    issue: tuple[str, ...]
    verify: tuple[str, ...]
    granted_by: str | None


@dataclass(frozen=True, slots=True)
class SchemaListing:
    """A schema the ecosystem uses; `name` is the credential type ("qualification/1.0")."""

    id: str
    name: str


@dataclass(frozen=True)
class GovernanceFile:
    """What one authority says in one version.

    Args:
        id: opaque; the same in every version.
        version: increases with every version published.
        last_updated: when this version was made, UTC.
        ttl: how long the author expects the version to last; a hint for refreshing, never a proof of freshness.
        division: where the records of participants lie, if not in the file itself (see `division`).
        loaded: the numbers of the parts of `division` that were read.
        uri: where it says that its current signed version lies; nothing vouches for it but the author.
    """

    id: str
    name: str
    description: str | None
    version: int
    last_updated: datetime
    author: Did
    docs_uri: str | None
    ttl: timedelta | None
    schemas: tuple[SchemaListing, ...]
    roles: tuple[CteRole, ...]
    participants: tuple[Participant, ...]
    accreditations: tuple[Accreditation, ...]
    crosswalks: tuple[Crosswalk, ...]
    trusted_governance: tuple[TrustedGovernance, ...] = ()
    recognitions: tuple[Recognition, ...] = ()
    regulations: tuple[Regulation, ...] = ()
    verifications: tuple[VerifierAuthorization, ...] = ()
    programmes: tuple[Programme, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    signatories: Signatories | None = None
    listings: tuple[RegisterEntry, ...] = ()
    successions: tuple[Succession, ...] = ()
    division: Division | None = None
    loaded: frozenset[int] = frozenset()
    uri: str | None = None

    @cached_property
    def index(self) -> GovernanceIndex:
        """The look-up tables of the rules, built at the first question."""
        return GovernanceIndex(
            self.accreditations, self.crosswalks, self.participants, None if self.is_complete else self.holds
        )

    @cached_property
    def is_complete(self) -> bool:
        """Whether everything that the file says was read: always, unless it is divided and a part is missing."""
        return self.division is None or len(self.loaded) == len(self.division.parts)

    def holds(self, did: Did) -> bool:
        """Return whether all that the file says about `did` was read: else nothing follows from finding nothing.

        Of a DID on an Indy ledger that is what stands under its other names too; a did:sov may have any number of them.
        """
        if self.is_complete or self.division is None:  # without parts it is always complete
            return True
        if did.startswith("did:sov:"):
            return False
        if did.startswith("did:indy:"):
            return all(self.division.number_of(name) in self.loaded for name in told_with(did))
        return self.division.number_of(did) in self.loaded

    @cached_property
    def common_scopes(self) -> tuple[tuple[str, ...], ...]:
        """The scopes of occupations that concern every issuer: of recognitions and regulations, none twice."""
        recognised = [(recognition.occupations, recognition.excluded_occupations) for recognition in self.recognitions]
        regulated = [regulation.occupations for regulation in self.regulations]
        return tuple(dict.fromkeys(scope for scope in (*chain.from_iterable(recognised), *regulated) if scope))

    @cached_property
    def _by_did(
        self,
    ) -> tuple[
        Mapping[Did, tuple[Recognition, ...]],
        Mapping[Did, tuple[VerifierAuthorization, ...]],
        Mapping[Did, tuple[Refusal, ...]],
    ]:
        return (
            _table(self.recognitions, lambda recognition: recognition.publisher, lambda recognition: recognition.id),
            _table(
                self.verifications,
                lambda authorization: authorization.verifier,
                lambda authorization: authorization.id,
            ),
            _table(self.refusals, lambda refusal: refusal.applicant, lambda refusal: refusal.id),
        )

    @property
    def recognised_publishers(self) -> Iterable[Did]:
        """Every authority that the file has a recognition of, in no order."""
        return self._by_did[0]

    def recognitions_of(self, publisher: Did) -> tuple[Recognition, ...]:
        """Return what is recognised of another authority, by id."""
        return self._by_did[0].get(publisher, ())

    def verifications_of(self, verifier: Did) -> tuple[VerifierAuthorization, ...]:
        """Return what a verifier may ask, by id."""
        return self._by_did[1].get(verifier, ())

    def refusals_of(self, applicant: Did) -> tuple[Refusal, ...]:
        """Return what was refused to `applicant`, by id."""
        return self._by_did[2].get(applicant, ())

    def succession_of(self, centre: Did) -> Succession | None:
        """Return who goes on with what a centre leaves open; None: nobody was named."""
        return next((succession for succession in self.successions if succession.centre == centre), None)

    def participant_name(self, did: Did) -> str | None:
        """Return how the file calls `did`, or None if it does not name it."""
        participant = self.index.participants.get(did)
        return None if participant is None else participant.name

    def schema_ids(self, credential_type: str) -> tuple[str, ...]:
        """Return the ids of the schemas listed for a credential type."""
        return tuple(schema.id for schema in self.schemas if schema.name == credential_type)

    def crosswalk(self, version: str, framework: str) -> Crosswalk | None:
        """Return the crosswalk of that version and framework, or None."""
        return self.index.crosswalks.get((framework, version))

    def crosswalk_in_force(self, version: str, framework: str, on: date) -> bool:
        """Return whether that crosswalk exists and was in force on that day."""
        crosswalk = self.crosswalk(version, framework)
        return crosswalk is not None and crosswalk.valid.first <= on <= crosswalk.valid.last

    def eqf_level(self, framework: str, level: str, on: date) -> tuple[int, str]:
        """Return the EQF level (0 = no mapping) of a level awarded `on`, and the version of the crosswalk applied.

        "EQF" levels are themselves; the version is then `NO_CROSSWALK`, as it is where no crosswalk was in force.
        """
        if framework == EQF:
            return (int(level) if level in _EQF_LEVELS else 0), NO_CROSSWALK
        for crosswalk in self.index.crosswalks_of.get(framework, ()):
            if crosswalk.valid.first <= on <= crosswalk.valid.last:
                return crosswalk.eqf(level), crosswalk.version
        return 0, NO_CROSSWALK


_EQF_LEVELS: Final = frozenset("12345678")


def _table[T](
    statements: Iterable[T], about: Callable[[T], Did], order: Callable[[T], str]
) -> Mapping[Did, tuple[T, ...]]:
    by_did: dict[Did, list[T]] = defaultdict(list)
    for statement in sorted(statements, key=order):
        by_did[about(statement)].append(statement)
    return {did: tuple(listed) for did, listed in by_did.items()}
