"""One verified governance file together with what is known of its freshness: all that a decision may rest on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

from wanderbuch.governance.facts.file import GovernanceFile
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.facts.question import GovernanceRef, Reason

CLOCK_SKEW: Final = timedelta(minutes=5)  # how far two honest clocks may be apart
DEFAULT_TTL: Final = timedelta(days=30)  # where a file does not say how long its author expects a version to last


class Freshness(Enum):
    """How old what is known of a file is: only FRESH carries trust; the other two are STALE verdicts in other words."""

    FRESH = "FRESH"  # its author vouches for it now
    STALE = "STALE"  # its author vouched for it until lately, or nobody ever said that it is current
    EXPIRED = "EXPIRED"  # nobody has vouched for it for longer than its own `ttl` (30 days where it states none)


@dataclass(frozen=True, slots=True)
class GovernanceSnapshot:
    """What an agent holds at one moment. `signing` and `freshness` check what goes in; see `freshness.snapshot_of`.

    Args:
        digest: "sha256:" + hex of the signed file's bytes.
        fresh_until: end of the freshness statement that vouches for exactly this file, None if there is none.
        notes: what the reader of a decision should know, such as a rollback that was refused.
        fresh_from: when that statement was made.
        recognised: the files of other authorities that this one trusts, directly or through others, by publisher; each
            was verified and has its own freshness. What could not be fetched is missing here and named in `notes`.
        ref: what a decision names as its ground.
    """

    file: GovernanceFile
    digest: str
    fresh_until: datetime | None
    notes: tuple[Reason, ...] = ()
    fresh_from: datetime | None = None
    recognised: Mapping[Did, "GovernanceSnapshot"] = field(default_factory=dict)
    ref: GovernanceRef = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "ref", GovernanceRef(self.file.id, self.file.version, self.digest))

    def is_fresh(self, at: datetime) -> bool:
        """Return whether the author vouched for this version at the instant `at` (aware).

        The end is never stretched; a clock that stands before the statement was made is wrong, so nothing is fresh.
        """
        if self.fresh_until is None or at >= self.fresh_until:
            return False
        return self.fresh_from is None or at >= self.fresh_from - CLOCK_SKEW

    def freshness(self, at: datetime) -> Freshness:
        """Return how old what is known of the file is at the instant `at` (aware)."""
        if self.is_fresh(at):
            return Freshness.FRESH
        ttl = DEFAULT_TTL if self.file.ttl is None else self.file.ttl
        if self.fresh_until is not None and at >= self.fresh_until + ttl:
            return Freshness.EXPIRED
        return Freshness.STALE
