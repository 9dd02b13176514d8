"""How a message type of DIDComm v2 is handled: by whom, and with what answer.

    class AuthorityRole(Role):
        v2_handlers = {"https://trust-registry.example/…/1.0/query": V2Handler(answer_query), …}

A handler keeps nothing and may be called again with the same message, also in another process: it reads, and answers.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from acapy_agent.core.profile import Profile

from wanderbuch.plugins.exchange.v2.did_documents import V2Contact
from wanderbuch.plugins.exchange.v2.plaintext import Plaintext

MAX_BYTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class V2Incoming:
    """A message that passed the gate.

    Args:
        profile: the tenant's.
        message: strictly read.
        sender: who is proven to have sent it; None: an anonymous sender.
        own_did: the DID of ours that it came to.
    """

    profile: Profile
    message: Plaintext
    sender: V2Contact | None
    own_did: str


type V2Take = Callable[[Any, V2Incoming], Awaitable[Plaintext | None]]
"""Takes (office, message); returns the answer, if there is one.

Raises:
    ExchangeError: the message is refused; its sender is not told.
"""


def _always(_: Any) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class V2Handler:
    """How one message type is handled.

    Args:
        take: takes it.
        max_bytes: of the message.
        needs_sender: whether an anonymous sender is refused.
        is_told: whether discovery tells of it, by the settings of its role.
    """

    take: V2Take
    max_bytes: int = MAX_BYTES
    needs_sender: bool = False
    is_told: Callable[[Any], bool] = _always
