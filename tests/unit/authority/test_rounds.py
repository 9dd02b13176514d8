"""Signing by several parties: nobody publishes alone where the file says so."""

import base64
from datetime import timedelta
from typing import Any

import pytest

from wanderbuch.agents.authority.desk import Desk
from wanderbuch.agents.authority.draft import Draft, DraftState
from wanderbuch.agents.authority.publication import PublicationRefusedError
from wanderbuch.agents.authority.rounds import SigningRound
from wanderbuch.agents.runtime.problems import RefusedError
from wanderbuch.errors import GovernanceError, ResolutionError
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.form.model import SIGNATORIES
from wanderbuch.governance.signed.history import Action
from wanderbuch.governance.signed.jws import SignatureError
from wanderbuch.governance.signed.signing import sign_as_party, verify_file
from wanderbuch.store.records import RecordStore

from .conftest import AUTHORITY, CENTRE, SCID, Key, People, World, centre_record, hire
from .flow import FIRST, published, served, submitted, told
from .test_divided import SMALL, centres

EMPLOYERS = Did.parse(f"did:webvh:{SCID}:employers.example.test:org")
WORKERS = Did.parse(f"did:webvh:{SCID}:union.example.test:org")
STRANGER = Did.parse(f"did:webvh:{SCID}:stranger.example.test:org")


def signatories(threshold: int = 2) -> dict[str, Any]:
    return {
        SIGNATORIES: {
            str(AUTHORITY): {
                "threshold": threshold,
                "parties": [
                    {"did": str(AUTHORITY), "name": "Authority", "kind": "authority"},
                    {"did": str(EMPLOYERS), "name": "Employers", "kind": "employers"},
                    {"did": str(WORKERS), "name": "Union", "kind": "workers"},
                ],
            }
        }
    }


@pytest.fixture
def tripartite(world: World) -> World:
    world.parties = {did: Key(did) for did in (EMPLOYERS, WORKERS, STRANGER)}
    return world


async def begun(world: World, desk: Desk, people: People) -> Draft:
    """Return the approved first draft, which waits for signatures."""
    return await published(desk, people, header={**FIRST["header"], **signatories()}, records=FIRST["records"])


async def sign(world: World, desk: Desk, draft: Draft, did: Did) -> Draft:
    """Hand in a party's signature as a JWS of its own."""
    signing_round, _ = await desk.round(draft.id)
    key = world.parties[did]
    jws = await sign_as_party(signing_round.body, await key.kid(), key.sign)
    return await desk.sign(draft.id, jws=jws.decode())


async def test_a_version_waits_until_enough_parties_have_signed_its_very_bytes(tripartite: World) -> None:
    desk = tripartite.desk()
    people = await hire(desk)
    waiting = await begun(tripartite, desk, people)
    assert waiting.state is DraftState.SIGNING
    assert not tripartite.has("current.jws")
    _, missing = await desk.round(waiting.id)
    assert set(missing) == {EMPLOYERS, WORKERS}
    done = await sign(tripartite, desk, waiting, WORKERS)
    signed = await served(tripartite)
    assert (done.state, done.version, signed.signers) == (DraftState.PUBLISHED, 1, (AUTHORITY, WORKERS))
    await told(tripartite)


async def test_a_bare_signature_over_the_signing_input_is_as_good_as_a_jws(tripartite: World) -> None:
    desk = tripartite.desk()
    draft = await begun(tripartite, desk, await hire(desk))
    key = tripartite.parties[EMPLOYERS]
    _, text = await desk.signing_input(draft.id, await key.kid())
    signature = base64.urlsafe_b64encode(await key.sign(text)).rstrip(b"=").decode()
    done = await desk.sign(draft.id, kid=await key.kid(), signature=signature)
    assert (done.state, (await served(tripartite)).signers) == (DraftState.PUBLISHED, (AUTHORITY, EMPLOYERS))


