"""Each rule of the statements beside accreditations: one file that breaks it, next to the sound one."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.unit.governance import statements
from tests.unit.governance.conftest import Json, changed, payload_of

from wanderbuch.governance.form.cte_model import DESCRIPTION, ROLES
from wanderbuch.governance.form.findings import Severity
from wanderbuch.governance.form.model import (
    ACCREDITATION,
    CROSSWALK,
    DIVIDED,
    PROGRAMMES,
    RECOGNITION,
    REFUSAL,
    REGULATION,
    SIGNATORIES,
    SUCCESSION,
    VERIFICATION,
)
from wanderbuch.governance.form.validation import validate_file

MEMBERS = {
    RECOGNITION: "recognitions",
    REGULATION: "regulations",
    VERIFICATION: "verifications",
    PROGRAMMES: "programmes",
    REFUSAL: "refusals",
    SUCCESSION: "successions",
}
type Change = Callable[[Json], object]


def entries(document: Json) -> Json:
    entries: Json = document["participants"]["entries"]
    return entries


def at_host(document: Json, host: str) -> str:
    named = (did for by_did in entries(document).values() for did in by_did)
    return next(did for did in named if f":{host}.wanderbuch.test:" in did)


@pytest.fixture
def sound(example: Json) -> Json:
    """The example file with one of each statement and nothing to say against it."""
    author, centre, shipyard = example["author"], at_host(example, "centre"), at_host(example, "shipyard")
    example["trusted_governance"] = [dict(statements.NEIGHBOUR_FILE)]
    entries(example).update(
        {
            RECOGNITION: {statements.NEIGHBOUR: {"recognitions": [statements.recognition()]}},
            REGULATION: {author: {"regulations": [statements.regulation()]}},
            VERIFICATION: {shipyard: {"verifications": [statements.verification()]}},
            PROGRAMMES: {centre: {"programmes": [statements.programme()]}},
            REFUSAL: {centre: {"refusals": [statements.refusal(occupations=["C7411"])]}},
            SUCCESSION: {author: {"successions": [statements.succession(centre)]}},
            SIGNATORIES: {author: statements.signatories(author)},
        }
    )
    return example


def one(document: Json, uri: str) -> Json:
    body: Json = next(iter(entries(document)[uri].values()))
    statement: Json = body[MEMBERS[uri]][0] if uri in MEMBERS else body
    return statement


def put(uri: str, **members: Any) -> Change:
    return lambda document: one(document, uri).update(members)


def drop(uri: str, member: str) -> Change:
    return lambda document: one(document, uri).pop(member)


def twice(uri: str) -> Change:
    def change(document: Json) -> None:
        body = next(iter(entries(document)[uri].values()))[MEMBERS[uri]]
        body.append(dict(body[0]))

    return change


def in_a_circle(document: Json) -> None:
    first = one(document, SUCCESSION)
    back = {**first, "id": "SUC-2", "centre": first["successor"], "successor": first["centre"]}
    next(iter(entries(document)[SUCCESSION].values()))["successions"].append(back)


def under(uri: str, host: str) -> Change:
    """Put a statement under somebody else's DID."""

    def change(document: Json) -> None:
        body = next(iter(entries(document).pop(uri).values()))
        entries(document)[uri] = {at_host(document, host): body}

    return change


def party(which: int, **members: Any) -> Change:
    return lambda document: one(document, SIGNATORIES)["parties"][which].update(members)


def trusts(*publishers: Json) -> Change:
    return lambda document: document.update(trusted_governance=list(publishers))


def accreditation(document: Json, host: str = "centre") -> Json:
    first: Json = entries(document)[ACCREDITATION][at_host(document, host)]["accreditations"][0]
    return first


def accredited(host: str = "centre", **members: Any) -> Change:
    return lambda document: accreditation(document, host).update(members)


def decisions(*decided: tuple[str, str, str]) -> list[Json]:
    return [{"status": status, "decided_on": on, "effective_from": since} for status, on, since in decided]


def divide(bits: int, parts: int) -> Change:
    division = {"bits": bits, "parts": [{"digest": "sha256:" + "0" * 64, "bytes": 2}] * parts}
    return lambda document: entries(document).update({DIVIDED: {document["author"]: division}})


