"""How an exchange ended on our side, written into ACA-Py's own record of it.

ACA-Py has one state for all of this, `abandoned`, and one text, which a peer's problem report also fills (as
"<code>: <text>"). Ours never contains a colon followed by a space, so a peer can not write what reads as ours.
"""

import re
from dataclasses import dataclass
from enum import Enum

_OURS = re.compile(r"\[(DECLINED|REFUSED|NO_ANSWER)\] (.*)", re.DOTALL)
_FORGEABLE = ": "


class Ending(Enum):
    """Who or what ended an exchange."""

    DECLINED = "DECLINED"  # the person here said no
    REFUSED = "REFUSED"  # this agent would not go on
    NO_ANSWER = "NO_ANSWER"  # the deadline passed
    BY_PEER = "BY_PEER"  # the other side ended it


@dataclass(frozen=True, slots=True)
class Ended:
    """An ending and its reason in words; of `BY_PEER` the words are the peer's, unchecked."""

    ending: Ending
    text: str


def write_ending(ending: Ending, text: str) -> str:
    """Return the text to keep in the record.

    >>> write_ending(Ending.DECLINED, "too old: no")
    '[DECLINED] too old, no'
    """
    if ending is Ending.BY_PEER:
        raise ValueError("a peer's ending is written by ACA-Py")
    return f"[{ending.value}] {text.replace(_FORGEABLE, ', ')}"


def read_ending(error_msg: str | None) -> Ended:
    """Return how an abandoned exchange ended.

    >>> read_ending('[DECLINED] too old, no').ending
    <Ending.DECLINED: 'DECLINED'>
    >>> read_ending('[DECLINED] x: [DECLINED] you did').ending
    <Ending.BY_PEER: 'BY_PEER'>
    """
    text = error_msg or ""
    ours = _OURS.fullmatch(text) if _FORGEABLE not in text else None
    return Ended(Ending(ours[1]), ours[2]) if ours else Ended(Ending.BY_PEER, text)
