"""What other registries were seen to get wrong, each in a test of its own: here it is refused.

That a failed refresh never replaces the good copy is about fetching: `tests/unit/trust/following/test_source.py`.
"""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from tests.unit.governance import statements
from tests.unit.governance.conftest import NOW, Json, KeyHolder, fresh, payload_of
from tests.unit.governance.form.test_statement_rules import accreditation, at_host, entries

from wanderbuch.governance.deciding.standing import standing
from wanderbuch.governance.facts.file import GovernanceFile
from wanderbuch.governance.facts.identifiers import Did
from wanderbuch.governance.facts.question import Purpose, TrustDecision, Verdict
from wanderbuch.governance.facts.snapshot import GovernanceSnapshot
from wanderbuch.governance.form.cte_model import ALIAS, DESCRIPTION
from wanderbuch.governance.form.model import ACCREDITATION, RECOGNITION
from wanderbuch.governance.form.validation import parse_file, validate_file
from wanderbuch.governance.signed.freshness import FreshnessStatement, snapshot_of
from wanderbuch.governance.signed.memory import RollbackError, accept
from wanderbuch.governance.signed.signing import SignedGovernanceFile, sign_file, verify_file

AWARDED = date(2024, 5, 6)
STRANGER = Did("did:webvh:QmStranger111111111111111111111111111111111111:stranger.wanderbuch.test:org")


def ask(snapshot: GovernanceSnapshot | None, issuer: str, occupation: str = "C7212") -> TrustDecision:
    return standing(
        snapshot, issuer=Did(issuer), occupation=occupation, jurisdiction="MLT", at=NOW, on=AWARDED, eqf_level=4
    )


def reading(document: Json) -> GovernanceSnapshot:
    return fresh(parse_file(payload_of(document)))


def test_the_role_of_an_issuer_and_a_listed_schema_make_no_authority(example: Json) -> None:
    centre = at_host(example, "centre")
    assert ask(reading(example), centre).verdict is Verdict.TRUSTED
    del entries(example)[ACCREDITATION][centre]  # its CTE role and the schema are still there
    assert ask(reading(example), centre).verdict is Verdict.NOT_TRUSTED


@pytest.mark.parametrize(
    "member", ["credential_types", "sources", "occupations", "level_range", "jurisdictions", "intervals"]
)
def test_authority_is_one_statement_with_all_its_parts(member: str, example: Json) -> None:
    del accreditation(example)[member]
    assert [finding.rule for finding in validate_file(payload_of(example)).errors] == ["member-missing"]


def test_parts_of_two_statements_never_add_up_to_a_third(example: Json) -> None:
    centre = at_host(example, "centre")
    plumbers = accreditation(example) | {"id": "TA-2", "occupations": ["C7126"], "jurisdictions": ["LKA"]}
    entries(example)[ACCREDITATION][centre]["accreditations"].append(plumbers)
    assert ask(reading(example), centre, "C7212").verdict is Verdict.TRUSTED
    assert ask(reading(example), centre, "C7126").verdict is Verdict.NOT_TRUSTED  # accredited, but not there


def test_a_label_makes_nobody_known(example: Json) -> None:
    centre = at_host(example, "centre")
    entries(example)[DESCRIPTION][STRANGER] = dict(entries(example)[DESCRIPTION][centre])
    assert ask(reading(example), STRANGER).verdict is Verdict.NOT_TRUSTED


@pytest.mark.parametrize("uri", ["https://example.test/accreditation.json", ACCREDITATION + "/", ACCREDITATION.upper()])
def test_a_did_under_any_other_topic_is_trusted_for_nothing(uri: str, example: Json) -> None:
    centre = at_host(example, "centre")
    entries(example)[uri] = {centre: entries(example)[ACCREDITATION].pop(centre)}
    assert ask(reading(example), centre).verdict is Verdict.NOT_TRUSTED


@pytest.mark.parametrize("after", [timedelta(minutes=61), timedelta(hours=24), timedelta(days=31), timedelta(days=366)])
async def test_age_is_not_the_minute_of_the_hour(after: timedelta, authority: KeyHolder, example: Json) -> None:
    signed = await signed_by(authority, example)
    statement = FreshnessStatement.for_file(signed.ref, at=NOW, lifetime=timedelta(minutes=60))
    snapshot = snapshot_of(signed, statement)
    assert snapshot.is_fresh(NOW + timedelta(minutes=59, seconds=59))
    assert not snapshot.is_fresh(NOW + after)
    assert snapshot.is_fresh(datetime.fromisoformat("2026-11-22T17:45:00+05:30").astimezone(UTC))