def divide_evenly(bits: int, *buckets: int, **members: object) -> Change:
    """Divide into parts of so many buckets; the last one has further members."""
    parts: list[Json] = [{"sha256": "A" * 43, "bytes": 2, "buckets": count} for count in buckets]
    parts[-1] |= members
    return lambda document: entries(document).update({DIVIDED: {document["author"]: {"bits": bits, "parts": parts}}})


def both(*changes: Change) -> Change:
    def change(document: Json) -> None:
        for change in changes:
            change(document)

    return change


BACKWARDS = [{"start": "2025-01-02", "end": "2025-01-01"}]
EQF_4_TO_2 = {"framework": "EQF", "min": "4", "max": "2"}
NVQ = {"framework": "LK-NVQ", "min": "2", "max": "4"}
EQF_2_TO_3 = {"framework": "EQF", "min": "2", "max": "3"}
PLAIN = {**statements.NEIGHBOUR_FILE, "uri": "http://neighbour.wanderbuch.test/current.jws"}
WITH_USER = {**statements.NEIGHBOUR_FILE, "uri": "https://me@neighbour.wanderbuch.test/current.jws"}

ERRORS: list[tuple[str, Change, str, str]] = [
    ("publisher not trusted", trusts(), "publisher-trusted", "recognitions/0"),
    ("publisher twice", trusts(statements.NEIGHBOUR_FILE, statements.NEIGHBOUR_FILE), "publisher-once", "1/publisher"),
    ("own file trusted", lambda d: trusts({**statements.NEIGHBOUR_FILE, "publisher": d["author"]})(d),
     "publisher-is-other", "0/publisher"),
    ("file over plain http", trusts(PLAIN), "https-address", "0/uri"),
    ("file with a user", trusts(WITH_USER), "https-address", "0/uri"),
    ("recognises itself", under(RECOGNITION, "authority"), "recognition-of-other", "recognitions/0"),
    ("recognises an issuer", under(RECOGNITION, "centre"), "publisher-trusted", "recognitions/0"),
    ("recognition twice", twice(RECOGNITION), "recognition-once", "recognitions/1/id"),
    ("unknown type", put(RECOGNITION, credential_types=["licence/1.0"]), "schema-listed", "credential_types/0"),
    ("unknown occupation", put(RECOGNITION, occupations=["C7219"]), "occupation-known", "occupations/0"),
    ("every occupation", put(RECOGNITION, occupations=["C"]), "occupation", "occupations/0"),
    ("no occupation", put(RECOGNITION, occupations=[]), "not-empty", "occupations"),
    ("unknown exclusion", put(RECOGNITION, excluded_occupations=["C7219"]), "occupation-known",
     "excluded_occupations/0"),
    ("unknown country", put(RECOGNITION, jurisdictions=["XXX"]), "country-known", "jurisdictions/0"),
    ("levels swapped", put(RECOGNITION, level_range=EQF_4_TO_2), "level-order", "level_range"),
    ("levels of another framework", put(RECOGNITION, level_range=NVQ), "choice", "level_range/framework"),
    ("EQF 9", put(RECOGNITION, level_range={"framework": "EQF", "min": "2", "max": "9"}), "eqf-level", "range/max"),
    ("level as number", put(RECOGNITION, level_range={"framework": "EQF", "min": 2, "max": "4"}), "eqf-level", "e/min"),
    ("unknown purpose", put(RECOGNITION, purposes=["anything"]), "choice", "purposes/0"),
    ("no purpose", put(RECOGNITION, purposes=[]), "not-empty", "purposes"),
    ("onward without end", put(RECOGNITION, onward=4), "range", "onward"),
    ("onward below none", put(RECOGNITION, onward=-1), "range", "onward"),
    ("onward as truth", put(RECOGNITION, onward=True), "whole-number", "onward"),
    ("recognition backwards", put(RECOGNITION, intervals=BACKWARDS), "order-of-time", "intervals/0"),
    ("never recognised", put(RECOGNITION, intervals=[]), "not-empty", "intervals"),
    ("recognition without redress", drop(RECOGNITION, "redress"), "member-missing", "redress"),
    ("recognition without decision", drop(RECOGNITION, "decision"), "member-missing", "decision"),
    ("misspelt member", put(RECOGNITION, excluded_ocupations=[]), "member-unknown", "excluded_ocupations"),
    ("decided later than effect", put(RECOGNITION, status=decisions(("suspended", "2026-01-01", "2026-01-02"))),
     "effect-not-later", "status/0/effective_from"),
    ("decided after the file", put(RECOGNITION, status=decisions(("suspended", "2026-12-01", "2026-11-01"))),
     "decision-in-past", "status/0/decided_on"),
    ("out of order", put(RECOGNITION, status=decisions(("suspended", "2026-02-01", "2026-01-01"),
                                                       ("active", "2026-01-15", "2026-01-15"))),
     "decisions-in-order", "status/1/decided_on"),
    ("after a withdrawal", put(RECOGNITION, status=decisions(("withdrawn", "2026-02-01", "2026-01-01"),
                                                             ("active", "2026-03-01", "2026-03-01"))),
     "withdrawal-is-final", "status/1"),
    ("active twice", put(RECOGNITION, status=decisions(("active", "2026-02-01", "2026-01-01"),
                                                       ("active", "2026-03-01", "2026-03-01"))),
     "status-changes", "status/1"),
    ("registries of a recognition", put(RECOGNITION, status=[{**decisions(("suspended", "2026-02-01", "2026-01-01"))[0],
                                                              "registries": []}]),
     "member-unknown", "status/0/registries"),
    ("regulation by another", under(REGULATION, "centre"), "regulation-by-author", "regulations/0"),
    ("succession by another", under(SUCCESSION, "centre"), "succession-by-author", "successions/0"),
    ("succession twice", twice(SUCCESSION), "succession-once", "successions/1/id"),
    ("two successors", lambda document: (twice(SUCCESSION)(document), put(SUCCESSION, id="SUC-2")(document)),
     "succession-of-one", "successions/1/centre"),
    ("its own successor", lambda document: put(SUCCESSION, successor=one(document, SUCCESSION)["centre"])(document),
     "succession-by-another", "successions/0/successor"),
    ("successors in a circle", in_a_circle, "succession-by-another", "successions/1/successor"),
    ("succession of tomorrow", put(SUCCESSION, decided_on="2999-01-01"), "decision-in-past", "decided_on"),
    ("succession without decision", drop(SUCCESSION, "decision"), "member-missing", "decision"),
    ("regulation twice", twice(REGULATION), "regulation-once", "regulations/1/id"),
    ("regulated nowhere", put(REGULATION, jurisdictions=[]), "not-empty", "jurisdictions"),
    ("regulated in no country", put(REGULATION, jurisdictions=["XXX"]), "country-known", "jurisdictions/0"),
    ("regulated unknown", put(REGULATION, occupations=["C2229"]), "occupation-known", "occupations/0"),
    ("regulated backwards", put(REGULATION, intervals=BACKWARDS), "order-of-time", "intervals/0"),
    ("regulation without redress", drop(REGULATION, "redress"), "member-missing", "redress"),
    ("regulation without authority", drop(REGULATION, "competent_authority"), "member-missing", "competent_authority"),
    ("verification twice", twice(VERIFICATION), "verification-once", "verifications/1/id"),
    ("asks unknown type", put(VERIFICATION, credential_type="licence/1.0"), "schema-listed", "credential_type"),
    ("asks unknown attribute", put(VERIFICATION, attributes=["blood_type"]), "attribute-known", "attributes/0"),
    ("asks everything", put(VERIFICATION, attributes=["*"]), "attribute-name", "attributes/0"),
    ("asks twice", put(VERIFICATION, attributes=["framework", "framework"]), "attribute-once", "attributes/1"),
    ("predicate on unknown", put(VERIFICATION, predicates=["age"]), "attribute-known", "predicates/0"),
    ("predicate on text", put(VERIFICATION, predicates=["awarding_body"]), "predicate-countable", "predicates/0"),
    ("asks for no purpose", put(VERIFICATION, purposes=[]), "not-empty", "purposes"),
    ("asks in no country", put(VERIFICATION, jurisdictions=["XXX"]), "country-known", "jurisdictions/0"),
    ("asks without basis", drop(VERIFICATION, "legal_basis"), "member-missing", "legal_basis"),
    ("asks without redress", drop(VERIFICATION, "redress"), "member-missing", "redress"),
    ("asks backwards", put(VERIFICATION, intervals=BACKWARDS), "order-of-time", "intervals/0"),
    ("programme twice", twice(PROGRAMMES), "programme-once", "programmes/1/id"),
    ("accreditation of another", put(PROGRAMMES, accreditation="TA-2020-0017"), "programme-accredited",
     "accreditation"),
    ("programme of another", under(PROGRAMMES, "kandy"), "programme-accredited", "accreditation"),
    ("occupation not covered", put(PROGRAMMES, occupation="C7411"), "programme-covered", "occupation"),
    ("occupation excluded", put(PROGRAMMES, occupation="C7213"), "programme-covered", "occupation"),
    ("group with an excluded part", put(PROGRAMMES, occupation="C721"), "programme-covered", "occupation"),
    ("wider than its accreditation", put(PROGRAMMES, occupation="C7"), "programme-covered", "occupation"),
    ("occupation unknown", put(PROGRAMMES, occupation="C7219"), "occupation-known", "occupation"),
    ("level above the range", put(PROGRAMMES, level="6"), "programme-covered", "level"),
    ("level below the range", put(PROGRAMMES, level="1"), "programme-covered", "level"),
    ("level of no framework", put(PROGRAMMES, level="8"), "level-in-framework", "level"),
    ("framework without crosswalk", put(PROGRAMMES, framework="XX-NEW"), "framework-has-crosswalk", "framework"),
    ("another framework", put(PROGRAMMES, framework="AQRF"), "programme-covered", "level"),
    ("unit of no level", put(PROGRAMMES, units=[{"id": "U1", "title": "Arc", "level": "9"}]), "level-in-framework",
     "units/0/level"),
    ("unit twice", put(PROGRAMMES, units=[{"id": "U1", "title": "Arc"}, {"id": "U1", "title": "Gas"}]), "unit-once",
     "units/1/id"),
    ("unknown setting", put(PROGRAMMES, learning_settings=["online"]), "choice", "learning_settings/0"),
    ("no setting", put(PROGRAMMES, learning_settings=[]), "not-empty", "learning_settings"),
    ("programme backwards", put(PROGRAMMES, intervals=BACKWARDS), "order-of-time", "intervals/0"),
    ("level above the EQF range", accredited(level_range=EQF_2_TO_3), "programme-covered", "programmes/0/level"),
    ("refusal twice", twice(REFUSAL), "refusal-once", "refusals/1/id"),
    ("refused tomorrow", put(REFUSAL, decided_on="2026-11-04"), "decision-in-past", "decided_on"),
    ("refused for nothing", put(REFUSAL, occupations=[]), "not-empty", "occupations"),
    ("refused for unknown", put(REFUSAL, occupations=["C7219"]), "occupation-known", "occupations/0"),
    ("refused without redress", drop(REFUSAL, "redress"), "member-missing", "redress"),
    ("refused without reason", drop(REFUSAL, "reason"), "member-missing", "reason"),
    ("signatories by another", under(SIGNATORIES, "centre"), "signatories-by-author", "centre.wanderbuch.test:org"),
    ("nobody need sign", put(SIGNATORIES, threshold=0), "range", "threshold"),
    ("more than there are", put(SIGNATORIES, threshold=4), "threshold-reachable", "threshold"),
    ("party twice", lambda d: party(1, did=d["author"])(d), "party-once", "parties/1/did"),
    ("author not among them", party(0, did="did:example:somebody"), "author-signs", "parties"),
    ("no party", put(SIGNATORIES, parties=[]), "not-empty", "parties"),
    ("party of no kind", party(1, kind="owners"), "choice", "parties/1/kind"),
    ("parts missing", divide(2, 3), "part-for-each", "parts"),
    ("parts too many", divide(2, 5), "part-for-each", "parts"),
    ("too many bits", divide(13, 2), "range", "bits"),
    ("buckets missing", divide_evenly(3, 3, 4), "part-for-each", "parts"),
    ("buckets too many", divide_evenly(3, 3, 6), "part-for-each", "parts"),
    ("a part of none", divide_evenly(3, 8, 0), "range", "parts/1/buckets"),
    ("far too many bits", divide_evenly(17, 1 << 16, 1 << 16), "range", "bits"),
    ("a part in both forms", divide_evenly(3, 3, 5, digest="sha256:" + "0" * 64), "member-unknown", "parts/1/digest"),
    ("bits of a digest left over", divide_evenly(3, 3, 5, sha256="A" * 42 + "B"), "digest", "parts/1/sha256"),
    ("no part", divide(1, 0), "not-empty", "parts"),
    ("divided by another", both(divide(1, 2), under(DIVIDED, "centre")), "divided-by-author", "wanderbuch.test:org"),
]  # fmt: skip

