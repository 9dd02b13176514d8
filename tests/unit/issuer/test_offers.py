"""What an offer's markers make of it, and when somebody has to look at it."""

from datetime import UTC, datetime, timedelta

import pytest

from wanderbuch.agents.issuer.models import offer_view
from wanderbuch.agents.issuer.offers import (
    KEEP_EXCHANGES,
    REVOKED,
    Offer,
    OfferState,
    Receipt,
    answered,
    ended,
    issued,
    offer_id_of,
    taken,
)
from wanderbuch.agents.issuer.registries import is_nearly_full
from wanderbuch.governance.facts.question import Reason
from wanderbuch.plugins.exchange.channel import Channel
from wanderbuch.plugins.exchange.sending_again import SEND_FOR
from wanderbuch.store.markers import over

AT = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
LATE = AT + timedelta(hours=1)
CHANNEL = Channel("ours", "theirs", "https://phone.wanderbuch.test/d", ("mediator",), "connection-1")
REASON = Reason("issuing.over", "It is over.")


def offer(**fields: object) -> Offer:
    known = {
        "id": "an-offer",
        "credential_type": "qualification/1.0",
        "schema_id": "schema-1",
        "cred_def_id": "definition-1",
        "values": {"family_name": "Perera"},
        "governance_version": 1,
        "answer_by": LATE,
        "nonce": "7",
    }
    return Offer.model_validate(known | fields)


TAKEN = over(offer(), taken(CHANNEL))
ISSUED = over(TAKEN, issued(TAKEN, registry="registry-1", index=3, request_digest="d", at=AT))


def test_the_wallet_that_took_an_offer_is_written_to_as_it_was_met() -> None:
    assert offer().wallet is None
    assert TAKEN.wallet is not None
    assert TAKEN.wallet.channel == CHANNEL
    assert TAKEN.state is OfferState.OPEN
    assert ISSUED.wallet == TAKEN.wallet


@pytest.mark.parametrize("state", [OfferState.DECLINED, OfferState.WITHDRAWN, OfferState.NO_ANSWER, OfferState.REFUSED])
def test_an_offer_ends_without_a_credential(state: OfferState) -> None:
    offer = over(TAKEN, ended(state, at=AT, reasons=(REASON,)))
    assert (offer.state, offer.ended_at, offer.index) == (state, AT, None)
    assert [reason.code for reason in offer.reasons] == ["issuing.over"]
    assert not offer.state.has_credential


@pytest.mark.parametrize("state", [OfferState.OPEN, OfferState.ISSUED, OfferState.REVOKED])
def test_what_is_no_end_without_a_credential_is_refused_as_one(state: OfferState) -> None:
    with pytest.raises(ValueError, match="no end"):
        ended(state, at=AT)


def test_an_issued_credential_has_its_place_and_is_revoked_later() -> None:
    assert (ISSUED.state, ISSUED.registry, ISSUED.index, ISSUED.issued_at) == (OfferState.ISSUED, "registry-1", 3, AT)
    revoked = over(ISSUED, REVOKED)
    assert (revoked.state, revoked.index) == (OfferState.REVOKED, 3)
    assert revoked.state.has_credential


def test_offer_shows_no_claim_when_it_is_printed() -> None:
    assert "Perera" not in repr(offer())


@pytest.mark.parametrize(
    ("size", "used", "nearly"),
    [(4, 2, False), (4, 3, True), (1000, 983, False), (1000, 984, True)],
)
def test_spare_takes_over_while_places_are_left(size: int, used: int, nearly: bool) -> None:
    assert is_nearly_full(size=size, used=used) is nearly


@pytest.mark.parametrize(
    ("given", "due"),
    [
        (offer(), LATE),
        (TAKEN, LATE),
        (ISSUED, AT + timedelta(seconds=30)),
        (over(ISSUED, answered(Receipt.KEPT)), None),
        (over(ISSUED, answered(Receipt.REJECTED)), AT + KEEP_EXCHANGES),
        (over(ISSUED, REVOKED), AT + KEEP_EXCHANGES),
        (over(TAKEN, ended(OfferState.DECLINED, at=AT)), AT + KEEP_EXCHANGES),
        (over(offer(), ended(OfferState.NO_ANSWER, at=AT)), None),
    ],
    ids=["open", "taken", "issued", "kept", "rejected", "revoked", "declined", "nobody took it"],
)
def test_an_offer_is_due_when_there_is_something_to_be_done(given: Offer, due: datetime | None) -> None:
    assert given.due_at() == due


@pytest.mark.parametrize(
    ("after", "again"),
    [
        (timedelta(seconds=1), timedelta(seconds=31)),
        (timedelta(seconds=30), timedelta(seconds=60)),
        (timedelta(minutes=8), timedelta(minutes=16)),
        (timedelta(hours=13), timedelta(hours=25)),
        (SEND_FOR - timedelta(hours=1), SEND_FOR),
        (SEND_FOR + timedelta(hours=1), None),
    ],
)
def test_pauses_between_sendings_grow_until_it_is_over(after: timedelta, again: timedelta | None) -> None:
    assert ISSUED.due_again(AT + after) == (None if again is None else AT + again)


def test_what_was_done_is_not_due_again() -> None:
    declined = over(TAKEN, ended(OfferState.DECLINED, at=AT))
    assert declined.due_again(AT) == AT + KEEP_EXCHANGES
    assert declined.due_again(AT + KEEP_EXCHANGES) is None
    assert over(ISSUED, answered(Receipt.KEPT)).due_again(AT + timedelta(minutes=1)) is None


@pytest.mark.parametrize(
    ("thread", "named"),
    [
        ("0123456789abcdef0123456789abcdef.o", "0123456789abcdef0123456789abcdef"),
        ("0123456789abcdef0123456789abcdef.r", None),
        ("0123456789abcdef0123456789abcdef", None),
        (".o", None),
        ("a/b.o", None),
        ("a.marker.o", None),
        (f"{'a' * 65}.o", None),
    ],
)
def test_a_thread_names_an_offer_by_its_form_alone(thread: str, named: str | None) -> None:
    assert offer_id_of(thread) == named


def test_offer_shows_a_certificate_number_as_it_stands_on_the_certificate() -> None:
    made = offer(values={"credential_id": "#000123", "award_year": "2024"})
    assert offer_view(made, None).values == {"credential_id": "000123", "award_year": "2024"}
    assert made.values["credential_id"] == "#000123"


def test_the_code_is_made_where_an_open_offer_is_looked_at() -> None:
    made = offer(
        short_url="https://centre.wanderbuch.test/i/abc", invitation_url="https://centre.wanderbuch.test/d?oob=x"
    )
    shown = offer_view(made, None)
    assert shown.qr_svg is not None
    assert shown.qr_svg.startswith("<svg")
    assert offer_view(made, None, with_qr=False).qr_svg is None
    assert offer_view(over(made, ended(OfferState.WITHDRAWN, at=AT)), None).qr_svg is None
