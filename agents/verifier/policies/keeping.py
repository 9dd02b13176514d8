"""The policy of one verifier, in its encrypted profile; who changed it stands in the desk's log."""

from typing import ClassVar, Final

from acapy_agent.core.profile import Profile

from wanderbuch.agents.runtime.problems import RefusedError
from wanderbuch.agents.verifier.desk_log import DeskAct, DeskLog
from wanderbuch.agents.verifier.policies.document import Policy, PolicyDocument, PolicyRule
from wanderbuch.store.records import Record, RecordStore, new_id

_ID: Final = "policy"


class PolicyBrokenError(RefusedError):
    """A question is against the employer's own policy; nobody was asked."""

    code = "policy-broken"


class KeptPolicy(Record):
    """The policy of a tenant.

    Args:
        document: as it was compiled; None: it was taken away.
        changes: so often it was changed.
    """

    category: ClassVar[str] = "wanderbuch.verifier-policy"
    is_listed: ClassVar[bool] = False

    document: PolicyDocument | None = None
    changes: int = 0

    @property
    def policy(self) -> Policy | None:
        """What questions are compared with; None: nothing."""
        return None if self.document is None else Policy(self.document)


class PolicyBook:
    """The policy in the store of one verifier.

    Args:
        profile: whose.
        log: learns who changed it.
    """

    def __init__(self, profile: Profile, log: DeskLog) -> None:
        self._records = RecordStore(profile, KeptPolicy)
        self._log = log

    async def get(self) -> KeptPolicy:
        """Return it as it is now."""
        return await self._records.get_or_none(_ID) or KeptPolicy(id=_ID)

    async def change(self, policy: Policy | None, *, read: int, by: str) -> KeptPolicy:
        """Set it, or take it away.

        Args:
            policy: None: questions are compared with none any more.
            read: `changes` of the one that was read before.
            by: id of who does.

        Raises:
            RefusedError: somebody else changed it since it was read.
            ChangedMeanwhileError: likewise, just now.
            DuplicateError: likewise, the first time.
        """
        before = await self._records.get_or_none(_ID)
        kept, document = before or KeptPolicy(id=_ID), None if policy is None else policy.document
        if kept.document == document:
            return kept
        if kept.changes != read:
            raise RefusedError("the policy was changed since it was read", hint="read it again, then change it")
        after = kept.model_copy(update={"document": document, "changes": kept.changes + 1})
        what = "removed" if document is None else ", ".join(sorted(_changed(kept.document, document)))
        await self._log.note(
            DeskAct.POLICY_CHANGED,
            by=by,
            what=what,
            key=f"policy:{new_id()}",
            new=[] if before else [after],
            changed=[(before, after)] if before else [],
        )
        return after


def refuse_broken(broken: tuple[PolicyRule, ...]) -> None:
    """Go on only with a question that breaks no rule.

    Raises:
        PolicyBrokenError: it breaks some.
    """
    if broken:
        raise PolicyBrokenError(
            f"this question is against the policy of this verifier: {', '.join(rule.value for rule in broken)}",
            members={"rules": [rule.value for rule in broken]},
            hint="ask less, or let an administrator change the policy",
        )


def _changed(before: PolicyDocument | None, after: PolicyDocument) -> set[str]:
    old = (before or PolicyDocument()).model_dump()
    return {name for name, value in after.model_dump().items() if value != old[name]} or {"set"}
