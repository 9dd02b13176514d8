"""AnonCreds as one of the formats: reads an answer, finds out about it, says what it proves.

Nothing is resolved of a presentation that names what could not count (2): a stranger's answer sends us nowhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from acapy_agent.core.profile import Profile

from wanderbuch.errors import PresentationError
from wanderbuch.governance.facts.indy import UNKNOWN_LEDGER, OldNames
from wanderbuch.governance.facts.question import Reason, Verdict
from wanderbuch.plugins.exchange.anoncreds.objects import Objects
from wanderbuch.plugins.trust.verifying.anoncreds.cryptography import find_out
from wanderbuch.plugins.trust.verifying.anoncreds.lesser import as_answered
from wanderbuch.plugins.trust.verifying.anoncreds.presentation import ReceivedPresentation, read_presentation
from wanderbuch.plugins.trust.verifying.anoncreds.rules import Findings, Terms, check_identifiers, prove
from wanderbuch.plugins.trust.verifying.exchange import Verification
from wanderbuch.plugins.trust.verifying.proof import Examined, Proven, Unproven


@dataclass(frozen=True, slots=True)
class _Refused:
    """One that failed before its time could matter."""

    reasons: tuple[Reason, ...]
    credentials: int

    def at(self, instant: datetime) -> tuple[Unproven, ...]:
        """See `proof.Examined`."""
        return (Unproven(Verdict.NOT_TRUSTED, self.reasons),) * self.credentials


@dataclass(frozen=True, slots=True)
class _FoundOut:
    received: ReceivedPresentation
    terms: tuple[Terms, ...]
    findings: Findings

    def at(self, instant: datetime) -> tuple[Proven | Unproven, ...]:
        """See `proof.Examined`."""
        return prove(self.received, self.terms, self.findings, at=instant)


class AnonCredsFormat:
    """See `proof.CredentialFormat`."""

    async def examine(
        self, profile: Profile, asked: Verification, message: Mapping[str, object], *, at: datetime
    ) -> Examined:
        """See `proof.CredentialFormat`."""
        old_names = profile.inject_or(OldNames) or UNKNOWN_LEDGER
        return await examine_presentation(profile, profile.inject(Objects), asked, message, old_names=old_names, at=at)


async def examine_presentation(
    profile: Profile | None,
    objects: Objects,
    asked: Verification,
    message: Mapping[str, object],
    *,
    old_names: OldNames = UNKNOWN_LEDGER,
    at: datetime | None = None,
) -> Examined:
    """Read an answer, resolve what it names and verify it; see `cryptography.find_out`."""
    try:
        received = read_presentation(message)
    except PresentationError as err:
        return _Refused((Reason("presentation.malformed", err.message),), len(asked.groups))
    asked = as_answered(asked, received)
    terms = Terms.of(asked, old_names)
    if wrong := check_identifiers(received, terms):
        return _Refused(wrong, len(terms))
    return _FoundOut(received, terms, await find_out(profile, objects, asked.proof_request, received, at=at))
