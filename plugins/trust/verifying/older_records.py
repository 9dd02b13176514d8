"""Verifications as the first version that was published kept them: one record that was changed in place.

What was decided stays decided, under its id. What was open when the new version came has no answer: its exchange was
ACA-Py's.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from wanderbuch.plugins.trust.verifying.exchange import (
    ANSWER,
    DECISION,
    Verification,
    VerificationState,
    declined,
    taken,
    unanswered,
)
from wanderbuch.plugins.trust.verifying.seen import SEEN
from wanderbuch.store.record import utc_now
from wanderbuch.store.upgrading import Kept, OlderRecords, Renewed

_AS_PUT: Final = (
    *("id", "created_at", "invitation_url", "short_url", "requirement", "award_precision", "proof_request"),
    *("words", "names", "hidden", "eligible", "schemas", "answer_by"),
)


def _verification(kept: Kept) -> Renewed:
    # From JSON, as it was kept: a tuple there is an array.
    put = Verification.model_validate_json(msgspec.json.encode({name: kept[name] for name in _AS_PUT}))
    at = utc_now() if kept["ended_at"] is None else datetime.fromisoformat(kept["ended_at"])
    match VerificationState(kept["state"]):
        case VerificationState.DECIDED:
            return _decided(kept, put, at)
        case VerificationState.DECLINED:
            markers: Mapping[str, Mapping[str, Any]] = {ANSWER: declined(kept["decline_code"] or "", at=at)}
        case _:
            markers = {ANSWER: unanswered(at=at)}
    return Renewed(put, markers)


def _decided(kept: Kept, put: Verification, at: datetime) -> Renewed:
    since = kept["judging_since"]
    seen = kept["seen"]
    decision = {
        "state": VerificationState.DECIDED.value,
        "decision": kept["decision"],
        "seen_until": None if seen is None else kept["seen_until"] or at.isoformat(),
        "ended_at": at.isoformat(),
    }
    answer = taken(kept["answer_digest"] or "", at=at if since is None else datetime.fromisoformat(since))
    beside = () if seen is None else ((SEEN, put.id, msgspec.json.encode(seen)),)
    return Renewed(put, {ANSWER: answer, DECISION: decision}, beside)


OLDER_RECORDS: Final = (OlderRecords(Verification.category, "pres_ex_id", _verification),)
