"""The judgements of offers that are kept, so that a list shows them without asking anybody.

Each is made when its offer comes, when it is asked for, and by the sweep; the newest is kept. It says of itself when it
was made and on which governance it rests, so whether it still is what would be said now can be told without a network.
Nothing is accepted by a kept judgement: accepting judges anew.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from acapy_agent.core.profile import Profile
from aries_askar import AskarError, AskarErrorCode, Entry
from pydantic import BaseModel, ConfigDict

from wanderbuch.governance.facts.question import TrustDecision, Verdict
from wanderbuch.governance.facts.snapshot import GovernanceSnapshot

_CATEGORY: Final = "wanderbuch.judgement"


class JudgementBook:
    """The newest judgement of each open offer of one profile, by the exchange's id."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile

    async def keep(self, exchange_id: str, decision: TrustDecision) -> None:
        """Keep a judgement in place of the one before."""
        value = _Kept(decision=decision).model_dump_json()
        async with self._profile.session() as session:
            try:
                await session.handle.insert(_CATEGORY, exchange_id, value)
            except AskarError as err:
                if err.code != AskarErrorCode.DUPLICATE:
                    raise
                await session.handle.replace(_CATEGORY, exchange_id, value)

    @staticmethod
    async def add(handle: Any, exchange_id: str, decision: TrustDecision) -> None:
        """Keep the first judgement of an offer, with the handle of an open session."""
        await handle.insert(_CATEGORY, exchange_id, _Kept(decision=decision).model_dump_json())

    async def get(self, exchange_id: str) -> TrustDecision | None:
        """Return the judgement of an offer, None if there is none."""
        async with self._profile.session() as session:
            entry = await session.handle.fetch(_CATEGORY, exchange_id)
        return None if entry is None else _read(entry)

    async def every(self, exchange_ids: list[str]) -> Mapping[str, TrustDecision]:
        """Return the judgements of these offers; some may have none."""
        judgements: dict[str, TrustDecision] = {}
        async with self._profile.session() as session:
            for exchange_id in exchange_ids:
                if (entry := await session.handle.fetch(_CATEGORY, exchange_id)) is not None:
                    judgements[exchange_id] = _read(entry)
        return judgements

    async def forget(self, exchange_id: str) -> None:
        """Remove the judgement of an offer, if there is one."""
        async with self._profile.session() as session:
            try:
                await session.handle.remove(_CATEGORY, exchange_id)
            except AskarError as err:
                if err.code != AskarErrorCode.NOT_FOUND:
                    raise


def is_current(decision: TrustDecision, snapshot: GovernanceSnapshot | None, *, at: datetime) -> bool:
    """Return whether a judgement rests on the newest that is known here. Pure.

    Args:
        decision: as it was kept.
        snapshot: the governance held now; None if there is none.
        at: now.
    """
    if decision.governance != (None if snapshot is None else snapshot.ref):
        return False
    was_fresh = decision.verdict is not Verdict.STALE
    return snapshot is None or snapshot.is_fresh(at) == was_fresh


class _Kept(BaseModel):
    """The JSON form."""

    model_config = ConfigDict(extra="forbid")

    decision: TrustDecision


def _read(entry: Entry) -> TrustDecision:
    return _Kept.model_validate_json(entry.value).decision
