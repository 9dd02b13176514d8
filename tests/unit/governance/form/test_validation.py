import json
from collections.abc import Callable
from typing import Any

import pytest
from tests.unit.governance.conftest import EXAMPLE, Json, changed, payload_of

from wanderbuch.governance.form.cte_model import ALIAS, DESCRIPTION, ROLES
from wanderbuch.governance.form.findings import GovernanceFileError, Severity, pointer
from wanderbuch.governance.form.model import ACCREDITATION, CROSSWALK
from wanderbuch.governance.form.validation import MAX_FILE_BYTES, parse_file, validate_file

CENTRE, KITCHEN, SUSPENDED = 0, 1, 2  # issuers of the example, in order


NYM = "V4SGRU86Z58d6TV7PBUe6f"


def entries(document: Json) -> Json:
    entries: Json = document["participants"]["entries"]
    return entries


def issuer(document: Json, which: int) -> str:
    return list(entries(document)[ACCREDITATION])[which]


def accreditation(document: Json, which: int = CENTRE) -> Json:
    first: Json = entries(document)[ACCREDITATION][issuer(document, which)]["accreditations"][0]
    return first


def crosswalk(document: Json) -> Json:
    first: Json = entries(document)[CROSSWALK][document["author"]]["crosswalks"][0]
    return first


def put(name: str, value: Any, which: int = CENTRE) -> Callable[[Json], None]:
    def change(document: Json) -> None:
        accreditation(document, which)[name] = value

    return change


def put_status(*decisions: tuple[str, str, str], registries: bool = True) -> Callable[[Json], None]:
    def change(document: Json) -> None:
        pinned = ["anoncreds:" + issuer(document, CENTRE) + "/resources/zQmRegistry" + "1" * 36] if registries else []
        accreditation(document)["status"] = [
            {"status": kind, "decided_on": decided, "effective_from": effective, "statuses": pinned}
            for kind, decided, effective in decisions
        ]

    return change


def put_crosswalk(**members: Any) -> Callable[[Json], None]:
    return lambda document: crosswalk(document).update(members)


def second_crosswalk(**members: Any) -> Callable[[Json], None]:
    def change(document: Json) -> None:
        both = entries(document)[CROSSWALK][document["author"]]["crosswalks"]
        both.append(both[0] | members)

    return change


def put_levels(framework: str, lowest: Any, highest: str) -> Callable[[Json], None]:
    return put("level_range", {"framework": framework, "min": lowest, "max": highest})


def put_foreign_registry(document: Json) -> None:
    put_status(("suspended", "2026-01-01", "2026-01-01"))(document)
    accreditation(document)["status"][0]["statuses"] = [FOREIGN]


def put_statement(**members: Any) -> Callable[[Json], None]:
    return lambda document: entries(document)[ACCREDITATION][issuer(document, CENTRE)].update(members)


def put_moved(document: Json) -> None:
    described = entries(document)[DESCRIPTION]
    *start, _host, _path = issuer(document, CENTRE).split(":")
    described[":".join((*start, "new.example.test", "org"))] = described[issuer(document, CENTRE)]


def put_on_ledgers(*dids: str) -> Callable[[Json], None]:
    def put(document: Json) -> None:
        described = entries(document)[DESCRIPTION]
        described.update(dict.fromkeys(dids, described[issuer(document, CENTRE)]))

    return put


def put_earlier(*versions: int) -> Callable[[Json], None]:
    earlier = [{"version": version, "uri": "https://authority.test/1.jws"} for version in versions]
    return lambda document: document.update(version=3, previous_versions=earlier)


def hand_crosswalk_over(document: Json) -> None:
    entries(document)[CROSSWALK][issuer(document, CENTRE)] = entries(document)[CROSSWALK].pop(document["author"])


def levels(*pairs: tuple[str, int | None]) -> list[Json]:
    return [{"level": level, "eqf": eqf} for level, eqf in pairs]


FOREIGN = (
    "anoncreds:did:webvh:QmStranger111111111111111111111111111111111111:stranger.wanderbuch.test:org/resources/zQm"
    + "1" * 44
)

