"""What an acknowledgement says (Aries RFC 0015): it is done, it went wrong, or it takes a while."""

from collections.abc import Mapping
from enum import Enum
from typing import Any

from wanderbuch.errors import ExchangeError


class AckStatus(Enum):
    """How it went, as RFC 0015 spells it."""

    OK = "OK"
    FAIL = "FAIL"
    PENDING = "PENDING"  # another acknowledgement, or a problem report, follows


def read_ack(members: Mapping[str, Any]) -> AckStatus:
    """Return what an acknowledgement says.

    Raises:
        ExchangeError: it says nothing, or something else; RFC 0015 demands one of the three.
    """
    status = members.get("status")
    try:
        return AckStatus(status)
    except ValueError:
        raise ExchangeError(
            "expected an acknowledgement with the status OK, FAIL or PENDING, found another or none"
        ) from None
