"""Vectors of rules 25 to 30: what the files at both ends of a chain say of the issuer and of levels."""

import json

from tests.vectors.decision_words import FRESH_UNTIL, Topics, day, source, year
from tests.vectors.recognition_cases import AT_HAND, case, neighbour
from tests.vectors.recognition_world import (
    AQRF,
    CENTRE,
    HANOI,
    HARARE,
    NSQF,
    PUNE,
    SADCQF,
    SCHOOL,
    STRANGER,
    SUSPENDED,
    WITHDRAWN,
)

YESTERDAY = "2026-11-21T12:00:00Z"


def topics() -> Topics:
    """Return the cases of these rules."""
    welder = case(CENTRE, "a welder of a centre that Sri Lanka accredits", ["M-1"])
    school = case(SCHOOL, "a welder from Nepal, over Sri Lanka", ["M-1", "L-N-1"], crosswalk_version="np-nvq-eqf")
    by_topic: Topics = {}
    before = case(
        WITHDRAWN,
        "before Malta withdrew it",
        ["M-1"],
        awarded=year(2022),
        status=source(WITHDRAWN, "RegistryBefore"),
    )
    by_topic["25-withdrawn-at-home"] = (
        "rule 25",
        before,
        [
            neighbour(before, "after", "status.withdrawn", evidence__awarded=year(2024)),
            neighbour(before, "in the year it was", "award.date_needed", evidence__awarded=year(2023)),
            neighbour(
                before,
                "from a registry made later",
                "status.withdrawn",
                evidence__status=source(WITHDRAWN, "RegistryAfter"),
            ),
        ],
    )
    passing = case(
        SUSPENDED,
        "accredited by Nepal, before Sri Lanka suspended it",
        ["M-1", "L-N-1"],
        crosswalk_version="np-nvq-eqf",
        awarded=year(2021),
    )
    suspended = neighbour(
        passing,
        "while Sri Lanka suspended it",
        "cred_def.not_listed",
        "status.suspended",
        evidence__awarded=day("2022-03-01"),
    )
    by_topic["25-suspended-on-the-way"] = ("rule 25", passing, [suspended])
    by_topic["26-at-hand"] = (
        "rule 26",
        welder,
        [
            neighbour(
                welder,
                "Sri Lanka's file could not be had",
                "recognition.unreachable",
                verdict="UNKNOWN",
                recognised=_without("lanka.json"),
            )
        ],
    )
    by_topic["26-all-at-hand"] = (
        "rule 26",
        school,
        [
            neighbour(
                school,
                "Nepal's file could not be had",
                "recognition.unreachable",
                verdict="UNKNOWN",
                recognised=_without("nepal.json"),
            ),
            neighbour(
                school,
                "Sri Lanka's file could not be had",
                "recognition.unreachable",
                verdict="UNKNOWN",
                recognised=_without("lanka.json"),
            ),
        ],
    )
    by_topic["27-fresh"] = (
        "rule 27",
        school,
        [
            neighbour(
                school,
                "nobody vouches for Nepal's file since yesterday",
                "recognition.stale",
                verdict="STALE",
                recognised=AT_HAND | {"nepal.json": YESTERDAY},
            ),
            neighbour(
                school,
                "nor for Sri Lanka's",
                "recognition.stale",
                verdict="STALE",
                recognised=AT_HAND | {"lanka.json": YESTERDAY},
            ),
        ],
    )
    stranger = json.loads(json.dumps(welder).replace(CENTRE, STRANGER))
    stranger |= {
        "name": "an issuer that nobody accredits, and Malta refused",
        "differs": "evidence.issuer, with all it owns",
        "expect": {
            "verdict": "NOT_TRUSTED",
            "codes": ["issuer.not_accredited", "recognition.not_accredited"],
            "redress": ["https://malta.wanderbuch.test/refused"],
        },
    }
    group = case(CENTRE, "any metal trade asked", ["M-1"], requirement={"occupation": "C72"})
    group["evidence"]["occupation"] = "C7212"
    by_topic["28-accredited"] = (
        "rule 28",
        group,
        [
            neighbour(
                group,
                "another definition",
                "cred_def.not_listed",
                evidence__source=source(CENTRE, "CredDefThird"),
            ),
            neighbour(group, "excluded by Sri Lanka", "occupation.excluded", evidence__occupation="C7215"),
            neighbour(group, "a crosswalk of Nepal", "crosswalk.unknown", evidence__crosswalk_version="np-nvq-eqf"),
            neighbour(group, "no crosswalk named", "crosswalk.missing", evidence__crosswalk_version=None),
            neighbour(
                group,
                "Sri Lanka has no crosswalk",
                "crosswalk.unknown",
                recognised=_without("lanka.json") | {"lanka-unmapped.json": FRESH_UNTIL},
            ),
        ],
    )
    by_topic["28-somebody-accredits"] = ("rule 28", welder, [stranger])
    mapped = case(CENTRE, "a level that Malta maps alike", ["M-1"], governance="malta-mapping.json", proven_eqf_level=4)
    by_topic["29-lowest-level-counts"] = (
        "rule 29",
        mapped,
        [neighbour(mapped, "one that Malta maps lower", "level.mapped_lower", evidence__proven_eqf_level=3)],
    )
    lower = case(
        CENTRE,
        "a level that Malta maps lower, and that is enough",
        ["M-1"],
        governance="malta-mapping.json",
        requirement={"min_eqf_level": 2},
        told=["level.lowest_counts"],
    )
    by_topic["29-lower-and-enough"] = (
        "rule 29",
        lower,
        [neighbour(lower, "and not enough", "level.mapped_lower", requirement__min_eqf_level=3)],
    )
    early = case(
        CENTRE,
        "before Malta had a table of its own",
        ["M-1"],
        governance="malta-mapping.json",
        awarded=day("2019-12-31"),
    )
    by_topic["29-tables-of-the-day"] = (
        "rule 29",
        early,
        [
            neighbour(early, "on its first day", "level.mapped_lower", evidence__awarded=day("2020-01-01")),
            neighbour(
                early,
                "in a time in which it began",
                "level.mapped_lower",
                evidence__awarded={"first": "2019-12-01", "last": "2020-01-31"},
            ),
        ],
    )
    last_day = case(CENTRE, "the last day of the mandate", ["M-1"], awarded=day("2025-06-30"))
    by_topic["30-in-mandate"] = (
        "rule 30",
        last_day,
        [neighbour(last_day, "the day after", "mandate.outside", evidence__awarded=day("2025-07-01"))],
    )
    for issuer, number, framework, version in (
        (PUNE, "M-5", "IN-NSQF", NSQF),
        (HANOI, "M-6", "AQRF", AQRF),
        (HARARE, "M-7", "SADCQF", SADCQF),
    ):
        four = case(
            issuer,
            f"EQF 4 or more, by the crosswalk of {framework}",
            [number],
            requirement={"min_eqf_level": 4},
            proven_eqf_level=4,
            framework=framework,
            crosswalk_version=version,
        )
        refused = [
            neighbour(four, "levels of another framework", "framework.not_covered", evidence__framework="EQF"),
            neighbour(
                four,
                "a level of which nothing says what it is",
                "crosswalk.missing",
                evidence__crosswalk_version="none",
            ),
        ]
        refused[0]["expect"]["codes"][1] = "crosswalk.unknown"
        if framework == "IN-NSQF":
            refused.append(
                neighbour(four, "before there was a crosswalk", "crosswalk.not_in_force", evidence__awarded=year(2019))
            )
        by_topic[f"28-levels-of-{framework.lower()}"] = ("rules 28 and 29", four, refused)
    return by_topic


def _without(file: str) -> dict[str, str]:
    return {name: until for name, until in AT_HAND.items() if name != file}