async def test_an_older_file_is_refused_however_well_signed(authority: KeyHolder, example: Json) -> None:
    newer = await signed_by(authority, example | {"version": 2})
    older = await signed_by(authority, example | {"version": 1})
    with pytest.raises(RollbackError):
        accept(accept(None, newer), older)


async def signed_by(authority: KeyHolder, document: Json) -> SignedGovernanceFile:
    jws = await sign_file(payload_of(document), authority.kid, authority.sign)
    return await verify_file(jws, author=authority.did, resolve_key=authority.resolve_key)


def circle(example: Json, length: int) -> GovernanceSnapshot:
    """Return the example's file that recognises an authority that recognises the next, and the last the first again."""
    authorities = [example["author"], *(f"did:example:authority-{number}" for number in range(1, length))]
    files: dict[Did, GovernanceFile] = {}
    for position, author in enumerate(authorities):
        following = authorities[(position + 1) % length]
        document = {
            **example, "author": author, "id": author,
            "trusted_governance": [{"publisher": following, "uri": "https://next.wanderbuch.test/current.jws"}],
            "participants": {
                **example["participants"], "author": author,
                "entries": {RECOGNITION: {following: {"recognitions": [
                    statements.recognition(onward=3, jurisdictions=["MLT"], intervals=[{"start": "2000-01-01"}])]}}},
            },
        }  # fmt: skip
        files[Did(author)] = parse_file(payload_of(document))
    home = fresh(files.pop(Did(example["author"])))
    return replace(home, recognised={author: fresh(file) for author, file in files.items()})


@pytest.mark.parametrize("length", [2, 3, 7])
def test_authorities_in_a_circle_trust_nobody_and_come_to_an_end(length: int, example: Json) -> None:
    decision = ask(circle(example, length), STRANGER)
    assert decision.verdict is not Verdict.TRUSTED
    assert decision.reasons


@pytest.mark.parametrize("onward", [4, 1000, -1, None, "3"])
def test_a_chain_without_bound_cannot_be_stated(onward: object, example: Json) -> None:
    example["trusted_governance"] = [statements.NEIGHBOUR_FILE]
    entries(example)[RECOGNITION] = {statements.NEIGHBOUR: {"recognitions": [statements.recognition(onward=onward)]}}
    assert [finding.path.rsplit("/", 1)[1] for finding in validate_file(payload_of(example)).errors] == ["onward"]


def test_an_alias_lends_nothing_also_in_a_circle(example: Json) -> None:
    centre = at_host(example, "centre")
    entries(example)[ALIAS] = {centre: {"alias_dids": [STRANGER]}, STRANGER: {"alias_dids": [centre]}}
    assert ask(reading(example), STRANGER).verdict is Verdict.NOT_TRUSTED
    assert ask(reading(example), centre).verdict is Verdict.TRUSTED


@pytest.mark.parametrize("member", ["credential_types", "sources", "occupations", "jurisdictions", "intervals"])
def test_an_empty_list_is_no_wildcard(member: str, example: Json) -> None:
    accreditation(example)[member] = []
    assert [finding.rule for finding in validate_file(payload_of(example)).errors] == ["not-empty"]


def test_a_file_that_accredits_nobody_trusts_nobody(example: Json) -> None:
    centre = at_host(example, "centre")
    del entries(example)[ACCREDITATION]
    assert ask(reading(example), centre).verdict is Verdict.NOT_TRUSTED


def test_no_file_at_all_is_unknown_and_not_refused() -> None:
    assert ask(None, STRANGER).verdict is Verdict.UNKNOWN


def test_a_purpose_is_never_read_more_widely(example: Json) -> None:
    example["trusted_governance"] = [statements.NEIGHBOUR_FILE]
    entries(example)[RECOGNITION] = {
        statements.NEIGHBOUR: {"recognitions": [statements.recognition(purposes=["study"])]}
    }
    assert parse_file(payload_of(example)).recognitions[0].purposes == (Purpose.STUDY,)
