"""A receipt is good only if the verifier's own log says so; forged and altered ones are refused."""

import base64
import json
from copy import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aries_askar import Key, KeyAlg

from wanderbuch.governance.facts.identifiers import DidUrl
from wanderbuch.governance.facts.question import (
    ChainLink,
    GovernanceRef,
    Reason,
    Requirement,
    Subject,
    TrustDecision,
    Verdict,
)
from wanderbuch.governance.signed.jws import sign_jws
from wanderbuch.plugins.trust.receipts.receipt import RECEIPT_TYPE, DecisionReceipt, ReceiptError, receipt_of
from wanderbuch.plugins.trust.receipts.verifying_receipts import DidLog, unverified_verifier, verify_receipt
from wanderbuch.plugins.trust.verifying.answer_facts import AnswerFact, AnswerGrounds, FactKind, FactOutcome
from wanderbuch.plugins.trust.verifying.asked import AwardPrecision
from wanderbuch.plugins.trust.verifying.exchange import Verification, VerificationState
from wanderbuch.plugins.webvh.document import make_document
from wanderbuch.plugins.webvh.errors import LogError
from wanderbuch.plugins.webvh.keys import to_multikey
from wanderbuch.plugins.webvh.log_writing import first_entry, next_entry
from wanderbuch.schemas.occupations import unit_groups

DECIDED = datetime(2026, 3, 2, 10, tzinfo=UTC)
NOW = datetime(2026, 6, 1, tzinfo=UTC)


class Shipyard:
    """A verifier with a real did:webvh, whose log is written by hand."""

    def __init__(self, name: str = "shipyard", *, since: datetime = DECIDED - timedelta(days=90)) -> None:
        self.name = name
        self.update_key = Key.generate(KeyAlg.ED25519)
        self.keys = [Key.generate(KeyAlg.ED25519)]
        document = self._document(f"did:webvh:{{SCID}}:{name}.wanderbuch.test:org", self.keys)
        self.did, line = first_entry(document, update_key=self.update_key, next_keys=(), at=since)
        self.text = line + "\n"

    @property
    def log(self) -> DidLog:
        return DidLog(self.text.encode())

    def kid(self, key: Key) -> DidUrl:
        return DidUrl.parse(f"{self.did}#{to_multikey(key.get_public_bytes())}")

    def rotate(self, at: datetime) -> None:
        """Take a new key in place of all others."""
        self.keys.insert(0, Key.generate(KeyAlg.ED25519))
        document = self._document(self.did, self.keys[:1])
        self.text += next_entry(self.text, document, update_key=self.update_key, next_keys=(), at=at) + "\n"

    async def sign(self, receipt: DecisionReceipt, *, key: Key | None = None, typ: str = RECEIPT_TYPE) -> bytes:
        return await self.sign_payload(receipt.payload(), key=key, typ=typ)

    async def sign_payload(self, payload: bytes, *, key: Key | None = None, typ: str = RECEIPT_TYPE) -> bytes:
        signer = key or self.keys[0]

        async def sign(message: bytes) -> bytes:
            return bytes(signer.sign_message(message))

        return await sign_jws(payload, kid=self.kid(signer), typ=typ, sign=sign)

    def receipt(self, *, at: datetime = DECIDED + timedelta(minutes=1), **changed: Any) -> DecisionReceipt:
        return receipt_of(verification(**changed), did=self.did, name="Shipyard", at=at)

    @staticmethod
    def _document(did: str, keys: list[Key]) -> dict[str, Any]:
        return make_document(
            did,
            assertion_keys=tuple(key.get_public_bytes() for key in keys),
            didcomm_key=Key.generate(KeyAlg.ED25519).get_public_bytes(),
            didcomm_endpoint=None,
        )


