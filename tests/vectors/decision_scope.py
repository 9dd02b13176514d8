"""Vectors of rules 7 to 13: what an issuer is accredited for."""

import json

from tests.vectors.decision_ecosystem import (
    AUTHORITY,
    CENTRE,
    EUROPEAN,
    EXCLUDED,
    STRANGER,
    UNION,
)
from tests.vectors.decision_words import NVQ_NEW, NVQ_OLD, Topics, case, day, neighbour, source, year


def topics() -> Topics:
    """Return the cases of these rules."""
    welder = case(CENTRE, "a welder of the centre, awarded in 2024, proves EQF 3 or more for Malta")
    broad = case(CENTRE, "any metal trade asked, a welder shown", requirement={"occupation": "C72"})
    by_topic: Topics = {}
    stranger = json.loads(json.dumps(welder).replace(CENTRE, STRANGER))
    stranger |= {"name": "an issuer that the file does not accredit", "differs": "evidence.issuer, with all it owns"}
    stranger["expect"] = {"verdict": "NOT_TRUSTED", "codes": ["issuer.not_accredited"]}
    authority = json.loads(json.dumps(welder).replace(CENTRE, AUTHORITY))
    authority |= {"name": "the authority itself, described but not accredited", "differs": stranger["differs"]}
    authority["expect"] = stranger["expect"]
    by_topic["07-issuer-is-accredited"] = ("rule 7", welder, [stranger, authority])
    smith = case(
        CENTRE, "a blacksmith, beside an excluded trade", occupation="C7221", requirement={"occupation": "C72"}
    )
    by_topic["08-exclusions-win"] = (
        "rule 8",
        smith,
        [neighbour(smith, "sheet-metal work is excluded", "occupation.excluded", evidence__occupation="C7213")],
    )
    smiths = case(
        CENTRE, "a whole group beside an excluded trade", occupation="C722", requirement={"occupation": "C722"}
    )
    with_excluded = []
    for group, what in (("C721", "the group of the excluded trade"), ("C72", "the group above that")):
        asked = json.loads(json.dumps(smiths))
        asked["requirement"]["occupation"] = asked["evidence"]["occupation"] = group
        asked |= {"name": what, "differs": "the occupation, asked and shown"}
        asked["expect"] = {"verdict": "NOT_TRUSTED", "codes": ["occupation.excluded"]}
        with_excluded.append(asked)
    by_topic["08-a-group-counts-as-a-whole"] = ("rule 8, of every member of a group", smiths, with_excluded)
    kept_out = case(
        EXCLUDED, "a trade beside one that a withdrawn accreditation excludes", requirement={"occupation": "C72"}
    )
    by_topic["08-exclusions-outlive-their-accreditation"] = (
        "rule 8",
        kept_out,
        [
            neighbour(
                kept_out, "excluded by a withdrawn accreditation", "occupation.excluded", evidence__occupation="C7214"
            )
        ],
    )
    by_topic["09-definition-is-listed"] = (
        "rule 9",
        welder,
        [
            neighbour(
                welder,
                "another definition of the same issuer",
                "cred_def.not_listed",
                evidence__source=source(CENTRE, "CredDefSecond"),
            )
        ],
    )
    attendance = case(
        UNION,
        "a type that this definition is listed for",
        credential_type="attendance/1.0",
        source=source(UNION, "CredDefSecond"),
        requirement={"credential_type": "attendance/1.0"},
    )
    by_topic["09-type-is-listed"] = (
        "rule 9",
        attendance,
        [
            neighbour(
                attendance,
                "the definition of another type",
                "credential_type.not_listed",
                evidence__source=source(UNION, "CredDef"),
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
    by_topic["10-occupation-is-covered"] = ("rule 10", broad, [cook, parent])
    by_topic["11-jurisdiction-is-covered"] = (
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
    by_topic["11-one-statement-must-fit"] = ("rules 9 to 14", one_statement, [plumber])
    old = case(CENTRE, "the crosswalk of the time", awarded=day("2019-06-30"), crosswalk_version=NVQ_OLD)
    by_topic["12-crosswalk-in-force"] = (
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
    by_topic["13-level-within-range"] = (
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
    by_topic["13-level-by-the-crosswalk-named"] = (
        "rule 13",
        older,
        [
            neighbour(
                older, "what only the newer crosswalk would give", "level.not_covered", evidence__proven_eqf_level=5
            )
        ],
    )
    european = case(EUROPEAN, "a range in EQF levels", proven_eqf_level=4, requirement={"min_eqf_level": 4})
    by_topic["13-range-in-eqf"] = (
        "rule 13",
        european,
        [neighbour(european, "above the range", "level.not_covered", evidence__proven_eqf_level=5)],
    )
    itself = case(EUROPEAN, "an EQF level needs no crosswalk", framework="EQF", crosswalk_version=None)
    elsewhere = json.loads(json.dumps(itself).replace(EUROPEAN, CENTRE))
    elsewhere |= {"name": "an issuer of NVQ levels only", "differs": "evidence.issuer, with all it owns"}
    elsewhere["expect"] = {"verdict": "NOT_TRUSTED", "codes": ["framework.not_covered"]}
    by_topic["13-eqf-itself"] = ("rules 12 and 13", itself, [elsewhere])
    return by_topic
