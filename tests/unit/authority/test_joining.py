"""Invited, checked in, approved: and whoever comes with a wrong code, another's code, another's keys, or once more."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.authority.conftest import AUTHORITY, CENTRE, HEADER, REDRESS, People, World, hire, payload
from tests.unit.governance.conftest import KeyHolder

from wanderbuch.agents.authority.desk import Desk
from wanderbuch.agents.authority.draft import DraftState
from wanderbuch.agents.authority.intake.applications import Applications
from wanderbuch.agents.authority.intake.case import ApplicationCase, ApplicationState, GrantedScope, ProposedDecision
from wanderbuch.agents.authority.intake.config import IntakeConfig
from wanderbuch.agents.authority.intake.reception import ApplicationStandingOut, Reception
from wanderbuch.agents.authority.invitation_api import InviteIn
from wanderbuch.agents.authority.joining.invitation import MOST_TRIES, InvitationState, JoiningInvitation
from wanderbuch.agents.authority.joining.invitations import CheckInRefusedError
from wanderbuch.agents.runtime.gate.networks import Networks
from wanderbuch.agents.runtime.problems import ForbiddenError, MalformedError, RefusedError
from wanderbuch.governance.facts.identifiers import Did, WebvhDid
from wanderbuch.governance.form.model import LISTING
from wanderbuch.governance.signed.application import (
    Application,
    ApplicationError,
    IssuerWants,
    sign_application,
    verify_application,
)
from wanderbuch.governance.signed.check_in import CheckInCode, CheckInCodeError, check_in_proof
from wanderbuch.store.records import RecordStore

MATARA = Did.parse(f"did:webvh:{'QmMatara'.ljust(46, '1')}:matara.test:org")
OTHER = Did.parse(f"did:webvh:{'QmThief'.ljust(46, '1')}:other.test:org")
KEY, SECOND = "P01/0142", "P01/0143"
SCOPE: dict[str, Any] = {
    "id": "TVEC-901",
    "credential_types": ["qualification/1.0"],
    "occupations": ["C7126"],
    "level_range": {"framework": "EQF", "min": "2", "max": "4"},
    "jurisdictions": ["LKA"],
    "intervals": [{"start": "2026-01-01"}],
    "accreditingAgent": {"name": "Training authority (example)"},
    "decision": "https://authority.example.test/decisions/901",
    "redress": REDRESS,
}
LISTED = {
    KEY: {"name": "Matara Plumbing School", "email": "office@matara.test", "accredited_for": [SCOPE]},
    SECOND: {"name": "Galle School", "accredited_for": [{**SCOPE, "id": "TVEC-902"}]},
}
WANTED = {key: SCOPE[key] for key in ("credential_types", "occupations", "level_range", "jurisdictions")}


def source(did: Did, letter: str = "C") -> str:
    return f"anoncreds:{did}/resources/zQm{letter * 44}"


class Place:
    """An authority with a published list, its officials, and what comes in."""

    def __init__(self, world: World, desk: Desk, people: People) -> None:
        self.world, self.desk, self.people = world, desk, people
        self.applications = Applications(world.profile, desk, IntakeConfig(enabled=True), clock=world.clock)
        self.invitations = self.applications.invitations
        self.reception = Reception(
            self.applications,
            IntakeConfig(enabled=True),
            did=WebvhDid(AUTHORITY),
            resolve_key=world.resolve,
            networks=Networks(()),
            clock=world.clock,
        )

    async def invite(self, register_id: str = KEY, **lasts: float) -> tuple[CheckInCode, JoiningInvitation]:
        ends_at = self.world.clock() + timedelta(**(lasts or {"days": 30}))
        base = await self.desk.publication.published()
        [made] = await self.invitations.invite(self.people.editor, [register_id], base, ends_at=ends_at)
        return made.code, made.invitation

    def check_in(self, code: CheckInCode, number: int = 1, *, by: Did = MATARA, **changes: Any) -> Application:
        own_id = f"{number:032x}"
        proof = check_in_proof(code.key(), authority=AUTHORITY, applicant=by, application_id=own_id)
        invitation = {"handle": code.handle, "proof": proof} | changes
        return self.application(number, {"sources": [source(by)], "invitation": invitation})

    def application(self, number: int, wants: dict[str, Any], **changes: Any) -> Application:
        told = {
            "id": f"{number:032x}",
            "to": AUTHORITY,
            "made_at": self.world.clock(),
            "name": "Our school",
            "country": "LKA",
            "wants": {"kind": "issuer", **wants},
        }
        return Application.model_validate(told | changes)

    async def take(self, application: Application, *, by: Did = MATARA) -> ApplicationCase:
        return await self.applications.take(by, application, "a.b.c", network="203.0.113.0")

    async def standing(self, case: ApplicationCase) -> ApplicationStandingOut:
        return await self.reception.standing(await self.applications.get(case.id))

    async def publish(self, case: ApplicationCase) -> None:
        draft = await self.desk.drafts.get(str(case.draft_id))
        approved = await self.desk.approve(draft.id, self.people.approver, revision=draft.revision, digest=draft.digest)
        assert approved.state is DraftState.PUBLISHED

    async def record(self, key: str) -> Any:
        return await (await self.desk.publication.published()).record(key)

    async def reload(self, invitation: JoiningInvitation) -> JoiningInvitation:
        return await self.invitations.get(invitation.id)


@pytest.fixture
async def place(world: World) -> Place:
    desk = world.desk()
    people = await hire(desk)
    first = payload(1, schemas=HEADER["schemas"])
    first["participants"]["entries"][LISTING] = LISTED
    await desk.publication.publish(first)
    return Place(world, desk, people)


async def test_who_checks_in_becomes_a_draft_and_counts_when_a_second_official_has_approved(place: Place) -> None:
    code, invitation = await place.invite()
    case = await place.take(place.check_in(code))
    assert (case.state, case.outcome) == (ApplicationState.DECIDED, "approve")
    draft = await place.desk.drafts.get(str(case.draft_id))
    assert (draft.state, draft.editors) == (DraftState.SUBMITTED, ("ed",))
    assert (await place.standing(case)).version is None
    assert await place.record(MATARA) is None
    with pytest.raises(ForbiddenError):
        await place.desk.approve(draft.id, place.people.editor, revision=draft.revision)
    await place.publish(case)
    record = await place.record(MATARA)
    assert record["accreditations"] == [{**SCOPE, "sources": [source(MATARA)]}]
    assert record["description"] == {"name": "Matara Plumbing School", "email": "office@matara.test"}
    assert (await place.record(KEY))["listing"] == record["description"] | {"did": MATARA}
    standing = await place.standing(case)
    assert (standing.state, standing.version) == ("APPROVED", 2)
    assert (await place.reload(invitation)).state is InvitationState.USED


async def test_the_code_is_kept_nowhere(place: Place) -> None:
    code, invitation = await place.invite()
    kept = invitation.model_dump_json()
    assert code.text not in kept
    assert code.shown not in kept
    assert code.text[8:] not in repr(code)


async def test_a_code_that_is_mistyped_or_none_spends_nothing() -> None:
    code = CheckInCode.make()
    assert CheckInCode.parse(f" {code.shown.lower().replace('0', 'o').replace('1', 'l')} ") == code
    wrong = ("0" if code.text[12] != "0" else "1") if code.text[12].isdigit() else "7"
    for typed in ("", code.text[:-1], code.text + "0", code.text[:12] + wrong + code.text[13:], "U" * 20):
        with pytest.raises(CheckInCodeError):
            CheckInCode.parse(typed)


async def test_five_wrong_codes_and_no_more_however_many_come_at_once(place: Place) -> None:
    code, invitation = await place.invite()
    wrong = [place.check_in(code, number, proof=f"{number:064x}") for number in range(2, 12)]
    results = await asyncio.gather(*(place.take(one) for one in wrong), return_exceptions=True)
    assert all(isinstance(one, CheckInRefusedError) for one in results)
    told = [str(one) for one in results]
    assert sum("tries are left" in one for one in told) == MOST_TRIES
    assert (await place.reload(invitation)).state is InvitationState.SPENT
    with pytest.raises(CheckInRefusedError, match="too often"):
        await place.take(place.check_in(code, 20))
    assert await place.applications.all() == []


async def test_a_proof_is_worth_nothing_to_anybody_else(place: Place) -> None:
    code, invitation = await place.invite()
    seen = place.check_in(code)
    for number, by in ((1, OTHER), (2, MATARA)):  # another DID; another application of the same one
        copied = place.application(
            number, {"sources": [source(by)], "invitation": seen.wants.model_dump()["invitation"]}
        )
        with pytest.raises(CheckInRefusedError, match="not the code"):
            await place.take(copied, by=by)
    assert (await place.reload(invitation)).used_by is None


async def test_the_code_of_another_connects_only_the_other(place: Place) -> None:
    (code, _), (others, _) = await place.invite(), await place.invite(SECOND)
    with pytest.raises(CheckInRefusedError):
        await place.take(place.check_in(code, handle=others.handle))
    case = await place.take(place.check_in(others, 2))
    changed = await place.desk.drafts.changes(str(case.draft_id))
    assert {change.key for change in changed} == {SECOND, MATARA}


async def test_the_same_check_in_again_is_the_same_and_a_second_one_is_refused_and_seen(place: Place) -> None:
    code, invitation = await place.invite()
    case = await place.take(place.check_in(code))
    assert (await place.take(place.check_in(code))).id == case.id
    for by, number in ((MATARA, 2), (OTHER, 3)):
        with pytest.raises(CheckInRefusedError, match="already"):
            await place.take(place.check_in(code, number, by=by), by=by)
    assert (await place.reload(invitation)).others == (MATARA, OTHER)
    assert len(await place.desk.drafts.all()) == 1


async def test_of_two_check_ins_at_once_one_is_taken(place: Place) -> None:
    code, _ = await place.invite()
    both = (place.take(place.check_in(code, 1)), place.take(place.check_in(code, 2, by=OTHER), by=OTHER))
    results = await asyncio.gather(*both, return_exceptions=True)
    assert sorted(isinstance(one, CheckInRefusedError) for one in results) == [False, True]


async def test_what_a_crash_left_between_the_code_and_the_case_is_taken_up(place: Place) -> None:
    code, invitation = await place.invite()
    application = place.check_in(code)
    case = await place.take(application)
    await RecordStore(place.world.profile, ApplicationCase).remove(case.id)  # as if it had not been written
    again = await place.take(application)
    assert (again.id, again.draft_id) == (case.id, case.draft_id)
    assert (await place.reload(invitation)).used_by == case.id


async def test_an_invitation_ends_and_a_newer_one_ends_the_one_before(place: Place) -> None:
    first, _ = await place.invite()
    second, _ = await place.invite(days=1)
    with pytest.raises(CheckInRefusedError, match="withdrawn"):
        await place.take(place.check_in(first))
    place.world.clock.advance(days=1)
    with pytest.raises(CheckInRefusedError, match="over"):
        await place.take(place.check_in(second))
    with pytest.raises(CheckInRefusedError, match="no invitation"):
        await place.take(place.check_in(CheckInCode.make()))


async def test_an_invitation_that_is_withdrawn_opens_nothing(place: Place) -> None:
    code, invitation = await place.invite()
    with pytest.raises(ForbiddenError):
        await place.invitations.withdraw(invitation.id, place.people.approver)
    at = place.world.clock()
    await place.invitations.withdraw(invitation.id, place.people.editor)
    place.world.clock.advance(hours=1)
    again = await place.invitations.withdraw(invitation.id, place.people.editor)
    assert (again.withdrawn_by, again.withdrawn_at) == (place.people.editor.id, at), "the first one stays named"
    with pytest.raises(CheckInRefusedError, match="withdrawn"):
        await place.take(place.check_in(code))
    _, before = await place.invite()
    place.world.clock.advance(hours=1)
    await place.invite()
    replaced = await place.invitations.get(before.id)
    assert (replaced.withdrawn_by, replaced.withdrawn_at) == (place.people.editor.id, place.world.clock())


async def test_only_an_editor_invites_and_only_who_is_listed_and_not_connected(place: Place) -> None:
    base, clock = await place.desk.publication.published(), place.world.clock
    ends_at = clock() + timedelta(days=1)
    with pytest.raises(ForbiddenError):
        await place.invitations.invite(place.people.approver, [KEY], base, ends_at=ends_at)
    for wrong in ("P01/9999", str(CENTRE)):
        with pytest.raises(RefusedError, match="not listed"):
            await place.invitations.invite(place.people.editor, [KEY, wrong], base, ends_at=ends_at)
    for wanted, end in (([], ends_at), ([KEY], clock()), ([KEY], clock() + timedelta(days=400))):
        with pytest.raises(MalformedError):
            await place.invitations.invite(place.people.editor, wanted, base, ends_at=end)
    assert await place.invitations.all() == []
    code, _ = await place.invite()
    await place.publish(await place.take(place.check_in(code)))
    with pytest.raises(RefusedError, match="connected already"):
        await place.invite()


async def test_nobody_applies_with_what_another_signs_with(place: Place) -> None:
    code, _ = await place.invite()
    holder = KeyHolder(MATARA)
    for sources in ([source(OTHER)], [source(MATARA), source(OTHER)], ["sdjwt:Qualification|x509:AbCdEfGhIjKlMn"]):
        stolen = place.check_in(code)
        wants = stolen.wants.model_copy(update={"sources": tuple(sources)})
        received = await sign_application(stolen.model_copy(update={"wants": wants}), kid=holder.kid, sign=holder.sign)
        with pytest.raises(ApplicationError, match="signs with itself"):
            await verify_application(received, to=AUTHORITY, resolve_key=holder.resolve_key, at=place.world.clock())
    own = await sign_application(place.check_in(code), kid=holder.kid, sign=holder.sign)
    assert (await verify_application(own, to=AUTHORITY, resolve_key=holder.resolve_key, at=place.world.clock()))[
        0
    ] == MATARA


async def test_a_check_in_whose_draft_is_given_up_is_refused_with_reason_and_redress(
    place: Place,
) -> None:
    code, _ = await place.invite()
    case = await place.take(place.check_in(code))
    await place.desk.reject(str(case.draft_id), place.people.approver, "The host is not the school's")
    assert (await place.standing(case)).state == "APPROVED"  # editors may still correct it
    await place.desk.drafts.discard(str(case.draft_id), place.people.editor)
    standing = await place.standing(case)
    assert (standing.state, standing.reason, standing.redress) == ("REFUSED", "The host is not the school's", REDRESS)


async def test_who_left_the_register_meanwhile_is_not_connected(place: Place) -> None:
    code, _ = await place.invite()
    draft = await place.desk.drafts.open(place.people.editor, "Closed")
    await place.desk.drafts.edit(draft.id, place.people.editor, records={KEY: None})
    draft = await place.desk.drafts.submit(draft.id, place.people.editor)
    await place.desk.approve(draft.id, place.people.approver, revision=draft.revision)
    case = await place.take(place.check_in(code))
    assert (case.state, case.draft_id) == (ApplicationState.SENT_BACK, None)


async def change(place: Place, records: dict[str, Any]) -> None:
    """Publish records by the officials."""
    drafts, people = place.desk.drafts, place.people
    draft = await drafts.open(people.editor, "A change")
    await drafts.edit(draft.id, people.editor, records=records)
    draft = await drafts.submit(draft.id, people.editor)
    assert (await place.desk.approve(draft.id, people.approver, revision=draft.revision)).version


async def test_a_check_in_that_was_sent_back_is_taken_up_again_and_connected(place: Place) -> None:
    code, _ = await place.invite()
    await change(place, {KEY: None})
    case = await place.take(place.check_in(code))
    assert case.state is ApplicationState.SENT_BACK
    applications, people = place.applications, place.people
    case = await applications.reopen(case.id, people.second_editor)
    case = await applications.propose(case.id, people.second_editor, decision(), read=case.revision)
    assert case.state is ApplicationState.SENT_BACK  # still not listed
    await change(place, {KEY: {"listing": LISTED[KEY]}})
    case = await applications.reopen(case.id, people.both)
    case = await applications.propose(case.id, people.both, decision(), read=case.revision)
    assert (case.state, case.outcome) == (ApplicationState.DECIDED, "approve")
    draft = await place.desk.drafts.get(str(case.draft_id))
    assert draft.state is DraftState.SUBMITTED
    assert set(draft.editors) == {people.second_editor.id, people.both.id}
    await place.publish(case)
    assert (await place.record(MATARA))["accreditations"] == [{**SCOPE, "sources": [source(MATARA)]}]
    assert (await place.record(KEY))["listing"]["did"] == MATARA


async def test_a_check_in_that_was_sent_back_can_be_refused(place: Place) -> None:
    code, _ = await place.invite()
    await change(place, {KEY: None})
    case = await place.applications.reopen((await place.take(place.check_in(code))).id, place.people.editor)
    refusal = decision(outcome="refuse", reason="It closed")
    case = await place.applications.propose(case.id, place.people.editor, refusal, read=case.revision)
    case = await place.applications.decide(case.id, place.people.approver, revision=case.revision, digest=case.digest)
    assert (case.outcome, case.draft_id) == ("refuse", None)


@pytest.mark.parametrize(("name", "connects"), [("Galle School", False), (" matara  PLUMBING school", True)])
async def test_who_stands_in_the_file_under_another_name_is_not_connected_with_anothers_letter(
    place: Place, name: str, connects: bool
) -> None:
    await change(place, {MATARA: {"description": {"name": name}}})
    code, _ = await place.invite()
    case = await place.take(place.check_in(code))
    assert case.state is (ApplicationState.DECIDED if connects else ApplicationState.SENT_BACK)
    assert connects or "Galle School" in str(case.trail[-1].why)


async def test_of_two_invitations_at_once_one_code_is_good(place: Place) -> None:
    await asyncio.gather(*(place.invite() for _ in range(4)))
    states = [invitation.state for invitation in await place.invitations.all()]
    assert sorted(state.value for state in states) == ["OPEN", "WITHDRAWN", "WITHDRAWN", "WITHDRAWN"]


async def test_an_end_without_a_time_zone_is_refused(place: Place) -> None:
    base = await place.desk.publication.published()
    end = (place.world.clock() + timedelta(days=3)).replace(tzinfo=None)
    with pytest.raises(MalformedError, match="time zone"):
        await place.invitations.invite(place.people.editor, [KEY], base, ends_at=end)
    with pytest.raises(ValueError, match="timezone"):
        InviteIn.model_validate_json(json.dumps({"register_ids": [KEY], "ends_at": end.isoformat()}))


def decision(*scopes: GrantedScope, **changes: Any) -> ProposedDecision:
    told = {"outcome": "approve", "reason": "It is a school", "redress": REDRESS, "accreditations": scopes}
    return ProposedDecision.model_validate(told | changes)


GRANT = GrantedScope(scope=0, number="TVEC-950", decision="https://authority.example.test/decisions/950")


async def test_a_centre_that_nobody_listed_applies_is_asked_back_and_accredited_by_two(place: Place) -> None:
    wants = {"sources": [source(MATARA)], "scopes": [WANTED, {**WANTED, "occupations": ["C7212"]}]}
    case = await place.take(place.application(1, wants))
    assert case.state is ApplicationState.RECEIVED
    await place.applications.ask_back(case.id, place.people.editor, "Where is it?", read=case.revision)
    assert (await place.standing(case)).state == "ASKED_BACK"
    answered = await place.take(place.application(1, wants, revision=2, answer="In Matara"))
    for wrong in (
        decision(),
        decision(GrantedScope(scope=2, number="X", decision=GRANT.decision)),
        decision(GRANT, GRANT),
    ):
        with pytest.raises(MalformedError):
            await place.applications.propose(case.id, place.people.editor, wrong, read=answered.revision)
    case = await place.applications.propose(case.id, place.people.editor, decision(GRANT), read=answered.revision)
    assert case.outcome == "approve"
    assert await place.record(MATARA) is None
    await place.publish(case)
    [granted] = (await place.record(MATARA))["accreditations"]
    assert (granted["id"], granted["occupations"], granted["sources"]) == ("TVEC-950", ["C7126"], [source(MATARA)])
    assert granted["accreditingAgent"]["did"] == AUTHORITY


async def test_a_refusal_of_a_centre_still_needs_two(place: Place) -> None:
    case = await place.take(place.application(1, {"sources": [source(MATARA)], "scopes": [WANTED]}))
    refusal = decision(outcome="refuse", reason="No workshop")
    case = await place.applications.propose(case.id, place.people.editor, refusal, read=case.revision)
    assert (case.state, case.outcome) == (ApplicationState.PROPOSED, None)
    await place.applications.decide(case.id, place.people.approver, revision=case.revision, digest=case.digest)
    standing = await place.standing(case)
    assert (standing.state, standing.reason, standing.redress) == ("REFUSED", "No workshop", REDRESS)


async def test_what_an_accredited_centre_signs_with_now_is_added_and_nothing_is_taken_out(place: Place) -> None:
    code, _ = await place.invite()
    await place.publish(await place.take(place.check_in(code)))
    case = await place.take(place.application(2, {"sources": [source(MATARA, "D")]}))
    case = await place.applications.propose(case.id, place.people.editor, decision(), read=case.revision)
    await place.publish(case)
    [accreditation] = (await place.record(MATARA))["accreditations"]
    assert accreditation["sources"] == [source(MATARA), source(MATARA, "D")]
    assert accreditation["id"] == "TVEC-901"


def test_who_was_invited_asks_for_nothing_more() -> None:
    proof = {"handle": "0" * 8, "proof": "0" * 64}
    with pytest.raises(ValueError, match="nothing more"):
        IssuerWants.model_validate({"sources": [source(MATARA)], "invitation": proof, "scopes": [WANTED]})
