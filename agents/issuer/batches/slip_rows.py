"""What the batches say of their rows to the register: who may still claim, and of which batch an older offer is."""

from collections.abc import Mapping

from acapy_agent.core.profile import Profile

from wanderbuch.agents.issuer.batch_records.batch import Batch, BatchState
from wanderbuch.agents.issuer.batch_records.row import BatchRow, RowState, row_id
from wanderbuch.agents.issuer.register.number_entries import SlipRow
from wanderbuch.store.records import RecordStore

_OVER = (RowState.LEFT_OUT, RowState.ISSUED)


class KeptSlipRows:
    """The rows of one issuer's batches.

    Args:
        profile: whose.
    """

    def __init__(self, profile: Profile) -> None:
        self._profile = profile

    async def is_live(self, row: SlipRow) -> bool:
        """Return whether somebody may still claim a row; of one that was claimed, its offers tell."""
        async with self._profile.session() as session:
            batch = await session.handle.fetch(Batch.category, row.batch_id)
            kept = await session.handle.fetch(BatchRow.category, row_id(row.batch_id, row.number))
        if batch is None or Batch.read(batch).state is BatchState.CANCELLED:
            return False
        return kept is None or BatchRow.read(kept).state not in _OVER

    async def batch_of_offers(self) -> Mapping[str, str]:
        """Return of which batch each offer is that a row still knows."""
        batches: dict[str, str] = {}
        async for row in RecordStore(self._profile, BatchRow).every():
            last = () if row.offer_id is None else (row.offer_id,)
            batches |= dict.fromkeys((*row.ended, *row.to_end, *last), row.batch_id)
        return batches
