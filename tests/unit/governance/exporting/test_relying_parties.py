"""The relying parties of TS5 fit its published OpenAPI description, and say no more than the file."""

import json
from datetime import date
from functools import cache
from typing import Any

import jsonschema
import pytest
import yaml
from tests.unit.authority_pages.place import SHIPYARD, full_payload
from tests.unit.governance.conftest import VECTORS

from wanderbuch.governance.exporting.relying_parties import relying_parties
from wanderbuch.governance.facts.file import GovernanceFile
from wanderbuch.governance.form.model import PROFILE_STATEMENTS
from wanderbuch.governance.form.validation import parse_file

VERIFICATION = PROFILE_STATEMENTS + "verification.json"


@cache
def schema() -> dict[str, Any]:
    document = yaml.safe_load((VECTORS / "ts5" / "ts5-openapi31-registrar-api.yml").read_text())
    return {"$ref": "#/components/schemas/WalletRelyingParty", "components": document["components"]}


def file(**changes: Any) -> GovernanceFile:
    payload = full_payload()
    entry = payload["participants"]["entries"][VERIFICATION][str(SHIPYARD)]["verifications"][0]
    entry.update(changes)
    return parse_file(json.dumps(payload).encode())


def test_each_verifier_is_a_relying_party_as_ts5_has_it() -> None:
    told = {"aim": "To hire", "privacy_policy": "https://yard.test/privacy", "keeps_days": 30}
    export = relying_parties(file(**told, intervals=[{"start": "2025-01-01", "end": "2026-12-31"}]))
    (party,) = json.loads(export.content)
    jsonschema.Draft202012Validator(schema()).validate(party)
    assert party["identifier"][0]["identifier"] == SHIPYARD
    (use,) = party["intendedUse"]
    assert use["purpose"] == [{"lang": "en", "content": "To hire"}]
    assert use["privacyPolicy"][0]["policyURI"] == "https://yard.test/privacy"
    assert {claim["path"] for claim in use["credential"][0]["claim"]} == {"occupation_isco08", "award_year"}
    assert date.fromisoformat(use["revokedAt"][:10]) > date(2026, 12, 31)


def test_what_ts5_wants_and_the_file_does_not_say_is_named_as_a_loss() -> None:
    losses = {loss.code for loss in relying_parties(file()).losses}
    assert {"privacy-policy", "places", "supervision"} <= losses
    assert "privacy-policy" not in {loss.code for loss in relying_parties(file(privacy_policy="https://a.test")).losses}


def test_that_only_a_bound_may_be_asked_is_lost_and_widens() -> None:
    widened = {loss.code for loss in relying_parties(file(predicates=["eqf_level"])).losses if loss.widens}
    assert widened == {"predicates", "purposes"}
    assert "predicates" not in {loss.code for loss in relying_parties(file(predicates=["award_year"])).losses}


def test_that_there_was_a_break_is_lost_and_widens() -> None:
    broken = [{"start": "2020-01-01", "end": "2020-12-31"}, {"start": "2025-01-01", "end": "2026-12-31"}]
    assert {loss.code for loss in relying_parties(file(intervals=broken)).losses if loss.widens} == {
        "break",
        "purposes",
    }
    joined = [{"start": "2024-01-01", "end": "2024-12-31"}, {"start": "2025-01-01", "end": "2026-12-31"}]
    assert "break" not in {loss.code for loss in relying_parties(file(intervals=joined)).losses}


def test_nothing_that_a_statement_says_is_dropped_without_being_named() -> None:
    """Every field stands in the export, or is named as a loss with what it says."""
    told = {"aim": "To hire", "privacy_policy": "https://yard.test/privacy", "keeps_days": 31}
    changed = file(**told, legal_basis="https://law.test/act", redress="https://appeal.test/")
    (statement,) = changed.verifications
    export = relying_parties(changed)
    text = export.content.decode() + " ".join(loss.text for loss in export.losses if loss.subject == statement.id)
    for name in ("id", "verifier", "credential_type", "legal_basis", "redress", "aim", "privacy_policy", "keeps_days"):
        assert str(getattr(statement, name)) in text, name
    for name in ("attributes", "predicates", "jurisdictions"):
        assert all(value in text for value in getattr(statement, name)), name
    codes = {loss.code for loss in export.losses}
    assert {"purposes", "legal-basis", "redress", "keeps-days", "legal-name"} <= codes
    assert "keeps-days" not in {loss.code for loss in relying_parties(file()).losses}


@pytest.mark.parametrize("change", [{"intendedUse": []}, {"entitlements": "all"}, {"isPSB": "no"}], ids=str)
def test_the_description_refuses_what_does_not_fit(change: dict[str, Any]) -> None:
    (party,) = json.loads(relying_parties(file()).content)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(schema()).validate(party | change)