WARNINGS: list[tuple[str, Change, str]] = [
    ("nothing recognised", lambda d: entries(d).pop(RECOGNITION), "publisher-recognised"),
    ("exclusion without effect", put(RECOGNITION, excluded_occupations=["C5120"]), "exclusion-has-effect"),
    ("all excluded", put(RECOGNITION, excluded_occupations=["C7"]), "scope-not-excluded"),
    ("overlap", put(RECOGNITION, intervals=[{"start": "2024-01-01"}, {"start": "2025-01-01"}]), "intervals-apart"),
    ("no day left", put(RECOGNITION, status=decisions(("withdrawn", "2025-01-01", "2025-01-01"))), "grants-nothing"),
    ("no day left of a mandate", accredited(status=decisions(("withdrawn", "2018-04-01", "2018-04-01"))),
     "grants-nothing"),
    ("regulated for employment only", put(RECOGNITION, occupations=["C2221"]), "regulated-recognised"),
    ("a part regulated for employment only", put(RECOGNITION, occupations=["C22"]), "regulated-recognised"),
    ("all excluded, part by part", put(RECOGNITION, excluded_occupations=["C721", "C722", "C723"]),
     "scope-not-excluded"),
    ("asks personal", put(VERIFICATION, attributes=["family_name"]), "asks-personal"),
    ("asks nothing", put(VERIFICATION, attributes=[], predicates=[]), "grants-nothing"),
    ("no role to verify", lambda d: entries(d)[ROLES].pop(at_host(d, "shipyard")), "verifier-has-role"),
    ("nameless verifier", lambda d: entries(d)[DESCRIPTION].pop(at_host(d, "shipyard")), "verifier-described"),
    ("programme outside the mandate", put(PROGRAMMES, intervals=[{"start": "2021-06-01"}]), "programme-in-mandate"),
    ("refused and accredited", put(REFUSAL, occupations=["C7212"]), "refused-and-accredited"),
    ("author as employer", party(0, kind="employers"), "author-is-authority"),
    ("one side alone", put(SIGNATORIES, threshold=1), "sides-sign"),
    ("party that cannot be checked", party(2, did="did:example:unions"), "signature-checkable"),
    ("publisher that cannot be checked",
     trusts(statements.NEIGHBOUR_FILE, {**statements.NEIGHBOUR_FILE, "publisher": "did:example:x"}),
     "signature-checkable"),
    ("role for nothing", lambda d: d["roles"].update(watch={"issue": []}), "grants-nothing"),
]  # fmt: skip


