"""What offers and requests have in common: ages, deadlines, one step at a time."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from weakref import WeakValueDictionary

from acapy_agent.core.profile import Profile
from acapy_agent.messaging.responder import BaseResponder

_steps: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()


def one_step(exchange_id: str) -> asyncio.Lock:
    """Return the lock under which every step of this exchange is taken, so that of two clicks one comes second."""
    return _steps.setdefault(exchange_id, asyncio.Lock())


def began_at(record: Any) -> datetime:
    """Return when an ACA-Py exchange record was made."""
    return _instant(record.created_at)


def changed_at(record: Any) -> datetime:
    """Return when an ACA-Py exchange record was last written."""
    return _instant(record.updated_at)


def deadline(record: Any, seconds: int) -> datetime:
    """Return when an exchange ends by itself."""
    return began_at(record) + timedelta(seconds=seconds)


async def send_again(profile: Profile, record: Any, message: Any) -> None:
    """Send the message that an exchange waits on once more, word for word: ACA-Py queues what goes out in memory only.

    Writing the record notes the sending, so that one process does it once.
    """
    async with profile.session() as session:
        await record.save(session, reason="sent again")
    await profile.inject(BaseResponder).send(message, connection_id=record.connection_id)


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
