"""Applications at the authority: taken once, asked back, decided by two; what is approved is a draft, nothing more."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.authority.conftest import AUTHORITY, CENTRE, REDRESS, People, World, hire, payload
from tests.unit.governance.signed.test_application import USE

from wanderbuch.agents.authority.desk import Desk
from wanderbuch.agents.authority.draft import DraftState
from wanderbuch.agents.authority.intake.applications import Applications, TooManyApplicationsError
from wanderbuch.agents.authority.intake.case import (
    ApplicationCase,
    ApplicationState,
    ProposedDecision,
    WaitsFor,
    case_id,
    waiting,
)
from wanderbuch.agents.authority.intake.config import IntakeConfig
from wanderbuch.agents.runtime.problems import ForbiddenError, MalformedError, RefusedError
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.signed.application import Application

YARD = Did.parse("did:webvh:QmYard1111111111111111111111111111111111111111:yard.test:org")
SCHEMA = {"id": f"{AUTHORITY}/resources/zQmSchema1111111111111111111111111111111111111111", "name": "qualification/1.0"}
WIDE = USE | {"attributes": ["occupation_isco08", "family_name"]}


def application(number: int = 0, **changes: Any) -> Application:
    told: dict[str, Any] = {
        "id": f"{number:032x}",
        "to": AUTHORITY,
        "made_at": "2026-11-22T09:00:00Z",
        "name": "Valletta Yard",
        "country": "MLT",
        "wants": {"uses": [WIDE]},
    }
    return Application.model_validate(told | changes)


def decision(outcome: str = "approve", *grants: dict[str, Any], **changes: Any) -> ProposedDecision:
    told = {"outcome": outcome, "reason": "It is a yard", "redress": REDRESS, "grants": list(grants)}
    return ProposedDecision.model_validate(told | changes)


class Place:
    def __init__(self, world: World, desk: Desk, people: People, **limits: int) -> None:
        self.world, self.desk, self.people = world, desk, people
        self.applications = Applications(world.profile, desk, IntakeConfig(enabled=True, **limits), clock=world.clock)

    async def take(
        self, number: int = 0, *, by: Did = YARD, network: str = "203.0.113.0/24", **changes: Any
    ) -> ApplicationCase:
        return await self.applications.take(by, application(number, **changes), "a.b.c", network=network)

    async def decided(self, proposed: ProposedDecision) -> ApplicationCase:
        case = await self.take()
        case = await self.applications.propose(case.id, self.people.editor, proposed, read=case.revision)
        return await self.applications.decide(case.id, self.people.approver, revision=case.revision, digest=case.digest)


@pytest.fixture
async def place(world: World) -> Place:
    desk = world.desk()
    people = await hire(desk)
    await desk.publication.publish(payload(1, schemas=[SCHEMA]))
    return Place(world, desk, people, most_open=4, most_of_one=2)


async def test_the_same_one_sent_again_is_one_case_and_an_older_revision_changes_nothing(place: Place) -> None:
    case = await place.take()
    place.world.clock.advance(days=2)
    assert await place.take() == case
    await place.applications.ask_back(case.id, place.people.editor, "Who are you?", read=case.revision)
    answered = await place.take(revision=2, answer="A yard")
    assert await place.take() == answered
    assert await place.take(revision=2, answer="Something else") == answered
    assert len(await place.applications.all()) == 1


async def test_nobody_takes_the_place_of_somebody_elses_application(place: Place) -> None:
    mine, other = await place.take(), await place.take(by=CENTRE)
    assert mine.id == case_id(YARD, mine.application.id) != other.id


async def test_a_revision_that_nobody_asked_for_is_refused(place: Place) -> None:
    case = await place.take()
    with pytest.raises(RefusedError, match="nobody has asked"):
        await place.take(revision=2)
    with pytest.raises(RefusedError, match="first revision"):
        await place.take(1, revision=2)
    await place.applications.ask_back(case.id, place.people.editor, "Who are you?", read=case.revision)
    with pytest.raises(RefusedError):
        await place.take(revision=3)
    assert (await place.take(revision=2)).open_question is None


async def test_so_many_wait_of_one_applicant_and_in_all_and_a_decided_one_waits_no_more(place: Place) -> None:
    await place.take(1)
    case = await place.take(2)
    with pytest.raises(TooManyApplicationsError):
        await place.take(3)
    others = [Did.parse(f"did:webvh:QmOther{number}:other{number}.test:org") for number in range(3)]
    await place.take(by=others[0])
    await place.take(by=others[1])
    with pytest.raises(TooManyApplicationsError):
        await place.take(by=others[2])
    proposed = await place.applications.propose(case.id, place.people.editor, decision("refuse"), read=0)
    await place.applications.decide(case.id, place.people.approver, revision=proposed.revision, digest=None)
    assert (await place.take(by=others[2])).is_open


async def test_an_approval_becomes_a_submitted_draft_of_what_was_granted_and_no_more(place: Place) -> None:
    case = await place.decided(decision("approve", USE, ends_on="2027-11-22"))
    assert (case.state, case.outcome) == (ApplicationState.DECIDED, "approve")
    draft = await place.desk.drafts.get(str(case.draft_id))
    assert draft.state is DraftState.SUBMITTED
    record = await place.desk.drafts.record(draft.id, YARD)
    assert record is not None
    (statement,) = record["verifications"]
    assert statement["attributes"] == ["occupation_isco08"]  # the name was applied for, and was not granted
    assert statement["intervals"] == [{"start": "2026-11-22", "end": "2027-11-22"}]
    assert (statement["aim"], statement["keeps_days"]) == (USE["aim"], USE["keeps_days"])
    with pytest.raises(ForbiddenError, match="four eyes"):
        await place.desk.drafts.approve(draft.id, _also_approver(place), revision=draft.revision)
    published = await place.desk.approve(draft.id, place.people.approver, revision=draft.revision)
    assert published.state is DraftState.PUBLISHED


def _also_approver(place: Place) -> Any:
    """The editor who proposed it, as if they were an approver too."""
    return place.people.editor.model_copy(update={"roles": place.people.both.roles})


async def test_a_draft_with_a_mistake_stays_with_the_editors(world: World) -> None:
    desk = world.desk()
    place = Place(world, desk, await hire(desk))
    await desk.publication.publish(payload(1))  # which lists no schema of qualifications
    case = await place.decided(decision("approve", USE))
    draft = await desk.drafts.get(str(case.draft_id))
    assert (case.outcome, draft.state) == ("approve", DraftState.OPEN)
    assert [finding.rule for finding in await desk.drafts.findings(draft.id) if finding.severity.value == "error"] == [
        "schema-listed"
    ]


async def test_carrying_out_again_makes_no_second_draft(place: Place) -> None:
    case = await place.decided(decision("approve", USE))
    assert await place.applications.go_on_with(case.id) == case
    assert len(await place.desk.drafts.all()) == 1


async def test_a_refusal_says_why_and_whom_to_appeal_to_and_makes_no_draft(place: Place) -> None:
    case = await place.decided(decision("refuse"))
    assert case.outcome == "refuse"
    proposed = await place.applications.content(case)
    assert proposed is not None
    assert (proposed.reason, proposed.redress) == ("It is a yard", REDRESS)
    assert await place.desk.drafts.all() == []


async def test_who_proposed_does_not_decide_and_what_was_not_read_is_not_decided(place: Place) -> None:
    case = await place.take()
    case = await place.applications.propose(case.id, place.people.both, decision("refuse"), read=case.revision)
    with pytest.raises(ForbiddenError, match="four eyes"):
        await place.applications.decide(case.id, place.people.both, revision=case.revision, digest=None)
    with pytest.raises(RefusedError, match="revision"):
        await place.applications.decide(case.id, place.people.approver, revision=case.revision - 1, digest=None)
    with pytest.raises(ForbiddenError):
        await place.applications.propose(case.id, place.people.approver, decision("refuse"), read=case.revision)


@pytest.mark.parametrize(
    "grant", [WIDE | {"attributes": ["birth_date"]}, USE | {"purposes": ["study"]}, USE | {"keeps_days": 31}], ids=str
)
async def test_more_than_was_applied_for_is_not_granted(place: Place, grant: dict[str, Any]) -> None:
    case = await place.take()
    with pytest.raises(MalformedError, match="applied for"):
        await place.applications.propose(case.id, place.people.editor, decision("approve", grant), read=case.revision)
    with pytest.raises(MalformedError, match="applied for"):
        await place.applications.propose(case.id, place.people.editor, decision("approve"), read=case.revision)


async def test_while_the_applicant_is_asked_nothing_is_proposed_and_the_wait_is_theirs(place: Place) -> None:
    case, clock = await place.take(), place.world.clock
    clock.advance(days=1)
    case = await place.applications.ask_back(case.id, place.people.editor, "Who are you?", read=case.revision)
    with pytest.raises(RefusedError, match="not answered"):
        await place.applications.propose(case.id, place.people.editor, decision("refuse"), read=case.revision)
    clock.advance(days=3)
    assert waiting(case, clock()) == {WaitsFor.AUTHORITY: timedelta(days=1), WaitsFor.APPLICANT: timedelta(days=3)}
    case = await place.take(revision=2, answer="A yard")
    clock.advance(days=2)
    assert waiting(case, clock())[WaitsFor.AUTHORITY] == timedelta(days=3)
    case = await place.applications.propose(case.id, place.people.editor, decision("refuse"), read=case.revision)
    case = await place.applications.decide(case.id, place.people.approver, revision=case.revision, digest=None)
    clock.advance(days=9)
    assert waiting(case, clock())[WaitsFor.AUTHORITY] == timedelta(days=3)


async def test_what_is_sent_back_is_taken_up_again_and_proposed_anew(place: Place) -> None:
    case = await place.take()
    case = await place.applications.propose(case.id, place.people.editor, decision("refuse"), read=case.revision)
    case = await place.applications.reject(case.id, place.people.approver, "Look again")
    assert case.state is ApplicationState.SENT_BACK
    case = await place.applications.reopen(case.id, place.people.editor)
    case = await place.applications.propose(case.id, place.people.editor, decision("approve", USE), read=case.revision)
    case = await place.applications.decide(case.id, place.people.approver, revision=case.revision, digest=case.digest)
    assert case.outcome == "approve"


async def test_if_who_proposed_it_is_no_editor_any_more_it_goes_back(place: Place) -> None:
    case = await place.take()
    case = await place.applications.propose(case.id, place.people.editor, decision("approve", USE), read=case.revision)
    await place.desk.officials.remove(place.people.editor.id, by="operator")
    case = await place.applications.decide(case.id, place.people.approver, revision=case.revision, digest=None)
    assert case.state is ApplicationState.SENT_BACK
    assert await place.desk.drafts.all() == []


async def test_an_application_that_was_changed_before_its_proposal_was_submitted_is_not_submitted(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the two steps of a proposal an applicant who is asked back takes away what was to be granted."""
    applications, editor, case = place.applications, place.people.editor, await place.take()
    submit = applications.submit

    async def asked_meanwhile(case_id: str, person: Any, **_: Any) -> ApplicationCase:
        now = await applications.get(case_id)
        await applications.ask_back(case_id, place.people.both, "Do you need the name?", read=now.revision)
        await place.take(revision=2, answer="No", wants={"uses": [USE]})
        return await submit(case_id, person)

    with monkeypatch.context() as patched:
        patched.setattr(applications, "submit", asked_meanwhile)
        with pytest.raises(RefusedError, match="applied for"):
            await applications.propose(case.id, editor, decision("approve", WIDE), read=case.revision)
    assert (await applications.get(case.id)).state is ApplicationState.RECEIVED


