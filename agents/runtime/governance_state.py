"""The governance that an agent's decisions rest on, as its REST API shows it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Protocol

from wanderbuch.agents.runtime.app import ApiModel, Call, Route, get, post
from wanderbuch.agents.runtime.decisions import GovernanceRefOut, ReasonOut
from wanderbuch.errors import ConfigurationError
from wanderbuch.governance.facts.snapshot import Freshness, GovernanceSnapshot
from wanderbuch.plugins.trust.following.source import GovernanceSource, RefreshOutcome
from wanderbuch.store.records import utc_now


class RecognisedOut(ApiModel):
    """The file of another authority that ours recognises, directly or through others."""

    authority: str
    name: str
    current: GovernanceRefOut
    freshness: Freshness
    fresh_until: datetime | None

    @classmethod
    def of(cls, snapshot: GovernanceSnapshot, at: datetime) -> "RecognisedOut":
        """Return what is held of another authority for the wire."""
        return cls(
            authority=snapshot.file.author,
            name=snapshot.file.name,
            current=GovernanceRefOut.of(snapshot.ref),
            freshness=snapshot.freshness(at),
            fresh_until=snapshot.fresh_until,
        )


class GovernanceOut(ApiModel):
    """The governance that decisions rest on now; without a file yet, all but the notes is null.

    `freshness` is FRESH, STALE or EXPIRED: only what is FRESH can be trusted.
    """

    url: str
    author: str
    name: str | None
    current: GovernanceRefOut | None
    freshness: Freshness | None
    fresh_until: datetime | None
    is_fresh: bool
    recognised: list[RecognisedOut]
    last_refresh: RefreshOutcome | None
    refreshed_at: datetime | None
    notes: list[ReasonOut]

    @classmethod
    def of(cls, source: GovernanceSource, at: datetime) -> "GovernanceOut":
        """Return what a source holds for the wire."""
        snapshot, report = source.snapshot(), source.last_report
        others = snapshot.recognised.values() if snapshot else ()
        return cls(
            url=source.config.url,
            author=source.config.author,
            name=snapshot.file.name if snapshot else None,
            current=GovernanceRefOut.of(snapshot.ref) if snapshot else None,
            freshness=snapshot.freshness(at) if snapshot else None,
            fresh_until=snapshot.fresh_until if snapshot else None,
            is_fresh=snapshot is not None and snapshot.is_fresh(at),
            recognised=[RecognisedOut.of(governance_snapshot, at) for governance_snapshot in others],
            last_refresh=report.outcome if report else None,
            refreshed_at=report.at if report else None,
            notes=[ReasonOut.of(reason) for reason in (report.reasons if report else ())],
        )


def governance_of(source: GovernanceSource | None) -> GovernanceSource:
    """Return an agent's governance.

    Raises:
        ConfigurationError: it has none.
    """
    if source is None:
        raise ConfigurationError("this agent has no governance", hint="add the table [governance]")
    return source


class HasGovernance(Protocol):
    """An office that tells whose word counts for it."""

    @property
    def governance(self) -> GovernanceSource | None:
        """Return the source; None if there is none."""


async def _show(office: HasGovernance, _: Call[None]) -> GovernanceOut:
    return GovernanceOut.of(governance_of(office.governance), utc_now())


async def _refresh(office: HasGovernance, call: Call[None]) -> GovernanceOut:
    await governance_of(office.governance).refresh()
    return await _show(office, call)


GOVERNANCE_ROUTES: Final[Sequence[Route]] = (
    get("/governance", _show, result=GovernanceOut, summary="Show what decisions rest on"),
    post("/governance/refresh", _refresh, result=GovernanceOut, summary="Fetch the governance file now"),
)
"""Show a role's governance and fetch it anew; the role's office is one that `HasGovernance`."""