def verification(**changed: Any) -> Verification:
    ref = GovernanceRef("malta", 3, "sha256:" + "0" * 64)
    fields: dict[str, Any] = {
        "invitation_url": "https://shipyard.wanderbuch.test/i",
        "requirement": Requirement("C7212", "MLT", min_eqf_level=4, subject=Subject.NAME),
        "award_precision": AwardPrecision.YEAR,
        "proof_request": {},
        "words": (),
        "names": ("occupation_isco08", "award_year", "family_name"),
        "hidden": (),
        "eligible": (),
        "schemas": (),
        "created_at": DECIDED - timedelta(minutes=5),
        "answer_by": DECIDED + timedelta(minutes=5),
        "state": VerificationState.DECIDED,
        "decision": TrustDecision(
            Verdict.TRUSTED,
            (
                Reason("issuer.accredited", "The Centre is accredited, awarded 2024-06-10."),
                Reason("subject.shown", "…"),
            ),
            ref,
            DECIDED,
            redress=("https://authority.wanderbuch.test/appeals",),
        ),
        "grounds": AnswerGrounds((AnswerFact(FactKind.LEVEL, FactOutcome.HOLDS, {"at_least": "4"}),)),
    }
    return Verification(**{**fields, **changed})


@pytest.fixture
def shipyard() -> Shipyard:
    return Shipyard()


async def test_there_is_a_receipt_however_much_an_authority_writes(shipyard: Shipyard) -> None:
    """An authority abroad names every occupation one by one, itself at length, and many to turn to."""
    listed, long = ", ".join(unit_groups()), "Authority " * 190
    decision = verification().decision
    assert decision is not None
    assert decision.governance is not None
    ref = decision.governance
    wide = replace(
        decision,
        chain=(ChainLink("did:webvh:x:authority.wanderbuch.test", long, "rec-1", ref),),
        redress=tuple(f"https://authority.wanderbuch.test/{number}" for number in range(300)),
    )
    facts = (
        AnswerFact(FactKind.ISSUER_COUNTS, FactOutcome.HOLDS, {"for": listed, "by": f"{long}, {long}, {long}"}),
        AnswerFact(FactKind.GOVERNANCE_CURRENT, FactOutcome.HOLDS, {"name": long}),
    )
    jws = await shipyard.sign(shipyard.receipt(decision=wide, grounds=AnswerGrounds(facts)))
    decided = verify_receipt(jws, shipyard.log, at=NOW).receipt.decided
    assert decided.facts[0].evidence["for"] == listed
    assert decided.facts[0].evidence["by"].endswith("…")
    assert decided.facts[1].evidence["name"] == long
    assert (len(decided.redress), decided.chain[0].name[-1]) == (256, "…")


async def test_a_receipt_says_what_was_asked_and_decided(shipyard: Shipyard) -> None:
    jws = await shipyard.sign(shipyard.receipt())
    assert unverified_verifier(jws) == shipyard.did
    verified = verify_receipt(jws, shipyard.log, at=NOW)
    (asked,) = verified.receipt.asked.credentials
    assert (asked.occupation, asked.min_eqf_level) == ("C7212", 4)
    assert verified.receipt.decided.verdict is Verdict.TRUSTED
    assert verified.receipt.decided.reasons == ("issuer.accredited", "subject.shown")
    assert verified.receipt.decided.facts[0].evidence == {"at_least": "4"}
    assert (verified.key_time.until, verified.is_deactivated) == (None, False)


async def test_a_receipt_says_what_was_asked_and_left_out(shipyard: Shipyard) -> None:
    requirement = Requirement("C7212", "MLT", subject=Subject.NAME, least_subject=Subject.NONE)
    reasons = tuple(Reason(code, "…") for code in ("issuer.accredited", "subject.none", "subject.name_left_out"))
    decision = verification().decision
    assert decision is not None
    grounds = AnswerGrounds((AnswerFact(FactKind.HOLDER_NAMED, FactOutcome.LEFT_OUT),))
    decided = replace(decision, reasons=reasons)
    jws = await shipyard.sign(shipyard.receipt(requirement=requirement, decision=decided, grounds=grounds))
    receipt = verify_receipt(jws, shipyard.log, at=NOW).receipt
    assert (receipt.asked.credentials[0].subject, receipt.decided.facts[0].outcome) == (
        Subject.NAME,
        FactOutcome.LEFT_OUT,
    )
    assert receipt.decided.reasons == ("issuer.accredited", "subject.none", "subject.name_left_out")