ERRORS: list[tuple[str, Callable[[Json], None], str, str]] = [
    ("id twice", put("id", "TA-2020-0017"), "accreditation-once", "accreditations/0/id"),
    ("type not listed", put("credential_types", ["apprenticeship/1.0"]), "schema-listed", "credential_types/0"),
    ("type misspelt", put("credential_types", ["Qualification"]), "credential-type", "credential_types/0"),
    ("no type", put("credential_types", []), "not-empty", "credential_types"),
    ("definition of a stranger", put("sources", [FOREIGN]), "belongs-to-issuer", "sources/0"),
    ("definition that is none", put("sources", ["anoncreds:did:webvh:x"]), "identifier", "sources/0"),
    ("no definition", put("sources", []), "not-empty", "sources"),
    ("unknown occupation", put("occupations", ["C7219"]), "occupation-known", "occupations/0"),
    ("bare digits", put("occupations", ["7212"]), "occupation", "occupations/0"),
    ("number", put("occupations", [7212]), "occupation", "occupations/0"),
    ("everything", put("occupations", ["C"]), "occupation", "occupations/0"),
    ("no occupation", put("occupations", []), "not-empty", "occupations"),
    ("unknown exclusion", put("excluded_occupations", ["C7219"]), "occupation-known", "excluded_occupations/0"),
    ("unknown country", put("jurisdictions", ["XXX"]), "country-known", "jurisdictions/0"),
    ("two letters", put("jurisdictions", ["LK"]), "country", "jurisdictions/0"),
    ("nowhere", put("jurisdictions", []), "not-empty", "jurisdictions"),
    ("no interval", put("intervals", []), "not-empty", "intervals"),
    ("misspelt member", put("excluded_ocupations", ["C7214"]), "member-unknown", "excluded_ocupations"),
    ("script as a link", put("redress", "javascript:alert(1)"), "link", "redress"),
    ("file as a link", put("decision", "file:///etc/passwd"), "link", "decision"),
    ("text that runs backwards", put("title", "Metal \u202eseled"), "text", "title"),
    ("text with a control character", put("title", "Metal\u0000"), "text", "title"),
    ("empty text", put("title", "  "), "text", "title"),
    ("id with a space", put("id", "TA 1"), "statement-id", "accreditations/0/id"),
    ("level as number", put_levels("LK-NVQ", 2, "5"), "level", "level_range/min"),
    ("level outside", put_levels("LK-NVQ", "2", "8"), "level-in-framework", "level_range"),
    ("levels swapped", put_levels("LK-NVQ", "5", "2"), "level-order", "level_range"),
    ("EQF level 9", put_levels("EQF", "2", "9"), "level-in-framework", "level_range"),
    ("no crosswalk", put_levels("AQRF", "2", "5"), "framework-has-crosswalk", "level_range"),
    ("language with levels of a trade", put("occupations", ["mlt"]), "languages-apart", "occupations/0"),
    ("trade with levels of languages", put_levels("CEFR", "A1", "B2"), "languages-apart", "occupations/0"),
    ("levels of languages swapped", put_levels("CEFR", "C1", "B2"), "level-order", "level_range"),
    ("a level that the CEFR does not have", put_levels("CEFR", "A1", "D1"), "level-in-framework", "level_range"),
    ("no language", put("occupations", ["xyz"]), "occupation", "occupations/0"),
    ("framework misspelt", put_levels("nvq", "2", "5"), "framework", "level_range/framework"),
    (
        "interval backwards",
        put("intervals", [{"start": "2022-01-02", "end": "2022-01-01"}]),
        "order-of-time",
        "intervals/0",
    ),
    ("day that does not exist", put("intervals", [{"start": "2023-02-29"}]), "date", "intervals/0/start"),
    ("day in another form", put("intervals", [{"start": "20230228"}]), "date", "intervals/0/start"),
    ("day as instant", put("intervals", [{"start": "2023-02-28T00:00:00Z"}]), "date", "intervals/0/start"),
    (
        "effect later than decision",
        put_status(("suspended", "2026-01-01", "2026-01-02")),
        "effect-not-later",
        "status/0/effective_from",
    ),
    (
        "decided after the file",
        put_status(("suspended", "2026-11-04", "2026-11-01")),
        "decision-in-past",
        "status/0/decided_on",
    ),
    (
        "decisions out of order",
        put_status(("suspended", "2026-02-01", "2026-01-01"), ("active", "2026-01-15", "2026-01-15")),
        "decisions-in-order",
        "status/1/decided_on",
    ),
    (
        "after a withdrawal",
        put_status(("withdrawn", "2026-02-01", "2026-01-01"), ("active", "2026-03-15", "2026-03-15")),
        "withdrawal-is-final",
        "status/1",
    ),
    (
        "active twice",
        put_status(("active", "2018-04-01", "2018-04-01"), ("active", "2019-04-01", "2019-04-01")),
        "status-changes",
        "status/1",
    ),
    ("unknown status", put_status(("paused", "2026-01-01", "2026-01-01")), "choice", "status/0/status"),
    ("registry of a stranger", put_foreign_registry, "belongs-to-issuer", "status/0/statuses/0"),
    (
        "agent without a name",
        put("accreditingAgent", {"did": "did:example:x"}),
        "member-missing",
        "accreditingAgent/name",
    ),
    ("crosswalk by another", hand_crosswalk_over, "crosswalk-by-author", "crosswalks/0"),
    ("crosswalk twice", second_crosswalk(valid_from="2030-01-01"), "crosswalk-once", "crosswalks/1/version"),
    ("two crosswalks a day", second_crosswalk(version="other"), "crosswalk-alone", "crosswalks/1/valid_from"),
    ("crosswalk backwards", put_crosswalk(valid_until="2004-01-01"), "order-of-time", "crosswalks/0/valid_until"),
    ("crosswalk called none", put_crosswalk(version="none"), "crosswalk-version", "crosswalks/0/version"),
    ("crosswalk of EQF", put_crosswalk(framework="EQF"), "crosswalk-of-other", "crosswalks/0/framework"),
    (
        "level twice",
        put_crosswalk(levels=[*levels(("2", 2), ("2", 2)), *levels(("5", 5))]),
        "level-once",
        "levels/1/level",
    ),
    (
        "level unknown",
        put_crosswalk(levels=levels(("2", 2), ("5", 5), ("8", 8))),
        "level-in-framework",
        "levels/2/level",
    ),
    ("levels out of order", put_crosswalk(levels=levels(("5", 2), ("2", 5))), "levels-in-order", "crosswalks/0/levels"),
    ("EQF falls", put_crosswalk(levels=levels(("2", 3), ("4", None), ("5", 2))), "eqf-order", "crosswalks/0/levels"),
    ("EQF 9", put_crosswalk(levels=levels(("2", 2), ("5", 9))), "range", "levels/1/eqf"),
    ("no accreditation at all", put_statement(accreditations=[]), "list", ":org"),
    ("another member beside", put_statement(more=1), "member-unknown", "/more"),
    (
        "not keyed by DID",
        lambda d: entries(d)[ACCREDITATION].update({"Colombo": {"accreditations": []}}),
        "identifier",
        "/Colombo",
    ),
    ("statements as list", lambda d: entries(d).update({ACCREDITATION: []}), "object", "accreditation.json"),
    ("version too large", lambda d: d.update(version=2**31), "range", "/version"),
    ("ttl as text", lambda d: d.update(ttl="1 day"), "whole-number", "/ttl"),
    ("entries missing", lambda d: d["participants"].pop("entries"), "member-missing", "/participants/entries"),
    ("schemas as object", lambda d: d.update(schemas={}), "list", "/schemas"),
    ("roles as list", lambda d: d.update(roles=[]), "object", "/roles"),
    (
        "instant beyond the calendar",
        lambda d: d.update(last_updated="9999-12-31T23:59:59-14:00"),
        "instant",
        "/last_updated",
    ),
    ("same earlier version twice", put_earlier(1, 1), "version-once", "previous_versions/1/version"),
]

