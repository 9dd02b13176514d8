"""The page of a receipt: in every language, for every verdict, without a name and without a value."""

from collections.abc import Mapping
from typing import Any

import pytest
from aiohttp.test_utils import make_mocked_request
from tests.unit.trust.receipts.test_receipts import DECIDED, verification

from wanderbuch.agents.site.languages import LANGUAGES
from wanderbuch.agents.verifier.pages.receipt_page import page_of
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.facts.question import Reason, Requirement, Subject, TrustDecision, Verdict
from wanderbuch.plugins.trust.receipts.receipt import receipt_of
from wanderbuch.plugins.trust.verifying.answer_facts import (
    AnswerFact,
    AnswerGrounds,
    AnswerSource,
    FactKind,
    FactOutcome,
    SourceKind,
)

SHIPYARD = Did.parse("did:webvh:QmShipyard1111111111111111111111111111111111111:shipyard.wanderbuch.test")
GROUNDS = AnswerGrounds(
    (
        *(AnswerFact(kind, outcome) for kind in FactKind for outcome in FactOutcome),
        AnswerFact(FactKind.ISSUER_COUNTS, FactOutcome.HOLDS, {"by": "Authority", "version": "lk 3"}, DECIDED),
    ),
    tuple(AnswerSource(kind, "id", DECIDED, version=3) for kind in SourceKind),
)


def page(language: str, verdict: Verdict = Verdict.TRUSTED, **changed: Any) -> str:
    decision = TrustDecision(verdict, (Reason("issuer.accredited", "…"),), None, DECIDED, redress=("https://a.test/",))
    decided = verification(**{"decision": decision, "grounds": GROUNDS, **changed})
    receipt = receipt_of(decided, did=SHIPYARD, name="Shipyard <b>", at=DECIDED)
    request = make_mocked_request("GET", f"/receipts/1/2?language={language}", headers={"Accept": "text/html"})
    response = page_of(request, receipt)
    assert response.status == 200
    assert response.headers["Referrer-Policy"] == "no-referrer"
    return str(response.text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_says_every_fact_and_every_source_in_every_language(language: str) -> None:
    text = page(language)
    assert f'<html lang="{language}"' in text
    assert text.count("<tr>") == 1 + len(GROUNDS.facts)
    assert "Shipyard &lt;b&gt;" in text


@pytest.mark.parametrize(
    ("verdict", "headline"),
    [
        (Verdict.TRUSTED, "Accepted: genuine, valid, and the issuer counts."),
        (Verdict.NOT_TRUSTED, "Not accepted: something was checked and does not hold."),
        (Verdict.UNKNOWN, "This is no refusal"),
        (Verdict.STALE, "This is no refusal"),
    ],
)
def test_what_could_not_be_checked_never_reads_like_a_refusal(verdict: Verdict, headline: str) -> None:
    text = page("en", verdict)
    assert headline in text
    assert ("Not accepted" in text) == (verdict is Verdict.NOT_TRUSTED)
    assert ("is good until" in text) == (verdict is Verdict.TRUSTED)


@pytest.mark.parametrize(
    "asked", [{"requirement": Requirement("C7212", "MLT", subject=Subject.NONE)}, {"grounds": None}], ids=str
)
def test_needs_neither_a_level_nor_facts(asked: Mapping[str, Any]) -> None:
    assert "What was asked" in page("en", **asked)


@pytest.mark.parametrize(("language", "name"), [("en", "Maltese"), ("fr", "maltais"), ("ar", "المالطية")])
def test_a_language_is_called_as_the_reader_calls_it(language: str, name: str) -> None:
    asked = Requirement("mlt", "MLT", credential_type="language/1.0", min_cefr_level="B1")
    text = page(language, requirement=asked, names=("language", "award_year"))
    assert f"<dd>{name} (" in text
