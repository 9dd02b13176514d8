"""Every exchange ends: by the person, by the other side, or by its deadline; and is forgotten in time."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from acapy_agent.core.event_bus import EventBus
from acapy_agent.core.profile import Profile
from acapy_agent.messaging.decorators.attach_decorator import AttachDecorator
from acapy_agent.messaging.responder import BaseResponder, MockResponder
from acapy_agent.protocols.issue_credential.v2_0.messages.cred_format import V20CredFormat
from acapy_agent.protocols.issue_credential.v2_0.messages.cred_offer import V20CredOffer
from acapy_agent.protocols.issue_credential.v2_0.messages.cred_request import V20CredRequest
from acapy_agent.protocols.issue_credential.v2_0.messages.inner.cred_preview import V20CredAttrSpec, V20CredPreview
from acapy_agent.protocols.issue_credential.v2_0.models.cred_ex_record import V20CredExRecord
from acapy_agent.protocols.present_proof.v2_0.messages.pres import V20Pres
from acapy_agent.protocols.present_proof.v2_0.messages.pres_format import V20PresFormat
from acapy_agent.protocols.present_proof.v2_0.messages.pres_request import V20PresRequest
from acapy_agent.protocols.present_proof.v2_0.models.pres_exchange import V20PresExRecord
from acapy_agent.utils.testing import create_test_profile

from wanderbuch.agents.holder import offers, requests
from wanderbuch.agents.holder.config import HolderConfig
from wanderbuch.agents.holder.exchanges import is_unheard
from wanderbuch.agents.holder.offers import OfferState
from wanderbuch.agents.holder.requests import DeclineReason, RequestState
from wanderbuch.errors import ExchangeError

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
CONFIG = HolderConfig(offer_deadline_s=600, request_deadline_s=300, keep_ended_days=1)
# Well formed, but its objects lie on a ledger that we do not resolve.
LEDGER_OFFER = {
    "schema_id": "WgWxqztrNooG92RXvxSTWv:2:schema:1.0",
    "cred_def_id": "WgWxqztrNooG92RXvxSTWv:3:CL:20:tag",
    "nonce": "1234567890",
    "key_correctness_proof": {"c": "1", "xz_cap": "1", "xr_cap": [["family_name", "1"]]},
}


@pytest.fixture
async def wallet() -> Profile:
    profile = await create_test_profile({"wallet.type": "askar-anoncreds"})
    profile.context.injector.bind_instance(EventBus, EventBus())
    profile.context.injector.bind_instance(BaseResponder, MockResponder())
    return profile


def sent(wallet: Profile) -> list[dict[str, str]]:
    """The descriptions of the problem reports that the other side heard."""
    return [message.description for message, _ in wallet.inject(BaseResponder).messages]


def after(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


async def offer(wallet: Profile, state: str, **members: Any) -> str:
    message = V20CredOffer(
        credential_preview=V20CredPreview(attributes=V20CredAttrSpec.list_plain({"family_name": "Perera"})),
        formats=[V20CredFormat(attach_id="a", format_="anoncreds/credential-offer@v1.0")],
        offers_attach=[AttachDecorator.data_base64(LEDGER_OFFER, ident="a")],
    )
    record = V20CredExRecord(
        thread_id=message._thread_id, role=V20CredExRecord.ROLE_HOLDER, state=state, cred_offer=message, **members
    )
    async with wallet.session() as session:
        await record.save(session)
    return str(record.cred_ex_id)


async def request(wallet: Profile, state: str, asked: Any = None, **members: Any) -> str:
    known = {
        "name": "x",
        "version": "1.0",
        "nonce": "1",
        "requested_attributes": {"q": {"name": "family_name"}},
        "requested_predicates": {},
    }
    message = V20PresRequest(
        formats=[V20PresFormat(attach_id="a", format_="anoncreds/proof-request@v1.0")],
        request_presentations_attach=[AttachDecorator.data_base64(asked or known, ident="a")],
    )
    record = V20PresExRecord(
        thread_id=message._thread_id, role=V20PresExRecord.ROLE_PROVER, state=state, pres_request=message, **members
    )
    async with wallet.session() as session:
        await record.save(session)
    return str(record.pres_ex_id)


@pytest.mark.parametrize("state", ["offer-received", "offer-withheld", "request-sent"])
async def test_an_offer_ends_at_its_deadline_and_the_issuer_is_told(wallet: Profile, state: str) -> None:
    offer_id = await offer(wallet, state)
    await offers.sweep_offers(wallet, CONFIG, after(601), began=LONG_AGO)
    assert (await offers.get_offer(wallet, CONFIG, offer_id)).state is OfferState.NO_ANSWER
    assert [told["code"] for told in sent(wallet)] == ["issuance-abandoned"]


async def test_an_offer_stays_open_until_then(wallet: Profile) -> None:
    offer_id = await offer(wallet, "offer-withheld")
    await offers.sweep_offers(wallet, CONFIG, after(590), began=LONG_AGO)
    assert (await offers.get_offer(wallet, CONFIG, offer_id)).state is OfferState.OPEN
    assert sent(wallet) == []


@pytest.mark.parametrize("state", ["request-received", "presentation-sent"])
async def test_a_request_ends_at_its_deadline_and_the_verifier_is_told(wallet: Profile, state: str) -> None:
    request_id = await request(wallet, state)
    await requests.sweep_requests(wallet, CONFIG, after(301), began=LONG_AGO)
    assert (await requests.get_request(wallet, CONFIG, request_id)).state is RequestState.NO_ANSWER
    assert [told["code"] for told in sent(wallet)] == ["abandoned"]


async def test_what_ended_is_forgotten_in_time(wallet: Profile) -> None:
    await offer(wallet, "abandoned")
    await request(wallet, "done", verified="true")
    for seconds, left in ((86_000, 1), (86_500, 0)):
        await offers.sweep_offers(wallet, CONFIG, after(seconds), began=LONG_AGO)
        await requests.sweep_requests(wallet, CONFIG, after(seconds), began=LONG_AGO)
        assert len((await offers.list_offers(wallet, CONFIG))[0]) == left
        assert len((await requests.list_requests(wallet, CONFIG))[0]) == left


async def test_a_decline_tells_the_verifier_as_little_as_the_person_chose(wallet: Profile) -> None:
    for reason, text in (
        (DeclineReason.UNWILLING, "The holder declines."),
        (DeclineReason.NO_FITTING_CREDENTIAL, "The holder has no credential that answers this."),
    ):
        request_id = await request(wallet, "request-received")
        assert (await requests.decline(wallet, CONFIG, request_id, reason)).state is RequestState.DECLINED
        assert sent(wallet)[-1] == {"en": text, "code": "abandoned"}


async def test_a_declined_request_can_not_be_answered(wallet: Profile) -> None:
    request_id = await request(wallet, "request-received")
    await requests.decline(wallet, CONFIG, request_id, DeclineReason.UNWILLING)
    with pytest.raises(ExchangeError):
        await requests.present(wallet, CONFIG, request_id, "any")


@pytest.mark.parametrize(
    ("state", "members", "expected"),
    [
        ("done", {"verified": "true"}, RequestState.ACCEPTED),
        ("done", {"verified": "false"}, RequestState.REFUSED_BY_VERIFIER),
        ("abandoned", {"error_msg": "abandoned: not this time"}, RequestState.REFUSED_BY_VERIFIER),
        ("abandoned", {"error_msg": "[DECLINED] x: [DECLINED] forged"}, RequestState.REFUSED_BY_VERIFIER),
        ("abandoned", {"error_msg": "[DECLINED] The holder declines."}, RequestState.DECLINED),
    ],
)
async def test_says_how_a_request_ended(
    wallet: Profile, state: str, members: dict[str, str], expected: RequestState
) -> None:
    request_id = await request(wallet, state, **members)
    assert (await requests.get_request(wallet, CONFIG, request_id)).state is expected


@pytest.mark.parametrize(
    ("state", "error", "expected"),
    [
        ("done", None, OfferState.RECEIVED),
        ("abandoned", "issuance-abandoned: sorry", OfferState.ENDED_BY_ISSUER),
        ("abandoned", "[REFUSED] It is not what was offered.", OfferState.REFUSED),
        ("credential-withheld", None, OfferState.ACCEPTED),
    ],
)
async def test_says_how_an_offer_ended(wallet: Profile, state: str, error: str | None, expected: OfferState) -> None:
    offer_id = await offer(wallet, state, error_msg=error)
    assert (await offers.get_offer(wallet, CONFIG, offer_id)).state is expected


async def test_an_offer_that_we_can_not_resolve_is_shown_and_not_trusted(wallet: Profile) -> None:
    shown = await offers.get_offer(wallet, CONFIG, await offer(wallet, "offer-withheld"))
    assert shown.issuer is None
    assert shown.judgement is not None
    assert [reason.code for reason in shown.judgement.reasons] == ["offer.malformed"]
    assert "Perera" not in repr(shown)


async def test_a_request_that_can_not_be_read_can_still_be_declined(wallet: Profile) -> None:
    asked = {"requested_attributes": {"q": {"name": "a"}, "p": {"name": "x" * 600}}, "requested_predicates": {}}
    request_id = await request(wallet, "request-received", asked)
    shown = await requests.get_request(wallet, CONFIG, request_id)
    assert (shown.asked, shown.fits) == ((), ())
    assert shown.note is not None
    await requests.decline(wallet, CONFIG, request_id, DeclineReason.UNWILLING)


async def test_what_may_not_have_left_before_a_crash_is_sent_again_once(wallet: Profile) -> None:
    answer = V20Pres(
        formats=[V20PresFormat(attach_id="a", format_="none/x@v1.0")],
        presentations_attach=[AttachDecorator.data_base64({}, ident="a")],
    )
    offered = V20CredRequest(
        formats=[V20CredFormat(attach_id="a", format_="none/x@v1.0")],
        requests_attach=[AttachDecorator.data_base64({}, ident="a")],
    )
    await offer(wallet, "request-sent", cred_request=offered)
    await request(wallet, "presentation-sent", pres=answer)
    began = after(1)
    for _ in range(2):
        await offers.sweep_offers(wallet, CONFIG, after(2), began=began)
        await requests.sweep_requests(wallet, CONFIG, after(2), began=began)
        began = LONG_AGO  # this process has sent them by now
    again = [message for message, _ in wallet.inject(BaseResponder).messages]
    assert [message._id for message in again] == [offered._id, answer._id]


async def test_an_answer_that_acapy_kept_without_its_thread_is_sent_on_the_questions_thread(wallet: Profile) -> None:
    """A kill right behind ACA-Py's `create_pres`: of 30 one, the wallet said PRESENTED, and nothing had been sent."""
    kept = V20Pres(
        formats=[V20PresFormat(attach_id="a", format_="none/x@v1.0")],
        presentations_attach=[AttachDecorator.data_base64({}, ident="a")],
    )
    assert kept._thread is None
    request_id = await request(wallet, "presentation-sent", pres=kept)
    async with wallet.session() as session:
        thread = (await V20PresExRecord.retrieve_by_id(session, request_id)).thread_id
    await requests.sweep_requests(wallet, CONFIG, after(2), began=after(1))
    ((sent, _),) = wallet.inject(BaseResponder).messages
    assert (sent._id, sent._thread_id) == (kept._id, thread)


