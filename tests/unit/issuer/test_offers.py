"""An offer moves from state to state, and never back."""

from datetime import UTC, datetime, timedelta

import pytest

from wanderbuch.agents.issuer import offers
from wanderbuch.agents.issuer.offers import Offer, OfferState, Receipt
from wanderbuch.agents.issuer.registries import is_nearly_full
from wanderbuch.agents.issuer.resending import is_due
from wanderbuch.agents.issuer.views import offer_view
from wanderbuch.governance.question import Reason
from wanderbuch.plugins.trust.issuing import IssuedCredential

AT = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
CREDENTIAL = IssuedCredential(None, 3, "connection-1")
REASON = Reason("issuing.over", "It is over.")


def offer(state: OfferState = OfferState.OPEN, **fields: object) -> Offer:
    known = {
        "cred_ex_id": "exchange-1",
        "credential_type": "qualification/1.0",
        "cred_def_id": "definition-1",
        "values": {"family_name": "Perera"},
        "governance_version": 1,
        "answer_by": AT + timedelta(hours=1),
    }
    return Offer.model_validate(known | {"state": state} | fields)


@pytest.mark.parametrize(
    ("step", "state"),
    [
        (offers.issue(CREDENTIAL, at=AT), OfferState.ISSUED),
        (offers.decline(at=AT), OfferState.DECLINED),
        (offers.refuse((REASON,), at=AT), OfferState.REFUSED),
        (offers.refuse((REASON,), at=AT + timedelta(hours=2)), OfferState.NO_ANSWER),
        (offers.end_without_answer(at=AT + timedelta(hours=2)), OfferState.NO_ANSWER),
    ],
    ids=["signed", "declined", "refused", "answered too late", "deadline"],
)
def test_open_offer_ends_in_a_definite_state(step: offers.Step, state: OfferState) -> None:
    ended = step(offer())
    assert ended is not None
    assert ended.state is state
    assert ended.ended_at is not None


def test_offer_stays_open_until_its_deadline() -> None:
    assert offers.end_without_answer(at=AT + timedelta(hours=1))(offer()) is None


@pytest.mark.parametrize("state", [OfferState.DECLINED, OfferState.NO_ANSWER, OfferState.REFUSED, OfferState.REVOKED])
def test_what_is_over_is_neither_declined_nor_refused_nor_ended_again(state: OfferState) -> None:
    late = AT + timedelta(days=1)
    steps = (offers.decline(at=late), offers.refuse((REASON,), at=late), offers.end_without_answer(at=late))
    assert [step(offer(state)) for step in steps] == [None] * 3


def test_signed_credential_is_the_stronger_fact_if_the_deadline_passed_meanwhile() -> None:
    ended = offers.issue(CREDENTIAL, at=AT)(offer(OfferState.NO_ANSWER))
    assert ended is not None
    assert ended.state is OfferState.ISSUED


@pytest.mark.parametrize("state", [OfferState.ISSUED, OfferState.REVOKED])
def test_issued_credential_is_not_issued_again(state: OfferState) -> None:
    assert offers.issue(CREDENTIAL, at=AT)(offer(state)) is None


def test_wallet_that_can_not_keep_a_credential_does_not_undo_its_issuance() -> None:
    told = offers.decline(at=AT)(offer(OfferState.ISSUED))
    assert told is not None
    assert (told.state, told.receipt) == (OfferState.ISSUED, Receipt.REJECTED)


def test_only_an_issued_credential_is_revoked() -> None:
    assert offers.revoke(offer()) is None
    revoked = offers.revoke(offer(OfferState.ISSUED))
    assert revoked is not None
    assert revoked.state is OfferState.REVOKED


def test_offer_shows_no_claim_when_it_is_printed() -> None:
    assert "Perera" not in repr(offer())


@pytest.mark.parametrize(
    ("size", "used", "nearly"),
    [(4, 2, False), (4, 3, True), (1000, 983, False), (1000, 984, True)],
)
def test_spare_takes_over_while_places_are_left(size: int, used: int, nearly: bool) -> None:
    assert is_nearly_full(size=size, used=used) is nearly


@pytest.mark.parametrize(
    ("fields", "due"),
    [
        ({"sent_at": AT - timedelta(minutes=5), "sends": 1}, True),
        ({"sent_at": AT + timedelta(seconds=1), "sends": 1}, False),
        ({"sent_at": AT + timedelta(seconds=1), "sends": 1, "receipt": Receipt.KEPT}, False),
        ({"sent_at": AT - timedelta(minutes=5), "sends": 1, "receipt": Receipt.KEPT}, False),
        ({"sent_at": AT - timedelta(days=5), "sends": 8}, False),
    ],
    ids=["sent by a process before", "just sent", "kept", "sent before and kept", "sent often enough"],
)
def test_credential_that_may_be_lost_is_sent_again(fields: dict[str, object], due: bool) -> None:
    assert is_due(offer(OfferState.ISSUED, **fields), AT + timedelta(seconds=2), began=AT) is due


def test_pauses_between_sendings_grow() -> None:
    sent = offer(OfferState.ISSUED, sent_at=AT + timedelta(seconds=1), sends=2)
    assert not is_due(sent, AT + timedelta(seconds=60), began=AT)
    assert is_due(sent, AT + timedelta(seconds=61), began=AT)


def test_offer_shows_a_certificate_number_as_it_stands_on_the_certificate() -> None:
    made = offer(values={"credential_id": "#000123", "award_year": "2024"}, credential_type="qualification/1.0")
    assert offer_view(made, None).values == {"credential_id": "000123", "award_year": "2024"}
    assert made.values["credential_id"] == "#000123"