def ids(cases: list[Any]) -> list[str]:
    return [case[0] for case in cases]


def test_one_of_each_leaves_nothing_to_say(sound: Json) -> None:
    assert [
        str(finding) for finding in validate_file(payload_of(sound)).findings if finding.rule != "asks-personal"
    ] == []


@pytest.mark.parametrize(("change", "rule", "place"), [case[1:] for case in ERRORS], ids=ids(ERRORS))
def test_refuses(change: Change, rule: str, place: str, sound: Json) -> None:
    report = validate_file(payload_of(changed(sound, change)))

    assert report.file is None
    assert any(error.rule == rule and error.path.endswith(place) for error in report.errors), report.findings
    assert all(finding.message and finding.fix for finding in report.findings)


@pytest.mark.parametrize(("change", "rule"), [case[1:] for case in WARNINGS], ids=ids(WARNINGS))
def test_warns(change: Change, rule: str, sound: Json) -> None:
    before = {(finding.rule, finding.path) for finding in validate_file(payload_of(sound)).findings}
    report = validate_file(payload_of(changed(sound, change)))

    assert report.file is not None, report.errors
    assert rule in {warning.rule for warning in report.warnings if (warning.rule, warning.path) not in before}
    assert all(finding.severity is Severity.WARNING and finding.message and finding.fix for finding in report.findings)


