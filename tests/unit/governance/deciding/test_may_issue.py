from datetime import date, timedelta
from typing import Any

import pytest
from tests.unit.governance.conftest import NOW, fresh

from wanderbuch.governance.deciding.decision import may_issue
from wanderbuch.governance.facts.file import GovernanceFile
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.facts.question import Verdict
from wanderbuch.governance.facts.snapshot import GovernanceSnapshot


def issuer_called(name: str, file: GovernanceFile) -> Did:
    return next(participant.did for participant in file.participants if participant.name == name)


def asked(file: GovernanceFile, issuer: str = "Centre", **changes: Any) -> Any:
    did = issuer_called(issuer, file)
    question: dict[str, Any] = {
        "issuer": did,
        "source": file.index.by_issuer[did][0].sources[0],
        "credential_type": "qualification/1.0",
        "occupation": "C7212",
        "eqf_level": 4,
        "awarded": date(2024, 5, 1),
        "framework": "LK-NVQ",
        "framework_level": "4",
    } | changes
    snapshot: GovernanceSnapshot | None = question.pop("snapshot", fresh(file))
    return may_issue(snapshot, at=NOW, **question)


_LANGUAGE = {
    "issuer": "Institute",
    "credential_type": "language/1.0",
    "occupation": "mlt",
    "eqf_level": 0,
    "framework": "CEFR",
    "framework_level": "B2",
}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({}, None),
        (_LANGUAGE, None),
        ({"snapshot": None}, "governance.missing"),
        ({"framework_level": None}, None),
        ({"crosswalk_version": "nvq-eqf-2019"}, None),
        ({"crosswalk_version": "nvq-eqf-2005"}, "crosswalk.not_in_force"),
        ({"crosswalk_version": "none"}, "crosswalk.missing"),
        ({"crosswalk_version": "unheard-of"}, "crosswalk.unknown"),
        ({"eqf_level": 5}, "level.miscomputed"),
        ({"eqf_level": 0}, "level.miscomputed"),
        ({"eqf_level": 1, "framework_level": "1"}, "level.not_covered"),
        ({"eqf_level": 5, "framework_level": "5"}, None),
        ({"eqf_level": 5, "framework_level": "6"}, "level.not_covered"),
        ({"eqf_level": 1, "framework_level": None}, "level.not_covered"),
        ({"eqf_level": 6, "framework_level": None}, "level.not_covered"),
        ({"eqf_level": 0, "framework_level": "9"}, "level.not_covered"),
        ({"framework": "EQF", "framework_level": "4"}, "framework.not_covered"),
        ({"occupation": "C7213"}, "occupation.excluded"),
        ({"occupation": "C5120"}, "occupation.not_covered"),
        ({"credential_type": "attendance/1.0"}, "credential_type.not_listed"),
        ({"awarded": date(2022, 6, 30)}, "mandate.outside"),
        ({"awarded": NOW.date() + timedelta(days=2)}, "award.in_future"),
        ({**_LANGUAGE, "framework_level": "A1"}, None),
        ({**_LANGUAGE, "framework_level": "C1"}, "level.not_covered"),
        ({**_LANGUAGE, "framework_level": "4"}, "level.not_covered"),
        ({**_LANGUAGE, "occupation": "fra"}, "occupation.not_covered"),
        ({**_LANGUAGE, "occupation": "xyz"}, "occupation.unknown"),
        ({**_LANGUAGE, "framework": "EQF"}, "framework.not_covered"),
        ({"issuer": "European", "eqf_level": 4}, None),
        ({"issuer": "European", "eqf_level": 2, "framework_level": "2"}, "level.not_covered"),
        ({"issuer": "European", "eqf_level": 5, "framework_level": "5"}, "level.not_covered"),
        ({"issuer": "European", "framework": "EQF", "framework_level": "4"}, None),
        ({"issuer": "European", "framework": "EQF", "framework_level": None}, None),
        ({"issuer": "European", "framework": "EQF", "framework_level": "3"}, "level.miscomputed"),
        ({"issuer": "European", "framework": "EQF", "framework_level": "9"}, "level.miscomputed"),
        ({"issuer": "Reinstated"}, None),
        ({"issuer": "Reinstated", "awarded": date(2020, 5, 1)}, None),
        ({"issuer": "Reinstated", "awarded": date(2021, 5, 1)}, "status.suspended"),
        # What is signed now comes after every decision, whatever its date.
        ({"issuer": "Suspended"}, "status.suspended"),
        ({"issuer": "Suspended", "awarded": date(2020, 5, 1)}, "status.suspended"),
        ({"issuer": "Withdrawn", "awarded": date(2020, 5, 1)}, "status.withdrawn"),
        # The first crosswalk maps NVQ 1 to nothing, and before 2005 there is none; the order of levels still holds.
        ({"awarded": date(2019, 5, 1), "eqf_level": 3}, None),
        ({"awarded": date(2019, 5, 1)}, "level.miscomputed"),
    ],
)
def test_may_issue(change: dict[str, Any], code: str | None, ecosystem: GovernanceFile) -> None:
    decision = asked(ecosystem, change.pop("issuer", "Centre"), **change)
    if code is None:
        assert decision.verdict is Verdict.TRUSTED, decision.reasons
    else:
        assert decision.verdict is (Verdict.UNKNOWN if code == "governance.missing" else Verdict.NOT_TRUSTED)
        assert decision.reasons[0].code == code


def test_level_without_a_crosswalk_in_force_keeps_to_the_order_of_levels(
    ecosystem_json: dict[str, Any],
) -> None:
    from tests.unit.governance.conftest import changed, payload_of

    from wanderbuch.governance.form.model import ACCREDITATION
    from wanderbuch.governance.form.validation import parse_file

    def since_ever(document: dict[str, Any]) -> None:
        for statement in document["participants"]["entries"][ACCREDITATION].values():
            for accreditation in statement["accreditations"]:
                accreditation["intervals"] = [{"start": "1990-01-01"}]

    file = parse_file(payload_of(changed(ecosystem_json, since_ever)))
    long_ago: dict[str, Any] = {"awarded": date(2000, 1, 1), "eqf_level": 0}
    assert asked(file, **long_ago, framework_level="4").verdict is Verdict.TRUSTED
    assert asked(file, **long_ago, framework_level="1").reasons[0].code == "level.not_covered"
    assert asked(file, **long_ago, framework_level=None).reasons[0].code == "level.not_covered"
    assert asked(file, awarded=date(2000, 1, 1), eqf_level=4).reasons[0].code == "crosswalk.missing"


def test_may_issue_refuses_a_definition_of_somebody_else(ecosystem: GovernanceFile) -> None:
    other = ecosystem.index.by_issuer[issuer_called("European", ecosystem)][0].sources[0]
    decision = asked(ecosystem, source=other)
    assert decision.reasons[0].code == "issuer.foreign_cred_def"


def test_may_issue_does_not_ask_where_it_will_be_shown(ecosystem: GovernanceFile) -> None:
    """Jurisdiction is the verifier's question; a credential may be shown anywhere."""
    decision = asked(ecosystem, "Union", occupation="C7126", eqf_level=3, framework_level="3")
    assert decision.verdict is Verdict.TRUSTED
