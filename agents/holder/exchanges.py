"""What offers and requests have in common: ages, deadlines, and sending again what may be lost."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from acapy_agent.core.profile import Profile, ProfileSession
from acapy_agent.messaging.responder import BaseResponder
from acapy_agent.protocols.issue_credential.v2_0.models.cred_ex_record import V20CredExRecord
from acapy_agent.protocols.out_of_band.v1_0.models.oob_record import OobRecord

from wanderbuch.plugins.trust.ending import Ending, read_ending

_ABANDONED: Final = V20CredExRecord.STATE_ABANDONED  # the same word in both protocols
_FIRST_PAUSE: Final = timedelta(seconds=30)


def began_at(record: Any) -> datetime:
    """Return when an ACA-Py exchange record was made."""
    return _instant(record.created_at)


def changed_at(record: Any) -> datetime:
    """Return when an ACA-Py exchange record was last written."""
    return _instant(record.updated_at)


def deadline(record: Any, seconds: int) -> datetime:
    """Return when an exchange ends by itself."""
    return began_at(record) + timedelta(seconds=seconds)


def is_unheard(record: Any, now: datetime, *, began: datetime) -> bool:
    """Return whether what an exchange waits on is to be sent once more: nobody has answered it yet.

    Once by each process that did not send it itself: ACA-Py queues what goes out in memory only. Then after ever longer
    pauses, as the other side may have been away for longer than ACA-Py tries.

    Args:
        record: as it stands; it was last written when the message was sent.
        now: the instant of the sweep.
        began: when this process began.
    """
    sent = changed_at(record)
    return sent < began or now - sent >= max(_FIRST_PAUSE, (sent - began_at(record)) / 2)


def may_be_untold(record: Any, now: datetime, *, began: datetime, seconds: int) -> bool:
    """Return whether the other side may not know that this side ended an exchange: a crash may have come between.

    It is told once more by the next process, as long as it may still be waiting.

    Args:
        record: as it stands; it was last written when the exchange ended.
        now: the instant of the sweep.
        began: when this process began.
        seconds: how long an exchange lasts.
    """
    ended_here = record.state == _ABANDONED and read_ending(record.error_msg).ending is not Ending.BY_PEER
    return ended_here and changed_at(record) < began and now < deadline(record, seconds)


async def send_again(profile: Profile, record: Any, message: Any) -> None:
    """Send the message that an exchange waits on once more, word for word; writing the record notes the sending."""
    async with profile.session() as session:
        await record.save(session, reason="sent again")
    await profile.inject(BaseResponder).send(message, connection_id=record.connection_id)


async def forget_invitation(session: ProfileSession, record: Any) -> None:
    """Remove what is kept of the invitation that brought an exchange without a connection; the exchange is gone."""
    if record.connection_id is None:
        for row in await OobRecord.query(
            session, {"attach_thread_id": record.thread_id}, post_filter_positive={"role": OobRecord.ROLE_RECEIVER}
        ):
            await row.delete_record(session)


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
