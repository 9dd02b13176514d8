"""The keys of a wallet that its mediator knows: added before they are given away, given back when they are no more.

A mediator may forget keys: it took an older copy of its store, or a copy of this wallet, older than the wallet, gave
them back. What the mediator's list lacks is registered again, as far as this process had it there.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any, Final

from acapy_agent.core.profile import Profile

from wanderbuch.agents.holder.mediation.granted import MediatorError, TalkEndedError
from wanderbuch.agents.holder.mediation.talk import Talk
from wanderbuch.plugins.exchange.connecting.did_documents import bare_key
from wanderbuch.store.tables import tables_of, tenant_of

_FAMILY: Final = "coordinate-mediation/1.0"
_MOST_KNOWN: Final = 4_096
_PAGE: Final = 100  # what our index looks up at once
_MOST_PAGES: Final = 100
_TIDY_AGAIN_S: Final = 60.0


class KeysThere:
    """What this process knows of the keys at the mediator.

    Args:
        profile: whose wallet.
    """

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._known: OrderedDict[str, None] = OrderedDict()
        self._tidying = asyncio.Lock()
        self._tidied_at: float | None = None

    def has(self, own_key: str) -> bool:
        """Return whether the mediator is known to have a key."""
        return own_key in self._known

    async def add(self, talk: Talk, own_key: str) -> None:
        """Register a key, which is kept already.

        Raises:
            ResolutionError: the mediator does not answer, or takes no further key.
        """
        if not await self._update(talk, own_key):
            await self._make_room(talk)
            if not await self._update(talk, own_key):
                raise MediatorError(
                    "the wallet's mediator takes no further key of this wallet",
                    hint="end what is open, or ask the mediator's operator for more",
                )

    async def tidy(self, talk: Talk) -> None:
        """Give back what the wallet has no more (exchanges end, and their keys with them); add again what is lacking.

        Raises:
            ResolutionError: the mediator does not answer.
        """
        async with self._tidying:
            self._tidied_at = time.monotonic()
            lacking = dict.fromkeys(self._known)  # before the mediator lists them: what is added meanwhile is there
            if await self._compare(talk, lacking):
                await self._add_again(talk, list(lacking))

    async def _compare(self, talk: Talk, lacking: dict[str, None]) -> bool:
        """Give back what is ours no more, and take out of `lacking` what is there; False: there is more."""
        offset = 0
        for _ in range(_MOST_PAGES):
            answer = await talk.ask(f"{_FAMILY}/keylist-query", paginate={"limit": _PAGE, "offset": offset})
            listed = _listed(answer.members)
            kept = await self._ours(listed)
            gone = [key for key in listed if key not in kept]
            for key in kept:
                self._note(key)
                lacking.pop(key, None)
            offset += len(kept)
            if gone:
                for key in gone:
                    self._known.pop(key, None)
                    lacking.pop(key, None)
                updates = [{"recipient_key": key, "action": "remove"} for key in gone]
                await talk.ask(f"{_FAMILY}/keylist-update", updates=updates)
            if len(listed) < _PAGE:
                return True
        return False

    async def _add_again(self, talk: Talk, lacking: Sequence[str]) -> None:
        for start in range(0, len(lacking), _PAGE):
            part = lacking[start : start + _PAGE]
            for key in part:
                self._known.pop(key, None)
            for key in await self._ours(part):
                await self._update(talk, key)  # where it is refused, whoever needs the key is told

    async def _ours(self, keys: Sequence[str]) -> list[str]:
        tenant, tenants = tenant_of(self._profile), await tables_of(self._profile).keys.find(keys)
        return [key for key in keys if tenants.get(key) == tenant]

    async def _make_room(self, talk: Talk) -> None:
        """Give back what the wallet has no more, unless that was done just now: a talk may last for weeks."""
        if self._tidied_at is not None and time.monotonic() < self._tidied_at + _TIDY_AGAIN_S:
            return
        try:
            await self.tidy(talk)
        except TalkEndedError:
            raise
        except MediatorError:  # not every mediator tells
            return

    async def _update(self, talk: Talk, own_key: str) -> bool:
        update = {"recipient_key": own_key, "action": "add"}
        answer = await talk.ask(f"{_FAMILY}/keylist-update", updates=[update])
        is_there = _result(answer.members) in ("success", "no_change")
        if is_there:
            self._note(own_key)
        return is_there

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
