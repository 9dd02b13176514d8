"""The governance files of the recognition vectors: authorities that recognise each other.

Malta is home. It recognises Sri Lanka (which recognises Nepal, which recognises Bhutan), India, ASEAN and SADC. Files
named `x-….json` differ from `x.json` in one statement. All is invented; the levels of frameworks are real names.
"""

from typing import Any

from tests.vectors.decision_words import Json, accreditation, did, resource, source, status

MALTA = did("MaLta", "malta")
LANKA = did("Lanka", "lanka")
NEPAL = did("NepaL", "nepal")
BHUTAN = did("Bhutan", "bhutan")
INDIA = did("india", "india")
ASEAN = did("asean", "asean")
SADC = did("sadc", "sadc")

CENTRE = did("Centre", "centre")  # accredited by Sri Lanka
HOSPITAL = did("HospitaL", "hospital")  # nurses, accredited by Sri Lanka
SCHOOL = did("SchooL", "school")  # accredited by Nepal
VALLEY = did("VaLLey", "valley")  # accredited by Bhutan
WITHDRAWN = did("Withdrawn", "withdrawn")  # accredited by Sri Lanka, withdrawn by Malta
BARRED = did("Barred", "barred")  # accredited by Sri Lanka, a trade excluded by Malta
SUSPENDED = did("Suspended", "suspended")  # accredited by Nepal, suspended for a time by Sri Lanka
PUNE = did("Pune", "pune")  # accredited by India
HANOI = did("Hanoi", "hanoi")  # accredited in ASEAN
HARARE = did("Harare", "harare")  # accredited in SADC
STRANGER = did("Stranger", "stranger")

NVQ, NSQF, AQRF, SADCQF = "nvq-eqf", "nsqf-eqf", "aqrf-eqf", "sadcqf-eqf"
SCHEMAS = "https://identity.foundation/credential-trust-establishment/schemas/"
PROFILE = "https://w3id.org/wanderbuch/governance/1.0/"


def recognition(number: str, **changes: Any) -> Json:
    return {
        "id": number,
        "credential_types": ["qualification/1.0"],
        "occupations": ["C72"],
        "excluded_occupations": [],
        "level_range": {"framework": "EQF", "min": "2", "max": "5"},
        "purposes": ["employment", "study"],
        "jurisdictions": ["MLT"],
        "intervals": [{"start": "2015-01-01"}],
        "status": [],
        "onward": 0,
        "decision": f"https://recognising.wanderbuch.test/decisions/{number}",
        "redress": f"https://recognising.wanderbuch.test/appeals/{number}",
        **changes,
    }


def lapse(kind: str, day: str) -> Json:
    return {"status": kind, "decided_on": day, "effective_from": day}


def table(version: str, framework: str, mapping: dict[str, int | None], **days: str) -> Json:
    return {
        "version": version,
        "framework": framework,
        "valid_from": "2010-01-01",
        **days,
        "levels": [{"level": level, "eqf": eqf} for level, eqf in mapping.items()],
        "source": "invented for the vectors",
    }


NVQ_LEVELS: dict[str, int | None] = {"1": 1, "2": 2, "3": 3, "4": 4, "5": 5, "6": 5, "7": 6}
NVQ_BY_MALTA: dict[str, int | None] = {"1": None, "2": 1, "3": 2, "4": 4, "5": 5, "6": 5, "7": 6}


def authority_file(
    author: str,
    name: str,
    accredited: dict[str, list[Json]],
    *,
    crosswalks: list[Json] | None = None,
    recognised: dict[str, list[Json]] | None = None,
    regulations: list[Json] | None = None,
    refusals: dict[str, list[Json]] | None = None,
    aliases: dict[str, list[str]] | None = None,
) -> Json:
    schema = resource(author, "Schema")
    known = {
        author: name,
        **{participant: _name(participant) for participant in (*accredited, *(recognised or {}), *(aliases or {}))},
    }
    entries: Json = {
        f"{SCHEMAS}description.json": {
            participant: {"name": participant_name} for participant, participant_name in known.items()
        },
        f"{PROFILE}accreditation.json": {
            participant: {"accreditations": statements} for participant, statements in accredited.items()
        },
    }
    if crosswalks:
        entries[f"{PROFILE}crosswalk.json"] = {author: {"crosswalks": crosswalks}}
    if recognised:
        entries[f"{PROFILE}recognition.json"] = {
            participant: {"recognitions": statements} for participant, statements in recognised.items()
        }
    if regulations:
        entries[f"{PROFILE}regulation.json"] = {author: {"regulations": regulations}}
    if refusals:
        entries[f"{PROFILE}refusal.json"] = {
            participant: {"refusals": statements} for participant, statements in refusals.items()
        }
    if aliases:
        entries[f"{SCHEMAS}alias.json"] = {
            participant: {"alias_dids": alias_dids} for participant, alias_dids in aliases.items()
        }
    return {
        "@context": ["https://identity.foundation/credential-trust-establishment/context.jsonld"],
        "id": f"https://{author.split(':')[3]}/governance",
        "name": name,
        "description": "EXAMPLE ONLY: invented for tests; the DIDs are placeholders.",
        "version": 3,
        "format": "1.0",
        "last_updated": "2026-11-02T08:00:00Z",
        "author": author,
        "trusted_governance": [
            {"publisher": publisher, "uri": f"https://{publisher.split(':')[3]}/governance/current.jws"}
            for publisher in recognised or {}
        ],
        "schemas": [{"id": schema, "name": "qualification/1.0"}, {"id": f"{schema[:-1]}2", "name": "attendance/1.0"}],
        "roles": {"issuer": {"issue": [schema]}},
        "participants": {
            "id": "9a0f4c35-1c8c-4a3f-8f0e-3b1b6ac1c7b2",
            "author": author,
            "created": "2026-11-02T08:00:00Z",
            "version": 1,
            "entries": entries,
        },
    }


