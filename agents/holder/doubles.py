"""Rows that stand twice where there must be one: healed, so that ACA-Py finds what it looks for again.

Earlier versions opened an invitation twice as two rows, and of two deliveries at once made two exchanges. ACA-Py then
finds "duplicates" and refuses every further step. Of such rows one is left:

- of what invitations brought on one thread the oldest row by which it can be answered; a row that was cut off before
  that is of no use to anybody;
- of an exchange the one that went furthest, the oldest of those.

Where other processes share the store, what is younger than a few minutes is left alone: one of them may be about to
complete it.
"""

import logging
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from acapy_agent.core.profile import Profile
from acapy_agent.protocols.issue_credential.v2_0.models.cred_ex_record import V20CredExRecord
from acapy_agent.protocols.out_of_band.v1_0.models.oob_record import OobRecord
from acapy_agent.protocols.present_proof.v2_0.models.pres_exchange import V20PresExRecord
from acapy_agent.storage.error import StorageNotFoundError

from wanderbuch.agents.holder.exchanges import changed_at
from wanderbuch.plugins.trust.keeping import OFFER_WITHHELD
from wanderbuch.store.tables import tables_of

LOGGER = logging.getLogger(__name__)

_SETTLED: Final = timedelta(minutes=10)
_OPEN = (V20PresExRecord.STATE_REQUEST_RECEIVED, V20CredExRecord.STATE_OFFER_RECEIVED, OFFER_WITHHELD)


async def heal_doubles(profile: Profile) -> None:
    """Leave one row of each invitation and each exchange of a holder; without effect where there are no doubles."""
    async with profile.session() as session:
        rows = await OobRecord.query(session, post_filter_positive={"role": OobRecord.ROLE_RECEIVER})
        questions = await V20PresExRecord.query(session, post_filter_positive={"role": V20PresExRecord.ROLE_PROVER})
        offers = await V20CredExRecord.query(session, post_filter_positive={"role": V20CredExRecord.ROLE_HOLDER})
    settled = datetime.now(UTC) - (_SETTLED if tables_of(profile).engine.is_shared else timedelta(0))
    threads = defaultdict(list)
    for row in rows:
        if changed_at(row) <= settled:
            threads[row.attach_thread_id].append(row)
    for same in threads.values():
        await _leave_one(profile, same)
    exchanges = defaultdict(list)
    for record in (*questions, *offers):
        if changed_at(record) <= settled:
            exchanges[record.RECORD_TYPE, record.connection_id, record.thread_id].append(record)
    for same in exchanges.values():
        best, *others = sorted(same, key=lambda record: (record.state in _OPEN, str(record.created_at)))
        await _remove(profile, [each for each in others if each.state in _OPEN], best)


async def leave_one_invitation(profile: Profile, invitation_id: str, thread_id: str | None) -> OobRecord | None:
    """Return the row by which a thread can be answered without a connection, None if there is none; others go.

    Args:
        profile: whose wallet.
        invitation_id: of the invitation that is opened; what an earlier opening left of it goes too.
        thread_id: of what it carries; None if it carries nothing.
    """
    found: dict[str, OobRecord] = {}
    async with profile.session() as session:
        for tags in ({"invi_msg_id": invitation_id}, {"attach_thread_id": thread_id}):
            if None not in tags.values():
                same = await OobRecord.query(session, tags, post_filter_positive={"role": OobRecord.ROLE_RECEIVER})
                found |= {row.oob_id: row for row in same}
    return await _leave_one(profile, list(found.values()))


async def _leave_one(profile: Profile, rows: list[OobRecord]) -> OobRecord | None:
    complete = [row for row in rows if row.our_recipient_key and row.their_service and row.attach_thread_id]
    best = min(complete, key=lambda row: str(row.created_at), default=None)
    await _remove(profile, [row for row in rows if row is not best], best)
    return best


async def _remove(profile: Profile, doubles: list[Any], best: Any) -> None:
    for each in doubles:
        LOGGER.warning("healing: %s %s is removed; %s stays", each.RECORD_TYPE, each._id, best._id if best else "none")  # noqa: SLF001 (ACA-Py's name)
        try:
            async with profile.session() as session:
                await each.delete_record(session)
        except StorageNotFoundError:
            continue  # another process was faster
