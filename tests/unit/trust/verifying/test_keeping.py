"""A question that says that its answer is kept: the worker is told everywhere; the case comes before the decision."""

import base64
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from acapy_agent.core.profile import Profile
from tests.unit.trust.ecosystem import WELDER, Held, Worker, message
from tests.unit.trust.employer import BASE_URL, SHIPYARD, Employer, codes, verdict

from wanderbuch.agents.holder.asked import parse_proof_request
from wanderbuch.governance.facts.question import Verdict
from wanderbuch.plugins.trust.verifying.anoncreds.presentation import message_digest
from wanderbuch.plugins.trust.verifying.asked import ONLY_GROUP, AskedCredential
from wanderbuch.plugins.trust.verifying.asking import Asker, LinkPlace
from wanderbuch.plugins.trust.verifying.exchange import ANSWER, Verification, open_verifications, taken
from wanderbuch.plugins.trust.verifying.judgement import Judgement
from wanderbuch.plugins.trust.verifying.keeping import Keeping, KeepingError


@dataclass
class Archive:
    """Notes what it is given to keep, and what was decided by then."""

    employer: Employer
    given: list[tuple[Verification, Mapping[str, object], Judgement]] = field(default_factory=list)
    decided_before: list[bool] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)

    async def keep(
        self,
        profile: Profile,
        asked: Verification,
        message: Mapping[str, object],
        judgement: Judgement,
        judge_again: Callable[[], Awaitable[Judgement]],
    ) -> Judgement:
        presentation = await self.employer.desk.status(profile, asked.id)
        self.decided_before.append(presentation.decision is not None)
        self.given.append((asked, message, judgement))
        return judgement

    async def drop(self, profile: Profile, verification_id: str) -> None:
        self.dropped.append(verification_id)


@pytest.fixture
def archive(employer: Employer) -> Archive:
    made = Archive(employer)
    employer.desk._decisions.cases = made
    return made


async def ask(employer: Employer, keeping: Keeping | None) -> Verification:
    return await employer.desk.ask(
        employer.profile,
        AskedCredential(ONLY_GROUP, WELDER),
        asker=Asker(SHIPYARD, "x" * 60, BASE_URL),
        answer_in=timedelta(minutes=10),
        ref="K7-42",
        keeping=keeping,
    )


def keeping_of(employer: Employer, *, letters: int = 120) -> Keeping:
    return Keeping("l" * letters, "p" * letters, (employer.now + timedelta(days=400)).date())


def invitation(asked: Verification) -> dict[str, Any]:
    text = parse_qs(urlsplit(asked.invitation_url).query)["oob"][0]
    read: dict[str, Any] = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return read


async def test_the_worker_is_told_in_every_place_that_wallets_show(employer: Employer, archive: Archive) -> None:
    keeping = keeping_of(employer)
    asked = await ask(employer, keeping)
    told, invited = keeping.told(), invitation(asked)
    assert asked.words[-1] == told
    assert told in invited["goal"]
    assert invited["requests~attach"][0]["data"]["json"]["comment"] == told
    assert told in parse_proof_request(asked.proof_request).name  # which our own wallets read, at its longest, too


async def test_the_case_is_kept_before_its_decision(
    employer: Employer, archive: Archive, worker: Worker, welder: Held
) -> None:
    asked = await ask(employer, keeping_of(employer))
    ended = await employer.get(asked, worker.present(asked.proof_request, welder))
    assert verdict(ended) is Verdict.TRUSTED
    ((presentation, answer, judgement),) = archive.given
    assert archive.decided_before == [False]
    assert (presentation.id, judgement.decision) == (asked.id, ended.decision)
    assert "presentations~attach" in answer


async def test_nothing_is_kept_of_other_questions(
    employer: Employer, archive: Archive, worker: Worker, welder: Held
) -> None:
    asked = await ask(employer, None)
    ended = await employer.get(asked, worker.present(asked.proof_request, welder))
    assert verdict(ended) is Verdict.TRUSTED
    assert archive.given == []
    assert "kept" not in json.dumps(asked.words)


@pytest.mark.parametrize("is_kept", [True, False])
async def test_a_judgement_that_was_cut_off_leaves_no_case(
    employer: Employer, archive: Archive, worker: Worker, welder: Held, is_kept: bool
) -> None:
    """A process died between the case and its decision: what is decided then rests on no answer."""
    asked = await ask(employer, keeping_of(employer) if is_kept else None)
    digest = message_digest(message(worker.present(asked.proof_request, welder)))
    assert await open_verifications(employer.profile).add(asked.id, ANSWER, taken(digest, at=employer.now))
    employer.now += timedelta(minutes=5)
    ended = await employer.desk.status(employer.profile, asked.id)
    assert codes(ended) == ["judgement.interrupted"]
    assert archive.dropped == ([asked.id] if is_kept else [])


async def test_nobody_is_asked_where_nothing_can_be_kept(employer: Employer) -> None:
    with pytest.raises(KeepingError, match="keeps no case files"):
        await ask(employer, keeping_of(employer))


async def test_nobody_is_asked_for_longer_than_anybody_may_keep(employer: Employer, archive: Archive) -> None:
    for_ever = Keeping("law", "purpose", (employer.now + timedelta(days=40_000)).date())
    with pytest.raises(KeepingError, match="expected a last day"):
        await ask(employer, for_ever)


async def test_who_answers_a_link_is_told_and_their_case_is_kept(
    employer: Employer, archive: Archive, worker: Worker, welder: Held
) -> None:
    keeping, asker = keeping_of(employer, letters=40), Asker(SHIPYARD, "Shipyard", BASE_URL)
    compiled = await employer.desk.compile(AskedCredential(ONLY_GROUP, WELDER), asker=asker)
    asked = await employer.desk.put_over_connection(
        employer.profile,
        compiled,
        asker=asker,
        place=LinkPlace("link", 0, "question", f"{BASE_URL}/i/link", employer.own_key),
        ref="K7-42",
        answer_by=employer.now + timedelta(days=30),
        keeping=keeping,
    )
    employer.connect()
    assert asked.words[-1] == keeping.told()
    assert parse_proof_request(asked.proof_request).name == f"Shipyard [K7-42]. {keeping.told()}"
    ended = await employer.get(asked, worker.present(asked.proof_request, welder))
    assert verdict(ended) is Verdict.TRUSTED
    ((presentation, _, _),) = archive.given
    assert (presentation.id, presentation.keeping) == (asked.id, keeping)


@pytest.mark.parametrize(("letters", "fits"), [(135, True), (136, False)])
async def test_nobody_is_asked_in_a_name_that_wallets_do_not_take(
    employer: Employer, archive: Archive, letters: int, fits: bool
) -> None:
    title, last_answer = "x" * letters, employer.now + timedelta(minutes=10)
    keeping = keeping_of(employer)
    assert (len(keeping.beside(title)) <= 512) is fits
    if fits:
        employer.desk.check_keeping(keeping, title=title, last_answer=last_answer)
    else:
        with pytest.raises(KeepingError, match="found 1 more"):
            employer.desk.check_keeping(keeping, title=title, last_answer=last_answer)


async def test_nothing_is_kept_until_a_day_on_which_answers_are_still_taken(
    employer: Employer, archive: Archive
) -> None:
    keeping = Keeping("law", "purpose", (employer.now + timedelta(days=30)).date())
    employer.desk.check_keeping(keeping, title="Shipyard", last_answer=employer.now + timedelta(days=29))
    with pytest.raises(KeepingError, match="expected a last day after"):
        employer.desk.check_keeping(keeping, title="Shipyard", last_answer=employer.now + timedelta(days=30))
