"""Who stands in a register without a DID: listed, not yet connected. Nothing here gives trust.

A listing is keyed by a register id, the number under which the authority's own register has an institution. It says
what the institution is accredited for, before it signs with anything; no rule of a decision reads it. Once the
institution is connected, `did` says under which DID its accreditations stand, and the listing names none.
"""

from dataclasses import dataclass

from wanderbuch.governance.facts.accreditation import Agent, LevelRange
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.facts.question import DateSpan


class RegisterId(str):
    """The number of an institution in a register; it has no colon, so it is never a DID. `formats` makes one."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class ListedAccreditation:
    """What an institution is accredited for, before anything that it signs counts; members as in `Accreditation`."""

    id: str
    title: str | None
    credential_types: tuple[str, ...]
    occupations: tuple[str, ...]
    excluded_occupations: tuple[str, ...]
    level_range: LevelRange
    jurisdictions: tuple[str, ...]
    intervals: tuple[DateSpan, ...]
    accrediting_agent: Agent
    decision: str
    redress: str
    quality_assurance: str | None


@dataclass(frozen=True, slots=True)
class RegisterEntry:
    """An institution of a register.

    Args:
        did: under which its accreditations stand; None: it is not connected yet.
        accredited_for: empty once it is connected.
    """

    register_id: RegisterId
    name: str
    website: str | None
    email: str | None
    did: Did | None
    accredited_for: tuple[ListedAccreditation, ...]