async def test_a_receipt_holds_no_text_in_which_a_value_could_stand(shipyard: Shipyard) -> None:
    payload = shipyard.receipt().payload().decode()
    assert "family_name" in payload  # that it was asked, not what it said
    assert "2024-06-10" not in payload


@pytest.mark.parametrize("state", [VerificationState.DECLINED, VerificationState.NO_ANSWER, VerificationState.OPEN])
def test_there_is_no_receipt_where_nothing_was_decided(shipyard: Shipyard, state: VerificationState) -> None:
    with pytest.raises(ReceiptError, match="expected a request that was decided"):
        shipyard.receipt(state=state, decision=None)


def altered(jws: bytes, **changed: Any) -> bytes:
    header, payload, signature = jws.split(b".")
    content = json.loads(base64.urlsafe_b64decode(payload + b"=" * (-len(payload) % 4)))
    text = json.dumps({**content, **changed}, separators=(",", ":"), ensure_ascii=False).encode()
    return b".".join((header, base64.urlsafe_b64encode(text).rstrip(b"="), signature))


async def test_refuses_a_receipt_of_which_one_word_was_altered(shipyard: Shipyard) -> None:
    jws = await shipyard.sign(shipyard.receipt())
    assert altered(jws) == jws  # the same text is the same receipt
    with pytest.raises(ReceiptError, match="its signature does not hold"):
        verify_receipt(altered(jws, exchange="another"), shipyard.log, at=NOW)


async def test_refuses_a_receipt_forged_with_a_key_of_nobodys(shipyard: Shipyard) -> None:
    forged = await shipyard.sign(shipyard.receipt(), key=Key.generate(KeyAlg.ED25519))
    with pytest.raises(ReceiptError, match="at no time"):
        verify_receipt(forged, shipyard.log, at=NOW)


async def test_refuses_a_receipt_forged_under_the_verifiers_kid(shipyard: Shipyard) -> None:
    real = shipyard.kid(shipyard.keys[0])
    mine = Key.generate(KeyAlg.ED25519)

    async def sign(message: bytes) -> bytes:
        return bytes(mine.sign_message(message))

    forged = await sign_jws(shipyard.receipt().payload(), kid=real, typ=RECEIPT_TYPE, sign=sign)
    with pytest.raises(ReceiptError, match="its signature does not hold"):
        verify_receipt(forged, shipyard.log, at=NOW)


async def test_refuses_anothers_receipt_that_names_this_verifier(shipyard: Shipyard) -> None:
    other = Shipyard("other")
    with pytest.raises(ReceiptError, match="expected a key of the verifier"):
        verify_receipt(await other.sign(shipyard.receipt()), other.log, at=NOW)


async def test_refuses_another_verifiers_log(shipyard: Shipyard) -> None:
    jws = await shipyard.sign(shipyard.receipt())
    with pytest.raises(LogError):
        verify_receipt(jws, Shipyard("other").log, at=NOW)


async def test_refuses_a_log_that_somebody_has_written_on(shipyard: Shipyard) -> None:
    mine = Key.generate(KeyAlg.ED25519)
    document = Shipyard._document(shipyard.did, [mine])
    written = next_entry(
        shipyard.text, document, update_key=Key.generate(KeyAlg.ED25519), next_keys=(), at=DECIDED - timedelta(days=1)
    )
    forged = await shipyard.sign(shipyard.receipt(), key=mine)
    with pytest.raises(LogError):
        verify_receipt(forged, DidLog((shipyard.text + written + "\n").encode()), at=NOW)


