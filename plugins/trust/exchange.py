"""A verification from question to decision, as a record in the wallet store.

    OPEN ──answer──► JUDGING ──► DECIDED          OPEN ──decline──► DECLINED          OPEN ──deadline──► NO_ANSWER

Every step is one short transaction that sees the state it changes, so of two answers that race one is refused, and a
state that is final stays. What is kept, and for how long:

- never the presentation itself: it is judged in memory, and only its digest stays, to tell a second answer from a
  second delivery of the first;
- the values that the one who asked wanted to see, until `forget_seen` removes them;
- the decision, its reasons and what was asked.

Tags hold identifiers and states only.
"""

import asyncio
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, Final

from acapy_agent.core.profile import Profile
from aries_askar import Entry
from pydantic import BaseModel, ConfigDict, Field

from wanderbuch.errors import ExchangeError
from wanderbuch.governance.question import Requirement, TrustDecision
from wanderbuch.plugins.trust.request import AwardPrecision
from wanderbuch.store.entries import fetch_entries

_CATEGORY = "wanderbuch.verification"
_FEW: Final = 32  # more are read in another thread: each holds a question of up to tens of kilobytes


class VerificationState(Enum):
    """Where a verification stands; the last three are final."""

    OPEN = "OPEN"
    JUDGING = "JUDGING"
    DECIDED = "DECIDED"
    DECLINED = "DECLINED"
    NO_ANSWER = "NO_ANSWER"

    @property
    def is_final(self) -> bool:
        """Whether nothing changes any more."""
        return self not in (VerificationState.OPEN, VerificationState.JUDGING)


class UnknownVerificationError(ExchangeError):
    """There is no verification with this id."""

    code = "exchange.unknown"


class Verification(BaseModel):
    """One question put to one holder.

    Args:
        id: ours; random.
        thread_id: of the DIDComm exchange; whoever was invited knows it.
        pres_ex_id: ACA-Py's record of the exchange.
        invitation_id: of the message that carries the question.
        proof_request: as it was sent.
        names: the attributes that are revealed, in order.
        hidden: the attributes of the credential that stay hidden.
        eligible: ids of the credential definitions that could count when the question was put.
        schemas: ids of the schemas of the credential type then.
        answer_by: after this nothing is accepted.
        judging_since: when the answer came.
        answer_digest: SHA-256 of the answering message, hexadecimal.
        seen: revealed values by attribute name; None if nothing was accepted or it was forgotten.
        decline_code: the wallet's own code, from a closed set of characters.
        tidy: whether ACA-Py's records of the exchange have been removed.
        stapled: whether an issuer's standing was handed over for it (`staples`).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(default_factory=lambda: secrets.token_hex(16))
    thread_id: str
    pres_ex_id: str
    invitation_id: str
    invitation_url: str
    short_url: str | None = None
    requirement: Requirement
    award_precision: AwardPrecision
    proof_request: dict[str, Any]
    words: tuple[str, ...]
    names: tuple[str, ...]
    hidden: tuple[str, ...]
    eligible: tuple[str, ...]
    schemas: tuple[str, ...]
    created_at: datetime
    answer_by: datetime
    state: VerificationState = VerificationState.OPEN
    judging_since: datetime | None = None
    ended_at: datetime | None = None
    answer_digest: str | None = None
    decision: TrustDecision | None = None
    seen: dict[str, str] | None = Field(default=None, repr=False)
    decline_code: str | None = None
    tidy: bool = False
    stapled: bool = False

    def expired(self, at: datetime) -> bool:
        """Whether no answer is accepted any more."""
        return at > self.answer_by

    def tags(self) -> dict[str, str]:
        """Return what one can search by."""
        return {"thread_id": self.thread_id, "state": self.state.value, "tidy": _tag(self.tidy)}


class VerificationBook:
    """The verifications of one profile."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile

    async def insert(self, verification: Verification) -> None:
        """Keep a new verification."""
        async with self._profile.session() as session:
            value = verification.model_dump_json()
            await session.handle.insert(_CATEGORY, verification.id, value, verification.tags())

    async def get(self, verification_id: str) -> Verification:
        """Return the verification with this id.

        Raises:
            UnknownVerificationError: there is none.
        """
        async with self._profile.session() as session:
            entry = await session.handle.fetch(_CATEGORY, verification_id)
        if entry is None:
            raise UnknownVerificationError(f"there is no verification with the id {verification_id[:64]!r}")
        return Verification.model_validate_json(entry.value)

    async def find(
        self, *, thread_id: str | None = None, state: VerificationState | None = None, tidy: bool | None = None
    ) -> list[Verification]:
        """Return the verifications that have these, oldest first."""
        wanted = {
            "thread_id": thread_id,
            "state": state.value if state else None,
            "tidy": None if tidy is None else _tag(tidy),
        }
        tags = {name: value for name, value in wanted.items() if value is not None}
        async with self._profile.session() as session:
            entries = await fetch_entries(session, _CATEGORY, tags)
        if len(entries) <= _FEW:
            return _in_order(entries)
        return await asyncio.to_thread(_in_order, entries)

    async def by_thread(self, thread_id: str) -> Verification | None:
        """Return the verification of a DIDComm thread, or None."""
        return next(iter(await self.find(thread_id=thread_id)), None)

    async def change(self, verification_id: str, step: Callable[[Verification], Verification | None]) -> Verification:
        """Apply a pure step to a verification in one transaction and return what is kept then.

        Args:
            verification_id: which one.
            step: gets it as it stands; returns the new one, or None to leave it.

        Raises:
            UnknownVerificationError: there is none.
        """
        async with self._profile.transaction() as session:
            entry = await session.handle.fetch(_CATEGORY, verification_id, for_update=True)
            if entry is None:
                raise UnknownVerificationError(f"there is no verification with the id {verification_id[:64]!r}")
            held = Verification.model_validate_json(entry.value)
            changed = step(held)
            if changed is None:
                return held
            await session.handle.replace(_CATEGORY, verification_id, changed.model_dump_json(), changed.tags())
            await session.commit()
            return changed

    async def remove(self, verification_id: str) -> None:
        """Remove a verification and all that was kept of it.

        Raises:
            UnknownVerificationError: there is none.
        """
        await self.get(verification_id)
        async with self._profile.session() as session:
            await session.handle.remove(_CATEGORY, verification_id)


