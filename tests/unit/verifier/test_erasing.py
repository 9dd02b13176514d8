"""An answer is erased for the key that gave it, for nobody else, once, and also where a crash comes between."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import base58
import pytest
from aries_askar import Key, KeyAlg
from tests.memory_wallet import memory_wallet
from tests.unit.trust.ecosystem import Authority, Issuer, webvh
from tests.unit.trust.employer import Employer, open_employer

from wanderbuch.agents.verifier.erasing.eraser import Eraser
from wanderbuch.agents.verifier.erasing.erasure import PROOF_KEPT, Erasure, erasures
from wanderbuch.agents.verifier.erasing.receiving_erasures import ERASURE_HANDLERS
from wanderbuch.agents.verifier.links.link import Links
from wanderbuch.governance.facts.question import Reason, TrustDecision, Verdict
from wanderbuch.plugins.exchange.erasure_messages import (
    ERASE,
    ErasedPart,
    ErasureError,
    erasure_message,
    read_erased_message,
    sign_erasure,
)
from wanderbuch.plugins.trust.case_files.keeping_cases import CaseFiles, KeptCase
from wanderbuch.plugins.trust.verifying.answer_facts import AnswerGrounds
from wanderbuch.plugins.trust.verifying.exchange import (
    ANSWER,
    DECISION,
    Verification,
    decided,
    open_verifications,
    taken,
)
from wanderbuch.plugins.trust.verifying.keeping import Keeping
from wanderbuch.plugins.trust.verifying.seen import keeping_seen, seen_of
from wanderbuch.store.errors import LeaseBusyError, NotFoundError
from wanderbuch.store.records import RecordStore

SEEN = {"occupation_isco08": "C7212"}
UNTIL = date(2039, 12, 31)


@dataclass
class Shipyard:
    """What of a verifier's office an erasure needs."""

    employer: Employer
    eraser: Eraser

    @property
    def desk(self) -> Any:
        return self.employer.desk

    async def decided(self, *, by: str | None = None, keeping: Keeping | None = None) -> Verification:
        """Return a question that was answered, from the wallet's key unless another is told, and decided."""
        asked = await self.employer.ask()
        if keeping is not None:
            asked = await self.employer.ask_otherwise(asked, keeping=keeping)
        markers, at = open_verifications(self.employer.profile), self.employer.now
        key = by or self.employer.wallet.verkey
        await markers.add(asked.id, ANSWER, taken("00" * 32, by=key, at=at))
        decision = TrustDecision(Verdict.TRUSTED, (Reason("issuer.accredited", "It counts."),), None, at)
        value = decided(decision, AnswerGrounds(), seen_until=at + timedelta(days=30), at=at)
        await markers.add(asked.id, DECISION, value, first=keeping_seen(asked.id, SEEN))
        return await markers.get(asked.id)

    async def keep_case(self, ended: Verification) -> None:
        """Keep a case file of it; what is in it is not looked at here."""
        assert ended.decision is not None
        case = KeptCase(id=ended.id, sealed="x", digest="0", until=UNTIL, decided_at=ended.decision.decided_at)
        await RecordStore(self.employer.profile, KeptCase).put(case)

    async def asks(self, thread_id: str, *, signer: Key | None = None, about: str | None = None, **sent: Any) -> bool:
        """Hand over a worker's request: signed by the wallet's key and about this thread unless told otherwise."""
        key = signer or self.employer.wallet.key
        signed = await sign_erasure(key, thread_id=about or thread_id, at=self.employer.now)
        message = erasure_message(thread_id=thread_id, signed=signed, service=None)
        return await self.takes(thread_id, message, **sent)

    async def takes(self, thread_id: str, message: dict[str, Any], **sent: Any) -> bool:
        incoming = self.employer.incoming(ERASE, thread_id, message, **sent)
        handler = ERASURE_HANDLERS[ERASE]
        assert await handler.knows(incoming), "the gate refuses it"
        return await handler.take(self, incoming)

    async def is_there(self, verification_id: str) -> bool:
        return await open_verifications(self.employer.profile).get_or_none(verification_id) is not None


@pytest.fixture
async def yard() -> AsyncIterator[Shipyard]:
    profile = await memory_wallet()
    employer = await open_employer(
        profile, Authority(), Issuer(webvh("centre")), Issuer(webvh("cooks")), datetime.now(UTC)
    )
    eraser = Eraser(
        profile,
        desk=employer.desk,
        cases=CaseFiles(profile),
        forget_place=Links(profile).forget_place,
        clock=employer.clock,
    )
    yield Shipyard(employer, eraser)
    await profile.close()


