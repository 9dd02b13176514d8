"""Deciding knows no format: an SD-JWT VC that nobody can verify yet is decided about by the file alone."""

import copy
import json
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from tests.unit.governance.conftest import ECOSYSTEM, NOW, fresh

from wanderbuch.governance.deciding.decision import decide, eligible_sources, explain, may_issue
from wanderbuch.governance.deciding.source_owner import source_owner
from wanderbuch.governance.divided.bulk import load_unverified
from wanderbuch.governance.divided.division import divide
from wanderbuch.governance.facts.file import GovernanceFile
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.facts.index import PartMissingError
from wanderbuch.governance.facts.question import DateSpan, Evidence, Requirement, Subject, Verdict
from wanderbuch.governance.facts.sources import Binding, SourceId
from wanderbuch.governance.facts.statuses import StatusId
from wanderbuch.governance.form.model import ACCREDITATION
from wanderbuch.governance.form.validation import parse_file, validate_file

type Json = dict[str, Any]

PLAIN: Json = json.loads(ECOSYSTEM.read_bytes())
GIVEN = PLAIN["participants"]["entries"][ACCREDITATION]
CENTRE = next(did for did in GIVEN if "Centre" in did)
UNION = next(did for did in GIVEN if "Union" in did)
VCT = "https://wanderbuch.test/qualification/1.0"
BY_DID = f"sdjwt:{VCT}|{CENTRE}"
BY_CERTIFICATE = f"sdjwt:{VCT}|x509:eGFtcGxlLWtleS1pZA:dns:centre.wanderbuch.test"
PAPER = f"w3c:Qualification|{CENTRE}"
LIST, LATER = "statuslist:https://centre.wanderbuch.test/status/1", "statuslist:https://centre.wanderbuch.test/status/2"
WELDER = Requirement("C7212", "MLT", 3)


def document(**changes: Any) -> Json:
    """Return the ecosystem, where the centre signs SD-JWT VCs."""
    changed = copy.deepcopy(PLAIN)
    accreditations = changed["participants"]["entries"][ACCREDITATION][CENTRE]["accreditations"]
    accreditations[0] = {**accreditations[0], "sources": [BY_DID, BY_CERTIFICATE], **changes}
    return changed


def file(**changes: Any) -> GovernanceFile:
    return parse_file(json.dumps(document(**changes)).encode())


def shown(source: str = BY_DID, **changes: Any) -> Evidence:
    evidence = Evidence(
        issuer=Did(CENTRE), source=SourceId.parse(source), credential_type="qualification/1.0", occupation="C7212",
        proven_eqf_level=3, framework="LK-NVQ", crosswalk_version="nvq-eqf-2019", awarded=DateSpan.of_year(2024),
        expires_on=None, status=StatusId.parse(LIST), binding=Binding.KEY,
    )  # fmt: skip
    return replace(evidence, **changes)


def told(given: GovernanceFile, evidence: Evidence, requirement: Requirement = WELDER) -> str | None:
    """Return why a credential does not count, None if it does."""
    decision = decide(requirement, evidence, fresh(given), at=NOW)
    return None if decision.verdict is Verdict.TRUSTED else decision.reasons[0].code


@pytest.mark.parametrize("source", [BY_DID, BY_CERTIFICATE])
def test_counts_if_the_file_lists_its_source(source: str) -> None:
    assert told(file(), shown(source)) is None


@pytest.mark.parametrize(
    ("source", "code"),
    [
        (BY_DID.replace("/1.0|", "/2.0|"), "cred_def.not_listed"),  # another vct
        (BY_CERTIFICATE.replace("eGFt", "eGFu"), "cred_def.not_listed"),  # of another authority for certificates
        (BY_CERTIFICATE.replace("dns:centre", "dns:center"), "cred_def.not_listed"),
        (f"w3c:{VCT}|{CENTRE}", "cred_def.not_listed"),  # the same in another format
        (f"sdjwt:{VCT}|{UNION}", "issuer.foreign_cred_def"),  # 4: signed by another DID
    ],
)
def test_does_not_count_from_a_neighbour_of_it(source: str, code: str) -> None:
    assert told(file(), shown(source)) == code


def test_a_certificate_is_its_issuer_s_alone() -> None:
    """Rule 4 goes by the file where no DID is named: under another issuer's name rule 9 does not find it."""
    assert told(file(), shown(BY_CERTIFICATE, issuer=Did(UNION))) == "cred_def.not_listed"


def test_a_file_that_gives_two_issuers_one_certificate_is_refused() -> None:
    both = document()
    both["participants"]["entries"][ACCREDITATION][UNION]["accreditations"][0]["sources"] = [BY_CERTIFICATE]
    assert [finding.rule for finding in validate_file(json.dumps(both).encode()).errors] == ["source-once"]


def test_a_file_that_gives_an_issuer_the_source_of_another_did_is_refused() -> None:
    errors = validate_file(json.dumps(document(sources=[f"sdjwt:{VCT}|{UNION}"])).encode()).errors
    assert [error.rule for error in errors] == ["belongs-to-issuer"]


