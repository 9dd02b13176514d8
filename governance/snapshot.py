"""One verified governance file together with what is known of its freshness: all that a decision may rest on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from wanderbuch.governance.file import GovernanceFile
from wanderbuch.governance.identifiers import Did
from wanderbuch.governance.question import GovernanceRef, Reason

CLOCK_SKEW: Final = timedelta(minutes=5)  # how far two honest clocks may be apart


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
    """

    file: GovernanceFile
    digest: str
    fresh_until: datetime | None
    notes: tuple[Reason, ...] = ()
    fresh_from: datetime | None = None
    recognised: Mapping[Did, "GovernanceSnapshot"] = field(default_factory=dict)

    @property
    def ref(self) -> GovernanceRef:
        """What a decision names as its ground."""
        return GovernanceRef(self.file.id, self.file.version, self.digest)

    def is_fresh(self, at: datetime) -> bool:
        """Return whether the author vouched for this version at the instant `at` (aware).

        The end is never stretched; a clock that stands before the statement was made is wrong, so nothing is fresh.
        """
        if self.fresh_until is None or at >= self.fresh_until:
            return False
        return self.fresh_from is None or at >= self.fresh_from - CLOCK_SKEW