def stranger() -> Key:
    return Key.generate(KeyAlg.ED25519)


def name_of(key: Key) -> str:
    return base58.b58encode(key.get_public_bytes()).decode()


async def test_who_answered_has_it_erased_and_is_told_what(yard: Shipyard) -> None:
    answered = await yard.decided()
    assert await yard.asks(answered.id)
    assert not await yard.is_there(answered.id)
    assert await seen_of(yard.employer.profile, answered.id) is None
    answer = read_erased_message(yard.employer.wallet.messages[-1])
    assert (set(answer.erased), answer.kept) == ({ErasedPart.VALUES, ErasedPart.DECISION}, ())
    erasure = await yard.eraser.get(answered.id)
    assert (erasure.key, erasure.is_whole) == (yard.employer.wallet.verkey, True)


async def test_what_stays_says_nothing_of_the_answer(yard: Shipyard) -> None:
    answered = await yard.decided()
    await yard.asks(answered.id)
    text = (await yard.eraser.get(answered.id)).model_dump_json()
    assert "C7212" not in text
    assert "TRUSTED" not in text


async def test_nobody_else_has_it_erased(yard: Shipyard) -> None:
    answered, other = await yard.decided(), stranger()
    with pytest.raises(AssertionError, match="gate refuses"):
        await yard.asks(answered.id, signer=other, sender=name_of(other))
    with pytest.raises(AssertionError, match="gate refuses"):
        await yard.asks(answered.id, sender=None)
    incoming = yard.employer.incoming(ERASE, answered.id, {"signed": "x"}, sender=name_of(other))
    with pytest.raises(ErasureError, match="somebody else"):  # over a connection, which the gate lets in
        await ERASURE_HANDLERS[ERASE].take(yard, incoming)
    assert await yard.is_there(answered.id)
    assert await yard.eraser.find(answered.id) is None


async def test_one_worker_does_not_erase_the_answer_of_another(yard: Shipyard) -> None:
    other = stranger()
    own, theirs = await yard.decided(by=name_of(other)), await yard.decided()
    with pytest.raises(AssertionError, match="gate refuses"):
        await yard.asks(theirs.id, signer=other, sender=name_of(other))
    yard.employer.wallet.waits = False  # what the other is told is not for this one
    assert await yard.asks(own.id, signer=other, sender=name_of(other))
    assert await yard.is_there(theirs.id)


@pytest.mark.parametrize("defect", ["another key", "another exchange", "altered", "unsigned", "no text", "too long"])
async def test_a_request_that_is_not_signed_by_that_key_for_that_exchange_erases_nothing(
    yard: Shipyard, defect: str
) -> None:
    answered, wallet = await yard.decided(), yard.employer.wallet.key
    signed: object = await sign_erasure(
        stranger() if defect == "another key" else wallet,
        thread_id="0" * 32 if defect == "another exchange" else answered.id,
        at=yard.employer.now,
    )
    assert isinstance(signed, str)
    header, payload, signature = signed.split(".")
    altered = {
        "altered": f"{header}.{payload[:-2]}AA.{signature}",
        "unsigned": f"{header}.{payload}.",
        "no text": 7,
        "too long": signed + "A" * 4096,
    }
    message = {"signed": altered.get(defect, signed)}
    with pytest.raises(ErasureError):
        await yard.takes(answered.id, message)
    assert await yard.is_there(answered.id)
    assert await yard.eraser.find(answered.id) is None


async def test_a_request_that_comes_again_changes_nothing_and_is_answered_the_same(yard: Shipyard) -> None:
    answered = await yard.decided()
    await asyncio.gather(*(yard.asks(answered.id) for _ in range(5)))
    first = await yard.eraser.get(answered.id)
    await yard.asks(answered.id)
    assert await yard.eraser.get(answered.id) == first
    assert len({str(read_erased_message(message)) for message in yard.employer.wallet.messages}) == 1