WARNINGS: list[tuple[str, Callable[[Json], None], str]] = [
    ("overlap", put("intervals", [{"start": "2018-01-01"}, {"start": "2020-01-01"}]), "intervals-apart"),
    ("exclusion without effect", put("excluded_occupations", ["C5120"]), "exclusion-has-effect"),
    ("all excluded", put("excluded_occupations", ["C7"]), "scope-not-excluded"),
    ("nothing pinned", put_status(("suspended", "2026-01-01", "2026-01-01"), registries=False), "registries-pinned"),
    ("ended, nothing pinned", put("intervals", [{"start": "2018-01-01", "end": "2020-12-31"}]), "ended-mandate-pinned"),
    ("unknown framework", second_crosswalk(framework="XX-NEW"), "framework-known"),
    (
        "alias",
        lambda d: entries(d).update({ALIAS: {d["author"]: {"alias_dids": ["did:example:a"]}}}),
        "alias-not-followed",
    ),
    ("moved, by both names", put_moved, "one-did-two-names"),
    ("on a ledger, by both names", put_on_ledgers(f"did:sov:{NYM}", f"did:indy:sovrin:{NYM}"), "one-did-two-names"),
    ("nameless", lambda d: entries(d)[DESCRIPTION].pop(issuer(d, CENTRE)), "issuer-described"),
    ("no role", lambda d: entries(d)[ROLES].pop(issuer(d, CENTRE)), "issuer-has-role"),
    ("unknown member", lambda d: d.update(last_udpated="x"), "member-ignored"),
]


def test_example_has_no_findings_but_that_an_employer_may_ask_for_a_name() -> None:
    report = validate_file(EXAMPLE.read_bytes())
    assert [finding.rule for finding in report.findings] == ["asks-personal"]
    assert report.file is not None