class TestBinding:
    """Rule 3: nobody is bound only where the file allows it, and then the subject is named."""

    PAPERS = file(sources=[BY_DID, PAPER], bindings=["key", "none"])
    NAMED = replace(WELDER, subject=Subject.NAME)

    def test_counts_without_one_where_the_file_allows_it_and_the_holder_is_named(self) -> None:
        assert told(self.PAPERS, shown(PAPER, binding=Binding.NONE), self.NAMED) is None

    def test_does_not_if_nobody_is_named(self) -> None:
        assert told(self.PAPERS, shown(PAPER, binding=Binding.NONE), WELDER) == "requirement.subject"

    def test_does_not_if_the_file_says_nothing_of_it(self) -> None:
        plain = file(sources=[BY_DID, PAPER])
        assert told(plain, shown(PAPER, binding=Binding.NONE), self.NAMED) == "binding.not_allowed"
        assert told(plain, shown(PAPER), self.NAMED) is None

    def test_does_not_by_an_accreditation_for_something_else_that_allows_it(self) -> None:
        """Rule 9: the very accreditation that counts must allow it, not another of the same source."""
        changed = document(sources=[PAPER])
        accreditations = changed["participants"]["entries"][ACCREDITATION][CENTRE]["accreditations"]
        accreditations.append({**accreditations[0], "id": "PAPER-1", "occupations": ["C5120"], "bindings": ["none"]})
        both = parse_file(json.dumps(changed).encode())
        unbound = shown(PAPER, binding=Binding.NONE)
        assert told(both, unbound, self.NAMED) == "occupation.not_covered"
        cook, asked = replace(unbound, occupation="C5120"), replace(self.NAMED, occupation="C5120")
        assert told(both, cook, asked) is None

    def test_a_binding_that_is_not_listed_does_not_count_either(self) -> None:
        assert told(file(bindings=["link-secret"]), shown()) == "binding.not_allowed"
        assert told(file(bindings=["link-secret", "key"]), shown()) is None

    def test_the_explanation_ends_at_rule_3(self) -> None:
        explained = explain(WELDER, shown(PAPER, binding=Binding.NONE), fresh(self.PAPERS), at=NOW)
        assert [(step.number, step.failure is None) for step in explained.steps][-1] == (3, False)


class TestStatus:
    """Rule 14 with status lists: as with revocation registries."""

    SUSPENDED = file(
        status=[
            {"status": "suspended", "decided_on": "2025-03-01", "effective_from": "2025-03-01", "statuses": [LIST]},
        ]
    )

    def test_awards_before_a_suspension_count_from_a_list_that_existed(self) -> None:
        assert told(self.SUSPENDED, shown()) is None

    def test_not_from_a_later_list(self) -> None:
        decision = decide(WELDER, shown(status=StatusId.parse(LATER)), fresh(self.SUSPENDED), at=NOW)
        assert decision.reasons[0].code == "registry.not_pinned"
        assert "the status list of the credential is not one that counts" in decision.reasons[0].text

    def test_not_if_nothing_proves_that_it_is_not_revoked(self) -> None:
        assert told(file(), shown(status=None)) == "requirement.revocation"


class TestWhoseItIs:
    def test_a_did_is_its_own(self) -> None:
        assert source_owner(SourceId.parse(f"sdjwt:q|{UNION}"), fresh(file())) == UNION

    def test_a_certificate_is_that_of_the_issuer_that_lists_it(self) -> None:
        assert source_owner(SourceId.parse(BY_CERTIFICATE), fresh(file())) == CENTRE

    def test_one_that_nobody_lists_is_nobody_s(self) -> None:
        assert source_owner(SourceId.parse(BY_CERTIFICATE.replace("dns:c", "dns:d")), fresh(file())) is None

    def test_one_that_two_files_give_to_two_issuers_is_nobody_s(self) -> None:
        other = document()
        entries = other["participants"]["entries"][ACCREDITATION]
        entries[CENTRE]["accreditations"][0]["sources"] = [BY_DID]
        entries[UNION]["accreditations"][0]["sources"] = [BY_CERTIFICATE]
        abroad = fresh(parse_file(json.dumps(other).encode()))
        home = replace(fresh(file()), recognised={Did("did:web:abroad.example"): abroad})
        assert source_owner(SourceId.parse(BY_CERTIFICATE), home) is None

    def test_is_not_told_while_a_part_is_missing(self) -> None:
        root, parts = divide(document(), 1)
        whole = load_unverified(parse_file(json.dumps(root).encode()), parts.__getitem__)
        assert source_owner(SourceId.parse(BY_CERTIFICATE), fresh(whole)) == CENTRE
        with pytest.raises(PartMissingError):
            source_owner(SourceId.parse(BY_CERTIFICATE), fresh(parse_file(json.dumps(root).encode())))


def test_all_formats_are_among_those_who_could_count() -> None:
    sources = eligible_sources(WELDER, fresh(file()), at=NOW)
    assert {BY_DID, BY_CERTIFICATE} <= set(sources)
    assert any(source.startswith("anoncreds:") for source in sources)


def test_an_issuer_may_sign_in_another_format_only_as_the_file_lists_it() -> None:
    def may(source: str) -> Verdict:
        return may_issue(
            fresh(file()), issuer=Did(CENTRE), source=SourceId.parse(source), credential_type="qualification/1.0",
            occupation="C7212", eqf_level=4, awarded=date(2024, 5, 1), framework="LK-NVQ", framework_level="4", at=NOW,
        ).verdict  # fmt: skip

    assert (may(BY_DID), may(BY_DID.replace("|", "x|"))) == (Verdict.TRUSTED, Verdict.NOT_TRUSTED)


def test_both_readers_understand_every_format_alike() -> None:
    given = document(sources=[BY_DID, BY_CERTIFICATE, PAPER], bindings=["key", "none"])
    root, parts = divide(given, 1)
    divided = load_unverified(parse_file(json.dumps(root).encode()), parts.__getitem__)
    assert set(divided.accreditations) == set(parse_file(json.dumps(given).encode()).accreditations)
