"""A question without an account: only what is registered, so many, nothing kept but a count; a verdict in few words."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from tests.memory_wallet import memory_wallet
from tests.unit.trust.ecosystem import Authority, Issuer, webvh
from tests.unit.trust.employer import BASE_URL, SHIPYARD, Employer, open_employer
from tests.unit.trust.receipts.test_receipts import DECIDED, verification

from wanderbuch.agents.runtime.gate.budget import TooOftenError
from wanderbuch.agents.runtime.tenant import Tenant
from wanderbuch.agents.site.languages import LANGUAGES
from wanderbuch.agents.verifier.config import WalkInConfig
from wanderbuch.agents.verifier.desk_log import DeskLog
from wanderbuch.agents.verifier.getting_in.kit import KIT
from wanderbuch.agents.verifier.getting_in.verdict import MOST_WORDS, verdict_of
from wanderbuch.agents.verifier.policies.document import PolicyDocument, compiled
from wanderbuch.agents.verifier.policies.keeping import PolicyBook, PolicyBrokenError
from wanderbuch.agents.verifier.walk_ins.asking import NotRegisteredError, WalkInQuestion, WalkIns
from wanderbuch.agents.verifier.walk_ins.records import outcome_of
from wanderbuch.errors import CredentialError
from wanderbuch.governance.facts.question import Reason, TrustDecision, Verdict
from wanderbuch.plugins.trust.verifying.answer_facts import AnswerFact, AnswerGrounds, FactKind, FactOutcome
from wanderbuch.plugins.trust.verifying.asking import Asker
from wanderbuch.plugins.trust.verifying.exchange import VerificationState
from wanderbuch.store.records import utc_now

WELDER = WalkInQuestion("C7212", 3, "MLT", "en")


@dataclass
class Door:
    employer: Employer
    now: datetime

    def open(self, **limits: Any) -> WalkIns:
        async def add(url: str, *, lifetime: timedelta) -> str:
            return f"{BASE_URL}/i/x"

        tenant = SimpleNamespace(
            id="check", profile=self.employer.profile, clock=lambda: self.now, short_links=SimpleNamespace(add=add)
        )
        config = WalkInConfig(enabled=True, **{"network_a_minute": 600, "all_a_minute": 600} | limits)
        asker = Asker(SHIPYARD, "Authority", BASE_URL)
        policy = PolicyBook(self.employer.profile, DeskLog(self.employer.profile, clock=lambda: self.now))
        return WalkIns(cast("Tenant", tenant), self.employer.desk, self.employer.source, lambda: asker, config, policy)


@pytest.fixture
async def door(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Door]:
    profile = await memory_wallet()
    issuers = Issuer(webvh("centre")), Issuer(webvh("cooks"))
    employer = await open_employer(profile, Authority(), *issuers, datetime.now(UTC))
    yield Door(employer, utc_now())
    await profile.close()


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """The authority's list lets this verifier ask anything."""
    may = TrustDecision(Verdict.TRUSTED, (), None, utc_now())
    monkeypatch.setattr("wanderbuch.plugins.trust.verifying.asking.may_ask_group", lambda *_, **__: may)


async def test_who_is_not_on_the_list_asks_nobody(door: Door) -> None:
    with pytest.raises(NotRegisteredError):
        await door.open().begin(WELDER, network="a")
    assert (await door.employer.desk.page(door.employer.profile)).items == ()


@pytest.mark.usefixtures("registered")
async def test_no_name_is_asked_and_the_page_is_found_by_its_secret_alone(door: Door) -> None:
    walk_ins = door.open()
    token = await walk_ins.begin(WELDER, network="a")
    walk_in = await walk_ins.find(token)
    assert walk_in is not None
    assert not {"family_name", "given_names", "birth_date"} & set(walk_in.verification.names)
    assert await walk_ins.find(walk_in.verification.id) is None
    assert await walk_ins.find(token[:-1]) is None
    explained = await walk_ins.explained(walk_in.verification, "fr")
    assert explained is not None
    assert explained.learnt


@pytest.mark.usefixtures("registered")
async def test_a_flood_is_refused_by_network_by_all_and_by_what_is_open(door: Door) -> None:
    walk_ins = door.open(network_a_minute=2, all_a_minute=3, most_open=100)
    tokens = [await walk_ins.begin(WELDER, network=network) for network in ("a", "a", "b")]
    for network in ("a", "c"):
        with pytest.raises(TooOftenError):
            await walk_ins.begin(WELDER, network=network)
    full = door.open(most_open=3)
    await full.begin(WELDER, network="d")  # who has most makes room
    assert [await full.find(token) is not None for token in tokens] == [True, False, True]
    with pytest.raises(TooOftenError):
        await full.begin(WELDER, network="e")
    asked = (await door.employer.desk.page(door.employer.profile)).items
    assert sorted(question.state.value for question in asked) == ["CANCELLED", "OPEN", "OPEN", "OPEN"]