def _name(party: str) -> str:
    """Return how a party is called by those who know it."""
    names = {LANKA: "Sri Lanka", ASEAN: "ASEAN", SADC: "SADC"}
    return names.get(party) or party.split(":")[3].split(".")[0].capitalize()


def _own(number: str, issuer: str, **changes: Any) -> list[Json]:
    return [accreditation(number, issuer, **{"jurisdictions": ["LKA"], **changes})]


def _in_eqf(document: Json) -> Json:
    """Return a file whose accreditations are for EQF levels, which need no crosswalk."""
    for statement in document["participants"]["entries"][f"{PROFILE}accreditation.json"].values():
        for stated in statement["accreditations"]:
            stated["level_range"]["framework"] = "EQF"
    return document


def _malta(**changes: Any) -> Json:
    to_lanka = [
        recognition("M-1", excluded_occupations=["C7213"], onward=2),
        recognition(
            "M-2",
            occupations=["C2221", "C5321"],
            level_range={"framework": "EQF", "min": "1", "max": "8"},
            purposes=["employment", "regulated-profession"],
        ),
        recognition(
            "M-3",
            occupations=["C7411"],
            level_range={"framework": "EQF", "min": "1", "max": "3"},
            purposes=["employment"],
            intervals=[{"start": "2015-01-01", "end": "2024-05-31"}],
            status=[lapse("suspended", "2021-03-01"), lapse("active", "2021-09-01")],
            onward=1,
        ),
        recognition("M-4", occupations=["C7411"], purposes=["employment"], intervals=[{"start": "2024-06-01"}]),
    ]
    to_others = {
        author: [recognition(number, level_range={"framework": "EQF", "min": "1", "max": "8"})]
        for author, number in ((INDIA, "M-5"), (ASEAN, "M-6"), (SADC, "M-7"))
    }
    withdrawn = status("withdrawn", "2023-05-01", "2023-05-01", resource(WITHDRAWN, "RegistryBefore"))
    settings: Json = {
        "crosswalks": [],
        "recognised": {LANKA: to_lanka, **to_others},
        "regulations": [
            {
                "id": "M-REG-1",
                "occupations": ["C2221"],
                "jurisdictions": ["MLT"],
                "intervals": [{"start": "2020-01-01"}],
                "competent_authority": "Council for nurses",
                "decision": "https://malta.wanderbuch.test/laws/1",
                "redress": "https://malta.wanderbuch.test/nurses",
            },
            {
                "id": "M-REG-2",
                "occupations": ["C7212"],
                "jurisdictions": ["ITA"],
                "intervals": [{"start": "2020-01-01"}],
                "competent_authority": "Council for welders, elsewhere",
                "decision": "https://malta.wanderbuch.test/laws/2",
                "redress": "https://malta.wanderbuch.test/welders",
            },
        ],
        "refusals": {
            STRANGER: [
                {
                    "id": "M-NO-1",
                    "occupations": ["C72"],
                    "decided_on": "2024-01-10",
                    "decision": "https://malta.wanderbuch.test/decisions/M-NO-1",
                    "reason": "No workshop.",
                    "redress": "https://malta.wanderbuch.test/refused",
                }
            ]
        },
        **changes,
    }
    accredited = {
        WITHDRAWN: _own("M-A-1", WITHDRAWN, jurisdictions=["ITA"], status=[withdrawn]),
        BARRED: _own("M-A-2", BARRED, jurisdictions=["ITA"], excluded_occupations=["C7214"]),
    }
    return _in_eqf(authority_file(MALTA, "Malta", accredited, **settings))