async def test_refuses_signatures_that_are_not_a_partys_over_these_bytes(tripartite: World) -> None:
    desk = tripartite.desk()
    draft = await begun(tripartite, desk, await hire(desk))
    signing_round, _ = await desk.round(draft.id)
    employers, stranger = tripartite.parties[EMPLOYERS], tripartite.parties[STRANGER]
    forged = base64.urlsafe_b64encode(bytes(64)).decode().rstrip("=")
    _, text = await desk.signing_input(draft.id, await stranger.kid())
    by_stranger = base64.urlsafe_b64encode(await stranger.sign(text)).decode().rstrip("=")
    for attempt in (
        {"kid": await employers.kid(), "signature": forged},
        {"kid": await employers.kid(), "signature": by_stranger},
        {"kid": await stranger.kid(), "signature": by_stranger},
        {"kid": await employers.kid(), "signature": "not base64url!"},
        {"jws": "a.b.c"},
        {"jws": "é"},
    ):
        with pytest.raises(SignatureError):
            await desk.sign(draft.id, **attempt)
    assert (await desk.round(draft.id))[0] == signing_round


async def test_a_signature_over_another_version_does_not_count(tripartite: World) -> None:
    desk = tripartite.desk()
    draft = await begun(tripartite, desk, await hire(desk))
    signing_round, _ = await desk.round(draft.id)
    key = tripartite.parties[EMPLOYERS]
    other = await sign_as_party(signing_round.body.replace(b"Colombo", b"Kolombo"), await key.kid(), key.sign)
    with pytest.raises(SignatureError, match="bytes of this round"):
        await desk.sign(draft.id, jws=other.decode())


async def test_a_party_that_cannot_be_reached_is_not_refused(tripartite: World) -> None:
    desk = tripartite.desk()
    draft = await begun(tripartite, desk, await hire(desk))
    signing_round, _ = await desk.round(draft.id)
    key = tripartite.parties.pop(EMPLOYERS)
    jws = await sign_as_party(signing_round.body, await key.kid(), key.sign)
    with pytest.raises(ResolutionError):
        await desk.sign(draft.id, jws=jws.decode())
    tripartite.parties[EMPLOYERS] = key
    assert (await desk.sign(draft.id, jws=jws.decode())).state is DraftState.PUBLISHED


async def test_the_authority_cannot_lower_the_bar_by_itself(tripartite: World) -> None:
    desk = tripartite.desk()
    people = await hire(desk)
    await sign(tripartite, desk, await begun(tripartite, desk, people), WORKERS)
    waiting = await published(desk, people, header={SIGNATORIES: None})
    assert waiting.state is DraftState.SIGNING
    assert (await served(tripartite)).file.version == 1
    before = (await served(tripartite)).file
    done = await sign_with_previous(tripartite, desk, waiting, EMPLOYERS, before)
    signed = await verify_file(
        tripartite.file("current.jws"), author=AUTHORITY, resolve_key=tripartite.resolve, previous=before
    )
    assert (done.state, signed.file.signatories) == (DraftState.PUBLISHED, None)


async def sign_with_previous(world: World, desk: Desk, draft: Draft, did: Did, previous: Any) -> Draft:
    signing_round, _ = await desk.round(draft.id)
    key = world.parties[did]
    jws = await sign_as_party(signing_round.body, await key.kid(), key.sign, previous=previous)
    return await desk.sign(draft.id, jws=jws.decode())


async def test_an_operators_whole_file_does_not_go_round_the_parties(tripartite: World) -> None:
    desk = tripartite.desk(four_eyes=False)
    people = await hire(desk)
    await sign(tripartite, desk, await begun(tripartite, desk, people), WORKERS)
    whole = await (await desk.publication.published()).payload()
    assert whole is not None
    with pytest.raises(GovernanceError, match="expected more of the parties"):
        await desk.publication.publish({**whole, "version": 2})
    assert (await served(tripartite)).file.version == 1


async def test_a_round_begins_anew_when_another_version_came_first(tripartite: World) -> None:
    desk = tripartite.desk()
    people = await hire(desk)
    await sign(tripartite, desk, await begun(tripartite, desk, people), WORKERS)
    one = await published(desk, people, header={"description": "one"})
    other = await published(desk, people, header={"docs_uri": "https://authority.example.test/docs"})
    assert {one.state, other.state} == {DraftState.SIGNING}
    await sign(tripartite, desk, other, WORKERS)
    await desk.go_on()
    signing_round, missing = await desk.round(one.id)
    assert (signing_round.version, signing_round.signatures, set(missing)) == (3, {}, {EMPLOYERS, WORKERS})
    assert (await sign(tripartite, desk, one, EMPLOYERS)).version == 3
    assert (await served(tripartite)).file.description == "one"


