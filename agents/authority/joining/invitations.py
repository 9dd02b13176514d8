"""The invitations of one authority: made by an editor, used once, within tries and until their end.

1. Only an institution that is listed and not connected is invited. A newer invitation ends those before it.
2. A try is counted before it is looked at, in the store: neither a crash nor ten requests at once give a sixth. Whoever
   does not know the handle, forty random bits of the letter, cannot spend the tries of an institution.
3. A code is used by one application, once; the same application sent again is the same use.
4. A right code that was used already is refused, and kept with the invitation: two have the letter, and officials see
   it before they approve.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final

from acapy_agent.core.profile import Profile

from wanderbuch.agents.authority.draft_changes import Base
from wanderbuch.agents.authority.joining.invitation import InvitationState, JoiningInvitation, invitation_id
from wanderbuch.agents.authority.officials import Official, OfficialRole
from wanderbuch.agents.runtime.problems import MalformedError, RefusedError
from wanderbuch.errors import WanderbuchError
from wanderbuch.governance.form.records import is_register_id
from wanderbuch.governance.signed.application import InvitationProof
from wanderbuch.governance.signed.check_in import CheckInCode, proves_code
from wanderbuch.store.once import one_step
from wanderbuch.store.records import DuplicateError, RecordStore

MOST_INVITED: Final = 2000
LONGEST: Final = timedelta(days=366)


class CheckInRefusedError(WanderbuchError):
    """A code opens nothing: it is unknown, wrong, used, spent, withdrawn or over; which, the message says."""

    code: ClassVar[str] = "check-in-refused"


@dataclass(frozen=True, slots=True)
class InvitedInstitution:
    """An invitation that was just made, with its code, which nobody can show again."""

    invitation: JoiningInvitation
    email: str | None
    code: CheckInCode


class Invitations:
    """The invitations, in the wallet store.

    Args:
        profile: whose.
        authority: its DID.
        clock: the instant now, aware UTC.
    """

    def __init__(self, profile: Profile, authority: str, *, clock: Callable[[], datetime]) -> None:
        self._profile = profile
        self._records = RecordStore(profile, JoiningInvitation)
        self._authority = authority
        self._clock = clock

    async def all(self) -> list[JoiningInvitation]:
        """Return all invitations, the oldest first."""
        return [invitation async for invitation in self._records.every()]

    async def get(self, invitation_id: str) -> JoiningInvitation:
        """Return an invitation.

        Raises:
            NotFoundError: there is none.
        """
        return await self._records.get(invitation_id)

    async def invite(
        self, editor: Official, register_ids: Iterable[str], base: Base, *, ends_at: datetime
    ) -> list[InvitedInstitution]:
        """Invite institutions, and return their codes; this is the only time that they can be seen.

        Raises:
            ForbiddenError: they are no editor.
            MalformedError: there are none, too many, or the end is not within a year.
            RefusedError: one is not listed, or connected already; then nobody is invited.
        """
        editor.must(OfficialRole.EDITOR)
        now, wanted = self._clock(), list(dict.fromkeys(register_ids))
        if not 0 < len(wanted) <= MOST_INVITED:
            raise MalformedError(f"expected 1 to {MOST_INVITED} institutions to invite, found {len(wanted)}")
        if ends_at.tzinfo is None or not now < ends_at <= now + LONGEST:
            raise MalformedError("expected an end within a year from now, with its time zone")
        records = await base.records_of([one for one in wanted if is_register_id(one)])
        for one in wanted:  # 1
            _must_be_waiting(one, records.get(one))
        async with one_step(self._profile, "invite"):  # or of two at once neither would end the other's
            return [await self._invite(editor, one, records[one]["listing"], ends_at) for one in wanted]

    async def withdraw(self, invitation_id: str, editor: Official) -> JoiningInvitation:
        """Withdraw an invitation that nobody has used.

        Raises:
            ForbiddenError: they are no editor.
            RefusedError: somebody has.
        """
        editor.must(OfficialRole.EDITOR)

        def step(kept: JoiningInvitation) -> JoiningInvitation | None:
            if kept.state is InvitationState.USED:
                raise RefusedError("somebody has checked in with it", hint="send the draft back instead")
            return kept.withdrawn(by=editor.id, at=self._clock())

        return await self._records.change(invitation_id, step)

    async def use(
        self, proof: InvitationProof, *, applicant: str, application_id: str, case_id: str
    ) -> JoiningInvitation:
        """Use an invitation for an application, and return it.

        Raises:
            CheckInRefusedError: it opens nothing, or not for this application.
        """
        kept = await self._records.get_or_none(invitation_id(proof.handle))
        if kept is None:
            raise CheckInRefusedError("no invitation has this code", hint="compare it with the letter")
        if kept.used_by == case_id:  # 3
            return kept
        if kept.state is not InvitationState.USED:
            kept = await self._records.change(kept.id, self._one_try_less)  # 2
            if kept.state is InvitationState.SPENT:
                self._must_be_open(kept)
        is_right = proves_code(
            proof.proof,
            bytes.fromhex(kept.key),
            authority=self._authority,
            applicant=applicant,
            application_id=application_id,
        )
        if not is_right:
            raise CheckInRefusedError(
                f"this is not the code of the invitation; {kept.tries_left} tries are left",
                hint="compare it with the letter",
            )

        def step(before: JoiningInvitation) -> JoiningInvitation | None:
            if before.used_by == case_id:
                return None
            if before.state is InvitationState.USED:  # 4
                return before.with_other(applicant)
            self._must_be_open(before)
            used = {"state": InvitationState.USED, "used_by": case_id, "applicant": applicant}
            return before.model_copy(update=used)

        used = await self._records.change(kept.id, step)
        if used.used_by != case_id:
            raise CheckInRefusedError(
                "somebody has checked in with this code already", hint="ask the authority at once: it was not you"
            )
        return used

    def _one_try_less(self, before: JoiningInvitation) -> JoiningInvitation | None:
        if before.state is InvitationState.USED:
            return None
        self._must_be_open(before)
        left = before.tries_left - 1
        if left < 0:
            return before.model_copy(update={"state": InvitationState.SPENT})
        return before.model_copy(update={"tries_left": left})

    def _must_be_open(self, invitation: JoiningInvitation) -> None:
        if invitation.state is InvitationState.OPEN and not invitation.is_over(self._clock()):
            return
        why = {
            InvitationState.OPEN: "the invitation is over",
            InvitationState.SPENT: "the code was tried too often",
        }.get(invitation.state, "the invitation was withdrawn")
        raise CheckInRefusedError(why, hint="ask the authority for a new invitation")

    async def _invite(
        self, editor: Official, register_id: str, listing: Mapping[str, Any], ends_at: datetime
    ) -> InvitedInstitution:
        def end(kept: JoiningInvitation) -> JoiningInvitation | None:
            return kept.withdrawn(by=editor.id, at=self._clock()) if kept.state is InvitationState.OPEN else None

        for before in await self._records.find(register_id=register_id):
            await self._records.change(before.id, end)
        while True:
            code = CheckInCode.make()
            key = await asyncio.to_thread(code.key)
            invitation = JoiningInvitation(
                id=invitation_id(code.handle),
                created_at=self._clock(),
                register_id=register_id,
                name=str(listing.get("name", register_id)),
                key=key.hex(),
                ends_at=ends_at,
                invited_by=editor.id,
            )
            try:
                return InvitedInstitution(await self._records.insert(invitation), listing.get("email"), code)
            except DuplicateError:  # once in a million million
                continue


def _must_be_waiting(register_id: str, record: Mapping[str, Any] | None) -> None:
    listing = (record or {}).get("listing")
    if not isinstance(listing, Mapping):
        raise RefusedError(f"{register_id[:80]} is not listed in what is published", hint="publish the list first")
    if listing.get("did") is not None:
        raise RefusedError(
            f"{register_id[:80]} is connected already", hint="it applies by itself when what it signs with changes"
        )