@pytest.mark.parametrize(
    ("what", "change"),
    [
        ("the same level in EQF", accredited(level_range={"framework": "EQF", "min": "2", "max": "4"})),
        ("a programme in EQF", both(accredited(level_range={"framework": "EQF", "min": "2", "max": "4"}),
                                    put(PROGRAMMES, framework="EQF"))),
        ("regulated with the purpose",
         put(RECOGNITION, occupations=["C2221"], excluded_occupations=[], purposes=["regulated-profession"])),
        ("regulated elsewhere",
         both(put(RECOGNITION, occupations=["C2221"], excluded_occupations=[]),
              put(REGULATION, jurisdictions=["MLT"]))),
        ("refused the day it was made", put(REFUSAL, decided_on="2026-11-02")),
        ("all of them sign", put(SIGNATORIES, threshold=3)),
        ("a part for each", divide(2, 4)),
        ("parts of several", divide_evenly(3, 3, 5)),
        ("parts of one", divide_evenly(1, 1, 1)),
        ("three further authorities", put(RECOGNITION, onward=3)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_accepts_the_neighbour_that_is_sound(what: str, change: Change, sound: Json) -> None:
    before = {(finding.rule, finding.path) for finding in validate_file(payload_of(sound)).findings}
    report = validate_file(payload_of(changed(sound, change)))
    assert [str(finding) for finding in report.findings if (finding.rule, finding.path) not in before] == [], what


def test_a_language_level_has_no_eqf_level_and_a_crosswalk_that_says_so_stands(sound: Json) -> None:
    languages = {
        "version": "cefr-none", "framework": "CEFR", "valid_from": "2001-01-01", "source": "CEFR 2001.",
        "levels": [{"level": level, "eqf": None} for level in ("A1", "A2", "B1", "B2", "C1", "C2")],
    }  # fmt: skip
    entries(sound)[CROSSWALK][sound["author"]]["crosswalks"].append(languages)
    assert validate_file(payload_of(sound)).errors == ()
    languages["levels"][3]["eqf"] = 4  # type: ignore[index]
    assert [finding.rule for finding in validate_file(payload_of(sound)).errors] == ["language-has-no-eqf"]


def test_half_levels_have_their_place_in_a_crosswalk(sound: Json) -> None:
    table = {
        "version": "nsqf-eqf-example", "framework": "IN-NSQF", "valid_from": "2023-06-06", "source": "EXAMPLE.",
        "levels": [{"level": level, "eqf": eqf} for level, eqf in (
            ("1", 1), ("2", 1), ("2.5", 2), ("3", 2), ("3.5", 3), ("4", 4), ("4.5", 4), ("5", 5), ("5.5", 6),
            ("6", 6), ("6.5", 6), ("7", 7), ("8", 8))],
    }  # fmt: skip
    entries(sound)[CROSSWALK][sound["author"]]["crosswalks"].append(table)
    report = validate_file(payload_of(sound))
    assert report.errors == ()
    table["levels"][7]["level"] = "7.5"  # type: ignore[index]
    assert "level-in-framework" in {finding.rule for finding in validate_file(payload_of(sound)).errors}


def test_a_level_that_a_table_forgets_is_named(sound: Json) -> None:
    entries(sound)[CROSSWALK][sound["author"]]["crosswalks"][0]["levels"].pop()
    (finding,) = (finding for finding in validate_file(payload_of(sound)).warnings if finding.rule == "level-missing")
    assert "7" in finding.message
