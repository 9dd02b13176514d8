"""What ends in the wallet is told to the event log.

The records are ACA-Py's, and its own handlers write some of the ends (a peer's acknowledgement, a peer's problem
report), so nothing can be noted before. The event bus tells of each end once it is saved; what a crash kept from being
told, the sweep finds: it reads every record anyway, and tells what ended since the last sweep, after a start within the
last week. An event is told once, so that costs nothing but a look.
"""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from acapy_agent.config.injection_context import InjectionContext
from acapy_agent.core.event_bus import Event as BusEvent
from acapy_agent.core.event_bus import EventBus
from acapy_agent.core.profile import Profile
from acapy_agent.protocols.issue_credential.v2_0.models.cred_ex_record import V20CredExRecord
from acapy_agent.protocols.present_proof.v2_0.models.pres_exchange import V20PresExRecord
from acapy_agent.storage.error import StorageNotFoundError

from wanderbuch.agents.holder import offers, requests
from wanderbuch.agents.holder.exchanges import changed_at
from wanderbuch.agents.holder.offers import OfferState
from wanderbuch.agents.holder.requests import RequestState
from wanderbuch.store.event_kinds import Event, EventKind
from wanderbuch.store.tables import events_of

_ENDED: Final = re.compile(r"acapy::record::(?:issue_credential_v2_0|present_proof_v2_0)::(?:done|abandoned)$")
_AFTER_A_START: Final = timedelta(days=7)
_OVERLAP: Final = timedelta(minutes=10)
_AT_ONCE: Final = 100
_GOES_ON: Final = (OfferState.OPEN, OfferState.ACCEPTED)


def setup_telling(context: InjectionContext) -> None:
    """Hear of every end in every wallet of this process."""
    context.inject(EventBus).subscribe(_ENDED, _heard)


def end_of(record: Any) -> Event | None:
    """Return what the record of an offer or of a request tells; None while it goes on, or if it is no holder's."""
    if isinstance(record, V20CredExRecord):
        if record.role != V20CredExRecord.ROLE_HOLDER or not record.cred_offer:
            return None
        state = offers.state_of(record)
        if state is OfferState.RECEIVED:
            return Event(EventKind.WALLET_CREDENTIAL_KEPT, record.cred_ex_id)
        if state in _GOES_ON:
            return None
        return Event(EventKind.WALLET_OFFER_ENDED, record.cred_ex_id, {"state": state.value})
    if record.role != V20PresExRecord.ROLE_PROVER or not record.pres_request:
        return None
    asked = requests.state_of(record)
    if asked in (RequestState.OPEN, RequestState.PRESENTED):
        return None
    return Event(EventKind.WALLET_REQUEST_ENDED, record.pres_ex_id, {"state": asked.value})


class Ends:
    """The ends that the sweeps of one wallet come by."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._swept_at: datetime | None = None
        self._since: datetime | None = None
        self._found: list[Event] = []

    def begin(self, now: datetime) -> None:
        """Begin a sweep."""
        self._since = now - _AFTER_A_START if self._swept_at is None else self._swept_at - _OVERLAP
        self._found = []

    def note(self, record: Any) -> None:
        """Look at a record that the sweep reads; may be called in another thread."""
        if self._since is not None and changed_at(record) >= self._since and (event := end_of(record)) is not None:
            self._found.append(event)

    async def tell(self, now: datetime) -> None:
        """Tell what was noted, and end the sweep."""
        found, self._found = self._found, []
        for begin in range(0, len(found), _AT_ONCE):
            await _tell(self._profile, found[begin : begin + _AT_ONCE])
        self._swept_at = now


async def _heard(profile: Profile, told: BusEvent) -> None:
    kind = V20CredExRecord if "issue_credential" in told.topic else V20PresExRecord
    try:
        async with profile.session() as session:
            record = await kind.retrieve_by_id(session, told.payload[kind.RECORD_ID_NAME])
    except StorageNotFoundError:
        return
    if (event := end_of(record)) is not None:
        await _tell(profile, [event])


async def _tell(profile: Profile, events: Sequence[Event]) -> None:
    await events_of(profile).append(*events)
