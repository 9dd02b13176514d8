"""Proof requests: one exchange however often they come, one answer however often it is given, an end for each."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from aries_askar import Key, KeyAlg
from tests.unit.holder.asked_wallet import ELSEWHERE, SHIPYARD, AskedWallet
from tests.unit.holder.offered import CONFIG, after, base58_key
from tests.unit.told import told

from wanderbuch.agents.holder import erasing, requests
from wanderbuch.agents.holder.proving import Prover
from wanderbuch.agents.holder.reading import Page
from wanderbuch.agents.holder.request_book import ReceivedRequest, RequestBook, RequestState
from wanderbuch.agents.holder.requests import DeclineReason
from wanderbuch.agents.runtime.problems import RefusedError
from wanderbuch.errors import ExchangeError, PresentationError, ResolutionError
from wanderbuch.plugins.exchange.own_way import OwnAddress, OwnWay
from wanderbuch.plugins.exchange.payloads import Payloads
from wanderbuch.plugins.exchange.proof_messages import ack_message
from wanderbuch.store.records import NotFoundError
from wanderbuch.store.tables import tables_of, tenant_of

MANY = pytest.mark.parametrize("number", [2, 10])


async def at_once(number: int, call: Callable[[], Awaitable[object]]) -> list[object]:
    """Return what each of some calls at once gave, an error being one answer."""
    return list(await asyncio.gather(*(call() for _ in range(number)), return_exceptions=True))


async def own_keys(wallet: AskedWallet) -> int:
    """Return how many keys of ours envelopes find."""
    tables, tenant = tables_of(wallet.profile), tenant_of(wallet.profile)
    return int((await tables.engine.run("SELECT count(*) FROM own_key WHERE tenant = ?", tenant))[0][0])


async def test_a_question_is_answered_and_the_verifier_confirms_it(asked: AskedWallet) -> None:
    credential = await asked.credential_id()
    request = await asked.asked()
    shown = await requests.get_request(asked.profile, CONFIG, request.id)
    assert (shown.state, [fit.credential_id for fit in shown.fits if not fit.misfits]) == (
        RequestState.OPEN,
        [credential],
    )
    done = await requests.present(asked.profile, CONFIG, request.id, credential)
    await asked.settled()
    assert done.state is RequestState.PRESENTED
    (answer,) = asked.heard
    assert (answer.kind, answer.to) == ("presentation", SHIPYARD)
    assert answer.message["~thread"] == {"thid": request.thread_id, "pthid": request.origin.invitation_id}
    assert answer.message["~service"]["recipientKeys"] == [request.origin.own_key]
    assert await asked.hear_ack(request)
    assert (await requests.get_request(asked.profile, CONFIG, request.id)).state is RequestState.ACCEPTED
    assert await told(asked.profile, after=1) == [("wallet.request-ended", request.id, {"state": "ACCEPTED"})]


async def test_a_question_over_a_connection_is_answered_over_it(asked: AskedWallet) -> None:
    credential = await asked.credential_id()
    connection = await asked.connect_verifier()
    assert await asked.take(asked.question(), recipient=connection.own_key)
    (request,) = await asked.requests()
    assert (request.connection_id, request.origin.own_key) == (connection.connection_id, connection.own_key)
    await requests.present(asked.profile, CONFIG, request.id, credential)
    await asked.settled()
    assert "~service" not in asked.heard[-1].message
    assert await asked.hear_ack(request)
    assert (await asked.request(request.id)).state is RequestState.ACCEPTED


class Away(OwnWay):
    """The way to a wallet whose mediator does not answer."""

    def __init__(self) -> None:
        self.asked = 0

    async def address(self) -> OwnAddress:
        self.asked += 1
        raise ResolutionError("the mediator does not answer")

    async def register(self, own_key: str) -> None:
        raise ResolutionError("the mediator does not answer")


async def test_while_its_mediator_is_away_a_wallet_makes_no_proof_and_sweeps_without_waiting_again(
    asked: AskedWallet, monkeypatch: pytest.MonkeyPatch
) -> None:
    credential = await asked.credential_id()
    answered = [await asked.asked() for _ in range(3)]
    for request in answered:
        await requests.present(asked.profile, CONFIG, request.id, credential)
        await erasing.ask_to_erase(asked.profile, request.id)
    await asked.settled()
    waits = await asked.asked()
    sent = len(asked.heard)
    away = Away()
    asked.profile.context.injector.bind_instance(OwnWay, away)
    monkeypatch.setattr(Prover, "prove", None)  # nobody calls it
    with pytest.raises(ResolutionError):
        await requests.present(asked.profile, CONFIG, waits.id, credential)
    assert (away.asked, (await asked.request(waits.id)).state) == (1, RequestState.OPEN)
    await erasing.sweep_erasures(asked.profile, after(3_600.0))
    assert away.asked == 2
    asked.profile.context.injector.clear_binding(OwnWay)
    await erasing.sweep_erasures(asked.profile, after(4 * 3_600.0))
    await asked.settled()
    assert len(asked.heard) == sent + len(answered)


async def test_a_question_that_comes_over_no_connection_is_not_kept(asked: AskedWallet) -> None:
    request = await asked.asked()
    for recipient in (request.origin.own_key, asked.own_key):
        with pytest.raises(ExchangeError):
            await asked.take(asked.question(), recipient=recipient)
    connection = await asked.connect_verifier()
    with pytest.raises(ExchangeError):
        await asked.take(asked.question(), recipient=connection.own_key, sender=base58_key(asked.post.key))
    assert len(await asked.requests()) == 1


async def test_another_question_on_a_thread_is_not_taken(asked: AskedWallet) -> None:
    """What the person answers is what they saw."""
    connection = await asked.connect_verifier()
    first = asked.question(thread="thread-1")
    await asked.take(first, recipient=connection.own_key)
    (before,) = await asked.requests()
    await requests.decline(asked.profile, CONFIG, before.id, DeclineReason.UNWILLING)
    await asked.take(asked.question(thread="thread-1", name="Other"), recipient=connection.own_key)
    (request,) = await asked.requests()
    assert (request.asked, request.state) == (before.asked, RequestState.DECLINED)


@MANY
async def test_a_question_opened_at_once_is_one_question(asked: AskedWallet, number: int) -> None:
    invitation, keys = asked.invitation(asked.question()), await own_keys(asked)
    opened = await at_once(number, lambda: asked.open(invitation))
    assert len(set(opened)) == 1
    assert (await asked.open(invitation)) == opened[0]
    assert (len(await asked.requests()), await own_keys(asked) - keys) == (1, 1)


async def test_one_question_in_two_invitations_opened_at_once_is_one_question(asked: AskedWallet) -> None:
    """A verifier may invite again with the same question."""
    question = asked.question()
    opened = await asyncio.gather(*(asked.open(asked.invitation(question)) for _ in range(2)))
    assert (len(set(opened)), len(await asked.requests())) == (1, 1)


@MANY
async def test_a_question_delivered_at_once_is_one_question(asked: AskedWallet, number: int) -> None:
    connection, question = await asked.connect_verifier(), asked.question()
    assert await at_once(number, lambda: asked.take(question, recipient=connection.own_key)) == [True] * number
    assert len(await asked.requests()) == 1


@MANY
async def test_a_question_answered_at_once_is_answered_once(asked: AskedWallet, number: int) -> None:
    credential, request = await asked.credential_id(), await asked.asked()
    answers = await at_once(number, lambda: requests.present(asked.profile, CONFIG, request.id, credential))
    await asked.settled()
    assert sum(isinstance(answer, ExchangeError) for answer in answers) == number - 1
    assert asked.heard_kinds() == ["presentation"]


@MANY
async def test_of_answers_and_declines_at_once_one_wins(asked: AskedWallet, number: int) -> None:
    credential, request = await asked.credential_id(), await asked.asked()
    answers = await asyncio.gather(
        at_once(number, lambda: requests.present(asked.profile, CONFIG, request.id, credential)),
        at_once(number, lambda: requests.decline(asked.profile, CONFIG, request.id, DeclineReason.UNWILLING)),
    )
    await asked.settled()
    assert len(asked.heard) == 1
    assert sum(isinstance(outcome, ExchangeError) for outcome in [*answers[0], *answers[1]]) == 2 * number - 1
    is_presented = asked.heard_kinds() == ["presentation"]
    assert (await asked.request(request.id)).state is (
        RequestState.PRESENTED if is_presented else RequestState.DECLINED
    )
    assert (await Payloads(asked.profile).find(request.id) is not None) == is_presented


async def test_what_is_declined_while_the_proof_is_made_is_not_sent(
    asked: AskedWallet, monkeypatch: pytest.MonkeyPatch
) -> None:
    credential, request = await asked.credential_id(), await asked.asked()
    present = RequestBook.present

    async def slow(book: RequestBook, received_request: ReceivedRequest, *args: Any, **options: Any) -> bool:
        await requests.decline(asked.profile, CONFIG, request.id, DeclineReason.UNWILLING)
        return await present(book, received_request, *args, **options)

    monkeypatch.setattr(RequestBook, "present", slow)
    with pytest.raises(ExchangeError, match="DECLINED"):
        await requests.present(asked.profile, CONFIG, request.id, credential)
    await asked.settled()
    assert asked.heard_kinds() == ["problem-report"]
    assert await Payloads(asked.profile).find(request.id) is None


async def test_a_declined_request_cannot_be_answered(asked: AskedWallet) -> None:
    request = await asked.asked()
    await requests.decline(asked.profile, CONFIG, request.id, DeclineReason.UNWILLING)
    with pytest.raises(ExchangeError):
        await requests.present(asked.profile, CONFIG, request.id, "any")


async def test_a_decline_tells_the_verifier_as_little_as_the_person_chose(asked: AskedWallet) -> None:
    for reason, text in (
        (DeclineReason.UNWILLING, "The holder declines."),
        (DeclineReason.NO_FITTING_CREDENTIAL, "The holder has no credential that answers this."),
    ):
        request = await asked.asked()
        ended = await requests.decline(asked.profile, CONFIG, request.id, reason)
        await asked.settled()
        assert (ended.state, ended.note) == (RequestState.DECLINED, text)
        assert asked.heard[-1].message["description"] == {"en": text, "code": "abandoned"}
        assert asked.heard[-1].message["~thread"]["thid"] == request.thread_id


async def test_no_other_credential_and_no_unknown_one_answers(asked: AskedWallet) -> None:
    credential = await asked.credential_id()
    anothers = {"q": {"name": "occupation_isco08", "restrictions": [{"cred_def_id": "another"}]}}
    request = await asked.asked(asked.question(requested_attributes=anothers))
    with pytest.raises(RefusedError) as refused:
        await requests.present(asked.profile, CONFIG, request.id, credential)
    assert [reason["code"] for reason in refused.value.members["reasons"]] == ["fit.issuer"]
    with pytest.raises(NotFoundError):
        await requests.present(asked.profile, CONFIG, request.id, "none")
    assert (await asked.request(request.id)).state is RequestState.OPEN


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"verification_result": "true"}, RequestState.ACCEPTED),
        ({"verification_result": "false"}, RequestState.REFUSED_BY_VERIFIER),
        ({"verification_result": True}, RequestState.REFUSED_BY_VERIFIER),  # it is a text: no guess makes it a yes
        ({"verification_result": None}, RequestState.ACKNOWLEDGED),
        ({"status": "FAIL"}, RequestState.REFUSED_BY_VERIFIER),  # whatever its result says
        ({"status": "FAIL", "verification_result": None}, RequestState.REFUSED_BY_VERIFIER),
    ],
)
async def test_says_how_an_answered_request_ended(
    asked: AskedWallet, answer: dict[str, Any], expected: RequestState
) -> None:
    credential, request = await asked.credential_id(), await asked.asked()
    await requests.present(asked.profile, CONFIG, request.id, credential)
    await asked.hear_ack(request, **answer)
    assert (await requests.get_request(asked.profile, CONFIG, request.id)).state is expected
    assert await Payloads(asked.profile).find(request.id) is None
    await asked.hear_problem(request)  # too late
    assert (await asked.request(request.id)).state is expected


async def test_an_acknowledgement_that_says_no_result_is_neither_a_yes_nor_a_no(asked: AskedWallet) -> None:
    """Stock ACA-Py and Credo send these, whatever they decided."""
    credential, request = await asked.credential_id(), await asked.asked()
    await requests.present(asked.profile, CONFIG, request.id, credential)
    without = {name: value for name, value in ack_message(thread_id=request.thread_id).items() if "result" not in name}
    await asked.take(without, recipient=request.origin.own_key)
    assert (await requests.get_request(asked.profile, CONFIG, request.id)).state is RequestState.ACKNOWLEDGED
    assert await told(asked.profile, after=1) == [("wallet.request-ended", request.id, {"state": "ACKNOWLEDGED"})]
    assert await Payloads(asked.profile).find(request.id) is None


async def test_a_verifier_that_has_not_decided_yet_ends_nothing(asked: AskedWallet) -> None:
    credential, request = await asked.credential_id(), await asked.asked()
    await requests.present(asked.profile, CONFIG, request.id, credential)
    assert await asked.hear_ack(request, status="PENDING")
    assert (await asked.request(request.id)).state is RequestState.PRESENTED
    assert await Payloads(asked.profile).find(request.id) is not None
    await asked.hear_ack(request)
    assert (await asked.request(request.id)).state is RequestState.ACCEPTED


@pytest.mark.parametrize("status", [None, "accepted", 1])
async def test_an_acknowledgement_without_a_status_that_is_known_is_refused(asked: AskedWallet, status: object) -> None:
    credential, request = await asked.credential_id(), await asked.asked()
    await requests.present(asked.profile, CONFIG, request.id, credential)
    with pytest.raises(ExchangeError, match="OK, FAIL or PENDING"):
        await asked.hear_ack(request, status=status)
    assert (await asked.request(request.id)).state is RequestState.PRESENTED


@pytest.mark.parametrize("answered", [False, True])
async def test_a_verifier_can_end_what_is_open_and_what_is_answered(asked: AskedWallet, answered: bool) -> None:
    credential, request = await asked.credential_id(), await asked.asked()
    if answered:
        await requests.present(asked.profile, CONFIG, request.id, credential)
    assert await asked.hear_problem(request, "not this time")
    shown = await requests.get_request(asked.profile, CONFIG, request.id)
    assert (shown.state, shown.note) == (RequestState.REFUSED_BY_VERIFIER, "abandoned: not this time")
    with pytest.raises(ExchangeError):
        await requests.present(asked.profile, CONFIG, request.id, credential)
    assert len(await told(asked.profile, after=1)) == 1


async def test_an_acknowledgement_of_what_was_not_answered_ends_nothing(asked: AskedWallet) -> None:
    request = await asked.asked()
    await asked.hear_ack(request)
    assert (await asked.request(request.id)).state is RequestState.OPEN


@pytest.mark.parametrize("sender", [None, "other"])
async def test_nobody_else_ends_a_request(asked: AskedWallet, sender: str | None) -> None:
    other = base58_key(Key.generate(KeyAlg.ED25519)) if sender else None
    request = await asked.asked()
    assert not await asked.hear_problem(request, sender=other)
    assert (await asked.request(request.id)).state is RequestState.OPEN


async def test_a_request_that_cannot_be_read_can_still_be_declined(asked: AskedWallet) -> None:
    unreadable = {"requested_attributes": {"q": {"name": "a"}, "p": {"name": "x" * 600}}, "requested_predicates": {}}
    request = await asked.asked(asked.question(asked=unreadable))
    shown = await requests.get_request(asked.profile, CONFIG, request.id)
    assert (shown.asked, shown.fits) == ((), ())
    assert shown.note is not None
    with pytest.raises(PresentationError):
        await requests.present(asked.profile, CONFIG, request.id, "any")
    await requests.decline(asked.profile, CONFIG, request.id, DeclineReason.UNWILLING)


async def test_a_request_that_the_library_cannot_read_is_refused_in_our_own_words(asked: AskedWallet) -> None:
    credential = await asked.credential_id()
    asked_for = {"requested_attributes": {"q": {"name": "occupation_isco08"}}, "requested_predicates": {}}
    request = await asked.asked(asked.question(asked=asked_for))  # without a nonce
    with pytest.raises(PresentationError, match="could not be made"):
        await requests.present(asked.profile, CONFIG, request.id, credential)
    assert (await asked.request(request.id)).state is RequestState.OPEN


async def test_what_another_sends_on_the_thread_of_an_invitation_is_not_taken_for_what_it_brings(
    asked: AskedWallet,
) -> None:
    """Anybody who sees an invitation knows its thread."""
    connection, question = await asked.connect_verifier(), asked.question()
    await asked.take(asked.question(thread=question["@id"], name="Planted"), recipient=connection.own_key)
    invitation = asked.invitation(question)
    opened = await asked.open(invitation)
    by_id = {request.id: request.connection_id for request in await asked.requests()}
    assert by_id.pop(opened.id) is None
    assert list(by_id.values()) == [connection.connection_id]
    assert await asked.open(invitation) == opened


async def test_an_invitation_on_the_thread_of_anothers_is_refused_and_leads_to_neither(asked: AskedWallet) -> None:
    question = asked.question()
    await asked.open(asked.invitation(question, endpoint=ELSEWHERE, label="Copy"))
    keys = await own_keys(asked)
    with pytest.raises(ResolutionError, match="another sender's"):
        await asked.open(asked.invitation(question))
    (request,) = await asked.requests()
    assert (request.origin.endpoint, await own_keys(asked)) == (ELSEWHERE, keys)


async def test_lists_are_newest_first_and_read_a_page(asked: AskedWallet) -> None:
    made = [(await asked.asked()).id for _ in range(5)]
    page, total = await requests.list_requests(asked.profile, CONFIG, Page(limit=2, offset=1))
    assert ([request.id for request in page], total) == (made[-2:-4:-1], 5)
    assert all(request.fits == () and request.asked and request.asking for request in page)
    everything, _ = await requests.list_requests(asked.profile, CONFIG)
    assert [request.id for request in everything] == made[::-1]


async def test_knows_no_request_that_is_not_there(asked: AskedWallet) -> None:
    with pytest.raises(NotFoundError):
        await requests.get_request(asked.profile, CONFIG, "none")


async def test_each_request_has_a_key_of_its_own(asked: AskedWallet) -> None:
    """Two visits to one verifier are not linked by the wallet's own doing."""
    first, second = await asked.asked(), await asked.asked()
    assert first.origin.own_key != second.origin.own_key
    assert first.origin.their_key == second.origin.their_key


async def test_a_question_that_is_forgotten_leaves_nothing(asked: AskedWallet) -> None:
    keys, request = await own_keys(asked), await asked.asked()
    await requests.decline(asked.profile, CONFIG, request.id, DeclineReason.UNWILLING)
    await asked.sweep(after(3600))
    assert [request.id for request in await asked.requests()] == [request.id]
    await asked.sweep(after(timedelta(days=CONFIG.keep_ended_days, minutes=1).total_seconds()))
    assert (await asked.requests(), await own_keys(asked)) == ([], keys)
    async with asked.profile.session() as session:
        assert await session.handle.fetch_key(request.origin.own_key) is None
        assert await session.handle.count("wanderbuch.received-request.marker") == 0