async def test_a_key_that_was_withdrawn_since_counts_for_what_it_signed_before(shipyard: Shipyard) -> None:
    jws = await shipyard.sign(shipyard.receipt())
    shipyard.rotate(DECIDED + timedelta(days=10))
    verified = verify_receipt(jws, shipyard.log, at=NOW)
    assert verified.key_time.until == DECIDED + timedelta(days=10)  # which is told


async def test_refuses_a_receipt_that_a_withdrawn_key_signs_afterwards(shipyard: Shipyard) -> None:
    shipyard.rotate(DECIDED + timedelta(days=10))
    late = shipyard.receipt(at=DECIDED + timedelta(days=11))
    with pytest.raises(ReceiptError, match="to 2026-03-12 10:00 only"):
        verify_receipt(await shipyard.sign(late, key=shipyard.keys[1]), shipyard.log, at=NOW)
    assert verify_receipt(await shipyard.sign(late), shipyard.log, at=NOW).receipt == late


async def test_refuses_a_receipt_from_before_its_key_was_there(shipyard: Shipyard) -> None:
    shipyard.rotate(DECIDED + timedelta(days=10))
    with pytest.raises(ReceiptError, match="from 2026-03-12 10:00 only"):
        verify_receipt(await shipyard.sign(shipyard.receipt()), shipyard.log, at=NOW)


@pytest.mark.parametrize(
    ("signed", "now"),
    [(DECIDED - timedelta(minutes=6), NOW), (NOW + timedelta(hours=1), NOW)],
    ids=["before the decision", "in the future"],
)
async def test_refuses_dates_that_do_not_fit(shipyard: Shipyard, signed: datetime, now: datetime) -> None:
    with pytest.raises(ReceiptError, match="other dates"):
        verify_receipt(await shipyard.sign(shipyard.receipt(at=signed)), shipyard.log, at=now)


async def test_refuses_the_other_form_of_a_signed_text(shipyard: Shipyard) -> None:
    """In which a signature of somebody else may stand beside the verifier's."""
    protected, payload, signature = (await shipyard.sign(shipyard.receipt())).decode().split(".")
    signatures = [{"protected": protected, "signature": signature}]
    for several in (signatures, signatures * 2):
        with pytest.raises(ReceiptError, match="expected a compact JWS"):
            verify_receipt(json.dumps({"payload": payload, "signatures": several}).encode(), shipyard.log, at=NOW)


async def test_clocks_of_two_processes_may_differ(shipyard: Shipyard) -> None:
    """One asked, another decided, a third signed."""
    receipt = shipyard.receipt(at=DECIDED - timedelta(seconds=50), created_at=DECIDED + timedelta(seconds=50))
    assert verify_receipt(await shipyard.sign(receipt), shipyard.log, at=NOW).receipt == receipt


async def test_refuses_a_signed_text_of_another_kind(shipyard: Shipyard) -> None:
    with pytest.raises(ReceiptError, match="this is no receipt"):
        verify_receipt(await shipyard.sign(shipyard.receipt(), typ="wanderbuch-freshness+jws"), shipyard.log, at=NOW)


@pytest.mark.parametrize(
    "changed",
    [{"format": "wanderbuch-receipt/2.0"}, {"name": "Perera"}, {"decided": {}}, {"issued_at": "2026-03-02T10:00:00"}],
)
async def test_refuses_a_signed_text_that_says_something_else(shipyard: Shipyard, changed: dict[str, Any]) -> None:
    content = {**json.loads(shipyard.receipt().payload()), **changed}
    with pytest.raises(ReceiptError, match="the receipt is malformed"):
        verify_receipt(await shipyard.sign_payload(json.dumps(content).encode()), shipyard.log, at=NOW)


@pytest.mark.parametrize("received", [b"", b"a.b", b"a.b.c", b"{}", b"\xff", b"x" * (300 * 1024)])
def test_refuses_what_is_no_receipt(shipyard: Shipyard, received: bytes) -> None:
    with pytest.raises(ReceiptError):
        verify_receipt(received, shipyard.log, at=NOW)