def take_answer(digest: str, *, at: datetime) -> Callable[[Verification], Verification | None]:
    """Return the step OPEN -> JUDGING; leaves the record if it is not open or too late."""

    def step(held: Verification) -> Verification | None:
        if held.state is not VerificationState.OPEN or held.expired(at):
            return None
        update = {"state": VerificationState.JUDGING, "answer_digest": digest, "judging_since": at}
        return held.model_copy(update=update)

    return step


def note_staple(held: Verification) -> Verification | None:
    """Note that a staple was handed over; leaves the record if it is not open any more."""
    return held.model_copy(update={"stapled": True}) if held.state is VerificationState.OPEN else None


def decide_with(
    decision: TrustDecision, seen: dict[str, str] | None, *, at: datetime
) -> Callable[[Verification], Verification | None]:
    """Return the step JUDGING -> DECIDED; the first decision stays."""

    def step(held: Verification) -> Verification | None:
        if held.state is not VerificationState.JUDGING:
            return None
        update = {"state": VerificationState.DECIDED, "decision": decision, "seen": seen, "ended_at": at}
        return held.model_copy(update=update)

    return step


def decline_with(code: str, *, at: datetime) -> Callable[[Verification], Verification | None]:
    """Return the step OPEN -> DECLINED."""

    def step(held: Verification) -> Verification | None:
        if held.state is not VerificationState.OPEN or held.expired(at):
            return None
        update = {"state": VerificationState.DECLINED, "decline_code": code, "ended_at": at}
        return held.model_copy(update=update)

    return step


def end_without_answer(*, at: datetime) -> Callable[[Verification], Verification | None]:
    """Return the step OPEN -> NO_ANSWER once the deadline is over."""

    def step(held: Verification) -> Verification | None:
        if held.state is not VerificationState.OPEN or not held.expired(at):
            return None
        return held.model_copy(update={"state": VerificationState.NO_ANSWER, "ended_at": at})

    return step


def forget_seen(*, ended_before: datetime) -> Callable[[Verification], Verification | None]:
    """Return the step that removes the revealed values of what ended before an instant; the decision stays."""

    def step(held: Verification) -> Verification | None:
        if held.seen is None or held.ended_at is None or held.ended_at >= ended_before:
            return None
        return held.model_copy(update={"seen": None})

    return step


def forget_now(held: Verification) -> Verification | None:
    """Remove the revealed values; the decision stays."""
    return held.model_copy(update={"seen": None}) if held.state.is_final else None


def is_stuck(held: Verification, *, at: datetime, judging_limit: timedelta) -> bool:
    """Whether an answer was taken but its judgement was cut off: nothing is working on it any more."""
    return (
        held.state is VerificationState.JUDGING
        and held.judging_since is not None
        and at > held.judging_since + judging_limit
    )


def tidied(held: Verification) -> Verification:
    """Note that ACA-Py's records of the exchange have been removed."""
    return held.model_copy(update={"tidy": True})


def _in_order(entries: Sequence[Entry]) -> list[Verification]:
    return sorted((Verification.model_validate_json(each.value) for each in entries), key=lambda one: one.created_at)


def _tag(flag: bool) -> str:
    return "yes" if flag else "no"
