"""Writes the vectors of the decision: `python tests/vectors/make_decision_vectors.py`.

`decision/ecosystem.json` is a governance file in which every rule has somebody it concerns. Each other file is one
rule: an accepted case, and neighbours that differ from it in one point and are refused. Expectations are written here
by hand, from the rules' text; nothing is computed by the code under test.
"""

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "decision"
DESIGN = "rules in the head of governance/decision.py"
AT = "2026-11-22T12:00:00Z"
FRESH_UNTIL = "2026-11-22T13:00:00Z"
NVQ_OLD, NVQ_NEW = "nvq-eqf-2005", "nvq-eqf-2019"

type Json = dict[str, Any]


def did(word: str, host: str) -> str:
    return f"did:webvh:{_multihash('Vector' + word)}:{host}.wanderbuch.test:org"


def resource(owner: str, word: str) -> str:
    return f"{owner}/resources/z{_multihash(word)}"


def _multihash(word: str) -> str:
    return "Qm" + (word + "1" * 44)[:44]


AUTHORITY = did("Authority", "authority")
CENTRE = did("Centre", "centre")  # metal trades, two windows
UNION = did("Union", "union")  # several accreditations
SUSPENDED = did("Suspended", "suspended")
REINSTATED = did("Reinstated", "reinstated")
WITHDRAWN = did("Withdrawn", "withdrawn")
TWICE = did("Twice", "twice")  # suspended, then withdrawn
EXCLUDED = did("ExcLuded", "excluded")  # an exclusion in a withdrawn accreditation
EUROPEAN = did("European", "european")  # a range in EQF levels
STRANGER = did("Stranger", "stranger")
SCHEMA = resource(AUTHORITY, "Schema")
OTHER_SCHEMA = resource(AUTHORITY, "SchemaSecond")

EMPLOYER_ASKS: Json = {
    "occupation": "C7212",
    "jurisdiction": "MLT",
    "min_eqf_level": 3,
    "credential_type": "qualification/1.0",
    "not_revoked": True,
}


def accreditation(number: str, issuer: str, **changes: Any) -> Json:
    return {
        "id": number,
        "credential_types": ["qualification/1.0"],
        "cred_def_ids": [resource(issuer, "CredDef")],
        "occupations": ["C72"],
        "level_range": {"framework": "LK-NVQ", "min": "2", "max": "5"},
        "jurisdictions": ["LKA", "MLT"],
        "intervals": [{"start": "2010-01-01"}],
        "accreditingAgent": {"name": "Authority of the vectors"},
        "decision": f"https://authority.wanderbuch.test/decisions/{number}",
        "redress": "https://authority.wanderbuch.test/appeals",
        **changes,
    }


def status(kind: str, decided_on: str, effective_from: str, *registries: str) -> Json:
    return {
        "status": kind,
        "decided_on": decided_on,
        "effective_from": effective_from,
        "registries": list(registries),
    }


def crosswalk(version: str, levels: list[int | None], **days: str) -> Json:
    table = [{"level": str(level), "eqf": eqf} for level, eqf in enumerate(levels, start=1)]
    return {"version": version, "framework": "LK-NVQ", **days, "levels": table, "source": "invented for the vectors"}


