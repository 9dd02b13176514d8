"""The officials of an authority: who may edit, who may approve, who lets people in.

An official has an id (public: it stands in the history), a name (not public) and roles. What holds for people of every
tenant stands in `people`; here is what is an authority's own:

1. Every change is an entry of the public history, by id.
2. Administrators have no part in drafts, as the operator has none: who could add a second person of their own could
   approve what they wrote themselves. Four eyes rest on one person having one id; that is the administrators' care.
"""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Final

from wanderbuch.agents.authority.history import Fact, HistoryLog
from wanderbuch.agents.people.log import PeopleChange, PeopleFact
from wanderbuch.agents.people.people import MAX_NAME, People
from wanderbuch.agents.people.people import PERSON_ID as OFFICIAL_ID
from wanderbuch.agents.people.person import Person
from wanderbuch.agents.runtime.problems import MalformedError
from wanderbuch.governance.signed.history import Action
from wanderbuch.store.records import Record, RecordStore, utc_now

__all__ = ["MAX_NAME", "OFFICIAL_ID", "Official", "OfficialRole", "Officials"]

_ACTIONS: Final = {
    PeopleChange.ADDED: Action.OFFICIAL_ADDED,
    PeopleChange.CHANGED: Action.OFFICIAL_CHANGED,
    PeopleChange.REMOVED: Action.OFFICIAL_REMOVED,
}


class OfficialRole(StrEnum):
    """What an official may do."""

    EDITOR = "editor"
    APPROVER = "approver"
    ADMINISTRATOR = "administrator"


class Official(Person):
    """An official. The id in the store is the official's own, such as "e.perera"."""

    category: ClassVar[str] = "wanderbuch.authority-official"

    roles: tuple[OfficialRole, ...]


class Officials(People[Official, OfficialRole]):
    """The officials in the wallet store.

    Args:
        records: where they are kept.
        history: learns of everybody added, changed or removed, by id.
        clock: the instant now, aware UTC.
    """

    def __init__(
        self, records: RecordStore[Official], history: HistoryLog, *, clock: Callable[[], datetime] = utc_now
    ) -> None:
        super().__init__(Official, OfficialRole, OfficialRole.ADMINISTRATOR, records, _PublicLog(history), clock=clock)

    def check_roles(self, roles: Collection[OfficialRole]) -> tuple[OfficialRole, ...]:
        """Return the roles in their order.

        Raises:
            MalformedError: there are none, or an administrator would have a part in drafts.
        """
        checked = super().check_roles(roles)
        if OfficialRole.ADMINISTRATOR in checked and len(checked) > 1:
            raise MalformedError("an administrator has no part in drafts: choose administrator alone, or other roles")
        return checked


class _PublicLog:
    """The authority's history, as people are written down in it."""

    def __init__(self, history: HistoryLog) -> None:
        self._history = history

    async def append(
        self, fact: PeopleFact, *, new: Sequence[Record] = (), changed: Sequence[tuple[Record, Record]] = ()
    ) -> bool:
        """Write an entry; see `PeopleLog`."""
        entry = Fact(fact.key, fact.by, _ACTIONS[fact.change], fact.what)
        return await self._history.append(entry, new=new, changed=changed)