@pytest.mark.usefixtures("registered")
async def test_nobody_makes_room_for_a_question_that_cannot_be_put_nor_against_the_policy(door: Door) -> None:
    walk_ins = door.open(most_open=2)
    tokens = [await walk_ins.begin(WELDER, network="a") for _ in range(2)]
    with pytest.raises(CredentialError):
        await walk_ins.begin(WalkInQuestion("C0000", 3, "MLT", "en"), network="b")
    await walk_ins._policy.change(compiled(PolicyDocument(places=["LKA"])), read=0, by="m.borg")
    with pytest.raises(PolicyBrokenError):
        await walk_ins.begin(WELDER, network="b")
    assert [await walk_ins.find(token) is not None for token in tokens] == [True, True]


@pytest.mark.usefixtures("registered")
async def test_who_is_of_no_known_network_is_not_crowded_out(door: Door) -> None:
    walk_ins = door.open(most_open=2)
    tokens = [await walk_ins.begin(WELDER, network="") for _ in range(2)]
    with pytest.raises(TooOftenError):
        await walk_ins.begin(WELDER, network="b")
    assert [await walk_ins.find(token) is not None for token in tokens] == [True, True]


@pytest.mark.usefixtures("registered")
async def test_when_its_time_is_over_nothing_stays_but_the_count(door: Door) -> None:
    walk_ins, profile = door.open(most_open=1), door.employer.profile
    token = await walk_ins.begin(WELDER, network="a")
    door.now += timedelta(seconds=walk_ins.config.answer_s + walk_ins.config.shown_s - 5)
    await walk_ins.sweep(door.now)
    assert await walk_ins.find(token) is not None
    door.now += timedelta(seconds=10)
    await walk_ins.sweep(door.now)
    await walk_ins.sweep(door.now)
    assert await walk_ins.find(token) is None
    assert (await door.employer.desk.page(profile)).items == ()
    (count,) = await walk_ins.counts.all()
    told = count.model_dump(exclude={"id", "created_at"})
    assert told == {"accepted": 0, "refused": 0, "not_checked": 0, "declined": 0, "unanswered": 1}
    assert await walk_ins.begin(WELDER, network="a")  # its place is free


@pytest.mark.usefixtures("registered")
async def test_what_a_crash_left_without_a_page_goes_too(door: Door) -> None:
    walk_ins = door.open()
    await walk_ins.begin(WELDER, network="a")
    for session in await walk_ins._sessions.find():
        await walk_ins._sessions.remove(session.id)
    door.now += timedelta(days=1)
    await walk_ins.sweep(door.now)
    assert (await door.employer.desk.page(door.employer.profile)).items == ()


def ended(verdict: Verdict, fact: FactKind | None = None) -> Any:
    decision = TrustDecision(verdict, (Reason("x", "…"),), None, DECIDED)
    facts = () if fact is None else (AnswerFact(fact, FactOutcome.FAILS),)
    return verification(decision=decision, grounds=AnswerGrounds(facts, ()))


ENDS = [
    *(ended(verdict) for verdict in Verdict),
    *(ended(Verdict.NOT_TRUSTED, fact) for fact in FactKind),
    *(
        verification(decision=None, grounds=None, state=state)
        for state in (VerificationState.DECLINED, VerificationState.NO_ANSWER)
    ),
]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_verdict_is_said_in_few_words_of_every_language(language: str) -> None:
    for one in ENDS:
        verdict = verdict_of(one, KIT.words(LANGUAGES[language]))
        assert verdict is not None
        text = f"{verdict.word.striptags()} {verdict.text.striptags()}"
        assert len(text.split()) <= MOST_WORDS, text


def test_what_could_not_be_checked_never_reads_like_a_refusal() -> None:
    words = KIT.words(LANGUAGES["en"])
    for verdict in (Verdict.UNKNOWN, Verdict.STALE):
        shown = verdict_of(ended(verdict), words)
        assert shown is not None
        assert "no refusal" in shown.text
        assert shown.look != "not_trusted"
        assert outcome_of(ended(verdict)) == "not_checked"
    assert verdict_of(verification(decision=None, grounds=None, state=VerificationState.OPEN), words) is None