def ecosystem() -> Json:
    accredited = {
        CENTRE: [
            accreditation(
                "A-1",
                CENTRE,
                excluded_occupations=["C7213"],
                intervals=[{"start": "2018-04-01", "end": "2020-12-31"}, {"start": "2022-07-01"}],
            )
        ],
        UNION: [
            accreditation(
                "U-1",
                UNION,
                jurisdictions=["LKA"],
                occupations=["C7126"],
                level_range={"framework": "LK-NVQ", "min": "1", "max": "3"},
            ),
            accreditation("U-2", UNION, intervals=[{"start": "2016-01-01", "end": "2020-06-30"}]),
            accreditation(
                "U-3", UNION, occupations=["C7212"], intervals=[{"start": "2020-07-01", "end": "2023-12-31"}]
            ),
            accreditation(
                "U-4",
                UNION,
                cred_def_ids=[resource(UNION, "CredDefSecond")],
                credential_types=["attendance/1.0"],
                jurisdictions=["MLT"],
            ),
        ],
        SUSPENDED: [
            accreditation(
                "S-1",
                SUSPENDED,
                status=[status("suspended", "2024-09-15", "2024-09-01", resource(SUSPENDED, "RegistryBefore"))],
            )
        ],
        REINSTATED: [
            accreditation(
                "R-1",
                REINSTATED,
                status=[
                    status("active", "2010-01-01", "2010-01-01"),
                    status("suspended", "2021-03-01", "2021-03-01", resource(REINSTATED, "RegistryBefore")),
                    status(
                        "active",
                        "2021-09-10",
                        "2021-09-01",
                        resource(REINSTATED, "RegistryBefore"),
                        resource(REINSTATED, "RegistryDuring"),
                    ),
                ],
            )
        ],
        WITHDRAWN: [
            accreditation(
                "W-1",
                WITHDRAWN,
                status=[status("withdrawn", "2023-05-01", "2023-05-01", resource(WITHDRAWN, "RegistryBefore"))],
            )
        ],
        TWICE: [
            accreditation(
                "T-1",
                TWICE,
                status=[
                    status("suspended", "2022-01-01", "2022-01-01", resource(TWICE, "RegistryBefore")),
                    status(
                        "withdrawn",
                        "2023-01-01",
                        "2023-01-01",
                        resource(TWICE, "RegistryBefore"),
                        resource(TWICE, "RegistryDuring"),
                    ),
                ],
            )
        ],
        EXCLUDED: [
            accreditation("X-1", EXCLUDED),
            accreditation(
                "X-2",
                EXCLUDED,
                occupations=["C71"],
                excluded_occupations=["C7214"],
                status=[status("withdrawn", "2020-01-01", "2020-01-01")],
            ),
        ],
        EUROPEAN: [accreditation("E-1", EUROPEAN, level_range={"framework": "EQF", "min": "3", "max": "4"})],
    }
    names = [AUTHORITY, *accredited]
    return {
        "@context": ["https://identity.foundation/credential-trust-establishment/context.jsonld"],
        "id": "b9b5ad5e-5a4a-4f0b-9d0c-6a2f7f1f4d10",
        "name": "Ecosystem of the decision vectors",
        "description": "EXAMPLE ONLY: invented for tests; the DIDs are placeholders.",
        "version": 7,
        "format": "1.0",
        "last_updated": "2026-11-02T08:00:00Z",
        "author": AUTHORITY,
        "schemas": [{"id": SCHEMA, "name": "qualification/1.0"}, {"id": OTHER_SCHEMA, "name": "attendance/1.0"}],
        "roles": {"issuer": {"issue": [SCHEMA, OTHER_SCHEMA]}},
        "participants": {
            "id": "9a0f4c35-1c8c-4a3f-8f0e-3b1b6ac1c7b2",
            "author": AUTHORITY,
            "created": "2026-11-02T08:00:00Z",
            "version": 1,
            "entries": {
                "https://identity.foundation/credential-trust-establishment/schemas/description.json": {
                    each: {"name": each.split(":")[3].split(".")[0].capitalize()} for each in names
                },
                "https://identity.foundation/credential-trust-establishment/schemas/roles.json": {
                    each: {"roles": [{"start": "2010-01-01T00:00:00Z", "role": "issuer"}]} for each in accredited
                },
                "https://w3id.org/wanderbuch/governance/1.0/accreditation.json": {
                    each: {"accreditations": statements} for each, statements in accredited.items()
                },
                "https://w3id.org/wanderbuch/governance/1.0/crosswalk.json": {
                    AUTHORITY: {
                        "crosswalks": [
                            crosswalk(
                                NVQ_OLD,
                                [None, 1, 2, 3, 4, 5, 6],
                                valid_from="2005-01-01",
                                valid_until="2019-06-30",
                            ),
                            crosswalk(NVQ_NEW, [1, 2, 3, 4, 5, 5, 6], valid_from="2019-07-01"),
                        ]
                    }
                },
            },
        },
    }


def shown(issuer: str, **changes: Any) -> Json:
    return {
        "issuer": issuer,
        "cred_def_id": resource(issuer, "CredDef"),
        "credential_type": "qualification/1.0",
        "occupation": "C7212",
        "proven_eqf_level": 3,
        "framework": "LK-NVQ",
        "crosswalk_version": NVQ_NEW,
        "awarded": year(2024),
        "expires_on": None,
        "registry": resource(issuer, "Registry"),
        **changes,
    }


