"""The steps of a row, each from the row as it is kept, and which state of it is that of its offer."""

from datetime import datetime
from typing import Final

from wanderbuch.agents.issuer.batch_records.row import BatchRow, RowState
from wanderbuch.agents.issuer.offers import Offer, OfferState

CLAIMABLE: Final = (RowState.WAITING, RowState.OPEN)
"""The states of a row that may be claimed. That a row is in neither does not say that its offer has ended."""


def state_of(offer: Offer) -> RowState:
    """Return the state of a row whose last offer this is."""
    if offer.state is OfferState.OPEN:
        return RowState.OPEN
    return RowState.ISSUED if offer.state.has_credential else RowState.WAITING


def is_as(row: BatchRow, seen: BatchRow) -> bool:
    """Return whether a row is still as it was seen, as far as its state goes."""
    return (row.state, row.offer_id, row.tries) == (seen.state, seen.offer_id, seen.tries)


def moved(row: BatchRow, state: RowState) -> BatchRow:
    """Return a row in another state."""
    return row.model_copy(update={"state": state, "locks": row.locks + (state is RowState.LOCKED)})


def locked(row: BatchRow) -> BatchRow | None:
    """Lock a row that may be claimed."""
    return moved(row, RowState.LOCKED) if row.state in CLAIMABLE else None


def tried(row: BatchRow) -> BatchRow | None:
    """Count a try; of a row that cannot be claimed none is taken."""
    return row.model_copy(update={"tries": row.tries + 1}) if row.state in CLAIMABLE else None


def proven_open(row: BatchRow) -> BatchRow | None:
    """Forget the tries of a row whose offer is open; of one that waits its next offer does."""
    return row.model_copy(update={"tries": 0}) if row.state is RowState.OPEN else None


def proven_in_vain(row: BatchRow, *, seen: BatchRow) -> BatchRow | None:
    """Forget the tries of a row that waits, and of which no offer was made although the right thing was told."""
    return row.model_copy(update={"tries": 0}) if is_as(row, seen) and row.turn == seen.turn else None


def begun(row: BatchRow, offer_id: str, at: datetime) -> BatchRow:
    """Give a row its next offer."""
    return row.model_copy(
        update={
            "state": RowState.OPEN,
            "attempts": row.attempts + 1,
            "begun": row.begun + 1,
            "tries": 0,
            "offer_id": offer_id,
            "opened_at": at,
        }
    )


def not_begun(row: BatchRow, *, offer_id: str) -> BatchRow | None:
    """Take back that a row has an offer which was never made."""
    if (row.state, row.offer_id) != (RowState.OPEN, offer_id):
        return None
    return row.model_copy(update={"state": RowState.WAITING, "begun": row.begun - 1})


def ended(row: BatchRow, *, offer_id: str) -> BatchRow | None:
    """Note that an offer which must end was asked to."""
    if offer_id not in row.to_end:
        return None
    left = tuple(one for one in row.to_end if one != offer_id)
    return row.model_copy(update={"to_end": left, "ended": (*row.ended, offer_id)})
