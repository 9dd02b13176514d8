"""What a desk's people set once: where issuers must count and how long a question stands, unless somebody says so.

How long what was shown stays, too: they may say less than the operator, never more.
"""

from typing import ClassVar, Final

from acapy_agent.core.profile import Profile

from wanderbuch.agents.runtime.problems import RefusedError
from wanderbuch.agents.verifier.desk_log import DeskAct, DeskLog
from wanderbuch.store.records import Record, RecordStore, new_id

_ID: Final = "settings"


class DeskSettings(Record):
    """The settings of one desk.

    Args:
        place: country code where issuers must count; None: it is asked each time.
        answer_within_s: None: the agent's own.
        keep_seen_days: None: as the operator set it.
        changes: so often they were changed.
    """

    category: ClassVar[str] = "wanderbuch.verifier-desk-settings"
    is_listed: ClassVar[bool] = False

    place: str | None = None
    answer_within_s: int | None = None
    keep_seen_days: int | None = None
    changes: int = 0


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
        self, *, place: str | None, answer_within_s: int | None, keep_seen_days: int | None, read: int, by: str
    ) -> DeskSettings:
        """Set them; `read` is `changes` of those that were read before.

        Raises:
            RefusedError: somebody else changed them since they were read.
            ChangedMeanwhileError: somebody else changed them just now.
            DuplicateError: likewise, the first time.
        """
        before = await self._records.get_or_none(_ID)
        kept = before or DeskSettings(id=_ID)
        told = {"place": place, "answer_within_s": answer_within_s, "keep_seen_days": keep_seen_days}
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
