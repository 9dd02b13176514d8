"""Offers and revocations as the first version that was published kept them: one record that was changed in place.

Their exchanges were ACA-Py's, so what was open when the new version came cannot go on: such an offer has no answer, and
is made again. What was issued stays issued, with its place, and can be revoked; the wallet learns that from the status
list, since the keys of its connection do not stand in the record.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from wanderbuch.agents.issuer.intents import RevocationIntent, RevocationState, published
from wanderbuch.agents.issuer.offers import REVOKED, Offer, OfferState, Receipt, answered, ended, issued
from wanderbuch.store.record import utc_now
from wanderbuch.store.upgrading import Kept, OlderRecords, Renewed

_NO_LONGER_OPEN: Final = "0"  # of a nonce and a schema: an offer that has ended is not made again


def _offer(kept: Kept) -> Renewed:
    offer = Offer(
        id=kept["id"],
        created_at=kept["created_at"],
        credential_type=kept["credential_type"],
        schema_id=_NO_LONGER_OPEN,
        cred_def_id=kept["cred_def_id"],
        values=kept["values"],
        governance_version=kept["governance_version"],
        answer_by=kept["answer_by"],
        nonce=_NO_LONGER_OPEN,
        invitation_url=kept["invitation_url"],
        short_url=kept["short_url"],
    )
    state = OfferState(kept["state"])
    markers: dict[str, Mapping[str, Any]] = {}
    if state.has_credential:
        markers["outcome"] = issued(
            offer,
            registry=kept["registry"],
            index=kept["index"],
            request_digest="",
            at=datetime.fromisoformat(kept["issued_at"]),
        )
        if kept["receipt"] != Receipt.NONE.value:
            markers["receipt"] = answered(Receipt(kept["receipt"]))
        if state is OfferState.REVOKED:
            markers["revoked"] = REVOKED
    else:
        at = kept["ended_at"]
        end = ended(
            OfferState.NO_ANSWER if state is OfferState.OPEN else state,
            at=utc_now() if at is None else datetime.fromisoformat(at),
        )
        markers["outcome"] = {**end, "reasons": kept["reasons"]} if kept["reasons"] else end
    return Renewed(offer, markers)


def _intent(kept: Kept) -> Renewed:
    intent = RevocationIntent(
        id=kept["id"], created_at=kept["created_at"], registry=kept["registry"], index=kept["index"]
    )
    if RevocationState(kept["state"]) is RevocationState.REQUESTED:
        return Renewed(intent, {})
    at, listed_at = (datetime.fromisoformat(kept[name]) for name in ("published_at", "listed_at"))
    told = {"told_at": at.isoformat()}  # ACA-Py told the wallet once, as it did then
    return Renewed(intent, {"published": published(listed_at=listed_at, at=at), "told": told})


OLDER_RECORDS: Final = (
    OlderRecords(Offer.category, "cred_ex_id", _offer),
    OlderRecords(RevocationIntent.category, "connection_id", _intent),
)