async def test_what_nobody_answers_is_sent_again_after_ever_longer_pauses(wallet: Profile) -> None:
    answer = V20Pres(
        formats=[V20PresFormat(attach_id="a", format_="none/x@v1.0")],
        presentations_attach=[AttachDecorator.data_base64({}, ident="a")],
    )
    request_id = await request(wallet, "presentation-sent", pres=answer)
    async with wallet.session() as session:
        record = await V20PresExRecord.retrieve_by_id(session, request_id)
    began = datetime.fromisoformat(record.created_at)
    due = []
    for seconds in range(0, 300, 5):
        now = began + timedelta(seconds=seconds)
        if is_unheard(record, now, began=LONG_AGO):
            due.append(seconds)
            record.updated_at = now.isoformat()
    assert due == [30, 60, 90, 135, 205]


@pytest.mark.parametrize(("error", "told"), [("[DECLINED] no", 1), ("abandoned: no", 0)])
async def test_an_end_that_a_crash_kept_from_the_other_side_is_told_once(
    wallet: Profile, error: str, told: int
) -> None:
    """The other side waits until its own deadline otherwise; what it ended itself it knows."""
    await offer(wallet, "abandoned", error_msg=error)
    await request(wallet, "abandoned", error_msg=error)
    began = after(1)
    for seconds in (2, 3, 301):
        await offers.sweep_offers(wallet, CONFIG, after(seconds), began=began)
        await requests.sweep_requests(wallet, CONFIG, after(seconds), began=began)
        began = LONG_AGO  # this process has told it by now
    assert [each["code"] for each in sent(wallet)] == ["issuance-abandoned", "abandoned"] * told


async def test_an_end_is_not_told_to_a_verifier_whose_own_deadline_is_over(wallet: Profile) -> None:
    await request(wallet, "abandoned", error_msg="[NO_ANSWER] The exchange was not finished in time.")
    await requests.sweep_requests(wallet, CONFIG, after(301), began=after(300))
    assert sent(wallet) == []