@pytest.mark.parametrize(
    ("change", "rule", "place"), [error[1:] for error in ERRORS], ids=[error[0] for error in ERRORS]
)
def test_refuses(change: Callable[[Json], None], rule: str, place: str, example: Json) -> None:
    report = validate_file(payload_of(changed(example, change)))

    assert report.file is None
    assert any(error.rule == rule and error.path.endswith(place) for error in report.errors), report.findings
    assert all(finding.message and finding.fix for finding in report.findings)
    with pytest.raises(GovernanceFileError):
        parse_file(payload_of(changed(example, change)))


@pytest.mark.parametrize(
    ("change", "rule"), [warning[1:] for warning in WARNINGS], ids=[warning[0] for warning in WARNINGS]
)
def test_warns(change: Callable[[Json], None], rule: str, example: Json) -> None:
    report = validate_file(payload_of(changed(example, change)))
    assert rule in {warning.rule for warning in report.warnings}
    assert report.file is not None, report.errors


def test_a_misspelt_member_is_told_what_was_meant(example: Json) -> None:
    report = validate_file(payload_of(changed(example, put("excluded_ocupations", []))))
    assert "excluded_occupations" in report.errors[0].fix


def test_one_mistake_hides_no_other(example: Json) -> None:
    def spoil(document: Json) -> None:
        document["version"] = "1.0"
        document["roles"]["issue_qualification"]["issue"] = ["unlisted"]
        accreditation(document, CENTRE)["occupations"] = ["7212", "C7219"]
        accreditation(document, KITCHEN)["jurisdictions"] = ["XXX"]
        accreditation(document, KITCHEN)["redress"] = None
        accreditation(document, SUSPENDED)["status"][0]["effective_from"] = "2026-10-01"
        crosswalk(document)["levels"][0]["eqf"] = 7
        entries(document)[ROLES][issuer(document, CENTRE)]["roles"][0]["role"] = "issue_qualifications"

    report = validate_file(payload_of(changed(example, spoil)))

    assert {"whole-number", "schema-listed", "occupation", "link", "effect-not-later", "eqf-order", "role-known"} <= {
        error.rule for error in report.errors
    }
    assert [finding.severity for finding in report.findings] == sorted(
        (finding.severity for finding in report.findings), key=lambda finding: finding is Severity.WARNING
    )


def test_refuses_what_is_no_object() -> None:
    for payload in (b"[]", b"7", b'"text"'):
        assert [finding.rule for finding in validate_file(payload).errors] == ["object"]


def test_refuses_a_file_that_is_too_long_or_too_deep(example: Json) -> None:
    assert [finding.rule for finding in validate_file(b" " * (MAX_FILE_BYTES + 1)).errors] == ["strict-json"]
    deep: Any = []
    for _ in range(30):
        deep = [deep]
    entries(example)["https://example.test/unknown.json"] = deep
    assert [finding.rule for finding in validate_file(payload_of(example)).errors] == ["strict-json"]


def test_findings_are_not_without_end(example: Json) -> None:
    accreditation(example)["occupations"] = ["7212"] * 5000
    assert len(validate_file(payload_of(example)).findings) == 1000


def test_an_unknown_statement_schema_says_nothing(example: Json) -> None:
    before = parse_file(payload_of(example))
    statement = entries(example)[ACCREDITATION][issuer(example, CENTRE)]
    entries(example)["https://example.test/accreditation.json"] = {"did:example:anybody": statement}
    assert parse_file(payload_of(example)) == before


def test_error_names_the_first_place_and_counts_the_others(example: Json) -> None:
    example["version"], example["format"] = "1.0", "2.0"
    with pytest.raises(GovernanceFileError) as refused:
        parse_file(payload_of(example))
    assert "(and 1 more)" in refused.value.message
    assert refused.value.hint is not None
    assert refused.value.code == "governance.file"
    assert str(refused.value.findings[0]).startswith("error at /format [choice]")


def test_pointer_escapes() -> None:
    assert pointer("a/b", "m~n", 3) == "/a~1b/m~0n/3"


@pytest.mark.parametrize("member", ["schemas", "roles", "participants", "@context", "id", "name", "format"])
@pytest.mark.parametrize("value", [None, 7, "x", [], {}, [[]], {"a": 1}, True])
def test_any_shape_leads_to_findings_not_to_a_crash(member: str, value: Any, example: Json) -> None:
    report = validate_file(json.dumps(example | {member: value}).encode())
    assert report.file is None or not report.errors


def test_one_id_on_two_ledgers_is_two_parties() -> None:
    document = json.loads(EXAMPLE.read_bytes())
    put_on_ledgers(f"did:indy:sovrin:{NYM}", f"did:indy:idunion:{NYM}")(document)
    report = validate_file(json.dumps(document).encode())
    assert "one-did-two-names" not in {finding.rule for finding in report.findings}
