"""What a refresh of governance leads to: its outcome, its report, and what goes wrong on the way."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import ClassVar

from wanderbuch.errors import GovernanceError, WanderbuchError
from wanderbuch.governance.facts.identifiers import DidUrl
from wanderbuch.governance.facts.question import GovernanceRef, Reason
from wanderbuch.governance.signed.jws import KeyResolver


class RefreshOutcome(Enum):
    """How a refresh ended."""

    UPDATED = "UPDATED"  # a newer file, or a newer statement about the file held
    UNCHANGED = "UNCHANGED"
    UNREACHABLE = "UNREACHABLE"  # could not be fetched or checked
    REFUSED = "REFUSED"  # fetched, checked and refused


@dataclass(frozen=True, slots=True)
class RefreshReport:
    """What a refresh did, and what the agent holds after it.

    Args:
        outcome: of the own authority's file; how it went with others that it recognises stands in `reasons`.
        recognised_fresh_until: the first moment at which one of the others that are fresh is so no longer.
    """

    outcome: RefreshOutcome
    reasons: tuple[Reason, ...]
    governance: GovernanceRef | None
    fresh_until: datetime | None
    at: datetime
    recognised_fresh_until: datetime | None = None


@dataclass(slots=True)
class RefreshAttempt:
    """What one round of downloads led to.

    Args:
        lapsed: the author's own word takes the freshness from the file held, whatever it said before.
    """

    changed: bool = False
    lapsed: bool = False
    failure: RefreshOutcome | None = None
    reasons: list[Reason] = field(default_factory=list)

    @property
    def outcome(self) -> RefreshOutcome:
        """How it ended."""
        return self.failure or (RefreshOutcome.UPDATED if self.changed else RefreshOutcome.UNCHANGED)

    def note(self, outcome: RefreshOutcome, code: str, err: WanderbuchError) -> None:
        """Remember what went wrong; a refusal weighs more than a failure to reach."""
        self.failure = RefreshOutcome.REFUSED if RefreshOutcome.REFUSED in (self.failure, outcome) else outcome
        text = f"{err.message}; {err.hint}" if err.hint else err.message
        self.reasons.append(Reason(code, text))


class WithheldError(GovernanceError):
    """A valid statement names a newer file than the one that is served."""

    code: ClassVar[str] = "governance.withheld"


class EquivocationError(GovernanceError):
    """The author signed two histories of which neither is the beginning of the other."""

    code: ClassVar[str] = "history.equivocation"


class RememberedKeys:
    """A key resolver that remembers what it found, so that a kept file can be opened again without a network."""

    def __init__(self, resolve_key: KeyResolver) -> None:
        self._resolve_key = resolve_key
        self.by_url: dict[DidUrl, bytes] = {}

    async def __call__(self, did_url: DidUrl) -> bytes:
        """Return the key that stands under the DID URL now."""
        key = await self._resolve_key(did_url)
        self.by_url[did_url] = key
        return key