@pytest.mark.parametrize("cut", ["before anything", "when the answer was gone"])
async def test_a_sweep_goes_on_with_what_a_crash_cut_off(
    yard: Shipyard, cut: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered = await yard.decided()
    method = "_kept_by_law" if cut == "before anything" else None

    async def crash(*_: object, **__: object) -> None:
        raise asyncio.CancelledError

    with monkeypatch.context() as patched:
        target = yard.eraser if method else yard.eraser._teller
        patched.setattr(target, method or "add", crash)
        with pytest.raises(asyncio.CancelledError):
            await yard.eraser.erase(answered, key=None, signed=None)
    assert (await yard.eraser.get(answered.id)).erased_at is None
    await yard.eraser.sweep(yard.employer.now + timedelta(seconds=1))
    assert not await yard.is_there(answered.id)
    assert (await yard.eraser.get(answered.id)).is_whole


@pytest.mark.parametrize("cut", ["the case file", "the place at a link"])
async def test_a_crash_at_any_removal_leaves_no_place_and_is_told_whole(
    yard: Shipyard, cut: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered = await yard.decided()
    stands = await open_verifications(yard.employer.profile).get(answered.id)
    at_link = stands.model_copy(update={"link": "a-link", "place": 3})
    forgotten: list[tuple[str, int]] = []

    async def late_find(_: object, verification_id: str) -> Verification | None:
        return at_link if await yard.is_there(verification_id) else None

    async def forget(link: str, place: int) -> None:
        forgotten.append((link, place))

    async def crash(*_: object, **__: object) -> None:
        raise asyncio.CancelledError

    monkeypatch.setattr(yard.desk, "find", late_find)
    with monkeypatch.context() as patched:
        patched.setattr(yard.eraser, "_forget_place", crash if cut == "the place at a link" else forget)
        if cut == "the case file":
            patched.setattr(yard.eraser._cases, "destroy", crash)
        with pytest.raises(asyncio.CancelledError):
            await yard.eraser.erase(at_link, key=None, signed=None)
    monkeypatch.setattr(yard.eraser, "_forget_place", forget)
    await yard.eraser.sweep(yard.employer.now + timedelta(seconds=1))
    assert ("a-link", 3) in forgotten
    erasure = await yard.eraser.get(answered.id)
    assert set(erasure.erased) == {ErasedPart.VALUES, ErasedPart.DECISION}
    assert not await yard.is_there(answered.id)


async def test_one_erasure_that_cannot_go_on_holds_up_no_other(yard: Shipyard, monkeypatch: pytest.MonkeyPatch) -> None:
    stuck, other = await yard.decided(), await yard.decided()
    finish = yard.eraser.finish

    async def busy(erasure: Erasure) -> Erasure:
        if erasure.id == stuck.id:
            raise LeaseBusyError("the answer is being judged")
        return await finish(erasure)

    for answered in (stuck, other):
        await erasures(yard.employer.profile).insert(
            Erasure(id=answered.id, created_at=yard.employer.now, key=None, signed=None)
        )
    with monkeypatch.context() as patched:
        patched.setattr(yard.eraser, "finish", busy)
        await yard.eraser.sweep(yard.employer.now + timedelta(seconds=1))
    assert not await yard.is_there(other.id)
    await yard.eraser.sweep(yard.employer.now + timedelta(seconds=2))
    assert not await yard.is_there(stuck.id)


async def test_a_case_file_stays_until_its_last_day_and_the_rest_goes_then(yard: Shipyard) -> None:
    answered = await yard.decided(keeping=Keeping("an act", "an inspector", UNTIL))
    await yard.keep_case(answered)
    await yard.asks(answered.id)
    answer = read_erased_message(yard.employer.wallet.messages[-1])
    assert answer.erased == (ErasedPart.VALUES,)
    assert {(part.what, part.law, part.until) for part in answer.kept} == {
        (ErasedPart.CASE_FILE, "an act", UNTIL),
        (ErasedPart.DECISION, "an act", UNTIL),
    }
    assert await seen_of(yard.employer.profile, answered.id) is None
    last = datetime(2039, 12, 31, 23, 59, tzinfo=UTC)
    await yard.eraser.sweep(last)
    assert await yard.is_there(answered.id)
    await yard.eraser.sweep(last + timedelta(minutes=2))
    assert not await yard.is_there(answered.id)
    assert await RecordStore(yard.employer.profile, KeptCase).get_or_none(answered.id) is None
    assert (await yard.eraser.get(answered.id)).is_whole


async def test_a_law_that_keeps_nothing_keeps_nothing(yard: Shipyard) -> None:
    answered = await yard.decided(keeping=Keeping("an act", "an inspector", UNTIL))  # no case file could be made of it
    await yard.asks(answered.id)
    assert not await yard.is_there(answered.id)
    assert read_erased_message(yard.employer.wallet.messages[-1]).kept == ()


async def test_the_proof_is_forgotten_in_the_end(yard: Shipyard) -> None:
    answered = await yard.decided()
    await yard.asks(answered.id)
    await yard.eraser.sweep(yard.employer.now + PROOF_KEPT - timedelta(days=1))
    assert await erasures(yard.employer.profile).get_or_none(answered.id) is not None
    await yard.eraser.sweep(yard.employer.now + PROOF_KEPT + timedelta(days=1))
    with pytest.raises(NotFoundError):
        await yard.eraser.get(answered.id)
