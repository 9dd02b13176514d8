"""A wallet that answers a link is asked once and takes one place, however often and at once it comes."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest
from tests.memory_wallet import memory_wallet
from tests.unit.trust.ecosystem import Authority, Issuer, webvh
from tests.unit.trust.employer import BASE_URL, SHIPYARD, Employer, open_employer

from wanderbuch.agents.verifier.erasing.erasure import Erasure, erasures
from wanderbuch.agents.verifier.links.applying import Applying, question_message
from wanderbuch.agents.verifier.links.link import Links, QuestionLink
from wanderbuch.agents.verifier.links.wallet_questions import ids_asked_again
from wanderbuch.governance.facts.question import Reason, TrustDecision, Verdict
from wanderbuch.plugins.exchange.connection import Connection
from wanderbuch.plugins.exchange.left_out import MayBeLeftOut
from wanderbuch.plugins.trust.verifying.anoncreds.lesser import lesser_request
from wanderbuch.plugins.trust.verifying.answer_facts import AnswerFact, AnswerGrounds, FactKind, FactOutcome
from wanderbuch.plugins.trust.verifying.asking import Asker
from wanderbuch.plugins.trust.verifying.deciding import KeepsCases
from wanderbuch.plugins.trust.verifying.exchange import (
    ANSWER,
    DECISION,
    Verification,
    decided,
    open_verifications,
    taken,
)
from wanderbuch.store.records import utc_now


@pytest.fixture
async def employer() -> AsyncIterator[Employer]:
    profile = await memory_wallet()
    issuers = Issuer(webvh("centre")), Issuer(webvh("cooks"))
    yield await open_employer(profile, Authority(), *issuers, datetime.now(UTC))
    await profile.close()


def connection(own_key: str) -> Connection:
    return Connection(
        id=own_key,
        connection_id=f"of {own_key}",
        own_did="did:peer:4z1",
        their_did="did:peer:4z2",
        their_key="key",
        endpoint="",
        invitation_id="link",
        request_id="request",
        protocol="didexchange/1.1",
    )


async def opened(employer: Employer, *, most: int) -> tuple[Applying, Links, QuestionLink]:
    """Return a link for welders, and who asks those that answer it."""
    links = Links(employer.profile)
    applying = Applying(
        employer.profile,
        links,
        desk=employer.desk,
        source=employer.source,
        asker=lambda: Asker(SHIPYARD, "Employer", BASE_URL),
        answer_in=timedelta(minutes=10),
    )
    link = QuestionLink(
        title="Welders",
        question={"place": "MLT", "credentials": [{"ask": "qualification", "occupation": "C7212"}]},
        invitation_url=f"{BASE_URL}?oob=e30",
        short_url=f"{BASE_URL}/i/x",
        closes_at=utc_now() + timedelta(days=1),
        most=most,
        offset=17,
    )
    return applying, links, await links.add(link)


async def test_a_wallet_that_comes_many_times_at_once_takes_one_place(employer: Employer) -> None:
    applying, links, link = await opened(employer, most=5)
    asked = await asyncio.gather(*(applying._question(link, connection("one")) for _ in range(5)))
    assert len({verification.id for verification in asked}) == 1
    assert (await links.get(link.id)).taken == 1
    other = await applying._question(link, connection("another"))
    assert (other.place, (await links.get(link.id)).taken) == (1, 2)
    assert other.ref != asked[0].ref


async def test_who_applies_by_a_link_may_leave_out_what_its_question_allows(employer: Employer) -> None:
    applying, links, link = await opened(employer, most=2)
    question = {**link.question, "subject": "name_and_birth_date", "least_subject": "name"}
    link = await links.add(link.model_copy(update={"id": "named", "question": question}))
    asked = await applying._question(link, connection("one"))
    left_out = MayBeLeftOut.read(question_message(asked))
    assert left_out is not None
    assert left_out.attributes == ("birth_date",)
    assert left_out.without(asked.proof_request) == lesser_request(asked)


async def test_who_only_asks_to_connect_takes_a_place_too(employer: Employer) -> None:
    """Or a flood of requests that nobody goes on with would leave connections without end."""
    applying, links, link = await opened(employer, most=3)
    taken = await asyncio.gather(*(applying.take(link.id, connection(f"flood {number}")) for number in range(8)))
    assert sorted(taken) == [False] * 5 + [True] * 3
    assert (await links.get(link.id)).taken == 3
    has_begun = f"flood {taken.index(True)}"
    assert await applying.take(link.id, connection(has_begun))
    await links.close(link.id)
    assert await applying.take(link.id, connection(has_begun))
    assert not await applying.take(link.id, connection("another"))


async def test_who_comes_when_a_link_is_full_costs_no_question(
    employer: Employer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are told; nothing is read, compiled or waited for them."""
    applying, _, link = await opened(employer, most=1)
    assert await applying.take(link.id, connection("one"))

    async def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a question was prepared")

    monkeypatch.setattr(applying._source, "current", refuse)
    assert not await applying.take(link.id, connection("another"))
    assert await applying.take(link.id, connection("one"))


@pytest.mark.parametrize("unread", [{"place": "Nowhere"}, {"credentials": []}], ids=["not known", "another version's"])
async def test_who_cannot_be_asked_now_takes_no_place_and_leaves_no_connection(
    employer: Employer, unread: dict[str, object]
) -> None:
    """Or whoever comes again and again would leave connections without end."""
    applying, links, link = await opened(employer, most=3)
    strange = await links.add(link.model_copy(update={"id": "0" * 32, "question": {**link.question, **unread}}))
    assert not await applying.take(strange.id, connection("one"))
    assert (await links.get(strange.id)).taken == 0
    assert await applying.take(link.id, connection("one"))