async def test_a_round_of_an_older_version_of_this_program_gets_its_parts_public(tripartite: World) -> None:
    """It kept the parts that are new, and published them with the version only: no party could look at them."""
    tripartite.divide_above_bytes = SMALL
    desk = tripartite.desk()
    people = await hire(desk)
    draft = await published(desk, people, header={**FIRST["header"], **signatories()}, records=centres(130))
    parts = tripartite.folder / "governance/sri-lanka/parts"
    bodies = {path.name: path.read_bytes() for path in parts.iterdir()}
    assert (draft.state, len(bodies) > 1) == (DraftState.SIGNING, True)
    for path in parts.iterdir():
        path.unlink()
    rounds = RecordStore(tripartite.profile, SigningRound)
    begun_then, _ = await desk.round(draft.id)
    await rounds.put(begun_then.model_copy(update={"parts_are_public": False}))

    await tripartite.desk().go_on()
    assert {path.name: path.read_bytes() for path in parts.iterdir()} == bodies
    same, _ = await desk.round(draft.id)
    assert (same.body, same.parts_are_public) == (begun_then.body, True)
    assert (await sign(tripartite, desk, draft, WORKERS)).state is DraftState.PUBLISHED


async def test_signed_early_it_is_published_when_due_with_the_signatures_given(tripartite: World) -> None:
    desk = tripartite.desk()
    people = await hire(desk)
    draft = await desk.drafts.open(people.editor, "from the new year on")
    await desk.drafts.edit(
        draft.id, people.editor, header={**FIRST["header"], **signatories(3)}, records=FIRST["records"]
    )
    due = tripartite.clock() + timedelta(days=3)
    await desk.drafts.schedule(draft.id, people.editor, due)
    draft = await desk.drafts.submit(draft.id, people.editor)
    draft = await desk.approve(draft.id, people.approver, revision=draft.revision)
    assert draft.state is DraftState.SIGNING
    assert (await sign(tripartite, desk, draft, WORKERS)).state is DraftState.SIGNING
    assert (await sign(tripartite, desk, draft, EMPLOYERS)).state is DraftState.SCHEDULED
    tripartite.clock.advance(days=2)
    await desk.go_on()
    assert not tripartite.has("current.jws")
    tripartite.clock.advance(days=1)
    await desk.go_on()
    assert (await served(tripartite)).signers == (AUTHORITY, EMPLOYERS, WORKERS)
    assert (await served(tripartite)).file.last_updated == due


async def test_a_party_whose_key_changed_before_it_was_due_signs_again(tripartite: World) -> None:
    desk = tripartite.desk()
    people = await hire(desk)
    draft = await desk.drafts.open(people.editor, "from the new year on")
    await desk.drafts.edit(
        draft.id, people.editor, header={**FIRST["header"], **signatories()}, records=FIRST["records"]
    )
    await desk.drafts.schedule(draft.id, people.editor, tripartite.clock() + timedelta(hours=1))
    draft = await desk.drafts.submit(draft.id, people.editor)
    draft = await desk.approve(draft.id, people.approver, revision=draft.revision)
    assert (await sign(tripartite, desk, draft, WORKERS)).state is DraftState.SCHEDULED
    tripartite.parties[WORKERS].rotate()
    tripartite.clock.advance(hours=1)
    await desk.go_on()
    assert (await desk.drafts.get(draft.id)).state is DraftState.SIGNING
    assert (await sign(tripartite, desk, draft, WORKERS)).state is DraftState.PUBLISHED


