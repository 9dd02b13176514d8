"""A transaction that an endorser elsewhere was asked to sign: kept until the ledger has it."""

import hashlib
import json
from datetime import datetime, timedelta
from enum import Enum
from typing import ClassVar, Final

from pydantic import Field

from wanderbuch.store.record import Record, new_id, utc_now

_SCHEMA: Final = "101"
_ENTRY: Final = "114"  # REVOC_REG_ENTRY
_FOR: Final = timedelta(days=30)


class EndorserAnswer(Enum):
    """What an endorser answered."""

    SIGNED = "SIGNED"
    REFUSED = "REFUSED"


class Endorsement(Record):
    """A transaction that was given to an endorser; its id says what it is about (`subject_of`)."""

    category: ClassVar[str] = "wanderbuch.endorsement"
    is_listed: ClassVar[bool] = False

    body: str
    """With the author's signature, as JSON text; this one is written, whatever comes back."""
    nym: str
    """The endorser's, on the ledger."""
    number: str = Field(default_factory=new_id)
    """Of this asking: asked anew, it is another one."""
    own_key: str | None = None
    """Of the connection that it was delivered over, base58; None: not yet."""
    asked_at: datetime | None = None
    answer: EndorserAnswer | None = None
    signature: str | None = None
    answered_at: datetime | None = None

    @property
    def transaction_id(self) -> str:
        """What it is called in messages."""
        return f"{self.id}-{self.number}"

    @property
    def is_forgotten(self) -> bool:
        """Whether nobody wanted it any more for so long that it goes."""
        return utc_now() - self.created_at > _FOR


def subject_of(namespace: str, body: str) -> str:
    """Return what a transaction is about: the same text for what is to be done once.

    A state of a registry is about the registry: while one waits for its endorser, another one cannot come before it.
    The attributes of a schema have no order; the library gives them in another one each time.
    """
    members = json.loads(body)
    operation = about = members["operation"]
    if operation["type"] == _ENTRY:
        about = operation["revocRegDefId"]
    elif operation["type"] == _SCHEMA:
        about = {**operation["data"], "attr_names": sorted(operation["data"]["attr_names"])}
    named = [namespace, members["identifier"], members["endorser"], operation["type"], about]
    return hashlib.sha256(json.dumps(named, sort_keys=True).encode()).hexdigest()
