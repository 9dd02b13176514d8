"""The keys of a wallet that its mediator knows: added before they are given away, given back when they are no more."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any, Final

from acapy_agent.core.profile import Profile

from wanderbuch.agents.holder.mediation.granted import MediatorError
from wanderbuch.agents.holder.mediation.talk import Talk
from wanderbuch.plugins.exchange.connecting.did_documents import bare_key
from wanderbuch.store.tables import tables_of, tenant_of

_FAMILY: Final = "coordinate-mediation/1.0"
_MOST_KNOWN: Final = 4_096
_PAGE: Final = 100  # what our index looks up at once
_MOST_PAGES: Final = 100


class KeysThere:
    """What this process knows of the keys at the mediator.

    Args:
        profile: whose wallet.
    """

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._known: OrderedDict[str, None] = OrderedDict()

    def has(self, own_key: str) -> bool:
        """Return whether the mediator is known to have a key."""
        return own_key in self._known

    async def add(self, talk: Talk, own_key: str) -> None:
        """Register a key, which is kept already.

        Raises:
            ResolutionError: the mediator does not answer, or takes no further key.
        """
        update = {"recipient_key": own_key, "action": "add"}
        answer = await talk.ask(f"{_FAMILY}/keylist-update", updates=[update])
        if _result(answer.members) not in ("success", "no_change"):
            raise MediatorError(
                "the wallet's mediator takes no further key of this wallet",
                hint="end what is open, or ask the mediator's operator for more",
            )
        self._note(own_key)

    async def tidy(self, talk: Talk) -> None:
        """Give back what the wallet has no more: exchanges end, and their keys with them.

        Raises:
            ResolutionError: the mediator does not answer.
        """
        tenant, offset = tenant_of(self._profile), 0
        for _ in range(_MOST_PAGES):
            answer = await talk.ask(f"{_FAMILY}/keylist-query", paginate={"limit": _PAGE, "offset": offset})
            listed = _listed(answer.members)
            ours = await tables_of(self._profile).keys.find(listed)
            kept = [key for key in listed if ours.get(key) == tenant]
            gone = [key for key in listed if ours.get(key) != tenant]
            for key in kept:
                self._note(key)
            offset += len(kept)
            if gone:
                updates = [{"recipient_key": key, "action": "remove"} for key in gone]
                await talk.ask(f"{_FAMILY}/keylist-update", updates=updates)
            if len(listed) < _PAGE:
                return

    def _note(self, own_key: str) -> None:
        self._known[own_key] = None
        self._known.move_to_end(own_key)
        while len(self._known) > _MOST_KNOWN:
            self._known.popitem(last=False)


def _result(members: Mapping[str, Any]) -> object:
    updated = members.get("updated")
    first = updated[0] if isinstance(updated, list) and updated else None
    return first.get("result") if isinstance(first, Mapping) else None


def _listed(members: Mapping[str, Any]) -> Sequence[str]:
    """Return the keys of a `keylist`, base58; what is no key is left out."""
    listed = members.get("keys")
    entries = [entry for entry in listed[:_PAGE] if isinstance(entry, Mapping)] if isinstance(listed, list) else []
    named = [entry.get("recipient_key") for entry in entries]
    keys = [bare_key(text) for text in named if isinstance(text, str)]
    return [key for key in dict.fromkeys(keys) if key is not None]