async def test_the_key_is_rotated_only_when_the_parties_have_signed_what_follows(tripartite: World) -> None:
    desk = tripartite.desk()
    people = await hire(desk)
    await sign(tripartite, desk, await begun(tripartite, desk, people), WORKERS)
    old = await tripartite.key.kid()
    waiting = await desk.rotate("yearly")
    assert (waiting.state, await tripartite.key.kid()) == (DraftState.SIGNING, old)
    done = await sign(tripartite, desk, waiting, EMPLOYERS)
    signed = await served(tripartite)
    assert (done.state, signed.file.version, signed.kid) == (DraftState.PUBLISHED, 2, await tripartite.key.kid())
    assert signed.kid != old


async def test_a_suspension_waits_for_the_parties_too_and_says_so(tripartite: World) -> None:
    desk = tripartite.desk()
    people = await hire(desk)
    await sign(tripartite, desk, await begun(tripartite, desk, people), WORKERS)
    waiting = await desk.suspend(str(CENTRE), people.approver, why="not supervised")
    assert waiting.state is DraftState.SIGNING
    assert (await sign(tripartite, desk, waiting, WORKERS)).state is DraftState.PUBLISHED


async def test_an_ordinary_change_is_never_told_as_the_suspension_or_rotation_that_its_draft_began_as(
    tripartite: World,
) -> None:
    desk = tripartite.desk()
    people = await hire(desk)
    await sign(tripartite, desk, await begun(tripartite, desk, people), WORKERS)
    suspension = await desk.suspend(str(CENTRE), people.approver, why="not supervised")
    rotation = await desk.rotate("a laptop was lost")
    other = await published(desk, people, records={str(CENTRE): centre_record(name="Other")})
    assert (await sign(tripartite, desk, other, WORKERS)).state is DraftState.PUBLISHED
    await desk.go_on()
    assert (await desk.drafts.get(suspension.id)).state is DraftState.OUTDATED
    await desk.reject(rotation.id, people.second_approver, "it was found")
    kid = await tripartite.key.kid()
    for number, began in enumerate((suspension, rotation)):
        await desk.drafts.rebase(began.id, people.editor, drop=[str(CENTRE)])
        await desk.drafts.edit(began.id, people.editor, header={"name": f"Something else {number}"})
        again = await desk.drafts.submit(began.id, people.editor)
        await desk.approve(
            again.id, people.approver if began is rotation else people.second_approver, revision=again.revision
        )
        done = await sign(tripartite, desk, again, WORKERS)
        assert (done.state, done.action, done.rotated_from) == (DraftState.PUBLISHED, Action.PUBLICATION, None)
    assert [entry.action for entry in await told(tripartite)][-2:] == ["publication", "publication"]
    assert await tripartite.key.kid() == kid


async def test_nobody_signs_what_is_not_there_to_sign(tripartite: World) -> None:
    desk = tripartite.desk()
    people = await hire(desk)
    draft = await submitted(desk, people)
    with pytest.raises(RefusedError):
        await desk.round(draft.id)
    with pytest.raises(RefusedError):
        await desk.sign(draft.id, jws="a.b.c")


async def test_a_file_with_mistakes_is_refused_before_anybody_signs(tripartite: World) -> None:
    desk = tripartite.desk()
    people = await hire(desk)
    await sign(tripartite, desk, await begun(tripartite, desk, people), WORKERS)
    with pytest.raises(PublicationRefusedError):
        await desk.suspend(str(CENTRE), people.approver, why="x", decision="javascript:alert(1)")


async def test_bytes_that_were_rejected_are_never_published_for_what_was_approved_later(tripartite: World) -> None:
    desk = tripartite.desk()
    people = await hire(desk)
    waiting = await begun(tripartite, desk, people)
    rejected, _ = await desk.round(waiting.id)
    await desk.reject(waiting.id, people.second_approver, "the name is wrong")
    await desk.drafts.rebase(waiting.id, people.editor)
    await desk.drafts.edit(waiting.id, people.editor, header={"name": "What was approved"})
    again = await desk.drafts.submit(waiting.id, people.editor)
    await desk.approve(again.id, people.approver, revision=again.revision)
    signing_round, _ = await desk.round(again.id)
    assert (signing_round.body != rejected.body, signing_round.signatures) == (True, {})
    done = await sign(tripartite, desk, again, WORKERS)
    assert (done.state, (await served(tripartite)).file.name) == (DraftState.PUBLISHED, "What was approved")