def year(number: int) -> Json:
    return {"first": f"{number}-01-01", "last": f"{number}-12-31"}


def day(text: str) -> Json:
    return {"first": text, "last": text}


def case(issuer: str, name: str, **changes: Any) -> Json:
    """Return a TRUSTED case; changes of the evidence by name, of the requirement as `requirement`."""
    requirement = EMPLOYER_ASKS | changes.pop("requirement", {})
    at, fresh_until = changes.pop("at", AT), changes.pop("fresh_until", FRESH_UNTIL)
    return {
        "name": name,
        "governance": "ecosystem.json",
        "fresh_until": fresh_until,
        "at": at,
        "requirement": requirement,
        "evidence": shown(issuer, **changes),
        "expect": {"verdict": "TRUSTED", "codes": ["issuer.accredited"]},
    }


def neighbour(accepted: Json, name: str, code: str, verdict: str = "NOT_TRUSTED", **change: Any) -> Json:
    """Return a case that differs from `accepted` in one point: `part__member=value`, or `part=value`."""
    ((where, value),) = change.items()
    part, _, member = where.partition("__")
    changed = json.loads(json.dumps(accepted))
    if member:
        changed[part][member] = value
    else:
        changed[part] = value
    return {
        **changed,
        "name": name,
        "differs": where.replace("__", "."),
        "expect": {"verdict": verdict, "codes": [code]},
    }