async def test_a_desk_that_is_renamed_drains_no_open_link(employer: Employer) -> None:
    """Name, reference, law and purpose stand in one text of so many characters."""
    employer.desk._decisions.cases = cast("KeepsCases", object())
    applying, links, link = await opened(employer, most=3)
    until = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()
    kept = {**link.question, "keep": {"law": "x" * 120, "purpose": "y" * 120, "until": until, "language": "fr"}}
    older = await links.add(link.model_copy(update={"id": "0" * 32, "question": kept}))
    named = await links.add(link.model_copy(update={"id": "1" * 32, "question": kept, "called": "Employer"}))
    applying._asker = lambda: Asker(SHIPYARD, "x" * 120, BASE_URL)
    for _ in range(2):
        assert not await applying.take(older.id, connection("one"))
    assert (await links.get(older.id)).taken == 0, "whoever cannot be asked takes no place"
    asked = await applying._question(named, connection("one"))
    assert asked.proof_request["name"].startswith("Employer [")


async def test_wallets_that_only_begin_cannot_keep_a_link_full(employer: Employer) -> None:
    applying, links, link = await opened(employer, most=2)
    for number in range(2):
        assert await applying.take(link.id, connection(f"flood {number}"))
    assert not await applying.take(link.id, connection("worker"))
    employer.now += timedelta(minutes=20)
    await applying.free(employer.now)
    assert await applying.take(link.id, connection("worker"))
    after = await links.get(link.id)
    assert (after.taken, after.freed, after.in_use) == (3, 2, 1)


async def test_who_answered_in_time_keeps_their_place(employer: Employer) -> None:
    """Also where the answer is refused, as long as something was proven; a forged one is as good as none.

    Nor does one keep its place that names what nobody can fetch: a stranger may send as many of these as they like.
    """
    applying, links, link = await opened(employer, most=5)
    names = ("refused", "unknown", "forged", "unfetched", "silent")
    asked = {name: await applying._question(link, connection(name)) for name in names}
    await decide(employer, asked["refused"], FactOutcome.HOLDS)
    await decide(employer, asked["unknown"], FactOutcome.HOLDS, Verdict.UNKNOWN)
    await decide(employer, asked["forged"], FactOutcome.NOT_LOOKED_AT)
    await decide(employer, asked["unfetched"], FactOutcome.COULD_NOT_CHECK, Verdict.UNKNOWN)
    employer.now += timedelta(minutes=20)
    await applying.free(employer.now)
    after = await links.get(link.id)
    assert (after.in_use, after.freed) == (2, 3)
    again = await applying._question(link, connection("refused"))
    assert again.id == asked["refused"].id


async def test_an_answer_that_is_still_judged_when_its_time_is_over_is_looked_at_again(employer: Employer) -> None:
    applying, links, link = await opened(employer, most=1)
    asked = await applying._question(link, connection("slow"))
    employer.now += timedelta(minutes=20)
    await open_verifications(employer.profile).add(asked.id, ANSWER, taken("0" * 64, at=employer.now))
    await applying.free(employer.now)
    assert (await links.get(link.id)).in_use == 1
    await decide(employer, asked, FactOutcome.NOT_LOOKED_AT)
    employer.now += timedelta(minutes=20)
    await applying.free(employer.now)
    assert (await links.get(link.id)).in_use == 0


async def test_a_wallet_that_was_too_late_is_asked_anew_at_another_place_and_not_for_ever(employer: Employer) -> None:
    applying, links, link = await opened(employer, most=10)
    ids = set()
    for _ in range(7):
        asked = await applying._question(link, connection("late"))
        assert (await applying._question(link, connection("late"))).id == asked.id
        ids.add(asked.id)
        late = asked.model_copy(update={"answer_by": utc_now() - timedelta(seconds=1), "id": asked.id})
        await open_verifications(employer.profile).remove(asked.id)
        await open_verifications(employer.profile).insert(late)
        employer.now = utc_now() + timedelta(seconds=1)
    assert len(ids) == 5
    assert (await links.get(link.id)).taken == 5


@pytest.mark.parametrize("again", [False, True], ids=["at a place", "asked again"])
async def test_who_had_an_answer_erased_is_asked_no_more_by_that_link(employer: Employer, again: bool) -> None:
    """Whichever it was, and also where a law keeps the record of it; another link may ask."""
    applying, links, link = await opened(employer, most=5)
    asked = await applying._question(link, connection("worker"))
    late = asked.model_copy(update={"answer_by": utc_now() - timedelta(seconds=1)})
    await open_verifications(employer.profile).remove(asked.id)
    await open_verifications(employer.profile).insert(late)
    erased = ids_asked_again(link.id, "worker")[3] if again else asked.id
    await erasures(employer.profile).insert(Erasure(id=erased, created_at=utc_now(), key=None, signed=None))
    employer.now = utc_now() + timedelta(seconds=1)
    assert not await applying.take(link.id, connection("worker"))
    other = await links.add(link.model_copy(update={"id": "0" * 32}))
    assert await applying.take(other.id, connection("worker"))


async def decide(
    employer: Employer, asked: Verification, genuine: FactOutcome, verdict: Verdict = Verdict.NOT_TRUSTED
) -> None:
    """End a question as one that was answered, and not accepted."""
    decision = TrustDecision(verdict, (Reason("proof.invalid", "…"),), None, employer.now)
    grounds = AnswerGrounds((AnswerFact(FactKind.GENUINE, genuine),), ())
    markers = open_verifications(employer.profile)
    await markers.add(asked.id, ANSWER, taken("0" * 64, at=employer.now))
    await markers.add(asked.id, DECISION, decided(decision, grounds, seen_until=None, at=employer.now))
