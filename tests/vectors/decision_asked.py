"""Vectors of rules 1 to 6: the governance file, what was asked, dates."""

import json

from tests.vectors.decision_ecosystem import CENTRE, STRANGER, SUSPENDED
from tests.vectors.decision_words import AT, Topics, case, day, neighbour, source, year


def topics() -> Topics:
    """Return the cases of these rules."""
    welder = case(CENTRE, "a welder of the centre, awarded in 2024, proves EQF 3 or more for Malta")
    by_topic: Topics = {}
    by_topic["01-governance-is-there"] = (
        "rule 1",
        welder,
        [neighbour(welder, "no governance file", "governance.missing", "UNKNOWN", governance=None)],
    )
    by_topic["02-governance-is-fresh"] = (
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
    by_topic["03-answers-the-requirement"] = (
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
            neighbour(welder, "non-revocation not proven", "requirement.revocation", evidence__status=None),
        ],
    )
    unknown = json.loads(json.dumps(welder))
    unknown["requirement"]["occupation"] = unknown["evidence"]["occupation"] = "C7299"
    unknown |= {"name": "a code that ISCO-08 does not have", "differs": "the occupation, asked and shown"}
    unknown["expect"] = {"verdict": "NOT_TRUSTED", "codes": ["occupation.unknown"]}
    by_topic["03-occupation-exists"] = ("rule 3", welder, [unknown])
    broad = case(CENTRE, "any metal trade asked, a welder shown", requirement={"occupation": "C72"})
    by_topic["03-asks-a-whole-group"] = (
        "rule 3",
        broad,
        [neighbour(broad, "another group asked", "requirement.occupation", requirement__occupation="C71")],
    )
    free = case(
        CENTRE,
        "no level and no proof of non-revocation asked",
        requirement={"min_eqf_level": None, "not_revoked": False},
        proven_eqf_level=None,
        status=None,
    )
    by_topic["03-asks-no-level"] = (
        "rules 3 and 13",
        free,
        [
            neighbour(free, "a level asked", "requirement.level", requirement__min_eqf_level=1),
            neighbour(free, "not revoked asked", "requirement.revocation", requirement__not_revoked=True),
        ],
    )
    by_topic["04-objects-of-the-issuer"] = (
        "rule 4",
        welder,
        [
            neighbour(
                welder,
                "definition of a stranger",
                "issuer.foreign_cred_def",
                evidence__source=source(STRANGER, "CredDef"),
            ),
            neighbour(
                welder,
                "registry of a stranger",
                "issuer.foreign_registry",
                evidence__status=source(STRANGER, "Registry"),
            ),
            neighbour(welder, "another issuer's name", "issuer.foreign_cred_def", evidence__issuer=SUSPENDED),
        ],
    )
    expiring = case(CENTRE, "on its last day", expires_on="2026-11-22")
    by_topic["05-not-expired"] = (
        "rule 5",
        expiring,
        [neighbour(expiring, "expired yesterday", "credential.expired", evidence__expires_on="2026-11-21")],
    )
    tomorrow = case(CENTRE, "dated tomorrow, which has begun east of here", awarded=day("2026-11-23"))
    by_topic["06-not-in-future"] = (
        "rule 6",
        tomorrow,
        [
            neighbour(tomorrow, "the day after tomorrow", "award.in_future", evidence__awarded=day("2026-11-24")),
            neighbour(tomorrow, "next year", "award.in_future", evidence__awarded=year(2027)),
        ],
    )
    return by_topic
