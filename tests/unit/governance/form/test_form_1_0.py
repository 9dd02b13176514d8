"""Files of profile 1.0: what was signed before accreditations named sources keeps its signature and its meaning."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from tests.unit.governance import recognition_vectors
from tests.unit.governance.decision_vectors import Json, at_of, evidence_of, requirement_of

from wanderbuch.governance.comparing.differences import changes_trust, differences
from wanderbuch.governance.deciding.decision import decide, eligible_sources
from wanderbuch.governance.divided.bulk import load_divided
from wanderbuch.governance.divided.division import divide, gather
from wanderbuch.governance.exporting.csv_list import csv_list
from wanderbuch.governance.facts.file import GovernanceFile
from wanderbuch.governance.facts.identifiers import Did, DidUrl
from wanderbuch.governance.facts.question import DateSpan, Evidence, Requirement, Verdict, plain
from wanderbuch.governance.facts.snapshot import GovernanceSnapshot
from wanderbuch.governance.facts.sources import Binding, SourceId
from wanderbuch.governance.facts.statuses import StatusId
from wanderbuch.governance.form.model import ACCREDITATION
from wanderbuch.governance.form.present_form import in_present_form
from wanderbuch.governance.form.validation import parse_file, validate_file
from wanderbuch.governance.signed.freshness import snapshot_of, verify_freshness
from wanderbuch.governance.signed.jws import SignatureError, unverified_payload
from wanderbuch.governance.signed.memory import RollbackError, accept
from wanderbuch.governance.signed.signing import SignedGovernanceFile, verify_file

FOLDER = Path(__file__).parents[3] / "vectors" / "form_1_0"
SIGNED = FOLDER / "signed"
EXPECTED: Json = json.loads((SIGNED / "expected.json").read_bytes())
AT = datetime.fromisoformat(EXPECTED["at"])
NAMES = ("whole", "co-signed", "root")


async def resolve_key(url: DidUrl) -> bytes:
    return bytes.fromhex(EXPECTED["keys"][url])


async def verified(name: str) -> SignedGovernanceFile:
    jws = (SIGNED / f"{name}.jws").read_bytes()
    return await verify_file(jws, author=Did.parse(EXPECTED["author"]), resolve_key=resolve_key)


def part(digest: str) -> bytes:
    return (SIGNED / "parts" / f"{digest.removeprefix('sha256:')}.json").read_bytes()


async def file_of(name: str) -> GovernanceFile:
    signed = await verified(name)
    return load_divided(signed, part) if name == "root" else signed.file


def evidence_10(members: Json) -> Evidence:
    """Return evidence as profile 1.0 named it: ids of AnonCreds, which always bind to their holder."""
    registry = members["registry"]
    return Evidence(
        issuer=Did.parse(members["issuer"]),
        source=SourceId.parse(f"anoncreds:{members['cred_def_id']}"),
        credential_type=members["credential_type"],
        occupation=members["occupation"],
        proven_eqf_level=members["proven_eqf_level"],
        framework=members["framework"],
        crosswalk_version=members["crosswalk_version"],
        awarded=DateSpan.of_year(members["year"]),
        expires_on=None,
        status=None if registry is None else StatusId.parse(f"anoncreds:{registry}"),
        binding=Binding.LINK_SECRET,
    )


@pytest.mark.parametrize("name", NAMES)
async def test_a_signature_of_that_time_holds_and_the_digest_is_the_same(name: str) -> None:
    signed = await verified(name)
    assert signed.digest == EXPECTED["digests"][name]
    assert len(signed.signers) == (2 if name == "co-signed" else 1)


@pytest.mark.parametrize("name", NAMES)
async def test_the_same_bytes_with_one_changed_are_refused(name: str) -> None:
    jws = (SIGNED / f"{name}.jws").read_bytes()
    changed = jws[:-9] + (b"A" if jws[-9:-8] != b"A" else b"B") + jws[-8:]
    with pytest.raises(SignatureError):
        await verify_file(changed, author=Did.parse(EXPECTED["author"]), resolve_key=resolve_key)


async def test_a_freshness_statement_of_that_time_vouches_for_its_file() -> None:
    signed, author = await verified("whole"), Did.parse(EXPECTED["author"])
    jws = (SIGNED / "freshness.jws").read_bytes()
    statement = await verify_freshness(jws, author=author, resolve_key=resolve_key, at=AT)
    assert snapshot_of(signed, statement).is_fresh(AT + timedelta(minutes=59))
    assert not snapshot_of(signed, statement).is_fresh(AT + timedelta(minutes=61))


@pytest.mark.parametrize("name", NAMES)
async def test_decides_as_it_did_then_word_for_word(name: str) -> None:
    snapshot = GovernanceSnapshot(await file_of(name), EXPECTED["digests"][name], AT + timedelta(hours=1))
    asked = [decision for decision in EXPECTED["decisions"] if decision["file"] == name]
    assert {asked_case["verdict"] for asked_case in asked} == {"TRUSTED", "NOT_TRUSTED"}
    for case in asked:
        requirement = Requirement(case["occupation"], case["jurisdiction"], 2, not_revoked=False)
        decision = decide(requirement, evidence_10(case["evidence"]), snapshot, at=AT)
        assert decision.verdict.value == case["verdict"]
        assert [[reason.code, reason.text] for reason in decision.reasons] == case["reasons"]
        assert (list(decision.redress), plain(decision.governance)) == (case["redress"], case["governance"])


@pytest.mark.parametrize("name", NAMES)
async def test_names_who_could_count_as_it_did_then(name: str) -> None:
    snapshot = GovernanceSnapshot(await file_of(name), EXPECTED["digests"][name], AT)
    sources = eligible_sources(Requirement("C7212", "MLT", 3), snapshot, at=AT)
    assert list(sources) == [f"anoncreds:{source}" for source in EXPECTED["eligible"][name]]


def in_present_words(case: Json) -> Json:
    """Return a vector of that time as it is written now."""
    evidence = dict(case["evidence"])
    evidence["source"] = f"anoncreds:{evidence.pop('cred_def_id')}"
    registry = evidence.pop("registry")
    return {
        **case,
        "evidence": {**evidence, "status": registry and f"anoncreds:{registry}", "binding": "link-secret"},
    }


def cases_10(kind: str) -> Iterator[tuple[str, Json]]:
    for path in sorted((FOLDER / kind).glob("[0-9]*.json")):
        topic = json.loads(path.read_bytes())
        for case in (topic["accepted"], *topic["refused"]):
            yield f"{topic['name']}: {case['name']}", in_present_words(case)


@cache
def file_10(path: str) -> GovernanceFile:
    return parse_file((FOLDER / path).read_bytes())


DECISIONS, RECOGNITIONS = list(cases_10("decision")), list(cases_10("recognition"))


def told(case: Json, snapshot: GovernanceSnapshot | None, requirement: Requirement) -> tuple[str, list[str]]:
    decision = decide(requirement, evidence_of(case), snapshot, at=at_of(case))
    return decision.verdict.value, list(dict.fromkeys(reason.code for reason in decision.reasons))


@pytest.mark.parametrize(("name", "case"), DECISIONS, ids=[name for name, _ in DECISIONS])
def test_every_decision_vector_of_that_time_holds(name: str, case: Json) -> None:
    until = case["fresh_until"] and datetime.fromisoformat(case["fresh_until"])
    file = file_10("decision/ecosystem.json")
    snapshot = None if case["governance"] is None else GovernanceSnapshot(file, "sha256:" + "0" * 64, until)
    expected = case["expect"]
    assert told(case, snapshot, requirement_of(case)) == (expected["verdict"], expected["codes"])


@pytest.mark.parametrize(("name", "case"), RECOGNITIONS, ids=[name for name, _ in RECOGNITIONS])
def test_every_recognition_vector_of_that_time_holds(name: str, case: Json) -> None:
    def snapshot(name: str, until: str, **others: Any) -> GovernanceSnapshot:
        read = file_10(f"recognition/files/{name}")
        return GovernanceSnapshot(read, f"sha256:{name}", datetime.fromisoformat(until), **others)

    others = [snapshot(name, until) for name, until in case["recognised"].items()]
    home = snapshot(case["governance"], case["fresh_until"], recognised={other.file.author: other for other in others})
    expected = case["expect"]
    verdict_and_codes = told(case, home, recognition_vectors.requirement_of(case))
    assert verdict_and_codes == (expected["verdict"], expected["codes"])


def document_10() -> Json:
    document: Json = json.loads(unverified_payload((SIGNED / "whole.jws").read_bytes()))
    return document


def next_version(*dids: str) -> Json:
    """Return the next version, in which what is said of some issuers is written in the present form."""
    document = document_10()
    document["version"] += 1
    for did, record in document["participants"]["entries"][ACCREDITATION].items():
        if not dids or did in dids:
            record["accreditations"] = [in_present_form(accreditation) for accreditation in record["accreditations"]]
    return document


class TestHistoriesOfBothForms:
    """Version n in the form of profile 1.0, n + 1 in the present one."""

    def test_a_new_version_in_the_present_form_means_the_same(self) -> None:
        before, after = parse_file(json.dumps(document_10()).encode()), parse_file(json.dumps(next_version()).encode())
        assert after.accreditations == before.accreditations
        changes = differences(before, after)
        assert not changes_trust(changes)
        assert not [
            difference for difference in changes if difference.code.startswith(("accreditation.", "participant."))
        ]

    def test_a_file_may_hold_both_forms(self) -> None:
        first = next(iter(document_10()["participants"]["entries"][ACCREDITATION]))
        mixed, old = json.dumps(next_version(first)), json.dumps(document_10())
        assert '"sources"' in mixed
        assert '"cred_def_ids"' in mixed
        assert parse_file(mixed.encode()).accreditations == parse_file(old.encode()).accreditations

    def test_one_accreditation_may_not(self) -> None:
        document = next_version()
        accreditation = next(iter(document["participants"]["entries"][ACCREDITATION].values()))["accreditations"][0]
        accreditation["cred_def_ids"] = [source.removeprefix("anoncreds:") for source in accreditation["sources"]]
        errors = validate_file(json.dumps(document).encode()).errors
        assert ("member-unknown", "cred_def_ids") in [(error.rule, error.path.rpartition("/")[2]) for error in errors]

    async def test_a_rollback_to_the_form_of_that_time_is_refused(self) -> None:
        signed = await verified("whole")
        later = await verified("co-signed")
        seen = accept(accept(None, signed), later)
        with pytest.raises(RollbackError):
            accept(seen, signed)

    async def test_a_part_that_nobody_touched_keeps_its_digest(self) -> None:
        root = (await verified("root")).file
        assert root.division is not None
        whole = gather(json.loads(unverified_payload((SIGNED / "root.jws").read_bytes())), part)
        touched = next(iter(whole["participants"]["entries"][ACCREDITATION]))
        record = whole["participants"]["entries"][ACCREDITATION][touched]
        record["accreditations"] = [in_present_form(accreditation) for accreditation in record["accreditations"]]
        _, parts = divide(whole, 2)
        before = {part.digest for part in root.division.parts}
        assert len(set(parts) - before) == 1

    def test_exports_of_both_are_the_same(self) -> None:
        before, after = parse_file(json.dumps(document_10()).encode()), parse_file(json.dumps(next_version()).encode())
        assert csv_list(after) == csv_list(before)

    async def test_a_decision_changes_by_nothing_but_the_version(self) -> None:
        after = parse_file(json.dumps(next_version()).encode())
        snapshot = GovernanceSnapshot(after, EXPECTED["digests"]["whole"], AT + timedelta(hours=1))
        for case in (one for one in EXPECTED["decisions"] if one["file"] == "whole"):
            requirement = Requirement(case["occupation"], case["jurisdiction"], 2, not_revoked=False)
            decision = decide(requirement, evidence_10(case["evidence"]), snapshot, at=AT)
            assert [[reason.code, reason.text] for reason in decision.reasons] == case["reasons"]
            assert decision.verdict is Verdict(case["verdict"])


def test_an_id_without_its_format_is_told_what_to_write() -> None:
    document = next_version()
    accreditation = next(iter(document["participants"]["entries"][ACCREDITATION].values()))["accreditations"][0]
    accreditation["sources"] = [source.removeprefix("anoncreds:") for source in accreditation["sources"]]
    [finding] = [
        finding for finding in validate_file(json.dumps(document).encode()).errors if finding.rule == "identifier"
    ]
    assert (finding.path.rpartition("/sources/")[2], finding.fix) == ("0", "write anoncreds: before the id")
