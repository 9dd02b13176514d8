"""Two requests at once on one object, and ten: one effect, and the others get the same or a clear refusal."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from acapy_agent.protocols.issue_credential.v2_0.models.cred_ex_record import V20CredExRecord
from acapy_agent.protocols.out_of_band.v1_0.models.oob_record import OobRecord
from acapy_agent.protocols.present_proof.v2_0.models.pres_exchange import V20PresExRecord
from tests.unit.holder.process import CONFIG, HolderProcess, invitation_with

from wanderbuch.agents.holder import offers, requests
from wanderbuch.agents.holder.doubles import heal_doubles
from wanderbuch.agents.holder.exchanges import changed_at
from wanderbuch.agents.holder.offers import OfferState
from wanderbuch.agents.holder.requests import DeclineReason, RequestState
from wanderbuch.agents.holder.wallet import list_credentials
from wanderbuch.errors import ExchangeError, ResolutionError

MANY = pytest.mark.parametrize("number", [2, 10])


async def at_once(number: int, call: Callable[[], Awaitable[object]]) -> list[object]:
    """Return what each of some calls at once gave, an error being one answer."""
    return list(await asyncio.gather(*(call() for _ in range(number)), return_exceptions=True))


@MANY
async def test_a_question_opened_at_once_is_one_question(process: HolderProcess, number: int) -> None:
    invitation = invitation_with(process.question())
    opened = await at_once(number, lambda: process.open(invitation))
    assert len(set(opened)) == 1
    assert (await process.open(invitation)) == opened[0]
    assert (len(await process.questions()), len(await process.invitations())) == (1, 1)
    assert process.failed == []


async def test_one_question_in_two_invitations_opened_at_once_is_one_question(process: HolderProcess) -> None:
    """A verifier may invite again with the same question; what is sent is looked for by its thread."""
    credential = await process.receive_credential()
    question = process.question()
    first, second = invitation_with(question), invitation_with(question)
    opened = await asyncio.gather(process.open(first), process.open(second), return_exceptions=True)
    ids = {each.id for each in opened if not isinstance(each, BaseException)}
    assert (len(ids), len(await process.questions()), len(await process.invitations())) == (1, 1, 1)
    await requests.present(process.profile, CONFIG, ids.pop(), credential)
    assert process.kinds()[-1] == "presentation"


@MANY
async def test_an_offer_attached_to_an_invitation_and_opened_at_once_is_one_offer(
    process: HolderProcess, number: int
) -> None:
    invitation = invitation_with(process.offer())
    assert len(set(await at_once(number, lambda: process.open(invitation)))) == 1
    assert (len(await process.offers()), len(await process.invitations())) == (1, 1)


@MANY
async def test_an_offer_delivered_at_once_is_one_offer(process: HolderProcess, number: int) -> None:
    offer = process.offer()
    assert await at_once(number, lambda: process.receive(offer)) == [None] * number
    assert len(await process.offers()) == 1


@MANY
async def test_an_offer_accepted_at_once_is_asked_for_once(process: HolderProcess, number: int) -> None:
    await process.receive(process.offer())
    (record,) = await process.offers()
    answers = await at_once(number, lambda: offers.accept(process.profile, CONFIG, record.cred_ex_id))
    assert sum(isinstance(each, ExchangeError) for each in answers) == number - 1
    assert sum(isinstance(each, tuple) for each in answers) == 1
    assert process.kinds() == ["request-credential"]


@MANY
async def test_a_credential_delivered_at_once_is_kept_once(process: HolderProcess, number: int) -> None:
    offer = process.offer()
    await process.receive(offer)
    (record,) = await process.offers()
    await offers.accept(process.profile, CONFIG, record.cred_ex_id)
    issued = process.credential(offer, process.sent[-1].message)

    async def sweep() -> None:
        await process.sweep()

    answers = await asyncio.gather(at_once(number, lambda: process.receive(issued)), at_once(2, sweep))
    assert answers == [[None] * number, [None] * 2]
    assert len(await list_credentials(process.profile, check_revocation=False)) == 1
    assert (await offers.get_offer(process.profile, CONFIG, record.cred_ex_id)).state is OfferState.RECEIVED


@MANY
async def test_a_question_answered_at_once_is_answered_once(process: HolderProcess, number: int) -> None:
    credential = await process.receive_credential()
    opened = await process.open(invitation_with(process.question()))
    answers = await at_once(number, lambda: requests.present(process.profile, CONFIG, opened.id, credential))
    assert sum(isinstance(each, ExchangeError) for each in answers) == number - 1
    assert process.kinds().count("presentation") == 1


@MANY
async def test_of_answers_and_declines_at_once_one_wins(process: HolderProcess, number: int) -> None:
    credential = await process.receive_credential()
    opened = await process.open(invitation_with(process.question()))
    answers = await asyncio.gather(
        at_once(number, lambda: requests.present(process.profile, CONFIG, opened.id, credential)),
        at_once(number, lambda: requests.decline(process.profile, CONFIG, opened.id, DeclineReason.UNWILLING)),
    )
    told = [each for each in process.kinds() if each in ("presentation", "problem-report")]
    assert len(told) == 1
    assert sum(isinstance(each, ExchangeError) for each in [*answers[0], *answers[1]]) == 2 * number - 1


async def doubled(process: HolderProcess) -> str:
    """Return the thread of a question in a store as an earlier version left it: two rows of everything."""
    question = process.question()
    opened = await process.open(invitation_with(question))
    (row,) = await process.invitations()
    async with process.profile.session() as session:
        for cut_off in (False, True):
            again = OobRecord(
                state=OobRecord.STATE_PREPARE_RESPONSE,
                role=OobRecord.ROLE_RECEIVER,
                invi_msg_id=row.invi_msg_id,
                invitation=row.invitation,
                their_service=None if cut_off else row.their_service,
                our_recipient_key=None if cut_off else row.our_recipient_key,
                our_service=None if cut_off else row.our_service,
                attach_thread_id=None if cut_off else row.attach_thread_id,
            )
            await again.save(session)
        held = await V20PresExRecord.retrieve_by_id(session, opened.id)
        twin = V20PresExRecord(
            thread_id=held.thread_id, role=held.role, state=held.state, pres_request=held.pres_request.serialize()
        )
        await twin.save(session)
    return str(question._thread_id)


async def test_a_store_that_holds_doubles_is_healed_at_the_next_start(process: HolderProcess) -> None:
    credential = await process.receive_credential()
    thread = await doubled(process)
    await process.restart()
    (record,), (_,) = await process.questions(), await process.invitations()
    await requests.present(process.profile, CONFIG, record.pres_ex_id, credential)
    assert process.sent[-1].message["~thread"]["thid"] == thread
    await process.hear_ack(thread)
    assert (await requests.get_request(process.profile, CONFIG, record.pres_ex_id)).state is RequestState.ACCEPTED


async def test_an_invitation_whose_opening_was_cut_by_an_earlier_version_is_opened(process: HolderProcess) -> None:
    invitation = invitation_with(process.question())
    cut_off = OobRecord(
        state=OobRecord.STATE_PREPARE_RESPONSE,
        role=OobRecord.ROLE_RECEIVER,
        invi_msg_id=invitation["@id"],
        invitation=invitation,
    )
    async with process.profile.session() as session:
        await cut_off.save(session)
    await process.open(invitation)
    assert len(await process.invitations()) == 1


async def test_healing_leaves_what_was_answered_and_what_stands_once(process: HolderProcess) -> None:
    await process.receive(process.offer())
    await doubled(process)
    _, twin = await process.questions()
    async with process.profile.session() as session:
        twin.state = V20PresExRecord.STATE_PRESENTATION_SENT
        await twin.save(session)
    await process.open(invitation_with(process.question()))
    await heal_doubles(process.profile)
    states = sorted(each.state for each in await process.questions())
    assert states == [V20PresExRecord.STATE_PRESENTATION_SENT, V20PresExRecord.STATE_REQUEST_RECEIVED]
    assert [each.state for each in await process.offers()] == [V20CredExRecord.STATE_OFFER_RECEIVED]
    assert len(await process.invitations()) == 2
    before = {each.pres_ex_id for each in await process.questions()}
    await heal_doubles(process.profile)
    assert {each.pres_ex_id for each in await process.questions()} == before


async def test_what_is_kept_of_an_invitation_is_forgotten_with_its_question(process: HolderProcess) -> None:
    opened = await process.open(invitation_with(process.question()))
    await requests.decline(process.profile, CONFIG, opened.id, DeclineReason.UNWILLING)
    (record,) = await process.questions()
    await process.sweep(changed_at(record))
    assert len(await process.invitations()) == 1
    await process.sweep(changed_at(record) + timedelta(days=CONFIG.keep_ended_days))
    assert (await process.questions(), await process.invitations()) == ([], [])


@pytest.mark.parametrize("what", ["question", "offer"])
async def test_what_another_sends_on_the_thread_of_an_invitation_is_not_taken_for_what_it_brings(
    process: HolderProcess, what: str
) -> None:
    """Anybody who sees an invitation knows its thread."""
    message = getattr(process, what)()
    invitation = invitation_with(message)
    planted = getattr(process, what)()
    planted.assign_thread_id(message._id)
    await process.receive(planted)  # over the connection with somebody else
    opened = await process.open(invitation)
    records = {record._id: record.connection_id for record in (*await process.questions(), *await process.offers())}
    assert records.pop(opened.id) is None
    assert list(records.values()) == [process.connection_id]
    assert await process.open(invitation) == opened


async def test_an_invitation_on_the_thread_of_anothers_is_refused_and_leads_to_neither(process: HolderProcess) -> None:
    message = process.question()
    invitation = invitation_with(message)
    copied = invitation_with(message) | {"label": "Copy"}
    copied["services"] = [copied["services"][0] | {"serviceEndpoint": "https://elsewhere.wanderbuch.test/didcomm"}]
    await process.open(copied)
    with pytest.raises(ResolutionError, match="another sender's"):
        await process.open(invitation)
    (row,) = await process.invitations()
    assert row.their_service.endpoint == "https://elsewhere.wanderbuch.test/didcomm"


async def test_an_invitation_that_brought_nothing_does_not_keep_anothers_from_being_opened(
    process: HolderProcess,
) -> None:
    message = process.question()
    invitation = invitation_with(message)
    copied = invitation_with(message) | {"label": "Copy"}
    copied["services"] = [copied["services"][0] | {"serviceEndpoint": "https://elsewhere.wanderbuch.test/didcomm"}]
    await process.open(copied)
    async with process.profile.session() as session:
        for question in await process.questions():
            await question.delete_record(session)
    await process.open(invitation)
    (row,) = await process.invitations()
    assert row.their_service.endpoint == "https://shipyard.wanderbuch.test/didcomm"
