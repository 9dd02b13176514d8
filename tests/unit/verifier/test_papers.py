"""Paper and unknown formats: never trusted; what is said is about the centre on that day; a note for the worker."""

import json
from copy import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from tests.unit.trust.ecosystem import AUTHORITY, SCHEMA_ID, digest, webvh
from tests.welders import accreditation, governance_file

from wanderbuch.agents.site.languages import LANGUAGES
from wanderbuch.agents.verifier.papers.models import PaperIn, PaperOut
from wanderbuch.agents.verifier.papers.paper import KIT, Counted, Paper, PaperKind, answer_about, find_centre
from wanderbuch.errors import CredentialError
from wanderbuch.governance.facts.anoncreds_ids import CredDefId
from wanderbuch.governance.facts.identifiers import Did, IdentifierError
from wanderbuch.governance.facts.question import Verdict
from wanderbuch.governance.facts.snapshot import GovernanceSnapshot
from wanderbuch.governance.form.cte_model import DESCRIPTION
from wanderbuch.governance.form.model import ACCREDITATION
from wanderbuch.governance.form.validation import parse_file

AT = datetime(2026, 3, 31, tzinfo=UTC)
CENTRE, DOUBLE, OTHER = webvh("centre"), webvh("double"), webvh("other")
PAPER = Paper(PaperKind.PAPER, Did.parse(CENTRE), "C7212", "MLT", date(2024, 5, 4))


@pytest.fixture(scope="module")
def snapshot() -> GovernanceSnapshot:
    entries: dict[str, Any] = {
        DESCRIPTION: {
            CENTRE: {"name": "Colombo Welding Centre <b>"},
            DOUBLE: {"name": "Technical College"},
            OTHER: {"name": "technical college"},
        },
        ACCREDITATION: {CENTRE: {"accreditations": [accreditation([str(CredDefId.of(CENTRE, digest()))])]}},
    }
    file = parse_file(json.dumps(governance_file(AUTHORITY, SCHEMA_ID, entries)).encode())
    return GovernanceSnapshot(file, "sha256:" + "0" * 64, AT + timedelta(hours=1))


def told(snapshot: GovernanceSnapshot | None, paper: Paper = PAPER, language: str = "en") -> tuple[Counted, str, str]:
    answer = answer_about(paper, snapshot, at=AT, asker="Shipyard", language=language)
    return answer.counted, " ".join(answer.told), answer.note


def test_the_centre_counted_and_nothing_follows_for_the_paper(snapshot: GovernanceSnapshot) -> None:
    counted, text, _ = told(snapshot)
    assert counted is Counted.COUNTED
    assert "cannot be checked here" in text
    assert "says nothing about this certificate" in text
    answer = answer_about(PAPER, snapshot, at=AT, asker="Shipyard", language="en")
    out = PaperOut.of(PAPER.kind, CENTRE, answer)
    assert (out.verdict, out.category) == ("UNKNOWN", "not_checked")
    assert Verdict.TRUSTED.value not in PaperOut.model_fields["verdict"].annotation.__args__  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "changed",
    [
        {"awarded_on": date(1990, 1, 1)},
        {"occupation": "C2221"},
        {"place": "DEU"},
        {"eqf_level": 8},
        {"centre": Did.parse(OTHER)},
        {"centre": Did.parse("did:web:nobody.example")},
    ],
    ids=["before its mandate", "another trade", "another place", "too high", "not accredited", "not in the list"],
)
def test_the_centre_did_not_count(snapshot: GovernanceSnapshot, changed: dict[str, Any]) -> None:
    counted, text, _ = told(snapshot, replace(PAPER, **changed))
    assert counted is Counted.DID_NOT_COUNT
    assert "do not count" in text


def test_what_could_not_be_checked_is_no_refusal(snapshot: GovernanceSnapshot) -> None:
    stale = replace(snapshot, fresh_until=AT - timedelta(seconds=1))
    for unusable in (stale, None):
        counted, text, _ = told(unusable)
        assert counted is Counted.COULD_NOT_CHECK
        assert "could not be checked now" in text
        assert "do not count" not in text


def test_a_format_that_we_do_not_know_is_shown_as_what_it_is(snapshot: GovernanceSnapshot) -> None:
    _, text, _ = told(snapshot, replace(PAPER, kind=PaperKind.UNKNOWN_FORMAT))
    assert "of a kind that this service does not know" in text
    assert "paper" not in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_note_asks_the_centre_in_each_language_and_names_no_holder(
    snapshot: GovernanceSnapshot, language: str
) -> None:
    _, text, note = told(snapshot, language=language)
    assert "Colombo Welding Centre" in note
    assert "Shipyard" in note
    assert "2024" in note
    assert "<" not in (text + note).replace("<b>", "")
    for counted in Counted:
        assert KIT.words(LANGUAGES[language])(f"paper.centre.{counted.value}", centre="", about="", place="", day="")
    assert (language == "en") == (note == told(snapshot)[2])


def test_a_centre_is_found_by_its_whole_name_or_its_did(snapshot: GovernanceSnapshot) -> None:
    for text in ("colombo welding centre b", f" {CENTRE} "):
        assert find_centre(text, snapshot) == CENTRE
    for text, why in (("Colombo", "nobody"), ("Technical College", "several"), ("…", "nobody")):
        with pytest.raises(CredentialError, match=why) as caught:
            find_centre(text, snapshot)
        assert caught.value.hint
    with pytest.raises(IdentifierError):
        find_centre("did:nonsense", snapshot)


def test_nobody_says_who_holds_the_paper() -> None:
    assert not {"name", "family_name", "birth_date", "holder"} & set(PaperIn.model_fields)