async def test_a_proposal_is_not_submitted_while_the_applicant_is_asked(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    applications, case = place.applications, await place.take()
    submit = applications.submit

    async def asked_meanwhile(case_id: str, person: Any, **_: Any) -> ApplicationCase:
        now = await applications.get(case_id)
        await applications.ask_back(case_id, place.people.both, "Who are you?", read=now.revision)
        return await submit(case_id, person)

    with monkeypatch.context() as patched:
        patched.setattr(applications, "submit", asked_meanwhile)
        with pytest.raises(RefusedError, match="not answered"):
            await applications.propose(case.id, place.people.editor, decision("refuse"), read=case.revision)
    assert (await applications.get(case.id)).open_question is not None


async def test_many_at_once_of_one_applicant_take_no_more_places_than_one_after_the_other(place: Place) -> None:
    came = await asyncio.gather(*(place.take(number) for number in range(6)), return_exceptions=True)
    assert sum(isinstance(one, TooManyApplicationsError) for one in came) == 4
    assert len(await place.applications.open_ones()) == 2


async def test_a_stranger_with_all_places_makes_room_for_others_and_for_nobody_twice(place: Place) -> None:
    strangers = [Did.parse(f"did:webvh:QmStranger{number}:stranger{number}.test:org") for number in range(4)]
    taken = [await place.take(by=stranger, network="192.0.2.0/24") for stranger in strangers]
    worked_on = taken[-1]
    await place.applications.ask_back(worked_on.id, place.people.editor, "Who are you?", read=worked_on.revision)
    case = await place.take()
    waiting_now = [one.id for one in await place.applications.open_ones()]
    assert waiting_now == [taken[0].id, taken[1].id, worked_on.id, case.id]
    with pytest.raises(TooManyApplicationsError, match="too many applications wait"):
        await place.take(by=strangers[2], network="192.0.2.0/24")  # it has the most already
    assert (await place.take(by=CENTRE)).is_open  # a second one of the same network, which still has fewer
    assert [one.id for one in await place.applications.open_ones()][:2] == [taken[0].id, worked_on.id]
    assert "192.0.2" not in taken[0].model_dump_json()


async def test_the_network_of_an_application_is_forgotten_with_the_decision(place: Place) -> None:
    assert (await place.take(1)).network
    assert (await place.decided(decision("refuse"))).network == ""


async def test_applications_are_listed_in_parts_the_oldest_first(place: Place) -> None:
    kept = [(await place.take(number)).id for number in range(2)] + [(await place.take(by=CENTRE)).id]
    first = await place.applications.page(limit=2)
    second = await place.applications.page(limit=2, cursor=first.next_cursor)
    assert [[case.id for case in part.items] for part in (first, second)] == [kept[:2], kept[2:]]
    assert second.next_cursor is None
    assert (await place.applications.page(state=ApplicationState.DECIDED, limit=2)).items == ()


@pytest.mark.parametrize("other", ["approve", "refuse"])
async def test_what_another_editor_wrote_meanwhile_is_not_submitted_in_my_name(
    place: Place, monkeypatch: pytest.MonkeyPatch, other: str
) -> None:
    applications, people, case = place.applications, place.people, await place.take()
    edit = applications.edit

    async def edited_meanwhile(case_id: str, person: Any, content: ProposedDecision, *, read: int) -> ApplicationCase:
        mine = await edit(case_id, person, content, read=read)
        await edit(case_id, people.both, decision(other, *([USE] if other == "approve" else [])), read=mine.revision)
        return mine

    with monkeypatch.context() as patched:
        patched.setattr(applications, "edit", edited_meanwhile)
        with pytest.raises(RefusedError, match="changed meanwhile"):
            await applications.propose(case.id, people.editor, decision("approve", WIDE), read=case.revision)
    case = await applications.get(case.id)
    assert case.state is ApplicationState.RECEIVED
    case = await applications.propose(case.id, people.editor, decision("approve", WIDE), read=case.revision)
    case = await applications.decide(case.id, people.approver, revision=case.revision, digest=case.digest)
    draft = await place.desk.drafts.get(str(case.draft_id))
    with pytest.raises(ForbiddenError, match="four eyes"):  # they had a hand in the application
        await place.desk.approve(draft.id, people.both, revision=draft.revision)


async def test_what_is_published_while_a_draft_is_made_is_in_conflict_with_it(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    drafts, people = place.desk.drafts, place.people
    edit, meanwhile = drafts.edit, []

    async def edit_late(draft_id: str, editor: Any, **changes: Any) -> Any:
        if not meanwhile:
            meanwhile.append(await drafts.open(people.both, "Its name"))
            named = {str(YARD): {"description": {"name": "Meanwhile"}}}
            await edit(meanwhile[0].id, people.both, records=named)
            other = await drafts.submit(meanwhile[0].id, people.both)
            await place.desk.approve(other.id, people.approver, revision=other.revision)
        return await edit(draft_id, editor, **changes)

    monkeypatch.setattr(drafts, "edit", edit_late)
    case = await place.decided(decision("approve", USE))
    draft = await drafts.get(str(case.draft_id))
    assert draft.state is DraftState.OPEN
    assert "changed-meanwhile" in [finding.rule for finding in await drafts.findings(draft.id)]


async def test_the_network_of_an_application_is_forgotten_when_it_is_given_up(place: Place) -> None:
    case = await place.take(1)
    case = await place.applications.ask_back(case.id, place.people.editor, "Who are you?", read=case.revision)
    given_up = await place.applications.discard(case.id, place.people.editor)
    assert (given_up.state, given_up.network) == (ApplicationState.DISCARDED, "")
    assert (await place.applications.get(case.id)).network == ""


async def test_what_has_waited_for_a_day_gives_way_last(place: Place) -> None:
    """The customers of one operator come from one network, and a rush later is not to push them out."""
    people = [Did.parse(f"did:webvh:QmOther{number}:other{number}.test:org") for number in range(5)]
    waited = [await place.take(by=one, network="198.51.100.0/24") for one in people[:2]]
    place.world.clock.advance(days=2)
    rush = [await place.take(by=one, network="192.0.2.0/24") for one in people[2:4]]
    await place.take(by=people[4], network="203.0.113.0/24")
    left = {case.id for case in await place.applications.open_ones()}
    assert {case.id for case in waited} <= left
    assert rush[1].id not in left
