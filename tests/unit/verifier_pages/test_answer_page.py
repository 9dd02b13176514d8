"""The decision's page: every verdict, in every language, before all else and in at most 25 words."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.unit.trust.receipts.test_receipts import DECIDED, verification
from tests.unit.verifier.test_receipt_page import GROUNDS

from wanderbuch.agents.site.languages import LANGUAGES
from wanderbuch.agents.site.rendering import Pages
from wanderbuch.agents.verifier.pages.answer_view import MAX_HEAD_WORDS, answer_view, good_until_of
from wanderbuch.agents.verifier.pages.desk import about_question
from wanderbuch.agents.verifier.pages.desk_questions import _worker_words
from wanderbuch.agents.verifier.pages.kit import KIT
from wanderbuch.agents.verifier.staff import StaffMember, StaffRole
from wanderbuch.governance.facts.question import Reason, Requirement, Subject, TrustDecision, Verdict
from wanderbuch.plugins.trust.verifying.answer_facts import AnswerFact, AnswerGrounds, FactKind, FactOutcome
from wanderbuch.plugins.trust.verifying.exchange import VerificationState

PAGES = Pages("/desk", KIT)
ME = StaffMember(id="m.borg", name="Maria Borg", roles=(StaffRole.ASKER,))
ALL_OPEN = AnswerGrounds(tuple(AnswerFact(kind, FactOutcome.COULD_NOT_CHECK) for kind in FactKind))
NO_ONE = Requirement("C7212", "MLT", subject=Subject.NONE)


def decided(verdict: Verdict, code: str = "issuer.accredited", **more: Any) -> dict[str, Any]:
    decision = TrustDecision(verdict, (Reason(code, "As it is."),), None, DECIDED, redress=("https://a.test/",))
    return {"decision": decision, "grounds": GROUNDS, **more}


LEFT_OUT = Requirement("C7212", "MLT", subject=Subject.NAME_AND_BIRTH_DATE, least_subject=Subject.NONE)


def left_out() -> dict[str, Any]:
    codes = ("issuer.accredited", "subject.none", "subject.name_left_out", "subject.birth_date_left_out")
    decision = TrustDecision(Verdict.TRUSTED, tuple(Reason(code, "As it is.") for code in codes), None, DECIDED)
    grounds = AnswerGrounds((AnswerFact(FactKind.HOLDER_NAMED, FactOutcome.LEFT_OUT),))
    return {"decision": decision, "grounds": grounds, "requirement": LEFT_OUT}


OVER: dict[str, dict[str, Any]] = {
    "accepted": decided(Verdict.TRUSTED),
    "accepted-with-values": decided(
        Verdict.TRUSTED, names=("eqf_min_3", "expires_on", "occupation_isco08", "crosswalk_version")
    ),
    "accepted-nobody-named": decided(Verdict.TRUSTED, requirement=NO_ONE, grounds=AnswerGrounds()),
    "accepted-left-out": left_out(),
    "refused": decided(Verdict.NOT_TRUSTED, grounds=ALL_OPEN),
    "day-needed": decided(Verdict.NOT_TRUSTED, "award.date_needed"),
    "unknown": decided(Verdict.UNKNOWN, grounds=ALL_OPEN),
    "stale": decided(Verdict.STALE, grounds=ALL_OPEN),
    "before-facts": decided(Verdict.UNKNOWN, grounds=None),
    "declined": {"state": VerificationState.DECLINED, "decision": None, "grounds": None},
    "no-answer": {"state": VerificationState.NO_ANSWER, "decision": None, "grounds": None},
    "withdrawn": {"state": VerificationState.CANCELLED, "decision": None, "grounds": None},
}


def page(name: str, language: str = "en", seen: Mapping[str, str] | None = None) -> str:
    answered = verification(**{"ended_at": datetime(2026, 3, 2, 10, 5, tzinfo=UTC), **OVER[name]})
    view, words = answer_view(answered, seen, language), KIT.words(LANGUAGES[language])
    return PAGES.text(
        "desk_answer.html",
        LANGUAGES[language],
        frame="desk.html",
        desk_name="Shipyard <b>",
        me=ME,
        form_token="0",
        page_id="0",
        verifier_name="Shipyard <b>",
        view=view,
        about=about_question(answered, words),
        good_until=good_until_of(view),
        receipt="https://shipyard.test/receipts/1/2" if answered.decision else None,
        asked_by="Maria Borg",
        seen_until=DECIDED,
        words=_worker_words(answered, language),
    )


def head(text: str) -> str:
    inner = text.partition('id="head">')[2].partition("</div>")[0]
    return re.sub(r"<[^>]+>", " ", inner)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", OVER)
def test_verdict_day_and_what_was_not_checked_come_first_in_few_words(name: str, language: str) -> None:
    heading = head(page(name, language))
    assert 3 < len(heading.split()) <= MAX_HEAD_WORDS, heading
    assert "2026" in heading
    assert page(name, language).index('id="head"') < page(name, language).index('class="lead"')


@pytest.mark.parametrize("name", OVER)
def test_what_could_not_be_checked_never_looks_like_a_refusal(name: str) -> None:
    text = page(name)
    is_refusal = name == "refused"
    assert ("Not accepted" in text) == is_refusal
    assert ("answer-not_trusted" in text) == is_refusal
    assert ("answer-trusted" in text) == name.startswith("accepted")
    could_not = name in {"unknown", "stale", "day-needed", "before-facts"}
    assert ("Could not be checked" in text) == could_not
    assert ("This is no refusal" in text) == could_not
    assert ("Good until" in text) == name.startswith("accepted")


@pytest.mark.parametrize("name", OVER)
def test_no_panel_of_a_certificate_is_empty(name: str) -> None:
    panels = re.findall(
        r'<section class="panel" aria-labelledby="certificate-1">(.*?)</section>', page(name), re.DOTALL
    )
    assert all(re.search(r"<(h3|p|details)", panel) for panel in panels)
    assert bool(panels) == (name not in {"declined", "no-answer", "withdrawn"})


def test_whose_certificate_it_is_was_not_checked_where_no_name_was_asked() -> None:
    assert "Not checked: whose it is" in head(page("accepted-nobody-named")).replace("  ", " ")
    assert "friend" in page("accepted-nobody-named")
    assert "whose it is" not in head(page("refused"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_was_asked_and_left_out_is_said_in_words(language: str) -> None:
    text, words = page("accepted-left-out", language), KIT.words(LANGUAGES[language])
    assert str(words("outcome.left_out")) in text
    assert str(words("desk.no_name")) in text
    if language != "en":  # there it is the reason's own text
        assert str(words("why.subject.birth_date_left_out")) in text
    else:
        assert "Not checked: whose it is" in head(text).replace("  ", " ")
        assert "Date of birth" in text


def test_of_much_that_was_not_checked_the_head_names_two_and_says_how_many_more() -> None:
    assert f"{len(FactKind) - 2} more below" in head(page("unknown"))


def test_only_a_missing_day_is_asked_again_with_the_day() -> None:
    assert "with the day of award" in page("day-needed")
    assert all("with the day of award" not in page(name) for name in OVER if name != "day-needed")


def test_every_reason_and_every_fact_stand_below() -> None:
    text = page("accepted")
    assert text.count("<tr>") == 1 + len(GROUNDS.facts)
    assert "As it is." in text
    assert "https://a.test/" in text
    assert "Shipyard &lt;b&gt;" in text


def test_what_was_shown_reads_as_a_sentence_does() -> None:
    shown = {"eqf_min_3": "1", "expires_on": "20290516", "occupation_isco08": "7212"}
    text = page("accepted-with-values", seen=shown)
    assert re.search(r"<dt>EQF level 3 or more</dt><dd>yes</dd>", text)  # not the same words twice
    assert re.search(r"<dd><time datetime=\"2029-05-16\">16 May 2029</time></dd>", text)
    assert re.search(r"<dt>[^<]*3[^<]*</dt><dd>oui</dd>", page("accepted-with-values", "fr", shown))
    numbers = page("accepted-with-values", seen={**shown, "crosswalk_version": "example-nvq-eqf-1"})
    aside = (
        "<details><summary>Table by which levels are compared</summary><p><bdi>example-nvq-eqf-1</bdi></p></details>"
    )
    assert aside in numbers
    assert "example-nvq-eqf-1" not in numbers.replace(aside, "")
    below = page("accepted-with-values", seen={"eqf_min_3": "0", "expires_on": "99991231", "occupation_isco08": "7212"})
    assert "<dd>yes</dd>" not in below
    assert "does not expire" in below
    assert "9999" not in below
