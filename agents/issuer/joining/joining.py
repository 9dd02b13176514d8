"""Checking in, applying, and how it stands. What it may issue is read in the governance file, never in an answer.

1. Checking in: the code of the letter, once. What the issuer signs with is made before, by its own start; the code is
   not kept and not sent, a proof of it is (`governance.signed.check_in`), in an application that its DID signs.
2. Applying: without a code, an issuer that is not listed says what it wants to be accredited for; one that is
   accredited says with what it signs now.
3. An application that was taken is asked about again with the same bytes, which change nothing at the authority.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from wanderbuch.agents.issuer.standing import Standing
from wanderbuch.agents.runtime.own_applications import OwnApplication, OwnApplications
from wanderbuch.agents.runtime.problems import RefusedError
from wanderbuch.governance.facts.anywhere import days_anywhere
from wanderbuch.governance.facts.file import Accreditation
from wanderbuch.governance.facts.question import DateSpan
from wanderbuch.governance.facts.sources import AnonCredsSource, SourceId
from wanderbuch.governance.facts.spans import touches, without
from wanderbuch.governance.signed.application import InvitationProof, IssuerWants, WantedScope
from wanderbuch.governance.signed.check_in import CheckInCode, check_in_proof
from wanderbuch.store.records import new_id


class JoiningState(StrEnum):
    """How far a centre has come."""

    NOT_READY = "NOT_READY"  # what it signs with is being made
    NOT_JOINED = "NOT_JOINED"
    WAITS = "WAITS"  # for the authority
    ASKED_BACK = "ASKED_BACK"
    REFUSED = "REFUSED"
    MAY_ISSUE = "MAY_ISSUE"


@dataclass(frozen=True, slots=True)
class JoiningView:
    """How a centre stands.

    Args:
        sources: what it signs with now.
        may_issue: the accreditations in force that cover one of them.
        application: the newest one; None: none was made.
    """

    state: JoiningState
    sources: tuple[SourceId, ...]
    may_issue: tuple[Accreditation, ...]
    application: OwnApplication | None


class Joining:
    """Joins for one issuer.

    Args:
        standing: what it stands on.
        applications: sends and keeps them.
        did: of the tenant, which signs applications.
        clock: the instant now, aware UTC.
    """

    def __init__(
        self, standing: Standing, applications: OwnApplications, did: str, *, clock: Callable[[], datetime]
    ) -> None:
        self._standing = standing
        self._did = did
        self._clock = clock
        self.applications = applications

    async def check_in(
        self, typed: str, told: Mapping[str, Any], *, application_id: str | None = None
    ) -> OwnApplication:
        """Check in with the code of a letter (1).

        Args:
            typed: the code.
            told: the members of `Application` that say who applies.
            application_id: its id; by default a fresh one.

        Raises:
            CheckInCodeError: it cannot be a code; nothing was sent.
            RefusedError: what it signs with is not made yet.
            NotAcceptedError: the authority does not take it, and says why: a wrong code, no try left, used already.
            ResolutionError: the authority cannot be reached; it is sent again with the next look.
        """
        sources, code, own_id = self._sources(), CheckInCode.parse(typed), application_id or new_id()
        proof = check_in_proof(
            code.key(), authority=self.applications.authority, applicant=self._did, application_id=own_id
        )
        wants = IssuerWants(sources=sources, invitation=InvitationProof(handle=code.handle, proof=proof))
        return await self.applications.apply(dict(told), wants, application_id=own_id)

    async def apply(
        self, told: Mapping[str, Any], scopes: Sequence[WantedScope], *, application_id: str | None = None
    ) -> OwnApplication:
        """Apply without a code (2); errors as with `check_in`."""
        if not scopes and not self._standing.accreditations():
            raise RefusedError(
                "the authority does not know this issuer", hint="say in scopes what it wants to be accredited for"
            )
        wants = IssuerWants(sources=self._sources(), scopes=tuple(scopes))
        return await self.applications.apply(dict(told), wants, application_id=application_id)

    async def answer(self, application_id: str, answer: str, scopes: Sequence[WantedScope] | None) -> OwnApplication:
        """Answer what the authority asked back; errors as `OwnApplications.answer`."""
        wants = None if scopes is None else IssuerWants(sources=self._sources(), scopes=tuple(scopes))
        return await self.applications.answer(application_id, answer, wants)

    async def view(self) -> JoiningView:
        """Return how it stands, as far as it is known here; the authority is not asked."""
        made = await self.applications.all()
        application = made[-1] if made else None
        ground = self._standing.ground()
        if ground is None:
            return JoiningView(JoiningState.NOT_READY, (), (), application)
        source = AnonCredsSource.of(ground.cred_def_id)
        may_issue = self._may_issue(source)
        return JoiningView(_state(application, may_issue), (source,), may_issue, application)

    async def look(self) -> JoiningView:
        """Ask the authority how the newest application stands, and what its file says now."""
        for application in (await self.applications.all())[-1:]:
            await self.applications.look(application.id)
        await self._standing.refresh()
        return await self.view()

    def _sources(self) -> tuple[SourceId, ...]:
        ground = self._standing.ground()
        if ground is None:
            raise RefusedError(
                f"this issuer is not ready: it waits for {self._standing.waiting_for}", hint="try again in a while"
            )
        source = AnonCredsSource.of(ground.cred_def_id)
        if source.owner != self._did:
            raise RefusedError(
                "what it signs with is on a ledger, under another DID",
                hint="send the authority the id of the definition as docs/indy.md says",
            )
        return (source,)

    def _may_issue(self, source: SourceId) -> tuple[Accreditation, ...]:
        snapshot, now = self._standing.snapshot(), self._clock()
        if snapshot is None or not snapshot.is_fresh(now):
            return ()
        days = days_anywhere(now)
        return tuple(one for one in self._standing.accreditations() if source in one.sources and _counts(one, days))


def _counts(accreditation: Accreditation, days: DateSpan) -> bool:
    spans = accreditation.intervals
    for lapse in accreditation.lapses:
        spans = without(spans, lapse.days)
    return touches(spans, days)


def _state(application: OwnApplication | None, may_issue: Sequence[Accreditation]) -> JoiningState:
    if may_issue:
        return JoiningState.MAY_ISSUE
    if application is None:
        return JoiningState.NOT_JOINED
    told = application.standing
    if told is not None and told.state in ("ASKED_BACK", "REFUSED"):
        return JoiningState(told.state)
    return JoiningState.WAITS
