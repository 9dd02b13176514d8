"""What a desk's people set once: how they are called, where issuers must count and how long a question stands.

How long what was shown stays, too: they may say less than the operator, never more. What they are called is their own
word, as it was the operator's before: wallets show beside it what the authority's list calls their DID.
"""

from typing import ClassVar, Final

from acapy_agent.core.profile import Profile

from wanderbuch.agents.runtime.problems import MalformedError, RefusedError
from wanderbuch.agents.verifier.desk_log import DeskAct, DeskLog
from wanderbuch.store.records import Record, RecordStore, new_id
from wanderbuch.visible_text import is_visible

_ID: Final = "settings"
MOST_NAME_CHARS: Final = 120
_BRACKETS: Final = frozenset("[]")


class DeskSettings(Record):
    """The settings of one desk.

    Args:
        place: country code where issuers must count; None: it is asked each time.
        answer_within_s: None: the agent's own.
        keep_seen_days: None: as the operator set it.
        name: what they call themselves; None: as the operator does.
        changes: so often they were changed.
    """

    category: ClassVar[str] = "wanderbuch.verifier-desk-settings"
    is_listed: ClassVar[bool] = False

    place: str | None = None
    answer_within_s: int | None = None
    keep_seen_days: int | None = None
    name: str | None = None
    changes: int = 0


def checked_name(name: str) -> str | None:
    """Return a name as it is kept; None: it is empty, so the operator's counts.

    Raises:
        MalformedError: it is too long, has signs that show nothing or turn what is around them, or brackets, in which
            wallets show a question's reference.
    """
    called = " ".join(name.split())
    if len(called) > MOST_NAME_CHARS or not is_visible(called) or not _BRACKETS.isdisjoint(called):
        raise MalformedError(
            f"expected a name of at most {MOST_NAME_CHARS} characters that can be shown, without brackets such as []"
        )
    return called or None


class SettingsBook:
    """The settings in the store of one verifier.

    Args:
        profile: whose.
        log: learns who changed them.
    """

    def __init__(self, profile: Profile, log: DeskLog) -> None:
        self._records = RecordStore(profile, DeskSettings)
        self._log = log

    async def get(self) -> DeskSettings:
        """Return them as they are now."""
        return await self._records.get_or_none(_ID) or DeskSettings(id=_ID)

    async def change(
        self,
        *,
        place: str | None,
        answer_within_s: int | None,
        keep_seen_days: int | None,
        read: int,
        by: str,
        name: str | None = None,
    ) -> DeskSettings:
        """Set them; `read` is `changes` of those that were read before.

        Raises:
            MalformedError: the name is none.
            RefusedError: somebody else changed them since they were read.
            ChangedMeanwhileError: somebody else changed them just now.
            DuplicateError: likewise, the first time.
        """
        name = None if name is None else checked_name(name)
        before = await self._records.get_or_none(_ID)
        kept = before or DeskSettings(id=_ID)
        told = {"place": place, "answer_within_s": answer_within_s, "keep_seen_days": keep_seen_days, "name": name}
        after = kept.model_copy(update={**told, "changes": kept.changes + 1})
        what = ", ".join(name for name in told if getattr(after, name) != getattr(kept, name))
        if not what:
            return kept
        if kept.changes != read:
            raise RefusedError("the settings were changed since they were read", hint="read them again")
        await self._log.note(
            DeskAct.SETTINGS_CHANGED,
            by=by,
            what=what,
            key=f"settings:{new_id()}",
            new=[] if before else [after],
            changed=[(before, after)] if before else [],
        )
        return after