def topics() -> dict[str, tuple[str, Json, list[Json]]]:
    """Return file name -> what it shows, the accepted case, the refused neighbours."""
    welder = case(CENTRE, "a welder of the centre, awarded in 2024, proves EQF 3 or more for Malta")
    found: dict[str, tuple[str, Json, list[Json]]] = {}
    found["01-governance-is-there"] = (
        "rule 1",
        welder,
        [neighbour(welder, "no governance file", "governance.missing", "UNKNOWN", governance=None)],
    )
    found["02-governance-is-fresh"] = (
        "rule 2",
        welder,
        [
            neighbour(
                welder,
                "the statement ended a second ago",
                "governance.stale",
                "STALE",
                fresh_until="2026-11-22T11:59:59Z",
            ),
            neighbour(welder, "the statement ends now", "governance.stale", "STALE", fresh_until=AT),
            neighbour(welder, "no statement", "governance.stale", "STALE", fresh_until=None),
            neighbour(welder, "a clock that is a day ahead", "governance.stale", "STALE", at="2026-11-23T12:00:00Z"),
        ],
    )
    found["03-answers-the-requirement"] = (
        "rule 3",
        welder,
        [
            neighbour(
                welder,
                "another type asked",
                "requirement.credential_type",
                requirement__credential_type="attendance/1.0",
            ),
            neighbour(welder, "another occupation asked", "requirement.occupation", requirement__occupation="C7213"),
            neighbour(
                welder, "a finer occupation asked than shown", "requirement.occupation", evidence__occupation="C721"
            ),
            neighbour(welder, "a higher level asked than proven", "requirement.level", requirement__min_eqf_level=4),
            neighbour(welder, "no level proven", "requirement.level", evidence__proven_eqf_level=None),
            neighbour(welder, "non-revocation not proven", "requirement.revocation", evidence__registry=None),
        ],
    )
    broad = case(CENTRE, "any metal trade asked, a welder shown", requirement={"occupation": "C72"})
    found["03-asks-a-whole-group"] = (
        "rule 3",
        broad,
        [neighbour(broad, "another group asked", "requirement.occupation", requirement__occupation="C71")],
    )
    free = case(
        CENTRE,
        "no level and no proof of non-revocation asked",
        requirement={"min_eqf_level": None, "not_revoked": False},
        proven_eqf_level=None,
        registry=None,
    )
    found["03-asks-no-level"] = (
        "rules 3 and 13",
        free,
        [
            neighbour(free, "a level asked", "requirement.level", requirement__min_eqf_level=1),
            neighbour(free, "not revoked asked", "requirement.revocation", requirement__not_revoked=True),
        ],
    )
    found["04-objects-of-the-issuer"] = (
        "rule 4",
        welder,
        [
            neighbour(
                welder,
                "definition of a stranger",
                "issuer.foreign_cred_def",
                evidence__cred_def_id=resource(STRANGER, "CredDef"),
            ),
            neighbour(
                welder,
                "registry of a stranger",
                "issuer.foreign_registry",
                evidence__registry=resource(STRANGER, "Registry"),
            ),
            neighbour(welder, "another issuer's name", "issuer.foreign_cred_def", evidence__issuer=SUSPENDED),
        ],
    )
    expiring = case(CENTRE, "on its last day", expires_on="2026-11-22")
    found["05-not-expired"] = (
        "rule 5",
        expiring,
        [neighbour(expiring, "expired yesterday", "credential.expired", evidence__expires_on="2026-11-21")],
    )
    tomorrow = case(CENTRE, "dated tomorrow, which has begun east of here", awarded=day("2026-11-23"))
    found["06-not-in-future"] = (
        "rule 6",
        tomorrow,
        [
            neighbour(tomorrow, "the day after tomorrow", "award.in_future", evidence__awarded=day("2026-11-24")),
            neighbour(tomorrow, "next year", "award.in_future", evidence__awarded=year(2027)),
        ],
    )
    stranger = json.loads(json.dumps(welder).replace(CENTRE, STRANGER))
    stranger |= {"name": "an issuer that the file does not accredit", "differs": "evidence.issuer, with all it owns"}
    stranger["expect"] = {"verdict": "NOT_TRUSTED", "codes": ["issuer.not_accredited"]}
    authority = json.loads(json.dumps(welder).replace(CENTRE, AUTHORITY))
    authority |= {"name": "the authority itself, described but not accredited", "differs": stranger["differs"]}
    authority["expect"] = stranger["expect"]
    found["07-issuer-is-accredited"] = ("rule 7", welder, [stranger, authority])
    smith = case(
        CENTRE, "a blacksmith, beside an excluded trade", occupation="C7221", requirement={"occupation": "C72"}
    )
    found["08-exclusions-win"] = (
        "rule 8",
        smith,
        [neighbour(smith, "sheet-metal work is excluded", "occupation.excluded", evidence__occupation="C7213")],
    )
    kept_out = case(
        EXCLUDED, "a trade beside one that a withdrawn accreditation excludes", requirement={"occupation": "C72"}
    )
    found["08-exclusions-outlive-their-accreditation"] = (
        "rule 8",
        kept_out,
        [
            neighbour(
                kept_out, "excluded by a withdrawn accreditation", "occupation.excluded", evidence__occupation="C7214"
            )
        ],
    )
    found["09-definition-is-listed"] = (
        "rule 9",
        welder,
        [
            neighbour(
                welder,
                "another definition of the same issuer",
                "cred_def.not_listed",
                evidence__cred_def_id=resource(CENTRE, "CredDefSecond"),
            )
        ],
    )
    attendance = case(
        UNION,
        "a type that this definition is listed for",
        credential_type="attendance/1.0",
        cred_def_id=resource(UNION, "CredDefSecond"),
        requirement={"credential_type": "attendance/1.0"},
    )
    found["09-type-is-listed"] = (
        "rule 9",
        attendance,
        [
            neighbour(
                attendance,
                "the definition of another type",
                "credential_type.not_listed",
                evidence__cred_def_id=resource(UNION, "CredDef"),
            )
        ],
    )
    cook = json.loads(json.dumps(welder))
    cook["requirement"]["occupation"] = cook["evidence"]["occupation"] = "C5120"
    cook |= {"name": "a cook from a centre for metal trades", "differs": "the occupation, asked and shown"}
    cook["expect"] = {"verdict": "NOT_TRUSTED", "codes": ["occupation.not_covered"]}
    parent = json.loads(json.dumps(broad))
    parent["requirement"]["occupation"] = parent["evidence"]["occupation"] = "C7"
    parent |= {"name": "the group above the scope", "differs": "the occupation, asked and shown"}
    parent["expect"] = cook["expect"]
    found["10-occupation-is-covered"] = ("rule 10", broad, [cook, parent])
    found["11-jurisdiction-is-covered"] = (
        "rule 11",
        welder,
        [
            neighbour(
                welder, "a country it does not count in", "jurisdiction.not_covered", requirement__jurisdiction="DEU"
            )
        ],
    )
    one_statement = case(UNION, "a welder under one accreditation", awarded=year(2018), crosswalk_version=NVQ_OLD)
    plumber = json.loads(json.dumps(one_statement))
    plumber["requirement"]["occupation"] = plumber["evidence"]["occupation"] = "C7126"
    plumber |= {
        "name": "the occupation of one accreditation, the country of another",
        "differs": "the occupation, asked and shown",
        "expect": {"verdict": "NOT_TRUSTED", "codes": ["jurisdiction.not_covered"]},
    }
    found["11-one-statement-must-fit"] = ("rules 9 to 14", one_statement, [plumber])
    old = case(CENTRE, "the crosswalk of the time", awarded=day("2019-06-30"), crosswalk_version=NVQ_OLD)
    found["12-crosswalk-in-force"] = (
        "rule 12",
        old,
        [
            neighbour(
                old, "awarded a day after it ended", "crosswalk.not_in_force", evidence__awarded=day("2019-07-01")
            ),
            neighbour(old, "one that came later", "crosswalk.not_in_force", evidence__crosswalk_version=NVQ_NEW),
            neighbour(
                old, "one that the file does not have", "crosswalk.unknown", evidence__crosswalk_version="nvq-eqf-1999"
            ),
            neighbour(old, "none named", "crosswalk.missing", evidence__crosswalk_version=None),
            neighbour(
                old, "none named, in the credential's words", "crosswalk.missing", evidence__crosswalk_version="none"
            ),
            neighbour(old, "a year in which it changed", "award.date_needed", evidence__awarded=year(2019)),
            neighbour(old, "of another framework", "crosswalk.unknown", evidence__framework="EQF"),
        ],
    )
    highest = case(CENTRE, "proves the upper bound", proven_eqf_level=5, requirement={"min_eqf_level": 5})
    found["13-level-within-range"] = (
        "rule 13",
        highest,
        [
            neighbour(
                highest, "proves more than the issuer may attest", "level.not_covered", evidence__proven_eqf_level=6
            )
        ],
    )
    older = case(
        CENTRE,
        "the upper bound by the older crosswalk",
        awarded=year(2018),
        crosswalk_version=NVQ_OLD,
        proven_eqf_level=4,
        requirement={"min_eqf_level": 4},
    )
    older["evidence"]["awarded"] = {"first": "2018-04-01", "last": "2018-12-31"}
    found["13-level-by-the-crosswalk-named"] = (
        "rule 13",
        older,
        [
            neighbour(
                older, "what only the newer crosswalk would give", "level.not_covered", evidence__proven_eqf_level=5
            )
        ],
    )
    european = case(EUROPEAN, "a range in EQF levels", proven_eqf_level=4, requirement={"min_eqf_level": 4})
    found["13-range-in-eqf"] = (
        "rule 13",
        european,
        [neighbour(european, "above the range", "level.not_covered", evidence__proven_eqf_level=5)],
    )
    itself = case(EUROPEAN, "an EQF level needs no crosswalk", framework="EQF", crosswalk_version=None)
    elsewhere = json.loads(json.dumps(itself).replace(EUROPEAN, CENTRE))
    elsewhere |= {"name": "an issuer of NVQ levels only", "differs": "evidence.issuer, with all it owns"}
    elsewhere["expect"] = {"verdict": "NOT_TRUSTED", "codes": ["framework.not_covered"]}
    found["13-eqf-itself"] = ("rules 12 and 13", itself, [elsewhere])
    first_day = case(CENTRE, "awarded on the first day of a window", awarded=day("2022-07-01"))
    found["14-two-windows"] = (
        "rule 14",
        first_day,
        [
            neighbour(first_day, "the day before", "mandate.outside", evidence__awarded=day("2022-06-30")),
            neighbour(first_day, "a year between the windows", "mandate.outside", evidence__awarded=year(2021)),
            neighbour(first_day, "a year that fits in part", "award.date_needed", evidence__awarded=year(2022)),
            neighbour(
                first_day,
                "days across both windows",
                "award.date_needed",
                evidence__awarded={"first": "2020-12-01", "last": "2022-12-31"},
            ),
        ],
    )
    last_day = case(UNION, "awarded on the last day of a mandate", awarded=day("2023-12-31"))
    found["14-mandate-ended"] = (
        "rule 14",
        last_day,
        [neighbour(last_day, "the day after", "mandate.outside", evidence__awarded=day("2024-01-01"))],
    )
    joined = case(UNION, "a year that two adjoining mandates cover together", awarded=year(2020))
    smith_2020 = json.loads(json.dumps(joined))
    smith_2020["requirement"]["occupation"] = smith_2020["evidence"]["occupation"] = "C7221"
    smith_2020 |= {
        "name": "an occupation that only one of them covers",
        "differs": "the occupation, asked and shown",
        "expect": {"verdict": "NOT_TRUSTED", "codes": ["award.date_needed"]},
    }
    found["14-mandates-add-up"] = ("rule 14", joined, [smith_2020])
    before = case(SUSPENDED, "awarded before, from a registry that existed", awarded=year(2023))
    before["evidence"]["registry"] = resource(SUSPENDED, "RegistryBefore")
    found["14-suspended"] = (
        "rule 14",
        before,
        [
            neighbour(before, "on the day it took effect", "status.suspended", evidence__awarded=day("2024-09-01")),
            neighbour(before, "after", "status.suspended", evidence__awarded=year(2025)),
            neighbour(before, "in the year it took effect", "award.date_needed", evidence__awarded=year(2024)),
            neighbour(
                before,
                "from a registry made later: dated back",
                "registry.not_pinned",
                evidence__registry=resource(SUSPENDED, "RegistryAfter"),
            ),
        ],
    )
    unpinned = case(SUSPENDED, "suspended", awarded=year(2023), requirement={"not_revoked": False})
    unpinned["evidence"]["registry"] = resource(SUSPENDED, "RegistryBefore")
    found["14-suspended-without-registry"] = (
        "rule 14",
        unpinned,
        [neighbour(unpinned, "no registry is known", "registry.not_pinned", evidence__registry=None)],
    )
    again = case(REINSTATED, "awarded after, from a new registry", awarded=year(2022))
    found["14-reinstated"] = (
        "rule 14",
        again,
        [
            neighbour(again, "while suspended", "status.suspended", evidence__awarded=day("2021-08-31")),
            neighbour(again, "in the year of the suspension", "award.date_needed", evidence__awarded=year(2021)),
            neighbour(
                again,
                "from a registry made while suspended",
                "registry.not_pinned",
                evidence__registry=resource(REINSTATED, "RegistryDuring"),
            ),
        ],
    )
    once = case(
        REINSTATED,
        "after the suspension, no registry known",
        awarded=year(2022),
        registry=None,
        requirement={"not_revoked": False},
    )
    found["14-reinstated-without-registry"] = (
        "rule 14",
        once,
        [neighbour(once, "before the suspension", "registry.not_pinned", evidence__awarded=year(2020))],
    )
    gone = case(WITHDRAWN, "awarded before the withdrawal", awarded=year(2022))
    gone["evidence"]["registry"] = resource(WITHDRAWN, "RegistryBefore")
    found["14-withdrawn"] = (
        "rule 14",
        gone,
        [
            neighbour(gone, "on the day of the withdrawal", "status.withdrawn", evidence__awarded=day("2023-05-01")),
            neighbour(gone, "in the year of the withdrawal", "award.date_needed", evidence__awarded=year(2023)),
            neighbour(
                gone,
                "from a later registry",
                "registry.not_pinned",
                evidence__registry=resource(WITHDRAWN, "RegistryAfter"),
            ),
        ],
    )
    twice = case(TWICE, "before both decisions", awarded=year(2020))
    twice["evidence"]["registry"] = resource(TWICE, "RegistryBefore")
    found["14-suspended-then-withdrawn"] = (
        "rule 14",
        twice,
        [
            neighbour(twice, "between the decisions", "status.withdrawn", evidence__awarded=year(2022)),
            neighbour(
                twice,
                "a registry that only the later decision names",
                "registry.not_pinned",
                evidence__registry=resource(TWICE, "RegistryDuring"),
            ),
        ],
    )
    return found


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    _write("ecosystem.json", ecosystem())
    for name, (rule, accepted, refused) in topics().items():
        _write(
            f"{name}.json",
            {"name": name, "source": f"{rule}: {DESIGN}", "accepted": accepted, "refused": refused},
        )


def _write(name: str, document: Json) -> None:
    (FOLDER / name).write_text(json.dumps(document, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