def _lanka(**changes: Any) -> Json:
    paused = [
        status("suspended", "2022-01-01", "2022-01-01", resource(SUSPENDED, "Registry")),
        status("active", "2022-07-01", "2022-07-01", resource(SUSPENDED, "Registry")),
    ]
    accredited = {
        CENTRE: [
            *_own(
                "L-1",
                CENTRE,
                occupations=["C72", "C51"],
                level_range={"framework": "LK-NVQ", "min": "1", "max": "7"},
                intervals=[{"start": "2012-01-01", "end": "2025-06-30"}],
                excluded_occupations=["C7215"],
            ),
            *_own("L-2", CENTRE, occupations=["C7411"]),
            *_own(
                "L-3",
                CENTRE,
                sources=[source(CENTRE, "CredDefSecond")],
                credential_types=["attendance/1.0"],
            ),
        ],
        HOSPITAL: _own("L-4", HOSPITAL, occupations=["C22", "C53"]),
        WITHDRAWN: _own("L-5", WITHDRAWN),
        BARRED: _own("L-6", BARRED),
        SUSPENDED: _own(
            "L-7", SUSPENDED, occupations=["C7212"], sources=[source(SUSPENDED, "CredDefSecond")], status=paused
        ),
    }
    settings: Json = {
        "crosswalks": [table(NVQ, "LK-NVQ", NVQ_LEVELS)],
        "recognised": {NEPAL: [recognition("L-N-1", occupations=["C72", "C7411"], jurisdictions=["LKA"], onward=1)]},
        **changes,
    }
    return authority_file(LANKA, "Sri Lanka", accredited, **settings)


def _nepal(**changes: Any) -> Json:
    accredited = {
        SCHOOL: _own("N-1", SCHOOL, jurisdictions=["NPL"], occupations=["C72", "C7411"]),
        SUSPENDED: _own("N-2", SUSPENDED, jurisdictions=["NPL"]),
    }
    settings: Json = {
        "crosswalks": [table("np-nvq-eqf", "LK-NVQ", NVQ_LEVELS)],
        "recognised": {BHUTAN: [recognition("N-B-1", jurisdictions=["NPL"])]},
        **changes,
    }
    return authority_file(NEPAL, "Nepal", accredited, **settings)


def _region(author: str, name: str, issuer: str, crosswalk: Json) -> Json:
    levels = [row["level"] for row in crosswalk["levels"]]
    whole = {"framework": crosswalk["framework"], "min": levels[0], "max": levels[-1]}
    return authority_file(author, name, {issuer: _own("A-1", issuer, level_range=whole)}, crosswalks=[crosswalk])


def world() -> dict[str, Json]:
    """Return every file by its name."""
    half_levels: dict[str, int | None] = {
        "1": 1, "2": 2, "2.5": 2, "3": 3, "3.5": 3, "4": 4, "4.5": 4,
        "5": 5, "5.5": 5, "6": 6, "6.5": 6, "7": 7, "8": 8,
    }  # fmt: skip
    ten: dict[str, int | None] = {"1": 1, "2": 2, "3": 3, "4": 4, "5": 5, "6": 5, "7": 6, "8": 6, "9": 7, "10": 8}
    eight: dict[str, int | None] = {str(level): level for level in range(1, 9)}
    lanka_circle = _lanka(recognised={MALTA: [recognition("L-M-1", onward=1)]})
    lanka_alias = _lanka(aliases={NEPAL: [LANKA]})
    malta_near = _malta()
    malta_near["participants"]["entries"][f"{PROFILE}recognition.json"][LANKA]["recognitions"][0]["onward"] = 0
    malta_nurses = _malta()
    to_lanka = malta_nurses["participants"]["entries"][f"{PROFILE}recognition.json"][LANKA]["recognitions"]
    to_lanka[1]["purposes"] = ["employment"]
    lanka_near = _lanka(recognised={NEPAL: [recognition("L-N-1", occupations=["C72", "C7411"], jurisdictions=["LKA"])]})
    return {
        "malta.json": _malta(),
        "malta-near.json": malta_near,
        "malta-nurses.json": malta_nurses,
        "malta-mapping.json": _malta(
            crosswalks=[table("nvq-by-malta", "LK-NVQ", NVQ_BY_MALTA, valid_from="2020-01-01")]
        ),
        "malta-aliases.json": _malta(aliases={NEPAL: [BHUTAN], BHUTAN: [LANKA]}),
        "lanka.json": _lanka(),
        "lanka-near.json": lanka_near,
        "lanka-circle.json": lanka_circle,
        "lanka-alias.json": lanka_alias,
        "lanka-unmapped.json": _in_eqf(_lanka(crosswalks=[])),
        "nepal.json": _nepal(),
        "bhutan.json": authority_file(
            BHUTAN,
            "Bhutan",
            {VALLEY: _own("B-1", VALLEY, jurisdictions=["BTN"])},
            crosswalks=[table("bt-eqf", "LK-NVQ", NVQ_LEVELS)],
        ),
        "india.json": _region(INDIA, "India", PUNE, table(NSQF, "IN-NSQF", half_levels, valid_from="2020-01-01")),
        "asean.json": _region(ASEAN, "ASEAN", HANOI, table(AQRF, "AQRF", eight)),
        "sadc.json": _region(SADC, "SADC", HARARE, table(SADCQF, "SADCQF", ten)),
    }
