"""What a presentation proves, whatever its format: what each format's adapter hands to the judgement.

An adapter does rules 2 to 6. What needs the network, or the library's time, it does once (`CredentialFormat.examine`);
what depends on the instant it says as often as it is asked (`Examined.at`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from acapy_agent.core.profile import Profile

from wanderbuch.governance.facts.question import Evidence, Reason, Verdict
from wanderbuch.plugins.trust.verifying.exchange import Verification


@dataclass(frozen=True, slots=True)
class Proven:
    """What is proven of one credential that was asked for, by a presentation that passed rules 2 to 6.

    Args:
        evidence: source, status, binding and what was shown, for the decision.
        shown: the revealed values by attribute name, canonical.
        status_as_of: the time of the status list from which non-revocation was proven; None if nothing proved it.
    """

    evidence: Evidence
    shown: Mapping[str, str] = field(repr=False)
    status_as_of: datetime | None = None


@dataclass(frozen=True, slots=True)
class Unproven:
    """The same of a presentation that failed one of them, or could not be checked."""

    verdict: Verdict
    reasons: tuple[Reason, ...]


class Examined(Protocol):
    """A presentation of which everything was found out that can be."""

    def at(self, instant: datetime) -> Sequence[Proven | Unproven]:
        """Return what it proves at an instant of each credential that was asked for, in the order of the question."""
        ...


class CredentialFormat(Protocol):
    """One format of credentials: it reads an answer, and finds out what it proves."""

    async def examine(
        self, profile: Profile, asked: Verification, message: Mapping[str, object], *, at: datetime
    ) -> Examined:
        """Read an answer, resolve what it names and verify it.

        Args:
            profile: whose registries resolve.
            asked: the question, as it was put.
            message: the members of the answer that make up the presentation, as they came.
            at: the instant that nothing may be dated after, by the clock of whoever asked.
        """
        ...
