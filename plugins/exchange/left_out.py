"""What may be left out of an answer: a member of the request's message, and the request without it (ADR 101).

AnonCreds 1.0 has no optional part, so who leaves something out answers another request: the lesser one, which is the
whole one without some names, and with a nonce of its own. It is made of the whole one here, at both ends alike, and so
can ask for nothing that the whole one does not ask.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from wanderbuch.errors import ExchangeError

MEMBER: Final = "may_be_left_out"
"""Of the message; who does not know it ignores it."""

_ATTRIBUTES: Final = "requested_attributes"
_MOST_NAMES: Final = 64
_MOST_CHARS: Final = 256
_NONCE: Final = re.compile(r"[1-9][0-9]{0,24}")  # 80 bits: AnonCreds 1.0, "Presentation Request"


class LeftOutError(ExchangeError):
    """What a message says may be left out is no part of what it asks."""

    code = "exchange.left_out"


@dataclass(frozen=True, slots=True)
class MayBeLeftOut:
    """What may be left out, all of it together.

    Args:
        attributes: the names, as the request spells them.
        nonce: of the request without them.
    """

    attributes: tuple[str, ...]
    nonce: str

    @classmethod
    def read(cls, members: Mapping[str, Any]) -> Self | None:
        """Return what a message says; None: it says nothing.

        Raises:
            LeftOutError: it cannot be read.
        """
        if (told := members.get(MEMBER)) is None:
            return None
        names, nonce = (told.get("attributes"), told.get("nonce")) if isinstance(told, Mapping) else (None, None)
        if not isinstance(names, list) or not 1 <= len(names) <= _MOST_NAMES:
            raise LeftOutError(f"expected 1 to {_MOST_NAMES} attributes in {MEMBER}")
        if not all(isinstance(name, str) and 0 < len(name) <= _MOST_CHARS for name in names):
            raise LeftOutError(f"expected names of at most {_MOST_CHARS} characters in {MEMBER}")
        if not isinstance(nonce, str) or _NONCE.fullmatch(nonce) is None:
            raise LeftOutError(f"expected a nonce of its own in {MEMBER}")
        return cls(tuple(names), nonce)

    def member(self) -> dict[str, Any]:
        """Return the member of the message."""
        return {MEMBER: {"attributes": list(self.attributes), "nonce": self.nonce}}

    def without(self, proof_request: Mapping[str, Any]) -> dict[str, Any]:
        """Return the lesser request.

        Args:
            proof_request: the whole one; well formed.

        Raises:
            LeftOutError: it does not ask for all of these, or would show nothing without them, or has this nonce.
        """
        left_out, groups = frozenset(self.attributes), proof_request[_ATTRIBUTES]
        lesser = {
            referent: {**group, "names": [name for name in group["names"] if name not in left_out]}
            if group.get("names")
            else group
            for referent, group in groups.items()
        }
        asked = {name for group in groups.values() for name in group.get("names") or ()}
        if not left_out <= asked or any(group.get("names") == [] for group in lesser.values()):
            raise LeftOutError("what may be left out is no part of what is asked")
        if proof_request.get("nonce") == self.nonce:
            raise LeftOutError("what is asked without it has no nonce of its own")
        return {**proof_request, "nonce": self.nonce, _ATTRIBUTES: lesser}
